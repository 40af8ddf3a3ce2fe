package bench

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"

	"rmqbench/results"
)

// machine is what the whole machine's CPUs have gone through since it started; what the system doesn't tell is unknown.
type machine struct {
	at       time.Time
	steal    float64 // seconds of all CPUs together that other guests of the host took
	all      float64 // seconds of all CPUs together; 0: unknown
	busy     float64 // of those, not idle and not stolen
	pressed  int64   // microseconds in which something waited for a CPU
	pressure bool    // pressed is known
}

// pressureFile is Linux's pressure stall information, from 4.20 on.
const pressureFile = "/proc/pressure/cpu"

func currentMachine() machine {
	m := machine{at: time.Now()}
	if times, err := cpu.Times(false); err == nil && len(times) == 1 {
		t := &times[0] // user holds guest, nice holds guest nice
		m.steal = t.Steal
		m.busy = t.User + t.System + t.Nice + t.Irq + t.Softirq
		m.all = t.User + t.System + t.Idle + t.Nice + t.Iowait + t.Irq + t.Softirq + t.Steal
	}
	if text, err := os.ReadFile(pressureFile); err == nil {
		m.pressed, m.pressure = parsePressure(text)
	}
	return m
}

// parsePressure finds the total of the "some" line, in microseconds: "some avg10=0.00 avg60=0.00 avg300=0.00 total=0".
func parsePressure(text []byte) (total int64, ok bool) {
	for line := range bytes.Lines(text) {
		line, some := bytes.CutPrefix(line, []byte("some "))
		_, number, found := bytes.Cut(line, []byte("total="))
		if !some || !found {
			continue
		}
		total, err := strconv.ParseInt(string(bytes.TrimSpace(number)), 10, 64)
		return total, err == nil
	}
	return 0, false
}

// since is the share of the CPUs that was stolen, and of the time in which something waited for one, after before; nil
// where it is unknown or no time has passed.
func (m *machine) since(before *machine) (steal, pressure *float64) {
	if all := m.all - before.all; all > 0 && before.all > 0 {
		steal = new(min(max((m.steal-before.steal)/all, 0), 1))
	}
	if took := m.at.Sub(before.at); took > 0 && m.pressure && before.pressure {
		pressure = new(min(max(float64(m.pressed-before.pressed)*1e3/float64(took), 0), 1))
	}
	return steal, pressure
}

// quietFor is how long the machine is looked at before and after a run, when we do nothing: the kernel counts stolen time
// in hundredths of a second.
const quietFor = 200 * time.Millisecond

// quietMachine is what goes on when we do nothing; unknown where ctx ends meanwhile.
func quietMachine(ctx context.Context) (steal, pressure *float64) {
	before := currentMachine()
	wait := time.NewTimer(quietFor)
	defer wait.Stop()
	select {
	case <-wait.C:
		after := currentMachine()
		return after.since(&before)
	case <-ctx.Done():
		return nil, nil
	}
}

// phases keeps what the machine went through before, during and after a run in its record.
type phases struct {
	began machine // when the first case was to begin
}

// before looks at the machine before a run.
func (p *phases) before(ctx context.Context, e *results.Environment) {
	e.Steal.Before, e.Pressure.Before = quietMachine(ctx)
	p.began = currentMachine()
}

// after says what it went through since before returned, and looks at it once more.
func (p *phases) after(ctx context.Context, e *results.Environment) {
	now := currentMachine()
	e.Steal.During, e.Pressure.During = now.since(&p.began)
	e.Steal.After, e.Pressure.After = quietMachine(ctx)
}
