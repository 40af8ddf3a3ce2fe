package message

import (
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// DefaultCompressLevel is RocketMQ's (rocketmq.message.compressLevel).
const DefaultCompressLevel = 5

// AppendCompressed appends body as t writes it: a ZLIB stream (RFC 1950), an LZ4 frame or a Zstandard frame. level is 1
// (fastest) to 9 (smallest), 0 means [DefaultCompressLevel] and what lies outside means the nearer end; LZ4 has none.
// The result may be longer than body, and goes to the wire all the same, as Java's does. It fails for other types only.
func AppendCompressed(dst, body []byte, t CompressionType, level int) ([]byte, error) {
	if level == 0 {
		level = DefaultCompressLevel
	}
	level = min(max(level, 1), 9)
	switch t {
	case ZLIB:
		return zlibWriters[level].append(dst, body)
	case LZ4:
		return lz4Writers[lz4Size(len(body))].append(dst, body)
	case ZSTD:
		return zstdEncoder(level).EncodeAll(body, dst), nil
	}
	return dst, UnknownCompressionError(t)
}

// resetWriter is a compressing writer that can be used again.
type resetWriter interface {
	io.WriteCloser
	Reset(io.Writer)
}

// writerPool keeps the writers of one kind.
type writerPool struct {
	make func() (resetWriter, error)
	pool sync.Pool // of *pooledWriter
}

type pooledWriter struct {
	to sliceWriter
	w  resetWriter
}

// sliceWriter appends what is written.
type sliceWriter struct{ b []byte }

func (s *sliceWriter) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

func (p *writerPool) append(dst, body []byte) ([]byte, error) {
	pw, _ := p.pool.Get().(*pooledWriter)
	if pw == nil {
		w, err := p.make()
		if err != nil {
			return dst, fmt.Errorf("message: %w", err)
		}
		pw = &pooledWriter{w: w}
	}
	pw.to.b = dst
	pw.w.Reset(&pw.to)
	_, err := pw.w.Write(body)
	if closed := pw.w.Close(); err == nil {
		err = closed
	}
	out := pw.to.b
	pw.to.b = nil
	if err != nil {
		return dst, fmt.Errorf("message: %w", err) // writing to memory does not fail: the writer is not trusted again
	}
	p.pool.Put(pw)
	return out, nil
}

var zlibWriters = func() (pools [10]*writerPool) { // by level
	for level := range pools {
		pools[level] = &writerPool{make: func() (resetWriter, error) { return zlib.NewWriterLevel(io.Discard, level) }}
	}
	return pools
}()

// lz4Sizes are the block sizes of the frame format: a writer holds a block, so small bodies take small ones.
var lz4Sizes = [...]lz4.BlockSize{lz4.Block64Kb, lz4.Block256Kb, lz4.Block1Mb, lz4.Block4Mb}

// lz4Size is the place of the smallest block size that takes n bytes at once, or of the biggest.
func lz4Size(n int) int {
	for i, size := range lz4Sizes {
		if n <= int(size) {
			return i
		}
	}
	return len(lz4Sizes) - 1
}

var lz4Writers = func() (pools [len(lz4Sizes)]*writerPool) { // by place in lz4Sizes
	for i, size := range lz4Sizes {
		pools[i] = &writerPool{make: func() (resetWriter, error) {
			w := lz4.NewWriter(io.Discard)
			return w, w.Apply(lz4.BlockSizeOption(size), lz4.ChecksumOption(false)) // Java writes no checksum
		}}
	}
	return pools
}()

// zstdEncoders are made when first needed, by the library's level; any number of goroutines may use one.
var zstdEncoders [5]struct {
	once sync.Once
	enc  *zstd.Encoder
}

func zstdEncoder(level int) *zstd.Encoder {
	speed := zstd.EncoderLevelFromZstd(level)
	e := &zstdEncoders[speed]
	e.once.Do(func() {
		e.enc, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(speed)) // only options can fail
	})
	return e.enc
}
