package message

// ClusterInfo is every broker that a name server knows: the reply to GET_BROKER_CLUSTER_INFO (ClusterInfo.java).
type ClusterInfo struct {
	Brokers  map[string]BrokerData // by broker name
	Clusters map[string][]string   // broker names, by cluster name
}

// AppendJSON appends the body as name servers of every version write it: numeric keys bare.
func (c *ClusterInfo) AppendJSON(dst []byte) []byte {
	w := jsonWriter{out: dst, bareNumbers: true}
	w.open('{')
	w.key("brokerAddrTable")
	w.open('{')
	for _, name := range sortedKeys(c.Brokers) {
		b := c.Brokers[name]
		w.key(name)
		w.broker(&b)
	}
	w.close('}')
	w.key("clusterAddrTable")
	w.open('{')
	for _, name := range sortedKeys(c.Clusters) {
		w.key(name)
		w.strings(c.Clusters[name])
	}
	w.close('}')
	w.close('}')
	return w.out
}

// ParseClusterInfo reads the body. More than [MaxRouteQueues] addresses or names are an error, a [*BodyError].
func ParseClusterInfo(text []byte) (*ClusterInfo, error) {
	d := bodyDecoder{body: "cluster info"}
	root := d.root(text)
	c := &ClusterInfo{Brokers: map[string]BrokerData{}, Clusters: map[string][]string{}}
	addrs, names := 0, 0
	for _, m := range d.members(root.get("brokerAddrTable"), "brokerAddrTable") {
		c.Brokers[m.name] = d.broker(m.value, &addrs)
	}
	for _, m := range d.members(root.get("clusterAddrTable"), "clusterAddrTable") {
		c.Clusters[m.name] = d.strings(m.value, "clusterAddrTable", &names)
	}
	if d.err != nil {
		return nil, d.err
	}
	return c, nil
}
