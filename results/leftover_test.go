package results

import (
	"reflect"
	"testing"
)

func TestLeftoverLines(t *testing.T) {
	for name, tt := range map[string]struct {
		of   *Leftover
		want []string
	}{
		"nothing known": {nil, nil},
		"nothing":       {&Leftover{Replicas: 2}, nil},
		"all":           {&Leftover{Bytes: 58 << 30, Replicas: 1, Hours: 72}, []string{"what stays: about 58 GiB in commit logs, 1 × that on replicas, until fileReservedTime (72 h)"}},
		"topics":        {&Leftover{Topics: []string{"A", "B\x1b[0m"}}, []string{`created by this run and still there: A, B\x1b[0m (rmqbench topic delete; topic.keep: false has a run do it)`}},
		"no settings":   {&Leftover{Bytes: 1 << 20}, []string{"what stays: about 1 MiB in commit logs"}},
	} {
		if got := leftoverLines(&Run{Leftover: tt.of}); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
