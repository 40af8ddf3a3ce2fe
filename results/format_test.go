package results

import (
	"math"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{FormatDuration(0), "0 ns"},
		{FormatDuration(999), "999 ns"},
		{FormatDuration(1_000), "1.00 µs"},
		{FormatDuration(9_994), "9.99 µs"},
		{FormatDuration(9_996), "10.0 µs"},
		{FormatDuration(99_960), "100 µs"},
		{FormatDuration(214_300), "214 µs"},
		{FormatDuration(999_499), "999 µs"},
		{FormatDuration(999_500), "1.00 ms"},
		{FormatDuration(1_920_000), "1.92 ms"},
		{FormatDuration(452_000_000), "452 ms"},
		{FormatDuration(61_000_000_000), "61.0 s"},
		{FormatDuration(3_600_000_000_000), "3600 s"},
		{FormatDuration(-1_500), "-1.50 µs"},
		{FormatCount(0, "round"), "0 rounds"},
		{FormatCount(1, "round"), "1 round"},
		{FormatCount(int64(2_000), "send"), "2,000 sends"},
		{FormatRate(0), "0"},
		{FormatRate(3.456), "3.46"},
		{FormatRate(950), "950"},
		{FormatRate(999.6), "1.00k"},
		{FormatRate(12_345), "12.3k"},
		{FormatRate(310_200), "310k"},
		{FormatRate(1_020_000), "1.02M"},
		{FormatRate(5e12), "5000G"},
		{FormatBytes(0), "0 B"},
		{FormatBytes(128), "128 B"},
		{FormatBytes(1000), "1000 B"},
		{FormatBytes(1023), "1023 B"},
		{FormatBytes(1024), "1 KiB"},
		{FormatBytes(1536), "1.5 KiB"},
		{FormatBytes(4096), "4 KiB"},
		{FormatBytes(10 << 10), "10 KiB"},
		{FormatBytes(100 << 10), "100 KiB"},
		{FormatBytes(1<<20 - 1), "1 MiB"},
		{FormatBytes(58 << 30), "58 GiB"},
		{formatShare(0), "0 %"},
		{formatShare(0.000001), "<0.01 %"},
		{formatShare(0.0123), "1.23 %"},
		{formatShare(0.97), "97.0 %"},
		{groupDigits(0), "0"},
		{groupDigits(999), "999"},
		{groupDigits(1_000), "1,000"},
		{groupDigits(-1_234_567), "-1,234,567"},
		{groupDigits(math.MinInt64), "-9,223,372,036,854,775,808"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
