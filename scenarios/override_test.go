package scenarios

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// Flags are at fault in one line that starts with the flag.
func TestOverrideFaults(t *testing.T) {
	for _, tt := range []struct {
		o    Override
		want string
	}{
		{Override{"load.workers", "0", "-w"}, "-w 0: workers must be at least 1"},
		{Override{"load.workers", "-3", "-w"}, "-w -3: workers must be at least 1"},
		{Override{"target.resolve", "a:1", "--resolve"}, `--resolve a:1: resolve must be FROM=TO, like 172.17.0.3:10911=127.0.0.1:10911, not "a:1"`},
		{Override{"target.resolve", "a:1=b", "--resolve"}, "--resolve a:1=b: resolve has no port; write b:9876"},
		{Override{"load.workers", "10001", "-w"}, "-w 10001: workers must be at most 10,000"},
		{Override{"load.workers", "many", "-w"}, `-w many: workers must be a whole number like 64, or auto, not "many"`},
		{Override{"load.workers", "", "-w"}, `-w "": workers must be a whole number like 64, or auto, not ""`},
		{Override{"load.rate", "-5", "-r"}, "-r -5: rate must not be negative; write 1k/s"},
		{Override{"load.rate", "0/s", "-r"}, "-r 0/s: rate must be more than 0; without a rate it is a closed loop"},
		{Override{"message.size", "5GiB", "-s"}, "-s 5GiB: size must be at most 4MiB: RocketMQ's client and broker refuse more"},
		{Override{"message.size", "0", "-s"}, "-s 0: size must be at least 1B"},
		{Override{"load.duration", "0", "-d"}, "-d 0: duration must be more than 0"},
		{Override{"load.duration", "30", "-d"}, "-d 30: duration has no unit; write 30s"},
		{Override{"load.warmup", "2", "--warmup"}, "--warmup 2: warmup has no unit; write 2s"},
		{Override{"load.count", "0", "--count"}, "--count 0: count must be at least 1"},
		{Override{"load.mode", "asinc", "-m"}, `-m asinc: mode must be sync, async, oneway, batch, transaction or request, not "asinc"; nearest: async`},
		{Override{"target.namesrv", "broker", "-n"}, "-n broker: namesrv has no port; write broker:9876"},
		{Override{"target.namesrv", "a:1;b", "-n"}, "-n a:1;b: namesrv has no port; write b:9876"},
		{Override{"topic.name", "a b", "-t"}, `-t "a b": name must be of letters, digits, _, -, % and | only, not "a b"`},
		{Override{"topic.name", "a\nb\x1b[31m", "-t"}, `-t a` + "\ufffd" + `b` + "\ufffd" + `[31m: name must be of letters, digits, _, -, % and | only, not "a` + "\ufffd" + `b` + "\ufffd" + `[31m"`},
		{Override{"load.workers", "0", "--set load.workers"}, "--set load.workers=0: workers must be at least 1"},
		{Override{"load.workers", "0", "RMQBENCH_WORKERS"}, "RMQBENCH_WORKERS=0: workers must be at least 1"},
		{Override{"load.worker", "8", "--set load.worker"}, `--set load.worker=8: "load.worker" can't be set; nearest: load.workers`},
		{Override{"load.stages", "8", "--set load.stages"}, "--set load.stages=8: load.stages is a list; set load.duration, load.rate or load.warmup, or write a file"},
		{Override{"target.embedded", "8", "--set target.embedded"}, "--set target.embedded=8: target.embedded is a mapping; set target.embedded.brokers, target.embedded.rooms, target.embedded.service_time, target.embedded.servers"},
		{Override{"version", "1", "--set version"}, `--set version=1: "version" can't be set; paths: `},
	} {
		_, err := FromFlags(tt.o)
		if err == nil || err.Error() != tt.want && !(strings.HasSuffix(tt.want, ": ") && strings.HasPrefix(err.Error(), tt.want)) {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

func TestAllFaultsOfFlags(t *testing.T) {
	_, err := Parse("a.yaml", []byte("version: 1\nname: a\nload: {worker: 8}\n"), Override{"load.rate", "x", "-r"}, Override{"load.duration", "0", "-d"})
	want := `a.yaml:3:8: unknown key "worker"; nearest: workers
-r x: rate must be a plain number; write 1k/s
-d 0: duration must be more than 0`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// An override that fits no longer with the file says so at the file's line, and names the flag.
func TestOverrideAgainstFile(t *testing.T) {
	text := "version: 1\nname: a\nload: {stages: [{for: 5s}]}\nevents: [{at: 2s, for: 1s, stall: true}]\n"
	for _, tt := range []struct {
		o    Override
		want string
	}{
		{Override{"load.duration", "1s", "-d"}, `a.yaml:4:11: event ends at 3s, but "sync 64" lasts 1s (-d 1s)`},
		{Override{"target.namesrv", "h:9876", "-n"}, "a.yaml:4:11: events happen to the embedded broker only, and the target is h:9876"},
	} {
		if _, err := Parse("a.yaml", []byte(text), tt.o); err == nil || err.Error() != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

func TestFromFlags(t *testing.T) {
	const s = Duration(time.Second)
	perSecond := Rate{1000, time.Second}
	lone := func(change func(*Scenario)) Scenario {
		s := Scenario{
			Version: 1, Name: "run", Seed: 1,
			Target:   Target{Embedded: &Embedded{Brokers: 1, Servers: 1}},
			Topic:    Topic{Name: "RMQBENCH_RUN", QueuesPerBroker: 8, Keep: true},
			Load:     Workload{Workers: Workers{N: 64}, Mode: Sync, Stages: []Stage{{For: 10 * s}}},
			Message:  Message{Size: 128},
			Producer: Producer{Profile: Measure, Group: "rmqbench", Selector: "round_robin", Serialize: "rocketmq", Compress: ZLIB, CompressOver: 4096, SendTimeout: 3 * s, Connections: 1},
		}
		change(&s)
		return s
	}
	open := func(s *Scenario) { s.Load.Workers, s.Load.Arrivals = Workers{Auto: true}, Constant }
	for name, tt := range map[string]struct {
		in    []Override
		label string
		want  Scenario
	}{
		"nothing": {nil, "sync 64", lone(func(*Scenario) {})},
		"load": {
			[]Override{{Path: "load.mode", Value: "async"}, {Path: "load.workers", Value: "8"}, {Path: "message.size", Value: "4KiB"}, {Path: "load.duration", Value: "5s"}},
			"async 1024", lone(func(c *Scenario) {
				c.Load = Workload{Workers: Workers{N: 8}, Mode: Async, InFlight: 1024, Stages: []Stage{{For: 5 * s}}}
				c.Message.Size = 4096
			}),
		},
		"later wins": {
			[]Override{{Path: "load.workers", Value: "8"}, {Path: "load.workers", Value: "16"}},
			"sync 16", lone(func(c *Scenario) { c.Load.Workers.N = 16 }),
		},
		"a rate opens the loop": {
			[]Override{{Path: "load.rate", Value: "1k/s"}},
			"sync 1k/s", lone(func(c *Scenario) { open(c); c.Load.Stages[0].Rate = perSecond }),
		},
		"warm-up has the rate, in any order": {
			[]Override{{Path: "load.warmup", Value: "2s"}, {Path: "load.rate", Value: "1k/s"}},
			"sync 1k/s", lone(func(c *Scenario) {
				open(c)
				c.Load.Stages = []Stage{{For: 2 * s, Rate: perSecond, Warmup: true}, {For: 10 * s, Rate: perSecond}}
			}),
		},
		"rate before warm-up": {
			[]Override{{Path: "load.rate", Value: "1k/s"}, {Path: "load.warmup", Value: "2s"}},
			"sync 1k/s", lone(func(c *Scenario) {
				open(c)
				c.Load.Stages = []Stage{{For: 2 * s, Rate: perSecond, Warmup: true}, {For: 10 * s, Rate: perSecond}}
			}),
		},
		"a warm-up that ends by itself": {
			[]Override{{Path: "load.rate", Value: "1k/s"}, {Path: "load.warmup", Value: "auto"}},
			"sync 1k/s", lone(func(c *Scenario) {
				open(c)
				c.Load.Stages = []Stage{{For: 30 * s, Rate: perSecond, Warmup: true, Auto: true}, {For: 10 * s, Rate: perSecond}}
			}),
		},
		"a fixed one instead": {
			[]Override{{Path: "load.warmup", Value: "auto"}, {Path: "load.warmup", Value: "2s"}},
			"sync 64", lone(func(c *Scenario) { c.Load.Stages = []Stage{{For: 2 * s, Warmup: true}, {For: 10 * s}} }),
		},
		"a count ends it": {
			[]Override{{Path: "load.warmup", Value: "2s"}, {Path: "load.count", Value: "500"}},
			"sync 64", lone(func(c *Scenario) { c.Load.Count = 500; c.Load.Stages = []Stage{{For: 2 * s, Warmup: true}, {}} }),
		},
		"count and duration": {
			[]Override{{Path: "load.duration", Value: "2s"}, {Path: "load.count", Value: "500"}},
			"sync 64", lone(func(c *Scenario) { c.Load.Count = 500; c.Load.Stages[0].For = 2 * s }),
		},
		"auto is 64 in a closed loop": {
			[]Override{{Path: "load.workers", Value: "auto"}},
			"sync 64", lone(func(*Scenario) {}),
		},
		"name servers": {
			[]Override{{Path: "target.namesrv", Value: "a:1; b:2,"}, {Path: "target.cluster", Value: "C"}},
			"sync 64", lone(func(c *Scenario) {
				c.Target = Target{Namesrv: []string{"a:1", "b:2"}, Cluster: "C"}
				c.Topic.QueuesPerBroker = 0 // nobody named it
			}),
		},
		"a profile's defaults": {
			[]Override{{Path: "producer.profile", Value: "java-4.5.1"}, {Path: "producer.compress_over", Value: "off"}},
			"sync 64", lone(func(c *Scenario) {
				c.Producer.Profile, c.Producer.Serialize, c.Producer.Retries, c.Producer.CompressOver = Java451, "json", 2, 0
			}),
		},
		"a field over its profile's default": {
			[]Override{{Path: "producer.profile", Value: "java-5.4"}, {Path: "producer.retries", Value: "0"}},
			"sync 64", lone(func(c *Scenario) { c.Producer.Profile, c.Producer.Serialize = Java54, "json" }),
		},
	} {
		got, err := FromFlags(tt.in...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		cases := got.Cases()
		if len(cases) != 1 || cases[0].Name != tt.label || cases[0].Params != nil || !reflect.DeepEqual(cases[0].Scenario, tt.want) {
			t.Errorf("%s:\ngot  %+v\nwant %s %+v", name, cases, tt.label, tt.want)
		}
	}
}

// A flag fixes its field in every case, whatever the cases say.
func TestOverrideEveryCase(t *testing.T) {
	s, err := Load("quick",
		Override{"load.workers", "2", "-w"}, Override{"load.duration", "7s", "-d"}, Override{"load.warmup", "0", "--warmup"},
		Override{"load.rate", "50/s", "-r"}, Override{"message.size", "1B", "-s"}, Override{"target.embedded.brokers", "3", "--set"})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Cases()) < 6 {
		t.Errorf("%d cases", len(s.Cases()))
	}
	for _, c := range s.Cases() {
		want := []Stage{{For: Duration(7 * time.Second), Rate: Rate{50, time.Second}}}
		if c.Load.Workers.N != 2 || c.Message.Size != 1 || c.Target.Embedded.Brokers != 3 || !reflect.DeepEqual(c.Load.Stages, want) {
			t.Errorf("%s: %+v", c.Name, c.Scenario)
		}
	}
}

// The target of a file gives way to that of a flag.
func TestOverrideTarget(t *testing.T) {
	cluster := []byte("version: 1\nname: a\ntarget: {namesrv: [a:1], cluster: C}\ncases: [{name: x, target: {cluster: D}}]\n")
	s, err := Parse("a.yaml", cluster, Override{"target.embedded.brokers", "2", "--set"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Cases()[0].Target; got.Embedded == nil || got.Embedded.Brokers != 2 || got.Namesrv != nil || got.Cluster != "" {
		t.Errorf("embedded over namesrv: %+v", got)
	}
	embedded := []byte("version: 1\nname: a\ntarget: {embedded: {brokers: 2}}\n")
	if s, err = Parse("a.yaml", embedded, Override{"target.namesrv", "a:1", "-n"}); err != nil {
		t.Fatal(err)
	}
	if got := s.Cases()[0].Target; got.Embedded != nil || len(got.Namesrv) != 1 {
		t.Errorf("namesrv over embedded: %+v", got)
	}
}
