package results

import (
	"encoding/json"
	"slices"
	"time"
)

// Schema is the version of the record. A change that an old reader would misread gets a new number.
const Schema = "rmqbench.run/1"

// Run is the record that everything else is made from: reports, merges, comparisons, the verdict.
type Run struct {
	Schema         string          `json:"schema"` // written by Encode; callers leave it empty
	Name           string          `json:"name"`
	Verdict        Verdict         `json:"verdict"`  // by Judge
	Evidence       []Evidence      `json:"evidence"` // by Judge
	StartedAt      time.Time       `json:"started_at"`
	EndedAt        time.Time       `json:"ended_at"`
	CutShort       string          `json:"cut_short,omitempty"`  // why the run ended early, such as Interrupted
	StoppedBy      string          `json:"stopped_by,omitempty"` // StoppedBy…, where that is why it was cut short
	Lost           []string        `json:"lost,omitempty"`       // parts of the run that are missing: cases that never ran, shards
	Target         Target          `json:"target"`
	Environment    Environment     `json:"environment"`
	Scenario       json.RawMessage `json:"scenario,omitempty"` // as resolved
	Process        *Process        `json:"process,omitempty"`
	InstrumentCost *InstrumentCost `json:"instrument_cost,omitempty"`
	Outages        []Outage        `json:"outages,omitempty"`          // by beginning; a case keeps 1,000
	RouteChanges   []RouteChange   `json:"route_changes,omitempty"`    // of the cases' topics; a case keeps 1,000
	Leftover       *Leftover       `json:"leftover,omitempty"`         // on a cluster's disks
	MoreOutages    int64           `json:"outages_left_out,omitempty"` // beyond those
	Marks          []Mark          `json:"marks,omitempty"`            // moments that the person at the terminal marked
	Capacity       *Capacity       `json:"capacity,omitempty"`         // of a search; Cases are then the runs that confirm it
	Sweep          *Sweep          `json:"sweep,omitempty"`            // of workers
	Shard          *Shard          `json:"shard,omitempty"`            // which share of a larger run this is
	Shards         []ShardRow      `json:"shards,omitempty"`           // of a merged run: the shares that it is made of, by number
	Cases          []Case          `json:"cases"`
	Selectors      *Selectors      `json:"selectors,omitempty"` // by Judge, where cases differ in how a queue is chosen alone
	Pooled         []Case          `json:"pooled,omitempty"`    // with rounds: each case's rounds together, in the scenario's order; see Pool
}

// Outage is a time in which sends to a broker failed and none succeeded, of 100 ms or more. It began with the call of the
// first of these, or with the success before, if that came later.
type Outage struct {
	Case           string    `json:"case"`
	Round          int       `json:"round,omitempty"`
	Broker         string    `json:"broker"`          // "": none could be chosen; ThroughProxy
	Topic          string    `json:"topic,omitempty"` // of several, the one for which none could
	BeganAt        time.Time `json:"began_at"`
	StartOffsetNS  int64     `json:"start_offset_ns"`  // monotonic, since the run's start
	LastFailureNS  int64     `json:"last_failure_ns"`  // until the last of these failures
	FirstSuccessNS *int64    `json:"first_success_ns"` // until a send to the broker succeeded again; null: none did
	Refused        int64     `json:"refused"`          // sends that ended so meanwhile
	Ambiguous      int64     `json:"ambiguous"`
	Failed         int64     `json:"failed"`
}

// ThroughProxy is the Broker of an Outage or RouteChange that is of all that goes through a proxy.
const ThroughProxy = "all through the proxy"

// Mark is a moment that somebody marked, to find again in the series what happened then.
type Mark struct {
	At       time.Time `json:"at"`
	OffsetNS int64     `json:"offset_ns"` // monotonic, since the run's start
}

// modeOneway is the Case.Mode whose sends have no answer.
const modeOneway = "oneway"

// Interrupted is the CutShort of a run that a signal ended.
const Interrupted = "interrupted"

// What ended a run or a case by itself, before its load was over.
const (
	StoppedByGuard     = "guard"  // of somebody's cluster: too many errors
	StoppedByErrors    = "errors" // more than the scenario allows
	StoppedByObjective = "slo"    // one that was missed
	StoppedByDisk      = "disk"   // of a broker's commit log: too full
)

// Unfinished is the CutShort of a checkpoint, written while the run went on: all that a killed run leaves.
const Unfinished = "unfinished when this was written"

// Case is one load of a run. Its Measured covers the measured stages; Warmup is apart from it.
type Case struct {
	Name         string            `json:"name"`
	Round        int               `json:"round,omitempty"`   // from 1, of a run with rounds: a name comes once in each
	Rounds       int               `json:"rounds,omitempty"`  // of Run.Pooled: how many it is made of
	Params       map[string]string `json:"params,omitempty"`  // what tells it from the scenario's other cases: field path to value
	Mode         string            `json:"mode"`              // sync, async, oneway, …; mixed where the kinds have several
	OpenLoop     bool              `json:"open_loop"`         // sends fell due at a rate, whatever the replies did
	Ordered      bool              `json:"ordered,omitempty"` // of each key one send was under way at a time: Delay has the wait for the key too
	Verdict      Verdict           `json:"verdict"`           // by Judge
	Evidence     []Evidence        `json:"evidence"`          // by Judge
	CutShort     string            `json:"cut_short,omitempty"`
	LateNS       *int64            `json:"started_late_ns,omitempty"` // a share's: after the time at which all were to begin it
	ScheduleHash string            `json:"schedule_hash,omitempty"`   // open loop: equal where index, key, topic, kind, size and due time of the first 10,000 messages are
	SentHash     *ListHash         `json:"sent_hash,omitempty"`       // open loop: equal where index, key, topic, kind, size and due time of all measured sends that were attempted are, in whatever order; of shares, together
	PlacedHash   *ListHash         `json:"placed_hash,omitempty"`     // the same with the queue of each, where it follows from the message: selectors hash and consistent_hash
	Warmup       *Stage            `json:"warmup,omitempty"`
	WarmupEnd    *WarmupEnd        `json:"warmup_end,omitempty"` // of a warm-up that ended by itself
	Stages       []Stage           `json:"stages,omitempty"`
	SLO          []Objective       `json:"slo,omitempty"` // what was demanded of it

	// RoundP99NS is of Run.Pooled: each round's own p99, due until done, however few sends it has: to be compared with another
	// case's of the same round, and not to be quoted.
	RoundP99NS []int64 `json:"round_p99_ns,omitempty"`

	StoppedBy string `json:"stopped_by,omitempty"` // StoppedBy…, where that is why it was cut short

	Measured
	Kinds     []Kind        `json:"kinds,omitempty"`        // of a mix, in the scenario's order: they sum to the case
	Queues    []Share       `json:"queues,omitempty"`       // by topic, broker and number, those that nothing was sent to too
	Topics    []Share       `json:"topics,omitempty"`       // the same, by topic, where there are several
	Brokers   []Share       `json:"brokers,omitempty"`      // the same, by broker
	Delayed   *Delayed      `json:"delayed,omitempty"`      // where messages are delayed
	Others    []OtherTopics `json:"other_topics,omitempty"` // off the embedded broker: what its brokers' other topics took meanwhile
	Keys      *Keys         `json:"keys,omitempty"`         // where messages have keys; null of several shards
	Events    []Event       `json:"events,omitempty"`       // that happened
	Pulse     []Pulse       `json:"pulse,omitempty"`        // sends to each broker over time, where something happened
	Avoidance *Avoidance    `json:"avoidance,omitempty"`    // null: no broker was to be avoided
	Verify    *Verification `json:"verify,omitempty"`       // where it was asked
	Skew      *Skew         `json:"skew,omitempty"`         // of the queues, each among those of its topic
	Intervals *Intervals    `json:"intervals,omitempty"`    // of the series
	Anatomy   *Anatomy      `json:"anatomy_ns,omitempty"`   // of the measured stages
	Generator Generator     `json:"generator"`
	Process   *Process      `json:"process,omitempty"`   // while this case ran
	Transport *Transport    `json:"transport,omitempty"` // of the measured stages

	Transactions *Transactions `json:"transactions,omitempty"` // of mode transaction
	Replier      *Replier      `json:"replier,omitempty"`      // of mode request
	Arrivals     *Arrivals     `json:"arrivals,omitempty"`     // of mode arrived: what a broker recorded
}

// Keys counts the keys that acknowledged messages had, those of the warm-up included. Messages of one key keep their order only
// within one queue. A key counts once in each of several topics.
type Keys struct {
	Used        int64 `json:"used"`
	InTwoQueues int64 `json:"in_two_queues"` // or more

	// A pair is a send and the latest other one of its key; it breaks the key's order if they lie in two queues, or in one queue
	// the wrong way round. Modes sync and async only.
	Pairs       int64      `json:"pairs"`
	OrderBreaks int64      `json:"order_breaks"`
	Change      *KeyChange `json:"change,omitempty"` // null if the topic's queues didn't change
}

// Delayed is what brokers kept back for later when the case's last message had been stored, to a second, if their levels are
// RocketMQ's own.
type Delayed struct {
	Messages int64     `json:"messages"`
	DelayNS  int64     `json:"delay_ns"`
	Until    time.Time `json:"until"` // when consumers get the last of them
}

// Replier is who answered the case's requests, those of its warm-up included: the harness itself, in its own process, so that
// a request's time is that of the message, of the harness's pull of it, and of the reply. It answers no one else's.
type Replier struct {
	Pulled    int64  `json:"pulled"` // requests of ours
	Replied   int64  `json:"replied"`
	Unreplied int64  `json:"unreplied"`       // replies that no broker could pass on
	Fault     string `json:"fault,omitempty"` // the first error of pulling or replying
}

// Transactions is how the case's transactions ended, those of its warm-up included.
type Transactions struct {
	Committed   int64 `json:"committed"`
	RolledBack  int64 `json:"rolled_back"`
	CheckedBack int64 `json:"checked_back"` // ended when the broker asked
	AskedAgain  int64 `json:"asked_again"`  // questions about ends that were told: brokers may have delivered such a message twice
	Open        int64 `json:"open"`         // half messages that no broker had asked about when the run gave up waiting
}

// WarmupEnd is how a warm-up ended that was to end by itself. Nothing that was sent until then is in any figure but its own.
type WarmupEnd struct {
	Agreed   bool  `json:"agreed"` // two adjacent windows, in rate and median service time to 5 %; false: it took all of its time
	AfterNS  int64 `json:"after_ns"`
	WindowNS int64 `json:"window_ns"`
}

// Stage is one stage of a case's load.
type Stage struct {
	PlannedNS        *int64   `json:"planned_ns,omitempty"`          // null where a count ends it
	RatePerSecond    *float64 `json:"rate_per_second,omitempty"`     // null on a closed loop
	RateEndPerSecond *float64 `json:"rate_end_per_second,omitempty"` // where a ramp ends
	Measured
	Kinds []Kind `json:"kinds,omitempty"` // of a mix, in the scenario's order: they sum to the stage
}

// Measured is what came of some sends: how many, how fast, how long each.
//
// Times cover acknowledged sends only, so that no outcome mixes with another. Response is done − due, Service is
// done − called, Delay is called − due. A oneway send has no answer: its Response is null, and WriteTime is due until
// written, Service called until written; write times are never ranked with responses. A mixed case's Response, Service and Delay
// are of the answered sends.
type Measured struct {
	Counts
	StartOffsetNS      int64    `json:"start_offset_ns"`           // monotonic, from the run's start to the first due
	ElapsedNS          int64    `json:"elapsed_ns"`                // first due to last outcome
	MessagesPerSecond  *float64 `json:"messages_per_second"`       // acknowledged or written
	BodyBytes          *int64   `json:"body_bytes,omitempty"`      // of the messages acknowledged or written
	BodyBytesEach      *int64   `json:"body_bytes_each,omitempty"` // null where bodies differ in size
	BodyBytesPerSecond *float64 `json:"body_bytes_per_second"`     // as BodyBytes
	WireBytesPerSecond *float64 `json:"wire_bytes_per_second"`     // written to sockets, frames and all
	Response           *Latency `json:"response_ns"`               // null for oneway
	WriteTime          *Latency `json:"write_time_ns,omitempty"`   // oneway only, and of a mixed case its oneway kinds
	Service            *Latency `json:"service_ns"`
	Delay              *Latency `json:"delay_ns"`

	// Unsuccessful is due until done of the sends that were neither acknowledged nor written, by the outcome's name: weak,
	// refused, ambiguous, failed.
	Unsuccessful map[string]*Latency `json:"unsuccessful_ns,omitempty"`
}

// Counts says what became of sends. Offered = Attempted + Dropped; Attempted = Acknowledged + Weak + Written + Refused +
// Ambiguous + Failed.
type Counts struct {
	Offered      int64 `json:"offered"`      // fell due
	Attempted    int64 `json:"attempted"`    // called
	Acknowledged int64 `json:"acknowledged"` // answered SEND_OK
	Weak         int64 `json:"weak"`         // stored, but not flushed or copied as asked
	Written      int64 `json:"written"`      // oneway: in the socket
	Refused      int64 `json:"refused"`      // the broker said no for now
	Ambiguous    int64 `json:"ambiguous"`    // bytes may have reached the broker and no answer came
	Failed       int64 `json:"failed"`       // everything else
	Dropped      int64 `json:"dropped"`      // fell due and was never attempted

	Statuses          map[string]int64 `json:"statuses,omitempty"` // by send status, SEND_OK too: sums to Acknowledged + Weak
	Errors            map[string]int64 `json:"errors,omitempty"`   // by cause: sums to Refused + Ambiguous + Failed
	Retries           *int64           `json:"retries,omitempty"`  // attempts after a send's first
	AmbiguousAttempts *int64           `json:"ambiguous_attempts,omitempty"`
}

// Successes is the number of sends that did what their mode can know: acknowledged, or written if oneway.
func (c *Counts) Successes() int64 { return c.Acknowledged + c.Written }

// ErrorShare is all but the successes as a share of the offered, 0 if none was offered.
func (c *Counts) ErrorShare() float64 {
	if c.Offered == 0 {
		return 0
	}
	return float64(c.Offered-c.Successes()) / float64(c.Offered)
}

// PerSecond is n over elapsed nanoseconds, null where no time has passed.
func PerSecond(n, elapsedNS int64) *float64 {
	if elapsedNS <= 0 {
		return nil
	}
	return new(float64(n) / float64(elapsedNS) * 1e9)
}

// Generator is the evidence of whether the generator or the target was the limit. Shares are from 0 to 1.
type Generator struct {
	Workers     int `json:"workers"`
	WorkersMost int `json:"workers_most,omitempty"`  // how many there could have been, where they grow as slots find none free
	InFlightCap int `json:"in_flight_cap,omitempty"` // async: messages

	InFlightCapBytes int64 `json:"in_flight_cap_bytes,omitempty"` // async: of their bodies, if they are bounded too

	// Open loop only. A slot is missed if it was called later than MissedBoundNS (see MissedBound) while a worker
	// and the in-flight cap were free.
	Slots         int64  `json:"slots,omitempty"`
	MissedSlots   int64  `json:"missed_slots,omitempty"`
	MissedBoundNS int64  `json:"missed_bound_ns,omitempty"` // the scheduler's latency is held to it on a closed loop too
	TimerP99NS    *int64 `json:"timer_p99_ns,omitempty"`    // how late the pacer's timer is, measured at the start
	PacerSpunNS   *int64 `json:"pacer_spun_ns,omitempty"`   // on a CPU, so as not to be late: at most 150 µs before a slot, and only where slots are 1.5 ms apart

	CPUQuotaShare         *float64 `json:"cpu_quota_share,omitempty"` // CPU used of the CPU the process may use
	GCCPUShare            *float64 `json:"gc_cpu_share,omitempty"`    // of the CPU used
	SchedulerLatencyP99NS *int64   `json:"scheduler_latency_p99_ns,omitempty"`
	StealShare            *float64 `json:"steal_share,omitempty"`
	PressureShare         *float64 `json:"pressure_share,omitempty"`   // CPU pressure, share of the time with someone waiting
	OthersCPUShare        *float64 `json:"others_cpu_share,omitempty"` // of the machine's CPUs, used by other processes

	// The process stood still, as under SIGSTOP or in a machine that is paused, Pauses times and PausedNS in all; only pauses of
	// a second and more are seen. ClockSetNS is the wall clock's largest jump against the monotonic one, from half a second on: the
	// latencies don't know of it, the times of day do.
	Pauses     int   `json:"pauses,omitempty"`
	PausedNS   int64 `json:"paused_ns,omitempty"`
	ClockSetNS int64 `json:"clock_set_ns,omitempty"` // signed: positive if it was set forward

	// WorkersBusyShare is the mean share of the workers (async: of the in-flight cap) that had a send in flight.
	// ServiceGrowth is the median service time of the last quarter over that of the first: 1 is flat.
	WorkersBusyShare *float64 `json:"workers_busy_share,omitempty"`
	ServiceGrowth    *float64 `json:"service_growth,omitempty"`

	// Little's law: both from the start to the end of the drain and over the same sends, warm-up or not. The
	// integral of sends in flight over time is the limiter's; the sum of done − called, whatever the outcome,
	// is the recorder's. They must agree within 2 %, so both sides take the same two stamps of a send.
	InFlightIntegralNS *int64 `json:"in_flight_integral_ns,omitempty"`
	CallTimeSumNS      *int64 `json:"call_time_sum_ns,omitempty"`
}

// Transport is what went over the producer's connections.
type Transport struct {
	Connections      int      `json:"connections"` // to each broker, as asked
	BytesOut         int64    `json:"bytes_out"`
	BytesIn          int64    `json:"bytes_in"`
	Writes           int64    `json:"writes"` // system calls or their like
	MessagesPerWrite *float64 `json:"messages_per_write"`
	Dials            int64    `json:"dials"`         // connections made, those that replace a broken one too
	StrayReplies     int64    `json:"stray_replies"` // late, duplicate or unknown
	PermitWaits      int64    `json:"permit_waits"`  // sends that waited for room under the in-flight limits
	PermitRefusals   int64    `json:"permit_refusals"`
	RoundTripNS      *int64   `json:"round_trip_ns"`                 // the kernel's, smoothed; the slowest connection's. A peer that acknowledges only as it answers is in it with the time that it took
	RoundTripLeastNS *int64   `json:"round_trip_least_ns,omitempty"` // the shortest that the kernel saw in the last five minutes: the network without the broker. Of several connections, the longest of them
	Retransmits      *int64   `json:"retransmits"`                   // TCP segments sent again, since the connections were made
}

// Process is what the run cost this process, its embedded broker included.
type Process struct {
	CPUNS            *int64   `json:"cpu_ns"`
	CPUNSPerMessage  *float64 `json:"cpu_ns_per_message"` // a message acknowledged or written
	MaxRSSBytes      *int64   `json:"max_rss_bytes"`
	AllocsPerMessage *float64 `json:"allocs_per_message"`
}

// InstrumentCost is what the harness itself takes, measured against a null broker in this process.
type InstrumentCost struct {
	Mode              string   `json:"mode"`
	BodyBytes         int64    `json:"body_bytes"` // a message's, on average
	DurationNS        int64    `json:"duration_ns"`
	MessagesPerSecond *float64 `json:"messages_per_second"` // acknowledged or written
	P50NS             *int64   `json:"p50_ns"`
	CPUNSPerMessage   *float64 `json:"cpu_ns_per_message"`
}

// Target is what was driven. Embedded says that it was this process's own broker, whose numbers never speak of RocketMQ.
type Target struct {
	Embedded    bool     `json:"embedded"`
	Namesrv     []string `json:"namesrv,omitempty"`
	Cluster     string   `json:"cluster,omitempty"`
	Proxy       bool     `json:"proxy,omitempty"`        // Namesrv are remoting ports of RocketMQ 5's proxies: nothing is known, or said, of single brokers
	Speaks      string   `json:"proxy_speaks,omitempty"` // the version that they answer with
	Brokers     []Broker `json:"brokers,omitempty"`      // null through a proxy
	TLS         bool     `json:"tls,omitempty"`
	TLSInsecure bool     `json:"tls_insecure,omitempty"` // no certificate was verified
	Topic       string   `json:"topic,omitempty"`        // "" where there are several
	Topics      []string `json:"topics,omitempty"`       // of several
	Queues      *int64   `json:"queues,omitempty"`       // writable, all brokers and topics
}

// AnyEmbedded reports whether messages went to an embedded broker, of this process or of another one.
func (t *Target) AnyEmbedded() bool {
	return t.Embedded || slices.ContainsFunc(t.Brokers, func(b Broker) bool { return b.Embedded })
}

// Broker is one broker of the target.
type Broker struct {
	Name     string            `json:"name"`
	Addr     string            `json:"addr,omitempty"`
	Version  string            `json:"version,omitempty"`
	Settings map[string]string `json:"settings,omitempty"` // by AllowedSettings
	Embedded bool              `json:"embedded,omitempty"` // rmqbench's own, in a process of its own
	Disk     *Disk             `json:"disk,omitempty"`     // of its commit log, when the run began
}

// Environment is where the run ran.
type Environment struct {
	ToolVersion     string   `json:"tool_version"`
	Commit          string   `json:"commit,omitempty"`
	GoVersion       string   `json:"go_version"`
	OS              string   `json:"os"`
	Arch            string   `json:"arch"`
	Kernel          string   `json:"kernel,omitempty"`
	CPUModel        string   `json:"cpu_model,omitempty"`
	CPUs            int      `json:"cpus"`
	GOMAXPROCS      int      `json:"gomaxprocs"`
	CPUQuota        *float64 `json:"cpu_quota,omitempty"` // CPUs that the control group allows; null without a limit
	Governor        string   `json:"governor,omitempty"`
	HostFingerprint string   `json:"host_fingerprint,omitempty"` // a hash: equal on equal machines' runs, names nobody
	Steal           Phases   `json:"steal_share,omitzero"`
	Pressure        Phases   `json:"pressure_share,omitzero"`
}

// Phases is a share from 0 to 1 before, during and after the run, null where it isn't known.
type Phases struct {
	Before *float64 `json:"before"`
	During *float64 `json:"during"`
	After  *float64 `json:"after"`
}
