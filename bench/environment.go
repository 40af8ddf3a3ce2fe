package bench

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"runtime"
	"strings"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/host"

	"rmqbench/results"
)

// environment is where this process runs. What the system doesn't tell is left empty.
func environment(t Tool) results.Environment {
	e := results.Environment{
		ToolVersion: t.Version, Commit: t.Commit, GoVersion: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		CPUs: runtime.NumCPU(), GOMAXPROCS: runtime.GOMAXPROCS(0), Governor: governor(),
	}
	e.Kernel, _ = host.KernelVersion()
	if info, err := cpu.Info(); err == nil && len(info) > 0 {
		e.CPUModel = strings.Join(strings.Fields(info[0].ModelName), " ")
	}
	name, _ := os.Hostname()
	sum := sha256.Sum256([]byte(name + "\x00" + e.CPUModel + "\x00" + e.Kernel))
	e.HostFingerprint = hex.EncodeToString(sum[:8])
	return e
}

// HostFingerprint is this machine's, as in a record's environment.
func HostFingerprint() string { return environment(Tool{}).HostFingerprint }

// governor is Linux's frequency policy of the first CPU.
func governor() string {
	text, err := os.ReadFile("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
