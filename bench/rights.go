package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

// useWatched is how long the doctor looks whether messages come.
const useWatched = time.Second

// home is a broker's master that a topic lives on.
type home struct{ name, addr string }

// placesToSend are the masters that a topic may be written to on, in order of their names.
func placesToSend(r *message.Route) []home {
	var all []home
	for i := range r.Queues {
		q := &r.Queues[i]
		at := slices.IndexFunc(r.Brokers, func(b message.BrokerData) bool { return b.Name == q.Broker && b.Master() != "" })
		if at >= 0 && q.WriteQueues > 0 && q.Perm&message.PermWrite != 0 {
			all = append(all, home{q.Broker, r.Brokers[at].Master()})
		}
	}
	slices.SortFunc(all, func(a, b home) int { return strings.Compare(a.name, b.name) })
	return slices.Compact(all)
}

// aboutTopic looks at what only the topic's brokers know: what we may do, what the topic is for, and who else uses it.
func (d *doctor) aboutTopic(ctx context.Context, info *message.ClusterInfo, r *message.Route) []Check {
	places := placesToSend(r)
	if len(places) == 0 {
		return nil
	}
	did := sideBySide([]func() Check{
		func() Check { return d.rightToSend(ctx, info, places) },
		func() Check { return d.topicType(ctx, places) },
		func() Check { return d.othersUse(ctx, places) },
	}, func(f func() Check) Check { return f() })
	return did
}

// votes are what brokers answered to one question.
type votes struct {
	yes         int
	no, unknown []string
	first       error // of who said no, or else of the unknown
}

func votesOf[T any](items []T, name func(T) string, errs []error) (t votes) {
	for i, err := range errs {
		be, refused := errors.AsType[*remoting.BrokerError](err)
		switch {
		case err == nil:
			t.yes++
		case refused && be.Unauthorized():
			if len(t.no) == 0 {
				t.first = err
			}
			t.no = append(t.no, name(items[i]))
		default:
			if t.first == nil {
				t.first = err
			}
			t.unknown = append(t.unknown, name(items[i]))
		}
	}
	return t
}

// some is a list's first few names.
func some(names []string) string {
	const shown = 4
	text := strings.Join(names[:min(len(names), shown)], ", ")
	if more := len(names) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (p home) String() string { return p.name }

func (d *doctor) rightToSend(ctx context.Context, info *message.ClusterInfo, places []home) Check {
	errs := sideBySide(places, func(p home) error { return d.admin.TrySend(ctx, p.addr, p.name, d.Topic) })
	t := votesOf(places, home.String, errs)
	c := Check{What: "right to send to " + d.Topic}
	switch {
	case len(t.no) > 0:
		c.Level, c.Detail = Fail, fmt.Sprintf("no, say %s of %s: %v", some(t.no), results.FormatCount(len(places), "master"), t.first)
		c.Next = fmt.Sprintf("mqadmin createAcl -n '%s' -c %s -s User:NAME -r Topic:%s -a Pub -d Allow (5.x), or topicPerms: %s=PUB in plain_acl.yml (4.x)",
			strings.Join(d.NameServers, ";"), d.clusterFor(info), d.Topic, d.Topic)
		if d.Security.Credentials == nil {
			c.Next = d.Security.advice(t.first)
		}
	case len(t.unknown) > 0:
		c.Level, c.Detail = Warn, fmt.Sprintf("can't be told of %s: %v", some(t.unknown), t.first)
		c.Next = fmt.Sprintf("rmqbench run -n %s -t %s --count 1 -r 1/s, which stores one message", strings.Join(d.NameServers, ","), d.Topic)
	default:
		c.Detail = fmt.Sprintf("yes, on %s (asked with a queue that isn't there: nothing was stored)", results.FormatCount(t.yes, "master"))
		c.Next = fmt.Sprintf("rmqbench run -n %s -t %s -r 1k/s", strings.Join(d.NameServers, ","), d.Topic)
	}
	return c
}

// rightToCreate is about topics whose names begin as the one that was named, or as ours do.
func (d *doctor) rightToCreate(ctx context.Context, brokers []message.BrokerData, needed bool) Check {
	brokers = slices.DeleteFunc(slices.Clone(brokers), func(b message.BrokerData) bool { return b.Master() == "" })
	errs := sideBySide(brokers, func(b message.BrokerData) error { return d.admin.TryCreateTopic(ctx, b.Master(), d.Topic) })
	t := votesOf(brokers, func(b message.BrokerData) string { return b.Name }, errs)
	c := Check{What: "right to create topics", Next: fmt.Sprintf("rmqbench topic create %s -n %s", d.Topic, strings.Join(d.NameServers, ","))}
	if needed && t.yes < len(brokers) {
		c.Level = Warn
	}
	switch {
	case len(t.no) > 0:
		c.Detail = fmt.Sprintf("no, say %s of %s: %v", some(t.no), results.FormatCount(len(brokers), "master"), t.first)
		c.Next = "have an administrator make topics; what is there can be sent to without that right"
	case len(t.unknown) > 0:
		c.Detail = fmt.Sprintf("can't be told of %s: %v", some(t.unknown), t.first)
	default:
		c.Detail = fmt.Sprintf("yes, on %s (asked for a name that no broker takes: nothing was made)", results.FormatCount(t.yes, "master"))
	}
	return c
}

// topicType is what kind of messages the topic is for.
func (d *doctor) topicType(ctx context.Context, places []home) Check {
	c := Check{What: "type of topic " + d.Topic, Next: fmt.Sprintf("mqadmin topicRoute -n %s -t %s", d.NameServers[0], d.Topic)}
	kinds := map[string][]string{}
	type answer struct {
		kind producer.TopicType
		err  error
	}
	for i, a := range sideBySide(places, func(p home) answer {
		kind, err := d.admin.TopicTypeAt(ctx, p.addr, d.Topic)
		return answer{kind, err}
	}) {
		text := string(a.kind)
		switch {
		case a.err != nil:
			text = "not told: " + a.err.Error()
		case a.kind == "":
			text = "none: brokers of 4.x keep no type"
		}
		kinds[text] = append(kinds[text], places[i].name)
	}
	var texts []string
	for _, kind := range sortedKeys(kinds) {
		text := kind
		if len(kinds) > 1 {
			text += " (" + some(kinds[kind]) + ")"
		}
		texts = append(texts, text)
		if kind != string(producer.NormalTopic) && slices.Contains(producer.TopicTypes(), producer.TopicType(kind)) {
			c.Level = Warn
			c.Next = "send what it is for: RocketMQ's proxy takes nothing else; brokers take all, and consumers may not expect it"
		}
	}
	if c.Detail = strings.Join(texts, "; "); len(kinds) > 1 {
		c.Level = Warn
		c.Next = fmt.Sprintf("mqadmin updateTopic -n %s -t %s …: one type on all brokers", d.NameServers[0], d.Topic)
	}
	return c
}

// othersUse tells whether messages come to the topic though we send none, when the last one came, and which groups consume it.
func (d *doctor) othersUse(ctx context.Context, places []home) Check {
	c := Check{What: "others on topic " + d.Topic, Next: fmt.Sprintf("mqadmin topicStatus -n %s -t %s", d.NameServers[0], d.Topic)}
	type stats struct {
		groups            []string
		groupsErr, err    error
		came, last, holds int64
	}
	watched := sideBySide(places, func(p home) (s stats) {
		s.groups, s.groupsErr = d.admin.ConsumerGroups(ctx, p.addr, d.Topic)
		before, err := d.admin.TopicStats(ctx, p.addr, d.Topic)
		if s.err = err; err != nil {
			return s
		}
		select {
		case <-time.After(useWatched):
		case <-ctx.Done():
		}
		after, err := d.admin.TopicStats(ctx, p.addr, d.Topic)
		if s.err = err; err != nil {
			return s
		}
		had := map[int]int64{}
		for _, q := range before.Queues {
			had[q.Queue] = q.MaxOffset
		}
		for _, q := range after.Queues {
			s.came += max(q.MaxOffset-had[q.Queue], 0)
			s.holds += q.MaxOffset - q.MinOffset
			s.last = max(s.last, q.LastUpdate)
		}
		return s
	})
	var came, last, holds int64
	var groups []string
	var err, groupsErr error
	for _, s := range watched {
		came, last, holds = came+s.came, max(last, s.last), holds+s.holds
		groups = append(groups, s.groups...)
		if s.err != nil {
			err = s.err
		}
		if s.groupsErr != nil {
			groupsErr = s.groupsErr
		}
	}
	slices.Sort(groups)
	groups = slices.Compact(groups)
	var parts []string
	switch {
	case err != nil:
		c.Level = Warn
		parts = append(parts, fmt.Sprintf("whether anybody sends can't be told: %v", err))
	case came > 0:
		c.Level = Warn
		parts = append(parts, fmt.Sprintf("somebody sends: %s came in %s", results.FormatCount(int(came), "message"), results.FormatDuration(int64(useWatched))))
	case last > 0:
		parts = append(parts, fmt.Sprintf("nobody sends now; the last of %s was stored %s", results.FormatCount(int(holds), "message"), time.UnixMilli(last).UTC().Format(time.DateTime+"Z")))
	default:
		parts = append(parts, "nobody sends now; it holds no message")
	}
	switch {
	case len(groups) > 0:
		c.Level = Warn
		parts = append(parts, "consumed by "+some(groups))
		c.Next = fmt.Sprintf("a run's messages go to %s too: rmqbench topic create A_TOPIC_OF_YOURS -n %s", some(groups), strings.Join(d.NameServers, ","))
	case groupsErr != nil:
		parts = append(parts, fmt.Sprintf("who consumes it isn't told: %v", groupsErr))
	default:
		parts = append(parts, "no group consumes it")
	}
	c.Detail = strings.Join(parts, "; ")
	return c
}
