package results

import "slices"

// disclosed are the broker settings that decide what a number means and that never hold a secret, by their names in
// RocketMQ 4.5.1 to 5.4.0.
var disclosed = []string{
	"asyncSendEnable", "autoCreateTopicEnable", "brokerFastFailureEnable", "brokerRole", "commitLogCommitLeastPages",
	"defaultTopicQueueNums", "diskMaxUsedSpaceRatio", "enableControllerMode", "enableDLegerCommitLog",
	"enableDLedgerCommitLog", "fileReservedTime", "flushCommitLogLeastPages", "flushCommitLogTimed", "flushDiskType",
	"flushIntervalCommitLog", "haSlaveFallbehindMax", "haMaxGapNotInSync", "inSyncReplicas", "mapedFileSizeCommitLog",
	"mappedFileSizeCommitLog", "maxMessageSize", "minInSyncReplicas", "osPageCacheBusyTimeOutMills",
	"sendMessageThreadPoolNums", "sendThreadPoolQueueCapacity", "slaveTimeout", "storeType", "syncFlushTimeout",
	"totalReplicas", "transientStorePoolEnable", "useReentrantLockWhenPutMessage", "waitTimeMillsInSendQueue",
	"warmMapedFileEnable",
}

// DisclosedSettings are the names of the broker settings that a record may hold.
func DisclosedSettings() []string { return slices.Clone(disclosed) }

// AllowedSettings returns those of a broker's settings that a record may hold; the whole can hold credentials.
func AllowedSettings(all map[string]string) map[string]string {
	allowed := map[string]string{}
	for _, name := range disclosed {
		if value, ok := all[name]; ok {
			allowed[name] = Printable(value)
		}
	}
	return allowed
}
