package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// maxHalf is the largest finite binary16: block scales beyond it cannot be stored.
const maxHalf = 65504

// Quantizable reports whether [Quantize] and [Dequantize] support t.
func Quantizable(t Type) bool {
	switch t {
	case F32, F16, BF16, Q8_0, Q4_0:
		return true
	}
	return false
}

// Quantize appends row, converted to t, to dst and returns the extended slice. It supports
// F32, F16, BF16, Q8_0 and Q4_0; the block formats are bit for bit those of ggml's
// reference functions (quantize_row_q8_0_ref, quantize_row_q4_0_ref). It fails for other
// types, for a length that is no whole number of blocks, and, with the block formats, for
// values that are not finite or too large for the scale. Cost: linear, no allocation
// where dst has room.
func Quantize(dst []byte, t Type, row []float32) ([]byte, error) {
	if !Quantizable(t) {
		return dst, fmt.Errorf("gguf: quantising to %s is not supported", t)
	}
	if len(row)%t.BlockLen() != 0 {
		return dst, fmt.Errorf("gguf: %d values are no multiple of %s's block of %d", len(row), t, t.BlockLen())
	}
	switch t {
	case F32:
		for _, v := range row {
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
		}
	case F16:
		for _, v := range row {
			dst = binary.LittleEndian.AppendUint16(dst, halfFromFloat(v))
		}
	case BF16:
		for _, v := range row {
			dst = binary.LittleEndian.AppendUint16(dst, bfloatFromFloat(v))
		}
	default:
		return quantizeBlocks(dst, t, row)
	}
	return dst, nil
}

func quantizeBlocks(dst []byte, t Type, row []float32) ([]byte, error) {
	n := t.BlockLen()
	for at := 0; at < len(row); at += n {
		block := row[at : at+n]
		extreme := float32(0) // the value of largest magnitude, the first of equals
		for _, v := range block {
			if v-v != 0 { // NaN or infinite
				return dst, fmt.Errorf("gguf: value %d is %v, which %s cannot hold", at, v, t)
			}
			if abs32(v) > abs32(extreme) {
				extreme = v
			}
		}
		var d float32
		if t == Q8_0 {
			d = abs32(extreme) / 127
		} else {
			d = extreme / -8
		}
		if abs32(d) > maxHalf {
			return dst, fmt.Errorf("gguf: value %v needs a scale beyond binary16 in %s", extreme, t)
		}
		dst = binary.LittleEndian.AppendUint16(dst, halfFromFloat(d))
		inverse := float32(0)
		if d != 0 {
			inverse = 1 / d
		}
		if t == Q8_0 {
			dst = appendQ8(dst, block, inverse)
		} else {
			dst = appendQ4(dst, block, inverse)
		}
	}
	return dst, nil
}

// appendQ8 writes 32 signed bytes: the values in units of the scale, halves away from zero.
func appendQ8(dst []byte, block []float32, inverse float32) []byte {
	for _, v := range block {
		dst = append(dst, byte(toInt8(math.Round(float64(v*inverse)))))
	}
	return dst
}

// appendQ4 writes 16 bytes: element i in the low half of byte i, element 16+i in the high one.
// The conversions keep compilers of machines with fused multiply-add from skipping the
// rounding between product and sum.
func appendQ4(dst []byte, block []float32, inverse float32) []byte {
	half := len(block) / 2
	for i := range half {
		low := min(15, toInt8(float64(float32(block[i]*inverse)+8.5)))
		high := min(15, toInt8(float64(float32(block[half+i]*inverse)+8.5)))
		dst = append(dst, byte(low)|byte(high)<<4)
	}
	return dst
}

// toInt8 truncates. Only a block of subnormals, whose scale has an infinite inverse, gives
// values beyond int8; C leaves their conversion open, and this is what it gives on x86.
func toInt8(v float64) int8 {
	if !(math.Abs(v) < 1<<31) {
		return 0
	}
	return int8(int32(v))
}

func abs32(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

// Dequantize converts src, which holds len(dst) elements of type t, to float32. It
// supports the types of [Quantize]; src must have exactly the size that t gives.
func Dequantize(dst []float32, t Type, src []byte) error {
	if !Quantizable(t) {
		return fmt.Errorf("gguf: dequantising %s is not supported", t)
	}
	n := t.BlockLen()
	if len(dst)%n != 0 || len(src) != len(dst)/n*t.BlockBytes() {
		return fmt.Errorf("gguf: %d bytes of %s do not hold %d values", len(src), t, len(dst))
	}
	for i := range len(dst) / n {
		block := src[i*t.BlockBytes() : (i+1)*t.BlockBytes()]
		switch t {
		case F32:
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(block))
		case F16:
			dst[i] = floatFromHalf(binary.LittleEndian.Uint16(block))
		case BF16:
			dst[i] = floatFromBfloat(binary.LittleEndian.Uint16(block))
		case Q8_0:
			d := floatFromHalf(binary.LittleEndian.Uint16(block))
			for j, q := range block[2:] {
				dst[i*n+j] = float32(int8(q)) * d
			}
		case Q4_0:
			d := floatFromHalf(binary.LittleEndian.Uint16(block))
			for j, q := range block[2:] {
				dst[i*n+j] = float32(int(q&15)-8) * d
				dst[i*n+n/2+j] = float32(int(q>>4)-8) * d
			}
		}
	}
	return nil
}
