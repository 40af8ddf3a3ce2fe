// Package markdown reads from a page what a test can hold it to: its fenced blocks, code in its sentences, links and anchors;
// and from a line of shell its commands. It knows as much of both languages as our pages use.
package markdown

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Piece is a part of a page that begins on Line, which counts from 1.
type Piece struct {
	Line int
	Lang string // of a fenced block; "" where none is named
	Text string
}

// Page is what a page has, in order.
type Page struct {
	Blocks  []Piece         // fenced, without the fences and without the blanks before them
	Spans   []Piece         // code within sentences
	Links   []Piece         // targets of links and pictures, as they are written
	Anchors map[string]bool // of headings, as GitHub names them
}

var (
	spans = regexp.MustCompile("`([^`]+)`")
	links = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)[^)]*\)`)
)

// Parse reads a page. A fence that isn't closed is an error.
func Parse(text string) (*Page, error) {
	p := &Page{Anchors: map[string]bool{}}
	var open *Piece
	indent := ""
	line := 0
	for row := range strings.Lines(text) {
		line++
		row = strings.TrimRight(row, "\r\n")
		body := strings.TrimLeft(row, " ")
		fence, isFence := strings.CutPrefix(body, "```")
		switch {
		case isFence && open == nil:
			open, indent = &Piece{Line: line + 1, Lang: strings.TrimSpace(fence)}, row[:len(row)-len(body)]
		case isFence:
			p.Blocks = append(p.Blocks, *open)
			open = nil
		case open != nil:
			open.Text += strings.TrimPrefix(row, indent) + "\n"
		default:
			if title := strings.TrimLeft(row, "#"); title != row && strings.HasPrefix(title, " ") {
				p.anchor(slug(title))
			}
			for _, m := range spans.FindAllStringSubmatch(row, -1) {
				p.Spans = append(p.Spans, Piece{Line: line, Text: m[1]})
			}
			for _, m := range links.FindAllStringSubmatch(spans.ReplaceAllString(row, "x"), -1) {
				p.Links = append(p.Links, Piece{Line: line, Text: m[1]})
			}
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: a fence that isn't closed", open.Line-1)
	}
	return p, nil
}

// anchor adds a heading's, with a number where another has that name.
func (p *Page) anchor(name string) {
	unique := name
	for i := 1; p.Anchors[unique]; i++ {
		unique = fmt.Sprintf("%s-%d", name, i)
	}
	p.Anchors[unique] = true
}

// slug is what GitHub makes of a heading: letters, digits, hyphens and underscores in lower case, blanks as hyphens.
func slug(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(title))
}

// Commands are those of lines of shell, in words: quotes are taken off, comments left out, and pipes, semicolons and && end one.
// What the shell would put in is left as it stands.
func Commands(text string) ([]Command, error) {
	var all []Command
	line := 0
	var joined string
	for row := range strings.Lines(text) {
		line++
		row = strings.TrimRight(row, "\n")
		if rest, on := strings.CutSuffix(row, `\`); on {
			joined += rest + " "
			continue
		}
		found, err := split(joined + row)
		joined = ""
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		for _, words := range found {
			all = append(all, Command{line, words})
		}
	}
	return all, nil
}

// Command is one, and the line on which it ends, from 1.
type Command struct {
	Line  int
	Words []string
}

// split takes one line apart.
func split(row string) ([][]string, error) {
	var all [][]string
	var words []string
	var word strings.Builder
	begun := false
	var quote rune
	depth := 0 // of $( … )
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	endCommand := func() {
		end()
		if len(words) > 0 {
			all = append(all, words)
		}
		words = nil
	}
	previous := ' '
	for _, r := range row {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case depth > 0 || previous == '$' && r == '(':
			switch r {
			case '(':
				depth++
			case ')':
				depth--
			}
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case r == '#' && previous == ' ':
			endCommand()
			return all, nil
		case r == '|' || r == ';' || r == '&':
			endCommand()
		case r == ' ':
			end()
		default:
			begun = true
			word.WriteRune(r)
		}
		previous = r
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote %c that isn't closed", quote)
	}
	endCommand()
	return all, nil
}
