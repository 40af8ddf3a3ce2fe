package message

import (
	"hash/crc32"
	"testing"

	"rmqbench/internal/vectors"
)

func TestVectorCRC32(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name                                    string
		InputHex, PlainCRC32Hex, CRCPropertyHex vectors.Hex
		Expected                                uint32
	}](t, "crc32.json") {
		t.Run(tt.Name, func(t *testing.T) {
			got := BodyCRC(tt.InputHex)
			if got != tt.Expected {
				t.Errorf("BodyCRC = %d, want %d (plain %x)", got, tt.Expected, crc32.ChecksumIEEE(tt.InputHex))
			}
			if property := AppendCRCProperty(nil, got); string(property) != string(tt.CRCPropertyHex) {
				t.Errorf("AppendCRCProperty = %q, want %q", property, tt.CRCPropertyHex)
			}
		})
	}
}
