package scenarios

import (
	"slices"
	"strings"
)

// The tables of what a scenario holds, and beside each the keys that a later version will know.

var scenarioFields = append([]field[Scenario]{
	must(value("version", version, "", "of the file's format", func(s *Scenario) *int { return &s.Version })),
	must(value("name", scenarioName, "", "of the scenario", func(s *Scenario) *string { return &s.Name })),
	option("description", text, "what the scenario shows", func(s *Scenario) *string { return &s.Description }),
	value("seed", seed, "1", "of everything random", func(s *Scenario) *uint64 { return &s.Seed }),
	option("repeat", whole(1, maxRounds), "rounds, each of all cases in an order of its own; without it one", func(s *Scenario) *int { return &s.Repeat }),
}, caseFields...)

var scenarioLater []string

// caseFields are those that a case may override.
var caseFields = []field[Scenario]{
	block("target", "where messages go; without it the embedded broker", targetFields,
		[]string{"exclude_brokers", "namespace"},
		func(s *Scenario) *Target { return &s.Target }),
	block("topic", "the topic that messages are sent to, or the topics that share them", topicFields, nil,
		func(s *Scenario) *Topic { return &s.Topic }),
	block("load", "how many messages, when, and by whom", loadFields, nil,
		func(s *Scenario) *Workload { return &s.Load }),
	block("message", "what is sent", messageFields, nil,
		func(s *Scenario) *Message { return &s.Message }),
	block("producer", "how the producer is set up", producerFields, nil,
		func(s *Scenario) *Producer { return &s.Producer }),
	blocks("events", "what happens to the embedded broker", true, eventFields, nil,
		func(s *Scenario) *[]Event { return &s.Events }),
	values("slo", objective, "what must hold, such as p99<10ms, errors<0.1% or rate>1k/s; the exit status is 3 if it doesn't",
		func(s *Scenario) *[]Objective { return &s.SLO }),
	option("verify", oneOf([]Verify{VerifyOffsets, VerifyBodies}), "offsets: compare what the queues grew by with what was acknowledged, when the case is over; bodies: read it all back too",
		func(s *Scenario) *Verify { return &s.Verify }),
}

var targetFields = []field[Target]{
	optionalBlock("embedded", "a name server and brokers in this process", embeddedFields, nil,
		func(t *Target) **Embedded { return &t.Embedded }),
	values("namesrv", nameServer, "name servers of a cluster, instead of embedded; of a URL they are asked once, before anything is sent", func(t *Target) *[]string { return &t.Namesrv }),
	option("cluster", topicName, "cluster at these name servers; without it the only one", func(t *Target) *string { return &t.Cluster }),
	values("brokers", brokerName, "names of the brokers that are sent to; without it all", func(t *Target) *[]string { return &t.Brokers }),
	optionalBlock("tls", "speak TLS; {} verifies against the system's authorities", tlsFields, nil, func(t *Target) **TLS { return &t.TLS }),
	option("credentials", fileName, "of accessKey and secretKey, as mqadmin's tools.yml; without it the environment's, if it has any",
		func(t *Target) *string { return &t.Credentials }),
	values("resolve", resolution, "where to dial instead of an advertised address that can't be reached from here", func(t *Target) *[]string { return &t.Resolve }),
}

var tlsFields = []field[TLS]{
	value("enabled", yesNo, "true", "false: plaintext after all", func(t *TLS) *bool { return &t.Enabled }),
	option("ca", fileName, "certificates to trust instead of the system's, PEM", func(t *TLS) *string { return &t.CA }),
	option("cert", fileName, "our own certificate, PEM", func(t *TLS) *string { return &t.Cert }),
	option("key", fileName, "its key, PEM", func(t *TLS) *string { return &t.Key }),
	option("server_name", hostName, "in the server's certificate; without it the host that is dialled", func(t *TLS) *string { return &t.ServerName }),
	option("insecure", yesNo, "true: verify nothing", func(t *TLS) *bool { return &t.Insecure }),
}

var embeddedFields = []field[Embedded]{
	value("brokers", whole(1, maxBrokers), "1", "number of brokers", func(e *Embedded) *int { return &e.Brokers }),
	values("rooms", roomName, "machine rooms that the brokers are in, in turn: a@broker-0, b@broker-1, …", func(e *Embedded) *[]string { return &e.Rooms }),
	value("service_time", moment, "0s", "what a server needs for one request", func(e *Embedded) *Duration { return &e.ServiceTime }),
	value("servers", whole(1, maxServers), "1", "requests that a broker serves at once", func(e *Embedded) *int { return &e.Servers }),
}

var topicFields = []field[Topic]{
	option("name", topicName, "of the topic; without it RMQBENCH_ and the scenario's name in upper case", func(t *Topic) *string { return &t.Name }),
	option("count", whole(1, maxTopics), "topics that share the messages evenly, named after name: NAME_00, NAME_01, …; without it the one of that name",
		func(t *Topic) *int { return &t.Count }),
	table("weights", topicName, whole(1, maxWeight), "topics by name, each as usual as its weight, instead of name and count", func(t *Topic) *[]Pair[string, int] { return &t.Weights }),
	option("queues_per_broker", whole(1, maxQueues), "one that is created gets so many, and one that is there has to have them; without it 8, and whatever is there",
		func(t *Topic) *int { return &t.QueuesPerBroker }),
	option("create", oneOf([]Create{CreateIfAbsent, CreateNever}), "whether a missing topic is created; without it if_absent on loopback, never elsewhere",
		func(t *Topic) *Create { return &t.Create }),
	option("type", oneOf([]TopicType{NormalTopic, DelayTopic, TransactionTopic, FIFOTopic}),
		"what the topic is for, as brokers of 5.x keep it: one that is created is of it, one that is there has to be; without it normal, and whatever is there",
		func(t *Topic) *TopicType { return &t.Type }),
	value("keep", yesNo, "true", "false: what the run created is deleted when it ends, with what is in it", func(t *Topic) *bool { return &t.Keep }),
}

var loadFields = []field[Workload]{
	value("workers", workers, "", "goroutines that send, 1 to 10,000; without it, and with auto, 64 in a closed loop and what the rate needs in an open one",
		func(l *Workload) *Workers { return &l.Workers }),
	value("mode", oneOf([]Mode{Sync, Async, Oneway, Batch, Transactional, Request}), string(Sync), "how a message is sent",
		func(l *Workload) *Mode { return &l.Mode }),
	option("in_flight", whole(1, maxInFlight), "messages unanswered at once, only for mode async; without it 1024",
		func(l *Workload) *int { return &l.InFlight }),
	option("in_flight_bytes", volume, "the same by the size of their bodies; without it any", func(l *Workload) *Size { return &l.InFlightBytes }),
	option("ordered", yesNo, "true: of each key one message is under way at a time, and what comes meanwhile waits", func(l *Workload) *bool { return &l.Ordered }),
	option("batch", whole(1, MaxBatch), "messages of a send, which fall due together, only for mode batch; without it 16", func(l *Workload) *int { return &l.Batch }),
	option("batch_bytes", bodySize, "the same by the size of its bodies, about", func(l *Workload) *Size { return &l.BatchBytes }),
	blocks("mix", "kinds of message, each as usual as its weight; without it all are of one kind", true, mixFields, nil, func(l *Workload) *[]Kind { return &l.Mix }),
	optionalBlock("stop", "what ends the case before its load is over", stopFields, nil, func(l *Workload) **Stop { return &l.Stop }),
	optionalBlock("transaction", "how transactions end, only for mode transaction", transactionFields, nil, func(l *Workload) **Transaction { return &l.Transaction }),
	option("arrivals", oneOf([]Arrivals{Constant, Poisson}), "open loop: sends fall due evenly, or at random at the same rate; without it constant",
		func(l *Workload) *Arrivals { return &l.Arrivals }),
	option("backlog", whole(1, maxBacklog), "open loop: sends that may wait for a worker, those beyond it are dropped and counted; without it none is",
		func(l *Workload) *int { return &l.Backlog }),
	option("cap", rate, "closed loop: at most so many sends, all workers together; nothing falls due by it", func(l *Workload) *Rate { return &l.Cap }),
	blocks("stages", "stretches of time, warm-up first; without it {for: 10s}", false, stageFields, nil,
		func(l *Workload) *[]Stage { return &l.Stages }),
	option("count", whole[int64](1, maxCount), "measured sends after which the case ends", func(l *Workload) *int64 { return &l.Count }),
}

var stopFields = []field[Stop]{
	option("errors", percentage, "share of the sends that may fail", func(s *Stop) *float64 { return &s.Errors }),
	option("for", span, "how long more than that must fail before the case ends; without it 5s", func(s *Stop) *Duration { return &s.For }),
	option("slo", yesNo, "true: end when what was measured so far misses an objective", func(s *Stop) *bool { return &s.SLO }),
	option("grace", span, "since measuring began, before which no objective is looked at; without it 10s", func(s *Stop) *Duration { return &s.Grace }),
}

var transactionFields = []field[Transaction]{
	value("rollback", share, "0", "share that is rolled back", func(t *Transaction) *float64 { return &t.Rollback }),
	value("check_back", share, "0", "share whose end the broker has to ask for; it is committed then", func(t *Transaction) *float64 { return &t.CheckBack }),
}

var stageFields = []field[Stage]{
	option("for", span, "how long; only the last stage may do without, until load.count", func(s *Stage) *Duration { return &s.For }),
	stageRate,
	option("steps", whole(2, maxSteps), "rates of equal length from the first to the last, instead of a straight line", func(s *Stage) *int { return &s.Steps }),
	option("burst", period, "how long the second rate holds, first thing in each every", func(s *Stage) *Duration { return &s.Burst }),
	option("every", period, "how often there is a burst", func(s *Stage) *Duration { return &s.Every }),
	option("sine", period, "how long a swing from the first rate to the second and back takes", func(s *Stage) *Duration { return &s.Sine }),
	stageWarmup,
}

// stageRate is Rate and To in one.
var stageRate = field[Stage]{
	key: "rate", kind: rates.name, help: "of messages falling due; two: from the one to the other; without it a closed loop, as fast as answers come",
	read: func(r *reader, n *node, into *Stage) {
		if v, ok := readValue(r, "rate", n, rates); ok {
			into.Rate, into.To = v.from, v.to
		}
	},
	show: func(from *Stage) *shown {
		if from.Rate.IsZero() {
			return nil
		}
		return showValue("rate", rates, rateSpan{from.Rate, from.To})
	},
	form: func() form { return scalarForm(rates) },
}

// stageWarmup is Warmup and Auto in one.
var stageWarmup = field[Stage]{
	key: "warmup", kind: warmups.name, help: "true keeps its samples apart; auto does, and ends it when two seconds in a row agree, or after for (without it 30s)",
	read: func(r *reader, n *node, into *Stage) {
		if v, ok := readValue(r, "warmup", n, warmups); ok {
			into.Warmup, into.Auto = v != "false", v == autoWarmup
		}
	},
	show: func(from *Stage) *shown {
		switch {
		case from.Auto:
			return showValue("warmup", warmups, autoWarmup)
		case from.Warmup:
			return showValue("warmup", warmups, "true")
		}
		return nil
	},
	form: func() form { return scalarForm(warmups) },
}

var producerFields = []field[Producer]{
	value("profile", oneOf([]Profile{Measure, Java451, Java54}), string(Measure), "whose defaults the other fields have", func(p *Producer) *Profile { return &p.Profile }),
	value("group", topicName, "rmqbench", "producer group", func(p *Producer) *string { return &p.Group }),
	value("selector", oneOf([]string{"round_robin", "random", "hash", "machine_room", "least_in_flight", "power_of_two", "consistent_hash", "sticky"}),
		"round_robin", "how a queue is chosen; see docs/selectors.md", func(p *Producer) *string { return &p.Selector }),
	values("rooms", roomName, "machine_room: the rooms whose brokers are chosen, those named room@…; without it all", func(p *Producer) *[]string { return &p.Rooms }),
	option("avoid_slow", avoidance, "avoid brokers that are slow or fail for as long as that RocketMQ does; without it none is avoided",
		func(p *Producer) *string { return &p.AvoidSlow }),
	value("serialize", oneOf([]string{"rocketmq", "json"}), "", "of request headers; by profile: measure rocketmq, java json", func(p *Producer) *string { return &p.Serialize }),
	value("compress", oneOf([]Compression{ZLIB, LZ4, ZSTD}), string(ZLIB), "how bodies are compressed; consumers older than 5.0 read zlib only",
		func(p *Producer) *Compression { return &p.Compress }),
	value("compress_over", threshold, "4KiB", "bodies of this size or more are compressed; off: never", func(p *Producer) *Size { return &p.CompressOver }),
	value("send_timeout", span, "3s", "one send, retries included", func(p *Producer) *Duration { return &p.SendTimeout }),
	value("connections", whole(1, maxConnections), "1", "to each broker", func(p *Producer) *int { return &p.Connections }),
	option("instances", whole(1, maxConnections), "clients that share the load, each with its own connections; without it one", func(p *Producer) *int { return &p.Instances }),
	option("route_every", span, "how often routes are asked for again; without it 30s", func(p *Producer) *Duration { return &p.RouteEvery }),
	value("retries", whole(0, maxRetries), "", "attempts after the first; by profile: measure 0, java 2", func(p *Producer) *int { return &p.Retries }),
}

var eventFields = []field[Event]{
	must(value("at", moment, "", "since the first measured stage began", func(e *Event) *Duration { return &e.At })),
	option("for", span, "how long it lasts; a change of the topic stays", func(e *Event) *Duration { return &e.For }),
	eventBroker,
	option("stall", yesNo, "true: no answers until it is over", func(e *Event) *bool { return &e.Stall }),
	option("delay", span, "how much later each answer comes", func(e *Event) *Duration { return &e.Delay }),
	option("service_time", span, "what a server needs for one send meanwhile: sends queue up once more come than are served", func(e *Event) *Duration { return &e.ServiceTime }),
	option("busy", share, "share of the sends that are refused with SYSTEM_BUSY", func(e *Event) *float64 { return &e.Busy }),
	option("down", yesNo, "true: it closes its listener and its connections, and leaves the routes", func(e *Event) *bool { return &e.Down }),
	optionalBlock("topic", "a change of the topic; on a cluster only with --allow-change", changeFields, nil, func(e *Event) **TopicChange { return &e.Topic }),
}

var changeFields = []field[TopicChange]{
	must(value("queues_per_broker", whole(1, maxQueues), "", "it has from then on", func(c *TopicChange) *int { return &c.QueuesPerBroker })),
}

// eventBroker is which broker an event happens to; a topic's happens to all.
var eventBroker = func() field[Event] {
	f := value("broker", whole(0, maxBrokers-1), "0", "which broker, from 0", func(e *Event) *int { return &e.Broker })
	show := f.show
	f.show = func(from *Event) *shown {
		if from.Topic != nil {
			return nil
		}
		return show(from)
	}
	return f
}()

// overlayFields are those of an item of cases. Its name is read into Scenario.Name.
var overlayFields = append([]field[Scenario]{
	must(value("name", caseName, "", "of the case", func(s *Scenario) *string { return &s.Name })),
}, caseFields...)

// stageFlags are what the flags for load.duration, load.rate and load.warmup set.
type stageFlags struct {
	duration Duration
	warmup   warmupTime
	rate     rateSpan
}

var stageFlagFields = []field[stageFlags]{
	value("duration", span, "", "of each measured stage", func(f *stageFlags) *Duration { return &f.duration }),
	value("rate", rates, "", "of every stage", func(f *stageFlags) *rateSpan { return &f.rate }),
	value("warmup", warmupTimes, "", "of a warm-up stage, instead of those of the file; auto: until it is steady; 0: none", func(f *stageFlags) *warmupTime { return &f.warmup }),
}

// Fields documents every field of a scenario file, in the order in which they are best written.
func Fields() []Field {
	fields := fieldsOf("", scenarioFields)
	fields = append(fields, Field{Path: "extends", Kind: "a file, or the name of a shipped scenario",
		Help: "what this one overrides: mappings key by key, anything else as a whole; an empty list of cases or matrix leaves those out"})
	fields = append(fields, Field{Path: "cases", Kind: kindMappings, Help: "runs that override target, topic, load, message, producer, events, slo or verify; lists replace"})
	fields = append(fields, fieldsOf("cases[].", overlayFields)...)
	return append(fields, matrixFields()...)
}

// Settable documents the fields that an [Override] can name.
func Settable() []Field {
	fields := slices.DeleteFunc(fieldsOf("", scenarioFields), func(f Field) bool {
		return f.Path == "version" || f.Kind == kindMapping || f.Kind == kindMappings || strings.Contains(f.Path, "[]")
	})
	return append(fields, fieldsOf("load.", stageFlagFields)...)
}
