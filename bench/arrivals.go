package bench

import "math/bits"

// Streams of draws: what one draws tells nothing of another.
const (
	drawGap = iota + 1
	drawBody
	drawKey
	drawTag
	drawHot
	drawTurn
	drawKind
	drawQueue
	drawTopic
)

// draws are random numbers, each a pure function of seed, stream and index: whoever draws number i draws the same.
type draws struct{ base uint64 }

func drawsOf(seed, stream uint64) draws { return draws{scramble(seed ^ scramble(stream))} }

// at is number i, any 64 bits as likely as the others (SplitMix64, Steele, Lea and Flood 2014).
func (d draws) at(i int64) uint64 { return scramble(d.base + uint64(i)*0x9e3779b97f4a7c15) }

// below is number i as one of 0, 1, … n-1.
func (d draws) below(i int64, n int) int {
	at, _ := bits.Mul64(d.at(i), uint64(n))
	return int(at)
}

// scramble is SplitMix64's.
func scramble(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// exponential turns 64 random bits into a time with mean 1 and the exponential distribution, in units of 2⁻³²: -ln(x/2⁶⁴).
// Integers only: floating point may differ by a bit between machines.
func exponential(x uint64) uint64 {
	x |= 1
	zeros := bits.LeadingZeros64(x)
	var log uint64           // log₂ of what follows the zeros, which is from 1 to 2
	x <<= uint(zeros)        // in units of 2⁻⁶³
	for range exponentBits { // squaring doubles the logarithm: its next bit is whether that reaches 2
		hi, lo := bits.Mul64(x, x)
		two := hi >> 63
		log = log<<1 | two
		x = hi<<(1-two) | lo>>63&(1-two)
	}
	const ln2 = 0xb17217f7d1cf79ac // × 2⁶⁴
	e, _ := bits.Mul64(uint64(zeros+1)<<exponentBits-log, ln2)
	return e
}

const exponentBits = 32
