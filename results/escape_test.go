package results

import (
	"maps"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestR43_Printable(t *testing.T) {
	long := strings.Repeat("é", 256) // 512 bytes
	for name, tt := range map[string]struct{ in, want string }{
		"plain":            {"TopicTest 主题 é", "TopicTest 主题 é"},
		"empty":            {"", ""},
		"escape sequence":  {"\x1b[31mred", `\x1b[31mred`},
		"lines":            {"a\r\nb\tc", `a\r\nb\tc`},
		"C1 control":       {"\u009b2J", `\u009b2J`},
		"delete":           {"\x7f", `\x7f`},
		"not UTF-8":        {"a\xffb\x01", `a\xffb\x01`},
		"half a character": {"\xe4\xb8", `\xe4\xb8`},
		"turned around":    {"\u202etxt", `\u202etxt`},
		"zero width":       {"a\u200bb", `a\u200bb`},
		"as long as may":   {long, long},
		"too long":         {long + "x", strings.Repeat("é", 254) + "…"},
		"cut in an escape": {strings.Repeat("x", 508) + "\x1b\x1b", strings.Repeat("x", 508) + "…"},
	} {
		if got := Printable(tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("broker-a")
	f.Add("\x1b[0m\xff\u2028" + strings.Repeat("\x00", 200))
	f.Fuzz(func(t *testing.T, s string) {
		got := Printable(s)
		if len(got) > maxPrintable || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 }) {
			t.Errorf("%q became %q", s, got)
		}
		if Printable(got) != got {
			t.Errorf("%q changes when it is made printable again", got)
		}
	})
}

func TestR42_AllowedSettings(t *testing.T) {
	got := AllowedSettings(map[string]string{"flushDiskType": "ASYNC_FLUSH", "brokerRole": "x\x1b", "secretKey": "s", "accessKey": "a", "rmqAddressServerDomain": "d"})
	if want := map[string]string{"flushDiskType": "ASYNC_FLUSH", "brokerRole": `x\x1b`}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
