package results

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// grid is a table without a form: a terminal, Markdown, a page and CSV each draw the same one. Its texts are [Printable].
type grid struct {
	Caption string // on a page
	Head    []gridHead
	Rows    [][]gridCell // as many cells as there are heads
}

// gridHead is a column: of numbers, or if Left of words. One without a Text is for CSV alone, one without a Key for all but CSV.
type gridHead struct {
	Key   string // as in run.json, with the unit
	Text  string
	Title string // what the numbers are, for whoever points at one
	Left  bool
}

// gridCell is a cell. A number that isn't known has no Sort.
type gridCell struct {
	Text, Class string
	Title       string // "": the column's
	Sort        string // the number itself, and of words what they are ordered by if not by themselves
}

// numbers is a column of numbers, defined by its key.
func numbers(key, text string) gridHead {
	return gridHead{Key: key, Text: text, Title: definitions[key]}
}

// words is a column of words, defined by its key.
func words(key, text string) gridHead {
	return gridHead{Key: key, Text: text, Title: definitions[key], Left: true}
}

// word is a cell of a column of words.
func word(text string) gridCell { return gridCell{Text: Printable(text)} }

// known is a number for people, and itself; the word instead where there is none.
func known[N int | int64 | float64](v *N, format func(N) string, word string) gridCell {
	if v == nil {
		return gridCell{Text: word}
	}
	return gridCell{Text: format(*v), Sort: number(*v)}
}

// number is v for a machine.
func number[N int | int64 | float64](v N) string {
	if f, ok := any(v).(float64); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatInt(int64(v), 10)
}

// drawn is the grid without what is for CSV alone.
func (g *grid) drawn() *grid {
	return g.columns(func(h gridHead) bool { return h.Text != "" })
}

func (g *grid) columns(keep func(gridHead) bool) *grid {
	kept := grid{Caption: g.Caption, Rows: make([][]gridCell, len(g.Rows))}
	for i, h := range g.Head {
		if !keep(h) {
			continue
		}
		kept.Head = append(kept.Head, h)
		for j, row := range g.Rows {
			kept.Rows[j] = append(kept.Rows[j], row[i])
		}
	}
	return &kept
}

// texts are the cells as they are drawn, and which columns are aligned to the left.
func (g *grid) texts() (header []string, rows [][]string, left []int) {
	g = g.drawn()
	for i, h := range g.Head {
		header = append(header, h.Text)
		if h.Left {
			left = append(left, i)
		}
	}
	for _, row := range g.Rows {
		var cells []string
		for _, c := range row {
			cells = append(cells, c.Text)
		}
		rows = append(rows, cells)
	}
	return header, rows, left
}

// lines draws the grid for a terminal; none if it has no rows.
func (g *grid) lines() ([]string, error) {
	if len(g.Rows) == 0 {
		return nil, nil
	}
	header, rows, left := g.texts()
	return drawTable(header, rows, left...)
}

// markdown is the grid as Markdown; "" if it has no rows.
func (g *grid) markdown() string {
	if len(g.Rows) == 0 {
		return ""
	}
	header, rows, left := g.texts()
	for i := range header {
		header[i] = mdText(header[i])
	}
	for _, row := range rows {
		for i := range row {
			row[i] = mdText(strings.TrimSpace(row[i]))
		}
	}
	return mdTable(header, rows, left...)
}

// csv writes the columns that have a key: numbers as they are, words without what a spreadsheet would carry out.
func (g *grid) csv(w io.Writer) error {
	g = g.columns(func(h gridHead) bool { return h.Key != "" })
	out := csv.NewWriter(w)
	var record []string
	for _, h := range g.Head {
		record = append(record, csvText(h.Key))
	}
	_ = out.Write(record) // Error tells
	for _, row := range g.Rows {
		record = record[:0]
		for i, c := range row {
			switch {
			case !g.Head[i].Left:
				record = append(record, c.Sort)
			case c.Text == noClaim:
				record = append(record, "")
			default:
				record = append(record, csvText(c.Text))
			}
		}
		_ = out.Write(record) // Error tells
	}
	out.Flush()
	return out.Error()
}

// column is one of the percentile's own, in nanoseconds.
func (p percentile) column(text string) gridHead {
	return gridHead{Key: p.key + "_ns", Text: text, Title: definitions["response_ns"] + " " + definitions[p.key]}
}

// cell is l's percentile, with its interval for whoever points at it; a dash where it isn't claimed.
func (p percentile) cell(l *Latency, what string) gridCell {
	c := gridCell{Text: noClaim, Title: definitions[what] + " " + definitions[p.key]}
	if l == nil || *p.of(l) == nil {
		return c
	}
	c.Text, c.Sort = FormatDuration(**p.of(l)), number(**p.of(l))
	if ci, ok := l.CI95[p.key]; ok {
		c.Title += fmt.Sprintf(" 95 %%: %s to %s.", FormatDuration(ci[0]), FormatDuration(ci[1]))
	}
	return c
}

// longestCell is l's maximum.
func longestCell(l *Latency, what string) gridCell {
	c := gridCell{Text: noClaim, Title: definitions[what] + " " + definitions["max"]}
	if l != nil {
		c.Text, c.Sort = FormatDuration(l.Max), number(l.Max)
	}
	return c
}
