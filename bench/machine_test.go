package bench

import (
	"runtime"
	"testing"
	"time"

	"rmqbench/results"
)

func TestParsePressure(t *testing.T) {
	for text, want := range map[string]int64{
		"some avg10=27.27 avg60=54.35 avg300=58.37 total=3993686457\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n": 3993686457,
		"full avg10=0.00 avg60=0.00 avg300=0.00 total=7\nsome avg10=0.00 avg60=0.00 avg300=0.00 total=0":               0,
		"some avg10=0.00 total=": -1,
		"full total=7\n":         -1,
		"some total":             -1,
		"":                       -1,
	} {
		got, ok := parsePressure([]byte(text))
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestMachineSince(t *testing.T) {
	at := time.Now()
	before := machine{at: at, steal: 5, all: 100, pressed: 1_000_000, pressure: true}
	for name, tt := range map[string]struct {
		now             machine
		steal, pressure float64 // below 0: unknown
	}{
		"both":           {machine{at: at.Add(10 * time.Second), steal: 7, all: 120, pressed: 1_500_000, pressure: true}, 0.1, 0.05},
		"nothing":        {machine{at: at.Add(10 * time.Second), steal: 5, all: 120, pressed: 1_000_000, pressure: true}, 0, 0},
		"no CPU times":   {machine{at: at.Add(time.Second), pressed: 1_500_000, pressure: true}, -1, 0.5},
		"no pressure":    {machine{at: at.Add(time.Second), steal: 5, all: 102}, 0, -1},
		"no time passed": {before, -1, -1},
		"went backwards": {machine{at: at.Add(time.Second), steal: 4, all: 102, pressed: 9, pressure: true}, 0, 0},
	} {
		steal, pressure := tt.now.since(&before)
		for what, pair := range map[string]struct {
			got  *float64
			want float64
		}{"steal": {steal, tt.steal}, "pressure": {pressure, tt.pressure}} {
			if (pair.got == nil) != (pair.want < 0) || pair.got != nil && (*pair.got-pair.want > 1e-9 || pair.want-*pair.got > 1e-9) {
				t.Errorf("%s: %s %v, want %v", name, what, deref(pair.got), pair.want)
			}
		}
	}
}

// TestMachineIsKnown: on Linux a run says what the CPUs went through before, during and after it, and each case says so too.
func TestMachineIsKnown(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says what other guests stole")
	}
	report, err := Run(t.Context(), scenario(t, "load: {workers: 2, stages: [{for: 100ms}]}\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	known := func(name string, shares ...*float64) {
		for i, s := range shares {
			if s == nil || *s < 0 || *s > 1 {
				t.Errorf("%s %d: %v", name, i, s)
			}
		}
	}
	e, g := &report.Run.Environment, &report.Run.Cases[0].Generator
	known("steal", e.Steal.Before, e.Steal.During, e.Steal.After, g.StealShare)
	if currentMachine().pressure { // not every kernel keeps it
		known("pressure", e.Pressure.Before, e.Pressure.During, e.Pressure.After, g.PressureShare)
	} else if e.Pressure != (results.Phases{}) || g.PressureShare != nil {
		t.Errorf("pressure %+v on a kernel that doesn't tell", e.Pressure)
	}
}
