package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"rmqbench/broker"
	"rmqbench/internal/markdown"
	"rmqbench/remoting"
	"rmqbench/scenarios"
)

// pages are all that we have written for people, by their paths from the module's root.
func pages(t *testing.T) map[string]*markdown.Page {
	t.Helper()
	all := map[string]*markdown.Page{}
	root := filepath.Join("..", "..")
	for _, pattern := range []string{"*.md", "docs/*.md", "deploy/*/*.md", "peers/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(root, file)
			if err != nil {
				t.Fatal(err)
			}
			name = filepath.ToSlash(name)
			if all[name], err = markdown.Parse(string(text)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	for _, name := range []string{"README.md", "docs/guide.md", "docs/commands.md"} {
		if all[name] == nil {
			t.Fatalf("%s isn't there", name)
		}
	}
	return all
}

func TestDocsLinks(t *testing.T) {
	all := pages(t)
	for name, page := range all {
		for _, link := range page.Links {
			if strings.Contains(link.Text, "://") {
				continue
			}
			file, anchor, _ := strings.Cut(link.Text, "#")
			target := name
			if file != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(name), file))
			}
			if _, err := os.Stat(filepath.Join("..", "..", target)); err != nil {
				t.Errorf("%s:%d: %s: no such file", name, link.Line, link.Text)
			} else if to := all[target]; anchor != "" && (to == nil || !to.Anchors[anchor]) {
				t.Errorf("%s:%d: %s: no such heading", name, link.Line, link.Text)
			}
		}
	}
	for name := range all {
		file, inDocs := strings.CutPrefix(name, "docs/")
		if inDocs && file != "README.md" && !slices.ContainsFunc(all["docs/README.md"].Links, func(l markdown.Piece) bool { return l.Text == file }) {
			t.Errorf("%s isn't in docs/README.md", name)
		}
	}
}

// other are programs that our pages name beside rmqbench; what follows them isn't looked at, but for go and make.
var other = []string{"go", "make", "kubectl", "git", "cosign", "sha256sum", "benchstat", "grep", "…"}

var (
	assignment  = regexp.MustCompile(`^[A-Za-z_]+=`)
	placeholder = regexp.MustCompile(`^[A-Z]+$`)
	redirection = regexp.MustCompile(`^[0-9]?[<>]`)
)

// ours are a command's words behind rmqbench, if it is that which is called.
func ours(words []string) (args []string, yes bool) {
	for len(words) > 0 && assignment.MatchString(words[0]) {
		words = words[1:]
	}
	switch {
	case len(words) > 0 && (words[0] == "rmqbench" || words[0] == "./rmqbench"):
		words = words[1:]
	case len(words) > 2 && slices.Equal(words[:3], []string{"go", "run", "./cmd/rmqbench"}):
		words = words[3:]
	default:
		return nil, false
	}
	if i := slices.IndexFunc(words, redirection.MatchString); i >= 0 {
		words = words[:i]
	}
	return words, true
}

// understand has the command itself read the arguments: the verb, its flags, their values, the scenario. Nothing is sent.
// Files of scenarios that pages speak of are there, and ours.
func understand(t *testing.T, args []string) error {
	root := newRoot(streams{})
	root.InitDefaultCompletionCmd()
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if cmd == root && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return fmt.Errorf("no command %q", rest[0])
	}
	if cmd.DisableFlagParsing {
		if slices.Contains(rest, "--help") {
			return nil
		}
		flags, _, err := fromJava(rest)
		if err != nil {
			return err
		}
		return understand(t, append([]string{"run"}, flags...))
	}
	if err := cmd.ParseFlags(rest); errors.Is(err, pflag.ErrHelp) {
		return nil
	} else if err != nil {
		return flagFault(cmd, err)
	}
	given := cmd.Flags().Args()
	if err := cmd.ValidateArgs(given); err != nil {
		return err
	}
	for _, side := range []string{"a", "b"} { // of ab and gate
		if f := cmd.Flags().Lookup(side); f != nil && f.Changed {
			found, err := markdown.Commands(f.Value.String())
			if err != nil {
				return fmt.Errorf("--%s %q: %w", side, f.Value, err)
			}
			if len(found) != 1 {
				return fmt.Errorf("--%s %q: %d commands", side, f.Value, len(found))
			}
			words := found[0].Words
			if args, yes := ours(words); yes {
				words = args
			} else if strings.HasPrefix(words[0], "-") {
				words = append([]string{"run"}, words...)
			} else if words[0] != "run" {
				continue
			}
			if err := understand(t, words); err != nil {
				return fmt.Errorf("--%s: %w", side, err)
			}
		}
	}
	if cmd.Flags().Lookup("set") == nil || cmd.Flags().Lookup("a") != nil {
		return nil
	}
	for i, name := range given {
		if placeholder.MatchString(name) {
			given[i] = "quick"
		}
		if strings.HasSuffix(name, ".yaml") {
			writeScenario(t, name)
		}
	}
	var fixed []scenarios.Override
	if sweep := cmd.Flags().Lookup("sweep"); sweep != nil && !sweep.Changed { // the search for a rate sets one
		fixed = append(fixed, scenarios.Override{Path: "load.rate", Value: "1k/s", Source: "capacity"})
	}
	_, err = chooseScenario(cmd.Flags(), given, streams{err: &strings.Builder{}}, fixed...)
	return err
}

// writeScenario makes the file that a page speaks of, in the test's own directory.
func writeScenario(t *testing.T, name string) {
	t.Helper()
	text := "version: 1\nname: mine\nslo: [p99<10ms]\nload: {workers: 1, stages: [{for: 1s, rate: 10/s}]}\n"
	if err := os.WriteFile(filepath.Base(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDocsCommands has the command read every call of it that stands in our pages: in blocks of sh, in sentences, and in the
// help, whose examples are in docs/commands.md.
func TestDocsCommands(t *testing.T) {
	all := pages(t)
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	read := 0
	for name, page := range all {
		for _, block := range page.Blocks {
			if block.Lang != "sh" {
				continue
			}
			commands, err := markdown.Commands(block.Text)
			if err != nil {
				t.Errorf("%s:%d: %v", name, block.Line, err)
			}
			for _, c := range commands {
				at := fmt.Sprintf("%s:%d", name, block.Line+c.Line-1)
				if args, yes := ours(c.Words); yes {
					read++
					if err := understand(t, args); err != nil {
						t.Errorf("%s: rmqbench %s: %v", at, strings.Join(args, " "), err)
					}
					continue
				}
				words := c.Words
				for len(words) > 0 && assignment.MatchString(words[0]) {
					words = words[1:]
				}
				if len(words) == 0 {
					continue
				}
				if words[0] == "make" {
					for _, target := range words[1:] {
						if !assignment.MatchString(target) && !redirection.MatchString(target) && !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(target)+`:`).Match(makefile) {
							t.Errorf("%s: make %s: no such target", at, target)
						}
					}
				} else if !slices.Contains(other, words[0]) && !strings.Contains(words[0], "/") {
					t.Errorf("%s: %s: what is that? If it is meant, it belongs to the list in this test", at, words[0])
				}
			}
		}
		if name == "CHANGELOG.md" { // it may tell of what isn't there any more
			continue
		}
		for _, span := range page.Spans {
			commands, err := markdown.Commands(strings.ReplaceAll(span.Text, `\|`, "|"))
			if err != nil || len(commands) == 0 {
				continue
			}
			args, yes := ours(commands[0].Words)
			if !yes || strings.HasPrefix(span.Text, "./") {
				continue
			}
			if i := slices.IndexFunc(args, func(a string) bool { return strings.Contains(a, "…") }); i >= 0 {
				args = append(args[:i:i], "--help")
			}
			if len(args) == 1 { // the verb by itself: its name is what is meant
				args = append(args, "--help")
			}
			read++
			if err := understand(t, args); err != nil {
				t.Errorf("%s:%d: %s: %v", name, span.Line, span.Text, err)
			}
		}
	}
	if read < 100 {
		t.Errorf("only %d calls of rmqbench were found", read)
	}
}

// TestDocsRun does what pages say, shorter and on an embedded broker: whatever puts on a load or asks a cluster.
func TestDocsRun(t *testing.T) {
	all := pages(t)
	t.Chdir(t.TempDir())
	cluster, err := broker.Start(broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	if _, errs, status := command(t, "run", "-w", "1", "--count", "100", "-o", "RESULT-of", "--progress", "none", "--instrument-cost", "off"); status != exitDone && status != 5 {
		t.Fatal(errs)
	}
	found, err := filepath.Glob("RESULT-of/*")
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	result := found[0]
	done := map[string]bool{}
	ran := 0
	for _, name := range []string{"README.md", "docs/guide.md", "docs/results.md", "docs/faq.md", "docs/commands.md"} {
		page := all[name]
		if page == nil {
			t.Fatalf("%s isn't there", name)
		}
		for _, block := range page.Blocks {
			if block.Lang != "sh" {
				continue
			}
			commands, err := markdown.Commands(block.Text)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range commands {
				args, yes := ours(c.Words)
				if !yes || done[strings.Join(args, " ")] || !quickly(args) || name == "docs/commands.md" && args[0] != "run" { // there the verbs' order is the alphabet's
					continue
				}
				done[strings.Join(args, " ")] = true
				for i, a := range args {
					switch a {
					case "HOST:9876", "127.0.0.1:9876":
						args[i] = cluster.NameServer()
					case "RESULT":
						args[i] = result
					}
				}
				want := ""
				switch args[0] {
				case "run":
					args = append(args, "-d", "150ms", "--progress", "none", "--instrument-cost", "off", "--repeat", "1", "--slo", "max<1h")
					if !slices.Contains(args, "--dry-run") {
						want = `VALID|SUSPECT|GENERATOR_LIMITED|"verdict"`
					}
				case "doctor":
					want = "master"
				case "topic":
					want = `RMQBENCH_\w+`
				}
				ran++
				out, errs, status := command(t, args...)
				if status == 5 || status == 4 { // this machine has more to do, and the runs are too short to say anything
					status = exitDone
				}
				if status != exitDone || !regexp.MustCompile(want).MatchString(out+errs) {
					t.Errorf("%s:%d: rmqbench %s: exit status %d, want %q\n%s%s", name, block.Line+c.Line-1, strings.Join(args, " "), status, want, out, errs)
				}
			}
		}
	}
	if ran < 15 {
		t.Errorf("only %d commands were run", ran)
	}
}

// quickly reports whether a call can be made here in a moment.
func quickly(args []string) bool {
	if len(args) == 0 || slices.ContainsFunc(args, func(a string) bool {
		return strings.HasPrefix(a, "--tls") || a == "--credentials" || a == "--shard" || a == "--metrics" || strings.HasSuffix(a, ".yaml") || a == "-b" || a == "FILE" || a == "--resolve"
	}) {
		return false
	}
	switch args[0] {
	case "run": // one case made of flags; shipped scenarios have tests of their own
		return len(args) > 1 && strings.HasPrefix(args[1], "-")
	case "doctor", "topic", "version":
		return true
	case "scenarios":
		return !slices.Contains(args, "NAME")
	case "report":
		return slices.Contains(args, "RESULT")
	}
	return false
}

// TestDocsPicture holds what README says the first command prints to its picture, figures aside, and the picture's columns to
// those that a run prints today: make pictures draws it again.
func TestDocsPicture(t *testing.T) {
	picture, err := os.ReadFile("../../docs/pictures/terminal.svg")
	if err != nil {
		t.Fatal(err)
	}
	var drawn struct {
		Lines []string `xml:"g>text"`
	}
	if err := xml.Unmarshal(picture, &drawn); err != nil {
		t.Fatal(err)
	}
	shapes := map[string]bool{}
	for _, line := range drawn.Lines {
		shapes[shape(line)] = true
	}
	var block string
	for _, b := range pages(t)["README.md"].Blocks {
		if strings.HasPrefix(b.Text, "quick ·") {
			block = b.Text
		}
	}
	if strings.Count(block, "\n") < 4 {
		t.Fatalf("README.md shows no output of quick:\n%s", block)
	}
	for line := range strings.Lines(block) {
		if !shapes[shape(line)] {
			t.Errorf("README.md, not in docs/pictures/terminal.svg: %s", line)
		}
	}
	out, errs, status := command(t, "run", "-w", "1", "--count", "100", "-o", "none", "--progress", "none", "--instrument-cost", "off")
	if status != exitDone && status != 5 {
		t.Fatal(errs)
	}
	heads := 0
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "case ") || strings.HasPrefix(line, "where the time went ") {
			heads++
			if !shapes[shape(line)] {
				t.Errorf("not in docs/pictures/terminal.svg: %s", line)
			}
		}
	}
	if heads != 2 {
		t.Errorf("%d heads of tables in:\n%s", heads, out)
	}
}

var (
	verdicts = regexp.MustCompile(`\b(VALID|SUSPECT|GENERATOR_LIMITED)\b`)
	figures  = regexp.MustCompile(`[0-9][0-9A-Fa-fTZ.,:]*( ?([nµm]?s|[kM]?/s|k))?`)
	runName  = regexp.MustCompile(`-quick-[0-9a-f]+`)
)

// shape is a line without its figures, its verdict and how far its columns are apart.
func shape(line string) string {
	line = runName.ReplaceAllString(line, "-quick-#")
	line = verdicts.ReplaceAllString(line, "VERDICT")
	return strings.Join(strings.Fields(figures.ReplaceAllString(line, "#")), " ")
}

// TestDocsPackages looks for every package in docs/architecture.md.
func TestDocsPackages(t *testing.T) {
	text, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, pattern := range []string{"../../*/*.go", "../../internal/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		packages := map[string]bool{}
		for _, file := range files {
			packages[strings.TrimPrefix(filepath.ToSlash(filepath.Dir(file)), "../../")] = true
		}
		for name := range packages {
			seen++
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("docs/architecture.md doesn't say what %s holds", name)
			}
		}
	}
	if seen < 12 {
		t.Errorf("only %d packages", seen)
	}
}

// TestDocsCodes holds the names of answers to their numbers.
func TestDocsCodes(t *testing.T) {
	text, err := os.ReadFile("../../docs/faq.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`([A-Z_]{4,}) \((\d+)\)`).FindAllStringSubmatch(string(text), -1)
	for _, m := range found {
		if n, err := strconv.Atoi(m[2]); err != nil || remoting.Code(n).String() != m[1] {
			t.Errorf("docs/faq.md: %s is %v", m[0], remoting.Code(n))
		}
	}
	if len(found) < 6 {
		t.Errorf("docs/faq.md: only %d codes", len(found))
	}
}

// tops are the keys of a scenario's first level.
func tops() map[string]bool {
	all := map[string]bool{"version": true, "matrix": true, "cases": true, "extends": true}
	for _, f := range scenarios.Fields() {
		all[strings.FieldsFunc(f.Path, func(r rune) bool { return r == '.' || r == '[' })[0]] = true
	}
	return all
}

// inline is a field of a scenario in a sentence: `load: {ordered: true}`.
var inline = regexp.MustCompile(`^(\w+): \S`)

// TestDocsYAML loads every scenario and part of one that our pages show as the command would.
func TestDocsYAML(t *testing.T) {
	all := pages(t)
	action, err := os.ReadFile("../../deploy/ci/action.yml")
	if err != nil {
		t.Fatal(err)
	}
	known := tops()
	t.Chdir(t.TempDir())
	writeScenario(t, "base.yaml")
	if err := os.MkdirAll("payloads", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("payloads/a.json", []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := 0
	load := func(at, text string) {
		if !strings.Contains(text, "version:") {
			text = "version: 1\nname: snippet\n" + text
		}
		if strings.Contains(text, "\nevents:") && !strings.Contains(text, "stages:") {
			text += "load: {stages: [{for: 2m}]}\n"
		}
		if strings.Contains(text, "ordered: true") && !strings.Contains(text, "keys:") {
			text += "message: {keys: {distinct: 10}}\n"
		}
		read++
		if err := os.WriteFile("snippet.yaml", []byte(strings.ReplaceAll(text, "HOST:", "localhost:")), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := scenarios.Load("snippet.yaml"); err != nil {
			t.Errorf("%s: %v\n%s", at, err, text)
		}
	}
	for name, page := range all {
		for _, block := range page.Blocks {
			at := fmt.Sprintf("%s:%d", name, block.Line)
			if block.Lang != "yaml" {
				continue
			}
			var top yaml.MapSlice
			if err := yaml.Unmarshal([]byte(block.Text), &top); err != nil || len(top) == 0 {
				t.Errorf("%s: %v", at, err)
				continue
			}
			switch first := fmt.Sprint(top[0].Key); {
			case known[first]:
				load(at, block.Text)
			case first == "accessKey":
				if err := os.WriteFile("tools.yml", []byte(block.Text), 0o600); err != nil {
					t.Fatal(err)
				}
				if _, err := remoting.LoadCredentials("tools.yml"); err != nil {
					t.Errorf("%s: %v", at, err)
				}
			case first == "steps":
				checkSteps(t, at, block.Text, action)
			case first == "apiVersion" || first == "resources" || first == "patches": // Kubernetes' own: deploy/kubernetes has the tests
			default:
				t.Errorf("%s: %s: neither a scenario nor anything else that this test knows", at, first)
			}
		}
		for _, span := range page.Spans {
			m := inline.FindStringSubmatch(span.Text)
			if m == nil || !known[m[1]] || strings.Contains(span.Text, "…") || name == "CHANGELOG.md" {
				continue
			}
			var top map[string]any // what is empty, or an axis of a matrix, is no scenario's
			if err := yaml.Unmarshal([]byte(span.Text), &top); err == nil && !regexp.MustCompile(`(\[|\{)\}?\]?$|: \[\{`).MatchString(span.Text) {
				load(fmt.Sprintf("%s:%d", name, span.Line), span.Text+"\n")
			}
		}
	}
	if read < 10 {
		t.Errorf("only %d scenarios were found", read)
	}
}

// checkSteps holds the inputs of steps that use our action to those that it has.
func checkSteps(t *testing.T, at, text string, action []byte) {
	t.Helper()
	var job struct {
		Steps []struct {
			Uses string
			With map[string]any
		}
	}
	if err := yaml.Unmarshal([]byte(text), &job); err != nil {
		t.Errorf("%s: %v", at, err)
	}
	var has struct{ Inputs map[string]any }
	if err := yaml.Unmarshal(action, &has); err != nil {
		t.Fatal(err)
	}
	for _, step := range job.Steps {
		if !strings.Contains(step.Uses, "deploy/ci") {
			continue
		}
		for input := range step.With {
			if has.Inputs[input] == nil {
				t.Errorf("%s: the action has no input %s", at, input)
			}
		}
	}
}

// TestDocsGo finds every block of Go in an Example function, which compiles it and runs it; only how far it is set in may differ.
func TestDocsGo(t *testing.T) {
	var sources strings.Builder
	for _, pattern := range []string{"../../*/example_test.go", "../../*/*/example_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources.WriteString(flush(string(text)))
		}
	}
	for name, page := range pages(t) {
		for _, block := range page.Blocks {
			if block.Lang == "go" && !strings.Contains(sources.String(), flush(block.Text)) {
				t.Errorf("%s:%d: this isn't in any example_test.go:\n%s", name, block.Line, block.Text)
			}
		}
	}
}

// flush has all lines begin at the left.
func flush(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}
