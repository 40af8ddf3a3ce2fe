package producer

import (
	"context"
	"fmt"
	"strings"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// Recall takes back a timer message that has not been delivered yet, by its SendResult.RecallHandle, and returns its id
// (DefaultMQProducerImpl.recallMessage, from 5.3.2 on). Brokers allow it only with recallMessageEnable=true. The error
// wraps a *remoting.BrokerError, a *remoting.CallError, a *RouteError, or says what is wrong with topic or handle.
func (p *Producer) Recall(ctx context.Context, topic, handle string) (id string, err error) {
	in, err := p.running("recall")
	if err != nil {
		return "", err
	}
	if id, err = p.recall(ctx, in, topic, handle); err != nil {
		return "", fmt.Errorf("recall from %s: %w", topic, err)
	}
	return id, nil
}

func (p *Producer) recall(ctx context.Context, in *instance, topic, handle string) (string, error) {
	if err := message.CheckTopic(topic); err != nil {
		return "", err
	}
	if strings.HasPrefix(topic, message.RetryPrefix) || strings.HasPrefix(topic, message.DLQPrefix) {
		return "", &message.NameError{What: "topic", Name: topic, Problem: "holds no timer messages", Allowed: "any but a retry or dead letter topic"}
	}
	h, err := message.ParseRecallHandle(handle)
	if err != nil {
		return "", err
	}
	wire := message.WrapNamespace(p.opts.Namespace, topic)
	ctx, cancel := context.WithTimeout(ctx, p.opts.SendTimeout)
	defer cancel()
	r, err := in.routes.find(ctx, wire, p.borrowed(), p.opts.DefaultTopicQueues)
	if err != nil {
		return "", err
	}
	addr := in.routes.masters()[h.Broker]
	if addr == "" { // as Java: a proxy serves under another name
		addr = r.queues[0].addr
	}
	reply, err := in.admin.ask(ctx, addr, remoting.NewRequest(remoting.RecallMessage,
		remoting.Field{Key: "producerGroup", Value: p.opts.Group}, remoting.Field{Key: "topic", Value: wire},
		remoting.Field{Key: "recallHandle", Value: handle}, remoting.Field{Key: "bname", Value: h.Broker}))
	if p.trace != nil {
		p.trace.recalled(topic, h.UniqueID, err)
	}
	if err != nil {
		return "", err
	}
	id, _ := reply.Get("msgId")
	return id, nil
}
