package scenarios

import (
	"strconv"
	"strings"
)

// Keys are what messages are keyed by.
type Keys struct {
	Distinct int // 1 to 1,000,000
	Skew     Skew
}

// SkewKind is a way in which some keys are more usual than others.
type SkewKind string

const (
	Uniform  SkewKind = "uniform"  // each as usual as the others
	Sequence SkewKind = "sequence" // one after the other, again and again
	Zipf     SkewKind = "zipf"     // the n-th as usual as 1 / n^Exponent
	Hot      SkewKind = "hot"      // Share of the messages have one of the first Keys, the rest one of the others
)

// Skew is how usual each key is.
type Skew struct {
	Kind     SkewKind
	Exponent float64 // of Zipf, above 0 to 10
	Share    float64 // of Hot, 0 to 1
	Keys     int     // of Hot
}

const skews = "uniform, sequence, zipf(1.1) or hot(0.9, 10)"

var skew = kind[Skew]{name: skews, form: skewForm, parse: parseSkew, text: Skew.String, json: func(s Skew) any { return s.String() }}

func parseSkew(text string) (Skew, error) {
	word, rest, _ := strings.Cut(text, "(")
	list, closed := strings.CutSuffix(rest, ")")
	args := strings.Split(list, ",")
	for i := range args {
		args[i] = strings.TrimSpace(args[i])
	}
	s := Skew{Kind: SkewKind(word)}
	ok := false
	switch s.Kind {
	case Uniform, Sequence:
		ok = text == word
	case Zipf:
		s.Exponent, ok = plainNumber(args[0])
		ok = ok && closed && len(args) == 1 && s.Exponent > 0 && s.Exponent <= 10
	case Hot:
		if closed && len(args) == 2 {
			keys, err := strconv.Atoi(args[1])
			s.Share, ok = plainNumber(args[0])
			s.Keys, ok = keys, ok && err == nil && keys > 0 && s.Share <= 1
		}
	}
	if s.Kind == Hot && !closed && len(args) == 1 {
		return Skew{}, problemf("ends at the comma, which separates values between braces; write it in quotes: \"hot(0.9, 10)\"")
	}
	if !ok {
		return Skew{}, problemf("must be %s, not %q", skews, clip(text))
	}
	return s, nil
}

// plainNumber reads a decimal number without a unit.
func plainNumber(text string) (float64, bool) {
	n, rest, err := parseDecimal(text, "1.1")
	return float64(n.mantissa) / float64(pow10(n.scale)), err == nil && rest == ""
}

// String gives the text that a scenario holds.
func (s Skew) String() string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	switch s.Kind {
	case Zipf:
		return string(Zipf) + "(" + number(s.Exponent) + ")"
	case Hot:
		return string(Hot) + "(" + number(s.Share) + ", " + strconv.Itoa(s.Keys) + ")"
	}
	return string(s.Kind)
}
