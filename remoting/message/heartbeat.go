package message

// Heartbeat is what a client tells each broker it talks to (HeartbeatData.java). A broker knows by it which connection
// serves which group.
type Heartbeat struct {
	ClientID  string
	Producers []string // groups
	Consumers []string // groups; their subscriptions are not read
}

// AppendJSON appends the heartbeat as a producer of 5.4.0 writes it; consumers are left out.
func (h *Heartbeat) AppendJSON(dst []byte) []byte {
	w := jsonWriter{out: dst}
	w.open('{')
	w.key("clientID")
	w.string(h.ClientID)
	w.key("consumerDataSet")
	w.strings(nil)
	w.key("heartbeatFingerprint")
	w.int(0)
	w.key("producerDataSet")
	w.open('[')
	for _, group := range h.Producers {
		w.open('{')
		w.key("groupName")
		w.string(group)
		w.close('}')
	}
	w.close(']')
	w.key("withoutSub")
	w.bool(false)
	w.close('}')
	return w.out
}

// ParseHeartbeat reads a client's heartbeat. The error is a [*BodyError].
func ParseHeartbeat(text []byte) (*Heartbeat, error) {
	d := bodyDecoder{body: "heartbeat"}
	root := d.root(text)
	h := &Heartbeat{
		ClientID:  root.get("clientID").asString(),
		Producers: d.groups(root, "producerDataSet"),
		Consumers: d.groups(root, "consumerDataSet"),
	}
	if d.err != nil {
		return nil, d.err
	}
	return h, nil
}

func (d *bodyDecoder) groups(root *jsonValue, key string) []string {
	var groups []string
	for _, v := range d.array(root.get(key), key) {
		groups = append(groups, v.get("groupName").asString())
	}
	return groups
}
