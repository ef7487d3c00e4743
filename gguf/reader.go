package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Open reads the metadata and tensor descriptions of a file. The caller must Close the
// result. A file that is not GGUF, is damaged or truncated gives a *[FormatError].
func Open(path string) (*File, error) {
	h, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	info, err := h.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		h.Close()
		return nil, fmt.Errorf("gguf: %w", err)
	}
	f, err := Read(h, info.Size())
	if err != nil {
		h.Close()
		return nil, err
	}
	f.closer = h
	return f, nil
}

// Read parses a file of the given size in bytes under the default [Limits]. The File
// reads tensor data from r on demand.
func Read(r io.ReaderAt, size int64) (*File, error) { return Limits{}.Read(r, size) }

// Read parses a file of the given size in bytes under these limits. Checked are, beside
// the format itself: no key and no tensor twice, every tensor's data aligned, inside the
// file and apart from the others. Cost: one pass over the metadata; no tensor data is read.
func (l Limits) Read(r io.ReaderAt, size int64) (*File, error) {
	d := &decoder{
		r:      bufio.NewReaderSize(io.NewSectionReader(r, 0, size), 1<<16),
		size:   size,
		limits: l.withDefaults(),
	}
	f := &File{Size: size, source: r, keys: map[string]int{}, names: map[string]int{}}
	d.file(f)
	if d.err != nil {
		return nil, d.err
	}
	return f, nil
}

// decoder reads little-endian values. The first error sticks: after it every read gives
// zero, so that only loops need to look at err.
type decoder struct {
	r         *bufio.Reader
	pos, size int64 // bytes read; bytes there are
	limits    Limits
	part      string // what is being read, for errors
	err       error
	word      [8]byte // of uint32 and uint64: one of their own would escape
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = &FormatError{Offset: d.pos, Part: d.part, Err: err}
	}
}

func (d *decoder) failf(format string, args ...any) { d.fail(fmt.Errorf(format, args...)) }

// room reports whether n more bytes are there, and fails otherwise.
func (d *decoder) room(n int64) bool {
	switch {
	case d.err != nil:
		return false
	case n < 0 || n > d.size-d.pos:
		d.failf("needs %d bytes, the file has %d more: %w", uint64(n), d.size-d.pos, io.ErrUnexpectedEOF)
		return false
	case n > d.limits.MetadataBytes-d.pos:
		d.fail(&LimitError{"MetadataBytes", uint64(d.limits.MetadataBytes), uint64(d.pos + n)})
		return false
	}
	return true
}

func (d *decoder) bytes(p []byte) {
	if !d.room(int64(len(p))) {
		return
	}
	n, err := io.ReadFull(d.r, p)
	d.pos += int64(n)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		d.fail(err)
	}
}

func (d *decoder) uint32() uint32 {
	d.bytes(d.word[:4])
	if d.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint32(d.word[:4])
}

func (d *decoder) uint64() uint64 {
	d.bytes(d.word[:])
	if d.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(d.word[:])
}

// count reads a number of things that take at least each bytes apiece.
func (d *decoder) count(limitName string, limit int, each int64) int {
	n := d.uint64()
	if d.err != nil {
		return 0
	}
	if n > uint64(limit) {
		d.fail(&LimitError{limitName, uint64(limit), n})
		return 0
	}
	if !d.room(int64(n) * each) { // cannot overflow: limits are ints, each is at most 24
		return 0
	}
	return int(n)
}

func (d *decoder) text(limitName string, limit int) string {
	n := d.count(limitName, limit, 1)
	if n == 0 {
		return ""
	}
	b := make([]byte, n)
	d.bytes(b)
	if d.err != nil {
		return ""
	}
	return string(b)
}

// The least bytes that a metadata pair and a tensor description take in a file.
const (
	minPairBytes   = 8 + 4 + 1
	minTensorBytes = 8 + 4 + 8 + 4 + 8
)

func (d *decoder) file(f *File) {
	d.part = "header"
	var head [4]byte
	d.bytes(head[:])
	if d.err == nil && string(head[:]) != magic {
		d.failf("starts with %q, not with %q: not a GGUF file", head[:], magic)
	}
	f.Version = d.uint32()
	if d.err == nil && (f.Version < versionOld || f.Version > versionRead) {
		if v := f.Version; v<<24 != 0 && v&0xffff == 0 || v>>24 != 0 && v&0xffffff == 0 {
			d.failf("the file is big-endian, which is not supported")
		} else {
			d.failf("version %d is not supported, only %d and %d", v, versionOld, versionRead)
		}
	}
	tensors := d.count("Tensors", d.limits.Tensors, minTensorBytes)
	pairs := d.count("Pairs", d.limits.Pairs, minPairBytes)
	if d.err != nil {
		return
	}
	for i := range pairs {
		d.part = fmt.Sprintf("metadata pair %d", i)
		d.pair(f)
		if d.err != nil {
			return
		}
	}
	if d.alignment(f); d.err != nil {
		return
	}
	for i := range tensors {
		d.part = fmt.Sprintf("tensor %d", i)
		d.tensor(f)
		if d.err != nil {
			return
		}
	}
	d.part = "tensor data"
	d.extents(f)
}

func (d *decoder) pair(f *File) {
	key := d.text("KeyBytes", d.limits.KeyBytes)
	if d.err != nil {
		return
	}
	d.part = fmt.Sprintf("key %q", key)
	if key == "" {
		d.failf("the key is empty")
		return
	}
	if _, dup := f.keys[key]; dup {
		d.failf("the key comes twice")
		return
	}
	v := d.value(valueKind(d.uint32()), 0)
	f.keys[key] = len(f.Metadata)
	f.Metadata = append(f.Metadata, Pair{key, v})
}

// alignment settles f.Alignment, which tensor descriptions are checked against.
func (d *decoder) alignment(f *File) {
	f.Alignment = defaultAlignment
	if _, ok := f.keys[KeyAlignment]; !ok {
		return
	}
	d.part = fmt.Sprintf("key %q", KeyAlignment)
	a, ok := f.Uint(KeyAlignment)
	if !ok || a == 0 || a > maxAlignment || a&(a-1) != 0 {
		d.failf("want a power of two up to %d", maxAlignment)
		return
	}
	f.Alignment = int64(a)
}

func (d *decoder) tensor(f *File) {
	name := d.text("MaxTensorName", MaxTensorName)
	if d.err != nil {
		return
	}
	d.part = fmt.Sprintf("tensor %q", name)
	if _, dup := f.names[name]; dup {
		d.failf("the tensor comes twice")
		return
	}
	dims := d.uint32()
	if dims < 1 || dims > MaxDims {
		d.failf("%d dimensions, want 1 to %d", dims, MaxDims)
		return
	}
	t := Tensor{Name: name, Shape: make([]int64, dims)}
	for i := range t.Shape {
		t.Shape[i] = int64(d.uint64()) // beyond int64 becomes negative, which Bytes refuses
	}
	t.Type = Type(d.uint32())
	t.Offset = int64(d.uint64())
	if d.err != nil {
		return
	}
	var err error
	if t.Bytes, err = t.Type.Bytes(t.Shape...); err != nil {
		d.fail(err)
		return
	}
	if t.Offset < 0 || t.Offset%f.Alignment != 0 {
		d.failf("offset %d is no multiple of the alignment %d", uint64(t.Offset), f.Alignment)
		return
	}
	f.names[name] = len(f.Tensors)
	f.Tensors = append(f.Tensors, t)
}

// extents finds the data section and checks that every tensor lies in the file and none overlap.
func (d *decoder) extents(f *File) {
	if d.err != nil {
		return
	}
	up, ok := alignUp(d.pos, f.Alignment)
	if !ok || up > f.Size {
		up = f.Size // a file without tensors may end unpadded; with tensors, see below
	}
	f.DataOffset = up
	room := f.Size - f.DataOffset
	order := make([]int, len(f.Tensors))
	for i, t := range f.Tensors {
		order[i] = i
		if t.Offset > room || t.Bytes > room-t.Offset {
			d.failf("tensor %q takes %d bytes from %d of a data section of %d: the file is truncated: %w",
				t.Name, t.Bytes, t.Offset, room, io.ErrUnexpectedEOF)
			return
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		ta, tb := f.Tensors[a], f.Tensors[b]
		if ta.Offset != tb.Offset {
			if ta.Offset < tb.Offset {
				return -1
			}
			return 1
		}
		return a - b
	})
	for i := 1; i < len(order); i++ {
		before, t := f.Tensors[order[i-1]], f.Tensors[order[i]]
		if t.Offset < before.Offset+before.Bytes {
			d.failf("tensors %q and %q overlap", before.Name, t.Name)
			return
		}
	}
}
