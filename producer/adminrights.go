package producer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"rmqbench/remoting"
)

// ErrTaken is TrySend's and TryCreateTopic's error where a server did what it had to refuse: it is none of RocketMQ's.
var ErrTaken = errors.New("it did what it was asked for, which no RocketMQ broker does")

// TrySend finds out whether we may send to a topic that a broker has, storing nothing: it sends to a queue that can't be there,
// which brokers refuse only once they have looked at who asks (AbstractSendMessageProcessor.msgCheck, 4.5.1 to 5.4.0). nil: we
// may. A *remoting.BrokerError that is Unauthorized: we may not; any other error leaves it open. No topic is created by it.
func (a *Admin) TrySend(ctx context.Context, broker, name, topic string) error {
	req := remoting.NewRequest(remoting.SendMessage, field("producerGroup", "rmqbench-doctor"), field("topic", topic),
		field("defaultTopic", "RMQBENCH_NONE"), field("defaultTopicQueueNums", "1"), // the model of topics to create isn't there either
		field("queueId", strconv.Itoa(math.MaxInt32)), field("sysFlag", "0"), field("bornTimestamp", strconv.FormatInt(time.Now().UnixMilli(), 10)),
		field("flag", "0"), field("reconsumeTimes", "0"), field("unitMode", "false"), field("batch", "false"), field("bname", name))
	req.Body = []byte("rmqbench doctor: may I send?")
	_, err := a.ask(ctx, broker, req)
	return tried(err, func(be *remoting.BrokerError) bool {
		return be.Code == remoting.NotLeaderForQueue || strings.Contains(be.Remark, "queueId") && strings.Contains(be.Remark, "illegal")
	})
}

// safeFrom is the first release that is known to look at a topic's name before it makes it.
const safeFrom = 393 // 4.9.0

// TryCreateTopic finds out whether we may create topics on a broker, creating none: it asks for one whose name has a character
// that brokers refuse, once they have looked at who asks (AdminBrokerProcessor.updateAndCreateTopic, 4.9.7 and 5.4.0). The
// name begins with prefix, so that rights to a prefix count. The error is as TrySend's; brokers before 4.9 aren't asked.
func (a *Admin) TryCreateTopic(ctx context.Context, broker, prefix string) error {
	version, err := a.Version(ctx, broker)
	if err != nil {
		return err
	}
	if version < safeFrom {
		return fmt.Errorf("a broker of %s might create one: not asked", remoting.VersionName(version))
	}
	req := remoting.NewRequest(remoting.UpdateAndCreateTopic, field("topic", prefix+"?"), field("defaultTopic", "RMQBENCH_NONE"),
		field("readQueueNums", "1"), field("writeQueueNums", "1"), field("perm", "6"), field("topicFilterType", "SINGLE_TAG"), field("topicSysFlag", "0"), field("order", "false"))
	_, err = a.ask(ctx, broker, req)
	return tried(err, func(be *remoting.BrokerError) bool { return strings.Contains(be.Remark, "illegal characters") })
}

// tried reads the answer to what had to be refused: nil if the refusal is the one that says that we might.
func tried(err error, harmless func(*remoting.BrokerError) bool) error {
	if err == nil {
		return ErrTaken
	}
	if be, ok := errors.AsType[*remoting.BrokerError](err); ok && !be.Unauthorized() && harmless(be) {
		return nil
	}
	return err
}

// ConsumerGroups are the groups that a broker knows to consume a topic, now or before (AdminBrokerProcessor.queryTopicConsumeByWho).
func (a *Admin) ConsumerGroups(ctx context.Context, broker, topic string) ([]string, error) {
	return askBody(ctx, a, broker, remoting.NewRequest(remoting.QueryTopicConsumeByWho, field("topic", topic)), func(body []byte) ([]string, error) {
		var list struct {
			Groups []string `json:"groupList"`
		}
		err := json.Unmarshal(body, &list)
		return list.Groups, err
	})
}
