package message

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Whatever a record's texts hold, as long as no separator is among them, its fields are found again by the rules of Java's
// decoder: records end with 0x02, fields are parted by 0x01.
func FuzzTrace(f *testing.F) {
	f.Add(byte(0), "DefaultRegion", "group", "topic", "7F0000010001", "tag", "a b", "127.0.0.1:10911", int64(1_700_000_000_000), int32(128), true)
	f.Add(byte(1), "", "", "", "", TraceNull, TraceNull, "", int64(-1), int32(-1), false)
	f.Add(byte(2), "\xff", "名", "%", "\n", " ", "  ", ":", int64(0), int32(0), true)
	f.Add(byte(3), "r", "g", "t", "id", "", "k", "h", int64(1), int32(3), false)
	f.Add(byte(4), "r", "g", "t", "id", "", "k", "h", int64(1), int32(3), true)
	f.Add(byte(5), "no", "such", "kind", "", "", "", "", int64(0), int32(0), false)
	kinds := []TraceKind{TracePub, TraceEndTransaction, TraceRecall, TraceSubBefore, TraceSubAfter, "Other"}
	fields := map[TraceKind]int{TracePub: 14, TraceEndTransaction: 13, TraceRecall: 7, TraceSubBefore: 8, TraceSubAfter: 9}
	f.Fuzz(func(t *testing.T, kind byte, region, group, topic, id, tags, keys, host string, at int64, n int32, ok bool) {
		r := &TraceRecord{Kind: kinds[int(kind)%len(kinds)], Time: at, Region: region, Group: group, Topic: topic, MessageID: id, Tags: tags, Keys: keys, StoreHost: host,
			BodyLength: int(n), CostMillis: int(n), MessageType: int(n), OffsetMessageID: id, Success: ok, TransactionID: id, TransactionState: tags, FromTransactionCheck: ok, RequestID: id, RetryTimes: int(n), ContextCode: int(n)}
		before := []byte("before")
		out := AppendTrace(slices.Clone(before), r)
		if !bytes.HasPrefix(out, before) {
			t.Fatalf("%q: what was there is gone", out)
		}
		record := string(out[len(before):])
		if fields[r.Kind] == 0 {
			if record != "" {
				t.Errorf("an unknown kind: %q", record)
			}
			return
		}
		r.IndexKeys() // of any keys
		if strings.ContainsAny(region+group+topic+id+tags+keys+host, "\x01\x02") {
			return // no reader could tell
		}
		whole, found := strings.CutSuffix(record, "\x02")
		got := strings.Split(whole, "\x01")
		if !found || strings.Contains(whole, "\x02") || len(got) != fields[r.Kind] || got[0] != string(r.Kind) {
			t.Fatalf("%q: %d fields", record, len(got))
		}
		if !slices.Contains(got, id) || !slices.Contains(got, strconv.FormatInt(at, 10)) {
			t.Errorf("%q lacks %q or %d", record, id, at)
		}
	})
}
