package bench

import (
	"bytes"
	"compress/zlib"
	"testing"
)

func TestBodies(t *testing.T) {
	for _, tt := range []struct {
		size  int
		share float64
		n     int
	}{{1, 0, poolBodies}, {128, 0, poolBodies}, {4096, 0.5, poolBodies}, {4096, 1, poolBodies}, {100_000, 0.25, poolBodies}, {4 << 20, 0.9, 4}} {
		bodies := makeBodies(1, tt.size, tt.share)
		if len(bodies) != tt.n || len(bodies[0]) != tt.size {
			t.Errorf("%d bodies of %d bytes, want %d of %d", len(bodies), len(bodies[0]), tt.n, tt.size)
		}
		if again := makeBodies(1, tt.size, tt.share); !bytes.Equal(again[len(again)-1], bodies[len(bodies)-1]) {
			t.Errorf("%d bytes: the same seed makes other bodies", tt.size)
		}
		if tt.size > 1 && tt.share < 1 {
			if other := makeBodies(2, tt.size, tt.share); bytes.Equal(other[0], bodies[0]) || bytes.Equal(bodies[0], bodies[1]) {
				t.Errorf("%d bytes: bodies are alike", tt.size)
			}
		}
		if tt.size < 4096 {
			continue
		}
		var packed bytes.Buffer
		w, err := zlib.NewWriterLevel(&packed, 5)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(bodies[0]) // into memory
		_ = w.Close()
		if removed := 1 - float64(packed.Len())/float64(tt.size); removed < tt.share-0.05 || removed > tt.share+0.05 {
			t.Errorf("%d bytes: compression removes %.3f, want %.3f", tt.size, removed, tt.share)
		}
	}
}
