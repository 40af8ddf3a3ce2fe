package bench

import (
	"strconv"
	"strings"
	"testing"

	"rmqbench/broker"
	"rmqbench/producer"
	"rmqbench/remoting"
	"rmqbench/remoting/message"
	"rmqbench/results"
)

func TestDiskOf(t *testing.T) {
	for name, tt := range map[string]struct {
		info     message.KVTable
		ratio    float64 // -1: unknown
		capacity int64   // 0: unknown
	}{
		"as a broker says":  {message.KVTable{"commitLogDiskRatio": "0.41", "commitLogDirCapacity": "Total : 48.5 GiB, Free : 28.6 GiB."}, 0.41, 48<<30 + 1<<29},
		"small":             {message.KVTable{"commitLogDiskRatio": "0.5", "commitLogDirCapacity": "Total : 512 B, Free : 256 B."}, 0.5, 512},
		"nothing":           {nil, -1, 0},
		"no number":         {message.KVTable{"commitLogDiskRatio": "much", "commitLogDirCapacity": "Total : much, Free : some."}, -1, 0},
		"a directory lacks": {message.KVTable{"commitLogDiskRatio": "-1", "commitLogDirCapacity": "Total : 1.0 XiB"}, -1, 0},
		"not finite":        {message.KVTable{"commitLogDiskRatio": "NaN", "commitLogDirCapacity": "Total : Inf GiB,"}, -1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d := diskOf(tt.info, 2)
			ratio := -1.0
			if d.RatioBefore != nil {
				ratio = *d.RatioBefore
			}
			if ratio != tt.ratio || deref(d.CapacityBytes) != tt.capacity || d.Replicas != 2 {
				t.Errorf("%v of %d, %d replicas; want %v of %d", ratio, deref(d.CapacityBytes), d.Replicas, tt.ratio, tt.capacity)
			}
		})
	}
}

func TestMessagesOfAPlan(t *testing.T) {
	for load, want := range map[string]int64{ // -1: no bound
		"stages: [{for: 10s, rate: 1k/s}]":                                       10_000,
		"stages: [{for: 2s, rate: 100/s, warmup: true}, {for: 10s, rate: 1k/s}]": 10_200,
		"stages: [{for: 10s, rate: 1k/s}], count: 500":                           500,
		"stages: [{for: 10s}]":                                                   -1,
		"stages: [{for: 10s}], count: 500":                                       500,
		"stages: [{for: 10s, warmup: true}, {for: 10s}], count: 500":             -1,
		"stages: [{for: 10s}], cap: 2k/s":                                        20_000,
		"mode: batch, batch: 16, stages: [{for: 10s, rate: 1600/s}]":             16_000,
	} {
		n, bounded := planOf(t, loadOf(t, load)).messages()
		if !bounded {
			n = -1
		}
		if n != want {
			t.Errorf("%s: %d, want %d", load, n, want)
		}
	}
}

// TestRecordBytes: what is reckoned is what the embedded broker's commit log grows by.
func TestRecordBytes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "message: {size: 1KiB, keys: {distinct: 100}, tags: 3, properties: {region: eu}}\n",
		"message: {size: 16KiB, compressible: 0.5}\nproducer: {compress_over: 4KiB}\n",
	} {
		c := cluster(t, broker.Options{})
		report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"topic: {name: RMQBENCH_T}\n"+text+"load: {workers: 2, count: 500, stages: [{}]}\n"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		wantSums(t, report.Run)
		client := remoting.NewClient(remoting.ClientOptions{})
		defer client.Close()
		info, err := producer.NewAdmin(client, nil).RuntimeInfo(t.Context(), c.Brokers()[0].Addr())
		if err != nil {
			t.Fatal(err)
		}
		at, err := strconv.ParseFloat(info["putMessageSizeTotal"], 64)
		if err != nil {
			t.Fatal(err)
		}
		m, err := newMould(&parse(t, text+"topic: {name: RMQBENCH_T}\n")[0])
		if err != nil {
			t.Fatal(err)
		}
		of := &parse(t, text)[0]
		near(t, "bytes of 500 records", 500*m.recordBytes(&of.Producer), at, 0.05)
		if l := report.Run.Leftover; l != nil {
			t.Errorf("an embedded broker has no disk: %+v", l)
		}
	}
}

// TestR46_DiskLimit: off loopback a run tells what it will store, is refused where that is too much, and goes on where nobody may ask.
func TestR46_DiskLimit(t *testing.T) {
	const load = "load: {stages: [{for: 1s, rate: 1k/s}]}\nmessage: {size: 1KiB}\n" // 1.2 MB
	for name, tt := range map[string]struct {
		ratio    float64
		capacity int64
		options  Options
		load     string
		want     string // of the error; "": none
		told     string
	}{
		"room":              {0.41, 1 << 30, Options{abroad: true}, load, "", "stores about 1.17 MiB; its commit log's disk is 41 % full now and 41.1 % then"},
		"no bound":          {0.41, 1 << 30, Options{abroad: true, Unlimited: true}, "load: {stages: [{for: 1s}]}\n", "", "stores as much as it takes; its commit log's disk is 41 % full, and the run stops at 70 %"},
		"too full":          {0.71, 1 << 30, Options{abroad: true}, load, "its commit log's disk is 71 % full, over the limit of 70 %", "71 %"},
		"would be too full": {0.69, 100 << 20, Options{abroad: true}, load, "69 % full, and 1.17 MiB more make it 70.2 %, over the limit of 70 %", "69 % full now and 70.2 % then"},
		"in rounds":         {0.41, 10 << 20, Options{abroad: true, rounds: 5}, load, "5.87 MiB more make it", "stores about 5.87 MiB"},
		"its own limit":     {0.71, 1 << 30, Options{abroad: true, DiskLimit: 0.85}, load, "", "71 %"},
		"on loopback too":   {0.5, 1 << 30, Options{DiskLimit: 0.4}, load, "over the limit of 40 %", "50 %"},
		"loopback":          {0.99, 1 << 30, Options{}, load, "", ""},
		"off":               {0.99, 1 << 30, Options{abroad: true, DiskLimit: 1}, load, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, broker.Options{})
			c.Brokers()[0].Disk(tt.ratio, tt.capacity)
			var told []string
			tt.options.Tell = func(s string) { told = append(told, s) }
			_, err := preflight(t.Context(), parse(t, on(c.NameServer())+"topic: {name: T, create: if_absent}\n"+tt.load), tt.options)
			if (err == nil) != (tt.want == "") || err != nil && (!isDanger(err) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if got := strings.Join(told, "\n"); !strings.Contains(got, tt.told) || tt.told == "" && got != "" {
				t.Errorf("told %q, want %q", got, tt.told)
			}
			if _, gone := route(t, c.NameServer(), "T"); (err == nil) != (gone == nil) {
				t.Errorf("after %v the topic: %v", err, gone)
			}
		})
	}
}

// TestR46_DiskFillsUp: a run stops when a disk comes to the limit.
func TestR46_DiskFillsUp(t *testing.T) {
	t.Parallel()
	c := cluster(t, broker.Options{})
	c.Brokers()[0].Disk(0.2, 1<<40)
	report, err := Run(t.Context(), scenario(t, on(c.NameServer())+"load: {workers: 2, cap: 100/s, stages: [{for: 10m}]}\ncases: [{name: one}, {name: two}]\n"),
		Options{DiskLimit: 0.7, Progress: func(Progress) { c.Brokers()[0].Disk(0.75, 1<<40) }})
	if err != nil {
		t.Fatal(err)
	}
	run := report.Run
	wantSums(t, run)
	if run.StoppedBy != results.StoppedByDisk || run.Verdict != results.Partial || results.ExitStatus(run, false) != 1 || !strings.Contains(run.CutShort, "75 % full, over the limit of 70 %") {
		t.Errorf("%s, stopped by %q (%s), exit status %d", run.Verdict, run.StoppedBy, run.CutShort, results.ExitStatus(run, false))
	}
	if len(run.Cases) != 2 || run.Cases[0].Acknowledged == 0 || run.Cases[1].Attempted != 0 {
		t.Errorf("cases %+v", run.Cases)
	}
}

// TestDiskNotPermitted: a broker that says nothing of itself is told of as that.
func TestDiskNotPermitted(t *testing.T) {
	b := results.Broker{Name: "b", Disk: &results.Disk{ExpectedBytes: new(int64(1 << 20)), Replicas: 1}}
	if got, want := diskLine(&b, 0.7), "broker b stores about 1 MiB, and so does each of 1 replica; how full its disk is: not permitted"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s := &somebodys{target: target{record: results.Target{Brokers: []results.Broker{b}}}}
	if err := s.weighDisks(0.7, nil); err != nil {
		t.Error(err)
	}
}
