package gguf_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/gguf"
)

func TestReadSafetensors(t *testing.T) {
	file := joinSafetensors(`{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},`+
		`"none":{"dtype":"I64","shape":[0,3],"data_offsets":[8,8]},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},`+
		`"n":{"dtype":"F16","shape":[],"data_offsets":[12,14]}}   `,
		[]byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0x80, 0x3f, 0, 0xc0, 0, 0x3c})
	s := readSafetensors(t, file)
	var names []string
	for _, tensor := range s.Tensors {
		names = append(names, tensor.Name)
	}
	if !slices.Equal(names, []string{"a", "none", "b", "n"}) || s.Metadata["format"] != "pt" {
		t.Errorf("tensors %v, metadata %v", names, s.Metadata)
	}
	for name, want := range map[string][]float32{"a": {1, -2}, "b": {1, -2}, "n": {1}} {
		if got, err := s.Floats(name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %v, %v, want %v", name, got, err, want)
		}
	}
	if _, err := s.Floats("none"); err == nil || !strings.Contains(err.Error(), "type I64") {
		t.Errorf("integers as floats: %v", err)
	}
	if _, err := s.Floats("x"); err == nil {
		t.Error("a tensor that is not there was read")
	}
}

func TestReadSafetensorsRefusesDamage(t *testing.T) {
	one := func(entry string) []byte { return joinSafetensors(`{"a":`+entry+`}`, make([]byte, 8)) }
	for _, tc := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "0 bytes"},
		{"half a length", make([]byte, 7), "7 bytes"},
		{"a header beyond the file", []byte{9, 0, 0, 0, 0, 0, 0, 0, '{', '}'}, "9 bytes in a file of 10"},
		{"a huge header", []byte{255, 255, 255, 255, 255, 255, 255, 255}, "more than 100000000"},
		{"no object", joinSafetensors(`[]`, nil), "no JSON object"},
		{"cut JSON", joinSafetensors(`{"a":`, nil), "tensor \"a\""},
		{"two objects", joinSafetensors(`{}{}`, nil), "after the header's object"},
		{"no type", one(`{"shape":[2],"data_offsets":[0,8]}`), `type ""`},
		{"an unknown type", one(`{"dtype":"Q8","shape":[2],"data_offsets":[0,8]}`), `type "Q8"`},
		{"a size below 0", one(`{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}`), "shape [-2]"},
		{"a size beyond 64 bits", one(`{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}`), "shape"},
		{"many dimensions", one(`{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}`), "9 dimensions"},
		{"one offset", one(`{"dtype":"F32","shape":[2],"data_offsets":[0]}`), "no start and end"},
		{"backwards", one(`{"dtype":"F32","shape":[2],"data_offsets":[8,0]}`), "no start and end"},
		{"another size", one(`{"dtype":"F32","shape":[3],"data_offsets":[0,8]}`), "8 bytes of data for shape [3]"},
		{"beyond the end", one(`{"dtype":"F32","shape":[3],"data_offsets":[0,12]}`), "take 12 bytes, the file has 8"},
		{"data left over", one(`{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`), "take 4 bytes, the file has 8"},
		{"a hole before", one(`{"dtype":"F32","shape":[1],"data_offsets":[4,8]}`), "starts at 4"},
		{"twice", joinSafetensors(`{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[],"data_offsets":[1,2]}}`, make([]byte, 2)), "twice"},
		{"overlap", joinSafetensors(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, make([]byte, 3)), "starts at 1"},
	} {
		_, err := gguf.ReadSafetensors(bytes.NewReader(tc.file), int64(len(tc.file)))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestOpenSafetensors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if _, err := gguf.OpenSafetensors(path); err == nil {
		t.Error("a missing file was opened")
	}
	if err := os.WriteFile(path, []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := gguf.OpenSafetensors(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a broken file: %v", err)
	}
	m := newTrained()
	if err := os.WriteFile(path, safetensors(m.tensors, m.shapes), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := gguf.OpenSafetensors(path)
	if err != nil || len(s.Tensors) != len(m.tensors) {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzReadSafetensors(f *testing.F) {
	f.Add(joinSafetensors(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, make([]byte, 8)))
	f.Add(joinSafetensors(`{"__metadata__":{"a":"b"},"x":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}}`, make([]byte, 2)))
	f.Add(joinSafetensors(`{"a":{"dtype":"F32","shape":[0,9223372036854775807],"data_offsets":[0,0]}}`, nil))
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := gguf.ReadSafetensors(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return
		}
		total := int64(0)
		for _, tensor := range s.Tensors {
			total += tensor.Bytes
			if got, ok := s.Tensor(tensor.Name); !ok || got.Offset != tensor.Offset {
				t.Errorf("%q is not found where it is listed", tensor.Name)
			}
			values, err := s.Floats(tensor.Name)
			if err == nil && int64(len(values))*int64(map[string]int{"F32": 4, "F16": 2, "BF16": 2}[tensor.DType]) != tensor.Bytes {
				t.Errorf("%q: %d values of %d bytes", tensor.Name, len(values), tensor.Bytes)
			}
		}
		if total > int64(len(file)) {
			t.Errorf("%d bytes of tensors in a file of %d", total, len(file))
		}
	})
}
