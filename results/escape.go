package results

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxPrintable is how many bytes of a name from outside are shown.
const maxPrintable = 512

// Printable returns s fit for a terminal: what doesn't print (control characters, escape sequences, marks that turn the
// direction of text, bytes that aren't UTF-8) written as Go would escape it, and the whole no longer than 512 bytes, the
// cut marked by "…". It is for names and words from outside: topics, brokers, remarks, causes. What is printable and
// short enough comes back as it was.
func Printable(s string) string {
	var b strings.Builder
	cut := 0 // the last place where the mark of a cut still fits
	for rest := s; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		piece := rest[:size]
		switch {
		case r == utf8.RuneError && size == 1:
			piece = `\x` + strconv.FormatUint(uint64(rest[0])|0x100, 16)[1:]
		case !strconv.IsPrint(r):
			quoted := strconv.QuoteRuneToASCII(r)
			piece = quoted[1 : len(quoted)-1]
		}
		if b.Len() <= maxPrintable-len("…") {
			cut = b.Len()
		}
		if b.Len()+len(piece) > maxPrintable {
			return b.String()[:cut] + "…"
		}
		b.WriteString(piece)
		rest = rest[size:]
	}
	return b.String()
}
