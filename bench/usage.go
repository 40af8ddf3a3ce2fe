package bench

import (
	"math"
	"runtime"
	"runtime/metrics"
	"time"

	"rmqbench/results"
)

// usage is what this process has used, since its start or since an earlier usage.
type usage struct {
	cpu     time.Duration // user and system; 0 where the system doesn't say
	maxRSS  int64         // bytes, the process's peak; 0 where the system doesn't say
	wall    time.Duration
	allocs  uint64                    // objects
	gcCPU   float64                   // seconds, the runtime's estimate
	allCPU  float64                   // seconds, the runtime's estimate, idle included
	idleCPU float64                   // the collector's marking while there was nothing else to do is among it
	sched   *metrics.Float64Histogram // how long goroutines waited to run, seconds
	procs   int
	machine machine

	steal, pressure *float64 // of a usage since another: see machine.since
	others          *float64 // of a usage since another: share of the machine's CPUs that other processes used; nil: unknown
}

var usageSamples = []string{"/gc/heap/allocs:objects", "/cpu/classes/gc/total:cpu-seconds", "/cpu/classes/total:cpu-seconds", "/cpu/classes/idle:cpu-seconds", "/sched/latencies:seconds", "/cpu/classes/gc/mark/idle:cpu-seconds"}

func currentUsage() usage {
	samples := make([]metrics.Sample, len(usageSamples))
	for i, name := range usageSamples {
		samples[i].Name = name
	}
	metrics.Read(samples)
	u := usage{wall: time.Since(processStart), procs: runtime.GOMAXPROCS(0), machine: currentMachine()}
	u.allocs, u.gcCPU, u.allCPU, u.idleCPU = samples[0].Value.Uint64(), samples[1].Value.Float64(), samples[2].Value.Float64(), samples[3].Value.Float64()
	u.sched = samples[4].Value.Float64Histogram()
	idleMarking := samples[5].Value.Float64()
	u.gcCPU, u.idleCPU = u.gcCPU-idleMarking, u.idleCPU+idleMarking
	u.cpu, u.maxRSS = systemUsage()
	return u
}

var processStart = time.Now()

// since is what was used after before.
func (u usage) since(before *usage) usage {
	u.cpu -= before.cpu
	u.wall -= before.wall
	u.allocs -= before.allocs
	u.gcCPU -= before.gcCPU
	u.allCPU -= before.allCPU
	u.idleCPU -= before.idleCPU
	u.steal, u.pressure = u.machine.since(&before.machine)
	if all := u.machine.all - before.machine.all; all > 0 && before.machine.all > 0 && u.cpu > 0 {
		u.others = new(max(u.machine.busy-before.machine.busy-u.cpu.Seconds(), 0) / all)
	}
	counts := make([]uint64, len(u.sched.Counts))
	for i := range counts {
		counts[i] = u.sched.Counts[i] - before.sched.Counts[i]
	}
	u.sched = &metrics.Float64Histogram{Counts: counts, Buckets: u.sched.Buckets}
	return u
}

// record is the process's part of a case that had n successes.
func (u *usage) record(n int64) *results.Process {
	p := &results.Process{}
	if u.cpu > 0 {
		p.CPUNS = new(int64(u.cpu))
		if n > 0 {
			p.CPUNSPerMessage = new(float64(u.cpu) / float64(n))
		}
	}
	if u.maxRSS > 0 {
		p.MaxRSSBytes = new(u.maxRSS)
	}
	if n > 0 {
		p.AllocsPerMessage = new(float64(u.allocs) / float64(n))
	}
	return p
}

// leastForGC is the CPU time, in seconds, that must have been used for a share of it to be claimed: collection comes in cycles, and
// a single one would be most of a few milliseconds.
const leastForGC = 0.1

// evidence fills in what the process says about itself.
func (u *usage) evidence(g *results.Generator) {
	if u.cpu > 0 && u.wall > 0 {
		g.CPUQuotaShare = new(float64(u.cpu) / (float64(u.wall) * float64(u.procs)))
	}
	if used := u.allCPU - u.idleCPU; used >= leastForGC {
		g.GCCPUShare = new(u.gcCPU / used)
	}
	g.StealShare, g.PressureShare, g.OthersCPUShare = u.steal, u.pressure, u.others
	if p99, ok := quantile(u.sched, 0.99); ok {
		g.SchedulerLatencyP99NS = new(int64(p99 * 1e9))
	}
}

// quantile is the upper bound of the bucket that holds the quantile; false for an empty histogram.
func quantile(h *metrics.Float64Histogram, q float64) (float64, bool) {
	var total uint64
	for _, c := range h.Counts {
		total += c
	}
	if total == 0 {
		return 0, false
	}
	rank, seen := uint64(math.Ceil(q*float64(total))), uint64(0)
	for i, c := range h.Counts {
		if seen += c; seen >= rank {
			if up := h.Buckets[i+1]; !math.IsInf(up, 0) {
				return up, true
			}
			return h.Buckets[i], true
		}
	}
	return 0, false
}
