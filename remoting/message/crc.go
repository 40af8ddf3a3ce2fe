package message

import "hash/crc32"

// BodyCRC is the checksum of a stored record's body, of the bytes as stored: CRC-32/IEEE without its top bit
// (UtilAll.crc32).
func BodyCRC(body []byte) uint32 { return crc32.ChecksumIEEE(body) & 0x7FFFFFFF }

// AppendCRCProperty appends the pair that closes the properties of a record when the broker's property checksum is on
// (enabledAppendPropCRC): key "__CRC32#", ten decimal digits of crc with the least significant first, 0x02.
func AppendCRCProperty(dst []byte, crc uint32) []byte {
	dst = append(dst, PropertyCRC32...)
	dst = append(dst, keyEnd)
	for range 10 {
		dst = append(dst, '0'+byte(crc%10))
		crc /= 10
	}
	return append(dst, pairEnd)
}
