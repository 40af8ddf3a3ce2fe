package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rmqbench/internal/markdown"
	"rmqbench/remoting"
	"rmqbench/results"
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
var other = []string{"for", "do", "done", "wait", "go", "make", "kubectl", "docker", "git", "cosign", "sha256sum", "benchstat", "grep", "…"}

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
	root, err := filepath.Abs("../..")
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
				for _, word := range words {
					if _, err := os.Stat(filepath.Join(root, word)); err != nil && strings.HasPrefix(word, "deploy/") {
						t.Errorf("%s: %v", at, err)
					}
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

// textsOf are the texts of all files that match one of the patterns.
func textsOf(t *testing.T, patterns ...string) (texts []string) {
	t.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(text))
		}
	}
	return texts
}

// TestDocsGo finds every block of Go in an Example function, which compiles it and runs it; only how far it is set in may differ.
func TestDocsGo(t *testing.T) {
	var sources strings.Builder
	for _, text := range textsOf(t, "../../*/example_test.go", "../../*/*/example_test.go") {
		sources.WriteString(flush(text))
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

// texts are the blocks of our pages that name no language, by page and how they begin, and what holds them to the truth; a drawing nothing.
var texts = map[string]func(t *testing.T, at, text string){
	"README.md: quick ·":                 nil, // TestDocsPicture
	"docs/architecture.md: application ": nil,
	"docs/architecture.md: worker ":      nil,
	"docs/capacity.md: Holds ":           sentenceOfCapacity,
	"docs/capacity.md: One worker ":      printedSomewhere,
	"docs/compare.md: case ":             printedSomewhere,
	"docs/guide.md: ━━":                  printedSomewhere,
	"docs/embedding.md: require ":        buildsBeside,
}

// TestDocsBlocks has no block on our pages that isn't held to anything: sh is TestDocsRun's and TestDocsCommands', yaml TestDocsYAML's, go
// TestDocsGo's, and the rest is in texts.
func TestDocsBlocks(t *testing.T) {
	used, begins := map[string]bool{}, map[string]bool{}
	for name, page := range pages(t) {
		for _, block := range page.Blocks {
			at := fmt.Sprintf("%s:%d", name, block.Line)
			switch {
			case block.Lang == "sh":
				for line := range strings.Lines(block.Text) {
					for begin := range notTyped {
						begins[begin] = begins[begin] || strings.HasPrefix(strings.TrimSpace(line), begin)
					}
				}
			case block.Lang == "yaml" || block.Lang == "go" || name == "docs/commands.md": // TestCommandReference writes that page
			case block.Lang == "":
				known := false
				for key, check := range texts {
					if page, begin, _ := strings.Cut(key, ": "); page == name && strings.HasPrefix(block.Text, begin) {
						known, used[key] = true, true
						if check != nil {
							check(t, at, block.Text)
						}
					}
				}
				if !known {
					t.Errorf("%s: no test holds this to anything; name its language, or add it to texts:\n%s", at, block.Text)
				}
			default:
				t.Errorf("%s: no test reads %s", at, block.Lang)
			}
		}
	}
	for key := range texts {
		if !used[key] {
			t.Errorf("texts: %q is on no page", key)
		}
	}
	for begin := range notTyped {
		if !begins[begin] {
			t.Errorf("notTyped: %q is on no page", begin)
		}
	}
}

// sentenceOfCapacity holds a text to what a search with these findings says.
func sentenceOfCapacity(t *testing.T, at, text string) {
	c := results.Capacity{
		Objectives: []string{"p99<10ms", "errors<0.1%"}, RatePerSecond: new(412e3), LowPerSecond: new(405e3), HighPerSecond: new(418e3), BytesOut: 58 << 30,
		Limit: &results.CapacityLimit{Text: "waitTimeMillsInSendQueue (the broker is busy [TIMEOUT_CLEAN_QUEUE])"},
		Parts: []results.CapacityPart{{Lost: []string{"b"}, Capacity: results.Capacity{RatePerSecond: new(371e3)}}},
	}
	if want := c.Sentence(false); strings.TrimSpace(text) != want {
		t.Errorf("%s: %s, today it says: %s", at, text, want)
	}
}

// printedSomewhere looks for each line of a text, figures aside, among the golden files of what is printed: one of theirs begins so.
func printedSomewhere(t *testing.T, at, text string) {
	var golden []string
	for _, text := range textsOf(t, "testdata/*", "../../results/testdata/*.txt") {
		for line := range strings.Lines(text) {
			golden = append(golden, outline(line))
		}
	}
	reasons, err := os.ReadFile("../../results/compare.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		line, why, _ := strings.Cut(strings.TrimSpace(line), "inconclusive: ")
		if !strings.Contains(string(reasons), shares.ReplaceAllString(why, "%s")) {
			t.Errorf("%s: nothing is inconclusive so: %s", at, why)
		}
		if want := outline(line); !slices.ContainsFunc(golden, func(g string) bool { return strings.HasPrefix(g, want) }) {
			t.Errorf("%s: nothing in testdata is printed so: %s", at, line)
		}
	}
}

var (
	bars   = regexp.MustCompile(`[ ▁-█]{4,}$`)
	signs  = regexp.MustCompile(`[+−]#`)
	shares = regexp.MustCompile(`[\d.]+ %`)
	fields = regexp.MustCompile(`\w+(\.\w+)+:`)
)

// outline is the shape of a line without its signs, its bars and the scenario's field that it may be about.
func outline(line string) string {
	line = bars.ReplaceAllString(strings.TrimRight(line, "\n"), "")
	return signs.ReplaceAllString(fields.ReplaceAllString(shape(line), "FIELD:"), "#")
}

// buildsBeside has a module whose go.mod holds a text, and which imports us, build.
func buildsBeside(t *testing.T, at, text string) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/service\n\ngo 1.26\n\n" + strings.ReplaceAll(text, "../rmqbench", root),
		"go.sum": string(sums),
		"a.go":   "package service\n\nimport _ \"rmqbench/producer\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", ".")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", at, err, out)
	}
}

var (
	testName = regexp.MustCompile(`^(?:[\w/]+: )?((?:Test|Benchmark|Fuzz|Example)[A-Z]\w*)(?:/\w+)?$`)
	pathName = regexp.MustCompile(`^(?:bench|broker|cmd|deploy|docs|e2e|internal|metrics|peers|producer|remoting|results|scenarios|ab)/[\w./-]+$`)
	flagName = regexp.MustCompile(`^-{1,2}[a-z][a-z0-9-]*`)
)

// foreign are flags that our pages name and that aren't rmqbench's.
var foreign = []string{"-overlay", "-bench", "-count", "-race", "-update"}

// TestDocsNames looks for what sentences name in code: tests, files, flags and targets of make.
func TestDocsNames(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	err = filepath.WalkDir("../..", func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz|Example)\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			tests[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string]bool{}
	for _, name := range foreign {
		flags[name] = true
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.InitDefaultHelpFlag()
		c.Flags().VisitAll(func(f *pflag.Flag) { flags["--"+f.Name], flags["-"+f.Shorthand] = true, true })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(streams{}))
	read := 0
	for name, page := range pages(t) {
		if name == "CHANGELOG.md" {
			continue
		}
		for _, span := range page.Spans {
			at := fmt.Sprintf("%s:%d: `%s`", name, span.Line, span.Text)
			read++
			switch test, target := testName.FindStringSubmatch(span.Text), ""; {
			case test != nil:
				if !tests[test[1]] {
					t.Errorf("%s: there is no such test", at)
				}
			case pathName.MatchString(span.Text):
				if _, err := os.Stat(filepath.Join("../..", span.Text)); err != nil {
					t.Errorf("%s: there is no such file", at)
				}
			case flagName.MatchString(span.Text) && !strings.Contains(span.Text, "…"):
				if f := flagName.FindString(span.Text); !flags[f] {
					t.Errorf("%s: no command has that flag", at)
				}
			case strings.HasPrefix(span.Text, "make "):
				target, _, _ = strings.Cut(strings.TrimPrefix(span.Text, "make "), " ")
				if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).Match(makefile) {
					t.Errorf("%s: no such target", at)
				}
			}
		}
	}
	if read < 1000 {
		t.Errorf("only %d names", read)
	}
}
