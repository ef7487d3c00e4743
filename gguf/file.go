package gguf

import (
	"fmt"
	"io"
	"math"
)

// Pair is one metadata entry. Value is one of: uint8, int8, uint16, int16, uint32, int32,
// uint64, int64, float32, float64, bool, string; a slice of one of these; or []any, an
// array of arrays, each element again a slice. A Writer accepts exactly the same.
type Pair struct {
	Key   string
	Value any
}

// Tensor describes one tensor of a file.
type Tensor struct {
	Name   string
	Type   Type
	Shape  []int64 // elements per dimension, the fastest first (ggml's ne): 1 to MaxDims entries
	Offset int64   // bytes from the start of the data section
	Bytes  int64   // size of the data without padding
}

// Elements returns the number of elements.
func (t Tensor) Elements() int64 {
	n := int64(1)
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// File is a parsed GGUF file: metadata and tensor descriptions in memory, data on demand.
// It is immutable and safe for concurrent use; the slices must not be changed.
type File struct {
	Version    uint32
	Alignment  int64 // bytes
	Size       int64 // bytes of the whole file
	DataOffset int64 // bytes from the start of the file to the data section
	Metadata   []Pair
	Tensors    []Tensor

	keys, names map[string]int
	source      io.ReaderAt
	closer      io.Closer
}

// Close releases the file that [Open] opened; after [Read] it does nothing.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// Tensor returns the description of a tensor by name.
func (f *File) Tensor(name string) (Tensor, bool) {
	i, ok := f.names[name]
	if !ok {
		return Tensor{}, false
	}
	return f.Tensors[i], true
}

// Data returns a reader of the tensor's bytes, valid until Close. Several can be read at once.
func (f *File) Data(t Tensor) *io.SectionReader {
	return io.NewSectionReader(f.source, f.DataOffset+t.Offset, t.Bytes)
}

// Floats reads a whole tensor as float32, in file order. It supports the types of
// [Dequantize]. Cost: the tensor's bytes plus 4 per element in memory.
func (f *File) Floats(name string) ([]float32, error) {
	t, ok := f.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("gguf: no tensor %q", name)
	}
	raw := make([]byte, t.Bytes)
	if _, err := io.ReadFull(f.Data(t), raw); err != nil {
		return nil, fmt.Errorf("gguf: tensor %q: %w", name, err)
	}
	out := make([]float32, t.Elements())
	if err := Dequantize(out, t.Type, raw); err != nil {
		return nil, fmt.Errorf("gguf: tensor %q: %w", name, err)
	}
	return out, nil
}

// Value returns a metadata value by key; for its types see [Pair].
func (f *File) Value(key string) (any, bool) {
	i, ok := f.keys[key]
	if !ok {
		return nil, false
	}
	return f.Metadata[i].Value, true
}

// Lookup returns a metadata value if it is there and of type T.
func Lookup[T any](f *File, key string) (T, bool) {
	v, _ := f.Value(key)
	t, ok := v.(T)
	return t, ok
}

// Text returns a string value, or "" if the key is absent or of another type.
func (f *File) Text(key string) string {
	s, _ := Lookup[string](f, key)
	return s
}

// Uint returns a non-negative integer of any width; a bool or a float is none.
func (f *File) Uint(key string) (uint64, bool) {
	v, _ := f.Value(key)
	return asUint(v)
}

// Float returns a float of either width.
func (f *File) Float(key string) (float64, bool) {
	switch v, _ := f.Value(key); v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// Uints returns an array of non-negative integers of any width; a single integer gives an
// array of one. Keys such as attention.head_count_kv come in both forms.
func (f *File) Uints(key string) ([]uint64, bool) {
	v, ok := f.Value(key)
	if !ok {
		return nil, false
	}
	if u, ok := asUint(v); ok {
		return []uint64{u}, true
	}
	switch v := v.(type) {
	case []uint8:
		return widen(v)
	case []uint16:
		return widen(v)
	case []uint32:
		return widen(v)
	case []uint64:
		return widen(v)
	case []int8:
		return widen(v)
	case []int16:
		return widen(v)
	case []int32:
		return widen(v)
	case []int64:
		return widen(v)
	}
	return nil, false
}

type integer interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int8 | ~int16 | ~int32 | ~int64
}

func widen[T integer](in []T) ([]uint64, bool) {
	out := make([]uint64, len(in))
	for i, v := range in {
		if v < 0 {
			return nil, false
		}
		out[i] = uint64(v)
	}
	return out, true
}

func asUint(v any) (uint64, bool) {
	var i int64
	switch v := v.(type) {
	case uint8:
		return uint64(v), true
	case uint16:
		return uint64(v), true
	case uint32:
		return uint64(v), true
	case uint64:
		return v, true
	case int8:
		i = int64(v)
	case int16:
		i = int64(v)
	case int32:
		i = int64(v)
	case int64:
		i = v
	default:
		return 0, false
	}
	return uint64(i), i >= 0
}

// alignUp rounds n up to a multiple of alignment, a power of two; ok is false on overflow.
func alignUp(n, alignment int64) (up int64, ok bool) {
	if n > math.MaxInt64-alignment {
		return 0, false
	}
	return (n + alignment - 1) &^ (alignment - 1), true
}
