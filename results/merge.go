package results

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Merger makes one run of the shares that machines sent of its schedule, losing nothing: each histogram of the result is bucket
// by bucket what one recorder would have had. In which order the shares come has no influence. It keeps them compressed, and
// opens one at a time. The zero Merger is ready; not safe for concurrent use.
type Merger struct {
	// Setting knows the broker's setting that governs why it is busy, or "": it names the limit of a shared search for a capacity; see
	// [LimitOf].
	Setting func(reason string) string // nil: none is known

	parts    []part
	began    map[int]string // shares that said that they began, and their hosts
	expected int            // shares, by those that began
	damaged  []string
}

// part is a share that is at hand.
type part struct {
	source     string // for people: where it came from
	compressed []byte
	sum        [sha256.Size]byte
	head       wholeHead
}

// wholeHead is what one must know of a share before its histograms are opened.
type wholeHead struct {
	Schema string   `json:"schema"`
	Left   *LeftOut `json:"left_out"`
	Run    struct {
		Schema      string      `json:"schema"`
		Name        string      `json:"name"`
		StartedAt   time.Time   `json:"started_at"`
		Shard       *Shard      `json:"shard"`
		Environment Environment `json:"environment"`
		Target      struct {
			Proxy bool `json:"proxy"`
		} `json:"target"`
		Scenario json.RawMessage `json:"scenario"`
	} `json:"run"`
}

// MaxShards is how many shares a run may have.
const MaxShards = 10_000

// Add takes a share in, as EncodeWhole gave it; source names it in errors. The bytes are the Merger's from then on.
func (m *Merger) Add(source string, compressed []byte) error {
	head, err := readHead(compressed)
	if err != nil {
		return fmt.Errorf("%s: %w", Printable(source), err)
	}
	m.parts = append(m.parts, part{source: source, compressed: compressed, sum: sha256.Sum256(compressed), head: *head})
	return nil
}

// Began notes that a share said that it began: if nothing more is heard of it, host is who is missing.
func (m *Merger) Began(s *Shard) {
	if s.check() != nil {
		return
	}
	if m.began == nil {
		m.began = map[int]string{}
	}
	m.began[s.Index] = s.Host
	m.expected = max(m.expected, s.Of)
}

// Damaged notes that something came that can't be read; the result is PARTIAL and says so.
func (m *Merger) Damaged(what string) { m.damaged = append(m.damaged, what) }

func readHead(compressed []byte) (*wholeHead, error) {
	z, err := zstd.NewReader(bytes.NewReader(compressed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxWholeBytes), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	h := &wholeHead{}
	if err := json.NewDecoder(io.LimitReader(z, maxWholeBytes)).Decode(h); err != nil {
		return nil, fmt.Errorf("not a run with its histograms: %w", err)
	}
	switch {
	case h.Schema != WholeSchema:
		return nil, fmt.Errorf("schema %s: this rmqbench reads %s only", Printable(h.Schema), WholeSchema)
	case h.Run.Shard == nil:
		return nil, errors.New("it is no share of a run: only runs with --shard can be merged")
	}
	return h, h.Run.Shard.check()
}

func (s *Shard) check() error {
	if s.Of < 1 || s.Of > MaxShards || s.Index < 0 || s.Index >= s.Of {
		return fmt.Errorf("there is no shard %d of %d", s.Index, s.Of)
	}
	return nil
}

// Merge makes the one run of all that was added, judged. Shares of unlike runs are an error that names the two. A share that is
// missing, came twice with unlike contents, began late or is of another version is named in the run's Lost.
func (m *Merger) Merge() (*Whole, error) {
	if len(m.parts) == 0 {
		return nil, errors.New("nothing to merge: no share's record was found")
	}
	slices.SortFunc(m.parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.head.Run.Shard.Index, b.head.Run.Shard.Index), a.head.Run.StartedAt.Compare(b.head.Run.StartedAt), compareBool(a.head.Left != nil, b.head.Left != nil), bytes.Compare(a.sum[:], b.sum[:]))
	})
	first := &m.parts[0]
	for i := range m.parts {
		if err := first.fits(&m.parts[i]); err != nil {
			return nil, err
		}
	}
	of := first.head.Run.Shard.Of
	version := m.usualVersion()
	var lost []string
	for _, d := range m.damaged {
		lost = append(lost, "what can't be read: "+d)
	}
	if m.expected > of {
		lost = append(lost, fmt.Sprintf("shares of a run of %d: somebody said that it began one", m.expected))
	}
	g := &merging{of: of, setting: m.Setting}
	present := map[int]*part{}
	for i := range m.parts {
		p := &m.parts[i]
		s := p.head.Run.Shard
		switch other := present[s.Index]; {
		case other != nil && p.repeats(other): // read twice, as from its log and its directory: nothing is lost
			continue
		case other != nil:
			lost = append(lost, fmt.Sprintf("%s came twice, from %s and from %s, with unlike contents: the later one is left out", s, other, p))
			continue
		case p.version() != version:
			lost = append(lost, fmt.Sprintf("%s (%s), which is of %s, the others of %s", s, p, p.version(), version))
			present[s.Index] = p
			continue
		}
		present[s.Index] = p
		w, err := DecodeWhole(p.compressed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", Printable(p.source), err)
		}
		if err := g.add(w); err != nil {
			return nil, fmt.Errorf("%s: %w", Printable(p.source), err)
		}
		if late := w.Run.row().LateNS; late != nil && *late > int64(lateShard) {
			lost = append(lost, fmt.Sprintf("%s (%s) in time: it began %s late", s, p, FormatDuration(*late)))
		}
	}
	for i := range of {
		if present[i] == nil {
			s := Shard{Index: i, Of: of}
			text := s.String()
			if host, said := m.began[i]; said {
				text += fmt.Sprintf(" (%s), which began and gave no record", cmp.Or(host, "no name"))
			}
			lost = append(lost, text)
		}
	}
	w, err := g.end()
	if err != nil {
		return nil, err
	}
	slices.Sort(lost)
	w.Run.Lost = append(w.Run.Lost, lost...)
	Judge(w.Run)
	if w.Run.Capacity != nil {
		if err := g.climbed(w); err != nil {
			return nil, err
		}
		Judge(w.Run)
	}
	return w, nil
}

func (p *part) version() string {
	e := &p.head.Run.Environment
	return strings.TrimSpace("rmqbench " + e.ToolVersion + " " + e.Commit)
}

// repeats reports whether p is the record other, or what was printed of it.
func (p *part) repeats(other *part) bool {
	return p.sum == other.sum || p.head.Left != nil && p.head.Left.Of == hex.EncodeToString(other.sum[:])
}

// compareBool puts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (p *part) String() string { return cmp.Or(p.head.Run.Shard.Host, p.source) }

// usualVersion is what most shares are of; of those that are as many, the one of the lowest share.
func (m *Merger) usualVersion() string {
	counts := map[string]int{}
	usual := ""
	for i := range m.parts {
		counts[m.parts[i].version()]++
	}
	for i := range m.parts {
		if v := m.parts[i].version(); counts[v] > counts[usual] {
			usual = v
		}
	}
	return usual
}

// fits is an error unless both are of one run.
func (p *part) fits(other *part) error {
	a, b := &p.head.Run, &other.head.Run
	differ := func(what string) error {
		return fmt.Errorf("%s and %s are of unlike runs: %s", Printable(p.source), Printable(other.source), what)
	}
	switch {
	case a.Name != b.Name:
		return differ(fmt.Sprintf("%s and %s", Printable(a.Name), Printable(b.Name)))
	case a.Shard.Of != b.Shard.Of:
		return differ(fmt.Sprintf("one of %d shards, one of %d", a.Shard.Of, b.Shard.Of))
	case !a.Shard.StartAt.Equal(b.Shard.StartAt):
		return differ("they were to begin at unlike times")
	case a.Target.Proxy != b.Target.Proxy:
		return differ("one went through a proxy, one to the brokers")
	case !sameJSON(a.Scenario, b.Scenario):
		return differ("their scenarios differ")
	}
	return nil
}

// sameJSON compares two texts but for white space.
func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	if json.Compact(&x, a) != nil || json.Compact(&y, b) != nil {
		return bytes.Equal(a, b)
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}
