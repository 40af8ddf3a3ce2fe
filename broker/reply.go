package broker

import (
	"slices"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// pushTimeout is how long a client may take to say that it has a reply (Broker2Client.callClient, 5.3.3).
const pushTimeout = 10 * time.Second

// sendReply is SEND_REPLY_MESSAGE and its V2: the reply to a request goes to who asked, and when that client has it, or
// hasn't, the replier is answered (ReplyMessageProcessor.java, 5.3.3). It is stored in any case.
func (b *Broker) sendReply(req *remoting.Request) {
	s := sendings.Get().(*sending)
	defer s.release()
	if err := s.view.Parse(&req.Head); err != nil {
		b.reply(req, answer(remoting.SystemError, err.Error()))
		return
	}
	props := message.DecodeProperties(s.view.Properties)
	props.Set(message.PropertyMessageRegion, region)
	props.Set(message.PropertyTraceOn, "true")
	if no := b.storeReply(s, req, props); no.code != 0 {
		b.refuse(req, no)
		return
	}
	p := &push{broker: b, to: req.Later(), said: answer(remoting.Success, "", remoting.Field{Key: "msgId", Value: string(s.ids)}, longField("queueId", int64(s.reply.QueueID)),
		longField("queueOffset", s.reply.QueueOffset), remoting.Field{Key: "MSG_REGION", Value: region}, remoting.Field{Key: "TRACE_ON", Value: "true"})}
	p.said.Serialize = b.opts.serialization(&req.Head)
	p.call.Receiver = p
	client, ok := props.Get(message.PropertyReplyToClient)
	if !ok {
		p.answer("reply message properties[" + message.PropertyReplyToClient + "] is null")
		return
	}
	conn := b.clients.find(client)
	if conn == nil {
		p.answer("push reply message fail, channel of <" + client + "> not found.")
		return
	}
	p.client = client
	if err := conn.Start(&p.call, b.pushRequest(s, props), slices.Clone(req.Body), remoting.Nanotime()+int64(pushTimeout)); err != nil {
		p.Done(err)
	}
}

// storeReply keeps a reply in the topic that it names. What is too large to be kept goes to the client nevertheless.
func (b *Broker) storeReply(s *sending, req *remoting.Request, props message.Properties) refusal {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, no := b.target(s, peer(req.Conn))
	if t == nil {
		return no
	}
	s.reply.QueueOffset, s.ids = 0, append(s.ids[:0], '0')
	if r := &s.record; len(req.Body) <= b.opts.MaxMessageSize && message.PropertiesLen(props) <= message.MaxPropertiesLen {
		r.Body, r.EncodedProperties = req.Body, message.AppendProperties(nil, props)
		b.put(t, r)
		s.reply.QueueOffset, s.ids = r.QueueOffset, r.OffsetID().AppendHex(s.ids[:0])
	}
	return refusal{}
}

// pushRequest is PUSH_REPLY_MESSAGE_TO_CLIENT.
func (b *Broker) pushRequest(s *sending, props message.Properties) *remoting.Command {
	v, r := &s.view, &s.record
	props.Set(message.PropertyPushReplyTime, decimal(time.Now().UnixMilli()))
	text := func(key string, value []byte) remoting.Field { return remoting.Field{Key: key, Value: string(value)} }
	return &remoting.Command{Serialize: remoting.JSON, Code: int32(remoting.PushReplyMessageToClient), Language: remoting.Go, Version: claimedVersion, Ext: []remoting.Field{
		text("producerGroup", v.ProducerGroup), text("topic", v.Topic), text("defaultTopic", v.DefaultTopic), longField("defaultTopicQueueNums", int64(v.DefaultQueueNums)),
		longField("queueId", int64(v.QueueID)), longField("sysFlag", int64(v.SysFlag)), longField("bornTimestamp", v.BornTimestamp), longField("flag", int64(v.Flag)),
		text("properties", message.AppendProperties(nil, props)), longField("reconsumeTimes", int64(v.ReconsumeTimes)), boolField("unitMode", v.UnitMode),
		{Key: "bornHost", Value: r.BornHost.String()}, {Key: "storeHost", Value: r.StoreHost.String()}, longField("storeTimestamp", r.StoreTime)}}
}

// push is a reply on its way to who asked, and the replier's answer.
type push struct {
	call   remoting.Call
	broker *Broker
	client string // id
	to     remoting.Later
	said   *remoting.Command
	code   remoting.Code // the client's
}

// Receive notes what the client says.
func (p *push) Receive(head *remoting.Head, _ []byte) { p.code = remoting.Code(head.Code) }

// Done answers the replier.
func (p *push) Done(err error) {
	if err != nil || p.code != remoting.Success {
		p.answer("push reply message to " + p.client + "fail.") // sic
		return
	}
	p.answer("")
}

// answer tells the replier that all went well, or what didn't.
func (p *push) answer(remark string) {
	if remark != "" {
		p.said.Code, p.said.Remark = int32(remoting.SystemError), remark
	}
	p.broker.pacer.answer(p.to, p.said, nil)
}
