package results

import (
	"math"
	"strconv"
	"strings"
)

// FormatDuration writes nanoseconds for people, in three digits: "214 µs", "1.92 ms", "61.0 s".
func FormatDuration(ns int64) string {
	return scale(float64(ns), 1000, []unit{{1, " ns"}, {1e3, " µs"}, {1e6, " ms"}, {1e9, " s"}})
}

// FormatRate writes a number a second for people, in three digits and without the "/s": "950", "12.3k", "1.02M".
func FormatRate(perSecond float64) string {
	return scale(perSecond, 1000, []unit{{1, ""}, {1e3, "k"}, {1e6, "M"}, {1e9, "G"}})
}

// FormatBytes writes bytes for people in binary units, in three digits: "128 B", "4 KiB", "1.5 MiB".
func FormatBytes(n int64) string {
	s := scale(float64(n), 1024, []unit{{1, " B"}, {1 << 10, " KiB"}, {1 << 20, " MiB"}, {1 << 30, " GiB"}})
	number, suffix, _ := strings.Cut(s, " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return number + " " + suffix
}

// FormatCount writes how many of a thing there are, whose plural has an s: "1 round", "2,000 sends".
func FormatCount[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return groupDigits(int64(n)) + " " + thing + "s"
}

type unit struct {
	size   float64
	suffix string
}

// scale writes v in the first of the units in which it stays under step once rounded to three digits, or in the last.
func scale(v, step float64, units []unit) string {
	for _, u := range units[:len(units)-1] {
		if math.Abs(roundTo3(v/u.size)) < step {
			return threeDigits(v/u.size, u) + u.suffix
		}
	}
	last := units[len(units)-1]
	return threeDigits(v/last.size, last) + last.suffix
}

// roundTo3 rounds v as threeDigits shows it.
func roundTo3(v float64) float64 {
	for _, border := range []struct{ under, grain float64 }{{9.995, 100}, {99.95, 10}} {
		if math.Abs(v) < border.under {
			return math.Round(v*border.grain) / border.grain
		}
	}
	return math.Round(v)
}

// threeDigits writes v without its unit; a whole number of the smallest unit gets no decimals.
func threeDigits(v float64, u unit) string {
	rounded := roundTo3(v)
	switch {
	case u.size == 1 && v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case math.Abs(rounded) < 9.995:
		return strconv.FormatFloat(rounded, 'f', 2, 64)
	case math.Abs(rounded) < 99.95:
		return strconv.FormatFloat(rounded, 'f', 1, 64)
	}
	return strconv.FormatFloat(rounded, 'f', 0, 64)
}

// formatShare writes a share from 0 to 1 as a percentage that isn't rounded to 0 % unless it is 0.
func formatShare(share float64) string {
	percent := share * 100
	switch {
	case percent == 0:
		return "0 %"
	case percent < 0.01:
		return "<0.01 %"
	case percent < 9.995:
		return strconv.FormatFloat(percent, 'f', 2, 64) + " %"
	}
	return strconv.FormatFloat(percent, 'f', 1, 64) + " %"
}

// apart formats values, each with as many digits more as it takes to tell unlike ones apart: 201 and 201.3 rather than 201 twice. format
// writes a number and a decimal unit.
func apart(values []float64, format func(float64) string) []string {
	const most = 9 // decimals
	texts := make([]string, len(values))
	decimals := 0
	for i, v := range values {
		texts[i] = format(v)
		if _, fraction, ok := strings.Cut(numberOf(texts[i]), "."); ok {
			decimals = max(decimals, len(fraction))
		}
	}
	for ; repeats(values, texts) && decimals < most; decimals++ {
		for i, v := range values {
			short := format(v)
			number := numberOf(short)
			shown, err := strconv.ParseFloat(number, 64)
			if err != nil || shown == 0 || v == 0 {
				continue
			}
			unit := math.Pow(10, math.Round(math.Log10(v/shown)))
			texts[i] = strconv.FormatFloat(v/unit, 'f', decimals+1, 64) + short[len(number):]
		}
	}
	return texts
}

// numberOf is what a text begins with: "1.92" of "1.92 ms".
func numberOf(text string) string {
	return text[:len(text)-len(strings.TrimLeft(text, "0123456789."))]
}

// repeats reports whether unlike values have one text.
func repeats(values []float64, texts []string) bool {
	of := map[string]float64{}
	for i, text := range texts {
		if v, there := of[text]; there && v != values[i] {
			return true
		}
		of[text] = values[i]
	}
	return false
}

// groupDigits writes n with a comma between thousands.
func groupDigits(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
