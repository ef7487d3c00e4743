package llama

import (
	"bytes"
	"testing"
)

func FuzzScanGGUF(f *testing.F) {
	// Small seeds: the adapter's table stands for the tensors, and few tokens do.
	model := tinyModel(1)
	model.tensors = nil
	model.keys["tokenizer.ggml.tokens"] = []string{"a", "", "bc"}
	model.keys["tokenizer.ggml.token_type"] = []int32{1, 1, 3}
	f.Add(model.bytes())
	f.Add(tinyAdapter(1).bytes()[:600])
	f.Add([]byte("GGUF\x03\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, offset, err := scanGGUF(bytes.NewReader(file), int64(len(file)))
		if offset < 0 || offset > int64(len(file)) {
			t.Fatalf("stopped at %d of %d bytes", offset, len(file))
		}
		if err == nil && !bytes.HasPrefix(file, []byte("GGUF")) {
			t.Fatal("a file without the magic was read")
		}
		if err == nil {
			h.shapeProblem()
			h.vocabularyProblem()
		}
	})
}

func TestTensorTypesWithoutDotProduct(t *testing.T) {
	for _, c := range []struct {
		name string
		kind byte
		dims []uint64
		bad  bool
	}{
		{"blk.0.attn_q.weight", 0, []uint64{4, 4}, false},
		{"blk.0.attn_q.weight", 9, []uint64{4, 4}, true},
		{"blk.0.attn_q.weight", 26, []uint64{4, 4}, true},
		{"blk.0.ffn_gate_tid2eid.weight", 26, []uint64{4, 4}, false},
		{"rope_freqs.weight", 26, []uint64{16}, false},
	} {
		data := make([]float32, 16)
		file := (&ggufFile{keys: map[string]any{}, tensors: []ggufTensor{{c.name, c.dims, data}}}).bytes()
		at := bytes.Index(file, []byte(c.name)) + len(c.name) + 4 + 8*len(c.dims)
		file[at] = c.kind
		h, _, err := scanGGUF(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if (h.tensor != "") != c.bad {
			t.Errorf("%s of type %d: %q", c.name, c.kind, h.tensor)
		}
	}
}
