package message

// Connection is a client of a broker.
type Connection struct {
	ClientID   string
	ClientAddr string // host:port, as the broker sees it
	Language   string // "JAVA", "GO", …
	Version    int    // of its requests: 315 is 4.5.1
}

// ProducerConnection is a group's producers on one broker: the reply to GET_PRODUCER_CONNECTION_LIST
// (ProducerConnection.java).
type ProducerConnection []Connection

// AppendJSON appends the body.
func (p ProducerConnection) AppendJSON(dst []byte) []byte {
	w := jsonWriter{out: dst}
	w.open('{')
	w.key("connectionSet")
	w.open('[')
	for _, c := range p {
		w.open('{')
		w.key("clientAddr")
		w.string(c.ClientAddr)
		w.key("clientId")
		w.string(c.ClientID)
		w.key("language")
		w.string(c.Language)
		w.key("version")
		w.int(int64(c.Version))
		w.close('}')
	}
	w.close(']')
	w.close('}')
	return w.out
}

// ParseProducerConnection reads the body. The error is a [*BodyError].
func ParseProducerConnection(text []byte) (ProducerConnection, error) {
	d := bodyDecoder{body: "producer connection"}
	var p ProducerConnection
	for _, v := range d.array(d.root(text).get("connectionSet"), "connectionSet") {
		p = append(p, Connection{
			ClientID:   v.get("clientId").asString(),
			ClientAddr: v.get("clientAddr").asString(),
			Language:   v.get("language").asString(),
			Version:    d.int(v, "version"),
		})
	}
	if d.err != nil {
		return nil, d.err
	}
	return p, nil
}
