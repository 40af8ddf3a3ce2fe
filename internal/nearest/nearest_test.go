package nearest

import "testing"

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"load", "load", 0}, {"laod", "load", 1}, {"wrokers", "workers", 1},
		{"worker", "workers", 1}, {"kitten", "sitting", 3}, {"snyc", "sync", 1}, {"rate", "size", 3},
	} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestWord(t *testing.T) {
	known := []string{"load", "target", "message", "workers"}
	for word, want := range map[string]string{"laod": "load", "LOAD": "load", "mesage": "message", "wrokers": "workers", "x": "", "matrix": ""} {
		if got := Word(word, known); got != want {
			t.Errorf("Word(%q) = %q, want %q", word, got, want)
		}
	}
	if got := Any("x", known); got == "" {
		t.Error("Any found nothing")
	}
}
