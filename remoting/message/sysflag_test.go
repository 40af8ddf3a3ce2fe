package message

import (
	"errors"
	"testing"

	"rmqbench/internal/vectors"
)

func TestVectorSysFlag(t *testing.T) {
	cases := 0
	for _, tt := range vectors.Load[struct {
		Name, Kind, CompressionType                              string
		Flag, TransactionValue, ResetToRollback, ClearCompressed SysFlag
	}](t, "misc.json") {
		if tt.Kind != "sysflag" {
			continue
		}
		cases++
		compression, err := tt.Flag.CompressionType()
		if err != nil || compression.String() != tt.CompressionType {
			t.Errorf("%s: CompressionType = %v, %v, want %s", tt.Name, compression, err, tt.CompressionType)
		}
		if got := tt.Flag.Transaction(); got != tt.TransactionValue {
			t.Errorf("%s: Transaction = %d, want %d", tt.Name, got, tt.TransactionValue)
		}
		if got := tt.Flag.WithTransaction(FlagRollback); got != tt.ResetToRollback {
			t.Errorf("%s: WithTransaction(FlagRollback) = %d, want %d", tt.Name, got, tt.ResetToRollback)
		}
		if got := tt.Flag.WithoutCompressed(); got != tt.ClearCompressed {
			t.Errorf("%s: WithoutCompressed = %d, want %d", tt.Name, got, tt.ClearCompressed)
		}
	}
	if cases == 0 {
		t.Error("misc.json has no sysflag")
	}
}

func TestSysFlagCompression(t *testing.T) {
	for _, tt := range []struct {
		t    CompressionType
		want SysFlag
	}{{LZ4, 0x101}, {ZSTD, 0x201}, {ZLIB, 0x301}} {
		flag := SysFlag(0x700 | 8).WithCompression(tt.t)
		got, err := flag.CompressionType()
		if flag != tt.want|8 || got != tt.t || err != nil || !flag.Compressed() {
			t.Errorf("WithCompression(%v) = %#x of type %v, %v", tt.t, flag, got, err)
		}
	}
	var unknown UnknownCompressionError
	if _, err := SysFlag(0x400).CompressionType(); !errors.As(err, &unknown) || unknown != 4 {
		t.Errorf("type 4: %v", err)
	}
}
