package message

import (
	"strconv"
	"unicode/utf8"
)

// jsonWriter appends fastjson's JSON: no spaces, non-ASCII as it is, and numeric keys bare where that is asked for.
type jsonWriter struct {
	out         []byte
	bareNumbers bool // number keys without quotes
	more        bool // something stands before in this object or array: a comma is due
}

func (w *jsonWriter) comma() {
	if w.more {
		w.out = append(w.out, ',')
	}
	w.more = true
}

func (w *jsonWriter) open(c byte) {
	w.comma()
	w.out = append(w.out, c)
	w.more = false
}

func (w *jsonWriter) close(c byte) {
	w.out = append(w.out, c)
	w.more = true
}

func (w *jsonWriter) colon() {
	w.out = append(w.out, ':')
	w.more = false
}

func (w *jsonWriter) key(name string) {
	w.string(name)
	w.colon()
}

func (w *jsonWriter) numberKey(n int64) {
	w.comma()
	if w.bareNumbers {
		w.out = strconv.AppendInt(w.out, n, 10)
	} else {
		w.out = append(w.out, '"')
		w.out = strconv.AppendInt(w.out, n, 10)
		w.out = append(w.out, '"')
	}
	w.colon()
}

func (w *jsonWriter) int(n int64) {
	w.comma()
	w.out = strconv.AppendInt(w.out, n, 10)
}

// float writes a double as Java does where it is not huge or tiny: always with a fraction.
func (w *jsonWriter) float(f float64) {
	w.comma()
	start := len(w.out)
	w.out = strconv.AppendFloat(w.out, f, 'f', -1, 64)
	for _, c := range w.out[start:] {
		if c == '.' {
			return
		}
	}
	w.out = append(w.out, '.', '0')
}

func (w *jsonWriter) bool(b bool) {
	w.comma()
	w.out = strconv.AppendBool(w.out, b)
}

func (w *jsonWriter) strings(list []string) {
	w.open('[')
	for _, s := range list {
		w.string(s)
	}
	w.close(']')
}

// string writes s in quotes. Bytes that are not UTF-8 become U+FFFD: the reader on the other side takes UTF-8 only.
func (w *jsonWriter) string(s string) {
	w.comma()
	w.out = append(w.out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.out = append(w.out, '\\', byte(r))
		case r == '\n':
			w.out = append(w.out, `\n`...)
		case r == '\r':
			w.out = append(w.out, `\r`...)
		case r == '\t':
			w.out = append(w.out, `\t`...)
		case r < ' ':
			w.out = append(w.out, '\\', 'u', '0', '0', upperDigits[r>>4], upperDigits[r&0xF])
		default:
			w.out = utf8.AppendRune(w.out, r)
		}
	}
	w.out = append(w.out, '"')
}
