package bench

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rmqbench/scenarios"
)

// messageOf is the message block of a scenario.
func messageOf(t testing.TB, text string) *scenarios.Message {
	t.Helper()
	return &parse(t, "message: {"+text+"}")[0].Message
}

func bodiesOf(t testing.TB, seed uint64, text string) [][]byte {
	t.Helper()
	bodies, err := makeBodies(seed, messageOf(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return bodies
}

func TestBodies(t *testing.T) {
	for _, tt := range []struct {
		text    string
		size, n int
	}{
		{"size: 1", 1, poolBodies}, {"size: 128", 128, poolBodies}, {"size: 4KiB, compressible: 0.5", 4096, poolBodies},
		{"size: 100kB, compressible: 0.25", 100_000, poolBodies}, {"size: 4MiB, compressible: 0.9", 4 << 20, 4},
	} {
		bodies := bodiesOf(t, 1, tt.text)
		if len(bodies) != tt.n || len(bodies[0]) != tt.size {
			t.Errorf("%s: %d bodies of %d bytes, want %d", tt.text, len(bodies), len(bodies[0]), tt.n)
		}
		if again := bodiesOf(t, 1, tt.text); !bytes.Equal(again[len(again)-1], bodies[len(bodies)-1]) {
			t.Errorf("%s: the same seed makes other bodies", tt.text)
		}
		if other := bodiesOf(t, 2, tt.text); tt.size > 1 && (bytes.Equal(other[0], bodies[0]) || bytes.Equal(bodies[0], bodies[1])) {
			t.Errorf("%s: bodies are alike", tt.text)
		}
	}
}

// TestCompressible: zlib removes what was asked for, within 3 points, or nothing is made.
func TestCompressible(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"100B", "128B", "1KiB", "1500B", "4KiB", "20kB", "100kB", "1MiB", "{uniform: [200B, 8KiB]}", "{lognormal: {median: 1KiB, p99: 64KiB}}"} {
		for _, share := range []string{"0", "0.1", "0.25", "0.5", "0.8"} {
			asked := messageOf(t, "compressible: "+share).Compressible
			bodies := bodiesOf(t, 1, "size: "+size+", compressible: "+share)
			var sum, removed float64
			f := newFitter(asked)
			for i := 0; i < len(bodies) && sum < 4<<20; i += 1 + len(bodies)/32 { // of the largest, which are alike, four tell
				sum += float64(len(bodies[i]))
				removed += float64(len(bodies[i])) * f.compressibility(bodies[i])
			}
			if got := removed / sum; math.Abs(got-asked) > 0.03 {
				t.Errorf("%s: zlib removes %.3f, want %s", size, got, share)
			}
		}
	}
	_, err := makeBodies(1, messageOf(t, "size: 16B, compressible: 0.9"))
	if err == nil || !strings.HasPrefix(err.Error(), "compressible: zlib can't remove 0.9 of bodies so small, ") {
		t.Errorf("bodies too small to compress: %v", err)
	}
}

func TestSizes(t *testing.T) {
	sizes := func(text string) []int {
		var all []int
		for _, b := range bodiesOf(t, 1, "size: "+text) {
			all = append(all, len(b))
		}
		slices.Sort(all)
		return all
	}
	all := sizes("{uniform: [100B, 300B]}")
	if n := len(all); n != poolSizes || all[0] != 100 || all[n-1] != 300 || all[n/2] != 200 || all[n/4] != 150 {
		t.Errorf("uniform: %d from %d to %d, median %d", n, all[0], all[n-1], all[n/2])
	}
	all = sizes("{lognormal: {median: 1KiB, p99: 16KiB}}")
	near(t, "lognormal's median", float64(all[len(all)/2]), 1024, 0.01)
	near(t, "lognormal's p99", float64(all[len(all)*99/100]), 16384, 0.03)
	all = sizes("{weights: {1KiB: 9, 64KiB: 1}}")
	large, _ := slices.BinarySearch(all, 65536)
	near(t, "share of the large", 1-float64(large)/float64(len(all)), 0.1, 0.01)
	if all = sizes("{uniform: [2MiB, 4MiB]}"); len(all) != poolLeast {
		t.Errorf("%d large bodies", len(all))
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("b.json", "{}")
	write("a.json", "[1]")
	write("c.txt", "")
	files := func(pattern string) ([][]byte, error) {
		return makeBodies(1, messageOf(t, "size: {files: '"+filepath.Join(dir, pattern)+"'}"))
	}
	if got, err := files("*.json"); err != nil || len(got) != 2 || string(got[0]) != "[1]" || string(got[1]) != "{}" {
		t.Errorf("%q, %v", got, err)
	}
	for pattern, want := range map[string]string{"*.xml": "files: no file is ", "c.txt": "has 0 bytes", "[": "syntax error", ".": "no file is"} {
		if _, err := files(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", pattern, err, want)
		}
	}
}
