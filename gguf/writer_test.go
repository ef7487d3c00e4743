package gguf

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// failing is a writer that takes n bytes.
type failing struct{ n int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.n {
		n := f.n
		f.n = 0
		return n, errFull
	}
	f.n -= len(p)
	return len(p), nil
}

func TestWriterRefuses(t *testing.T) {
	fill := func(n int) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := w.Write(make([]byte, n))
			return err
		}
	}
	for _, tc := range []struct {
		name string
		use  func(w *Writer)
		want string
	}{
		{"key twice", func(w *Writer) { w.Set("k", true); w.Set("k", false) }, `key "k" set twice`},
		{"no key", func(w *Writer) { w.Set("", true) }, "a key of 0 bytes"},
		{"unknown Go type", func(w *Writer) { w.Set("k", 1) }, "cannot hold a int"},
		{"nil", func(w *Writer) { w.Set("k", nil) }, "cannot hold a <nil>"},
		{"scalar in an array of arrays", func(w *Writer) { w.Set("k", []any{"x"}) }, "holds arrays only"},
		{"alignment 3", func(w *Writer) { w.Set(KeyAlignment, uint32(3)) }, "power of two"},
		{"alignment behind tensors", func(w *Writer) { w.AddTensor("t", F32, 1); w.Set(KeyAlignment, uint32(64)) }, "before the tensors"},
		{"tensor twice", func(w *Writer) { w.AddTensor("t", F32, 1); w.AddTensor("t", F32, 1) }, "added twice"},
		{"no tensor name", func(w *Writer) { w.AddTensor("", F32, 1) }, "a name of 0 bytes"},
		{"long tensor name", func(w *Writer) { w.AddTensor(strings.Repeat("n", 64), F32, 1) }, "a name of 64 bytes"},
		{"no dimension", func(w *Writer) { w.AddTensor("t", F32) }, "0 dimensions"},
		{"odd row", func(w *Writer) { w.AddTensor("t", Q4_0, 16) }, "no multiple of Q4_0's block"},
		{"file too large", func(w *Writer) { w.AddTensor("a", I8, math.MaxInt64-64); w.AddTensor("b", I8, 128) }, "too large"},
		{"tensor not written", func(w *Writer) { w.AddTensor("t", F32, 1) }, "1 of 1 tensors were not written"},
		{"unknown tensor", func(w *Writer) { _ = w.WriteTensor("t", fill(4)) }, "out of order"},
		{"wrong order", func(w *Writer) {
			w.AddTensor("a", F32, 1)
			w.AddTensor("b", F32, 1)
			_ = w.WriteTensor("b", fill(4))
		}, "out of order"},
		{"too little data", func(w *Writer) { w.AddTensor("t", F32, 2); _ = w.WriteTensor("t", fill(4)) }, "lacks 4 of 8"},
		{"too much data", func(w *Writer) { w.AddTensor("t", F32, 1); _ = w.WriteTensor("t", fill(8)) }, "4 bytes more"},
		{"key behind data", func(w *Writer) { w.AddTensor("t", F32, 1); _ = w.WriteTensor("t", fill(4)); w.Set("k", true) }, "after the first"},
		{"tensor behind data", func(w *Writer) {
			w.AddTensor("t", F32, 1)
			_ = w.WriteTensor("t", fill(4))
			w.AddTensor("u", F32, 1)
		}, "after the first"},
	} {
		w := NewWriter(io.Discard)
		tc.use(w)
		if err := w.Close(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want an error with %q", tc.name, err, tc.want)
		}
	}
}

func TestWriterPassesErrorsOn(t *testing.T) {
	whole := len(sample(t, 0))
	for _, n := range []int{0, 10, whole / 2, whole - 1} {
		w := NewWriter(&failing{n})
		for _, p := range pairs {
			w.Set(p.Key, p.Value)
		}
		w.AddTensor("a", F32, 3)
		w.AddTensor("b", Q8_0, 32, 2)
		_ = w.WriteTensor("a", func(out io.Writer) error { _, err := out.Write(make([]byte, 12)); return err })
		_ = w.WriteTensor("b", func(out io.Writer) error { _, err := out.Write(make([]byte, 68)); return err })
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Errorf("a writer that takes %d of %d bytes: %v", n, whole, err)
		}
	}
}

func TestWriterEmptyFile(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err == nil {
		t.Error("closed twice without an error")
	}
	f, err := Read(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil || len(f.Metadata) != 0 || len(f.Tensors) != 0 {
		t.Errorf("an empty file: %v", err)
	}
}

func TestTypeBytes(t *testing.T) {
	for _, tc := range []struct {
		typ   Type
		shape []int64
		want  int64 // 0: an error
	}{
		{F32, []int64{3}, 12}, {F16, []int64{3, 5}, 30}, {BF16, []int64{1, 1, 1, 7}, 14},
		{Q8_0, []int64{64, 2}, 136}, {Q4_0, []int64{32}, 18}, {Q6_K, []int64{512}, 420},
		{IQ2_XXS, []int64{256}, 66}, {MXFP4, []int64{32}, 17},
		{Q8_0, []int64{31}, 0}, {Q4_K, []int64{128}, 0}, {4, []int64{32}, 0}, {1 << 31, []int64{32}, 0},
		{F32, nil, 0}, {F32, []int64{-1}, 0}, {F32, []int64{1 << 61}, 0}, {F32, []int64{1 << 40, 1 << 40}, 0},
		{I8, []int64{math.MaxInt64}, math.MaxInt64},
	} {
		got, err := tc.typ.Bytes(tc.shape...)
		if got != tc.want || (err != nil) != (tc.want == 0) {
			t.Errorf("%s %v takes %d, %v, want %d", tc.typ, tc.shape, got, err, tc.want)
		}
	}
}

func TestParseType(t *testing.T) {
	for typ := range layouts {
		typ := Type(typ)
		if !typ.Known() {
			if typ.BlockLen() != 0 || typ.BlockBytes() != 0 {
				t.Errorf("%s is not known and has a size", typ)
			}
			continue
		}
		for _, name := range []string{typ.String(), strings.ToLower(typ.String())} {
			if got, err := ParseType(name); err != nil || got != typ {
				t.Errorf("%q is %v, %v, want %v", name, got, err, typ)
			}
		}
	}
	for _, name := range []string{"", "q9", "type 4"} {
		if got, err := ParseType(name); err == nil {
			t.Errorf("%q is %v", name, got)
		}
	}
}
