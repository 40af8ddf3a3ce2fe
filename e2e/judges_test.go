//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The judges are clients that we did not write: rocketmq-client-go (peers/goclient), the Java producer (java/SendOne.java)
// and mqadmin. They are put to `rmqbench broker`, and by the suite to real RocketMQ, which shows that they judge rightly.

// target is what is judged.
type target struct {
	nameServer string // host:port
	broker     string // host:port
}

func TestJudgesOnRmqbenchBroker(t *testing.T) {
	for _, version := range Versions() {
		t.Run(version, func(t *testing.T) { judge(t, NewTools(t, version), startRmqbenchBroker(t)) })
	}
}

// What RocketMQ's own producer does beyond sending works on our broker as TestSuite shows that it does on a real one.
func TestDialogueOnRmqbenchBroker(t *testing.T) {
	judgeDialogue(t, NewTools(t, latest()), startRmqbenchBroker(t, "--check-interval", "1s", "--check-after", "1s"))
}

// judgeDialogue needs a broker of 5.4.0 that recalls messages, and asks about transactions every second.
func judgeDialogue(t *testing.T, tools *Tools, at target) {
	const topic = "RMQBENCH_JUDGE_dialogue"
	admin(t, tools, at, "updateTopic", "-b", at.broker, "-t", topic, "-r", "4", "-w", "4")
	out, err := tools.Java("java/Dialogue.java", at.nameServer, topic)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wantText(t, out, "query OK", "request OK", "transactions OK", "delays OK",
		"found [CLUSTER, KEYS, MAX_OFFSET, MIN_OFFSET, MSG_REGION, TAGS, TRACE_ON, UNIQ_KEY, WAIT]",
		"question [CLUSTER, CORRELATION_ID, KEYS, MAX_OFFSET, MIN_OFFSET, MSG_REGION, REPLY_TO_CLIENT, TAGS, TRACE_ON, TTL, UNIQ_KEY, WAIT]",
		"tx yes [CLUSTER, KEYS, MAX_OFFSET, MIN_OFFSET, MSG_REGION, PGROUP, TAGS, TRACE_ON, TRAN_MSG, UNIQ_KEY, WAIT, __transactionId__]",
		"tx asked yes [CLUSTER, KEYS, MAX_OFFSET, MIN_OFFSET, MSG_REGION, PGROUP, TAGS, TRACE_ON, TRANSACTION_CHECK_TIMES, TRAN_MSG, UNIQ_KEY, WAIT, __transactionId__]",
		"level [CLUSTER, DELAY, KEYS, MAX_OFFSET, MIN_OFFSET, MSG_REGION, REAL_QID, REAL_TOPIC, TAGS, TRACE_ON, UNIQ_KEY, WAIT]",
		"timer [CLUSTER, KEYS, MAX_OFFSET, MIN_OFFSET, MSG_REGION, REAL_QID, REAL_TOPIC, TAGS, TIMER_DELAY_MS, TIMER_DEQUEUE_MS, TIMER_ENQUEUE_MS, TIMER_OUT_MS, TRACE_ON, UNIQ_KEY, WAIT]")
	wantText(t, admin(t, tools, at, "queryMsgByKey", "-t", topic, "-k", "key-found"), "#Message ID")
}

// judge has every judge use the target. Those of one stage run side by side: mqadmin takes seconds to start and to end.
func judge(t *testing.T, tools *Tools, at target) {
	goclient := buildGo(t, "../peers", "./goclient")
	const count = 500
	t.Run("send", func(t *testing.T) {
		for _, mode := range []string{"sync", "async", "oneway", "batch"} {
			t.Run("goclient "+mode, func(t *testing.T) {
				t.Parallel()
				topic := "RMQBENCH_JUDGE_" + mode // does not exist: the broker creates it
				var stderr bytes.Buffer
				cmd := exec.Command(goclient, "-n", at.nameServer, "-t", topic, "-c", strconv.Itoa(count), "-m", mode)
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v: %v\n%s%s", cmd, err, out, &stderr)
				}
				var got struct{ Sent, Acknowledged int }
				if err := json.Unmarshal(out, &got); err != nil {
					t.Fatalf("%q: %v", out, err)
				}
				want := count
				if mode == "oneway" {
					want = 0
				}
				if got.Sent != count || got.Acknowledged != want {
					t.Errorf("%s: want %d sent and %d acknowledged", out, count, want)
				}
				stored := storedIn(t, tools, at, topic)
				if stored != count && (mode != "oneway" || stored > count || stored == 0) {
					t.Errorf("topicStatus counts %d messages after %d were sent", stored, count)
				}
			})
		}
		t.Run("java", func(t *testing.T) {
			t.Parallel()
			const topic = "RMQBENCH_JUDGE_java"
			out, err := tools.Java("java/SendOne.java", at.nameServer, topic)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if got := strings.Count(out, "SEND_OK"); got != 3 {
				t.Errorf("want SEND_OK for sync, async and batch, got:\n%s", out)
			}
			if got := storedIn(t, tools, at, topic); got != 6 {
				t.Errorf("topicStatus counts %d messages after 1 sync, 1 async, 1 oneway and 3 in a batch", got)
			}
		})
		t.Run("mqadmin sendMessage", func(t *testing.T) {
			t.Parallel()
			const topic = "RMQBENCH_JUDGE_mqadmin"
			if out := admin(t, tools, at, "sendMessage", "-t", topic, "-p", "hello", "-k", "key", "-c", "tag"); !strings.Contains(out, "SEND_OK") {
				t.Errorf("want SEND_OK, got:\n%s", out)
			}
			if got := storedIn(t, tools, at, topic); got != 1 {
				t.Errorf("topicStatus counts %d messages after one was sent", got)
			}
		})
	})

	t.Run("mqadmin", func(t *testing.T) {
		t.Run("clusterList", func(t *testing.T) {
			t.Parallel()
			wantText(t, admin(t, tools, at, "clusterList"), at.broker)
		})
		t.Run("topicRoute", func(t *testing.T) {
			t.Parallel()
			wantText(t, admin(t, tools, at, "topicRoute", "-t", "RMQBENCH_JUDGE_sync"), `0:"`+at.broker+`"`, `"writeQueueNums":4`, `"perm":6`)
		})
		t.Run("topicRoute of no topic", func(t *testing.T) {
			t.Parallel()
			out, err := tools.Admin(at.nameServer, "topicRoute", "-t", "RMQBENCH_JUDGE_none")
			if err == nil || !strings.Contains(out, "CODE: 17") {
				t.Errorf("want code 17 (TOPIC_NOT_EXIST), got error %v and:\n%s", err, out)
			}
		})
		t.Run("brokerStatus", func(t *testing.T) {
			t.Parallel()
			wantText(t, admin(t, tools, at, "brokerStatus", "-b", at.broker), "brokerVersionDesc", "putTps", "bootTimestamp")
		})
		t.Run("updateTopic", func(t *testing.T) {
			t.Parallel()
			const topic = "RMQBENCH_JUDGE_created"
			admin(t, tools, at, "updateTopic", "-b", at.broker, "-t", topic, "-r", "6", "-w", "6")
			wantText(t, admin(t, tools, at, "topicRoute", "-t", topic), `"readQueueNums":6`, `"writeQueueNums":6`)
		})
	})
}

// admin runs mqadmin, which must succeed.
func admin(t *testing.T, tools *Tools, at target, args ...string) string {
	t.Helper()
	out, err := tools.Admin(at.nameServer, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

func wantText(t *testing.T, out string, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(out, text) {
			t.Errorf("want %q in:\n%s", text, out)
		}
	}
}

// statusLine is a queue in mqadmin topicStatus: broker, queue, least and greatest offset.
var statusLine = regexp.MustCompile(`(?m)^\S+ +(\d+) +(\d+) +(\d+) `)

// storedIn returns how many messages mqadmin's topicStatus counts in all queues of a topic.
func storedIn(t *testing.T, tools *Tools, at target, topic string) (stored int) {
	t.Helper()
	out := admin(t, tools, at, "topicStatus", "-t", topic)
	queues := statusLine.FindAllStringSubmatch(out, -1)
	if queues == nil {
		t.Fatalf("topicStatus -t %s shows no queue:\n%s", topic, out)
	}
	for _, q := range queues {
		least, _ := strconv.Atoi(q[2])
		greatest, _ := strconv.Atoi(q[3])
		stored += greatest - least
	}
	return stored
}

// buildGo builds a command of a module that lies at dir and returns the program's path.
func buildGo(t *testing.T, dir, pkg string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", program, pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v in %s: %v\n%s", cmd, dir, err, out)
	}
	return program
}

// The lines by which `rmqbench broker` says where it listens.
var (
	nameServerLine = regexp.MustCompile(`(?m)^\s*name server\s+(\S+:\d+)`)
	brokerLine     = regexp.MustCompile(`(?m)^\s*broker\s+.*?(\S+:\d+)`)
)

// startRmqbenchBroker builds our command, runs its embedded name server and broker until the test ends, and returns
// where they are.
func startRmqbenchBroker(t *testing.T, flags ...string) target {
	t.Helper()
	program := buildGo(t, "..", "./cmd/rmqbench")
	p, err := startProcess(exec.Command(program, append([]string{"broker", "--namesrv-listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"}, flags...)...),
		filepath.Join(t.TempDir(), "broker.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(5 * time.Second); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("rmqbench broker wrote at last:\n%s", p.logTail(16<<10))
		}
	})
	for deadline := time.Now().Add(10 * time.Second); p.running() && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		out := p.logTail(64 << 10)
		ns, b := nameServerLine.FindStringSubmatch(out), brokerLine.FindStringSubmatch(out)
		if ns != nil && b != nil {
			return target{nameServer: ns[1], broker: b[1]}
		}
	}
	t.Fatalf("rmqbench broker named no addresses within 10 s; running: %v", p.running())
	return target{}
}
