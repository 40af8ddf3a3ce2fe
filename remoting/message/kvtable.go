package message

// KVTable is a table of texts: the reply to GET_BROKER_RUNTIME_INFO and to GET_KVLIST_BY_NAMESPACE (KVTable.java).
type KVTable map[string]string

// AppendJSON appends the body, keys in order.
func (t KVTable) AppendJSON(dst []byte) []byte {
	w := jsonWriter{out: dst}
	w.open('{')
	w.key("table")
	w.table(t)
	w.close('}')
	return w.out
}

// ParseKVTable reads the body. The error is a [*BodyError].
func ParseKVTable(text []byte) (KVTable, error) {
	d := bodyDecoder{body: "kv table"}
	t := KVTable(d.table(d.root(text), "table"))
	if d.err != nil {
		return nil, d.err
	}
	return t, nil
}

func (w *jsonWriter) table(t map[string]string) {
	w.open('{')
	for _, key := range sortedKeys(t) {
		w.key(key)
		w.string(t[key])
	}
	w.close('}')
}

func (d *bodyDecoder) table(v *jsonValue, key string) map[string]string {
	t := map[string]string{}
	for _, m := range d.members(v.get(key), key) {
		t[m.name] = m.value.asString()
	}
	return t
}
