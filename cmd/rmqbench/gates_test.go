//go:build gates

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"rmqbench/results"
)

// gateThing is a broker whose only server is computed to take so long. 100 sends wait for it, so that it is never idle unless the machine
// stands still for half a second; half of the sends wait for all of the others, so the median is a hundred service times.
func gateThing(serviceTime string) string {
	return "-m sync -w 100 -d 600ms --set target.embedded.servers=1 --set target.embedded.service_time=" + serviceTime
}

// TestR57_Gates counts what the gate says of the same thing twice, and of one whose service takes 5 % longer. GATES is how many of each
// (40), GATES_AT_ONCE how many run at one time (1). One false alarm is allowed, and a tenth missed; of
// fewer than ten, one.
func TestR57_Gates(t *testing.T) {
	number := func(name string, otherwise int) int {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				t.Fatalf("%s=%s: a number over 0", name, text)
			}
			return n
		}
		return otherwise
	}
	gates, atOnce := number("GATES", 40), number("GATES_AT_ONCE", 1)
	binary := filepath.Join(t.TempDir(), "rmqbench")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	count := func(b string) (statuses map[int]int) {
		statuses = map[int]int{}
		var mu sync.Mutex
		var all sync.WaitGroup
		turn := make(chan struct{}, atOnce)
		for seed := range gates {
			turn <- struct{}{}
			all.Go(func() {
				defer func() { <-turn }()
				out, err := exec.CommandContext(t.Context(), binary, "gate", "--max-regression", "2%", "--rounds", "20", "--seed", strconv.Itoa(seed),
					"--calibration", "off", "-o", "none", "--a", gateThing("5ms"), "--b", b).CombinedOutput()
				status := 0
				if exit, ok := errors.AsType[*exec.ExitError](err); ok {
					status = exit.ExitCode()
				} else if err != nil {
					status = -1
				}
				mu.Lock()
				defer mu.Unlock()
				statuses[status]++
				t.Logf("%d of %d: status %d\n%s", seed+1, gates, status, out)
			})
		}
		all.Wait()
		return statuses
	}
	say := func(what string, k int) {
		low, high := results.CountInterval(int64(k), int64(gates))
		t.Logf("%s: %d of %d (95 %%: %s to %s)", what, k, gates, results.FormatChange(low), results.FormatChange(high))
	}
	same := count(gateThing("5ms"))
	slower := count(gateThing("5250us"))
	for _, statuses := range []map[int]int{same, slower} {
		if odd := gates - statuses[0] - statuses[3] - statuses[4]; odd > 0 {
			t.Errorf("%d gates ended otherwise than with 0, 3 or 4: %v", odd, fmt.Sprint(statuses))
		}
	}
	say("the same thing twice, alarms", same[3])
	say("the same thing twice, inconclusive", same[4])
	say("5 % more service time, found", slower[3])
	if same[3] > 1 {
		t.Errorf("%d false alarms of %d, 1 is allowed", same[3], gates)
	}
	if missed := gates - slower[3]; missed > max(gates/10, 1) {
		t.Errorf("5 %% more service time was missed %d times of %d", missed, gates)
	}
}
