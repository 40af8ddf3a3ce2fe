package nemesis

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"text/tabwriter"
	"time"
)

// Health is this process at one moment of a soak.
type Health struct {
	At         time.Duration // since the soak began
	Heap       int64         // bytes that live after a collection
	RSS        int64         // bytes; 0 where the system doesn't tell
	Files      int64         // of these, pages of files, such as the program's own
	Goroutines int
}

// look takes it, after a collection and with what is free given back: what the collector keeps for later goes up and down by more
// than what it is to tell. Of several looks the smallest counts: what is in use for a moment, as by a callback that still runs or a
// connection that is dialled, only ever adds, and is no leak.
func look(began time.Time) Health {
	const looks = 5
	var least Health
	for i := range looks {
		if i > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		debug.FreeOSMemory() // collects
		debug.FreeOSMemory() // again: what pools held over the first
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		h := Health{At: time.Since(began), Heap: int64(m.HeapAlloc), Goroutines: runtime.NumGoroutine()}
		h.RSS, h.Files = resident()
		if i == 0 {
			least = h
		}
		least.Heap, least.Goroutines = min(least.Heap, h.Heap), min(least.Goroutines, h.Goroutines)
		if h.RSS < least.RSS {
			least.RSS, least.Files = h.RSS, h.Files
		}
	}
	return least
}

// resident reads /proc/self/statm, whose second number is resident pages, and its third those of them that are a file's.
func resident() (all, files int64) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0
	}
	var size int64
	if _, err := fmt.Sscan(string(text), &size, &all, &files); err != nil {
		return 0, 0
	}
	page := int64(os.Getpagesize())
	return all * page, files * page
}

// Slope is how y grows an hour: least squares over the points; 0 for fewer than two moments.
func Slope(points []Health, y func(Health) int64) float64 {
	n := float64(len(points))
	var sx, sy, sxx, sxy float64
	for _, p := range points {
		x, v := p.At.Hours(), float64(y(p))
		sx, sy, sxx, sxy = sx+x, sy+v, sxx+x*x, sxy+x*v
	}
	if d := n*sxx - sx*sx; n >= 2 && d > 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}

// Soak is one producer under faults for a long time, in rounds that are each checked.
type Soak struct {
	Total  Report
	Rounds int
	Points []Health // after each round
	Warm   int      // of them that are warm-up
}

// Endure plays rounds until the time is over: round(n) is the n-th, from 0. The first third is warm-up, ten minutes at the most.
func Endure(length time.Duration, round func(n int) (Report, error)) (*Soak, error) {
	s := &Soak{}
	warmup := min(length/3, 10*time.Minute)
	for began := time.Now(); time.Since(began) < length; s.Rounds++ {
		r, err := round(s.Rounds)
		if err != nil {
			return s, fmt.Errorf("round %d: %w", s.Rounds, err)
		}
		for _, v := range r.Violations {
			s.Total.Violations = append(s.Total.Violations, fmt.Sprintf("round %d: %s", s.Rounds, v))
		}
		s.Total.add(&r)
		p := look(began)
		if p.At < warmup {
			s.Warm++
		}
		s.Points = append(s.Points, p)
	}
	return s, nil
}

// Heap and RSS are what grows, in bytes an hour after the warm-up.
func (s *Soak) Heap() float64 {
	return Slope(s.Points[s.Warm:], func(h Health) int64 { return h.Heap })
}

// RSS is [Soak.Heap]'s counterpart.
func (s *Soak) RSS() float64 { return Slope(s.Points[s.Warm:], func(h Health) int64 { return h.RSS }) }

// Goroutines are the fewest and the most after the warm-up.
func (s *Soak) Goroutines() (least, most int) {
	for i, p := range s.Points[s.Warm:] {
		if i == 0 {
			least = p.Goroutines
		}
		least, most = min(least, p.Goroutines), max(most, p.Goroutines)
	}
	return least, most
}

const mib = 1 << 20

// Faults are what a soak of that length must not have: violations; a heap, or for an hour and more a resident set, that grows by
// more than 1 MiB an hour; goroutines that come and don't go. A shorter soak can't tell so little from noise: the heap may then grow
// by 1 MiB while it lasts.
func (s *Soak) Faults(length time.Duration) []string {
	faults := s.Total.Violations
	bound := 1.0 * mib // an hour
	if length < time.Hour {
		bound /= (length - s.Points[max(s.Warm-1, 0)].At).Hours()
	}
	if grows := s.Heap(); grows > bound {
		faults = append(faults, fmt.Sprintf("the heap grows by %.2f MiB an hour, allowed are %.2f", grows/mib, bound/mib))
	}
	if grows := s.RSS(); length >= time.Hour && grows > bound {
		faults = append(faults, fmt.Sprintf("RSS grows by %.2f MiB an hour, allowed are %.2f", grows/mib, bound/mib))
	}
	if least, most := s.Goroutines(); most-least > fewGoroutines {
		faults = append(faults, fmt.Sprintf("%d to %d goroutines", least, most))
	}
	return faults
}

// fewGoroutines are as many as connections that are dialled anew and callbacks that run make more at one moment than at another.
const fewGoroutines = 24

// Print writes a table of at most some twenty moments, and what the whole came to.
func (s *Soak) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "time\theap MiB\tRSS MiB\tof it files\tgoroutines\t")
	every := len(s.Points)/20 + 1
	for i, p := range s.Points {
		if i%every == 0 || i == len(s.Points)-1 {
			note := ""
			if i < s.Warm {
				note = "warm-up"
			}
			fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%d\t%s\n", p.At.Round(time.Second), float64(p.Heap)/mib, float64(p.RSS)/mib, float64(p.Files)/mib, p.Goroutines, note)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	least, most := s.Goroutines()
	_, err := fmt.Fprintf(w, "%d rounds, %v\nafter warm-up, an hour: heap %+.2f MiB, RSS %+.2f MiB; %d to %d goroutines\n",
		s.Rounds, s.Total, s.Heap()/mib, s.RSS()/mib, least, most)
	return err
}
