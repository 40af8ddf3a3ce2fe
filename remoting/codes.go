package remoting

import "strconv"

// RequestCode says what a request asks for (RequestCode.java, RocketMQ 4.5.1 to 5.4.0).
type RequestCode int32

// The requests that a producer, an administrator or a judge of our broker sends.
const (
	SendMessage                RequestCode = 10
	PullMessage                RequestCode = 11
	QueryMessage               RequestCode = 12
	QueryConsumerOffset        RequestCode = 14
	UpdateConsumerOffset       RequestCode = 15
	UpdateAndCreateTopic       RequestCode = 17
	UpdateBrokerConfig         RequestCode = 25
	GetBrokerConfig            RequestCode = 26
	GetBrokerRuntimeInfo       RequestCode = 28
	SearchOffsetByTimestamp    RequestCode = 29
	GetMaxOffset               RequestCode = 30
	GetMinOffset               RequestCode = 31
	GetEarliestStoreTime       RequestCode = 32
	ViewMessageByID            RequestCode = 33
	HeartBeat                  RequestCode = 34
	UnregisterClient           RequestCode = 35
	ConsumerSendMsgBack        RequestCode = 36
	EndTransaction             RequestCode = 37
	GetConsumerListByGroup     RequestCode = 38
	CheckTransactionState      RequestCode = 39
	NotifyConsumerIDsChanged   RequestCode = 40
	LockBatchMQ                RequestCode = 41
	UnlockBatchMQ              RequestCode = 42
	PutKVConfig                RequestCode = 100
	GetKVConfig                RequestCode = 101
	DeleteKVConfig             RequestCode = 102
	RegisterBroker             RequestCode = 103
	UnregisterBroker           RequestCode = 104
	GetRouteInfoByTopic        RequestCode = 105
	GetBrokerClusterInfo       RequestCode = 106
	GetTopicStatsInfo          RequestCode = 202
	GetProducerConnectionList  RequestCode = 204
	GetAllTopicListFromNamesrv RequestCode = 206
	DeleteTopicInBroker        RequestCode = 215
	DeleteTopicInNamesrv       RequestCode = 216
	GetKVListByNamespace       RequestCode = 219
	GetTopicsByCluster         RequestCode = 224
	QueryTopicConsumeByWho     RequestCode = 300
	SendMessageV2              RequestCode = 310
	ViewBrokerStatsData        RequestCode = 315
	SendBatchMessage           RequestCode = 320
	SendReplyMessage           RequestCode = 324
	SendReplyMessageV2         RequestCode = 325
	PushReplyMessageToClient   RequestCode = 326
	GetTopicConfig             RequestCode = 351
	RecallMessage              RequestCode = 370
)

// String is the name in RequestCode.java, or the number.
func (c RequestCode) String() string { return nameOf(requestNames, int32(c)) }

var requestNames = map[int32]string{
	10: "SEND_MESSAGE", 11: "PULL_MESSAGE", 12: "QUERY_MESSAGE", 14: "QUERY_CONSUMER_OFFSET", 15: "UPDATE_CONSUMER_OFFSET",
	17: "UPDATE_AND_CREATE_TOPIC", 25: "UPDATE_BROKER_CONFIG", 26: "GET_BROKER_CONFIG", 28: "GET_BROKER_RUNTIME_INFO",
	29: "SEARCH_OFFSET_BY_TIMESTAMP", 30: "GET_MAX_OFFSET", 31: "GET_MIN_OFFSET", 32: "GET_EARLIEST_MSG_STORETIME",
	33: "VIEW_MESSAGE_BY_ID", 34: "HEART_BEAT", 35: "UNREGISTER_CLIENT", 36: "CONSUMER_SEND_MSG_BACK", 37: "END_TRANSACTION",
	38: "GET_CONSUMER_LIST_BY_GROUP", 39: "CHECK_TRANSACTION_STATE", 40: "NOTIFY_CONSUMER_IDS_CHANGED", 41: "LOCK_BATCH_MQ",
	42: "UNLOCK_BATCH_MQ", 100: "PUT_KV_CONFIG", 101: "GET_KV_CONFIG", 102: "DELETE_KV_CONFIG", 103: "REGISTER_BROKER",
	104: "UNREGISTER_BROKER", 105: "GET_ROUTEINFO_BY_TOPIC", 106: "GET_BROKER_CLUSTER_INFO", 202: "GET_TOPIC_STATS_INFO",
	204: "GET_PRODUCER_CONNECTION_LIST", 206: "GET_ALL_TOPIC_LIST_FROM_NAMESERVER", 215: "DELETE_TOPIC_IN_BROKER",
	216: "DELETE_TOPIC_IN_NAMESRV", 219: "GET_KVLIST_BY_NAMESPACE", 224: "GET_TOPICS_BY_CLUSTER", 300: "QUERY_TOPIC_CONSUME_BY_WHO", 310: "SEND_MESSAGE_V2",
	315: "VIEW_BROKER_STATS_DATA", 320: "SEND_BATCH_MESSAGE", 324: "SEND_REPLY_MESSAGE", 325: "SEND_REPLY_MESSAGE_V2",
	326: "PUSH_REPLY_MESSAGE_TO_CLIENT", 351: "GET_TOPIC_CONFIG", 370: "RECALL_MESSAGE",
}

// Code is how a server answered (ResponseCode.java and RemotingSysResponseCode.java, RocketMQ 4.5.1 to 5.4.0).
type Code int32

// The answers that a producer can meet.
const (
	Success             Code = 0
	SystemError         Code = 1
	SystemBusy          Code = 2
	RequestNotSupported Code = 3
	TransactionFailed   Code = 4
	FlushDiskTimeout    Code = 10
	SlaveNotAvailable   Code = 11
	FlushSlaveTimeout   Code = 12
	MessageIllegal      Code = 13
	ServiceNotAvailable Code = 14
	VersionNotSupported Code = 15
	NoPermission        Code = 16
	TopicNotExist       Code = 17
	TopicExistAlready   Code = 18
	PullNotFound        Code = 19
	PullRetryNow        Code = 20
	PullOffsetMoved     Code = 21
	QueryNotFound       Code = 22
	InvalidParameter    Code = 29
	NoBuyerID           Code = 204
	NotInCurrentUnit    Code = 205
	FlowControl         Code = 215
	NotLeaderForQueue   Code = 501
	IllegalOperation    Code = 604
	GoAway              Code = 1500
)

// String is the name in ResponseCode.java, or the number.
func (c Code) String() string { return nameOf(codeNames, int32(c)) }

var codeNames = map[int32]string{
	0: "SUCCESS", 1: "SYSTEM_ERROR", 2: "SYSTEM_BUSY", 3: "REQUEST_CODE_NOT_SUPPORTED", 4: "TRANSACTION_FAILED",
	10: "FLUSH_DISK_TIMEOUT", 11: "SLAVE_NOT_AVAILABLE", 12: "FLUSH_SLAVE_TIMEOUT", 13: "MESSAGE_ILLEGAL",
	14: "SERVICE_NOT_AVAILABLE", 15: "VERSION_NOT_SUPPORTED", 16: "NO_PERMISSION", 17: "TOPIC_NOT_EXIST",
	18: "TOPIC_EXIST_ALREADY", 19: "PULL_NOT_FOUND", 20: "PULL_RETRY_IMMEDIATELY", 21: "PULL_OFFSET_MOVED",
	22: "QUERY_NOT_FOUND", 29: "INVALID_PARAMETER", 204: "NO_BUYER_ID", 205: "NOT_IN_CURRENT_UNIT", 215: "FLOW_CONTROL",
	501: "NOT_LEADER_FOR_QUEUE", 604: "ILLEGAL_OPERATION", 1500: "GO_AWAY",
}

func nameOf(names map[int32]string, code int32) string {
	if name, ok := names[code]; ok {
		return name
	}
	return strconv.Itoa(int(code))
}

// Language names the client's or server's implementation in a frame (LanguageCode.java).
type Language uint8

// The languages we write or meet most.
const (
	Java  Language = 0
	Other Language = 7
	Go    Language = 9

	unknownLanguage Language = 255 // a JSON name that LanguageCode.java lacks; Java decodes it to null
)

var languages = [...]string{"JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER", "HTTP", "GO", "PHP", "OMS", "RUST", "NODE_JS"}

// String is the name that the JSON header carries, or the number of a language that LanguageCode.java lacks.
func (l Language) String() string {
	if int(l) < len(languages) {
		return languages[l]
	}
	return strconv.Itoa(int(l))
}

// Serialize is how a frame's header is written: the top byte of the mark (SerializeType.java). A frame is always
// decoded by its own byte: servers answer in their configured type, whatever the request used.
type Serialize uint8

// Both header serializations.
const (
	JSON     Serialize = 0
	RocketMQ Serialize = 1 // binary
)

// String is the name that RocketMQ's own configuration takes.
func (s Serialize) String() string {
	switch s {
	case JSON:
		return "JSON"
	case RocketMQ:
		return "ROCKETMQ"
	}
	return strconv.Itoa(int(s))
}

// Version451 is what we say we speak: RocketMQ 4.5.1 (MQVersion.java, V4_5_1).
const Version451 = 315

// VersionName is the release behind a frame's version, or the number for one that the list lacks.
func VersionName(v int32) string {
	if name, ok := versionNames[v]; ok {
		return name
	}
	return "version " + strconv.Itoa(int(v))
}

// Ordinals of MQVersion.java: two a release, the even one its snapshot.
var versionNames = map[int32]string{
	213: "4.0.0", 315: "4.5.1", 317: "4.5.2", 333: "4.6.0", 393: "4.9.0", 401: "4.9.4", 403: "4.9.5", 405: "4.9.6", 407: "4.9.7",
	413: "5.0.0", 433: "5.1.0", 473: "5.3.0", 475: "5.3.1", 493: "5.4.0",
}
