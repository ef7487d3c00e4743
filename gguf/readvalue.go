package gguf

import (
	"encoding/binary"
	"math"
	"slices"
)

// value reads a value of a kind; depth counts the arrays around it.
func (d *decoder) value(kind valueKind, depth int) any {
	if d.err != nil {
		return nil
	}
	switch kind {
	case kindUint8:
		return scalar[uint8](d)
	case kindInt8:
		return scalar[int8](d)
	case kindUint16:
		return scalar[uint16](d)
	case kindInt16:
		return scalar[int16](d)
	case kindUint32:
		return d.uint32()
	case kindInt32:
		return int32(d.uint32())
	case kindFloat32:
		return math.Float32frombits(d.uint32())
	case kindUint64:
		return d.uint64()
	case kindInt64:
		return int64(d.uint64())
	case kindFloat64:
		return math.Float64frombits(d.uint64())
	case kindBool:
		if b := bools(d, 1); d.err == nil {
			return b[0]
		}
		return false
	case kindString:
		return d.text("StringBytes", d.limits.StringBytes)
	case kindArray:
		return d.array(depth + 1)
	}
	d.failf("unknown value type %d", uint32(kind))
	return nil
}

func (d *decoder) array(depth int) any {
	elem := valueKind(d.uint32())
	switch {
	case d.err != nil:
		return nil
	case !elem.known():
		d.failf("unknown element type %d", uint32(elem))
		return nil
	case depth > d.limits.ArrayDepth:
		d.fail(&LimitError{"ArrayDepth", uint64(d.limits.ArrayDepth), uint64(depth)})
		return nil
	}
	n := d.count("ArrayElements", d.limits.ArrayElements, kindBytes[elem])
	if d.err != nil {
		return nil
	}
	switch elem {
	case kindUint8:
		return numbers[uint8](d, n)
	case kindInt8:
		return numbers[int8](d, n)
	case kindUint16:
		return numbers[uint16](d, n)
	case kindInt16:
		return numbers[int16](d, n)
	case kindUint32:
		return numbers[uint32](d, n)
	case kindInt32:
		return numbers[int32](d, n)
	case kindUint64:
		return numbers[uint64](d, n)
	case kindInt64:
		return numbers[int64](d, n)
	case kindFloat32:
		return numbers[float32](d, n)
	case kindFloat64:
		return numbers[float64](d, n)
	case kindBool:
		return bools(d, n)
	case kindString:
		return textList(d, n)
	}
	out := make([]any, n)
	for i := 0; i < n && d.err == nil; i++ {
		out[i] = d.array(depth + 1)
	}
	return out
}

// textBlock is the number of bytes of short strings that share memory.
const textBlock = 16 << 10

// textList reads n strings. Those of a vocabulary are hundreds of thousands, of some bytes each: as many
// as fit into a block are cut out of one string.
func textList(d *decoder, n int) []string {
	out := make([]string, n)
	block := make([]byte, 0, min(textBlock, n*8))
	var ends []int // of the strings in the block
	first := 0     // of those
	flush := func() {
		all, from := string(block), 0
		for i, end := range ends {
			out[first+i], from = all[from:end], end
		}
		first += len(ends)
		block, ends = block[:0], ends[:0]
	}
	for range n {
		size := d.count("StringBytes", d.limits.StringBytes, 1)
		if len(block) > 0 && len(block)+size > textBlock {
			flush()
		}
		block = slices.Grow(block, size)[:len(block)+size]
		d.bytes(block[len(block)-size:])
		if d.err != nil {
			return out
		}
		ends = append(ends, len(block))
	}
	flush()
	return out
}

type number interface {
	uint8 | int8 | uint16 | int16 | uint32 | int32 | uint64 | int64 | float32 | float64
}

func scalar[T number](d *decoder) T {
	s := numbers[T](d, 1)
	if d.err != nil {
		return 0
	}
	return s[0]
}

// numbers reads n fixed-size values; that they are there was checked by count or is by bytes.
func numbers[T number](d *decoder, n int) []T {
	out := make([]T, n)
	raw := make([]byte, binary.Size(out))
	d.bytes(raw)
	if d.err == nil {
		if _, err := binary.Decode(raw, binary.LittleEndian, out); err != nil {
			d.fail(err)
		}
	}
	return out
}

func bools(d *decoder, n int) []bool {
	out := make([]bool, n)
	for i, b := range numbers[uint8](d, n) {
		if b > 1 {
			d.failf("a bool is %d, want 0 or 1", b)
			break
		}
		out[i] = b == 1
	}
	return out
}
