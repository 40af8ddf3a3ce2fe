package message

import "math/bits"

// JavaHashLong is Long.hashCode.
func JavaHashLong(v int64) int32 { return int32(v ^ int64(uint64(v)>>32)) }

// JavaHashBool is Boolean.hashCode.
func JavaHashBool(v bool) int32 {
	if v {
		return 1231
	}
	return 1237
}

// TagsCode is what a broker keeps of a tag in its consume queue and filters on: its [JavaHash], widened.
func TagsCode(tag string) int64 { return int64(JavaHash(tag)) }

// HashPick is the place that SelectMessageQueueByHash of 4.9 and 5.x picks among n queues for an argument of that hash:
// the remainder, without its sign. n must be above 0.
func HashPick(hash int32, n int) int {
	place := int64(hash) % int64(n)
	return int(max(place, -place))
}

// HashPick451 is the same of 4.5.1, which takes the sign off first. Math.abs leaves -2^31 negative, so for that hash
// the place is negative unless n is a power of two, and Java throws: then ok is false. n must be above 0.
func HashPick451(hash int32, n int) (place int, ok bool) {
	if hash < 0 {
		hash = -hash
	}
	place = int(int64(hash) % int64(n))
	return place, place >= 0
}

// ShardingPick is the place among n queues for a sharding key (MessageQueueSelector of FIFO topics): MurmurHash3, 32 bits,
// seed 0, of the key's bytes, its remainder without the sign. n must be above 0.
func ShardingPick(key string, n int) int { return HashPick(int32(murmur3(key)), n) }

// murmur3 is MurmurHash3_x86_32 with seed 0.
func murmur3(s string) uint32 {
	const c1, c2 = 0xCC9E2D51, 0x1B873593
	mix := func(k uint32) uint32 { return bits.RotateLeft32(k*c1, 15) * c2 }
	var h uint32
	rest := s
	for ; len(rest) >= 4; rest = rest[4:] {
		k := uint32(rest[0]) | uint32(rest[1])<<8 | uint32(rest[2])<<16 | uint32(rest[3])<<24
		h = bits.RotateLeft32(h^mix(k), 13)*5 + 0xE6546B64
	}
	var k uint32
	for i := len(rest) - 1; i >= 0; i-- {
		k = k<<8 | uint32(rest[i])
	}
	h ^= mix(k) // of nothing: 0
	h ^= uint32(len(s))
	h = (h ^ h>>16) * 0x85EBCA6B
	h = (h ^ h>>13) * 0xC2B2AE35
	return h ^ h>>16
}
