//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"time"
)

// adminTimeout bounds one mqadmin command.
const adminTimeout = 60 * time.Second

// Admin runs mqadmin of the cluster's version against its name server and returns what it wrote on stdout and stderr.
func (c *Cluster) Admin(args ...string) (string, error) { return c.AdminAt(c.NameServer(), args...) }

// AdminAt is [Cluster.Admin] against another name server, which need not be RocketMQ's. mqadmin prints a stack trace and
// exits with 0 on most failures: a trace is an error here, as is an exit status. The output comes with either.
func (c *Cluster) AdminAt(nameServer string, args ...string) (string, error) {
	return runAdmin(c.java, c.lib, c.admin, c.adminJVM, nameServer, args)
}

// trace matches the head of a Java stack trace, or a line of one.
var trace = regexp.MustCompile(`(?m)^(\S+\.)+\w*(Exception|Error)\b|^\s+at \S+\(.*\)$`)

func runAdmin(java, lib string, h home, jvm []string, nameServer string, args []string) (string, error) {
	argv := append(h.jvmFlags(lib), "-Xmx256m", "-Drocketmq.namesrv.addr="+nameServer)
	argv = append(argv, jvm...)
	argv = append(argv, "org.apache.rocketmq.tools.command.MQAdminStartup")
	out, err := runJava(java, h, append(argv, args...))
	if err != nil {
		return out, fmt.Errorf("mqadmin %q: %w", args, err)
	}
	if found := trace.FindString(out); found != "" {
		return out, fmt.Errorf("mqadmin %q printed a stack trace (%s)", args, found)
	}
	return out, nil
}

// runJava runs a Java program to its end, which adminTimeout bounds, and returns its stdout and stderr together.
func runJava(java string, h home, argv []string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), adminTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, java, argv...)
	cmd.Dir = string(h)
	cmd.Env = h.env()
	return outputOf(cmd)
}
