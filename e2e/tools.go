//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// toolTimeout bounds one mqadmin command or Java program.
const toolTimeout = 60 * time.Second

// toolLog is the file in the tools' home that the tools log to, so that what they print is theirs alone.
const toolLog = "tools.log"

// Tools runs mqadmin and Java programs with the jars of one RocketMQ version, against any name server.
type Tools struct {
	version string
	java    string // the JVM
	lib     string // folder of the jars
	home    home
	jvm     []string // further flags
}

// NewTools prepares the tools of a RocketMQ version. They start nothing by themselves.
func NewTools(tb testing.TB, version string) *Tools {
	tb.Helper()
	t, err := newTools(tb.TempDir(), version, newOptions(nil))
	if err != nil {
		tb.Fatalf("RocketMQ %s: %v", version, err)
	}
	return t
}

func newTools(dir, version string, o options) (*Tools, error) {
	java, err := javaTool("java")
	if err != nil {
		return nil, err
	}
	lib, err := Jars(version)
	if err != nil {
		return nil, err
	}
	h, err := newHome(filepath.Join(dir, "tools"), toolLog, o.files)
	if err != nil {
		return nil, err
	}
	return &Tools{version: version, java: java, lib: lib, home: h, jvm: o.adminJVM}, nil
}

// trace matches the head of a Java stack trace, or a line of one.
var trace = regexp.MustCompile(`(?m)^(\S+\.)+\w*(Exception|Error)\b|^\s+at \S+\(.*\)$`)

// Admin runs mqadmin against a name server and returns what it wrote on stdout and stderr. mqadmin prints a stack trace
// and exits with 0 on most failures: a trace is an error here, as is an exit status. The output comes with either.
func (t *Tools) Admin(nameServer string, args ...string) (string, error) {
	argv := append([]string{"-Drocketmq.namesrv.addr=" + nameServer, "org.apache.rocketmq.tools.command.MQAdminStartup"}, args...)
	out, err := t.run(argv)
	if err != nil {
		return out, fmt.Errorf("mqadmin %q: %w", args, err)
	}
	if found := trace.FindString(out); found != "" {
		log, _ := os.ReadFile(t.home.path(toolLog))
		return out, fmt.Errorf("mqadmin %q printed a stack trace (%s); the end of its log:\n%s", args, found, tail(log, 4<<10))
	}
	return out, nil
}

// Java compiles and runs a one-file Java program, to which RocketMQ's classes are known, and returns what it wrote on stdout and
// stderr, with an error too.
func (t *Tools) Java(source string, args ...string) (string, error) {
	source, err := filepath.Abs(source)
	if err != nil {
		return "", err
	}
	out, err := t.run(append([]string{source}, args...))
	if err != nil {
		return out, fmt.Errorf("java %s %q: %w", filepath.Base(source), args, err)
	}
	return out, nil
}

// run runs the JVM with what follows its flags.
func (t *Tools) run(argv []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), toolTimeout)
	defer cancel()
	flags := append(t.home.jvmFlags(t.lib), "-Xmx256m")
	flags = append(flags, t.jvm...)
	cmd := exec.CommandContext(ctx, t.java, append(flags, argv...)...)
	cmd.Dir = string(t.home)
	cmd.Env = t.home.env()
	out, err := outputOf(cmd)
	if ctx.Err() != nil {
		err = fmt.Errorf("ended after %v: %w", toolTimeout, err)
	}
	return out, err
}
