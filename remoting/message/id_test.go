package message

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"rmqbench/internal/vectors"
)

func TestVectorUniqueID(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name, ID, IPHex, LoaderHashHex, IPText string
		PID, Counter                           uint16
		DiffMs                                 int32
	}](t, "uniq_id.json") {
		t.Run(tt.Name, func(t *testing.T) {
			id, err := ParseUniqueID(tt.ID)
			if err != nil {
				t.Fatal(err)
			}
			got := id.Fields()
			if ip := hex.EncodeToString(got.IP.AsSlice()); ip != tt.IPHex || got.IP.StringExpanded() != tt.IPText {
				t.Errorf("ip %s (%v), want %s (%s)", ip, got.IP, tt.IPHex, tt.IPText)
			}
			if hash := fmt.Sprintf("%08x", got.LoaderHash); hash != tt.LoaderHashHex {
				t.Errorf("loader hash %s, want %s", hash, tt.LoaderHashHex)
			}
			if got.PID != tt.PID || int32(got.Millis) != tt.DiffMs || got.Counter != tt.Counter {
				t.Errorf("%+v, want pid %d, ms %d, counter %d", got, tt.PID, tt.DiffMs, tt.Counter)
			}
			if id.String() != tt.ID {
				t.Errorf("String() = %s, want %s", id, tt.ID)
			}

			// The other way: a source at that address and time makes that id as its first, but for the counter.
			clock := monthStart.Add(time.Duration(got.Millis) * time.Millisecond)
			if clock.Month() != monthStart.Month() {
				t.Skip("a month has no such millisecond")
			}
			made := NewIDSource(got.IP, int(tt.PID)|0xABC<<16, got.LoaderHash, func() time.Time { return clock }).Next()
			got.Counter = 0
			if made.Fields() != got {
				t.Errorf("made %+v, want %+v", made.Fields(), got)
			}
		})
	}
}

// An id made of its number is the one that Next makes, in hex too.
func TestIDSourceSerial(t *testing.T) {
	for _, ip := range []string{"192.0.2.7", "2001:db8::1"} {
		ms := int64(0)
		clock := func() time.Time { return monthStart.Add(time.Duration(ms) * time.Millisecond) }
		one, other := NewIDSource(netip.MustParseAddr(ip), 4711, 0xCAFE, clock), NewIDSource(netip.MustParseAddr(ip), 4711, 0xCAFE, clock)
		for i := range int64(1000) {
			ms = i * i * i % (30 * 24 * 3_600_000) // digits of all kinds in all places
			want := one.Next()
			serial := other.SerialAt(clock().UnixMilli())
			got := UniqueID{b: [idBytes6]byte{0xFF, idBytes6 - 1: 0xFF}, n: 99} // nothing of it stays
			if other.Set(&got, serial); got != want {
				t.Errorf("%s: Set makes %s, Next %s", ip, got, want)
			}
			if hex := string(other.AppendHex([]byte("="), serial)); hex != "="+want.String() {
				t.Errorf("AppendHex makes %s, want %s", hex, want)
			}
		}
	}
}

// monthStart begins a month of 31 days in a zone that is not UTC.
var monthStart = time.Date(2026, time.March, 1, 0, 0, 0, 0, time.FixedZone("UTC+8", 8*3600))

func TestIDSourceMonthAndClock(t *testing.T) {
	end := monthStart.AddDate(0, 1, 0)
	type made struct {
		millis  uint32
		counter uint16
	}
	for _, tt := range []struct {
		name   string
		clocks []time.Time // of each id
		want   []made
	}{
		{"the counter goes on over milliseconds",
			[]time.Time{monthStart, monthStart.Add(time.Millisecond), monthStart.Add(time.Second)},
			[]made{{0, 0}, {1, 1}, {1000, 2}}},
		{"a month's turn starts the milliseconds again",
			[]time.Time{end.Add(-time.Millisecond), end, end.Add(5 * time.Millisecond)},
			[]made{{31*86_400_000 - 1, 0}, {0, 1}, {5, 2}}},
		{"a clock set back to the month before counts as its start",
			[]time.Time{end, end.Add(-time.Millisecond), end.Add(-20 * 24 * time.Hour)},
			[]made{{0, 0}, {0, 1}, {0, 2}}},
		{"a clock set back within the month leaves the milliseconds",
			[]time.Time{monthStart.Add(time.Second), monthStart},
			[]made{{1000, 0}, {1000, 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := tt.clocks[0]
			source := NewIDSource(netip.MustParseAddr("10.0.0.1"), 7, 8, func() time.Time { return now })
			for i, want := range tt.want {
				now = tt.clocks[i]
				got := source.Next().Fields()
				if (made{got.Millis, got.Counter}) != want {
					t.Errorf("id %d has ms %d, counter %d, want %+v", i, got.Millis, got.Counter, want)
				}
			}
		})
	}
}

func TestIDSourceOver65536AMillisecond(t *testing.T) {
	source := NewIDSource(netip.MustParseAddr("::ffff:10.0.0.1"), 7, 8, func() time.Time { return monthStart })
	seen := map[UniqueID]bool{}
	for range 200_000 {
		seen[source.Next()] = true
	}
	if len(seen) != 200_000 {
		t.Errorf("%d different ids of 200000", len(seen))
	}
	if last := source.Next().Fields(); last.Millis != 3 || last.IP.String() != "10.0.0.1" {
		t.Errorf("the id after them is %+v, want the third millisecond of 10.0.0.1", last)
	}
}

func TestIDSourceManyGoroutines(t *testing.T) {
	const workers, each = 8, 20_000
	source := NewIDSource(netip.MustParseAddr("fd00::2"), 7, 8, nil)
	ids := make([][]UniqueID, workers)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			for range each {
				ids[i] = append(ids[i], source.Next())
			}
		})
	}
	all.Wait()
	seen := make(map[UniqueID]bool, workers*each)
	for _, of := range ids {
		for _, id := range of {
			seen[id] = true
		}
	}
	if len(seen) != workers*each {
		t.Errorf("%d different ids of %d", len(seen), workers*each)
	}
}

func TestUniqueIDAllocatesNothing(t *testing.T) {
	source := NewIDSource(netip.Addr{}, 7, 8, nil)
	buf := make([]byte, 0, 56)
	if n := testing.AllocsPerRun(100, func() { buf = source.Next().AppendHex(buf[:0]) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
	if id, err := ParseUniqueID(string(buf)); err != nil || id.Fields().IP.String() != "0.0.0.0" {
		t.Errorf("%s of no address: %v, %v", buf, id.Fields().IP, err)
	}
	if zero := (UniqueID{}); zero.String() != "" || zero.Fields() != (UniqueIDFields{}) {
		t.Errorf("the zero id is %q", zero)
	}
}

func TestParseUniqueIDRefuses(t *testing.T) {
	for _, s := range []string{"", "7F", "7F0000010ABC18B4AAC20001E241000", "7F0000010ABC18B4AAC20001E241000G"} {
		if id, err := ParseUniqueID(s); err == nil {
			t.Errorf("ParseUniqueID(%q) = %v", s, id)
		}
	}
	if id, err := ParseUniqueID("7F0000010ABC18B4AAC20001e24100ab"); err != nil || id.Fields().Counter != 0xAB {
		t.Errorf("an id that ends in lower case: %v, %v", id, err)
	}
}

func TestVectorOffsetID(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name, Expected string
		IPHex          vectors.Hex
		Port           uint16
		Offset         int64 `json:",string"`
	}](t, "msg_id.json") {
		t.Run(tt.Name, func(t *testing.T) {
			ip, _ := netip.AddrFromSlice(tt.IPHex)
			want := OffsetID{netip.AddrPortFrom(ip, tt.Port), tt.Offset}
			if got := want.String(); got != tt.Expected {
				t.Errorf("String() = %s, want %s", got, tt.Expected)
			}
			if got, err := ParseOffsetID(tt.Expected); err != nil || got != want {
				t.Errorf("ParseOffsetID(%s) = %v, %v, want %v", tt.Expected, got, err, want)
			}
		})
	}
}

func TestParseOffsetIDRefuses(t *testing.T) {
	for _, s := range []string{"", "7F000001000051AF000000000000000", "7F000001000151AF0000000000000000", "7F000001 00051AF0000000000000000"} {
		if id, err := ParseOffsetID(s); err == nil {
			t.Errorf("ParseOffsetID(%q) = %v", s, id)
		}
	}
	if got := (OffsetID{Offset: 1}).String(); got != "00000000000000000000000000000001" {
		t.Errorf("an offset id of no address is %s", got)
	}
}

func FuzzIDs(f *testing.F) {
	for _, tt := range vectors.Load[struct{ ID string }](f, "uniq_id.json") {
		f.Add(tt.ID)
	}
	for _, tt := range vectors.Load[struct{ Expected string }](f, "msg_id.json") {
		f.Add(tt.Expected)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseUniqueID(s); err == nil {
			if again, err := ParseUniqueID(id.String()); err != nil || again != id {
				t.Errorf("%q is %v, and that is %v, %v", s, id, again, err)
			}
		}
		if id, err := ParseOffsetID(s); err == nil {
			if again, err := ParseOffsetID(id.String()); err != nil || again.Offset != id.Offset || again.Addr.Port() != id.Addr.Port() {
				t.Errorf("%q is %v, and that is %v, %v", s, id, again, err)
			}
		}
	})
}

func BenchmarkUniqueID(b *testing.B) {
	source := NewIDSource(netip.MustParseAddr("10.0.0.1"), 7, 8, nil)
	buf := make([]byte, 0, 56)
	b.ReportAllocs()
	for b.Loop() {
		buf = source.Next().AppendHex(buf[:0])
	}
}

func BenchmarkUniqueIDParallel(b *testing.B) {
	source := NewIDSource(netip.MustParseAddr("10.0.0.1"), 7, 8, nil)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			source.Next()
		}
	})
}
