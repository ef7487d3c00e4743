package gguf

import (
	"bytes"
	"io"
	"reflect"
	"testing"
)

// pairs holds one pair of every kind of value.
var pairs = []Pair{
	{"u8", uint8(200)}, {"i8", int8(-5)}, {"u16", uint16(60000)}, {"i16", int16(-300)},
	{"u32", uint32(4e9)}, {"i32", int32(-2e9)}, {"u64", uint64(1 << 63)}, {"i64", int64(-1 << 62)},
	{"f32", float32(1.5)}, {"f64", 2.25}, {"yes", true}, {"no", false},
	{"text", "Grüße\n"}, {"empty text", ""},
	{"u8s", []uint8{1, 2}}, {"i8s", []int8{-1}}, {"u16s", []uint16{9}}, {"i16s", []int16{-9, 9}},
	{"u32s", []uint32{7}}, {"i32s", []int32{-7, 8}}, {"u64s", []uint64{1 << 40}}, {"i64s", []int64{-1 << 40}},
	{"f32s", []float32{0.5, -0.25}}, {"f64s", []float64{0.125}}, {"bools", []bool{true, false, true}},
	{"texts", []string{"a", "", "c"}}, {"none", []string{}},
	{"nested", []any{[]int32{1}, []string{"x", "y"}, []any{[]bool{true}}}},
}

// sample writes a file with every kind of value and two tensors.
func sample(t testing.TB, alignment uint32) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := NewWriter(&buf)
	if alignment > 0 {
		w.Set(KeyAlignment, alignment)
	}
	for _, p := range pairs {
		w.Set(p.Key, p.Value)
	}
	w.AddTensor("a", F32, 3)
	w.AddTensor("b", Q8_0, 32, 2)
	a, err := Quantize(nil, F32, []float32{1, -2, 3})
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		err := w.WriteTensor(name, func(out io.Writer) error {
			_, err := out.Write(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	write("a", a)
	write("b", bytes.Repeat([]byte{0, 0x3c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, 4))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, alignment := range []uint32{0, 8, 64, 4096} {
		data := sample(t, alignment)
		f, err := Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatalf("alignment %d: %v", alignment, err)
		}
		got := f.Metadata
		if alignment > 0 {
			got = got[1:]
		}
		if !reflect.DeepEqual(got, pairs) {
			t.Errorf("alignment %d: metadata\n%v\nwant\n%v", alignment, got, pairs)
		}
		want := int64(alignment)
		if alignment == 0 {
			want = defaultAlignment
		}
		if f.Alignment != want {
			t.Errorf("alignment %d read as %d", alignment, f.Alignment)
		}
		if len(data)%int(f.Alignment) != 0 || f.DataOffset%f.Alignment != 0 {
			t.Errorf("alignment %d: data from %d, file of %d bytes", alignment, f.DataOffset, len(data))
		}
		a, err := f.Floats("a")
		if want := []float32{1, -2, 3}; err != nil || !reflect.DeepEqual(a, want) {
			t.Errorf("tensor a is %v, %v, want %v", a, err, want)
		}
		b, ok := f.Tensor("b")
		if raw, err := io.ReadAll(f.Data(b)); !ok || err != nil || len(raw) != 68 || raw[1] != 0x3c {
			t.Errorf("tensor b: % x, %v", raw, err)
		}
	}
}
