package message

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// DefaultCompressLevel is RocketMQ's (rocketmq.message.compressLevel).
const DefaultCompressLevel = 5

// maxZstdWindow bounds what a Zstandard frame can make a decoder keep, in bytes: the levels up to 19 need 8 MiB.
const maxZstdWindow = 32 << 20

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

// AppendDecompressed appends body as it was before compression; flag says which. A body that is not compressed is
// appended as it is, and an empty one stays empty, as in Java. More than maxBytes bytes are an [InflatedSizeError], found before they are held, and dst comes
// back as it was, as after any error.
func AppendDecompressed(dst, body []byte, flag SysFlag, maxBytes int) ([]byte, error) {
	if !flag.Compressed() || len(body) == 0 {
		if len(body) > maxBytes {
			return dst, InflatedSizeError(maxBytes)
		}
		return append(dst, body...), nil
	}
	t, err := flag.CompressionType()
	if err != nil {
		return dst, err
	}
	out, err := readers[t].append(dst, body, maxBytes)
	if err != nil {
		return dst, fmt.Errorf("message: inflating a body of %d bytes, %v: %w", len(body), t, err)
	}
	return out, nil
}

// InflatedSizeError is a body that inflates to more than this many bytes.
type InflatedSizeError int

func (e InflatedSizeError) Error() string {
	return fmt.Sprintf("the body inflates to more than %d bytes", int(e))
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

// bodyReader is a decompressing reader that can be used again.
type bodyReader interface {
	io.Reader
	reset(src *bytes.Reader) error
}

// readerPool keeps the readers of one kind.
type readerPool struct {
	make func() (bodyReader, error)
	pool sync.Pool // of *pooledReader
}

type pooledReader struct {
	from bytes.Reader
	r    bodyReader
}

var readers = map[CompressionType]*readerPool{
	ZLIB: {make: func() (bodyReader, error) { return &zlibReader{}, nil }},
	LZ4:  {make: func() (bodyReader, error) { return lz4Reader{lz4.NewReader(nil)}, nil }},
	ZSTD: {make: func() (bodyReader, error) {
		// One at a time means no goroutines.
		r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		return zstdReader{r}, err
	}},
}

func (p *readerPool) append(dst, body []byte, maxBytes int) ([]byte, error) {
	pr, _ := p.pool.Get().(*pooledReader)
	if pr == nil {
		r, err := p.make()
		if err != nil {
			return nil, err
		}
		pr = &pooledReader{r: r}
	}
	defer p.pool.Put(pr)
	pr.from.Reset(body)
	defer pr.from.Reset(nil)
	if err := pr.r.reset(&pr.from); err != nil {
		return nil, err
	}
	return appendAll(dst, pr.r, len(body), maxBytes)
}

// appendAll appends all that r gives, maxBytes at most. hint is a first guess at how much that is.
func appendAll(dst []byte, r io.Reader, hint, maxBytes int) ([]byte, error) {
	start := len(dst)
	for {
		if len(dst) == cap(dst) {
			room := min(max(hint, 512, len(dst)-start), maxBytes-(len(dst)-start)+1) // one more than may come
			grown := make([]byte, len(dst), len(dst)+room)
			copy(grown, dst)
			dst = grown
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst)-start > maxBytes {
			return nil, InflatedSizeError(maxBytes)
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// zlibReader makes its library reader from the first body, because that reads the header at once.
type zlibReader struct{ io.ReadCloser }

func (z *zlibReader) reset(src *bytes.Reader) (err error) {
	if z.ReadCloser == nil {
		z.ReadCloser, err = zlib.NewReader(src)
		return err
	}
	return z.ReadCloser.(zlib.Resetter).Reset(src, nil)
}

type lz4Reader struct{ *lz4.Reader }

func (l lz4Reader) reset(src *bytes.Reader) error { l.Reader.Reset(src); return nil }

type zstdReader struct{ *zstd.Decoder }

func (z zstdReader) reset(src *bytes.Reader) error { return z.Decoder.Reset(src) }
