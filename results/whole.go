package results

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/klauspost/compress/zstd"
)

// WholeSchema is the version of a Whole in a file or a log.
const WholeSchema = "rmqbench.whole/1"

// WholeFile is its name in the directory of a run that is a share of a larger one.
const WholeFile = "whole.zst"

// Whole is a run with the histograms behind its numbers: all that a lossless merge needs.
type Whole struct {
	Run    *Run
	Cases  []WholeCase // Run.Cases, one for one
	Series []Point

	LeftOut *LeftOut // by who printed it; nil: it is complete
}

// LeftOut is what a record lost on its way because it was too long to print.
type LeftOut struct {
	Parts []string `json:"parts"` // series (and what its intervals sum to), then batches too
	Of    string   `json:"of"`    // SHA-256 of the complete record as EncodeWhole gave it, in hexadecimal digits
}

// WholeCase holds a case's histograms. Those of the whole case are its stages' together.
type WholeCase struct {
	Warmup  *StageTimes     `json:"warmup,omitempty"` // nil: it has none
	Stages  []StageTimes    `json:"stages"`
	First   *Histogram      `json:"first,omitempty"`   // open loop: service of the first quarter of the measured time
	Last    *Histogram      `json:"last,omitempty"`    // of the last
	Anatomy []*Histogram    `json:"anatomy,omitempty"` // the sample's, in the order of an Anatomy's parts; nil: not known
	Queues  []QueueTimes    `json:"queues,omitempty"`
	Batches *BatchesInOrder `json:"batches,omitempty"`
}

// Times are the histograms of a Measured. Response is the write time if oneway.
type Times struct {
	Response     *Histogram            `json:"response"`
	Service      *Histogram            `json:"service"`
	Delay        *Histogram            `json:"delay"`
	Unsuccessful map[string]*Histogram `json:"unsuccessful,omitempty"` // by the outcome's name
}

// StageTimes are the histograms of a Stage.
type StageTimes struct {
	Times
	Kinds []Times `json:"kinds,omitempty"` // Stage.Kinds, one for one
}

// QueueTimes is due until done of a queue's acknowledged or written sends.
type QueueTimes struct {
	Topic  string  `json:"topic,omitempty"` // of several
	Broker string  `json:"broker"`
	Queue  int32   `json:"queue"`
	Times  *Packed `json:"times"`

	ServiceNS int64 `json:"service_ns,omitempty"` // called until done of the same sends, summed
	DelayNS   int64 `json:"delay_ns,omitempty"`   // due until called
}

// share is what the record says of the queue.
func (q *QueueTimes) share() Share {
	s := Share{Topic: q.Topic, Broker: q.Broker, Queue: new(q.Queue), Acknowledged: q.Times.Count(), P99NS: q.Times.P99()}
	s.timed(q.ServiceNS, q.DelayNS)
	return s
}

// BatchesInOrder are the measured sends by when they ended, in batches of LengthNS since measuring began; see Confide.
type BatchesInOrder struct {
	LengthNS int64     `json:"length_ns"`
	Batches  []*Packed `json:"batches"` // the last one may be cut short
}

// Confide puts l's intervals beside its percentiles, from the batches that are whole.
func (b *BatchesInOrder) Confide(l *Latency) {
	if b != nil {
		l.Confide(b.Batches[:max(len(b.Batches)-1, 0)])
	}
}

// NewTimes are three empty histograms.
func NewTimes() Times {
	return Times{Response: NewHistogram(), Service: NewHistogram(), Delay: NewHistogram()}
}

// Merge adds all that from holds, losing nothing.
func (t *Times) Merge(from *Times) error {
	err := errors.Join(t.Response.Merge(from.Response), t.Service.Merge(from.Service), t.Delay.Merge(from.Delay))
	for outcome, h := range from.Unsuccessful {
		if t.Unsuccessful == nil {
			t.Unsuccessful = map[string]*Histogram{}
		}
		if t.Unsuccessful[outcome] == nil {
			t.Unsuccessful[outcome] = NewHistogram()
		}
		err = errors.Join(err, t.Unsuccessful[outcome].Merge(h))
	}
	return err
}

// Merge adds all that from holds, losing nothing. Unlike numbers of kinds are an error.
func (t *StageTimes) Merge(from *StageTimes) error {
	if len(t.Kinds) != len(from.Kinds) {
		return fmt.Errorf("histograms of %d kinds, and of %d", len(t.Kinds), len(from.Kinds))
	}
	err := t.Times.Merge(&from.Times)
	for i := range from.Kinds {
		err = errors.Join(err, t.Kinds[i].Merge(&from.Kinds[i]))
	}
	return err
}

// setTimes puts the times of m's sends into m.
func (m *Measured) setTimes(t *Times, mode string) {
	m.Response, m.WriteTime = Summarize(t.Response), nil
	if mode == modeOneway {
		m.Response, m.WriteTime = nil, m.Response
	}
	m.Service, m.Delay = Summarize(t.Service), Summarize(t.Delay)
	m.Unsuccessful = nil
	for outcome, h := range t.Unsuccessful {
		if m.Unsuccessful == nil {
			m.Unsuccessful = map[string]*Latency{}
		}
		m.Unsuccessful[outcome] = Summarize(h)
	}
}

// The bounds of what a Whole may be that comes from outside.
const (
	maxWholeBytes      = 64 << 20 // inflated
	maxWholeCompress   = 16 << 20
	maxWholeHistograms = 4_096 // of 270 KB each, however little they hold
)

// wholeForm is a Whole in JSON.
type wholeForm[C, S any] struct {
	Schema string          `json:"schema"`
	Run    json.RawMessage `json:"run"`
	Cases  C               `json:"cases"`
	Series S               `json:"series,omitempty"`
	Left   *LeftOut        `json:"left_out,omitempty"`
}

// The shapes of a WholeCase and of Times, without histograms, to count these before memory is taken for them.
type (
	caseShape struct {
		Warmup  *stageShape  `json:"warmup"`
		Stages  []stageShape `json:"stages"`
		Anatomy []struct{}   `json:"anatomy"`
	}
	stageShape struct {
		timesShape
		Kinds []timesShape `json:"kinds"`
	}
	timesShape struct {
		Unsuccessful map[string]struct{} `json:"unsuccessful"`
	}
)

// histograms is how many a case of this shape can have at most.
func (c *caseShape) histograms() int {
	n := 2 + len(c.Anatomy) // First and Last
	of := func(s *stageShape) {
		n += 3 + len(s.Unsuccessful)
		for i := range s.Kinds {
			n += 3 + len(s.Kinds[i].Unsuccessful)
		}
	}
	if c.Warmup != nil {
		of(c.Warmup)
	}
	for i := range c.Stages {
		of(&c.Stages[i])
	}
	return n
}

// EncodeWhole gives w, whose run is judged, as Zstandard over JSON.
func EncodeWhole(w *Whole) ([]byte, error) {
	var run bytes.Buffer
	if err := Encode(&run, w.Run); err != nil {
		return nil, err
	}
	plain, err := json.Marshal(wholeForm[[]WholeCase, []Point]{Schema: WholeSchema, Run: run.Bytes(), Cases: w.Cases, Series: w.Series, Left: w.LeftOut})
	if err != nil {
		return nil, fmt.Errorf("encode the histograms: %w", err)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		return nil, err
	}
	return z.EncodeAll(plain, nil), nil
}

// DecodeWhole reads what EncodeWhole gave. Bounded in memory whatever the bytes: 64 MiB inflated, lists as long as a result's, and
// no more histograms, of our one configuration, than 4,096.
func DecodeWhole(compressed []byte) (*Whole, error) {
	plain, err := inflateWhole(compressed)
	if err != nil {
		return nil, err
	}
	return decodeWhole(plain)
}

func inflateWhole(compressed []byte) ([]byte, error) {
	if len(compressed) > maxWholeCompress {
		return nil, fmt.Errorf("larger than %s", FormatBytes(maxWholeCompress))
	}
	z, err := zstd.NewReader(bytes.NewReader(compressed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWholeBytes), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	plain, err := io.ReadAll(io.LimitReader(z, maxWholeBytes+1))
	if err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	if len(plain) > maxWholeBytes {
		return nil, fmt.Errorf("inflated it is larger than %s", FormatBytes(maxWholeBytes))
	}
	return plain, nil
}

// decodeWhole reads a Whole's JSON.
func decodeWhole(plain []byte) (*Whole, error) {
	var form wholeForm[json.RawMessage, json.RawMessage]
	if err := json.Unmarshal(plain, &form); err != nil {
		return nil, fmt.Errorf("not a run with its histograms: %w", err)
	}
	if form.Schema != WholeSchema {
		return nil, fmt.Errorf("schema %s: this rmqbench reads %s only", Printable(form.Schema), WholeSchema)
	}
	run, err := decode(bytes.NewReader(form.Run), maxWholeBytes)
	if err != nil {
		return nil, err
	}
	w := &Whole{Run: run, LeftOut: form.Left}
	var shapes []caseShape
	if err := unmarshalBounded(form.Cases, &shapes); err != nil {
		return nil, fmt.Errorf("its histograms: %w", err)
	}
	n := 0
	for i := range shapes {
		n += shapes[i].histograms()
	}
	if n > maxWholeHistograms {
		return nil, fmt.Errorf("it may have %s histograms, at most %s are read", groupDigits(int64(n)), groupDigits(maxWholeHistograms))
	}
	if err := unmarshalBounded(form.Cases, &w.Cases); err != nil {
		return nil, fmt.Errorf("its histograms: %w", err)
	}
	if err := unmarshalBounded(form.Series, &w.Series); err != nil {
		return nil, fmt.Errorf("its intervals: %w", err)
	}
	return w, w.check()
}

// unmarshalBounded is json.Unmarshal of a part of a Whole, for what's [bounded] only; a part that isn't there is left as it is.
func unmarshalBounded(data json.RawMessage, into any) error {
	if len(data) == 0 {
		return nil
	}
	if _, err := bounded(data, 0); err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// check holds the histograms to the record: each case has its own, and they hold as many sends as it counts.
func (w *Whole) check() error {
	if l := w.LeftOut; l != nil && !slices.Equal(l.Parts, []string{partSeries}) && !slices.Equal(l.Parts, []string{partSeries, partBatches}) {
		return fmt.Errorf("left out: %q", l.Parts[:min(len(l.Parts), 2)])
	}
	if len(w.Cases) != len(w.Run.Cases) {
		return fmt.Errorf("it has the histograms of %d cases, its run has %d", len(w.Cases), len(w.Run.Cases))
	}
	for i := range w.Cases {
		c, h := &w.Run.Cases[i], &w.Cases[i]
		if len(h.Stages) != len(c.Stages) {
			return fmt.Errorf("case %s has the histograms of %d stages, its record has %d", Printable(c.Name), len(h.Stages), len(c.Stages))
		}
		if (h.Warmup == nil) != (c.Warmup == nil) {
			return fmt.Errorf("case %s: the histograms of its warm-up don't fit its record", Printable(c.Name))
		}
		if h.Anatomy != nil && len(h.Anatomy) != len(anatomyParts) {
			return fmt.Errorf("case %s: its anatomy has %d parts, there are %d", Printable(c.Name), len(h.Anatomy), len(anatomyParts))
		}
		for _, q := range h.Queues {
			if q.Times == nil {
				return fmt.Errorf("case %s: a queue without times", Printable(c.Name))
			}
		}
		if b := h.Batches; b != nil && (b.LengthNS <= 0 || len(b.Batches) > 1<<16) {
			return fmt.Errorf("case %s: batches of %d ns", Printable(c.Name), b.LengthNS)
		}
		if h.Warmup != nil {
			if err := h.Warmup.check(c.Warmup, c); err != nil {
				return fmt.Errorf("case %s, warm-up: %w", Printable(c.Name), err)
			}
		}
		for j := range h.Stages {
			if err := h.Stages[j].check(&c.Stages[j], c); err != nil {
				return fmt.Errorf("case %s, stage %d: %w", Printable(c.Name), j+1, err)
			}
		}
	}
	return nil
}

// check holds the histograms to the record of a stage of c.
func (t *StageTimes) check(s *Stage, c *Case) error {
	if len(t.Kinds) != len(c.Kinds) || len(s.Kinds) != len(c.Kinds) {
		return fmt.Errorf("it has the histograms of %d kinds and the counts of %d, its case has %d", len(t.Kinds), len(s.Kinds), len(c.Kinds))
	}
	for i := range s.Kinds {
		if err := t.Kinds[i].check(&s.Kinds[i].Counts, s.Kinds[i].Mode); err != nil {
			return fmt.Errorf("kind %s: %w", Printable(s.Kinds[i].Name), err)
		}
	}
	return t.Times.check(&s.Counts, c.Mode)
}

func (t *Times) check(c *Counts, mode string) error {
	for _, h := range []struct {
		name string
		h    *Histogram
	}{{"response", t.Response}, {"service", t.Service}, {"delay", t.Delay}} {
		if h.h == nil {
			return fmt.Errorf("no histogram of %s", h.name)
		}
		if n := c.Timed(mode); h.h.Count() != n {
			return fmt.Errorf("the histogram of %s holds %d sends, its record has %d", h.name, h.h.Count(), n)
		}
	}
	for name, h := range t.Unsuccessful {
		if h == nil {
			return fmt.Errorf("no histogram of %s", Printable(name))
		}
	}
	return nil
}

// histogramForm is a Histogram in JSON: HdrHistogram's compressed payload, and what it doesn't keep.
type histogramForm struct {
	Buckets string    `json:"v2"`
	Min     int64     `json:"min"`
	Max     int64     `json:"max"`
	Sum     [2]uint64 `json:"sum"` // high and low 64 bits
	Clamped int64     `json:"clamped,omitempty"`
}

// MarshalJSON writes h whole.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	payload, err := h.buckets.EncodeV2()
	if err != nil {
		return nil, err
	}
	return json.Marshal(histogramForm{Buckets: string(payload), Min: h.min, Max: h.max, Sum: [2]uint64{h.sumHigh, h.sumLow}, Clamped: h.clamped})
}

// UnmarshalJSON reads what MarshalJSON wrote. Another configuration is [ErrUnlike], before memory is taken for it.
func (h *Histogram) UnmarshalJSON(data []byte) error {
	var f histogramForm
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	buckets, err := decodeBuckets(f.Buckets)
	if err != nil {
		return err
	}
	if f.Min < 0 || f.Min > f.Max || f.Clamped < 0 {
		return fmt.Errorf("histogram: minimum %d, maximum %d, clamped %d", f.Min, f.Max, f.Clamped)
	}
	*h = Histogram{buckets: buckets, min: f.Min, max: f.Max, sumHigh: f.Sum[0], sumLow: f.Sum[1], clamped: f.Clamped}
	if h.sumHigh >= uint64(max(h.Count(), 1)) { // the mean would not fit: see Mean
		return fmt.Errorf("histogram: its sum does not fit its %d values", h.Count())
	}
	return nil
}

// decodeBuckets reads a V2 compressed payload of our configuration, and no other's: a payload's header says how much memory
// it wants, so that is looked at first.
func decodeBuckets(payload string) (*hdrhistogram.Histogram, error) {
	const head, digits, lowest, highest = 40, 12, 16, 24 // bytes; offsets of what makes the configuration
	raw, err := base64.StdEncoding.DecodeString(payload)
	if err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	if len(raw) < 8 {
		return nil, errors.New("histogram: its payload is cut short")
	}
	z, err := zlib.NewReader(bytes.NewReader(raw[8:]))
	if err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	header := make([]byte, head)
	if _, err := io.ReadFull(z, header); err != nil {
		return nil, fmt.Errorf("histogram: its header: %w", err)
	}
	if binary.BigEndian.Uint32(header[digits:]) != significantDigits || binary.BigEndian.Uint64(header[lowest:]) != lowestNS || binary.BigEndian.Uint64(header[highest:]) != highestNS {
		return nil, ErrUnlike
	}
	h, err := hdrhistogram.Decode([]byte(payload))
	if err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	return h, nil
}

// MarshalJSON writes p as base64 text: its maximum, then for each bucket in use how far it lies from the one before, and its
// count; variable-length integers.
func (p *Packed) MarshalJSON() ([]byte, error) {
	b := binary.AppendUvarint(nil, uint64(p.max))
	last := 0
	for i, page := range p.pages {
		if page == nil {
			continue
		}
		for j, n := range page {
			if n > 0 {
				b = binary.AppendUvarint(b, uint64(i*packedPage+j-last))
				b = binary.AppendUvarint(b, n)
				last = i*packedPage + j
			}
		}
	}
	return json.Marshal(b)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Packed) UnmarshalJSON(data []byte) error {
	var b []byte
	if err := json.Unmarshal(data, &b); err != nil {
		return err
	}
	next := func(most uint64) (uint64, error) {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > most {
			return 0, errors.New("queue's times: not what was written")
		}
		b = b[n:]
		return v, nil
	}
	*p = Packed{}
	longest, err := next(highestNS)
	if err != nil {
		return err
	}
	at, buckets := uint64(0), uint64(len(p.pages)*packedPage)
	for len(b) > 0 {
		step, err := next(buckets - 1 - at)
		if err != nil {
			return err
		}
		at += step
		n, err := next(1 << 46) // all buckets together stay an int64
		if err != nil {
			return err
		}
		p.add(int(at), n)
		p.count += int64(n)
	}
	p.max = int64(longest)
	return nil
}
