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

// maxZstdWindow bounds what a Zstandard frame can make a decoder keep, in bytes: the levels up to 19 need 8 MiB.
const maxZstdWindow = 32 << 20

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
