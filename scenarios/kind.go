package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"rmqbench/internal/nearest"
)

// kind is a type of single value: how it is written, read and shown.
type kind[V any] struct {
	name  string // what a reader is told to write: "a size like 1KiB"
	unit  string // what a key in JSON gets behind its name: "_bytes"
	bare  bool   // in YAML it may not be quoted: it is a number or a boolean there too
	parse func(text string) (V, error)
	text  func(V) string // canonical, parse reads it back
	json  func(V) any    // nil: the value as it is
	form  form           // in the JSON Schema; nil: any text
}

// MaxBatch bounds the messages of a batch.
const MaxBatch = 1_024

// MaxBody is the largest body of a message.
const MaxBody = 4 * Size(1<<20)

const (
	maxWorkers     = 10_000
	maxInFlight    = 65_535
	maxBrokers     = 16
	maxServers     = 1_024
	maxQueues      = 1_024
	maxTopics      = 100    // that a case makes: two digits tell them apart
	maxAllQueues   = 16_384 // on a broker, of all of a case's topics: each has a histogram
	maxRetries     = 100
	maxConnections = 64
	maxCount       = 1_000_000_000_000
	maxName        = 64  // the topic RMQBENCH_<NAME> then fits too
	maxTopic       = 127 // RocketMQ's own bound since 4.6, for topics and for groups here
	maxCase        = 64
	maxText        = 1_000
	maxItems       = 128 // of any list
	maxSteps       = 32
	maxDistinct    = 1_000_000
	maxTags        = 1_000
	maxWeight      = 1_000_000
	maxBacklog     = 1_000_000
	maxRounds      = 100
	maxRuns        = 256 // rounds of all cases: each keeps its histograms until the end
	minPeriod      = Duration(time.Millisecond)
	shortestAuto   = Duration(2 * time.Second) // of a warm-up that ends by itself
)

var (
	bodySize = kind[Size]{name: "a size like 1KiB", form: sizeForm, unit: "_bytes", parse: parseBodySize, text: Size.String}
	// volume is of many bodies together.
	volume = kind[Size]{name: "a size like 64MiB", form: sizeForm, unit: "_bytes", parse: parseVolume, text: Size.String}
	// threshold is a size from which on something is done; 0 is written off and means never.
	threshold = kind[Size]{name: "a size like 4KiB, or off", form: offForm, unit: "_bytes", parse: parseThreshold, text: func(s Size) string {
		if s == 0 {
			return "off"
		}
		return s.String()
	}}
	span   = kind[Duration]{name: "a duration like 30s", form: durationForm, unit: "_ns", parse: parseSpan, text: Duration.String}
	moment = kind[Duration]{name: "a duration like 30s", form: durationForm, unit: "_ns", parse: parseDuration, text: Duration.String}
	period = kind[Duration]{name: "a duration like 10s", form: durationForm, unit: "_ns", parse: parsePeriod, text: Duration.String}
	rate   = kind[Rate]{name: "a rate like 1k/s", form: rateForm, parse: parseRate, text: Rate.String}
	rates  = kind[rateSpan]{name: "a rate like 1k/s, or two like 1k/s..5k/s", form: ratesForm, parse: parseRates, text: rateSpan.String, json: func(r rateSpan) any {
		if r.to.IsZero() {
			return r.from
		}
		return [2]Rate{r.from, r.to}
	}}
	share = kind[float64]{name: "a number from 0 to 1", form: shareForm, bare: true, parse: parseShare, text: func(v float64) string {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}}
	// percentage is a share that is written as objectives write theirs.
	percentage = kind[float64]{name: "a percentage like 5%", form: percentForm, parse: func(text string) (float64, error) {
		v, _, err := parsePercentage(text)
		return digits15(v*100) / 100, err
	}, text: func(v float64) string { return strconv.FormatFloat(digits15(v*100), 'f', -1, 64) + "%" }}
	seed    = kind[uint64]{name: "a whole number like 1", form: seedForm, bare: true, parse: parseSeed, text: func(v uint64) string { return strconv.FormatUint(v, 10) }}
	yesNo   = kind[bool]{name: "true or false", form: yesNoForm, bare: true, parse: parseYesNo, text: strconv.FormatBool}
	workers = kind[Workers]{name: "a whole number like 64, or auto", form: workersForm, bare: true, parse: parseWorkers, text: Workers.String, json: func(w Workers) any {
		if w.Auto {
			return "auto"
		}
		return w.N
	}}
	warmups = func() kind[string] {
		k := oneOf([]string{"true", "false", autoWarmup})
		k.bare, k.json = true, func(v string) any {
			if v == autoWarmup {
				return v
			}
			return v == "true"
		}
		return k
	}()
	warmupTimes  = kind[warmupTime]{name: "a duration like 2s, or auto", form: form{"anyOf": []any{durationForm, form{"const": autoWarmup}}}, parse: parseWarmupTime, text: warmupTime.String}
	text         = kind[string]{name: "text", parse: parseText, text: func(s string) string { return s }}
	caseName     = kind[string]{name: "a name like sync 64", parse: parseCaseName, text: func(s string) string { return s }}
	version      = kind[int]{name: "1", form: versionForm, bare: true, parse: parseVersion, text: strconv.Itoa}
	scenarioName = pattern("a name like quick", `^[a-zA-Z0-9_-]+$`, "letters, digits, _ and -", maxName)
	topicName    = pattern("a name like RMQBENCH_QUICK", `^[%|a-zA-Z0-9_-]+$`, "letters, digits, _, -, % and |", maxTopic)
	propertyName = pattern("a name like region", `^[a-zA-Z_][a-zA-Z0-9_.-]*$`, "letters, digits, _, . and -, a letter first", maxName)
	kindName     = pattern("a name like small", `^[a-zA-Z0-9_-]+$`, "letters, digits, _ and -", maxName)
	fileName     = kind[string]{name: "a file like tools.yml", parse: parseFileName, text: func(s string) string { return s }}
	hostName     = pattern("a name like broker.example", `^[a-zA-Z0-9._:-]+$`, "letters, digits, ., _, : and -", 253)
	resolution   = kind[string]{name: "FROM=TO like 172.17.0.3:10911=127.0.0.1:10911", form: addressForm, parse: checkResolution, text: func(s string) string { return s }}
	roomName     = pattern("a name like room-a", `^[a-zA-Z0-9._-]+$`, "letters, digits, ., _ and -", maxName)
	objective    = kind[Objective]{name: "an objective like p99<10ms", form: demandForm, parse: parseObjective, text: Objective.String, json: func(o Objective) any { return o.String() }}
	brokerName   = pattern("a broker's name like broker-a", `^[a-zA-Z0-9._@-]+$`, "letters, digits, ., _, @ and -", maxTopic)
)

// avoidance is whose table of brokers to avoid; "" is written false and means nobody's.
var avoidance = func() kind[string] {
	k := oneOf([]string{"false", "java-4.5.1", "java-5.4"})
	known := k.parse
	k.parse = func(text string) (string, error) {
		v, err := known(text)
		if v == "false" {
			v = ""
		}
		return v, err
	}
	k.text = func(v string) string { return cmp.Or(v, "false") }
	return k
}()

// whole is an integer from low to high.
func whole[V int | int64](low, high V) kind[V] {
	return kind[V]{
		name: fmt.Sprintf("a whole number like %d", max(low, 1)), bare: true, form: form{"type": "integer", "minimum": low, "maximum": high},
		parse: func(text string) (V, error) {
			n, err := strconv.ParseUint(text, 10, 64)
			switch {
			case strings.HasPrefix(text, "-") || err == nil && n < uint64(low):
				return 0, problemf("must be at least %s", thousands(int64(low)))
			case errors.Is(err, strconv.ErrRange) || err == nil && n > uint64(high):
				return 0, problemf("must be at most %s", thousands(int64(high)))
			case err != nil:
				return 0, problemf("must be a whole number like %d, not %q", max(low, 1), clip(text))
			}
			return V(n), nil
		},
		text: func(v V) string { return strconv.FormatInt(int64(v), 10) },
	}
}

// digits15 is v to 15 digits, which is as many as come back whatever was done to the last bits.
func digits15(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 15, 64), 64) // it is one
	return v
}

// oneOf is one of the words known. The words of later say that they are understood, but not in this version.
func oneOf[V ~string](known []V, later ...V) kind[V] {
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	name := words[len(words)-1]
	if len(words) > 1 {
		name = strings.Join(words[:len(words)-1], ", ") + " or " + name
	}
	return kind[V]{
		name: name, form: wordsForm(words),
		parse: func(text string) (V, error) {
			switch {
			case slices.Contains(known, V(text)):
				return V(text), nil
			case slices.Contains(later, V(text)):
				return "", problemf("must be %s: %s is not in this version", name, text)
			}
			if near := nearest.Word(text, words); near != "" {
				return "", problemf("must be %s, not %q; nearest: %s", name, clip(text), near)
			}
			return "", problemf("must be %s, not %q", name, clip(text))
		},
		text: func(v V) string { return string(v) },
	}
}

// pattern is text of at most longest bytes that expr matches; chars says the same in words.
func pattern(name, expr, chars string, longest int) kind[string] {
	compiled := regexp.MustCompile(expr)
	return kind[string]{
		name: name, form: matching(expr),
		parse: func(text string) (string, error) {
			switch {
			case text == "":
				return "", problemf("is empty; write %s", name)
			case len(text) > longest:
				return "", problemf("must be at most %d characters", longest)
			case !compiled.MatchString(text):
				return "", problemf("must be of %s only, not %q", chars, clip(text))
			}
			return text, nil
		},
		text: func(s string) string { return s },
	}
}

func parseVolume(text string) (Size, error) {
	v, err := parseSize(text)
	switch {
	case err != nil:
		return 0, err
	case v < 1:
		return 0, problem("must be at least 1B")
	}
	return v, nil
}

func parseBodySize(text string) (Size, error) {
	v, err := parseSize(text)
	switch {
	case err != nil:
		return 0, err
	case v < 1:
		return 0, problem("must be at least 1B")
	case v > MaxBody:
		return 0, problemf("must be at most %s: RocketMQ's client and broker refuse more", MaxBody)
	}
	return v, nil
}

func parseThreshold(text string) (Size, error) {
	if text == "off" {
		return 0, nil
	}
	return parseSize(text)
}

func parseSpan(text string) (Duration, error) {
	v, err := parseDuration(text)
	if err == nil && v == 0 {
		return 0, problem("must be more than 0")
	}
	return v, err
}

func parsePeriod(text string) (Duration, error) {
	v, err := parseDuration(text)
	if err == nil && v < minPeriod {
		return 0, problemf("must be at least %s", minPeriod)
	}
	return v, err
}

func parseShare(text string) (float64, error) {
	n, rest, err := parseDecimal(text, "0.5")
	if err != nil || rest != "" {
		return 0, problem("must be a number from 0 to 1, like 0.5")
	}
	v := float64(n.mantissa) / float64(pow10(n.scale))
	if v > 1 {
		return 0, problem("must be at most 1")
	}
	return v, nil
}

func parseSeed(text string) (uint64, error) {
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, problemf("must be a whole number from 0 to %d", uint64(1<<64-1))
	}
	return v, nil
}

func parseYesNo(text string) (bool, error) {
	if text != "true" && text != "false" {
		return false, problemf("must be true or false, not %q", clip(text))
	}
	return text == "true", nil
}

// autoWarmup is the warm-up that ends by itself.
const autoWarmup = "auto"

// warmupTime is how long a warm-up takes.
type warmupTime struct {
	auto bool
	d    Duration
}

func parseWarmupTime(text string) (warmupTime, error) {
	if text == autoWarmup {
		return warmupTime{auto: true}, nil
	}
	d, err := parseDuration(text)
	if err != nil && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz") == "" {
		err = problemf("must be a duration like 2s, or auto, not %q", clip(text))
	}
	return warmupTime{d: d}, err
}

func (w warmupTime) String() string {
	if w.auto {
		return autoWarmup
	}
	return w.d.String()
}

func parseWorkers(text string) (Workers, error) {
	if text == "auto" {
		return Workers{Auto: true}, nil
	}
	n, err := whole(1, maxWorkers).parse(text)
	if err != nil && (text == "" || strings.Trim(text, "-0123456789") != "") {
		return Workers{}, problemf("must be a whole number like 64, or auto, not %q", clip(text))
	}
	return Workers{N: n}, err
}

// String gives the number, or auto.
func (w Workers) String() string {
	if w.Auto {
		return "auto"
	}
	return strconv.Itoa(w.N)
}

// parseText takes lines of printable characters: what a file holds goes to terminals.
func parseText(text string) (string, error) {
	switch {
	case len(text) > maxText:
		return "", problemf("must be at most %s bytes", thousands(maxText))
	case strings.TrimSpace(text) == "":
		return "", problem("is empty")
	case strings.ContainsFunc(text, func(c rune) bool { return c != '\n' && !unicode.IsPrint(c) }):
		return "", problem("must be of printable characters only")
	}
	return text, nil
}

func parseCaseName(text string) (string, error) {
	switch {
	case len(text) > maxCase:
		return "", problemf("must be at most %d bytes", maxCase)
	case strings.Contains(text, "\n"):
		return "", problem("must be one line")
	}
	return parseText(text)
}

func parseFileName(text string) (string, error) {
	if strings.Contains(text, "\n") {
		return "", problem("must be one line")
	}
	return parseText(text)
}

func parseVersion(text string) (int, error) {
	if text != "1" {
		return 0, problemf("must be 1, not %q: this rmqbench reads no other", clip(text))
	}
	return 1, nil
}

func checkResolution(text string) (string, error) {
	_, _, err := ParseResolution(text)
	return text, err
}

// ParseResolution takes FROM=TO of [Target.Resolve] apart.
func ParseResolution(text string) (from, to string, err error) {
	from, to, ok := strings.Cut(text, "=")
	if !ok {
		return "", "", problemf("must be FROM=TO, like 172.17.0.3:10911=127.0.0.1:10911, not %q", clip(text))
	}
	if _, err := parseHostPort(from); err != nil {
		return "", "", err
	}
	_, err = parseHostPort(to)
	return from, to, err
}

func parseHostPort(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if _, withPort, _ := net.SplitHostPort(text + ":9876"); err != nil && withPort != "" && text != "" {
		return "", problemf("has no port; write %s:9876", clip(text))
	}
	if err != nil || host == "" || strings.ContainsAny(text, " /") || len(text) > 255 {
		return "", problemf("must be host:port, like 127.0.0.1:9876, not %q", clip(text))
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", problemf("must have a port from 1 to 65,535, not %q", clip(port))
	}
	return text, nil
}

// thousands writes 10000 as 10,000.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
