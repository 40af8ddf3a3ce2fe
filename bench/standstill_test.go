package bench

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rmqbench/results"
)

func TestR22_R23_Standstill(t *testing.T) {
	const every = watchEvery
	type gap struct{ mono, wall time.Duration }
	steady := gap{every, every}
	for name, tt := range map[string]struct {
		gaps []gap
		want stood
	}{
		"steady":                   {[]gap{steady, steady, steady}, stood{}},
		"a busy machine":           {[]gap{steady, {every + 900*time.Millisecond, every + 900*time.Millisecond}}, stood{}},
		"stopped for two seconds":  {[]gap{steady, {2*time.Second + every, 2*time.Second + every}}, stood{pauses: 1, paused: 2e9}},
		"twice":                    {[]gap{{time.Second + every, time.Second + every}, {3*time.Second + every, 3*time.Second + every}}, stood{pauses: 2, paused: 4e9}},
		"an hour later":            {[]gap{steady, {every, every + time.Hour}, steady}, stood{stepped: int64(time.Hour)}},
		"an hour earlier":          {[]gap{steady, {every, every - time.Hour}, steady}, stood{stepped: -int64(time.Hour)}},
		"a leap second":            {[]gap{steady, {every, every - time.Second}, steady}, stood{stepped: -1e9}},
		"slewed":                   {[]gap{{every, every + every/2000}, {every, every + every/2000}}, stood{}},
		"stopped, its clock stood": {[]gap{{2*time.Second + every, every}}, stood{pauses: 1, paused: 2e9, stepped: -2e9}},
		"asleep with its clock":    {[]gap{{every, time.Minute}}, stood{stepped: int64(time.Minute - every)}},
	} {
		var s stood
		for _, g := range tt.gaps {
			s.add(int64(g.mono), int64(g.wall), every)
		}
		if s != tt.want {
			t.Errorf("%s: %+v, want %+v", name, s, tt.want)
		}
	}
}

// A run during which somebody sets the clock has the latencies of one during which nobody does, and says that it was set.
func TestR22_WallClockIsSet(t *testing.T) {
	for _, step := range []time.Duration{0, time.Hour, -time.Hour, -time.Second} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			f := newFake()
			f.service = time.Millisecond
			c := loadOf(t, "workers: 4, stages: [{for: 3s, rate: 100/s}]")
			m, err := drive(t.Context(), planOf(t, c), f, timerWaiter{}, watcher{wall: func() time.Time {
				now := time.Now()
				if now.Sub(began) > time.Second {
					now = now.Add(step)
				}
				return now
			}})
			if err != nil {
				t.Fatal(err)
			}
			out, _, err := m.record(c)
			if err != nil {
				t.Fatal(err)
			}
			if out.Acknowledged != 300 || out.Response.Max > 2e6 || out.ElapsedNS > 4e9 {
				t.Errorf("%v: %+v, %+v in %d ns", step, out.Counts, out.Response, out.ElapsedNS)
			}
			if g := out.Generator; g.ClockSetNS != int64(step) || g.Pauses != 0 {
				t.Errorf("%v: %+v", step, g)
			}
			run := &results.Run{Cases: []results.Case{out}}
			results.Judge(run)
			if said := fmt.Sprint(run.Cases[0].Evidence); strings.Contains(said, "the clock was set") != (step != 0) {
				t.Errorf("%v: %s", step, said)
			}
		})
	}
}
