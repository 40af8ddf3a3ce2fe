// Command pictures draws what a terminal shows as an SVG: the first argument is the command at the prompt, standard input
// what it printed. make pictures runs it.
package main

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

func main() {
	if err := draw(os.Stdout, os.Stdin, strings.Join(os.Args[1:], " ")); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// Of the picture, in pixels: a cell of the font, and what is left free around the text.
const (
	wide, high = 7.8, 18.0
	margin     = 16.0
)

// draw writes the SVG of a terminal in which command printed what in gives.
func draw(w io.Writer, in io.Reader, command string) error {
	lines := []string{"$ " + command}
	scanner := bufio.NewScanner(in)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		return err
	}
	for len(lines) > 1 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	columns := 0
	for _, l := range lines {
		columns = max(columns, utf8.RuneCountInString(l))
	}
	width, height := 2*margin+wide*float64(columns), 2*margin+high*float64(len(lines))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img" aria-label="terminal">
<rect width="100%%" height="100%%" rx="8" fill="#14181f"/>
<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13" fill="#d7dde5" xml:space="preserve">
`, width, height, width, height)
	for i, l := range lines {
		if l == "" {
			continue
		}
		colour := ""
		if i == 0 {
			colour = ` fill="#7fd1ae"`
		}
		// the length is told, so that columns stay in line in whatever font there is
		fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" textLength="%.1f"%s>`, margin, margin+high*(float64(i)+0.75), wide*float64(utf8.RuneCountInString(l)), colour)
		if err := xml.EscapeText(&b, []byte(l)); err != nil {
			return err
		}
		b.WriteString("</text>\n")
	}
	b.WriteString("</g>\n</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}
