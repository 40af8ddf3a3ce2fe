package main

import (
	"strings"
	"testing"

	"rmqbench/broker"
)

func TestFromJava(t *testing.T) {
	const start = "-t BenchmarkTest -g benchmark_producer -w 64 -s 128 --compress-over off --serialize rocketmq --set producer.profile=java-5.4 "
	for args, want := range map[string]string{
		"-n a:1":                               start + "-d 60s -n a:1",
		"-w 8 -s 1024 -t T -q 100":             start + "-t T -w 8 -s 1024 --count 100",
		"--threadCount 8 --topic T":            start + "-d 60s -t T -w 8",
		"--threadCount=8 -t=T":                 start + "-d 60s -t T -w 8",
		"-ct LZ4":                              start + "-d 60s",
		"-y true -w 8":                         start + "-d 60s -m async -w 1 --in-flight 10000",
		"-k true -l 4 -d true -e 3":            start + "-d 60s --set message.keys.distinct=1000 --set message.keys.skew=sequence --set message.tags=4 --set message.delay_level=3 --set message.long_delay=true",
		"-c true -ct LZ4 -cl 5 -ch 100":        start + "-d 60s --compress-over 100 --set producer.compress=lz4",
		"-a false -m false -p 0 -l 0 -ri 1000": start + "-d 60s",
		"-w 8 -- --json -d 1s":                 start + "-d 60s -w 8 --json -d 1s",
	} {
		flags, said, err := fromJava(strings.Fields(args))
		if got := strings.Join(flags, " "); err != nil || strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", args, err, got, want)
		}
		if len(said) == 0 && !strings.Contains(args, "-q") {
			t.Errorf("%s: nothing is said", args)
		}
	}
}

func TestMQProducer(t *testing.T) {
	cluster, err := broker.Start(broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	args := "mqproducer -n " + cluster.NameServer() + " -t RMQBENCH_T -w 4 -q 500 -- -o none --instrument-cost off"
	out, errs, status := command(t, strings.Fields(args)...)
	if status != exitDone || !strings.Contains(out, "msg/s") || !strings.Contains(errs, "-w 4 → -w 4\n") || !strings.Contains(errs, "-q 500 → --count 500; all threads together\n") {
		t.Errorf("status %d\n%s\n%s", status, out, errs)
	}
	for args, want := range map[string]string{
		"mqproducer -x 1":         `"-x" is no option of RocketMQ's Java benchmark`,
		"mqproducer -w":           "-w needs a value",
		"mqproducer -p 10":        "message.properties",
		"mqproducer -m true":      "no traces",
		"mqproducer -sk hunter2":  "no flag takes a secret",
		"mqproducer -n a:1 -w 0":  "-w 0: workers must be at least 1",
		"mqproducer threads 5":    "is no option",
		"mqproducer -y true -s x": "-s x",
	} {
		_, errs, status := command(t, strings.Fields(args)...)
		if status != exitUsage || !strings.Contains(errs, want) || strings.Contains(errs, "hunter2") {
			t.Errorf("%s: status %d, %s", args, status, errs)
		}
	}
}

// --dry-run prints the plan and exits 0.
func TestDryRun(t *testing.T) {
	out, errs, status := command(t, "run", "--dry-run", "-r", "100/s", "-d", "2s", "-s", "1KiB,2KiB", "--repeat", "3")
	want := "run: a dry run, nothing is sent\n  1KiB: 200 messages, 200 KiB of bodies; 2s\n  2KiB: 200 messages, 400 KiB of bodies; 2s\n2 cases in 3 rounds, about 12s with what is known of their lengths\n"
	if status != exitDone || out != want || errs != "" {
		t.Errorf("status %d\n%s\n%s\nwant\n%s", status, out, errs, want)
	}
}
