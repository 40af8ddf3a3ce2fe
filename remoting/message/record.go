package message

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"net/netip"
)

// Magic numbers of a stored record. The second form has two bytes for the topic's length.
const (
	recordMagic1 = 0xDAA320A7
	recordMagic2 = 0xDAA320AB
)

// MinRecord is the length of a record with IPv4 hosts and nothing in it, in bytes.
const MinRecord = 91

// maxTopic1 is the longest topic of v1.
const maxTopic1 = 127

// Record is a message as a broker stores it and as consumers pull it (CommitLog.java, MessageDecoder.decode).
type Record struct {
	Topic             string
	QueueID           int32
	Flag              int32 // the application's
	QueueOffset       int64 // in messages
	PhysicalOffset    int64 // of the record in the commit log, in bytes
	SysFlag           SysFlag
	BornTime          int64 // ms since the epoch, the client's clock
	BornHost          netip.AddrPort
	StoreTime         int64 // ms since the epoch, the broker's clock
	StoreHost         netip.AddrPort
	ReconsumeTimes    int32
	PreparedOffset    int64  // of the half message that this one commits; else 0
	BodyCRC           uint32 // of Body, see [BodyCRC]; decoding takes what is stored, encoding counts anew
	Body              []byte // as stored: compressed when SysFlag says so
	EncodedProperties []byte // see [DecodeProperties]
}

// OffsetID is the id by which a broker finds the record again.
func (r *Record) OffsetID() OffsetID { return OffsetID{Addr: r.StoreHost, Offset: r.PhysicalOffset} }

// RecordError is a record that cannot be written or read.
type RecordError struct{ Reason string }

func (e *RecordError) Error() string { return "message: record: " + e.Reason }

// AppendRecord appends r: int32 size of all, int32 magic, and the fields in protocol order, big endian. A topic of more
// than 127 bytes takes the second form. The SysFlag's host bits follow the hosts, and BodyCRC follows Body. A topic or
// properties that their lengths cannot tell are a [*RecordError], and dst comes back as it was.
func AppendRecord(dst []byte, r *Record) ([]byte, error) {
	if len(r.Topic) > math.MaxInt16 || len(r.EncodedProperties) > math.MaxInt16 || len(r.Body) > math.MaxInt32/2 {
		return dst, &RecordError{fmt.Sprintf("topic of %d bytes, properties of %d, body of %d: too long",
			len(r.Topic), len(r.EncodedProperties), len(r.Body))}
	}
	born, store := hostAddr(r.BornHost), hostAddr(r.StoreHost)
	flag := r.SysFlag &^ (FlagBornHostV6 | FlagStoreHostV6)
	if born.Is6() {
		flag |= FlagBornHostV6
	}
	if store.Is6() {
		flag |= FlagStoreHostV6
	}
	start := len(dst)
	be := binary.BigEndian
	magic := uint32(recordMagic1)
	if len(r.Topic) > maxTopic1 {
		magic = recordMagic2
	}
	dst = be.AppendUint32(dst, 0) // the size, once it is known
	dst = be.AppendUint32(dst, magic)
	dst = be.AppendUint32(dst, BodyCRC(r.Body))
	dst = be.AppendUint32(dst, uint32(r.QueueID))
	dst = be.AppendUint32(dst, uint32(r.Flag))
	dst = be.AppendUint64(dst, uint64(r.QueueOffset))
	dst = be.AppendUint64(dst, uint64(r.PhysicalOffset))
	dst = be.AppendUint32(dst, uint32(flag))
	dst = be.AppendUint64(dst, uint64(r.BornTime))
	dst = be.AppendUint32(appendAddr(dst, born), uint32(r.BornHost.Port()))
	dst = be.AppendUint64(dst, uint64(r.StoreTime))
	dst = be.AppendUint32(appendAddr(dst, store), uint32(r.StoreHost.Port()))
	dst = be.AppendUint32(dst, uint32(r.ReconsumeTimes))
	dst = be.AppendUint64(dst, uint64(r.PreparedOffset))
	dst = append(be.AppendUint32(dst, uint32(len(r.Body))), r.Body...)
	if magic == recordMagic1 {
		dst = append(dst, byte(len(r.Topic)))
	} else {
		dst = be.AppendUint16(dst, uint16(len(r.Topic)))
	}
	dst = append(dst, r.Topic...)
	dst = append(be.AppendUint16(dst, uint16(len(r.EncodedProperties))), r.EncodedProperties...)
	be.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst, nil
}

func hostAddr(host netip.AddrPort) netip.Addr {
	if ip := host.Addr().Unmap(); ip.IsValid() {
		return ip
	}
	return netip.IPv4Unspecified()
}

// DecodeRecord reads the record that buf begins with, and says how many bytes it takes. Body and EncodedProperties are
// parts of buf. The error is a [*RecordError].
func DecodeRecord(buf []byte) (r Record, size int, err error) {
	if len(buf) < MinRecord {
		return Record{}, 0, &RecordError{fmt.Sprintf("%d bytes: cut short", len(buf))}
	}
	size = int(int32(binary.BigEndian.Uint32(buf)))
	if size < MinRecord || size > len(buf) {
		return Record{}, 0, &RecordError{fmt.Sprintf("size %d, with %d bytes there", size, len(buf))}
	}
	f := fieldReader{rest: buf[4:size]}
	magic := f.uint32()
	if magic != recordMagic1 && magic != recordMagic2 {
		return Record{}, 0, &RecordError{fmt.Sprintf("magic 0x%08X is none of a record", magic)}
	}
	r.BodyCRC = f.uint32()
	r.QueueID = int32(f.uint32())
	r.Flag = int32(f.uint32())
	r.QueueOffset = int64(f.uint64())
	r.PhysicalOffset = int64(f.uint64())
	r.SysFlag = SysFlag(f.uint32())
	r.BornTime = int64(f.uint64())
	r.BornHost = f.host(r.SysFlag&FlagBornHostV6 != 0)
	r.StoreTime = int64(f.uint64())
	r.StoreHost = f.host(r.SysFlag&FlagStoreHostV6 != 0)
	r.ReconsumeTimes = int32(f.uint32())
	r.PreparedOffset = int64(f.uint64())
	r.Body = f.bytes(int(int32(f.uint32())))
	topicLen := 0
	if magic == recordMagic1 {
		topicLen = int(f.uint8())
	} else {
		topicLen = int(f.uint16())
	}
	r.Topic = string(f.bytes(topicLen))
	r.EncodedProperties = f.bytes(int(int16(f.uint16())))
	if f.bad || len(f.rest) > 0 {
		return Record{}, 0, &RecordError{fmt.Sprintf("its fields do not fill its %d bytes", size)}
	}
	return r, size, nil
}

// Records goes through the records of a pull reply's body. A last one that is cut short ends it without a word, as it
// does in Java (MessageDecoder.decodes); so does anything that is no record. What a Record borrows is a part of buf.
func Records(buf []byte) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for {
			r, n, err := DecodeRecord(buf)
			if err != nil || !yield(r) {
				return
			}
			buf = buf[n:]
		}
	}
}

// fieldReader takes big-endian fields off a buffer. Once one is not whole all are zero.
type fieldReader struct {
	rest []byte
	bad  bool
}

// bytes takes n bytes; nil when they are not there.
func (f *fieldReader) bytes(n int) []byte {
	if f.bad || n < 0 || n > len(f.rest) {
		f.bad = true
		return nil
	}
	taken := f.rest[:n:n]
	f.rest = f.rest[n:]
	return taken
}

func (f *fieldReader) uint8() uint8 {
	if b := f.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fieldReader) uint16() uint16 {
	if b := f.bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (f *fieldReader) uint32() uint32 {
	if b := f.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (f *fieldReader) uint64() uint64 {
	if b := f.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// host takes 4 or 16 bytes of ip and 4 of port.
func (f *fieldReader) host(v6 bool) netip.AddrPort {
	n := 4
	if v6 {
		n = 16
	}
	ip, _ := netip.AddrFromSlice(f.bytes(n))
	port := f.uint32()
	if port > math.MaxUint16 {
		f.bad = true
	}
	return netip.AddrPortFrom(ip, uint16(port))
}
