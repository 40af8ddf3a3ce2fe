package producer

import (
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Profile is whose defaults the fields of [Options] have that are left zero. docs/producer.md lists what differs, and
// where we depart from that version all the same.
type Profile uint8

// The profiles.
const (
	Java451 Profile = iota // RocketMQ 4.5.1's Java client
	Java54                 // RocketMQ 5.4.0's
	Measure                // 4.5.1's without retries: what each send came to is seen
)

var profileNames = [...]string{"java-4.5.1", "java-5.4", "measure"}

// String is the profile's name in scenarios.
func (p Profile) String() string { return profileNames[p] }

// retries is how many attempts follow the first.
func (p Profile) retries() int {
	if p == Measure {
		return none
	}
	return 2
}

// retryCodes are the answers after which a sync send goes to another broker.
func (p Profile) retryCodes() []remoting.Code {
	if p == Java54 {
		return slices.Clone(retryCodes54)
	}
	return slices.Clone(retryCodes451)
}

// instanceName stands for an instance that wasn't named: 4.5.1 takes the process's number (ClientConfig.
// changeInstanceNameToPID), so that its producers share one client instance; 5.x adds a time, so that none do.
func (p Profile) instanceName() string {
	pid := strconv.Itoa(os.Getpid())
	if p != Java54 {
		return pid
	}
	for {
		last := lastInstance.Load()
		if now := max(time.Now().UnixNano(), last+1); lastInstance.CompareAndSwap(last, now) {
			return pid + "#" + strconv.FormatInt(now, 10)
		}
	}
}

// lastInstance is the time in the last name of an instance.
var lastInstance atomic.Int64

// compression is how a body's compression is written into its sysFlag: t, or the profile's default if t is 0. 4.5.1 knows
// ZLIB only and has no bits for a type; whoever reads none takes ZLIB.
func (p Profile) compression(t message.CompressionType) (message.CompressionType, message.SysFlag) {
	switch {
	case t != 0:
		return t, message.SysFlag(0).WithCompression(t)
	case p == Java54:
		return message.ZLIB, message.SysFlag(0).WithCompression(message.ZLIB)
	}
	return message.ZLIB, message.FlagCompressed
}
