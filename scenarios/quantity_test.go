package scenarios

import (
	"encoding/json"
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "128": 128, "128B": 128, "1KiB": 1024, "1.5KiB": 1536, "4MiB": 4 << 20, "1GiB": 1 << 30,
		"1kB": 1000, "2MB": 2_000_000, "1GB": 1e9, "0.5kB": 500,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "1ns": 1, "200us": 200 * time.Microsecond, "200µs": 200 * time.Microsecond, "500ms": 500 * time.Millisecond,
		"1.5s": 1500 * time.Millisecond, "30s": 30 * time.Second, "5m": 5 * time.Minute, "1m30s": 90 * time.Second,
		"1h": time.Hour, "1d": 24 * time.Hour, "30d": time.Duration(MaxDuration),
	} {
		if got, err := ParseDuration(text); err != nil || got != Duration(want) {
			t.Errorf("ParseDuration(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"1k/s": {1000, time.Second}, "2500/s": {2500, time.Second}, "2.5k/s": {2500, time.Second}, "60/m": {1, time.Second},
		"0.5/s": {30, time.Minute}, "1/h": {1, time.Hour}, "7/3s": {140, time.Minute}, "1/7s": {1, 7 * time.Second},
		"1/ms": {1000, time.Second}, "1G/s": {1e9, time.Second}, "1/1m30s": {40, time.Hour},
	} {
		if got, err := ParseRate(text); err != nil || got != want {
			t.Errorf("ParseRate(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestQuantityText(t *testing.T) {
	for want, q := range map[string]interface{ String() string }{
		"0B": Size(0), "128B": Size(128), "4KiB": Size(4096), "1500B": Size(1500), "3kB": Size(3000), "1MiB": Size(1 << 20),
		"0s": Duration(0), "90s": Duration(90 * time.Second), "1500ms": Duration(1500 * time.Millisecond), "1d": Duration(24 * time.Hour),
		"": Rate{}, "1k/s": Rate{1000, time.Second}, "30/m": Rate{1, 2 * time.Second}, "1/7s": Rate{1, 7 * time.Second}, "1/d": Rate{1, 24 * time.Hour},
	} {
		if got := q.String(); got != want {
			t.Errorf("%#v is %q, want %q", q, got, want)
		}
	}
}

// Each error says what is wrong in one line, and what would do.
func TestR33_QuantityErrors(t *testing.T) {
	size := func(s string) error { _, err := ParseSize(s); return err }
	duration := func(s string) error { _, err := ParseDuration(s); return err }
	rate := func(s string) error { _, err := ParseRate(s); return err }
	for _, tt := range []struct {
		parse      func(string) error
		text, want string
	}{
		{size, "", `size "" is empty; write 1KiB`},
		{size, "-1", `size "-1" must not be negative; write 1KiB`},
		{size, "+1", `size "+1" must be a plain number; write 1KiB`},
		{size, "1e3", `size "1e3" must be a plain number; write 1KiB`},
		{size, "NaN", `size "NaN" must be a plain number; write 1KiB`},
		{size, "1 KiB", `size "1 KiB" has an unknown unit " KiB"; nearest: KiB`},
		{size, "1kib", `size "1kib" has an unknown unit "kib"; nearest: KiB`},
		{size, "1K", `size "1K" has an unknown unit "K"; nearest: kB`},
		{size, "0.3B", `size "0.3B" must be whole bytes`},
		{size, "99999999999GiB", `size "99999999999GiB" is too large`},
		{size, "9999999999999999999", `size "9999999999999999999" has too many digits; write 1KiB`},
		{duration, "30", `duration "30" has no unit; write 30s`},
		{duration, "1m30", `duration "1m30" has no unit; write 1m30s`},
		{duration, "31d", `duration "31d" must be at most 30d`},
		{duration, "29d25h", `duration "29d25h" must be at most 30d`},
		{duration, "1.5ns", `duration "1.5ns" must be whole nanoseconds`},
		{duration, "1x", `duration "1x" has an unknown unit "x"; nearest: d`},
		{duration, ".5s", `duration ".5s" must be a plain number; write 30s`},
		{duration, "inf", `duration "inf" must be a plain number; write 30s`},
		{rate, "1000", `rate "1000" has no time; write 1000/s`},
		{rate, "-5", `rate "-5" must not be negative; write 1k/s`},
		{rate, "0/s", `rate "0/s" must be more than 0; without a rate it is a closed loop`},
		{rate, "1/0s", `rate "1/0s" must end in a time; write 1k/s`},
		{rate, "1/", `rate "1/" must end in a time; write 1k/s`},
		{rate, "1K/s", `rate "1K/s" has an unknown unit "K"; nearest: k`},
		{rate, "0.001/1d", `rate "0.001/1d" must have a whole count within 30d: write fewer digits`},
		{rate, "1.00000001/s", `rate "1.00000001/s" must have a whole count within 30d: write fewer digits`},
		{rate, "1.1G/s", `rate "1.1G/s" must be at most 1G/s`},
		{rate, "1k/s..2k/s", `rate "1k/s..2k/s" must be one rate, like 1k/s`},
	} {
		if err := tt.parse(tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("got  %v\nwant %s", err, tt.want)
		}
	}
}

func TestRatePerSecond(t *testing.T) {
	for r, want := range map[Rate]float64{{}: 0, {1000, time.Second}: 1000, {30, time.Minute}: 0.5} {
		if got := r.PerSecond(); got != want {
			t.Errorf("%+v.PerSecond() = %v, want %v", r, got, want)
		}
	}
}

func TestQuantityJSON(t *testing.T) {
	got, err := json.Marshal([]any{Size(4096), Duration(time.Second), Rate{1000, time.Second}})
	if want := `[4096,1000000000,{"count":1000,"per_ns":1000000000}]`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// FuzzQuantity checks that whatever parses is positive and that its text parses back to it.
func FuzzQuantity(f *testing.F) {
	for _, text := range []string{"128", "1.5KiB", "4MiB", "1kB", "500ms", "1m30s", "1d", "0", "1k/s", "0.5/s", "60/m", "7/3s", "-1", "1e30", "NaN", ".inf", "", "µs", "1/ns", "999999999999999999/30d", "0.001/1d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := ParseSize(text); err == nil {
			if back, err := ParseSize(v.String()); v < 0 || len(v.String()) < 19 && (err != nil || back != v) {
				t.Errorf("size %q = %d, text %q, back %d, %v", text, v, v, back, err)
			}
		}
		if v, err := ParseDuration(text); err == nil {
			if back, err := ParseDuration(v.String()); v < 0 || v > MaxDuration || err != nil || back != v {
				t.Errorf("duration %q = %d, text %q, back %d, %v", text, v, v, back, err)
			}
		}
		if v, err := ParseRate(text); err == nil {
			if back, err := ParseRate(v.String()); v.Count <= 0 || v.Per <= 0 || v.PerSecond() > maxPerSecond || err != nil || back != v {
				t.Errorf("rate %q = %+v, text %q, back %+v, %v", text, v, v, back, err)
			}
		}
	})
}
