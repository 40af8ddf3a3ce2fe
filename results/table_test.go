package results

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rmqbench/internal/golden"
)

// spread returns a histogram of n durations from low to high, most of them low.
func spread(n int64, low, high time.Duration) *Histogram {
	h := NewHistogram()
	for i := range n {
		share := float64(i) / float64(n-1)
		h.Record(int64(low) + int64(share*share*share*share*float64(high-low)))
	}
	return h
}

// closedCase is a valid closed loop of n sends in two seconds.
func closedCase(name, mode string, n int64, low, high time.Duration) Case {
	c := Case{Name: name, Mode: mode, Measured: Measured{Counts: Counts{Offered: n, Attempted: n}, ElapsedNS: 2e9, MessagesPerSecond: PerSecond(n, 2e9)}}
	times := Summarize(spread(n, low, high))
	c.Service = times
	if mode == modeOneway {
		c.Written, c.WriteTime = n, times
	} else {
		c.Acknowledged, c.Response = n, times
		c.Statuses = map[string]int64{"SEND_OK": n}
	}
	c.Generator = Generator{Workers: 64, MissedBoundNS: 1e6, CPUQuotaShare: new(0.97), GCCPUShare: new(0.01),
		SchedulerLatencyP99NS: new(int64(250e3)), PressureShare: new(0.4), StealShare: new(0.0)}
	return c
}

// stallCase is a valid open loop of 1,000/s for 5 s whose broker stalled for half a second.
func stallCase() Case {
	service, delay, response := NewHistogram(), NewHistogram(), NewHistogram()
	for i := range int64(5000) {
		took, waited := int64(150e3)+i%97*1e3, int64(2e3)+i%13*1e3
		if i >= 2000 && i < 2500 {
			waited = (2500 - i) * 1e6
		}
		if i >= 2000 && i < 2008 {
			took, waited = (2500-i)*1e6, 2e3
		}
		service.Record(took)
		delay.Record(waited)
		response.Record(took + waited)
	}
	return Case{Name: "stall 1k/s", Mode: "sync", OpenLoop: true,
		Measured: Measured{Counts: Counts{Offered: 5000, Attempted: 5000, Acknowledged: 5000, Statuses: map[string]int64{"SEND_OK": 5000}},
			ElapsedNS: 5e9, MessagesPerSecond: PerSecond(5000, 5e9),
			Response: Summarize(response), Service: Summarize(service), Delay: Summarize(delay)},
		Generator: Generator{Workers: 8, Slots: 5000, MissedSlots: 3, MissedBoundNS: 1e6, TimerP99NS: new(int64(209e3)),
			CPUQuotaShare: new(0.11), WorkersBusyShare: new(0.12), ServiceGrowth: new(1.0)}}
}

// quickRun is like a run of the shipped scenario quick.
func quickRun() *Run {
	return &Run{Name: "quick",
		StartedAt:      time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC),
		EndedAt:        time.Date(2026, 3, 1, 12, 0, 17, 0, time.UTC),
		Target:         Target{Embedded: true, Brokers: []Broker{{Name: "broker-0"}}, Topic: "RMQBENCH_QUICK", Queues: new(int64(8))},
		Environment:    Environment{ToolVersion: "v0.1.0", GoVersion: "go1.26.0", OS: "linux", Arch: "amd64", CPUs: 2, GOMAXPROCS: 2, Steal: Phases{Before: new(0.0)}},
		Scenario:       []byte(`{"version":1,"seed":1}`),
		Process:        &Process{CPUNS: new(int64(20e9)), MaxRSSBytes: new(int64(80 << 20))},
		InstrumentCost: &InstrumentCost{Mode: "sync", BodyBytes: 128, DurationNS: 5e8, MessagesPerSecond: new(310e3), P50NS: new(int64(190e3)), CPUNSPerMessage: new(2200.0)},
		Cases: []Case{
			closedCase("sync 64", "sync", 500_000, 120*time.Microsecond, 3*time.Millisecond),
			closedCase("async 1024", "async", 600_000, 900*time.Microsecond, 12*time.Millisecond),
			closedCase("oneway", "oneway", 900_000, 700, 40*time.Microsecond),
			closedCase("sync 4 KiB", "sync", 200_000, 200*time.Microsecond, 9*time.Millisecond),
			closedCase("sync 4 KiB zlib", "sync", 60_000, 800*time.Microsecond, 15*time.Millisecond),
			stallCase(),
		}}
}

func TestWriteTable(t *testing.T) {
	for name, run := range map[string]*Run{
		"quick.txt":   quickRun(),
		"cluster.txt": clusterRun(),
		"hostile.txt": hostileRun(),
	} {
		Judge(run)
		var out strings.Builder
		if err := WriteTable(&out, run); err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name, Title(run)+"\n"+out.String())
		if name != "quick.txt" {
			continue
		}
		rows, err := tableLines(run)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range rows {
			if width := utf8.RuneCountInString(line); width > 100 {
				t.Errorf("%s: %d columns: %s", name, width, line)
			}
		}
	}
}

// clusterRun is a run against real brokers in which nothing goes as it should.
func clusterRun() *Run {
	limited := closedCase("sync -r 65k/s", "sync", 130_000, 4*time.Millisecond, 9*time.Millisecond)
	limited.OpenLoop = true
	limited.Delay = Summarize(spread(130_000, 2*time.Millisecond, 900*time.Millisecond))
	limited.Response = Summarize(spread(130_000, 6*time.Millisecond, 909*time.Millisecond))
	limited.Generator.WorkersBusyShare = new(0.99)
	limited.Generator.CPUQuotaShare = new(0.2)

	failing := closedCase("failing", "sync", 20_000, time.Millisecond, 2*time.Millisecond)
	failing.Offered, failing.Attempted = 21_500, 21_400
	failing.Dropped, failing.Ambiguous, failing.Refused, failing.Weak = 100, 150, 1_240, 10
	failing.Statuses["FLUSH_DISK_TIMEOUT"] = 10
	failing.Errors = map[string]int64{"SYSTEM_BUSY": 1_000, "timeout": 150, "PC_SYNCHRONIZED": 200, "TOPIC_NOT_EXIST": 25, "NO_PERMISSION": 15}

	dead := Case{Name: "dead", Mode: "sync", Measured: Measured{Counts: Counts{Offered: 7, Attempted: 7, Failed: 7, Errors: map[string]int64{"connection refused": 7}}}}
	return &Run{Name: "regression",
		Target: Target{Namesrv: []string{"10.0.0.1:9876", "10.0.0.2:9876"}, Cluster: "DefaultCluster", Brokers: []Broker{{Name: "broker-a", Version: "V4_9_7"}}},
		Lost:   []string{"case 4"},
		Cases:  []Case{limited, failing, dead}}
}

// hostileRun has names that would like to write to the terminal themselves.
func hostileRun() *Run {
	c := closedCase("\x1b]0;owned\x07\x1b[31mred\r\nfake row", "sync", 3, time.Millisecond, time.Millisecond)
	c.Failed, c.Offered, c.Attempted = 1, 4, 4
	c.Errors = map[string]int64{"\u202etxt.exe \u009b2J " + strings.Repeat("broker's remark ", 100): 1}
	return &Run{Name: "a\x00b\tc", CutShort: "guard\x1b[0m",
		Target: Target{Namesrv: []string{"ns\x1b[2J:9876"}, Cluster: "evil\ncluster", Brokers: []Broker{{Name: "b\x7f", Version: "V\xff"}}},
		Cases:  []Case{c}}
}

func TestVerdictLine(t *testing.T) {
	fine, bad, worse := closedCase("fine", "sync", 10_000, 1, 2), closedCase("bad", "sync", 10_000, 1, 2), closedCase("w\x1b", "sync", 10_000, 1, 2)
	fine.Offered, fine.Dropped = 10_050, 50
	bad.Offered, bad.Dropped = 10_500, 500
	worse.Offered, worse.Dropped = 20_000, 10_000
	for want, cases := range map[string][]Case{
		"VALID":                              {fine},
		"VALID · 4.76 % of bad are errors":   {fine, bad},
		`VALID · 50.0 % of w\x1b are errors`: {worse, fine, bad},
	} {
		if got := VerdictLine(&Run{Verdict: Valid, Cases: cases}); got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
}

func TestOutageLines(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 5e8, time.UTC)
	r := &Run{Cases: []Case{closedCase("hot", "sync", 400, 1, 2)}, MoreOutages: 2, Outages: []Outage{
		{Case: "hot", Broker: "broker-a", BeganAt: at, FirstSuccessNS: new(int64(2_100_000_000)), Refused: 1200, Failed: 3},
		{Case: "hot", BeganAt: at},
	}}
	want := []string{
		"hot: outage of broker-a from 03:02:01.500Z on, the first success after 2.10 s; meanwhile refused 1,200, ambiguous 0, failed 3",
		"hot: outage of any broker from 03:02:01.500Z on, no send succeeded again; meanwhile refused 0, ambiguous 0, failed 0",
		"2 more outages",
	}
	if got := outageLines(r); !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
