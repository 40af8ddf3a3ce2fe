package scenarios

import (
	"strings"
	"testing"
)

func TestRepeatBounds(t *testing.T) {
	for text, want := range map[string]string{
		"repeat: 0\n":   "repeat must be at least 1",
		"repeat: 101\n": "repeat must be at most 100",
		"repeat: 100\ncases: [{name: a}, {name: b}, {name: c}]\n": "repeat must be at most 85: 3 cases in 100 rounds are more than 256 runs",
	} {
		_, err := Parse("test.yaml", []byte("version: 1\nname: test\n"+text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
