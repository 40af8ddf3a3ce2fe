package message

// TopicConfig is a topic as one broker has it: the reply to GET_TOPIC_CONFIG (TopicConfig.java).
type TopicConfig struct {
	Name         string
	ReadQueues   int
	WriteQueues  int
	Perm         Perm
	TopicSysFlag int
	Order        bool
	FilterType   string            // "SINGLE_TAG" or "MULTI_TAG"; "" means the first
	Attributes   map[string]string // without the + that a request puts before a key
}

// AppendJSON appends the body.
func (c *TopicConfig) AppendJSON(dst []byte) []byte {
	w := jsonWriter{out: dst}
	w.topicConfig(c)
	return w.out
}

func (w *jsonWriter) topicConfig(c *TopicConfig) {
	filter := c.FilterType
	if filter == "" {
		filter = singleTag
	}
	w.open('{')
	w.key("attributes")
	w.table(c.Attributes)
	w.key("order")
	w.bool(c.Order)
	w.key("perm")
	w.int(int64(c.Perm))
	w.key("readQueueNums")
	w.int(int64(c.ReadQueues))
	w.key("topicFilterType")
	w.string(filter)
	w.key("topicName")
	w.string(c.Name)
	w.key("topicSysFlag")
	w.int(int64(c.TopicSysFlag))
	w.key("writeQueueNums")
	w.int(int64(c.WriteQueues))
	w.close('}')
}

const singleTag = "SINGLE_TAG"

// ParseTopicConfig reads the body. The error is a [*BodyError].
func ParseTopicConfig(text []byte) (*TopicConfig, error) {
	d := bodyDecoder{body: "topic config"}
	c := d.topicConfig(d.root(text))
	if d.err != nil {
		return nil, d.err
	}
	return &c, nil
}

func (d *bodyDecoder) topicConfig(v *jsonValue) TopicConfig {
	c := TopicConfig{
		Name:         v.get("topicName").asString(),
		ReadQueues:   d.int(v, "readQueueNums"),
		WriteQueues:  d.int(v, "writeQueueNums"),
		Perm:         Perm(d.int(v, "perm")),
		TopicSysFlag: d.int(v, "topicSysFlag"),
		Order:        v.get("order").asBool(),
		FilterType:   v.get("topicFilterType").asString(),
		Attributes:   d.table(v, "attributes"),
	}
	if c.FilterType == "" {
		c.FilterType = singleTag
	}
	return c
}
