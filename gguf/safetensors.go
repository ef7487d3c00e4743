package gguf

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
)

const (
	// maxSafetensorsHeader bounds the JSON header, in bytes: the format's own bound.
	maxSafetensorsHeader = 100_000_000
	// maxSafetensorsDims bounds a tensor's dimensions; models have at most 4.
	maxSafetensorsDims = 8
)

// Safetensors is a parsed file of tensors in Hugging Face's safetensors format: the header in
// memory, data on demand. It is immutable and safe for concurrent use.
type Safetensors struct {
	Tensors  []SafeTensor // in the order of their data
	Metadata map[string]string

	index  map[string]int
	data   int64 // bytes before the data section
	source io.ReaderAt
	closer io.Closer
}

// SafeTensor describes one tensor of a [Safetensors] file.
type SafeTensor struct {
	Name   string
	DType  string  // "F32", "F16", "BF16" and others
	Shape  []int64 // rows first, the order of PyTorch; none for a single number
	Offset int64   // bytes from the start of the data section
	Bytes  int64
}

// safeTypes gives the bytes of one element of each of the format's types that take whole bytes.
var safeTypes = map[string]int64{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
	"I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8,
}

// OpenSafetensors reads the header of the file at path and keeps it open for the tensors' data.
func OpenSafetensors(path string) (*Safetensors, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	info, err := f.Stat()
	if err == nil {
		var s *Safetensors
		if s, err = ReadSafetensors(f, info.Size()); err == nil {
			s.closer = f
			return s, nil
		}
	}
	f.Close()
	return nil, fmt.Errorf("%w (%s)", err, path)
}

// ReadSafetensors parses a file of size bytes. It fails unless the tensors fill the data section
// exactly, one after the other, as the format demands; so nothing can hide between them. Cost:
// memory of a few times the header's size, which the file's size bounds.
func ReadSafetensors(source io.ReaderAt, size int64) (*Safetensors, error) {
	s := &Safetensors{source: source, index: map[string]int{}}
	if err := s.parse(size); err != nil {
		return nil, fmt.Errorf("gguf: safetensors: %w", err)
	}
	return s, nil
}

func (s *Safetensors) parse(size int64) error {
	var length [8]byte
	if size < int64(len(length)) {
		return fmt.Errorf("%d bytes are no safetensors file", size)
	}
	if err := readFullAt(s.source, length[:], 0); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxSafetensorsHeader {
		return fmt.Errorf("a header of %d bytes, more than %d", n, maxSafetensorsHeader)
	}
	s.data = int64(len(length)) + int64(n)
	if s.data > size {
		return fmt.Errorf("a header of %d bytes in a file of %d", n, size)
	}
	header := make([]byte, n)
	if err := readFullAt(s.source, header, int64(len(length))); err != nil {
		return err
	}
	if err := s.parseHeader(header); err != nil {
		return err
	}
	end := int64(0)
	for _, t := range s.Tensors {
		if t.Offset != end {
			return fmt.Errorf("tensor %q starts at %d, the one before it ends at %d", t.Name, t.Offset, end)
		}
		end += t.Bytes // no overflow: parseTensor keeps every end below MaxInt64
	}
	if end != size-s.data {
		return fmt.Errorf("the tensors take %d bytes, the file has %d for them", end, size-s.data)
	}
	return nil
}

// parseHeader walks the object by hand, for encoding/json would take the last of two equal names.
func (s *Safetensors) parseHeader(header []byte) error {
	dec := json.NewDecoder(strings.NewReader(string(header)))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return errors.New("the header is no JSON object")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("the header: %w", err)
		}
		name, _ := key.(string)
		if name == "__metadata__" {
			if err := dec.Decode(&s.Metadata); err != nil {
				return fmt.Errorf("the metadata: %w", err)
			}
			continue
		}
		t, err := parseSafeTensor(name, dec)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if _, twice := s.index[name]; twice {
			return fmt.Errorf("tensor %q is there twice", name)
		}
		if len(s.Tensors) == defaultTensors {
			return fmt.Errorf("more than %d tensors", defaultTensors)
		}
		s.index[name] = 0
		s.Tensors = append(s.Tensors, t)
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("the header: %w", err)
	}
	if rest := header[dec.InputOffset():]; strings.Trim(string(rest), " \x00") != "" {
		return errors.New("text after the header's object")
	}
	slices.SortStableFunc(s.Tensors, func(a, b SafeTensor) int {
		return compareInts(a.Offset, b.Offset, a.Bytes, b.Bytes)
	})
	for i, t := range s.Tensors {
		s.index[t.Name] = i
	}
	return nil
}

// compareInts orders by the first pair, then by the second: tensors without bytes come before the
// one that starts where they do.
func compareInts(a, b, c, d int64) int {
	switch {
	case a != b && a < b, a == b && c < d:
		return -1
	case a != b || c != d:
		return 1
	}
	return 0
}

func parseSafeTensor(name string, dec *json.Decoder) (SafeTensor, error) {
	var in struct {
		DType   string  `json:"dtype"`
		Shape   []int64 `json:"shape"`
		Offsets []int64 `json:"data_offsets"`
	}
	if err := dec.Decode(&in); err != nil {
		return SafeTensor{}, err
	}
	size, ok := safeTypes[in.DType]
	if !ok {
		return SafeTensor{}, fmt.Errorf("type %q is not one of %s", in.DType, strings.Join(slices.Sorted(maps.Keys(safeTypes)), ", "))
	}
	if len(in.Shape) > maxSafetensorsDims {
		return SafeTensor{}, fmt.Errorf("%d dimensions, more than %d", len(in.Shape), maxSafetensorsDims)
	}
	for _, n := range in.Shape {
		if n < 0 || n > 0 && size > math.MaxInt64/n {
			return SafeTensor{}, fmt.Errorf("shape %v", in.Shape)
		}
		size *= n
	}
	if len(in.Offsets) != 2 || in.Offsets[0] < 0 || in.Offsets[1] < in.Offsets[0] {
		return SafeTensor{}, fmt.Errorf("data_offsets %v are no start and end", in.Offsets)
	}
	if have := in.Offsets[1] - in.Offsets[0]; have != size {
		return SafeTensor{}, fmt.Errorf("%d bytes of data for shape %v of %s", have, in.Shape, in.DType)
	}
	return SafeTensor{name, in.DType, in.Shape, in.Offsets[0], size}, nil
}

func readFullAt(r io.ReaderAt, p []byte, at int64) error {
	if n, err := r.ReadAt(p, at); n < len(p) {
		return err
	}
	return nil
}

// Close releases the file that [OpenSafetensors] opened; after [ReadSafetensors] it does nothing.
func (s *Safetensors) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}

// Tensor returns the description of a tensor by name.
func (s *Safetensors) Tensor(name string) (SafeTensor, bool) {
	i, ok := s.index[name]
	if !ok {
		return SafeTensor{}, false
	}
	return s.Tensors[i], true
}

// Floats reads a whole tensor of type F32, F16 or BF16, rows first. Cost: its bytes plus 4 for
// each element in memory.
func (s *Safetensors) Floats(name string) ([]float32, error) {
	t, ok := s.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("gguf: safetensors: no tensor %q", name)
	}
	typ, err := ParseType(t.DType)
	if err != nil || typ != F32 && typ != F16 && typ != BF16 {
		return nil, fmt.Errorf("gguf: safetensors: tensor %q has type %s, want F32, F16 or BF16", name, t.DType)
	}
	raw := make([]byte, t.Bytes)
	if err := readFullAt(s.source, raw, s.data+t.Offset); err != nil {
		return nil, fmt.Errorf("gguf: safetensors: tensor %q: %w", name, err)
	}
	out := make([]float32, len(raw)/typ.BlockBytes())
	return out, Dequantize(out, typ, raw)
}
