package message

import (
	"bytes"
	"encoding/hex"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"rmqbench/internal/vectors"
)

// decodedRecord is what a Java consumer makes of a record.
type decodedRecord struct {
	Topic                         string
	QueueID, Flag                 int32
	QueueOffset, CommitLogOffset  int64
	SysFlag                       SysFlag
	BornTimestamp, StoreTimestamp int64
	BornHost, StoreHost           recordHost
	ReconsumeTimes                int32
	PreparedTransactionOffset     int64
	BodyCRC                       uint32
	StoreSize                     int
	BodyHex                       vectors.Hex
	Properties                    map[string]string
	OffsetMsgID                   string
}

type recordHost struct {
	IPHex vectors.Hex
	Port  uint16
}

func hostOf(a netip.AddrPort) recordHost { return recordHost{a.Addr().AsSlice(), a.Port()} }

func (h recordHost) equal(o recordHost) bool {
	return bytes.Equal(h.IPHex, o.IPHex) && h.Port == o.Port
}

func (d decodedRecord) check(t *testing.T, r Record, size int) {
	t.Helper()
	body, err := AppendDecompressed(nil, r.Body, r.SysFlag, MaxBodyLen)
	if err != nil || !bytes.Equal(body, d.BodyHex) {
		t.Errorf("body %x, %v, want %x", body, err, []byte(d.BodyHex))
	}
	props := DecodeProperties(r.EncodedProperties)
	id, ok := props.Get(PropertyUniqueKey) // Java's getMsgId prefers it
	if !ok {
		id = r.OffsetID().String()
	}
	if r.Topic != d.Topic || r.QueueID != d.QueueID || r.Flag != d.Flag || r.QueueOffset != d.QueueOffset ||
		r.PhysicalOffset != d.CommitLogOffset || r.SysFlag.WithoutCompressed() != d.SysFlag || r.BornTime != d.BornTimestamp ||
		!hostOf(r.BornHost).equal(d.BornHost) || r.StoreTime != d.StoreTimestamp || !hostOf(r.StoreHost).equal(d.StoreHost) ||
		r.ReconsumeTimes != d.ReconsumeTimes || r.PreparedOffset != d.PreparedTransactionOffset || r.BodyCRC != d.BodyCRC ||
		size != d.StoreSize || !maps.Equal(props.Map(), d.Properties) || id != d.OffsetMsgID {
		t.Errorf("%+v, %d bytes, properties %q, id %s\nwant %+v", r, size, props, id, d)
	}
	if crc := BodyCRC(r.Body); crc != r.BodyCRC {
		t.Errorf("crc %d, the body's is %d", r.BodyCRC, crc)
	}
}

func TestVectorStoredMessage(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name, Kind                  string
		Properties                  pairs
		StoredHex, ExpectedHex      vectors.Hex
		StoredBodyHex, PlainBodyHex vectors.Hex
		SysFlagStored               SysFlag
		ExpectedDecoded             decodedRecord
		Truncated                   bool
		ExpectedCount               int
		ExpectedDecodedList         []decodedRecord
	}](t, "stored_message.json") {
		t.Run(tt.Name, func(t *testing.T) {
			if tt.Kind == "list" {
				got := slices.Collect(Records(tt.StoredHex))
				if len(got) != tt.ExpectedCount || len(got) != len(tt.ExpectedDecodedList) {
					t.Fatalf("%d records, want %d", len(got), tt.ExpectedCount)
				}
				var again []byte
				for i, r := range got {
					start := len(again)
					again, _ = AppendRecord(again, &r)
					tt.ExpectedDecodedList[i].check(t, r, len(again)-start)
				}
				if whole := tt.StoredHex[:len(again)]; !bytes.Equal(again, whole) || (len(again) < len(tt.StoredHex)) != tt.Truncated {
					t.Errorf("encoded %x, want %x, truncated %v", again, whole, tt.Truncated)
				}
				return
			}
			r, size, err := DecodeRecord(tt.StoredHex)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(r.Body, tt.StoredBodyHex) || r.SysFlag != tt.SysFlagStored {
				t.Errorf("stored body %x, flag %d, want %x, %d", r.Body, r.SysFlag, []byte(tt.StoredBodyHex), tt.SysFlagStored)
			}
			if !bytes.Equal(tt.ExpectedDecoded.BodyHex, tt.PlainBodyHex) {
				t.Error("the vector's two plain bodies differ")
			}
			tt.ExpectedDecoded.check(t, r, size)

			// Made from the fields, with the flags that are the encoder's to set left out.
			d := tt.ExpectedDecoded
			made := Record{
				Topic: d.Topic, QueueID: d.QueueID, Flag: d.Flag, QueueOffset: d.QueueOffset, PhysicalOffset: d.CommitLogOffset,
				SysFlag: tt.SysFlagStored &^ (FlagBornHostV6 | FlagStoreHostV6), BornTime: d.BornTimestamp, BornHost: r.BornHost,
				StoreTime: d.StoreTimestamp, StoreHost: r.StoreHost, ReconsumeTimes: d.ReconsumeTimes,
				PreparedOffset: d.PreparedTransactionOffset, Body: tt.StoredBodyHex,
				EncodedProperties: AppendProperties(nil, tt.Properties.properties()),
			}
			got, err := AppendRecord([]byte("before"), &made)
			if err != nil || string(got) != "before"+string(tt.ExpectedHex) {
				t.Errorf("AppendRecord\n got %s, %v\nwant %s", hex.EncodeToString(got), err, hex.EncodeToString(tt.ExpectedHex))
			}
		})
	}
}

func TestDecodeRecordRefuses(t *testing.T) {
	good, err := AppendRecord(nil, &Record{Topic: "t", Body: []byte("body"), EncodedProperties: []byte("a\x01b\x02")})
	if err != nil {
		t.Fatal(err)
	}
	if r, n, err := DecodeRecord(append(bytes.Clone(good), 1, 2, 3)); err != nil || n != len(good) || r.StoreHost.String() != "0.0.0.0:0" {
		t.Fatalf("%+v, %d, %v", r, n, err)
	}
	for n := range good {
		if _, _, err := DecodeRecord(good[:n]); err == nil {
			t.Errorf("the first %d bytes are a record", n)
		}
	}
	for at, b := range map[int]byte{0: 0xFF, 3: 3, 4: 0xCB, 52: 1, 84: 0xFF, 87: 200, 92: 100, len(good) - 5: 9} {
		broken := bytes.Clone(good)
		broken[at] = b
		if r, _, err := DecodeRecord(broken); err == nil {
			t.Errorf("with byte %d set to %d: %+v", at, b, r)
		}
	}
	for name, r := range map[string]Record{
		"topic":      {Topic: string(make([]byte, 1<<15))},
		"properties": {EncodedProperties: make([]byte, 1<<15)},
	} {
		if got, err := AppendRecord([]byte("x"), &r); err == nil || string(got) != "x" {
			t.Errorf("a %s of 32768 bytes: %d bytes, %v", name, len(got), err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	for _, tt := range vectors.Load[struct{ StoredHex vectors.Hex }](f, "stored_message.json") {
		f.Add([]byte(tt.StoredHex))
	}
	f.Fuzz(func(t *testing.T, buf []byte) {
		var encoded []byte
		for r := range Records(buf) {
			start := len(encoded)
			var err error
			if encoded, err = AppendRecord(encoded, &r); err != nil {
				t.Fatal(err)
			}
			again, n, err := DecodeRecord(encoded[start:])
			again.BodyCRC, again.SysFlag = r.BodyCRC, r.SysFlag // the two that encoding makes anew
			if err != nil || n != len(encoded)-start || again.Topic != r.Topic || !bytes.Equal(again.Body, r.Body) ||
				!bytes.Equal(again.EncodedProperties, r.EncodedProperties) || again.PhysicalOffset != r.PhysicalOffset {
				t.Errorf("%+v, %v, want %+v", again, err, r)
			}
		}
	})
}
