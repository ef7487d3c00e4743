package gguf

import (
	"encoding/binary"
	"hash/fnv"
	"math"
)

// noise is splitmix64 (Steele, Lea and Flood, 2014): 8 random bytes per nanosecond, and
// the same on every machine, which math/rand does not promise across Go releases.
type noise uint64

// newNoise returns the stream of one tensor: each has its own, so that a tensor's bytes do
// not depend on the others.
func newNoise(seed uint64, tensor string) noise {
	h := fnv.New64a()
	h.Write([]byte(tensor))
	n := noise(seed)
	first := n.next()
	return noise(first ^ h.Sum64())
}

func (n *noise) next() uint64 {
	*n += 0x9e3779b97f4a7c15
	z := uint64(*n)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// The standard deviations of the stored integers that fillBlocks draws, which are uniform:
// odd numbers from -127 to 127 for Q8_0, -8 to 7 for Q4_0 (about 0, see there).
var (
	deviationQ8 = math.Sqrt((128*128 - 1) / 3.0)
	deviationQ4 = math.Sqrt((16*16-1)/12.0 + 0.25)
)

// fillBlocks writes elements of type t, a whole number of blocks, with mean 0 and the given
// standard deviation, until dst is full. The values are uniform, not normal: sums over a
// row, which are all that a model sees, are normal anyway, and quantised blocks can be
// drawn directly, at the speed of the generator. t must be Quantizable.
func (n *noise) fillBlocks(dst []byte, t Type, deviation float64) {
	switch t {
	case Q8_0:
		d := halfFromFloat(float32(deviation / deviationQ8))
		for ; len(dst) > 0; dst = dst[34:] {
			binary.LittleEndian.PutUint16(dst, d)
			for i := 2; i < 34; i += 8 {
				// Odd bytes only: symmetric about 0, and never -128, which quantising never gives.
				binary.LittleEndian.PutUint64(dst[i:], n.next()|0x0101010101010101)
			}
		}
	case Q4_0:
		d := halfFromFloat(float32(deviation / deviationQ4))
		for ; len(dst) > 0; dst = dst[18:] {
			a, b := n.next(), n.next()
			// The stored integers have mean -1/2; a random sign of the scale takes it out.
			sign := uint16((a^b)>>63) << 15
			binary.LittleEndian.PutUint16(dst, d|sign)
			binary.LittleEndian.PutUint64(dst[2:], a)
			binary.LittleEndian.PutUint64(dst[10:], b)
		}
	default:
		n.fillFloats(dst, t, deviation)
	}
}

func (n *noise) fillFloats(dst []byte, t Type, deviation float64) {
	// A uniform value of 24 bits, symmetric about 0: one exact conversion and one product,
	// so that no machine rounds it differently.
	scale := float32(deviation * math.Sqrt(3) / (1 << 23))
	for len(dst) > 0 {
		r := n.next()
		for range 2 {
			v := float32(int32(r)>>8|1) * scale
			r >>= 32
			switch t {
			case F16:
				binary.LittleEndian.PutUint16(dst, halfFromFloat(v))
			case BF16:
				binary.LittleEndian.PutUint16(dst, bfloatFromFloat(v))
			default:
				binary.LittleEndian.PutUint32(dst, math.Float32bits(v))
			}
			if dst = dst[t.BlockBytes():]; len(dst) == 0 {
				return
			}
		}
	}
}
