package scenarios

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"rmqbench/internal/golden"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate holds YAML to the schema, as an editor does.
func validate(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		return err
	}
	return s.Validate(v)
}

func read(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatal("no files", pattern, err)
	}
	texts := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[path] = data
	}
	return texts
}

// What loads fits the schema: shipped files, those of testdata, and what is written out again.
func TestSchemaTakesWhatLoads(t *testing.T) {
	schema := compiled(t)
	for _, pattern := range []string{"*.yaml", "testdata/valid/*.yaml"} {
		for path, text := range read(t, pattern) {
			if err := validate(t, schema, text); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			s, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := s.Render(&b); err != nil {
				t.Fatal(err)
			}
			if err := validate(t, schema, b.Bytes()); err != nil {
				t.Errorf("%s, written out: %v", path, err)
			}
		}
	}
	for name, text := range map[string]string{
		"extends":   "extends: quick\ncases: []\nmatrix: {}\n",
		"variables": "version: 1\nname: a\nload: {workers: '${W:-8}', stages: [{for: '${T}', rate: '${R}', warmup: '${B}'}]}\ntarget: {namesrv: 'a:1,b:2'}\n",
		"numbers":   "version: 1\nname: 5\nmessage: {size: 128, compressible: 0.5, properties: {a: 1}}\nproducer: {compress_over: 0, avoid_slow: false}\n",
	} {
		if err := validate(t, schema, []byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Files that the loader refuses the schema refuses too, except those whose fault no schema can tell: of the text itself, or
// between fields. Which those are is in the golden file.
func TestSchemaRefuses(t *testing.T) {
	schema := compiled(t)
	var passed []string
	for path, text := range read(t, "testdata/*.yaml") {
		if validate(t, schema, text) == nil {
			passed = append(passed, filepath.Base(path))
		}
	}
	slices.Sort(passed)
	golden.Compare(t, "schema_passes.txt", strings.Join(passed, "\n")+"\n")
	for name, text := range map[string]string{
		"unknown key":        "worker: 8",
		"misplaced key":      "load: {rate: 1k/s}",
		"wrong type":         "load: {workers: many}",
		"quoted number":      `load: {workers: "8"}`,
		"too many":           "load: {workers: 10001}",
		"too few":            "load: {workers: 0}",
		"no unit":            "load: {stages: [{for: 30}]}",
		"an unknown unit":    "message: {size: 1Kib}",
		"an unknown word":    "load: {mode: asinc}",
		"an axis of no path": "matrix: {message.sizes: [1KiB]}",
		"an axis's value":    "matrix: {message.size: [1parsec]}",
		"an axis of nothing": "matrix: {message.size: []}",
		"exclude":            "matrix: {message.size: [1KiB], exclude: [{message.sise: 1KiB}]}",
		"a case's name":      "cases: [{load: {workers: 1}}]",
		"a case's seed":      "cases: [{name: a, seed: 1}]",
		"no list":            "load: {stages: {for: 1s}}",
		"an empty list":      "load: {stages: []}",
		"a negative rate":    "load: {stages: [{for: 1s, rate: -5/s}]}",
		"a share over 1":     "message: {compressible: 1.5}",
		"not a number":       "message: {compressible: .nan}",
		"infinite":           "load: {stages: [{for: .inf}]}",
		"an exponent":        "load: {stages: [{for: 1s, rate: 1e30}]}",
	} {
		if err := validate(t, schema, []byte("version: 1\nname: a\n"+text+"\n")); err == nil {
			t.Errorf("%s passes: %s", name, text)
		}
		if _, err := Parse("a.yaml", []byte("version: 1\nname: a\n"+text+"\n")); err == nil {
			t.Errorf("%s loads: %s", name, text)
		}
	}
}

// A default fits its own field.
func TestSchemaDefaults(t *testing.T) {
	schema := compiled(t)
	for _, f := range Settable() {
		if f.Default == "" {
			continue
		}
		path := strings.Split(f.Path, ".")
		text := "version: 1\nname: a\n"
		for i, key := range path {
			text += strings.Repeat(" ", i) + key + ":"
			if i < len(path)-1 {
				text += "\n"
			}
		}
		if err := validate(t, schema, []byte(text+" "+f.Default+"\n")); err != nil {
			t.Errorf("%s: %v", f.Path, err)
		}
	}
}
