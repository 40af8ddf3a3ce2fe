package nemesis

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/producer"
)

// soakTime is SOAK's, without which a soak is not run.
func soakTime(t *testing.T) time.Duration {
	text := os.Getenv("SOAK")
	if text == "" {
		t.Skip("SOAK says for how long, as in SOAK=1h")
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 2*time.Minute { // a third is warm-up, of which a few rounds are the least
		t.Fatalf("SOAK=%q is no time from 2m", text)
	}
	return d
}

// fill has each broker hold as much as it ever will: what grows from then on is not what it stores.
func fill(t *testing.T, s *Scene, memory int) {
	t.Helper()
	const topic = "BALLAST"
	if _, err := s.cluster.Admin.CreateTopic(t.Context(), producer.Topic{Name: topic, Queues: 1}); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 64<<10)
	_, _ = rand.Read(body) // never fails; can't be compressed
	for range 3 * brokers * memory / 2 / len(body) {
		if _, err := s.p.Send(t.Context(), &producer.Message{Topic: topic, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
}

// One producer under faults for SOAK (1h): conservation exact in each round, goroutines where they were, and memory that does
// not grow (see [Soak.Faults]). NEMESIS_SEED is the first round's.
func TestR27_Soak(t *testing.T) {
	length, first := soakTime(t), uint64(number(t, "NEMESIS_SEED", 1))
	const memory = 16 << 20           // a round takes 1 to 2 MiB of it, and 6 where half messages are asked about for long
	scene, err := NewScene(6, memory) // of one profile: Java54, two connections a broker
	if err != nil {
		t.Fatal(err)
	}
	defer scene.Close()
	fill(t, scene, memory)
	s, err := Endure(length, func(n int) (Report, error) {
		return scene.Play(t.Context(), first+uint64(n), fmt.Sprint("n", n), 1500, 32, 8*time.Second)
	})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	if err := s.Print(&table); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + table.String())
	for _, fault := range s.Faults(length) {
		t.Error(fault)
	}
	if !quiet(scene.Producer()) {
		t.Errorf("%d calls are in flight at the end", scene.Producer().Stats().InFlight)
	}
}

func TestSlope(t *testing.T) {
	var points []Health
	for i := range 10 {
		points = append(points, Health{At: time.Duration(i) * time.Minute, Heap: int64(1000 + 60*i + 5*(i%2)), RSS: 7})
	}
	if got := Slope(points, func(h Health) int64 { return h.Heap }); math.Abs(got-3600) > 30 {
		t.Errorf("%v an hour, want about 3600", got)
	}
	if got := Slope(points, func(h Health) int64 { return h.RSS }); got != 0 {
		t.Errorf("%v an hour of what stays", got)
	}
	if got := Slope(points[:1], func(h Health) int64 { return h.Heap }); got != 0 {
		t.Errorf("%v an hour of one point", got)
	}
}

// The rounds of a soak add up, and what one of them finds is told.
func TestEndure(t *testing.T) {
	var s *Soak
	synctest.Test(t, func(t *testing.T) {
		var err error
		s, err = Endure(time.Minute, func(n int) (Report, error) {
			time.Sleep(10 * time.Second)
			r := Report{Sends: 10}
			if n == 1 {
				r.violated("lost: this")
			}
			return r, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	if s.Rounds != 6 || s.Warm != 1 || s.Total.Sends != 60 || len(s.Points) != 6 || s.Total.violations != 1 || len(s.Total.Violations) != 1 || !strings.Contains(s.Total.Violations[0], "round 1: lost") {
		t.Errorf("%+v", s)
	}
	if p := s.Points[0]; p.Heap <= 0 || p.Goroutines < 2 {
		t.Errorf("%+v", p)
	}
}

// A soak sees what leaks: memory, goroutines, messages.
func TestSoakFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		length     time.Duration
		heap, rss  int64 // that each minute adds
		goroutines int
		lost       bool
		want       int
	}{
		"well":                         {length: time.Hour},
		"2 MiB an hour":                {length: time.Hour, heap: 2 * mib / 60, want: 1},
		"of RSS":                       {length: time.Hour, rss: 2 * mib / 60, want: 1},
		"in a short one that is noise": {length: 6 * time.Minute, heap: 2 * mib / 60, rss: 2 * mib / 60},
		"a MiB each minute of them":    {length: 6 * time.Minute, heap: mib, want: 1},
		"a goroutine each second":      {length: time.Hour, goroutines: 60, want: 1},
		"a message":                    {length: time.Hour, lost: true, want: 1},
	} {
		s := &Soak{Warm: 2}
		for i := range int(tt.length.Minutes()) {
			s.Points = append(s.Points, Health{At: time.Duration(i+1) * time.Minute, Heap: 5*mib + int64(i)*tt.heap, RSS: 50*mib + int64(i)*tt.rss, Goroutines: 40 + i%3 + i*tt.goroutines})
		}
		if tt.lost {
			s.Total.violated("lost")
		}
		if got := s.Faults(tt.length); len(got) != tt.want {
			t.Errorf("%s: %q, want %d", name, got, tt.want)
		}
	}
}

// What a broker has dropped before it was read is not lost, and not checked: the run says so.
func TestDroppedIsNotLost(t *testing.T) {
	s, err := NewScene(1, 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r, err := s.Play(t.Context(), 1, "n", 600, 32, time.Second); !errors.Is(err, errDropped) {
		t.Errorf("%v, %v", r, err)
	}
}
