package gguf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// raw builds damaged files by hand, where the Writer would refuse.
type raw []byte

func (r raw) u32(v ...uint32) raw {
	for _, x := range v {
		r = binary.LittleEndian.AppendUint32(r, x)
	}
	return r
}

func (r raw) u64(v ...uint64) raw {
	for _, x := range v {
		r = binary.LittleEndian.AppendUint64(r, x)
	}
	return r
}

func (r raw) text(s string) raw { return append(r.u64(uint64(len(s))), s...) }

func (r raw) zeros(n int) raw { return append(r, make([]byte, n)...) }

// header starts a version 3 file.
func header(tensors, pairs uint64) raw { return raw("GGUF").u32(3).u64(tensors, pairs) }

func (r raw) tensor(name string, typ, offset uint64, shape ...uint64) raw {
	return r.text(name).u32(uint32(len(shape))).u64(shape...).u32(uint32(typ)).u64(offset)
}

// damaged are files that must be refused, each with a part of its error.
var damaged = []struct {
	name string
	data raw
	want string
}{
	{"empty", nil, "at byte 0"},
	{"other file", raw("\x7fELF0000"), "not a GGUF file"},
	{"version 1", raw("GGUF").u32(1).u64(0, 0), "version 1 is not supported"},
	{"version 4", raw("GGUF").u32(4).u64(0, 0), "version 4 is not supported"},
	{"big-endian", raw("GGUF\x00\x00\x00\x03").u64(0, 0), "big-endian"},
	{"no counts", raw("GGUF").u32(3), "unexpected EOF"},
	{"more pairs than bytes", header(0, 60000), "unexpected EOF"},
	{"too many pairs", header(0, 1<<40), "limit Pairs"},
	{"too many tensors", header(1<<63, 0), "limit Tensors"},
	{"empty key", header(0, 1).text("").u32(4, 1).zeros(16), "the key is empty"},
	{"long key", header(0, 1).u64(1 << 20).zeros(64), "limit KeyBytes"},
	{"key past the end", header(0, 1).u64(500).zeros(64), "unexpected EOF"},
	{"key twice", header(0, 2).text("k").u32(4, 1).text("k").u32(4, 2), "comes twice"},
	{"unknown value type", header(0, 1).text("k").u32(13).zeros(8), "unknown value type 13"},
	{"unknown element type", header(0, 1).text("k").u32(9, 77).u64(0).zeros(8), "unknown element type 77"},
	{"long string", header(0, 1).text("k").u32(8).u64(1 << 50).zeros(8), "limit StringBytes"},
	{"array past the end", header(0, 1).text("k").u32(9, 10).u64(1000).zeros(64), "unexpected EOF"},
	{"array too long", header(0, 1).text("k").u32(9, 0).u64(1 << 62).zeros(64), "limit ArrayElements"},
	{"array too deep", header(0, 1).text("k").u32(9, 9).u64(1).u32(9).u64(1).u32(9).u64(1).u32(9).u64(1).u32(9).u64(1).zeros(64), "limit ArrayDepth"},
	{"bool of 2", header(0, 1).text("k").u32(7).zeros(0).bytes(2), "want 0 or 1"},
	{"alignment 0", header(0, 1).text(KeyAlignment).u32(4, 0), "power of two"},
	{"alignment 24", header(0, 1).text(KeyAlignment).u32(4, 24), "power of two"},
	{"alignment huge", header(0, 1).text(KeyAlignment).u32(4, 1<<30), "power of two"},
	{"alignment of another type", header(0, 1).text(KeyAlignment).u32(8).text("32"), "power of two"},
	{"tensor with a long name", header(1, 0).text(strings.Repeat("n", 64)).zeros(64), "limit MaxTensorName is 63, the file has 64"},
	{"tensor twice", header(2, 0).tensor("t", 0, 0, 1).tensor("t", 0, 32, 1).zeros(128), "comes twice"},
	{"no dimensions", header(1, 0).tensor("t", 0, 0).zeros(64), "0 dimensions"},
	{"five dimensions", header(1, 0).tensor("t", 0, 0, 1, 1, 1, 1, 1).zeros(64), "5 dimensions"},
	{"dimension 0", header(1, 0).tensor("t", 0, 0, 4, 0).zeros(64), "dimension 1 is 0"},
	{"dimension below 0", header(1, 0).tensor("t", 0, 0, math.MaxUint64).zeros(64), "dimension 0 is -1"},
	{"elements overflow", header(1, 0).tensor("t", 0, 0, 1<<32, 1<<32).zeros(64), "too many elements"},
	{"bytes overflow", header(1, 0).tensor("t", 0, 0, 1<<62).zeros(64), "too large"},
	{"half a block", header(1, 0).tensor("t", 8, 0, 33).zeros(64), "no multiple of Q8_0's block"},
	{"unknown tensor type", header(1, 0).tensor("t", 99, 0, 32).zeros(64), "type 99 is not known"},
	{"retired tensor type", header(1, 0).tensor("t", 4, 0, 32).zeros(64), "type 4 is not known"},
	{"offset off the alignment", header(1, 0).tensor("t", 0, 8, 1).zeros(128), "no multiple of the alignment"},
	{"offset past the end", header(1, 0).tensor("t", 0, 1<<40, 1).zeros(128), "truncated"},
	{"offset below 0", header(1, 0).tensor("t", 0, 1<<63, 1).zeros(128), "no multiple of the alignment"},
	{"data past the end", header(1, 0).tensor("t", 0, 0, 1000).zeros(128), "truncated"},
	{"tensors overlap", header(2, 0).tensor("a", 0, 32, 16).tensor("b", 0, 64, 1).zeros(256), `"a" and "b" overlap`},
	{"tensors at one place", header(2, 0).tensor("a", 0, 0, 1).tensor("b", 0, 0, 1).zeros(256), "overlap"},
}

func (r raw) bytes(b ...byte) raw { return append(r, b...) }

func TestReadRefusesDamage(t *testing.T) {
	for _, tc := range damaged {
		f, err := Read(bytes.NewReader(tc.data), int64(len(tc.data)))
		var format *FormatError
		if f != nil || !errors.As(err, &format) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want a FormatError with %q", tc.name, err, tc.want)
		}
	}
}

func TestReadRefusesTruncation(t *testing.T) {
	data := sample(t, 0)
	f, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	last := f.Tensors[len(f.Tensors)-1]
	whole := int(f.DataOffset + last.Offset + last.Bytes) // the padding behind may be missing
	for n := range data {
		_, err := Read(bytes.NewReader(data[:n]), int64(n))
		if n < whole && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d of %d: %v, want an unexpected EOF", n, len(data), err)
		}
		if n >= whole && err != nil {
			t.Fatalf("cut at %d, behind the last tensor's end at %d: %v", n, whole, err)
		}
	}
	if _, err := Read(bytes.NewReader(data[:40]), int64(len(data))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a reader that ends before its size: %v", err)
	}
}

func TestReadVersion2(t *testing.T) {
	data := sample(t, 0)
	binary.LittleEndian.PutUint32(data[4:], 2)
	f, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil || f.Version != 2 || len(f.Tensors) != 2 {
		t.Errorf("version 2: %v", err)
	}
}

func TestLimits(t *testing.T) {
	data := sample(t, 0)
	for _, tc := range []struct {
		name   string
		limits Limits
	}{
		{"Pairs", Limits{Pairs: len(pairs) - 1}},
		{"KeyBytes", Limits{KeyBytes: 3}},
		{"StringBytes", Limits{StringBytes: 4}},
		{"ArrayElements", Limits{ArrayElements: 2}},
		{"ArrayDepth", Limits{ArrayDepth: 2}},
		{"Tensors", Limits{Tensors: 1}},
		{"MetadataBytes", Limits{MetadataBytes: 100}},
	} {
		_, err := tc.limits.Read(bytes.NewReader(data), int64(len(data)))
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Name != tc.name || limit.Got <= limit.Limit {
			t.Errorf("%s: %v, want its LimitError", tc.name, err)
		}
	}
	exact := Limits{Pairs: len(pairs), Tensors: 2, ArrayElements: 3, ArrayDepth: 3}
	if _, err := exact.Read(bytes.NewReader(data), int64(len(data))); err != nil {
		t.Errorf("limits that just suffice: %v", err)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.gguf")
	if err := os.WriteFile(path, sample(t, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Floats("a"); err == nil {
		t.Error("tensor data read after Close")
	}
	if _, err := Open(filepath.Join(dir, "none.gguf")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
}

func TestLookups(t *testing.T) {
	data := sample(t, 0)
	f, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]uint64{"u8": 200, "u16": 60000, "u32": 4e9, "u64": 1 << 63} {
		if got, ok := f.Uint(key); !ok || got != want {
			t.Errorf("Uint(%q) is %d, %v, want %d", key, got, ok, want)
		}
	}
	for _, key := range []string{"i8", "i16", "i32", "i64", "f32", "yes", "text", "u8s", "none of them"} {
		if v, ok := f.Uint(key); ok {
			t.Errorf("Uint(%q) is %d", key, v)
		}
	}
	for key, want := range map[string]int{"u8s": 2, "u16s": 1, "u32s": 1, "u64s": 1, "u8": 1} {
		if got, ok := f.Uints(key); !ok || len(got) != want {
			t.Errorf("Uints(%q) is %v, %v", key, got, ok)
		}
	}
	for _, key := range []string{"i8s", "i16s", "i32s", "i64s", "texts", "f32s", "none of them"} {
		if v, ok := f.Uints(key); ok {
			t.Errorf("Uints(%q) is %v", key, v)
		}
	}
	if v, ok := f.Float("f32"); !ok || v != 1.5 {
		t.Errorf("Float(f32) is %v", v)
	}
	if v, ok := f.Float("f64"); !ok || v != 2.25 {
		t.Errorf("Float(f64) is %v", v)
	}
	if _, ok := f.Float("u8"); ok {
		t.Error("Float takes an integer")
	}
	if f.Text("text") != "Grüße\n" || f.Text("u8") != "" {
		t.Error("Text is wrong")
	}
	if _, err := f.Floats("none"); err == nil {
		t.Error("Floats of a missing tensor")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sample(f, 0)))
	f.Add([]byte(sample(f, 64)))
	for _, tc := range damaged {
		f.Add([]byte(tc.data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			var format *FormatError
			if !errors.As(err, &format) {
				t.Fatalf("%v is no FormatError", err)
			}
			return
		}
		// What is accepted can be written again and reads the same.
		var buf bytes.Buffer
		w := NewWriter(&buf)
		for _, p := range file.Metadata {
			w.Set(p.Key, p.Value)
		}
		for _, tensor := range file.Tensors {
			w.AddTensor(tensor.Name, tensor.Type, tensor.Shape...)
		}
		for _, tensor := range file.Tensors {
			err := w.WriteTensor(tensor.Name, func(out io.Writer) error {
				_, err := io.Copy(out, file.Data(tensor))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
		if err != nil {
			t.Fatalf("written again: %v", err)
		}
		if len(again.Metadata) != len(file.Metadata) || len(again.Tensors) != len(file.Tensors) {
			t.Fatal("written again it has other parts")
		}
		_, _ = file.Estimate(0, 0) // must not panic, whatever the figures
	})
}

// TestReadTexts: strings come back, whether they share a block, fill one or are longer.
func TestReadTexts(t *testing.T) {
	var want []string
	for i, n := range []int{0, 3, textBlock - 4, 1, 5, textBlock, 0, textBlock + 1, 2, 3 * textBlock, textBlock / 2, textBlock / 2, textBlock/2 + 1, 0} {
		want = append(want, strings.Repeat(string(rune('a'+i)), n))
	}
	var b bytes.Buffer
	w := NewWriter(&b)
	w.Set("texts", want)
	w.Set("none", []string{})
	w.Set("after", "x")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := Lookup[[]string](f, "texts")
	if none, ok := Lookup[[]string](f, "none"); !slices.Equal(got, want) || !ok || len(none) != 0 || f.Text("after") != "x" {
		t.Errorf("%d texts come back, or not the same %d", len(got), len(want))
	}
}
