package scenarios

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rmqbench/internal/golden"
)

// TestR33_Faults reads each testdata/*.yaml, all of them wrong, and compares its faults with the golden file beside it.
func TestR33_Faults(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(name+".yaml", data)
			faults, ok := errors.AsType[Faults](err)
			if !ok {
				t.Fatalf("Parse = %v, want Faults", err)
			}
			golden.Compare(t, name+".golden", faults.Detail()+"\n")
		})
	}
}
