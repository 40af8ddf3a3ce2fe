package vectors

import (
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"testing"
)

//go:embed testdata/*.json
var embedded embed.FS

// Files is the set of vector files: the directory that RMQBENCH_VECTORS names, else the embedded ones.
func Files(tb testing.TB) fs.FS {
	tb.Helper()
	if dir := os.Getenv("RMQBENCH_VECTORS"); dir != "" {
		return os.DirFS(dir)
	}
	sub, err := fs.Sub(embedded, "testdata")
	if err != nil {
		tb.Fatal(err)
	}
	return sub
}

// Load decodes every case of one file, such as "frame.json", into T. Without a case the test fails: an empty file
// would let it pass having compared nothing.
func Load[T any](tb testing.TB, file string) []T {
	tb.Helper()
	text, err := fs.ReadFile(Files(tb), file)
	if err != nil {
		tb.Fatal(err)
	}
	var cases []T
	if err := json.Unmarshal(text, &cases); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	if len(cases) == 0 {
		tb.Fatalf("%s holds no case", file)
	}
	return cases
}

// Hex is binary data that a vector writes in lower-case hex; null stays nil.
type Hex []byte

// UnmarshalJSON reads a hex string or null.
func (h *Hex) UnmarshalJSON(text []byte) error {
	var s *string
	if err := json.Unmarshal(text, &s); err != nil || s == nil {
		return err
	}
	b, err := hex.DecodeString(*s)
	if b == nil {
		b = []byte{}
	}
	*h = b
	return err
}
