package message

import (
	"bytes"
	"maps"
	"testing"

	"rmqbench/internal/vectors"
)

func TestVectorBatch(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name     string
		Messages []struct {
			Flag       int32
			BodyHex    vectors.Hex
			Properties pairs
		}
		ExpectedHex vectors.Hex
	}](t, "batch.json") {
		t.Run(tt.Name, func(t *testing.T) {
			got := []byte("before")
			var err error
			for _, m := range tt.Messages {
				if got, err = AppendBatchMessage(got, BatchMessage{m.Flag, m.BodyHex, AppendProperties(nil, m.Properties.properties())}); err != nil {
					t.Fatal(err)
				}
			}
			if string(got) != "before"+string(tt.ExpectedHex) {
				t.Errorf("encoded %x, want %x", got, []byte(tt.ExpectedHex))
			}
			i := 0
			for m, err := range Batch(tt.ExpectedHex) {
				if err != nil || i >= len(tt.Messages) {
					t.Fatalf("message %d: %v", i, err)
				}
				want := tt.Messages[i]
				if m.Flag != want.Flag || !bytes.Equal(m.Body, want.BodyHex) ||
					!maps.Equal(DecodeProperties(m.EncodedProperties).Map(), want.Properties.properties().Map()) {
					t.Errorf("message %d is %+v, want %+v", i, m, want)
				}
				i++
			}
			if i != len(tt.Messages) {
				t.Errorf("%d messages, want %d", i, len(tt.Messages))
			}
		})
	}
}

func TestBatchRefuses(t *testing.T) {
	one, err := AppendBatchMessage(nil, BatchMessage{7, []byte("body"), []byte("a\x01b\x02")})
	if err != nil {
		t.Fatal(err)
	}
	for at, b := range map[int]byte{0: 0xFF, 3: 21, 2: 1, 19: 5, 16: 0xFF, 24: 0xFF, 25: 3} {
		broken := bytes.Clone(one)
		broken[at] = b
		count, failed := 0, error(nil)
		for _, err := range Batch(append(bytes.Clone(one), broken...)) {
			count++
			failed = err
		}
		if count != 2 || failed == nil {
			t.Errorf("with byte %d set to %d: %d messages, %v, want one and an error", at, b, count, failed)
		}
	}
	if got, err := AppendBatchMessage([]byte("x"), BatchMessage{EncodedProperties: make([]byte, MaxPropertiesLen+1)}); err == nil || string(got) != "x" {
		t.Errorf("properties over the limit: %d bytes, %v", len(got), err)
	}
}

func FuzzBatch(f *testing.F) {
	for _, tt := range vectors.Load[struct{ ExpectedHex vectors.Hex }](f, "batch.json") {
		f.Add([]byte(tt.ExpectedHex))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		total := 0
		for m, err := range Batch(body) {
			if err != nil {
				return
			}
			total += batchHead + len(m.Body) + len(m.EncodedProperties)
		}
		if total != len(body) {
			t.Errorf("the messages have %d bytes, the batch %d", total, len(body))
		}
	})
}
