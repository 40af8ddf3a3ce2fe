package scenarios

import (
	"strings"
	"testing"
)

func TestEnvironment(t *testing.T) {
	vars := map[string]string{
		"N": "8", "SIZE": "4KiB", "EMPTY": "", "HOSTS": "a:1;b:2", "LONG": strings.Repeat("x", maxExpanded+1), "LINES": "a\nb", "BYTES": "a\xff", "WORD": "worker",
		"AWS_SECRET_ACCESS": "hunter2", "MY_KEY": "hunter2", "DB_PASSWORD": "hunter2", "GH_TOKEN": "hunter2",
	}
	lookup := func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	for text, want := range map[string]string{
		"load: {workers: \"${N}\"}":                   "load.workers 8",
		"load:\n  workers: ${N}":                      "load.workers 8",
		"load:\n  workers: ${UNSET:-9}":               "load.workers 9",
		"load:\n  workers: ${EMPTY:-9}":               "load.workers 9",
		"load:\n  workers: 1${N}":                     "load.workers 18",
		"message:\n  size: ${SIZE}":                   "message.size 4KiB",
		"target:\n  namesrv: ${HOSTS}":                "target.namesrv [\"a:1\", \"b:2\"]",
		"target:\n  namesrv:\n    - ${UNSET:-h}:${N}": "target.namesrv [\"h:8\"]",
		"producer: {group: '${UNSET:-}a'}":            "producer.group a",
		"message: {properties: {a: 'x$${N}y'}}":       "message.properties.a x${N}y",
		"load:\n  workers: ${UNSET}":                  "a.yaml:4:12: ${UNSET} is not set; write ${UNSET:-default} if it may be missing",
		"load:\n  workers: ${SIZE}":                   `a.yaml:4:12: workers must be a whole number like 64, or auto, not "4KiB" (${SIZE})`,
		"load:\n  workers: ${EMPTY}":                  `a.yaml:4:12: workers must be a whole number like 64, or auto, not "" (${EMPTY})`,
		"load:\n  workers: ${N":                       "a.yaml:4:12: ${ has no }; for the characters themselves write $${",
		"load:\n  workers: ${N-8}":                    "a.yaml:4:12: ${N-8} must be ${NAME} or ${NAME:-default}; for the characters themselves write $${",
		"load:\n  workers: ${}":                       "a.yaml:4:12: ${} must be ${NAME} or ${NAME:-default}; for the characters themselves write $${",
		"load:\n  workers: ${8}":                      "a.yaml:4:12: ${8} must be ${NAME} or ${NAME:-default}; for the characters themselves write $${",
		"load:\n  ${WORD}s: 8":                        "a.yaml:4:3: environment variables stand for values, not for keys",
		"producer:\n  group: ${LONG}":                 "a.yaml:4:10: ${LONG} makes it over 64 KiB that come from the environment",
		"producer:\n  group: ${LINES}":                "a.yaml:4:10: ${LINES} must be of printable characters only",
		"producer:\n  group: ${BYTES}":                "a.yaml:4:10: ${BYTES} must be of printable characters only",
		"producer:\n  group: ${AWS_SECRET_ACCESS}":    "a.yaml:4:10: ${AWS_SECRET_ACCESS} looks like a secret, and what a scenario holds is printed: secrets belong into the file that target.credentials names",
		"producer:\n  group: ${MY_KEY:-x}":            "a.yaml:4:10: ${MY_KEY} looks like a secret",
		"producer:\n  group: ${DB_PASSWORD}":          "a.yaml:4:10: ${DB_PASSWORD} looks like a secret",
		"producer:\n  group: ${gh_token}":             "a.yaml:4:10: ${gh_token} looks like a secret",
		"matrix:\n  message.size:\n    - ${SIZE}\n    - 1KiB\n    - ${UNSET:-1KiB}": "a.yaml:7:7: message.size has 1KiB twice (${UNSET})",
	} {
		s, err := newReader("a.yaml", openShipped, lookup).parse([]byte("version: 1\nname: a\n"+text+"\n"), nil)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			texts := map[string]string{}
			flatten("", showFields(scenarioFields, s), texts)
			path, _, _ := strings.Cut(want, " ")
			got = path + " " + texts[path]
			roundTrip(t, s)
		}
		if got != want && !(strings.HasSuffix(want, "secret") && strings.HasPrefix(got, want)) {
			t.Errorf("%s:\n%s\nwant\n%s", text, got, want)
		}
		if strings.Contains(got, "hunter2") {
			t.Errorf("%s: the secret is printed: %s", text, got)
		}
	}
}

// Load takes the process's environment, Parse does not.
func TestLoadEnvironment(t *testing.T) {
	t.Setenv("RMQBENCH_TEST_WORKERS", "7")
	text := "version: 1\nname: a\nload:\n  workers: ${RMQBENCH_TEST_WORKERS:-8}\n"
	s, err := Load(directory(t, map[string]string{"a.yaml": text}) + "/a.yaml")
	if err != nil || s.Load.Workers.N != 7 {
		t.Errorf("Load: %v %v", s, err)
	}
	if s, err = Parse("a.yaml", []byte(text)); err != nil || s.Load.Workers.N != 8 {
		t.Errorf("Parse: %v %v", s, err)
	}
}
