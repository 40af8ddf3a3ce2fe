package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"rmqbench/scenarios"
)

// manifest is what TestDeployKubernetes reads of a file for Kubernetes or kustomize.
type manifest struct {
	Kind      string
	Resources []string
	Patches   []struct{ Path string }
	Maps      []struct{ Files []string } `yaml:"configMapGenerator"`
	Spec      struct {
		Completions, Parallelism int
		Template                 struct {
			Spec struct {
				Containers []struct {
					Args []string
					Env  []struct{ Name, Value string }
				}
			}
		}
	}
}

// TestDeployKubernetes has the command read what the pods of deploy/kubernetes are told, without a cluster: e2e/kubernetes has one.
func TestDeployKubernetes(t *testing.T) {
	flags := newRun(streams{}).Flags()
	root, err := filepath.Abs("../../deploy/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	calls, loads := 0, 0
	err = filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		if filepath.Base(path) == "scenario.yaml" {
			loads++
			if _, err := scenarios.Load(path); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for documents := yaml.NewDecoder(bytes.NewReader(text)); ; {
			var m manifest
			if err := documents.Decode(&m); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				t.Errorf("%s: %v", path, err)
				return nil
			}
			for _, p := range m.Patches {
				m.Resources = append(m.Resources, p.Path)
			}
			for _, g := range m.Maps {
				m.Resources = append(m.Resources, g.Files...)
			}
			for _, name := range m.Resources {
				if _, err := os.Stat(filepath.Join(filepath.Dir(path), name)); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}
			for _, c := range m.Spec.Template.Spec.Containers {
				if len(c.Args) > 0 {
					calls++
					args := slices.Clone(c.Args)
					if i := slices.Index(args, "/etc/rmqbench/scenario.yaml"); i >= 0 { // the ConfigMap
						args[i] = filepath.Join(filepath.Dir(path), "scenario.yaml")
					}
					if err := understand(t, args); err != nil {
						t.Errorf("%s: rmqbench %s: %v", path, strings.Join(c.Args, " "), err)
					}
				}
				for _, e := range c.Env {
					name, ours := strings.CutPrefix(e.Name, "RMQBENCH_")
					if ours && flags.Lookup(strings.ToLower(strings.ReplaceAll(name, "_", "-"))) == nil {
						t.Errorf("%s: %s is no flag's", path, e.Name)
					}
					if e.Name == "RMQBENCH_SHARD" && (e.Value != strconv.Itoa(m.Spec.Completions) || m.Spec.Completions != m.Spec.Parallelism) {
						t.Errorf("%s: %d pods, %d at once, and shares of %s", path, m.Spec.Completions, m.Spec.Parallelism, e.Value)
					}
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls < 3 || loads < 3 {
		t.Errorf("only %d calls of rmqbench and %d scenarios were read", calls, loads)
	}
}

// TestDeployPackages holds the packages that goreleaser makes, which CI has no time to build, to what CI checks: goreleaser's version in
// .ci/goreleaser, which reads the configuration with its code, the platforms of .ci/cross,
// the build of deploy/Dockerfile, and variables, files and tools that are there.
func TestDeployPackages(t *testing.T) {
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var c struct {
		Version int
		Project string `yaml:"project_name"`
		Before  struct{ Hooks []string }
		Builds  []struct {
			Main, Binary                      string
			Env, Flags, Ldflags, Goos, Goarch []string
			Modified                          string `yaml:"mod_timestamp"`
		}
		Archives []struct {
			Formats   []string
			Overrides []struct {
				Goos    string
				Formats []string
			} `yaml:"format_overrides"`
			Name  string                 `yaml:"name_template"`
			Wrap  bool                   `yaml:"wrap_in_directory"`
			Info  struct{ Mtime string } `yaml:"builds_info"`
			Files []struct {
				Src, Dst string
				Info     struct{ Mtime string }
			}
		}
		Checksum struct {
			Name      string `yaml:"name_template"`
			Algorithm string
		}
		Sboms []struct {
			Artifacts, Cmd       string
			Env, Args, Documents []string
		}
		Snapshot struct {
			Version string `yaml:"version_template"`
		}
		Changelog, Release struct{ Disable bool }
	}
	if err := yaml.UnmarshalWithOptions([]byte(read(".goreleaser.yaml")), &c, yaml.Strict()); err != nil {
		t.Fatal(err) // a key that this test doesn't know is one that nobody checks
	}
	if c.Version != 2 || c.Project != "rmqbench" || len(c.Builds) != 1 || len(c.Archives) != 1 || len(c.Sboms) != 1 {
		t.Fatalf("%+v", c)
	}
	released := regexp.MustCompile(`goreleaser/v2[@ ](v[\d.]+)`)
	if made, read := released.FindStringSubmatch(read("Makefile")), released.FindStringSubmatch(read(".ci/goreleaser/go.mod")); made == nil || read == nil || made[1] != read[1] {
		t.Errorf("make packages has goreleaser %v, CI %v", made, read)
	}
	b, cross, docker := c.Builds[0], read(".ci/cross"), read("deploy/Dockerfile")
	for name, list := range map[string][]string{"os": b.Goos, "arch": b.Goarch} {
		if line := "for " + name + " in " + strings.Join(list, " ") + "; do"; !strings.Contains(cross, line) {
			t.Errorf(".ci/cross doesn't build for %s %v", name, list)
		}
	}
	if _, err := os.Stat(filepath.Join("../..", b.Main, "main.go")); err != nil || b.Binary != "rmqbench" {
		t.Errorf("builds %s as %s: %v", b.Main, b.Binary, err)
	}
	linked := regexp.MustCompile(`^(-s -w -buildid=)((?: -X main\.\w+=\{\{ \.\w+ \}\})*)$`).FindStringSubmatch(strings.Join(b.Ldflags, " "))
	if linked == nil {
		t.Fatalf("ldflags %q", b.Ldflags)
	}
	set := regexp.MustCompile(`main\.(\w+)=`).FindAllStringSubmatch(linked[2], -1)
	said := linked[1]
	for _, m := range set {
		said += " -X " + m[0] + "$" + strings.ToUpper(m[1])
	}
	if build := strings.Join(b.Env, " ") + " go build " + strings.Join(b.Flags, " ") + ` -ldflags "` + said + `"`; !strings.Contains(docker, build) {
		t.Errorf("deploy/Dockerfile doesn't build as packages are built: %s", build)
	}
	version := read("cmd/rmqbench/version.go")
	for _, m := range set {
		if !regexp.MustCompile(`(?m)^(?:var |\t)` + m[1] + `\b|^var .*\b` + m[1] + `\b`).MatchString(version) {
			t.Errorf("ldflags set main.%s, which isn't a variable of version.go", m[1])
		}
	}
	if len(set) != 3 || b.Modified != "{{ .CommitTimestamp }}" {
		t.Errorf("ldflags %q, mod_timestamp %q", b.Ldflags, b.Modified)
	}
	a := c.Archives[0]
	if a.Name != "rmqbench_{{ .Version }}_{{ .Os }}_{{ .Arch }}" || !slices.Equal(a.Formats, []string{"tar.gz"}) || len(a.Overrides) != 1 || a.Overrides[0].Goos != "windows" {
		t.Errorf("archives %+v", a)
	}
	for _, f := range a.Files {
		if !strings.HasPrefix(f.Src, "dist-pages/") {
			read(f.Src)
		} else if dir := strings.TrimSuffix(strings.TrimPrefix(f.Src, "dist-pages"), "/*"); !strings.Contains(read(".ci/pages"), `"$dir`+dir) {
			t.Errorf(".ci/pages makes no %s", f.Src)
		}
		if f.Info.Mtime != "{{ .CommitDate }}" {
			t.Errorf("%s has a date of its own: %q", f.Src, f.Info.Mtime)
		}
	}
	if len(a.Files) < 5 || !slices.Equal(c.Before.Hooks, []string{".ci/pages dist-pages {{ .Version }}"}) {
		t.Errorf("files %+v, hooks %q", a.Files, c.Before.Hooks)
	}
	tool := regexp.MustCompile(`github\.com/\S+/cyclonedx-gomod@v[\d.]+`).FindString(read(".ci/sbom"))
	if s := c.Sboms[0]; tool == "" || !slices.Contains(s.Args, tool) || s.Cmd != "go" {
		t.Errorf("SBOMs are made by %s %q, .ci/sbom by %q", s.Cmd, s.Args, tool)
	}
	if c.Checksum.Name != "checksums.txt" || c.Checksum.Algorithm != "sha256" || !c.Release.Disable || !c.Changelog.Disable {
		t.Errorf("%+v", c)
	}
}

// TestDeployRun plays an API server that doesn't always answer: a question of run.sh that fails is asked again, a log that was cut off while it
// was followed is read again, and one of a pod that is gone stays as it was. e2e/kubernetes has a real one.
func TestDeployRun(t *testing.T) {
	if os.PathSeparator != '/' {
		t.Skip("for a Unix shell")
	}
	script, err := filepath.Abs("../../deploy/kubernetes/run.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kubectl": `case "$*" in
"get job rmqbench") exit 1 ;;                      # nobody else's
"apply -k "*) ;;
*.spec.completions*) echo 2 ;;
*.status.ready*)
  echo x >>asked
  case $(wc -l <asked | tr -d ' ') in
  1) echo '2||||' ;;
  2) exit 1 ;;                                     # the server is away
  *) echo '|1|1||True' ;;
  esac ;;
"get pods "*) printf 'a\nb\n' ;;
"logs --follow "*) echo "rmqbench:began $3" ;;     # and no more comes
"logs a") printf 'rmqbench:began a\nrmqbench:whole a\n' ;;
"logs b") exit 1 ;;                                # it was deleted
"delete -k "*) echo deleted >>asked ;;
*) echo "kubectl $*?" >&2; exit 1 ;;
esac
`,
		"merger": `cat "$2"/*.log; shift 2; echo "$*"; exit 4` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", script, "overlay", "results")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "RMQBENCH=merger", "TIMEOUT=60")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the status says it
	if status := cmd.ProcessState.ExitCode(); status != 4 {
		t.Errorf("status %d, the merge's is 4", status)
	}
	if want := "rmqbench:began a\nrmqbench:whole a\nrmqbench:began b\n-o results\n"; out.String() != want {
		t.Errorf("merged\n%swant\n%s%s", out.String(), want, errs.String())
	}
	asked, err := os.ReadFile(filepath.Join(dir, "asked"))
	if err != nil || string(asked) != "x\nx\nx\ndeleted\n" {
		t.Errorf("asked %q, %v", asked, err)
	}
	if !strings.Contains(errs.String(), "2 pods: 2 ready, 0 done, 0 failed") || !strings.Contains(errs.String(), "2 pods: 0 ready, 1 done, 1 failed") {
		t.Errorf("progress:\n%s", errs.String())
	}
}
