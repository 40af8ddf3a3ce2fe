package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// directory writes files, name to text, and gives where they are.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestExtends(t *testing.T) {
	dir := directory(t, map[string]string{
		"base.yaml":    "version: 1\nload: {workers: 8, mode: async, in_flight: 5}\nmessage: {size: 1KiB}\nslo: [p99<1s]\nmatrix: {message.tags: [1, 2]}\n",
		"sub/mid.yaml": "version: 1\nextends: ../base.yaml\nmessage: {compressible: 0.5}\nslo: [p99<2s, errors<1%]\n",
		"top.yaml":     "version: 1\nname: top\nextends: sub/mid.yaml\nload: {workers: 9}\nmatrix: {}\n",
		"axes.yaml":    "version: 1\nname: axes\nextends: base.yaml\nmatrix: {message.tags: [3], load.workers: [1, 2]}\n",
		"quick.yaml":   "version: 1\nname: mine\nextends: quick\ncases: []\n",
	})
	s, err := Load(filepath.Join(dir, "top.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c := s.Cases()[0]
	if len(s.Cases()) != 1 || c.Load.Workers.N != 9 || c.Load.InFlight != 5 || c.Message.Size != 1024 || c.Message.Compressible != 0.5 || len(c.SLO) != 2 || c.Topic.Name != "RMQBENCH_TOP" {
		t.Errorf("%+v", c)
	}
	for file, want := range map[string]string{"axes.yaml": "tags 3 workers 1 | tags 3 workers 2", "quick.yaml": "sync 64"} {
		s, err := Load(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if got := names(s); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
		roundTrip(t, s)
	}
}

func TestExtendsFaults(t *testing.T) {
	files := map[string]string{
		"version.yaml": "version: 2\nname: a\n",
		"empty.yaml":   "",
		"list.yaml":    "[a]\n",
		"yaml.yaml":    "version: 1\nname: [\n",
		"wrong.yaml":   "version: 1\nload:\n  worker: 8\nmessage: {size: 5GiB}\n",
		"a.yaml":       "version: 1\nname: a\nextends: b.yaml\n",
		"b.yaml":       "version: 1\nextends: ./a.yaml\n",
		"5.yaml":       "version: 1\nname: a\nextends: quick\n",
	}
	for i, next := range []string{"1.yaml", "2.yaml", "3.yaml", "4.yaml", "5.yaml"}[:4] {
		files[next] = "version: 1\nname: a\nextends: " + []string{"2.yaml", "3.yaml", "4.yaml", "5.yaml"}[i] + "\n"
	}
	dir := directory(t, files)
	for ref, want := range map[string]string{
		"version.yaml":       `DIR/version.yaml:1:10: version must be 1, not "2": this rmqbench reads no other; extended by DIR/x.yaml:4`,
		"empty.yaml":         "DIR/empty.yaml:1:1: is empty; write version: 1; extended by DIR/x.yaml:4",
		"list.yaml":          "DIR/list.yaml:1:1: a scenario must be a mapping, not a list; extended by DIR/x.yaml:4",
		"yaml.yaml":          "DIR/yaml.yaml:2:7: not YAML: sequence end token ']' not found; extended by DIR/x.yaml:4",
		"wrong.yaml":         "DIR/x.yaml:5:8: unknown key \"mod\"; nearest: mode\nDIR/wrong.yaml:3:3: unknown key \"worker\"; nearest: workers; extended by DIR/x.yaml:4\nDIR/wrong.yaml:4:17: size must be at most 4MiB: RocketMQ's client and broker refuse more; extended by DIR/x.yaml:4",
		"a.yaml":             "DIR/b.yaml:2:10: extends goes in a circle: DIR/a.yaml → DIR/b.yaml → DIR/a.yaml; extended by DIR/a.yaml:3",
		"x.yaml":             "DIR/x.yaml:4:10: extends goes in a circle: DIR/x.yaml → DIR/x.yaml",
		"1.yaml":             "DIR/4.yaml:3:10: extends goes on over more than 4 files; extended by DIR/3.yaml:3",
		"nope.yaml":          "DIR/x.yaml:4:10: extends nope.yaml: no such file or directory",
		"./":                 "DIR/x.yaml:4:10: extends ./: is a directory",
		"qick":               `DIR/x.yaml:4:10: extends qick: unknown scenario "qick"; nearest: quick; shipped: `,
		"[quick]":            "DIR/x.yaml:4:10: extends must be a file like tools.yml, not a list",
		"\"${SECRET_FILE}\"": "DIR/x.yaml:4:10: ${SECRET_FILE} looks like a secret",
	} {
		load := "load: {mod: sync}\n"
		if ref != "wrong.yaml" {
			load = ""
		}
		text := "version: 1\nname: x\ndescription: a\nextends: " + ref + "\n" + load
		path := filepath.Join(dir, "x.yaml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		want = strings.ReplaceAll(want, "DIR", dir)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\n%v\nwant\n%s", ref, err, want)
		}
	}
	if _, err := Parse("x.yaml", []byte("version: 1\nname: a\nextends: /etc/hosts.yaml\n")); err == nil || !strings.Contains(err.Error(), "can't name a file here") {
		t.Errorf("Parse opens files: %v", err)
	}
}
