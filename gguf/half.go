package gguf

import "math"

// halfFromFloat rounds to IEEE 754 binary16, to nearest, ties to even, as the F16C
// instructions and ggml do. Overflow gives infinity; NaN stays NaN (quiet).
func halfFromFloat(f float32) uint16 {
	bits := math.Float32bits(f)
	sign := uint16(bits>>16) & 0x8000
	exp := int(bits>>23) & 0xff
	man := bits & 0x7fffff
	switch {
	case exp == 0xff && man != 0:
		return sign | 0x7e00 | uint16(man>>13)
	case exp > 127+15:
		return sign | 0x7c00
	case exp >= 127-14: // a normal number; the carry of rounding may make it infinity
		return sign | uint16(roundShift(uint32(exp-127+15)<<23|man, 13))
	case exp >= 127-25: // a subnormal one, or one that rounds up to the smallest
		return sign | uint16(roundShift(man|0x800000, uint(127-14-exp)+13))
	}
	return sign
}

// roundShift shifts right by n bits, rounding to nearest, ties to even.
func roundShift(v uint32, n uint) uint32 {
	out := v >> n
	rest, tie := v&(1<<n-1), uint32(1)<<(n-1)
	if rest > tie || rest == tie && out&1 == 1 {
		out++
	}
	return out
}

// floatFromHalf widens an IEEE 754 binary16; every value is exact.
func floatFromHalf(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 0x1f
	man := uint32(h) & 0x3ff
	switch {
	case exp == 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | man<<13)
	case exp != 0:
		return math.Float32frombits(sign | (exp+127-15)<<23 | man<<13)
	}
	v := float32(man) * (1.0 / (1 << 24)) // subnormal: man * 2^-24, exact in float32
	return math.Float32frombits(sign | math.Float32bits(v))
}

// bfloatFromFloat rounds to bfloat16, to nearest, ties to even; NaN stays NaN (quiet).
func bfloatFromFloat(f float32) uint16 {
	bits := math.Float32bits(f)
	if bits&0x7fffffff > 0x7f800000 {
		return uint16(bits>>16) | 64
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// floatFromBfloat widens a bfloat16; every value is exact.
func floatFromBfloat(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }
