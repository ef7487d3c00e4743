package gguf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Writer writes a GGUF file, version 3, as a stream: it never seeks and holds no tensor
// data. Use it in this order: Set and AddTensor for everything that the file will hold,
// WriteTensor for each tensor in the order of AddTensor, Close.
//
// The first error sticks and is returned by WriteTensor and Close, so that calls of Set
// and AddTensor need no check of their own. A Writer is for one goroutine.
type Writer struct {
	out       io.Writer
	pos       int64 // bytes written
	pairs     []Pair
	tensors   []Tensor
	seen      map[string]bool // keys and, behind a zero byte, tensor names
	alignment int64
	dataBytes int64
	next      int // index of the tensor that WriteTensor writes next
	begun     bool
	err       error
}

// NewWriter returns a Writer of a file that starts at w's current position. It does not
// buffer: give it a buffered writer if the pieces that WriteTensor gets are small.
func NewWriter(w io.Writer) *Writer {
	return &Writer{out: w, seen: map[string]bool{}, alignment: defaultAlignment}
}

func (w *Writer) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("gguf: "+format, args...)
	}
}

// Set adds a metadata pair; for the types of value see [Pair]. The order of calls is the
// order in the file. Setting [KeyAlignment] sets the alignment; it must come before AddTensor.
func (w *Writer) Set(key string, value any) {
	if w.begun {
		w.fail("key %q set after the first tensor's data", key)
		return
	}
	if key == "" || len(key) > defaultKeyBytes {
		w.fail("a key of %d bytes, want 1 to %d", len(key), defaultKeyBytes)
		return
	}
	if w.seen[key] {
		w.fail("key %q set twice", key)
		return
	}
	w.seen[key] = true
	if _, _, _, err := kindOf(value); err != nil {
		w.fail("key %q: %v", key, err)
		return
	}
	if key == KeyAlignment {
		a, ok := asUint(value)
		if !ok || a == 0 || a > maxAlignment || a&(a-1) != 0 || len(w.tensors) > 0 {
			w.fail("key %q: want a power of two up to %d, before the tensors", key, maxAlignment)
			return
		}
		w.alignment = int64(a)
	}
	w.pairs = append(w.pairs, Pair{key, value})
}

// AddTensor describes a tensor of the given shape, its row length first (ggml's ne).
func (w *Writer) AddTensor(name string, t Type, shape ...int64) {
	switch {
	case w.begun:
		w.fail("tensor %q added after the first tensor's data", name)
		return
	case name == "" || len(name) > MaxTensorName:
		w.fail("tensor %q has a name of %d bytes, want 1 to %d", name, len(name), MaxTensorName)
		return
	case w.seen["\x00"+name]:
		w.fail("tensor %q added twice", name)
		return
	}
	w.seen["\x00"+name] = true
	size, err := t.Bytes(shape...)
	if err != nil {
		w.fail("tensor %q: %w", name, err)
		return
	}
	w.tensors = append(w.tensors, Tensor{name, t, append([]int64(nil), shape...), w.dataBytes, size})
	padded, ok := alignUp(size, w.alignment)
	if !ok || padded > math.MaxInt64-w.dataBytes {
		w.fail("tensor %q makes the file too large", name)
		return
	}
	w.dataBytes += padded
}

// Tensors returns the tensors added so far, with their sizes and offsets.
func (w *Writer) Tensors() []Tensor { return w.tensors }

// DataBytes returns the size of the data section, padding included.
func (w *Writer) DataBytes() int64 { return w.dataBytes }

// WriteTensor calls fill to write the data of a tensor, the next one in the order of
// AddTensor. fill must write exactly the tensor's bytes; its error is returned wrapped.
func (w *Writer) WriteTensor(name string, fill func(io.Writer) error) error {
	w.begin()
	if w.err == nil && (w.next >= len(w.tensors) || w.tensors[w.next].Name != name) {
		w.fail("tensor %q written out of order", name)
	}
	if w.err != nil {
		return w.err
	}
	t := w.tensors[w.next]
	w.next++
	out := &exactWriter{w: w, left: t.Bytes}
	if err := fill(out); err != nil {
		w.fail("tensor %q: %w", name, err)
	} else if out.left > 0 {
		w.fail("tensor %q lacks %d of %d bytes", name, out.left, t.Bytes)
	}
	w.pad()
	return w.err
}

// Close writes what is outstanding of the header and checks that every tensor was
// written. It does not close the underlying writer.
func (w *Writer) Close() error {
	w.begin()
	if w.err == nil && w.next < len(w.tensors) {
		w.fail("%d of %d tensors were not written", len(w.tensors)-w.next, len(w.tensors))
	}
	err := w.err
	if err == nil {
		w.err = errors.New("gguf: the writer is closed")
	}
	return err
}

// exactWriter passes on the data of one tensor and refuses more than its size.
type exactWriter struct {
	w    *Writer
	left int64
}

func (e *exactWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > e.left {
		return 0, fmt.Errorf("%d bytes more than the tensor has", int64(len(p))-e.left)
	}
	n, err := e.w.out.Write(p)
	e.left -= int64(n)
	e.w.pos += int64(n)
	return n, err
}

// begin writes everything before the tensor data, once.
func (w *Writer) begin() {
	if w.begun || w.err != nil {
		return
	}
	w.begun = true
	head := append([]byte(nil), magic...)
	head = binary.LittleEndian.AppendUint32(head, versionRead)
	head = binary.LittleEndian.AppendUint64(head, uint64(len(w.tensors)))
	head = binary.LittleEndian.AppendUint64(head, uint64(len(w.pairs)))
	for _, p := range w.pairs {
		kind, _, _, _ := kindOf(p.Value)
		head = appendText(head, p.Key)
		head = binary.LittleEndian.AppendUint32(head, uint32(kind))
		var err error
		if head, err = appendValue(head, p.Value); err != nil {
			w.fail("key %q: %v", p.Key, err)
			return
		}
	}
	for _, t := range w.tensors {
		head = appendText(head, t.Name)
		head = binary.LittleEndian.AppendUint32(head, uint32(len(t.Shape)))
		for _, n := range t.Shape {
			head = binary.LittleEndian.AppendUint64(head, uint64(n))
		}
		head = binary.LittleEndian.AppendUint32(head, uint32(t.Type))
		head = binary.LittleEndian.AppendUint64(head, uint64(t.Offset))
	}
	w.write(head)
	w.pad()
}

func (w *Writer) write(p []byte) {
	if w.err != nil {
		return
	}
	n, err := w.out.Write(p)
	w.pos += int64(n)
	if err != nil {
		w.fail("%w", err)
	}
}

func (w *Writer) pad() {
	if up, ok := alignUp(w.pos, w.alignment); ok && up > w.pos {
		w.write(make([]byte, up-w.pos))
	}
}

func appendText(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
	return append(b, s...)
}

// appendValue appends a value without its own kind; an array carries its elements' kind.
func appendValue(b []byte, v any) ([]byte, error) {
	kind, elem, n, err := kindOf(v)
	if err != nil {
		return b, err
	}
	if kind == kindString {
		return appendText(b, v.(string)), nil
	}
	if kind == kindArray {
		b = binary.LittleEndian.AppendUint32(b, uint32(elem))
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
		switch elems := v.(type) {
		case []string:
			for _, s := range elems {
				b = appendText(b, s)
			}
			return b, nil
		case []any:
			for _, e := range elems {
				if kind, _, _, err := kindOf(e); err != nil || kind != kindArray {
					return b, fmt.Errorf("an []any holds arrays only, not a %T", e)
				}
				if b, err = appendValue(b, e); err != nil {
					return b, err
				}
			}
			return b, nil
		}
	}
	return binary.Append(b, binary.LittleEndian, v) // numbers and bools, and slices of them
}
