package message

// TopicList is the topics of a name server or cluster: the reply to GET_ALL_TOPIC_LIST_FROM_NAMESERVER and to
// GET_TOPICS_BY_CLUSTER (TopicList.java).
type TopicList struct {
	Topics     []string // in no order
	BrokerAddr string   // "" unless one broker answers for itself
}

// AppendJSON appends the body.
func (l *TopicList) AppendJSON(dst []byte) []byte {
	w := jsonWriter{out: dst}
	w.open('{')
	if l.BrokerAddr != "" {
		w.key("brokerAddr")
		w.string(l.BrokerAddr)
	}
	w.key("topicList")
	w.strings(l.Topics)
	w.close('}')
	return w.out
}

// ParseTopicList reads the body. The error is a [*BodyError].
func ParseTopicList(text []byte) (*TopicList, error) {
	d := bodyDecoder{body: "topic list"}
	root := d.root(text)
	l := &TopicList{BrokerAddr: root.get("brokerAddr").asString()}
	for _, v := range d.array(root.get("topicList"), "topicList") {
		l.Topics = append(l.Topics, v.asString())
	}
	if d.err != nil {
		return nil, d.err
	}
	return l, nil
}
