package scenarios

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"rmqbench/internal/nearest"
)

// Size is a number of bytes. In JSON it is an integer.
type Size int64

// Duration is a length of time. In JSON it is an integer of nanoseconds.
type Duration time.Duration

// Rate is Count events every Per, exactly; both are positive. The zero Rate means none: a closed loop. Parsed rates that
// are equal are ==: 60/m is 1 a second.
// In JSON it is {"count":1000,"per_ns":1000000000}.
type Rate struct {
	Count int64         `json:"count"`
	Per   time.Duration `json:"per_ns"`
}

// MaxDuration is the longest Duration that is parsed: the stages of a scenario can be summed without overflow.
const MaxDuration = Duration(30 * 24 * time.Hour)

// maxPerSecond bounds a Rate: a schedule has integer nanoseconds.
const maxPerSecond = 1_000_000_000

// problem says what is wrong with a value, as the words after its name: "must be at least 1".
type problem string

func (p problem) Error() string { return string(p) }

func problemf(format string, args ...any) error { return problem(fmt.Sprintf(format, args...)) }

// unit is a suffix and its worth in the quantity's base.
type unit struct {
	suffix string
	worth  uint64
}

// The units of each quantity; the first of those that divide a value gives its canonical text.
var (
	sizeUnits = []unit{
		{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
		{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
	}
	durationUnits = []unit{
		{"d", uint64(24 * time.Hour)}, {"h", uint64(time.Hour)}, {"m", uint64(time.Minute)}, {"s", uint64(time.Second)},
		{"ms", uint64(time.Millisecond)}, {"us", uint64(time.Microsecond)}, {"ns", 1},
	}
	countUnits = []unit{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}, {"", 1}}
)

// ParseSize reads a number of bytes: 128, 128B, 1KiB, 1.5MiB, 1kB. B, kB, MB and GB are decimal, KiB, MiB and GiB binary.
// It refuses signs, exponents and parts of a byte.
func ParseSize(text string) (Size, error) {
	v, err := parseSize(text)
	if err != nil {
		return 0, fmt.Errorf("size %q %w", clip(text), err)
	}
	return v, nil
}

// ParseDuration reads a length of time of at most [MaxDuration]: 500ms, 30s, 5m, 1h, 1d, 1.5s, 1m30s. Only 0 needs no unit.
// It refuses signs, exponents and parts of a nanosecond.
func ParseDuration(text string) (Duration, error) {
	v, err := parseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("duration %q %w", clip(text), err)
	}
	return v, nil
}

// ParseRate reads a rate above zero: 1k/s, 2500/s, 0.5/s, 60/m, 7/3s. k, M and G are decimal; what follows the slash is a
// unit or a [Duration]. At most 1G/s, and a whole count within [MaxDuration].
func ParseRate(text string) (Rate, error) {
	v, err := parseRate(text)
	if err != nil {
		return Rate{}, fmt.Errorf("rate %q %w", clip(text), err)
	}
	return v, nil
}

func parseSize(text string) (Size, error) {
	const like = "1KiB"
	n, rest, err := parseDecimal(text, like)
	if err != nil {
		return 0, err
	}
	worth := uint64(1)
	if rest != "" {
		if worth, err = lookUp(rest, sizeUnits); err != nil {
			return 0, err
		}
	}
	v, fits, exact := n.times(worth)
	switch {
	case !fits:
		return 0, problem("is too large")
	case !exact:
		return 0, problem("must be whole bytes")
	}
	return Size(v), nil
}

func parseDuration(text string) (Duration, error) {
	const like = "30s"
	if text == "0" {
		return 0, nil
	}
	var sum int64
	for rest := text; ; {
		n, tail, err := parseDecimal(rest, like)
		if err != nil {
			return 0, err
		}
		suffix := tail
		if i := strings.IndexAny(tail, "0123456789"); i >= 0 {
			suffix = tail[:i]
		}
		if suffix == "" {
			return 0, problemf("has no unit; write %ss", clip(text))
		}
		if suffix == "µs" || suffix == "μs" { // the micro sign and the Greek letter
			suffix, tail = "us", "us"+tail[len("µs"):]
		}
		worth, err := lookUp(suffix, durationUnits)
		if err != nil {
			return 0, err
		}
		v, fits, exact := n.times(worth)
		switch {
		case !fits || v > int64(MaxDuration)-sum:
			return 0, problemf("must be at most %s", MaxDuration)
		case !exact:
			return 0, problem("must be whole nanoseconds")
		}
		sum += v
		if rest = tail[len(suffix):]; rest == "" {
			return Duration(sum), nil
		}
	}
}

func parseRate(text string) (Rate, error) {
	const like = "1k/s"
	n, rest, err := parseDecimal(text, like)
	if err != nil {
		return Rate{}, err
	}
	if strings.Contains(rest, "..") {
		return Rate{}, problemf("must be one rate, like %s", like)
	}
	suffix, per, ok := strings.Cut(rest, "/")
	if !ok {
		return Rate{}, problemf("has no time; write %s/s", clip(text))
	}
	worth, err := lookUp(suffix, countUnits)
	if err != nil {
		return Rate{}, err
	}
	if per != "" && (per[0] < '0' || per[0] > '9') {
		per = "1" + per
	}
	every, err := parseDuration(per)
	if err != nil || every == 0 {
		return Rate{}, problemf("must end in a time; write %s", like)
	}
	n.mantissa, ok = mul(n.mantissa, worth)
	span, fits := mul(uint64(every), pow10(n.scale))
	if !ok || !fits {
		return Rate{}, problem("must be at most 1G/s, with fewer digits")
	}
	if n.mantissa == 0 {
		return Rate{}, problem("must be more than 0; without a rate it is a closed loop")
	}
	high, low := bits.Mul64(n.mantissa, uint64(time.Second))
	limitHigh, limitLow := bits.Mul64(span, maxPerSecond)
	if high > limitHigh || high == limitHigh && low > limitLow || n.mantissa > math.MaxInt64 {
		return Rate{}, problem("must be at most 1G/s")
	}
	r := Rate{Count: int64(n.mantissa), Per: time.Duration(span)}.canonical()
	if Duration(r.Per) > MaxDuration {
		return Rate{}, problemf("must have a whole count within %s: write fewer digits", MaxDuration)
	}
	return r, nil
}

// rateSpan is a rate, or one that becomes another.
type rateSpan struct {
	from, to Rate // to is zero if from stays
}

// rateSeparator stands between the two.
const rateSeparator = ".."

func parseRates(text string) (rateSpan, error) {
	first, second, two := strings.Cut(text, rateSeparator)
	from, err := parseRate(first)
	if err != nil || !two {
		return rateSpan{from: from}, err
	}
	to, err := parseRate(second)
	if err != nil {
		return rateSpan{}, err
	}
	if _, ok := CommonPer(from, to); !ok {
		return rateSpan{}, problem("must be two rates within the same time, such as a second, with fewer digits")
	}
	return rateSpan{from, to}, nil
}

func (r rateSpan) String() string {
	if r.to.IsZero() {
		return r.from.String()
	}
	return r.from.String() + rateSeparator + r.to.String()
}

// maxCommonPer leaves room for arithmetic with the counts of both rates.
const maxCommonPer = 1 << 46

// CommonPer gives the shortest time, in nanoseconds, within which both rates have whole counts; false if that is over 2⁴⁶.
func CommonPer(a, b Rate) (per uint64, ok bool) {
	times := uint64(b.Per) / gcd(uint64(a.Per), uint64(b.Per))
	per, ok = mul(uint64(a.Per), times)
	return per, ok && per <= maxCommonPer
}

// number is mantissa / 10^scale.
type number struct {
	mantissa uint64
	scale    int
}

// times gives n × worth rounded down, and whether that fits an int64 and is exact.
func (n number) times(worth uint64) (v int64, fits, exact bool) {
	high, low := bits.Mul64(n.mantissa, worth)
	divisor := pow10(n.scale)
	if high >= divisor {
		return 0, false, false
	}
	quotient, remainder := bits.Div64(high, low, divisor)
	return int64(quotient), quotient <= math.MaxInt64, remainder == 0
}

// parseDecimal reads the plain decimal number that text starts with and gives the rest. like is a valid value, for errors.
func parseDecimal(text, like string) (n number, rest string, err error) {
	switch {
	case text == "":
		return n, "", problemf("is empty; write %s", like)
	case text[0] == '-':
		return n, "", problemf("must not be negative; write %s", like)
	}
	i, digits, point := 0, 0, -1
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			if digits++; digits > 18 {
				return n, "", problemf("has too many digits; write %s", like)
			}
			n.mantissa = n.mantissa*10 + uint64(c-'0')
		case c == '.' && point < 0 && i > 0 && i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9':
			point = i
		default:
			rest = text[i:]
		}
		if rest != "" {
			break
		}
	}
	if digits == 0 || len(rest) > 1 && (rest[0] == 'e' || rest[0] == 'E') && strings.ContainsAny(rest[1:2], "+-0123456789") {
		return n, "", problemf("must be a plain number; write %s", like)
	}
	if point >= 0 {
		n.scale = i - point - 1
	}
	return n, rest, nil
}

// lookUp gives the worth of a suffix, or an error that names the nearest.
func lookUp(suffix string, units []unit) (uint64, error) {
	known := make([]string, 0, len(units))
	for _, u := range units {
		if u.suffix == suffix {
			return u.worth, nil
		}
		if u.suffix != "" {
			known = append(known, u.suffix)
		}
	}
	if near := nearest.Word(suffix, known); near != "" {
		return 0, problemf("has an unknown unit %q; nearest: %s", clip(suffix), near)
	}
	return 0, problemf("has an unknown unit %q; units: %s", clip(suffix), strings.Join(known, ", "))
}

// String gives the shortest exact text with one unit: 4MiB, 1500B. [ParseSize] reads it back.
func (s Size) String() string { return inUnits(int64(s), sizeUnits, "B") }

// String gives exact text with one unit: 90s, 500ms. [ParseDuration] reads it back.
func (d Duration) String() string { return inUnits(int64(d), durationUnits, "s") }

// String gives exact text, by the second where that is whole: 1k/s, 30/m, 7/3s. [ParseRate] reads it back. The zero Rate
// is "".
func (r Rate) String() string {
	if r.IsZero() {
		return ""
	}
	r = r.canonical()
	per := Duration(r.Per).String()
	if u, ok := strings.CutPrefix(per, "1"); ok && strings.Trim(u, "0123456789") == u {
		per = u
	}
	return inUnits(r.Count, countUnits, "") + "/" + per
}

// canonical gives the same rate with the Per that all rates equal to it have: a second, a minute or an hour, the first in
// which Count is whole, or else the shortest.
func (r Rate) canonical() Rate {
	for _, per := range []time.Duration{time.Second, time.Minute, time.Hour} {
		high, low := bits.Mul64(uint64(r.Count), uint64(per))
		if high >= uint64(r.Per) {
			continue
		}
		if count, rest := bits.Div64(high, low, uint64(r.Per)); rest == 0 && count <= math.MaxInt64 {
			return Rate{int64(count), per}
		}
	}
	d := gcd(uint64(r.Count), uint64(r.Per))
	return Rate{r.Count / int64(d), r.Per / time.Duration(d)}
}

// IsZero reports whether there is no rate.
func (r Rate) IsZero() bool { return r.Count == 0 }

// PerSecond gives the rate in events per second, rounded as a float64 is. For showing: a schedule needs Count and Per.
func (r Rate) PerSecond() float64 {
	if r.IsZero() {
		return 0
	}
	return float64(r.Count) / r.Per.Seconds()
}

// inUnits writes v in the largest unit that divides it; zero in the unit named.
func inUnits(v int64, units []unit, zero string) string {
	if v == 0 {
		return "0" + zero
	}
	for _, u := range units {
		if v%int64(u.worth) == 0 {
			return strconv.FormatInt(v/int64(u.worth), 10) + u.suffix
		}
	}
	return strconv.FormatInt(v, 10)
}

func mul(a, b uint64) (product uint64, fits bool) {
	high, low := bits.Mul64(a, b)
	return low, high == 0 && low <= math.MaxInt64
}

func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
