package message

// Reserved property keys (MessageConst.java, RocketMQ 5.4.0). A producer that sets one of them by hand speaks to the
// broker, not to its consumers.
const (
	// Set by applications.
	PropertyKeys        = "KEYS"          // index keys, separated by spaces
	PropertyTags        = "TAGS"          // one tag; brokers filter on its [JavaHash]
	PropertyShardingKey = "__SHARDINGKEY" // messages of one key keep their order
	PropertyPriority    = "_SYS_MSG_PRIORITY_"
	PropertyBuyerID     = "BUYER_ID"

	// Set by the client on every send.
	PropertyWaitStoreOK     = "WAIT"        // "true" or "false": answer only once stored; absent means true
	PropertyUniqueKey       = "UNIQ_KEY"    // [UniqueID] as hex; kept when it is there already
	PropertyInstanceID      = "INSTANCE_ID" // namespace (v1) of the producer
	PropertyExtendUniqInfo  = "EXTEND_UNIQ_INFO"
	PropertyMessageRegion   = "MSG_REGION"
	PropertyTraceOn         = "TRACE_ON"
	PropertyTransferFlag    = "TRANSFER_FLAG"
	PropertyCorrectionFlag  = "CORRECTION_FLAG"
	PropertyMQ2Flag         = "MQ2_FLAG"
	PropertyDupInfo         = "DUP_INFO"
	PropertyBornHost        = "__BORNHOST"
	PropertyBornTimestamp   = "BORN_TIMESTAMP"
	PropertyCRC32           = "__CRC32#"         // see [AppendCRCProperty]
	PropertyTransientPrefix = "__RMQ.TRANSIENT." // keys that begin so are not stored

	// Delay and timer.
	PropertyDelay           = "DELAY"            // level 1 to 18
	PropertyTimerDeliverMS  = "TIMER_DELIVER_MS" // deliver at, ms since the epoch
	PropertyTimerDelaySec   = "TIMER_DELAY_SEC"  // deliver in, s
	PropertyTimerDelayMS    = "TIMER_DELAY_MS"   // deliver in, ms
	PropertyTimerOutMS      = "TIMER_OUT_MS"     // from here on the broker's own
	PropertyTimerEnqueueMS  = "TIMER_ENQUEUE_MS"
	PropertyTimerDequeueMS  = "TIMER_DEQUEUE_MS"
	PropertyTimerRollTimes  = "TIMER_ROLL_TIMES"
	PropertyTimerRollLabel  = "TIMER_ROLL_LABEL"
	PropertyTimerDelUniqKey = "TIMER_DEL_UNIQKEY"
	PropertyTimerDelayLevel = "TIMER_DELAY_LEVEL"

	// Transactions. A half message has both of the first two.
	PropertyTransactionPrepared    = "TRAN_MSG" // "true"
	PropertyProducerGroup          = "PGROUP"
	PropertyTransactionQueueOffset = "TRAN_PREPARED_QUEUE_OFFSET"
	PropertyTransactionCheckTimes  = "TRANSACTION_CHECK_TIMES"
	PropertyCheckImmunityTime      = "CHECK_IMMUNITY_TIME_IN_SECONDS"
	PropertyTransactionID          = "__transactionId__"
	PropertyTransactionOffset      = "TRANS_OFFSET"

	// Request and reply.
	PropertyCorrelationID = "CORRELATION_ID"
	PropertyReplyToClient = "REPLY_TO_CLIENT" // client id of who asks
	PropertyTTL           = "TTL"             // ms
	PropertyMessageType   = "MSG_TYPE"        // "reply" on a reply
	PropertyCluster       = "CLUSTER"         // the broker adds it to every stored message
	PropertyArriveTime    = "ARRIVE_TIME"
	PropertyPushReplyTime = "PUSH_REPLY_TIME"

	// Redirections and retries.
	PropertyRealTopic          = "REAL_TOPIC"
	PropertyRealQueueID        = "REAL_QID"
	PropertyRetryTopic         = "RETRY_TOPIC"
	PropertyOriginMessageID    = "ORIGIN_MESSAGE_ID"
	PropertyReconsumeTime      = "RECONSUME_TIME"
	PropertyMaxReconsumeTimes  = "MAX_RECONSUME_TIMES"
	PropertyDLQOriginTopic     = "DLQ_ORIGIN_TOPIC"
	PropertyDLQOriginMessageID = "DLQ_ORIGIN_MESSAGE_ID"
	PropertyOriginGroup        = "ORIGIN_GROUP"

	// Batches within batches and light queues.
	PropertyInnerNum              = "INNER_NUM"
	PropertyInnerBase             = "INNER_BASE"
	PropertyInnerMultiDispatch    = "INNER_MULTI_DISPATCH"
	PropertyInnerMultiQueueOffset = "INNER_MULTI_QUEUE_OFFSET"

	// Consumption.
	PropertyMinOffset        = "MIN_OFFSET"
	PropertyMaxOffset        = "MAX_OFFSET"
	PropertyConsumeStartTime = "CONSUME_START_TIME"
	PropertyPopCheckPoint    = "POP_CK" // taken out of every send
	PropertyPopCKOffset      = "POP_CK_OFFSET"
	PropertyFirstPopTime     = "1ST_POP_TIME"
)

// ReservedProperty says that client and broker use a key between them, so that it is no application's to set
// (MessageConst.STRING_HASH_SET, RocketMQ 5.4.0). Of those "set by applications" it is all that a message has a field for.
func ReservedProperty(key string) bool {
	switch key {
	case PropertyKeys, PropertyTags, PropertyShardingKey, PropertyBuyerID,
		PropertyWaitStoreOK, PropertyUniqueKey, PropertyInstanceID, PropertyExtendUniqInfo, PropertyMessageRegion, PropertyTraceOn,
		PropertyTransferFlag, PropertyCorrectionFlag, PropertyMQ2Flag, PropertyDupInfo, PropertyBornHost, PropertyBornTimestamp, PropertyCRC32,
		PropertyDelay, PropertyTimerDeliverMS, PropertyTimerDelaySec, PropertyTimerDelayMS, PropertyTimerOutMS, PropertyTimerEnqueueMS,
		PropertyTimerDequeueMS, PropertyTimerRollTimes, PropertyTimerRollLabel, PropertyTimerDelUniqKey, PropertyTimerDelayLevel,
		PropertyTransactionPrepared, PropertyProducerGroup, PropertyTransactionQueueOffset, PropertyTransactionCheckTimes,
		PropertyTransactionID, PropertyTransactionOffset,
		PropertyCorrelationID, PropertyReplyToClient, PropertyTTL, PropertyMessageType, PropertyCluster, PropertyArriveTime, PropertyPushReplyTime,
		PropertyRealTopic, PropertyRealQueueID, PropertyRetryTopic, PropertyOriginMessageID, PropertyReconsumeTime, PropertyMaxReconsumeTimes,
		PropertyDLQOriginTopic, PropertyDLQOriginMessageID, PropertyOriginGroup,
		PropertyInnerNum, PropertyInnerBase, PropertyInnerMultiDispatch, PropertyInnerMultiQueueOffset,
		PropertyMinOffset, PropertyMaxOffset, PropertyConsumeStartTime, PropertyPopCheckPoint, PropertyPopCKOffset, PropertyFirstPopTime:
		return true
	}
	return false
}
