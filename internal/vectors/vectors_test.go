package vectors

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// owners says which package's tests read a file: all of them, when several parts of the protocol meet in it. A row that
// begins with toCome names the part whose tests are not written yet; with the producer complete none is left.
var owners = map[string][]string{
	"acl.json":              {"remoting"},
	"batch.json":            {"remoting/message"},
	"compress.json":         {"remoting/message"},
	"crc32.json":            {"remoting/message"},
	"fault.json":            {"producer"},
	"frame.json":            {"remoting"},
	"frame_decode_odd.json": {"remoting"},
	"hash.json":             {"remoting/message", "producer"},
	"json_bodies.json":      {"remoting/message"},
	"live.json":             {"remoting", "remoting/message"},
	"misc.json":             {"remoting/message", toCome + "producer, all kinds but sysflag"},
	"msg_id.json":           {"remoting/message"},
	"namespace.json":        {"remoting/message"},
	"properties.json":       {"remoting/message"},
	"recall_handle.json":    {"remoting/message"},
	"retry.json":            {toCome + "producer, retries"},
	"route.json":            {"remoting/message"},
	"send_header.json":      {"remoting"},
	"stored_message.json":   {"remoting/message"},
	"trace.json":            {"remoting/message"},
	"uniq_id.json":          {"remoting/message"},
	"validation.json":       {"remoting/message"},
}

const toCome = "to come: "

func TestVectorFilesHaveAnOwner(t *testing.T) {
	files, err := fs.Glob(Files(t), "*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d vector files, %v", len(files), err)
	}
	there := map[string]bool{}
	for _, file := range files {
		there[file] = true
		if len(owners[file]) == 0 {
			t.Errorf("%s has no owner: no test reads it", file)
		}
	}
	for file, parts := range owners {
		if !there[file] && os.Getenv("RMQBENCH_VECTORS") == "" {
			t.Errorf("%s has an owner, but there is no such file", file)
		}
		for _, part := range parts {
			if !strings.HasPrefix(part, toCome) && !testsMention(t, part, file) {
				t.Errorf("no test of %s mentions %s", part, file)
			}
		}
	}
}

// testsMention says whether a test file of the package in that folder of the module has the file's name in it.
func testsMention(t *testing.T, folder, file string) bool {
	t.Helper()
	tests, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		text, err := os.ReadFile(test)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `"`+file+`"`) {
			return true
		}
	}
	return false
}
