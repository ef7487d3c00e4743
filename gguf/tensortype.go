package gguf

import (
	"fmt"
	"math"
	"strings"
)

// Type is the element type of a tensor, numbered as ggml's enum ggml_type. Quantised types
// store blocks: BlockLen elements in BlockBytes bytes.
type Type uint32

// The types of ggml. Numbers that are missing were retired upstream.
const (
	F32     Type = 0
	F16     Type = 1
	Q4_0    Type = 2
	Q4_1    Type = 3
	Q5_0    Type = 6
	Q5_1    Type = 7
	Q8_0    Type = 8
	Q8_1    Type = 9
	Q2_K    Type = 10
	Q3_K    Type = 11
	Q4_K    Type = 12
	Q5_K    Type = 13
	Q6_K    Type = 14
	Q8_K    Type = 15
	IQ2_XXS Type = 16
	IQ2_XS  Type = 17
	IQ3_XXS Type = 18
	IQ1_S   Type = 19
	IQ4_NL  Type = 20
	IQ3_S   Type = 21
	IQ2_S   Type = 22
	IQ4_XS  Type = 23
	I8      Type = 24
	I16     Type = 25
	I32     Type = 26
	I64     Type = 27
	F64     Type = 28
	IQ1_M   Type = 29
	BF16    Type = 30
	TQ1_0   Type = 34
	TQ2_0   Type = 35
	MXFP4   Type = 39
	NVFP4   Type = 40
	Q1_0    Type = 41
	Q2_0    Type = 42
)

// layout is how a type lies in memory.
type layout struct {
	name  string
	block int // elements per block
	bytes int // bytes per block
}

// layouts is indexed by Type; a zero entry is a number that ggml does not use. The sizes
// are those that ggml_blck_size and ggml_type_size report in llama.cpp 0.5.0.
var layouts = [...]layout{
	F32: {"F32", 1, 4}, F16: {"F16", 1, 2}, BF16: {"BF16", 1, 2}, F64: {"F64", 1, 8},
	I8: {"I8", 1, 1}, I16: {"I16", 1, 2}, I32: {"I32", 1, 4}, I64: {"I64", 1, 8},
	Q4_0: {"Q4_0", 32, 18}, Q4_1: {"Q4_1", 32, 20}, Q5_0: {"Q5_0", 32, 22}, Q5_1: {"Q5_1", 32, 24},
	Q8_0: {"Q8_0", 32, 34}, Q8_1: {"Q8_1", 32, 36},
	Q2_K: {"Q2_K", 256, 84}, Q3_K: {"Q3_K", 256, 110}, Q4_K: {"Q4_K", 256, 144},
	Q5_K: {"Q5_K", 256, 176}, Q6_K: {"Q6_K", 256, 210}, Q8_K: {"Q8_K", 256, 292},
	IQ2_XXS: {"IQ2_XXS", 256, 66}, IQ2_XS: {"IQ2_XS", 256, 74}, IQ2_S: {"IQ2_S", 256, 82},
	IQ3_XXS: {"IQ3_XXS", 256, 98}, IQ3_S: {"IQ3_S", 256, 110},
	IQ1_S: {"IQ1_S", 256, 50}, IQ1_M: {"IQ1_M", 256, 56},
	IQ4_NL: {"IQ4_NL", 32, 18}, IQ4_XS: {"IQ4_XS", 256, 136},
	TQ1_0: {"TQ1_0", 256, 54}, TQ2_0: {"TQ2_0", 256, 66},
	MXFP4: {"MXFP4", 32, 17}, NVFP4: {"NVFP4", 64, 36},
	Q1_0: {"Q1_0", 128, 18}, Q2_0: {"Q2_0", 64, 18},
}

func (t Type) layout() layout {
	if int64(t) < int64(len(layouts)) {
		return layouts[t]
	}
	return layout{}
}

// Known reports whether t is a type whose size this package knows.
func (t Type) Known() bool { return t.layout().block > 0 }

// BlockLen returns the elements of one block: 1 for plain numbers, 0 for unknown types.
func (t Type) BlockLen() int { return t.layout().block }

// BlockBytes returns the bytes of one block, 0 for unknown types.
func (t Type) BlockBytes() int { return t.layout().bytes }

// String returns ggml's name in upper case, such as "Q8_0", or "type 99" for unknown ones.
func (t Type) String() string {
	if l := t.layout(); l.block > 0 {
		return l.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// ParseType returns the type of a name such as "q8_0", in any case.
func ParseType(name string) (Type, error) {
	for t, l := range layouts {
		if l.block > 0 && strings.EqualFold(l.name, name) {
			return Type(t), nil
		}
	}
	return 0, fmt.Errorf("gguf: unknown tensor type %q", name)
}

// Bytes returns how many bytes a tensor of this type and shape takes, shape[0] being the
// length of a row (ggml's ne[0], the fastest dimension). It fails for unknown types, for
// rows that are no whole number of blocks, and where the size does not fit an int64.
func (t Type) Bytes(shape ...int64) (int64, error) {
	l := t.layout()
	if l.block == 0 {
		return 0, fmt.Errorf("gguf: tensor %s is not known", t)
	}
	if len(shape) == 0 || len(shape) > MaxDims {
		return 0, fmt.Errorf("gguf: %d dimensions, want 1 to %d", len(shape), MaxDims)
	}
	elements := int64(1)
	for i, n := range shape {
		if n < 1 {
			return 0, fmt.Errorf("gguf: dimension %d is %d", i, n)
		}
		if elements > math.MaxInt64/n {
			return 0, fmt.Errorf("gguf: shape %v has too many elements", shape)
		}
		elements *= n
	}
	if shape[0]%int64(l.block) != 0 {
		return 0, fmt.Errorf("gguf: a row of %d elements is no multiple of %s's block of %d", shape[0], t, l.block)
	}
	blocks := elements / int64(l.block)
	if blocks > math.MaxInt64/int64(l.bytes) {
		return 0, fmt.Errorf("gguf: shape %v of %s is too large", shape, t)
	}
	return blocks * int64(l.bytes), nil
}
