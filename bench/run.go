package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// Options is what a run needs beside its scenario.
type Options struct {
	Tool Tool
	Cost time.Duration // how long to measure what the instrument itself takes, before the first case; 0: not at all
	// Sender makes who sends a case's messages instead of our producer: any client. What the scenario says of its target, its
	// producer, events and verification is then the caller's to heed, and whatever a send in the case's mode is, its Send makes.
	// nil: our producer sends.
	Sender func(*scenarios.Case) (Sender, error)

	Unlimited   bool           // a closed loop off loopback was asked for in so many words
	NoGuard     bool           // off loopback: a run goes on however many of its sends fail
	DiskLimit   float64        // share of a commit log's disk beyond which a run is refused, or stops; 0: 0.7 off loopback, none on it; 1: none
	Tell        func(string)   // told of what a run will put on somebody's disks, before anything is sent; nil: nobody listens
	Warn        func(string)   // told of what the user should know before anything is sent; nil: nobody listens
	AllowChange bool           // events may change the topic of somebody's cluster
	Progress    func(Progress) // called at most four times a second, off the path of the sends; nil: nobody watches

	// Marks are moments to put into the record, that are marked while the run goes on; nil: none are.
	Marks *Marks

	// Hurry, once closed, ends the run at once: what is under way is cut off and not drained. ctx must have ended before. nil: never.
	Hurry <-chan struct{}

	// Checkpoint is given what there is of the run so far, judged PARTIAL, soon after its beginning and at least every 10 s from
	// then on; it may keep it. nil: nobody wants it.
	Checkpoint func(*Report)

	// Interval is given each interval of a case when it ends, and its times from due until done, neither of which it may keep.
	// It is called on the goroutine that cuts the series. nil: nobody wants them.
	Interval func(*results.Point, *results.Histogram)

	Wait  time.Duration // how long to wait for name servers and brokers that aren't up yet; 0: not at all
	Share *Share        // what this run sends of a larger one; nil: it is whole

	rounds   int           // of all cases; 0: one
	dry      bool          // nothing is to be made: Preview
	abroad   bool          // as if no target were on loopback, for tests
	apart    time.Duration // of a share's cases, for tests; 0: betweenCases
	uncapped bool          // a search for a capacity without a ceiling: off loopback it is refused
}

// Tool is the program that runs, for the record.
type Tool struct{ Version, Commit string }

// Report is a run's record, the histograms behind it, and the intervals of its cases.
type Report = results.Result

// DangerError is a run that would be dangerous as asked; nothing was sent.
type DangerError struct{ Msg string }

func (e *DangerError) Error() string { return e.Msg }

// Run puts every case of s on its target, one after the other, and judges what it measured. ctx's end is an interrupt:
// sends under way are drained, and the report of what was measured comes with a nil error, marked as cut short; cases
// that had not begun are in it without a send. A case that could not be run after others were is named in the run's Lost.
// An error means that nothing was measured, a *DangerError that nothing was sent.
func Run(ctx context.Context, s *scenarios.Scenario, o Options) (*Report, error) {
	return runCases(ctx, s, s.Cases(), o)
}

// runCases is Run for cases that were made of s.
func runCases(ctx context.Context, s *scenarios.Scenario, cases []scenarios.Case, o Options) (_ *Report, err error) {
	for i := range cases { // what a message is made of may be missing: better now than after the first case
		if _, err := newMould(&cases[i]); err != nil {
			return nil, err
		}
	}
	turns := turnsOf(len(cases), s.Repeat, s.Seed)
	r, err := begin(ctx, s, o, len(turns))
	if err != nil {
		return nil, err
	}
	if s.Repeat > 1 {
		for i := range cases {
			r.names = append(r.names, cases[i].Name)
		}
	}
	if o.Share != nil {
		if r.share, err = newShare(o.Share, cases, turns, o.between()); err != nil {
			return nil, err
		}
		r.run.Shard = r.share.record
	}
	o.rounds = s.Repeat
	r.targets = make([]*target, len(cases))
	if o.Sender == nil {
		var looked []*target
		looked, err = preflightWhenUp(ctx, cases, o)
		copy(r.targets, looked)
	}
	caller := ctx
	defer func() {
		if err != nil {
			r.giveUp(caller)
		}
	}()
	if err != nil && (ctx.Err() == nil || isDanger(err)) {
		return nil, err
	}
	if o.Cost > 0 && ctx.Err() == nil {
		r.run.InstrumentCost = instrumentCost(ctx, &cases[0], o.Cost)
		of := 1
		if o.Share != nil {
			of = o.Share.Of
		}
		if w := tooFast(&cases[0], r.run.InstrumentCost, of); w != "" && o.Warn != nil {
			o.Warn(w)
		}
		r.before = currentUsage()
	}
	if r.share != nil && ctx.Err() == nil {
		if err := r.share.begin(ctx, r.targets); err != nil {
			return nil, err
		}
	}
	ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	for i, t := range turns {
		if err := r.put(ctx, &cases[t.of], r.targets[t.of], i, t.round); err != nil {
			return nil, err
		}
	}
	r.run.CutShort, r.run.StoppedBy = endOf(ctx)
	var sent int64
	for i := range r.run.Cases {
		sent += r.run.Cases[i].Successes()
	}
	return r.end(caller, sent)
}

// begin opens the record of a run of s, and looks at the machine before it.
func begin(ctx context.Context, s *scenarios.Scenario, o Options, cases int) (*runner, error) {
	resolved, err := json.Marshal(s.Resolved())
	if err != nil {
		return nil, fmt.Errorf("scenario for the record: %w", err)
	}
	r := &runner{Options: o, began: remoting.Nanotime(), of: cases}
	r.run = &results.Run{Name: s.Name, StartedAt: time.Now(), Scenario: resolved, Environment: environment(o.Tool)}
	r.around.before(ctx, &r.run.Environment)
	r.before = currentUsage()
	r.timer = timerP99(ctx)
	return r, nil
}

// end completes the record of a run in which so many sends succeeded, judges it, and hands it over.
func (r *runner) end(ctx context.Context, sent int64) (*Report, error) {
	r.run.EndedAt = time.Now()
	r.tidy(ctx)
	r.run.Marks = r.Marks.record(r.began)
	r.around.after(ctx, &r.run.Environment)
	used := currentUsage().since(&r.before)
	r.run.Process = used.record(sent)
	var err error
	if r.run.Pooled, err = results.Pool(r.names, r.run.Cases, r.histograms); err != nil {
		return nil, err
	}
	results.Judge(r.run)
	report := &Report{Run: r.run, Histograms: r.histograms, Series: r.series}
	if r.share != nil {
		report.Whole = &results.Whole{Run: r.run, Cases: r.wholes, Series: r.series}
	}
	return report, nil
}

// endOf is why ctx has ended, in the record's words; "" if it hasn't.
func endOf(ctx context.Context) (cutShort, stoppedBy string) {
	if ctx.Err() == nil {
		return "", ""
	}
	if why, ok := errors.AsType[*stopped](context.Cause(ctx)); ok {
		return why.why, why.by
	}
	return results.Interrupted, ""
}

func isDanger(err error) bool {
	_, ok := errors.AsType[*DangerError](err)
	return ok
}

// runner is one call of Run, Capacity or Sweep.
type runner struct {
	Options
	run        *results.Run
	around     phases
	before     usage // the process's when the run began
	histograms []results.TaggedHistogram
	series     []results.Point
	began      int64    // remoting.Nanotime
	timer      int64    // timerP99
	of         int      // cases, once for each round
	round      int      // of the case under way; 0 without rounds
	names      []string // of the cases, if there are rounds
	share      *share   // nil: the run is whole
	wholes     []results.WholeCase

	targets []*target // of the cases; nil: ours

	stop context.CancelCauseFunc // no other case is begun
}

// put runs c, the i-th in turn, and files what came of it; t is nil for an embedded target.
func (r *runner) put(ctx context.Context, c *scenarios.Case, t *target, i, round int) error {
	var m *measurement
	r.round = round
	err := context.Cause(ctx)
	if err == nil {
		m, err = r.runCase(ctx, c, t, i)
	}
	switch {
	case err == nil:
		out, histograms, err := m.record(c)
		if err != nil {
			return err
		}
		out.Round = round
		r.stays(m, c)
		if m.stopped != nil && m.stopped.wholeRun() {
			r.stop(m.stopped)
		}
		r.run.Cases = append(r.run.Cases, out)
		r.run.Outages = append(r.run.Outages, m.outages(c.Name, round)...)
		r.run.RouteChanges = append(r.run.RouteChanges, m.changes(c.Name, round)...)
		r.run.MoreOutages += m.ledger.outages.more
		if m.warmup != nil {
			r.run.MoreOutages += m.warmup.ledger.outages.more
		}
		r.histograms = append(r.histograms, histograms...)
		r.series = append(r.series, m.points(c.Name, round)...)
		if r.share != nil {
			whole, err := m.whole()
			if err != nil {
				return err
			}
			r.wholes = append(r.wholes, whole)
		}
	case ctx.Err() != nil:
		why, by := endOf(ctx)
		if by != "" {
			why = "the run was stopped"
		}
		r.run.Cases = append(r.run.Cases, results.Case{Name: c.Name, Round: round, Params: c.Params, Mode: string(c.Load.Way()), OpenLoop: c.Load.OpenLoop(),
			CutShort: why + " before it began", StoppedBy: by})
		r.wholes = append(r.wholes, results.WholeCase{})
	case len(r.run.Cases) == 0:
		return err
	default:
		r.run.Lost = append(r.run.Lost, fmt.Sprintf("case %s: %v", caseName(c, round), err))
	}
	return nil
}

// lot is what the selectors of a case in this round, and on this share, draw by.
func (r *runner) lot(c *scenarios.Case) uint64 {
	if r.share == nil {
		return lotOf(c, r.round, 0)
	}
	return lotOf(c, r.round, r.share.Index)
}

// runCase drives one case.
func (r *runner) runCase(ctx context.Context, c *scenarios.Case, t *target, index int) (*measurement, error) {
	if r.Sender != nil {
		return r.measureForeign(ctx, c, index)
	}
	if err := t.restore(ctx, c); err != nil {
		return nil, err
	}
	st, err := newStand(ctx, c, t, index, r.lot(c))
	if err != nil {
		return nil, err
	}
	st.hurry = r.Hurry
	defer st.close()
	r.run.Target = st.record
	return r.measure(ctx, st, c, index)
}

// measure drives a case from where it stands.
func (r *runner) measure(ctx context.Context, st *stand, c *scenarios.Case, index int) (*measurement, error) {
	plan, err := r.planOf(c)
	if err != nil {
		return nil, err
	}
	plan.proxy = st.record.Proxy
	events := &happenings{}
	defer events.stop()
	client := st.target.security.client(remoting.ClientOptions{})
	defer client.Close()
	var topics []string
	if st.target.embedded == nil { // ours has no others
		topics = topicNames(c)
	}
	side, stopAsking := watchBrokers(client, st.record.Brokers, topics)
	defer stopAsking()
	var began atomic.Int64
	routes, stopRoutes := watchRoutes(producer.NewAdmin(client, st.target.nameServers), topicNames(c), st.routes, plan.proxy, func() int64 {
		if began := began.Load(); began > 0 {
			return remoting.Nanotime() - began
		}
		return 0
	})
	defer stopRoutes()
	complete := func(m *measurement) {
		r.place(m)
		if m.warmup != nil {
			m.warmup.queues = st.queues
		}
		m.events = events.so()
		m.routes = routes
		m.others = side.otherTopics()
		m.queues = st.queues
		m.network = st.producers.tcpInfo()
		m.avoided = st.producers.avoided()
	}
	look := func(warmup *measurement) watcher {
		look := r.watch(c, index, st.target, warmup, complete)
		if limit := r.diskLimit(st.target.local); limit > 0 {
			look.stops.disk = func() *stopped { return fullDisk(side.points(), limit) }
		}
		look.began = func() {
			began.Store(remoting.Nanotime())
			events.play(ctx, st.target, c, plan)
		}
		look.wire, look.brokers = st.producers.stats, side.points
		return look
	}
	verified := beginVerification(ctx, c, producer.NewAdmin(client, st.target.nameServers), st)
	if c.Verify == scenarios.VerifyBodies {
		plan.roll = newRoll(strconv.FormatInt(time.Now().UnixNano(), 36) + "-")
		plan.mould.roll = plan.roll
	}
	m, err := driveWarm(ctx, c, plan, st.sender, &threadWaiter{}, look)
	if err != nil {
		return nil, err
	}
	complete(m)
	if st.ends != nil {
		m.transactions = st.ends.settle(ctx, settleFor)
		st.ends.told(ctx)
	}
	if st.replier != nil {
		m.replier = st.replier.end()
	}
	if verified != nil {
		patient, done := r.patience(ctx)
		m.verified = verified.end(patient, m)
		done()
	}
	return m, nil
}

// planOf is c's plan, or of a share of the run the share's.
func (r *runner) planOf(c *scenarios.Case) (*plan, error) {
	p, err := newPlan(c)
	if err == nil && r.share != nil {
		p.share, p.of = r.share.Index, r.share.Of
	}
	return p, err
}

// place gives a measurement, and the warm-up that went before it, their places in the run.
func (r *runner) place(m *measurement) {
	if w := m.warmup; w != nil {
		w.timerP99, w.offset = r.timer, w.start-r.began
	}
	m.timerP99, m.offset = r.timer, m.start-r.began
}

// watch is who looks on while c runs, whoever sends; complete has what a checkpoint's measurement lacks.
func (r *runner) watch(c *scenarios.Case, index int, t *target, warmup *measurement, complete func(*measurement)) watcher {
	stops := newStops(c, t, &r.Options)
	look := watcher{stops: stops, review: reviewOf(c, stops), tick: r.tick(c, index), hurry: r.Hurry}
	if r.Interval != nil {
		look.interval = func(p results.Point, times *results.Histogram) {
			p.Case = c.Name
			r.Interval(&p, times)
		}
	}
	if r.share != nil {
		look.gate = r.share.gate(index)
	}
	if r.Checkpoint != nil {
		look.checkpoint = func(m *measurement) {
			m.warmup = warmup
			complete(m)
			r.checkpoint(c, m)
		}
	}
	return look
}

// patience is a context that an interrupt doesn't end, but Hurry does.
func (r *runner) patience(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-r.Hurry:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// checkpoint hands over what there is of the run while a case is under way. An error of the record is left to the case's end.
func (r *runner) checkpoint(c *scenarios.Case, m *measurement) {
	out, _, err := m.record(c)
	if err != nil {
		return
	}
	out.CutShort, out.Round = results.Unfinished, r.round
	run := *r.run
	run.CutShort, run.EndedAt = results.Unfinished, time.Now()
	run.Marks = r.Marks.record(r.began)
	run.RouteChanges = append(slices.Clone(r.run.RouteChanges), m.changes(c.Name, r.round)...)
	run.Cases = append(slices.Clone(r.run.Cases), out)
	run.Outages = append(slices.Clone(r.run.Outages), m.outages(c.Name, r.round)...)
	results.Judge(&run)
	r.Checkpoint(&Report{Run: &run, Series: append(slices.Clone(r.series), m.points(c.Name, r.round)...)})
}

// stand is a target and producers that know the way to its topics.
type stand struct {
	target    *target
	record    results.Target          // target's, with the topics, and without brokers that nothing is sent to
	producers producers               // the clients that share the load
	sender    Sender                  // them, or what makes their sends transactions or requests
	ends      *transactions           // mode transaction
	replier   *replier                // mode request
	routes    []*message.Route        // of its topics
	queues    []producer.MessageQueue // that may be sent to
	own       bool                    // the target is ours to close
	hurry     <-chan struct{}         // closed: nobody waits for goodbyes
}

// newStand makes the producer of a case, whose selector draws by lot, and the target if t is nil: an embedded one.
func newStand(ctx context.Context, c *scenarios.Case, t *target, index int, lot uint64) (_ *stand, err error) {
	st := &stand{target: t}
	if t == nil {
		if st.target, err = startEmbedded(ctx, c); err != nil {
			return nil, err
		}
		st.own = true
	}
	defer func() {
		if err != nil {
			st.close()
		}
	}()
	o := producerOptions(c, st.target.nameServers, index)
	o.TLS, o.Credentials, o.Dial = st.target.security.TLS, st.target.security.Credentials, st.target.security.dial()
	if err := choose(c, &o, lot); err != nil {
		return nil, err
	}
	if c.Load.Uses(scenarios.Transactional) {
		st.ends = newTransactions(c.Load.Transaction)
		o.Listener = st.ends
	}
	all := &fleet{}
	for i := range max(c.Producer.Instances, 1) {
		own := o
		own.InstanceName = memberName(o.InstanceName, i)
		p := producer.New(own)
		if err := p.Start(); err != nil {
			return nil, err
		}
		st.producers = append(st.producers, p)
		st.routes = nil
		for _, topic := range topicNames(c) {
			route, err := p.Prepare(ctx, topic)
			if err != nil {
				return nil, fmt.Errorf("topic %s: %w", topic, err)
			}
			st.routes = append(st.routes, route)
		}
		switch {
		case st.ends != nil:
			st.ends.Producer = p
			all.members = append(all.members, st.ends)
		case c.Load.Uses(scenarios.Request):
			all.members = append(all.members, &requests{p})
		default:
			all.members = append(all.members, p)
		}
	}
	all.Sender, st.sender = all.members[0], all
	for i, topic := range topicNames(c) {
		st.queues = append(st.queues, queuesOf(topic, st.routes[i])...)
	}
	st.record = st.target.record
	if only := c.Target.Brokers; only != nil {
		st.queues = slices.DeleteFunc(st.queues, func(q producer.MessageQueue) bool { return !slices.Contains(only, q.Broker) })
		st.record.Brokers = slices.DeleteFunc(slices.Clone(st.record.Brokers), func(b results.Broker) bool { return !slices.Contains(only, b.Name) })
	}
	nameTopics(&st.record, c)
	st.record.Queues = new(int64(len(st.queues)))
	if c.Load.Uses(scenarios.Request) {
		if st.replier, err = startReplier(ctx, replierOptions(o), o.InstanceName, st.queues, st.record.Brokers); err != nil {
			return nil, fmt.Errorf("the replier to our requests: %w", err)
		}
	}
	return st, nil
}

// queuesOf are those of a topic that a producer picks from. A static topic's (5.x) have the name of the broker that has each now, as the
// results of sends do.
func queuesOf(topic string, route *message.Route) (all []producer.MessageQueue) {
	queues, _ := route.PublishQueues()
	hosts := route.StaticHosts()
	for _, q := range queues {
		all = append(all, producer.MessageQueue{Topic: topic, Broker: cmp.Or(hosts[q], q.Broker), ID: int32(q.ID)})
	}
	return all
}

// staticTopics are those of a case's topics that are static (5.x).
func staticTopics(c *scenarios.Case, routes []*message.Route) (names []string) {
	for i, topic := range topicNames(c) {
		if routes[i].StaticHosts() != nil {
			names = append(names, topic)
		}
	}
	return names
}

func (st *stand) close() {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if st.replier != nil {
			st.replier.end()
		}
		st.producers.shutdown()
	}()
	select {
	case <-gone:
	case <-st.hurry:
	}
	if st.own {
		st.target.embedded.Close()
	}
}

// tick tells of a case's progress; nil if nobody watches.
func (r *runner) tick(c *scenarios.Case, index int) func(Progress) {
	if r.Progress == nil {
		return nil
	}
	return func(p Progress) {
		p.Case, p.Index, p.Of = c.Name, index, r.of
		r.Progress(p)
	}
}

// profiles are the scenario's, in the producer's words.
var profiles = map[scenarios.Profile]producer.Profile{scenarios.Measure: producer.Measure, scenarios.Java451: producer.Java451, scenarios.Java54: producer.Java54}

var compressions = map[scenarios.Compression]message.CompressionType{scenarios.ZLIB: message.ZLIB, scenarios.LZ4: message.LZ4, scenarios.ZSTD: message.ZSTD}

// producerOptions are the case's, in the producer's words.
func producerOptions(c *scenarios.Case, nameServers []string, index int) producer.Options {
	return producer.Options{
		NameServers: nameServers, Profile: profiles[c.Producer.Profile], Group: c.Producer.Group, InstanceName: fmt.Sprintf("rmqbench-%d-%d", time.Now().UnixNano(), index),
		SendTimeout: time.Duration(c.Producer.SendTimeout), RouteEvery: time.Duration(c.Producer.RouteEvery),
		Brokers: c.Target.Brokers, Connections: c.Producer.Connections, Retries: orNone(c.Producer.Retries), AsyncRetries: orNone(c.Producer.Retries), CompressOver: orNone(int(c.Producer.CompressOver)),
		CompressType: compressions[c.Producer.Compress], JSON: c.Producer.Serialize == "json", NoAutoCreate: true,
	}
}

// memberName is the instance name of one of several clients, and of the first one as it is.
func memberName(instance string, i int) string {
	if i == 0 {
		return instance
	}
	return fmt.Sprintf("%s.%d", instance, i)
}

// replierOptions are those of the client that replies to the requests of a producer with o. A broker that doesn't know who
// asked is passed over for another.
func replierOptions(o producer.Options) producer.Options {
	return producer.Options{NameServers: o.NameServers, Profile: producer.Java54, Group: o.Group, InstanceName: o.InstanceName + "-replier", Brokers: o.Brokers,
		SendTimeout: o.SendTimeout, TLS: o.TLS, Credentials: o.Credentials, Dial: o.Dial, JSON: o.JSON, NoAutoCreate: true}
}

// orNone turns zero, which the producer's options read as their default, into none at all.
func orNone(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// target is what a case's load goes to.
type target struct {
	nameServers []string
	embedded    *broker.Cluster // nil: somebody's cluster
	local       bool            // all of it is on loopback
	security    Security
	record      results.Target
	made        []madeTopic    // on somebody's cluster, by this run
	changed     map[string]int // topics of somebody's cluster that events of some case change, and how many queues each is to begin with
}

// embeddedBudget is what an embedded broker keeps of what it is sent: enough to be a store, little enough that its
// memory doesn't become the load.
const embeddedBudget = 64 << 20

// readableBudget is the same where all of it is to be read back.
const readableBudget = 512 << 20

// embeddedCheck is how soon an embedded broker asks about half messages: nobody waits half a minute for a demonstration.
const embeddedCheck = time.Second

// topicNames are the case's topics, in the scenario's order.
func topicNames(c *scenarios.Case) []string {
	var names []string
	for _, t := range c.Topic.All() {
		names = append(names, t.Key)
	}
	return names
}

// nameTopics puts a case's topics into the record.
func nameTopics(t *results.Target, c *scenarios.Case) {
	if t.Topics = topicNames(c); len(t.Topics) == 1 {
		t.Topic, t.Topics = t.Topics[0], nil
	}
}

// topicWords name a case's topics in a sentence.
func topicWords(c *scenarios.Case) string {
	names := topicNames(c)
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
}

// startEmbedded starts the embedded cluster of a case, and makes its topics.
func startEmbedded(ctx context.Context, c *scenarios.Case) (*target, error) {
	e, budget := c.Target.Embedded, int64(embeddedBudget)
	if c.Verify == scenarios.VerifyBodies {
		budget = readableBudget
	}
	cluster, err := broker.Start(broker.Options{Brokers: e.Brokers, BrokerNames: brokerNames(e), ServiceTime: time.Duration(e.ServiceTime), Servers: e.Servers, MemoryBudget: budget,
		CheckAfter: embeddedCheck, CheckInterval: embeddedCheck})
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	t := &target{nameServers: []string{cluster.NameServer()}, embedded: cluster, local: true}
	t.record = results.Target{Embedded: true, Namesrv: t.nameServers, Cluster: cluster.Name()}
	for _, b := range cluster.Brokers() {
		t.record.Brokers = append(t.record.Brokers, results.Broker{Name: b.Name(), Addr: b.Addr()})
	}
	if err := knows(t.record.Brokers, c.Target.Brokers); err != nil {
		cluster.Close()
		return nil, err
	}
	client := remoting.NewClient(remoting.ClientOptions{})
	defer client.Close()
	for _, topic := range topicNames(c) {
		if _, err := producer.NewAdmin(client, t.nameServers).CreateTopic(ctx, producer.Topic{Name: topic, Queues: c.Topic.Queues()}); err != nil {
			cluster.Close()
			return nil, err
		}
	}
	return t, nil
}

// brokerNames are those of brokers in rooms, nil where there are no rooms.
func brokerNames(e *scenarios.Embedded) []string {
	if len(e.Rooms) == 0 {
		return nil
	}
	names := make([]string, e.Brokers)
	for i := range names {
		names[i] = fmt.Sprintf("%s@broker-%d", e.Rooms[i%len(e.Rooms)], i)
	}
	return names
}

// sortedKeys lists a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
