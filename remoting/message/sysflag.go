package message

import "fmt"

// SysFlag is a message's system flag: what client and broker tell each other about it (MessageSysFlag.java), not what
// the application puts in "flag".
type SysFlag int32

// Bits of a SysFlag.
const (
	FlagCompressed  SysFlag = 1 << 0 // the body is compressed, by CompressionType
	FlagMultiTags   SysFlag = 1 << 1 // set by the broker
	FlagPrepared    SysFlag = 1 << 2 // a half message of a transaction
	FlagCommit      SysFlag = 2 << 2
	FlagRollback    SysFlag = 3 << 2
	FlagBornHostV6  SysFlag = 1 << 4 // a stored record's born host is IPv6
	FlagStoreHostV6 SysFlag = 1 << 5 // and its store host
	FlagNeedUnwrap  SysFlag = 1 << 6
	FlagInnerBatch  SysFlag = 1 << 7

	transactionBits = FlagRollback
	compressionBits = SysFlag(7 << 8)
)

// Transaction is 0, FlagPrepared, FlagCommit or FlagRollback.
func (f SysFlag) Transaction() SysFlag { return f & transactionBits }

// WithTransaction is f with another transaction type: 0, FlagPrepared, FlagCommit or FlagRollback.
func (f SysFlag) WithTransaction(t SysFlag) SysFlag { return f&^transactionBits | t&transactionBits }

// Compressed says that the body is compressed.
func (f SysFlag) Compressed() bool { return f&FlagCompressed != 0 }

// WithCompression is f with the compressed bit and the bits of type t.
func (f SysFlag) WithCompression(t CompressionType) SysFlag {
	return f&^compressionBits | FlagCompressed | SysFlag(t)<<8&compressionBits
}

// WithoutCompressed is f without the compressed bit. The type's bits stay, as a Java consumer leaves them once it has
// decompressed a body.
func (f SysFlag) WithoutCompressed() SysFlag { return f &^ FlagCompressed }

// CompressionType is how the body is compressed when it is: bits 8 to 10, where 0 means ZLIB because 4.5.1 knows no
// other. It fails with [UnknownCompressionError] for the four numbers that have no meaning.
func (f SysFlag) CompressionType() (CompressionType, error) {
	switch t := CompressionType(f & compressionBits >> 8); t {
	case 0:
		return ZLIB, nil
	case LZ4, ZSTD, ZLIB:
		return t, nil
	default:
		return 0, UnknownCompressionError(t)
	}
}

// CompressionType is the number that stands for a compression in a SysFlag (CompressionType.java).
type CompressionType uint8

// The compressions of RocketMQ 5; 4.x knows ZLIB only.
const (
	LZ4  CompressionType = 1 // LZ4 frame format
	ZSTD CompressionType = 2 // Zstandard frame
	ZLIB CompressionType = 3 // RFC 1950
)

func (t CompressionType) String() string {
	switch t {
	case LZ4:
		return "LZ4"
	case ZSTD:
		return "ZSTD"
	case ZLIB:
		return "ZLIB"
	}
	return fmt.Sprintf("CompressionType(%d)", uint8(t))
}

// UnknownCompressionError is a compression type that nobody knows.
type UnknownCompressionError CompressionType

func (e UnknownCompressionError) Error() string {
	return fmt.Sprintf("message: compression type %d is none of 1 (LZ4), 2 (ZSTD), 3 (ZLIB)", uint8(e))
}
