//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"testing"
)

// confineEnv is the variable that turns confinement off, and that tells the second run of the test binary that it is the second.
const confineEnv = "RMQBENCH_E2E_CONFINE"

// Main is for a TestMain: os.Exit(e2e.Main(m)). It fetches the jars of all [Versions], runs prepare (what else needs the
// network, such as building a module), and then runs the tests in a network namespace of their own, whose only
// interface is lo; the package comment says why. Where that can't be had, it says so and runs them here.
func Main(m *testing.M, prepare ...func() error) int {
	switch os.Getenv(confineEnv) {
	case "inside":
		if err := raiseLoopback(); err != nil {
			fmt.Fprintf(os.Stderr, "e2e: loopback of the network namespace: %v; set %s=off to run without one\n", err, confineEnv)
			return 1
		}
		return m.Run()
	case "", "off":
	default:
		fmt.Fprintf(os.Stderr, "e2e: %s=%q: want off, or nothing\n", confineEnv, os.Getenv(confineEnv))
		return 2
	}
	if err := fetchAll(prepare); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	if os.Getenv(confineEnv) == "off" {
		return m.Run()
	}
	code, err := runConfined()
	if err != nil {
		fmt.Fprintf(os.Stderr, "e2e: no network namespace (%v): HA ports, and all ports of 4.5.1, are open on every interface while these tests run\n", err)
		return m.Run()
	}
	return code
}

func fetchAll(prepare []func() error) error {
	for _, v := range Versions() {
		if _, err := Jars(v); err != nil {
			return err
		}
	}
	if slices.Contains(Versions(), proxyVersion) {
		if _, err := proxies.of(proxyVersion); err != nil {
			return err
		}
	}
	for _, f := range prepare {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// runConfined runs this very binary with the same arguments in a new network namespace, hands it the signals that we get,
// and returns its exit status. An error means that it did not start.
func runConfined() (code int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), confineEnv+"=inside")
	if err := newNetwork(cmd); err != nil {
		return 0, err
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT) // go test sends SIGQUIT for stacks
	defer signal.Stop(signals)
	if err := startChild(cmd); err != nil {
		return 0, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its end is what counts; the exit status is read below
		close(ended)
	}()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have ended by itself
		case <-ended:
			if code := cmd.ProcessState.ExitCode(); code >= 0 {
				return code, nil
			}
			fmt.Fprintf(os.Stderr, "e2e: the tests' process: %v\n", cmd.ProcessState)
			return 1, nil
		}
	}
}
