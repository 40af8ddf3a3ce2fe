//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// home is a folder that one Java process may call ROCKETMQ_HOME and the user's home: all it writes is under it.
type home string

// logback is a configuration for every version: warnings, one line each, to the console or to a file.
const logback = `<configuration>
  <appender name="out" class="ch.qos.logback.core.%s">%s
    <encoder><pattern>%%d{HH:mm:ss.SSS} %%p %%t %%c{0} - %%m%%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
`

// newHome makes the folder with further files by relative path. Log lines go to stdout, or to logFile if it is not empty.
func newHome(dir, logFile string, files map[string]string) (home, error) {
	config := fmt.Sprintf(logback, "ConsoleAppender", "")
	if logFile != "" {
		config = fmt.Sprintf(logback, "FileAppender", "<file>${user.home}/"+logFile+"</file>")
	}
	all := map[string]string{"tmp/.keep": ""}
	for _, name := range []string{"logback_namesrv.xml", "logback_broker.xml", "logback_tools.xml", "rmq.logback.xml"} {
		all[filepath.Join("conf", name)] = config
	}
	maps.Copy(all, files)
	for path, content := range all {
		if !filepath.IsLocal(path) {
			return "", fmt.Errorf("file %q: want a path inside of ROCKETMQ_HOME", path)
		}
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	return home(dir), nil
}

// path joins names to the home.
func (h home) path(names ...string) string {
	return filepath.Join(append([]string{string(h)}, names...)...)
}

// writeSettings writes a Java properties file into the home and returns its path.
func (h home) writeSettings(name string, settings map[string]string) (string, error) {
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s=%s\n", key, escape.Replace(settings[key]))
	}
	path := h.path(name)
	return path, os.WriteFile(path, []byte(b.String()), 0o600)
}

// jvmFlags is what every RocketMQ process gets: its home, a quick start, and what RocketMQ reaches for in a JDK of today.
func (h home) jvmFlags(lib string) []string {
	flags := []string{
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xshare:auto",
		"-Dfile.encoding=UTF-8",
		"-Duser.home=" + string(h),
		"-Djava.io.tmpdir=" + h.path("tmp"),
		"-Drocketmq.home.dir=" + string(h),
		"-Drmq.logback.configurationFile=" + h.path("conf", "rmq.logback.xml"), // 5.x
		"-Dlogback.configurationFile=" + h.path("conf", "rmq.logback.xml"),     // 4.x, where nothing else configures it
		"-Drocketmq.client.logUseSlf4j=true",                                   // 4.x: the client has a log file of its own without it
		"--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
	}
	for _, pkg := range []string{"java.lang", "java.nio", "sun.nio.ch", "java.util"} {
		flags = append(flags, "--add-opens=java.base/"+pkg+"=ALL-UNNAMED")
	}
	classPath := h.path("conf") + string(os.PathListSeparator) + filepath.Join(lib, "*")
	return append(flags, "-cp", classPath)
}

// env is our environment without what would change how RocketMQ or the JVM behaves.
func (h home) env() []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		return strings.HasPrefix(key, "ROCKETMQ_") || key == "NAMESRV_ADDR" || key == "CLASSPATH" ||
			key == "JAVA_TOOL_OPTIONS" || key == "_JAVA_OPTIONS" || key == "JDK_JAVA_OPTIONS"
	})
	return append(env, "ROCKETMQ_HOME="+string(h))
}
