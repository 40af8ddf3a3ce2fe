package remoting

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
)

// SendHeader is what a send request says beside the body: SendMessageRequestHeader.java (V1, spelled-out names) and
// SendMessageRequestHeaderV2.java (letters a to n). The zero value of an optional field is left out only where noted.
//
// What differs from one of a producer's sends to the next comes first, so that it lies in one cache line.
type SendHeader struct {
	BornTimestamp    int64  // g, ms since the epoch
	SysFlag          int32  // f
	Flag             int32  // h, the user's
	Properties       []byte // i, encoded as message.AppendProperties does; nil leaves the field out
	ProducerGroup    string // a
	Topic            string // b
	DefaultTopic     string // c
	DefaultQueueNums int32  // d
	QueueID          int32  // e; below 0 the broker picks
	ReconsumeTimes   int32  // j
	UnitMode         bool   // k
	MaxReconsume     int32  // l; 0 leaves the field out
	Batch            bool   // m
	BrokerName       string // n, V1 bname; "" leaves the field out
}

// SendRequest is a send as the wire wants it. It is a [HeadEncoder] that allocates nothing.
type SendRequest struct {
	// Template, if set, is this request's own: the binary head is then copied from it, and of the fields below only
	// SysFlag, BornTimestamp, Flag, Properties and Oneway are read. JSON heads are written whole.
	Template *SendTemplate

	Serialize Serialize
	Language  Language
	Oneway    bool
	Code      RequestCode // SendMessage, SendReplyMessage and PushReplyMessageToClient take V1 names, all others V2 letters
	Version   int32
	SendHeader
}

var sendKeysV1 = [...]string{"producerGroup", "topic", "defaultTopic", "defaultTopicQueueNums", "queueId", "sysFlag", "bornTimestamp", "flag", "properties", "reconsumeTimes", "unitMode", "maxReconsumeTimes", "batch", "bname"}
var sendKeysV2 = [...]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"}

// v1 says whether code spells its header's names out.
func v1(code RequestCode) bool {
	return code == SendMessage || code == SendReplyMessage || code == PushReplyMessageToClient
}

// AppendHead writes the head in the order of SendMessageRequestHeaderV2.encode: a, b, c, …
func (r *SendRequest) AppendHead(dst []byte, opaque int32, bodyLen int) ([]byte, error) {
	if r.Template != nil && r.Serialize == RocketMQ {
		return r.Template.appendHead(dst, opaque, bodyLen, r)
	}
	t := typedHead{r.Serialize, int32(r.Code), r.Language, r.Version, opaque, 0}
	if r.Oneway {
		t.flag = FlagOneway
	}
	keys := &sendKeysV2
	if v1(r.Code) {
		keys = &sendKeysV1
	}
	w := t.open(dst, keys)
	r.write(&w)
	return t.close(dst, &w, bodyLen)
}

func (h *SendHeader) write(w *pairWriter) {
	h.writeFirst(w)
	w.int(5, int64(h.SysFlag))
	w.int(6, h.BornTimestamp)
	w.int(7, int64(h.Flag))
	if h.Properties != nil {
		w.bytes(8, h.Properties)
	}
	h.writeLast(w)
}

// writeFirst and writeLast write what does not change from one send to the next.
func (h *SendHeader) writeFirst(w *pairWriter) {
	w.text(0, h.ProducerGroup)
	w.text(1, h.Topic)
	w.text(2, h.DefaultTopic)
	w.int(3, int64(h.DefaultQueueNums))
	w.int(4, int64(h.QueueID))
}

func (h *SendHeader) writeLast(w *pairWriter) {
	w.int(9, int64(h.ReconsumeTimes))
	w.text(10, boolText(h.UnitMode))
	if h.MaxReconsume != 0 {
		w.int(11, int64(h.MaxReconsume))
	}
	w.text(12, boolText(h.Batch))
	if h.BrokerName != "" {
		w.text(13, h.BrokerName)
	}
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// typedHead is a head whose ext fields a [pairWriter] writes; it has no remark.
type typedHead struct {
	serialize    Serialize
	code         int32
	language     Language
	version      int32
	opaque, flag int32
}

// open writes what comes before the ext fields.
func (t *typedHead) open(dst []byte, keys *[14]string) pairWriter {
	out := append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	if t.serialize == JSON {
		out = append(out, `{"code":`...)
		out = strconv.AppendInt(out, int64(t.code), 10)
		out = append(out, `,"extFields":`...)
		return pairWriter{dst: out, keys: keys, json: true}
	}
	out = appendBinaryFixed(out, t.code, t.language, t.version, t.opaque, t.flag)
	out = append(out, 0, 0, 0, 0, 0, 0, 0, 0) // no remark; ext length follows
	return pairWriter{dst: out, keys: keys, from: len(out)}
}

// close writes what comes after them and returns dst with the head, or dst alone with an error.
func (t *typedHead) close(dst []byte, w *pairWriter, bodyLen int) ([]byte, error) {
	out := w.dst
	if w.json {
		out = append(out, '}')
		out = appendJSONMiddle(out, t.flag, t.language, t.opaque)
		out = appendJSONEnd(out, t.version)
	} else {
		binary.BigEndian.PutUint32(out[w.from-4:], uint32(len(out)-w.from))
	}
	if err := closeHead(out[len(dst):], t.serialize, bodyLen); err != nil {
		return dst, err
	}
	return out, nil
}

// pairWriter writes ext fields of either serialization.
type pairWriter struct {
	dst     []byte
	keys    *[14]string
	json    bool
	started bool
	from    int // binary: where the first pair begins
}

func (w *pairWriter) key(i int) {
	if !w.json {
		w.dst = binary.BigEndian.AppendUint16(w.dst, uint16(len(w.keys[i])))
		w.dst = append(w.dst, w.keys[i]...)
		return
	}
	c := byte('{')
	if w.started {
		c = ','
	}
	w.started = true
	w.dst = append(w.dst, c, '"')
	w.dst = append(w.dst, w.keys[i]...)
	w.dst = append(w.dst, '"', ':')
}

func (w *pairWriter) text(i int, v string) {
	w.key(i)
	if w.json {
		w.dst = appendJSONString(w.dst, v)
		return
	}
	w.dst = binary.BigEndian.AppendUint32(w.dst, uint32(len(v)))
	w.dst = append(w.dst, v...)
}

func (w *pairWriter) bytes(i int, v []byte) {
	w.key(i)
	if w.json {
		w.dst = appendJSONString(w.dst, v)
		return
	}
	w.dst = binary.BigEndian.AppendUint32(w.dst, uint32(len(v)))
	w.dst = append(w.dst, v...)
}

func (w *pairWriter) int(i int, v int64) {
	w.key(i)
	if w.json {
		w.dst = append(w.dst, '"')
		w.dst = strconv.AppendInt(w.dst, v, 10)
		w.dst = append(w.dst, '"')
		return
	}
	at := len(w.dst)
	w.dst = append(w.dst, 0, 0, 0, 0)
	w.dst = strconv.AppendInt(w.dst, v, 10)
	binary.BigEndian.PutUint32(w.dst[at:], uint32(len(w.dst)-at-4))
}

// SendView is a send's header read in place: its texts borrow from the frame.
type SendView struct {
	ProducerGroup, Topic, DefaultTopic, Properties, BrokerName []byte
	DefaultQueueNums, QueueID, SysFlag, Flag                   int32
	ReconsumeTimes, MaxReconsume                               int32
	BornTimestamp                                              int64
	UnitMode, Batch                                            bool
}

// required are the fields that Java declares not null, by index.
const required = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7

// Parse reads the header of a request of one of the send codes. A required field that is missing, or a number that
// is none, is an error that names the field.
func (v *SendView) Parse(h *Head) error {
	*v = SendView{}
	long := v1(RequestCode(h.Code))
	have := 0
	if !long && h.Serialize == RocketMQ {
		var err error
		if have, err = v.parseLetters(h.ext); err != nil {
			return err
		}
		return missingField(have)
	}
	for it := h.Ext(); it.Next(); {
		i := sendKey(it.Key(), long)
		if i < 0 {
			continue
		}
		have |= 1 << i
		if err := v.set(i, it.Value()); err != nil {
			return fmt.Errorf("send header %s: %w", sendKeysV1[i], err)
		}
	}
	return missingField(have)
}

// parseLetters is the loop of Parse for what nearly every send is: V2 letters in a binary header, whose lengths
// parseBinary has checked.
func (v *SendView) parseLetters(ext []byte) (have int, err error) {
	for len(ext) > 0 {
		k := int(binary.BigEndian.Uint16(ext))
		n := int(binary.BigEndian.Uint32(ext[2+k:]))
		value := ext[6+k : 6+k+n]
		if i := int(ext[2]) - 'a'; k == 1 && 0 <= i && i < len(sendKeysV2) {
			have |= 1 << i
			if err := v.set(i, value); err != nil {
				return have, fmt.Errorf("send header %s: %w", sendKeysV1[i], err)
			}
		}
		ext = ext[6+k+n:]
	}
	return have, nil
}

// missingField is the error of Java's servers for a required field that is not among those that are there, a bit each.
func missingField(have int) error {
	missing := required &^ have
	if missing == 0 {
		return nil
	}
	return fmt.Errorf("the custom field <%s> is null", sendKeysV1[bits.TrailingZeros(uint(missing))])
}

func sendKey(key []byte, long bool) int {
	if !long {
		if len(key) == 1 && key[0] >= 'a' && key[0] <= 'n' {
			return int(key[0] - 'a')
		}
		return -1
	}
	for i, k := range sendKeysV1 {
		if string(key) == k {
			return i
		}
	}
	return -1
}

func (v *SendView) set(i int, b []byte) (err error) {
	switch i {
	case 0:
		v.ProducerGroup = b
	case 1:
		v.Topic = b
	case 2:
		v.DefaultTopic = b
	case 3:
		v.DefaultQueueNums, err = ParseInt32(b)
	case 4:
		v.QueueID, err = ParseInt32(b)
	case 5:
		v.SysFlag, err = ParseInt32(b)
	case 6:
		v.BornTimestamp, err = ParseInt64(b)
	case 7:
		v.Flag, err = ParseInt32(b)
	case 8:
		v.Properties = b
	case 9:
		v.ReconsumeTimes, err = ParseInt32(b)
	case 10:
		v.UnitMode = string(b) == "true"
	case 11:
		v.MaxReconsume, err = ParseInt32(b)
	case 12:
		v.Batch = string(b) == "true"
	case 13:
		v.BrokerName = b
	}
	return err
}

// ParseInt32 reads a decimal 32-bit integer of an ext field.
func ParseInt32(b []byte) (int32, error) {
	n, err := parseInt(b, 32)
	return int32(n), err
}

// ParseInt64 reads a decimal 64-bit integer of an ext field.
func ParseInt64(b []byte) (int64, error) { return parseInt(b, 64) }
