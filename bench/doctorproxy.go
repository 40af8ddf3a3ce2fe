package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

// checkProxies looks at what can be looked at where proxies stand for the name servers; answered are the checks of who was asked, one an
// address.
func (d *doctor) checkProxies(ctx context.Context, proxies []nameServerAnswer, answered []Check) []Check {
	var names []string
	checks := answered
	for i, addr := range d.NameServers {
		for _, p := range proxies {
			if p.addr == addr {
				names = append(names, addr)
				checks[i] = Check{What: "proxy " + addr, Detail: fmt.Sprintf("its remoting port answers in %s; speaks as %s", results.FormatDuration(int64(p.took)), p.version), Next: d.nextRun("", 1)}
			}
		}
		checks[i].Level = min(checks[i].Level, Warn) // a run goes on with those that answer
	}
	d.admin = producer.NewAdmin(d.client, names)
	d.admin.Timeout = askFor
	server := serverBehind(names[0])
	if err := letIn(ctx, d.admin, &message.BrokerData{Addrs: map[int64]string{0: names[0]}}); d.Security.advice(err) != "" {
		checks = append(checks, d.advised(Check{Level: Fail, What: "credentials at proxy " + names[0], Detail: err.Error()}, err))
	}
	topic := d.Topic
	if topic == "" {
		topic = message.DefaultTopic
	}
	r, err := d.admin.Route(ctx, topic)
	c := Check{What: "topic " + topic}
	switch {
	case d.Topic != "" && producer.UnknownTopic(err):
		c.Level, c.Detail, c.Next = Fail, "not there", topicLine(server, producer.Topic{Name: topic, Cluster: "CLUSTER", Queues: 8})
		checks = append(checks, c)
	case d.Topic != "" && err != nil:
		c.Level, c.Detail, c.Next = Fail, err.Error(), fmt.Sprintf("mqadmin topicRoute -n %s -t %s", server, topic)
		checks = append(checks, c)
	case err == nil:
		for _, addr := range mastersIn(r) {
			checks = append(checks, d.checkProxyAt(ctx, addr))
		}
		if d.Topic != "" {
			checks = append(checks, d.checkProxyTopic(ctx, r, server)...)
		}
	}
	return append(checks, Check{What: "brokers", Detail: "no claim about single ones through a proxy: their versions, roles, disks and clocks, the topic's type and who else uses it aren't told",
		Next: "rmqbench doctor -n " + server + ", if the name server behind it is there"})
}

// checkProxyAt dials the address that a proxy gives for every broker.
func (d *doctor) checkProxyAt(ctx context.Context, addr string) Check {
	c := Check{What: "address that it gives for every broker, " + addr}
	began := time.Now()
	if _, err := d.client.Endpoint(addr).Connect(ctx, askFor); err != nil {
		c.Level, c.Detail, c.Next = Fail, err.Error(), proxyAt(addr)
		return d.advised(c, err)
	}
	c.Detail, c.Next = "connects in "+results.FormatDuration(int64(time.Since(began))), d.nextRun("", 1)
	if slices.Contains(d.NameServers, addr) {
		c.Detail = "the one that was asked"
	}
	return c
}

// checkProxyTopic looks at the topic's queues and whether we may send to it.
func (d *doctor) checkProxyTopic(ctx context.Context, r *message.Route, server string) []Check {
	queues, _ := r.PublishQueues()
	c := Check{What: "topic " + d.Topic, Detail: results.FormatCount(len(queues), "queue") + " to write", Next: d.nextRun("", 1)}
	if len(queues) == 0 {
		c.Level, c.Next = Fail, fmt.Sprintf("mqadmin updateTopicPerm -n %s -c CLUSTER -t %s -p 6", server, d.Topic)
		return []Check{c}
	}
	places := placesToSend(r)
	may := Check{What: "right to send to " + d.Topic, Detail: "yes (asked with a queue that isn't there: nothing was stored)", Next: d.nextRun("", 1)}
	t := votesOf(places, home.String, sideBySide(places, func(p home) error { return d.admin.TrySend(ctx, p.addr, p.name, d.Topic) }))
	switch {
	case len(t.no) > 0:
		may.Level, may.Detail, may.Next = Fail, "no: "+t.first.Error(), "have an administrator allow it: mqadmin createAcl -n '"+server+"' -c CLUSTER -s User:NAME -r Topic:"+d.Topic+" -a Pub -d Allow"
		may = d.advised(may, t.first)
	case len(t.unknown) > 0:
		may.Level, may.Detail = Warn, "can't be told: "+t.first.Error()
		may.Next = fmt.Sprintf("rmqbench run -n %s -t %s --count 1 -r 1/s, which stores one message", strings.Join(d.NameServers, ","), d.Topic)
	}
	return []Check{c, may}
}
