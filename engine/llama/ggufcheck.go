package llama

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// FileError says what is wrong with a GGUF file. Only its header is looked at here, for
// what the library would abort on instead of refusing; the library judges the rest.
type FileError struct {
	Path   string
	Offset int64 // bytes from the start of the file, where the reading stopped
	Reason string
	err    error
}

// Error implements error.
func (e *FileError) Error() string {
	return fmt.Sprintf("%s: damaged or not a gguf file: %s (byte %d)", e.Path, e.Reason, e.Offset)
}

// Unwrap returns the reading error, io.ErrUnexpectedEOF for a truncated file.
func (e *FileError) Unwrap() error { return e.err }

// Bounds of a GGUF header; the largest published ones have a few thousand tensors, 300,000
// array elements and 70 KB strings.
const (
	maxGGUFEntries = 1 << 20 // keys, and tensors
	maxGGUFString  = 64 << 20
	maxGGUFArray   = 1 << 28 // elements
)

// The GGUF value types that matter here.
const (
	ggufUint32  = 4
	ggufInt32   = 5
	ggufFloat32 = 6
	ggufString  = 8
	ggufArray   = 9
)

// maxLayers is llama.cpp's LLAMA_MAX_LAYERS: it asserts that block_count is 1 to this.
const maxLayers = 512

// maxHeads bounds head counts, whose product with the head size overflows 32 bits otherwise.
const maxHeads = 1 << 16

// noWeights are the ggml types without a dot product, which a matrix multiplication calls
// through a null pointer: Q8_1, Q8_K, I8 to I64, F64.
var noWeights = []uint32{9, 15, 24, 25, 26, 27, 28}

// ggufSizes are the sizes in bytes of the fixed-size value types, in the order of gguf_type;
// 0 for strings and arrays.
var ggufSizes = [...]int64{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8}

// A ggufValue is what the check remembers of a key: its type, the elements' type and count
// of an array, the text of a string, the bits of a uint32 or float32.
type ggufValue struct {
	kind, elem uint32
	n          uint64
	text       string
	bits       uint32
}

// A ggufHeader is what the check read.
type ggufHeader struct {
	keys     map[string]ggufValue
	repeated string // an entry that tokenizer.ggml.tokens has twice
	tensor   string // what is wrong with a tensor
}

// checkModelFile reads the header of a model file. Errors are the operating system's or a
// *FileError.
func checkModelFile(path string) error {
	h, err := readGGUFHeader(path)
	if err != nil {
		return err
	}
	if t := h.keys["general.type"]; t.kind == ggufString && t.text == "adapter" {
		return fmt.Errorf("%s is an adapter, not a model", path)
	}
	for _, problem := range []string{h.shapeProblem(), h.vocabularyProblem(), h.tensor} {
		if problem != "" {
			return &FileError{Path: path, Reason: problem}
		}
	}
	return nil
}

// shapeProblem tells which numbers the library would assert on, or overflow with.
func (h *ggufHeader) shapeProblem() string {
	arch := h.keys["general.architecture"].text
	if n, ok := h.keys[arch+".block_count"]; ok && (n.kind != ggufUint32 || n.bits < 1 || n.bits > maxLayers) {
		return fmt.Sprintf("it says that it has %d layers: 1 to %d", n.bits, maxLayers)
	}
	for _, name := range []string{".attention.head_count", ".attention.head_count_kv"} {
		if n := h.keys[arch+name]; n.kind == ggufUint32 && n.bits > maxHeads {
			return fmt.Sprintf("%s%s is %d: at most %d", arch, name, n.bits, maxHeads)
		}
	}
	for _, name := range []string{".attention.layer_norm_epsilon", ".attention.layer_norm_rms_epsilon"} {
		// not >= 0 rather than < 0: NaN is refused too
		if e := h.keys[arch+name]; e.kind == ggufFloat32 && !(math.Float32frombits(e.bits) >= 0) {
			return fmt.Sprintf("%s%s is %v: at least 0", arch, name, math.Float32frombits(e.bits))
		}
	}
	return ""
}

// vocabularyProblem tells what the library would read past the end of, or assert.
func (h *ggufHeader) vocabularyProblem() string {
	tokens, ok := h.keys["tokenizer.ggml.tokens"]
	if !ok {
		return ""
	}
	if tokens.kind != ggufArray || tokens.elem != ggufString {
		return "tokenizer.ggml.tokens is not an array of strings"
	}
	if h.repeated != "" {
		return fmt.Sprintf("tokenizer.ggml.tokens holds %q twice", h.repeated)
	}
	for key, elem := range map[string]uint32{"tokenizer.ggml.scores": ggufFloat32, "tokenizer.ggml.token_type": ggufInt32} {
		if v, ok := h.keys[key]; ok && (v.kind != ggufArray || v.elem != elem || v.n < tokens.n) {
			return fmt.Sprintf("%s has not one value for each of %d tokens", key, tokens.n)
		}
	}
	if v, ok := h.keys["tokenizer.ggml.merges"]; ok && (v.kind != ggufArray || v.elem != ggufString) {
		return "tokenizer.ggml.merges is not an array of strings"
	}
	return ""
}

// checkAdapterFile reads the header of a LoRA adapter.
func checkAdapterFile(path string) error {
	h, err := readGGUFHeader(path)
	if err != nil {
		return err
	}
	for key, want := range map[string]string{"general.type": "adapter", "adapter.type": "lora"} {
		if v := h.keys[key]; v.kind != ggufString || v.text != want {
			return fmt.Errorf("%s is not a LoRA adapter: %s is %q, not %q", path, key, v.text, want)
		}
	}
	if h.tensor != "" {
		return &FileError{Path: path, Reason: h.tensor}
	}
	if v, ok := h.keys["general.architecture"]; !ok || v.kind != ggufString {
		return &FileError{Path: path, Reason: "general.architecture is not a string"}
	}
	if v, ok := h.keys["adapter.lora.alpha"]; ok && v.kind != ggufFloat32 {
		return &FileError{Path: path, Reason: "adapter.lora.alpha is not a float32"}
	}
	return nil
}

// readGGUFHeader reads the keys of a GGUF file without keeping arrays.
func readGGUFHeader(path string) (*ggufHeader, error) {
	if err := readable(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	h, offset, err := scanGGUF(f, info.Size())
	if err != nil {
		return nil, &FileError{Path: path, Offset: offset, Reason: err.Error(), err: errors.Unwrap(err)}
	}
	return h, nil
}

// scanGGUF reads the keys of a file of size bytes; offset is where it stopped.
func scanGGUF(r io.Reader, size int64) (h *ggufHeader, offset int64, err error) {
	s := &ggufScanner{r: bufio.NewReaderSize(r, 1<<16), left: size}
	h = s.header()
	return h, size - s.left, s.err
}

// A ggufScanner reads a header; after the first error everything it reads is zero.
type ggufScanner struct {
	r    *bufio.Reader
	left int64 // bytes to the end of the file
	err  error
}

func (s *ggufScanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// take tells whether n more bytes are there, and counts them as read.
func (s *ggufScanner) take(n int64) bool {
	if s.err == nil && n > s.left {
		s.fail("the file ends too early: %w", io.ErrUnexpectedEOF)
	}
	if s.err != nil {
		return false
	}
	s.left -= n
	return true
}

func (s *ggufScanner) read(b []byte) {
	if s.take(int64(len(b))) {
		if _, err := io.ReadFull(s.r, b); err != nil {
			s.fail("%w", err)
			clear(b)
		}
	}
}

func (s *ggufScanner) skip(n int64) {
	for s.take(min(n, 1<<30)) && n > 0 {
		part := min(n, 1<<30)
		if _, err := s.r.Discard(int(part)); err != nil {
			s.fail("%w", err)
		}
		n -= part
	}
}

func (s *ggufScanner) u32() uint32 {
	var b [4]byte
	s.read(b[:])
	return binary.LittleEndian.Uint32(b[:])
}

func (s *ggufScanner) u64() uint64 {
	var b [8]byte
	s.read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

func (s *ggufScanner) string() string {
	n := s.u64()
	if n > maxGGUFString {
		s.fail("a string of %d bytes: at most %d", n, maxGGUFString)
	}
	if s.err != nil || int64(n) > s.left {
		s.take(int64(min(n, maxGGUFString)))
		return ""
	}
	b := make([]byte, n)
	s.read(b)
	return string(b)
}

func (s *ggufScanner) header() *ggufHeader {
	h := &ggufHeader{keys: make(map[string]ggufValue)}
	var magic [4]byte
	if s.read(magic[:]); s.err == nil && string(magic[:]) != "GGUF" {
		s.fail("it does not start with GGUF")
	}
	if version := s.u32(); s.err == nil && version != 2 && version != 3 {
		s.fail("its gguf version is %d: 2 or 3 is known", version)
	}
	tensors, keys := s.u64(), s.u64()
	if tensors > maxGGUFEntries || keys > maxGGUFEntries {
		s.fail("%d tensors and %d keys: at most %d", tensors, keys, maxGGUFEntries)
	}
	for range keys {
		if s.err != nil {
			break
		}
		key := s.string()
		if _, twice := h.keys[key]; twice {
			s.fail("key %q is there twice", key)
		}
		h.keys[key] = s.value(key, h)
	}
	for range tensors {
		if s.err != nil {
			break
		}
		if problem := s.tensor(); h.tensor == "" {
			h.tensor = problem
		}
	}
	return h
}

// tensor reads an entry of the tensor table and tells what is wrong with it. Whether names,
// shapes and offsets are right is the library's to check.
func (s *ggufScanner) tensor() (problem string) {
	name, dims := s.string(), s.u32()
	if dims > 4 {
		s.fail("tensor %q has %d dimensions: at most 4", name, dims)
	}
	for range min(dims, 4) {
		s.u64()
	}
	kind := s.u32()
	s.u64() // offset
	// Hash-routed expert tables are weights in name only.
	if dims >= 2 && slices.Contains(noWeights, kind) && !strings.Contains(name, "tid2eid") {
		return fmt.Sprintf("tensor %q has type %d, which cannot be multiplied", name, kind)
	}
	return ""
}

func (s *ggufScanner) value(key string, h *ggufHeader) ggufValue {
	v := ggufValue{kind: s.u32()}
	switch {
	case s.err != nil:
	case v.kind == ggufString:
		v.text = s.string()
	case v.kind == ggufUint32 || v.kind == ggufFloat32:
		v.bits = s.u32()
	case v.kind == ggufArray:
		v.elem, v.n = s.u32(), s.u64()
		s.array(key, v, h)
	case int(v.kind) < len(ggufSizes):
		s.skip(ggufSizes[v.kind])
	default:
		s.fail("key %q has unknown type %d", key, v.kind)
	}
	return v
}

// array skips the elements. Only the entries of the vocabulary are looked at.
func (s *ggufScanner) array(key string, v ggufValue, h *ggufHeader) {
	switch {
	case s.err != nil:
	case v.n > maxGGUFArray:
		s.fail("key %q is an array of %d elements: at most %d", key, v.n, maxGGUFArray)
	case v.elem == ggufString && key == "tokenizer.ggml.tokens":
		h.repeated = s.repeated(v.n)
	case v.elem == ggufString:
		for i := uint64(0); i < v.n && s.err == nil; i++ {
			n := s.u64()
			if n > maxGGUFString {
				s.fail("key %q holds a string of %d bytes: at most %d", key, n, maxGGUFString)
				return
			}
			s.skip(int64(n))
		}
	case int(v.elem) < len(ggufSizes) && v.elem != ggufArray:
		s.skip(ggufSizes[v.elem] * int64(v.n))
	default:
		s.fail("key %q is an array of unknown type %d", key, v.elem)
	}
}

// repeated reads n strings and returns one that is there twice. The library takes them as C
// strings, and gives empty ones a name of their own.
func (s *ggufScanner) repeated(n uint64) (twice string) {
	seen := make(map[string]struct{}, min(n, 1<<18))
	for i := uint64(0); i < n && s.err == nil; i++ {
		text, _, _ := strings.Cut(s.string(), "\x00")
		if text == "" {
			text = fmt.Sprintf("[EMPTY_%d]", i)
		}
		if _, ok := seen[text]; ok {
			twice = text
		}
		seen[text] = struct{}{}
	}
	return twice
}
