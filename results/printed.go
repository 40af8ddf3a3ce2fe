package results

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A share's record on its way through somebody's logs: lines of their own, each with a mark, which record it is of, its number and
// how many there are. Whatever stands before the mark (a pod's name, a time) is passed over, lines of several records may be
// mixed, and others may stand between. The first line is the head in JSON, the others are base64.
//
//	rmqbench:whole 5f3a… 0/3 {"bytes":4100,"sha256":"5f3a…","shard":1,"of":3,"host":"bench-1"}
//	rmqbench:whole 5f3a… 1/3 KLUv/…
const (
	wholeMark = "rmqbench:whole "
	beganMark = "rmqbench:began "
)

const (
	printedBytes  = 3 << 10 // of a record in a line: what container runtimes never break
	maxPrinted    = 1 << 20 // bytes that a record may have on its way: kubelets rotate logs at 10 MiB
	maxLine       = 64 << 10
	maxRecordsOut = MaxShards // under way at one time
)

// printedHead is the first line of a record.
type printedHead struct {
	Bytes int    `json:"bytes"`
	Sum   string `json:"sha256"`
	Shard int    `json:"shard"`
	Of    int    `json:"of"`
	Host  string `json:"host,omitempty"`
}

// PrintBegan writes the line by which a share says that it begins, so that it can be named if nothing more comes of it.
func PrintBegan(w io.Writer, s *Shard) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", beganMark, line)
	return err
}

// PrintWhole writes w, a share, as lines for a log. What is larger than 1 MiB loses its series first, then its batches (the intervals of
// percentiles), which a line before the others tells people, and LeftOut a merge: the rest is what makes the merge lossless.
func PrintWhole(out io.Writer, w *Whole) error {
	if w.Run.Shard == nil {
		return errors.New("only a share of a run is printed")
	}
	data, short, err := encodePrinted(w, maxPrinted)
	if err != nil {
		return err
	}
	if short != nil {
		if _, err := fmt.Fprintf(out, "%s: left out of the record below, which may have %s: %s; %s has all\n",
			Printable(w.Run.Shard.named()), FormatBytes(maxPrinted), strings.Join(short.Parts, ", "), WholeFile); err != nil {
			return err
		}
	}
	hash := sha256.Sum256(data)
	sum := hex.EncodeToString(hash[:])
	head, err := json.Marshal(printedHead{Bytes: len(data), Sum: sum, Shard: w.Run.Shard.Index, Of: w.Run.Shard.Of, Host: w.Run.Shard.Host})
	if err != nil {
		return err
	}
	lines := (len(data) + printedBytes - 1) / printedBytes
	b := bufio.NewWriter(out)
	fmt.Fprintf(b, "%s%s 0/%d %s\n", wholeMark, sum[:16], lines, head)
	for i := range lines {
		piece := data[i*printedBytes : min((i+1)*printedBytes, len(data))]
		fmt.Fprintf(b, "%s%s %d/%d %s\n", wholeMark, sum[:16], i+1, lines, base64.StdEncoding.EncodeToString(piece))
	}
	return b.Flush()
}

// The parts that a printed record can do without.
const (
	partSeries  = "series"
	partBatches = "batches"
)

// encodePrinted is w in at most most bytes, and what of it that leaves out; nil: nothing.
func encodePrinted(w *Whole, most int) ([]byte, *LeftOut, error) {
	data, err := EncodeWhole(w)
	if err != nil || len(data) <= most {
		return data, nil, err
	}
	sum := sha256.Sum256(data)
	short, run := *w, *w.Run
	short.Run, short.Cases = &run, slices.Clone(w.Cases)
	run.Cases = slices.Clone(w.Run.Cases)
	short.LeftOut = &LeftOut{Of: hex.EncodeToString(sum[:])}
	for _, part := range []struct {
		name  string
		leave func()
	}{
		{partSeries, func() {
			short.Series = nil
			for i := range run.Cases {
				run.Cases[i].Intervals = nil
			}
		}},
		{partBatches, func() {
			for i := range short.Cases {
				short.Cases[i].Batches = nil
			}
		}},
	} {
		part.leave()
		short.LeftOut.Parts = append(short.LeftOut.Parts, part.name)
		if data, err = EncodeWhole(&short); err != nil || len(data) <= most {
			return data, short.LeftOut, err
		}
	}
	return nil, nil, fmt.Errorf("the record has %s, over the %s that logs are asked to carry: take it from %s", FormatBytes(int64(len(data))), FormatBytes(int64(most)), WholeFile)
}

// record is one that is being put together.
type record struct {
	head  *printedHead
	lines [][]byte
	have  int
	bad   string
}

// AddPrinted takes in all records in a log. A record that is cut short, damaged or too large is noted as Damaged; an error is the
// reader's.
func (m *Merger) AddPrinted(source string, from io.Reader) error {
	records := map[string]*record{}
	var order []string
	in := bufio.NewReaderSize(from, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !tooLong && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", Printable(source), err)
		}
		if _, after, ok := bytes.Cut(line, []byte(beganMark)); ok && !tooLong {
			var s Shard
			if json.Unmarshal(bytes.TrimSpace(after), &s) == nil {
				m.Began(&s)
			}
		} else if _, after, ok := bytes.Cut(line, []byte(wholeMark)); ok && !tooLong {
			id, rest, _ := strings.Cut(strings.TrimSpace(string(after)), " ")
			r := records[id]
			if r == nil {
				if len(records) == maxRecordsOut {
					return fmt.Errorf("%s: more than %d records", Printable(source), maxRecordsOut)
				}
				r = &record{}
				records[id] = r
				order = append(order, id)
			}
			r.take(rest)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		for tooLong { // a line of somebody else's: none of ours is so long
			_, err = in.ReadSlice('\n')
			tooLong = errors.Is(err, bufio.ErrBufferFull)
			if err != nil && !tooLong && !errors.Is(err, io.EOF) {
				return fmt.Errorf("%s: %w", Printable(source), err)
			}
		}
	}
	for _, id := range order {
		data, who, err := records[id].whole(id)
		if err == nil {
			err = m.Add(who, data)
		}
		if err != nil {
			m.Damaged(fmt.Sprintf("%s in %s: %v", who, source, err))
		}
	}
	return nil
}

// take takes in a line after its mark and its record's name: "2/3 base64".
func (r *record) take(line string) {
	place, text, _ := strings.Cut(line, " ")
	number, of, ok := strings.Cut(place, "/")
	i, err := strconv.Atoi(number)
	n, err2 := strconv.Atoi(of)
	if !ok || err != nil || err2 != nil || i < 0 || i > n || n < 1 || n > maxPrinted/printedBytes+1 {
		r.bad = "a line without its number"
		return
	}
	if r.lines == nil {
		r.lines = make([][]byte, n)
	}
	if len(r.lines) != n {
		r.bad = "lines that don't agree on how many there are"
		return
	}
	if i == 0 {
		h := &printedHead{}
		if err := json.Unmarshal([]byte(text), h); err != nil {
			r.bad = "its head can't be read"
			return
		}
		r.head = h
		return
	}
	piece, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(piece) == 0 || len(piece) > printedBytes {
		r.bad = fmt.Sprintf("line %d of %d can't be read", i, n)
		return
	}
	if r.lines[i-1] == nil {
		r.lines[i-1] = piece
		r.have++
	}
}

// whole is the record, or what is wrong with it; who is a name for it.
func (r *record) whole(id string) (data []byte, who string, err error) {
	who = "record " + id
	if r.head != nil {
		s := Shard{Index: r.head.Shard, Of: r.head.Of}
		who = s.String()
		if r.head.Host != "" {
			who += " (" + r.head.Host + ")"
		}
	}
	switch {
	case r.bad != "":
		return nil, who, errors.New(r.bad)
	case r.head == nil:
		return nil, who, errors.New("its first line is missing")
	case r.have < len(r.lines):
		return nil, who, fmt.Errorf("cut short: %d of %d lines", r.have, len(r.lines))
	}
	data = bytes.Join(r.lines, nil)
	if hash := sha256.Sum256(data); len(data) != r.head.Bytes || hex.EncodeToString(hash[:]) != r.head.Sum {
		return nil, who, errors.New("its checksum doesn't fit: lines were changed on the way")
	}
	return data, who, nil
}
