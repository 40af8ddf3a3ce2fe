package message

// TopicStats is what one broker holds of a topic: the reply to GET_TOPIC_STATS_INFO (TopicStatsTable.java).
type TopicStats struct {
	Queues []QueueStats
	PutTPS float64 // messages a second put into the topic; 5.x
}

// QueueStats is what one queue holds.
type QueueStats struct {
	Topic      string
	Broker     string
	Queue      int
	MinOffset  int64 // of the oldest message that is still there
	MaxOffset  int64 // of the next message
	LastUpdate int64 // ms since the epoch, when the last message was stored; 0 when there is none
}

// AppendJSON appends the body as brokers write it, each queue as an object that is a key.
func (s *TopicStats) AppendJSON(dst []byte) []byte {
	w := jsonWriter{out: dst}
	w.open('{')
	w.key("offsetTable")
	w.open('{')
	for i := range s.Queues {
		q := &s.Queues[i]
		w.open('{')
		w.key("brokerName")
		w.string(q.Broker)
		w.key("queueId")
		w.int(int64(q.Queue))
		w.key("topic")
		w.string(q.Topic)
		w.close('}')
		w.colon()
		w.open('{')
		w.key("lastUpdateTimestamp")
		w.int(q.LastUpdate)
		w.key("maxOffset")
		w.int(q.MaxOffset)
		w.key("minOffset")
		w.int(q.MinOffset)
		w.close('}')
	}
	w.close('}')
	w.key("topicPutTps")
	w.float(s.PutTPS)
	w.close('}')
	return w.out
}

// ParseTopicStats reads the body, queues in the order of the text. The error is a [*BodyError].
func ParseTopicStats(text []byte) (*TopicStats, error) {
	d := bodyDecoder{body: "topic stats"}
	root := d.root(text)
	s := &TopicStats{PutTPS: root.get("topicPutTps").asFloat()}
	for _, m := range d.members(root.get("offsetTable"), "offsetTable") {
		if m.key == nil {
			d.fail("offsetTable has the key %.80q, which is no queue", m.name)
			break
		}
		s.Queues = append(s.Queues, QueueStats{
			Topic:      m.key.get("topic").asString(),
			Broker:     m.key.get("brokerName").asString(),
			Queue:      d.int(m.key, "queueId"),
			MinOffset:  d.int64(m.value, "minOffset"),
			MaxOffset:  d.int64(m.value, "maxOffset"),
			LastUpdate: d.int64(m.value, "lastUpdateTimestamp"),
		})
	}
	if d.err != nil {
		return nil, d.err
	}
	return s, nil
}
