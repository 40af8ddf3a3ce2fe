package message

import (
	"testing"

	"rmqbench/internal/vectors"
)

func TestVectorRecallHandle(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name, Kind, Topic, BrokerName, Timestamp, MessageID, Input string
		Expected                                                   lazy[any]
	}](t, "recall_handle.json") {
		t.Run(tt.Name, func(t *testing.T) {
			want := RecallHandle{tt.Topic, tt.BrokerName, tt.Timestamp, tt.MessageID}
			switch expected, _ := tt.Expected.decode(t).(string); {
			case tt.Kind == "v1":
				if got := want.String(); got != expected {
					t.Errorf("String() = %s, want %s", got, expected)
				}
				if got, err := ParseRecallHandle(expected); err != nil || got != want {
					t.Errorf("ParseRecallHandle(%s) = %+v, %v, want %+v", expected, got, err, want)
				}
			case expected == "error":
				if got, err := ParseRecallHandle(tt.Input); err == nil {
					t.Errorf("ParseRecallHandle(%q) = %+v", tt.Input, got)
				}
			default:
				if _, err := ParseRecallHandle(tt.Input); err != nil {
					t.Errorf("ParseRecallHandle(%q): %v", tt.Input, err)
				}
			}
		})
	}
}

func FuzzRecallHandle(f *testing.F) {
	for _, tt := range vectors.Load[struct{ Expected, Input string }](f, "recall_handle.json") {
		f.Add(tt.Expected)
		f.Add(tt.Input)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseRecallHandle(s)
		if err != nil {
			return
		}
		if again, err := ParseRecallHandle(h.String()); err != nil || again != h {
			t.Errorf("%q is %+v, and that is %+v, %v", s, h, again, err)
		}
	})
}
