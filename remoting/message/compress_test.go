package message

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"rmqbench/internal/leaks"
	"rmqbench/internal/vectors"
)

// TestMain checks that no compression leaves a goroutine behind.
func TestMain(m *testing.M) { leaks.Main(m) }

func TestVectorCompress(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name, Kind                 string
		Level                      int
		SysFlag                    SysFlag
		CompressedHex, ExpectedHex vectors.Hex
		PlainLen                   int
		PlainCRC, StoredCRC        uint32
	}](t, "compress.json") {
		t.Run(tt.Name, func(t *testing.T) {
			got, err := AppendDecompressed([]byte("before"), tt.CompressedHex, tt.SysFlag, tt.PlainLen)
			if err != nil || string(got) != "before"+string(tt.ExpectedHex) {
				t.Fatalf("decompressed %q, %v, want %q", got, err, tt.ExpectedHex)
			}
			if crc := BodyCRC(tt.ExpectedHex); crc != tt.PlainCRC {
				t.Errorf("crc of the plain body %d, want %d", crc, tt.PlainCRC)
			}
			if crc := BodyCRC(tt.CompressedHex); crc != tt.StoredCRC {
				t.Errorf("crc of the compressed body %d, want %d", crc, tt.StoredCRC)
			}
			compression, err := tt.SysFlag.CompressionType()
			if err != nil {
				t.Fatal(err)
			}
			again, err := AppendCompressed(nil, tt.ExpectedHex, compression, tt.Level)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := AppendDecompressed(nil, again, tt.SysFlag, tt.PlainLen); err != nil || !bytes.Equal(got, tt.ExpectedHex) {
				t.Errorf("there and back: %q, %v", got, err)
			}
			if again[0] != tt.CompressedHex[0] {
				t.Errorf("compressed begins with %x, Java's with %x", again[:4], tt.CompressedHex[:4])
			}
		})
	}
}

var compressions = []CompressionType{ZLIB, LZ4, ZSTD}

// noise is n bytes that do not compress, the same each time.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return b
}

func TestCompressThereAndBack(t *testing.T) {
	for _, compression := range compressions {
		for _, size := range []int{0, 1, 4096, 64<<10 + 1, 4<<20 + 1} {
			for _, level := range []int{-3, 0, 1, 9, 12} {
				if size > 1<<20 && level != 0 {
					continue // takes seconds
				}
				for _, body := range [][]byte{noise(size), make([]byte, size)} {
					small, err := AppendCompressed([]byte("x"), body, compression, level)
					if err != nil || small[0] != 'x' {
						t.Fatalf("%v, %d bytes, level %d: %v", compression, size, level, err)
					}
					got, err := AppendDecompressed([]byte("y"), small[1:], SysFlag(0).WithCompression(compression), size)
					if err != nil || got[0] != 'y' || !bytes.Equal(got[1:], body) {
						t.Fatalf("%v, %d bytes, level %d: %d bytes come back, %v", compression, size, level, len(got), err)
					}
				}
			}
		}
	}
}

func TestR38_DecompressionIsBounded(t *testing.T) {
	bomb := make([]byte, 8<<20)
	for _, compression := range compressions {
		flag := SysFlag(0).WithCompression(compression)
		small, err := AppendCompressed(nil, bomb, compression, 9)
		if err != nil {
			t.Fatal(err)
		}
		for _, most := range []int{0, 1, 1 << 20, len(bomb) - 1} {
			dst := []byte("kept")
			got, err := AppendDecompressed(dst, small, flag, most)
			var size InflatedSizeError
			if !errors.As(err, &size) || int(size) != most || string(got) != "kept" {
				t.Errorf("%v over %d bytes: %d bytes, %v", compression, most, len(got), err)
			}
		}
		for name, broken := range map[string][]byte{"one byte": {1}, "cut short": small[:len(small)/2], "noise": noise(100)} {
			if got, err := AppendDecompressed(nil, broken, flag, len(bomb)); err == nil {
				t.Errorf("%v of %s: %d bytes", compression, name, len(got))
			}
		}
		if got, err := AppendDecompressed([]byte("kept"), nil, flag, 0); err != nil || string(got) != "kept" {
			t.Errorf("%v of nothing: %q, %v, want nothing", compression, got, err)
		}
		// What a broken body leaves in a pooled reader must not reach the next.
		if got, err := AppendDecompressed(nil, small, flag, len(bomb)); err != nil || !bytes.Equal(got, bomb) {
			t.Errorf("%v after broken ones: %d bytes, %v", compression, len(got), err)
		}
	}
	if _, err := AppendDecompressed(nil, []byte("ab"), 0, 1); err == nil {
		t.Error("a body that is not compressed passes the bound")
	}
	if got, err := AppendDecompressed(nil, []byte("ab"), 0, 2); err != nil || string(got) != "ab" {
		t.Errorf("a body that is not compressed: %q, %v", got, err)
	}
	if _, err := AppendCompressed(nil, nil, 0, 5); !errors.Is(err, UnknownCompressionError(0)) {
		t.Errorf("type 0: %v", err)
	}
	if _, err := AppendDecompressed(nil, []byte("x"), 0x501, 5); !errors.Is(err, UnknownCompressionError(5)) {
		t.Errorf("type 5: %v", err)
	}
}

func TestCompressManyGoroutines(t *testing.T) {
	body := bytes.Repeat([]byte("compress me "), 500)
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			compression := compressions[i%len(compressions)]
			for range 50 {
				small, err := AppendCompressed(nil, body, compression, 5)
				if err != nil {
					t.Error(err)
				}
				if got, err := AppendDecompressed(nil, small, SysFlag(0).WithCompression(compression), len(body)); err != nil || !bytes.Equal(got, body) {
					t.Errorf("%v: %d bytes, %v", compression, len(got), err)
				}
			}
		})
	}
	all.Wait()
}

func FuzzDecompress(f *testing.F) {
	for _, tt := range vectors.Load[struct {
		SysFlag       int32
		CompressedHex vectors.Hex
	}](f, "compress.json") {
		f.Add([]byte(tt.CompressedHex), tt.SysFlag)
	}
	f.Fuzz(func(t *testing.T, body []byte, flag int32) {
		const most = 1 << 16
		if got, err := AppendDecompressed(nil, body, SysFlag(flag), most); err == nil && len(got) > most {
			t.Errorf("%d bytes", len(got))
		}
	})
}

func BenchmarkCompress(b *testing.B) {
	body := bytes.Repeat([]byte("a body that compresses by some part of its size; "), 84)[:4096]
	for _, compression := range compressions {
		b.Run(compression.String(), func(b *testing.B) {
			var buf []byte
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = AppendCompressed(buf[:0], body, compression, 5)
			}
		})
	}
}
