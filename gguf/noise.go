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

// The standard deviations of the stored integers that a noiseSource draws, which are uniform:
// odd numbers from -127 to 127 for Q8_0, -8 to 7 for Q4_0 (about 0, by the scale's sign).
var (
	deviationQ8 = math.Sqrt((128*128 - 1) / 3.0)
	deviationQ4 = math.Sqrt((16*16-1)/12.0 + 0.25)
)

// noiseSource draws the data of one tensor: elements with mean 0 and a given standard
// deviation. The values are uniform, not normal: sums over a row, which are all that a
// model sees, are normal anyway, and quantised blocks can be drawn directly, at the speed
// of the generator.
type noiseSource struct {
	noise  noise
	typ    Type
	scale  uint16 // of the block formats, as binary16
	levels []byte // of the plain formats: levelCount values, ready to store
}

// levelCount is how many different values a plain format draws: 5 draws take 60 of 64 bits.
const (
	levelBits  = 12
	levelCount = 1 << levelBits
)

// newNoiseSource returns the source of a tensor; t must be Quantizable.
func newNoiseSource(seed uint64, tensor string, t Type, deviation float64) *noiseSource {
	s := &noiseSource{noise: newNoise(seed, tensor), typ: t}
	switch t {
	case Q8_0:
		s.scale = halfFromFloat(float32(deviation / deviationQ8))
	case Q4_0:
		s.scale = halfFromFloat(float32(deviation / deviationQ4))
	default:
		// Evenly spaced and symmetric about 0. One product, of an exact integer, so that no
		// machine rounds it differently.
		step := float32(deviation * math.Sqrt(3) / levelCount)
		values := make([]float32, levelCount)
		for i := range values {
			values[i] = float32(2*i+1-levelCount) * step
		}
		s.levels, _ = Quantize(nil, t, values) // plain formats take every value
	}
	return s
}

// fill draws elements until dst, a whole number of blocks, is full.
func (s *noiseSource) fill(dst []byte) {
	switch s.typ {
	case Q8_0:
		for ; len(dst) > 0; dst = dst[34:] {
			binary.LittleEndian.PutUint16(dst, s.scale)
			for i := 2; i < 34; i += 8 {
				// Odd bytes only: symmetric about 0, and never -128, which quantising never gives.
				binary.LittleEndian.PutUint64(dst[i:], s.noise.next()|0x0101010101010101)
			}
		}
	case Q4_0:
		for ; len(dst) > 0; dst = dst[18:] {
			a, b := s.noise.next(), s.noise.next()
			// The stored integers have mean -1/2; a random sign of the scale takes it out.
			sign := uint16((a^b)>>63) << 15
			binary.LittleEndian.PutUint16(dst, s.scale|sign)
			binary.LittleEndian.PutUint64(dst[2:], a)
			binary.LittleEndian.PutUint64(dst[10:], b)
		}
	default:
		s.fillPlain(dst)
	}
}

func (s *noiseSource) fillPlain(dst []byte) {
	size := s.typ.BlockBytes()
	for {
		r := s.noise.next()
		for range 64 / levelBits {
			if len(dst) == 0 {
				return
			}
			at := int(r%levelCount) * size
			copy(dst[:size], s.levels[at:at+size])
			dst, r = dst[size:], r>>levelBits
		}
	}
}
