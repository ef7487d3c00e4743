package llama

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A ggufFile is a GGUF file in the making, for tests that need every byte under control.
type ggufFile struct {
	keys    map[string]any // uint32, int32, float32, bool, string, []string, []int32, []float32
	tensors []ggufTensor
}

type ggufTensor struct {
	name string
	dims []uint64 // fastest first
	data []float32
}

// bytes lays the file out: header, keys in order, tensor table, data aligned to 32.
func (f *ggufFile) bytes() []byte {
	const align = 32
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) } // a Buffer does not fail
	str := func(s string) { put(uint64(len(s))); b.WriteString(s) }
	b.WriteString("GGUF")
	put(uint32(3))
	put(uint64(len(f.tensors)))
	put(uint64(len(f.keys)))
	for _, key := range slices.Sorted(maps.Keys(f.keys)) {
		str(key)
		switch v := f.keys[key].(type) {
		case uint32:
			put(uint32(4))
			put(v)
		case float32:
			put(uint32(6))
			put(v)
		case bool:
			put(uint32(7))
			put(v)
		case string:
			put(uint32(8))
			str(v)
		case []string:
			put([]uint32{9, 8})
			put(uint64(len(v)))
			for _, s := range v {
				str(s)
			}
		case []int32:
			put([]uint32{9, 5})
			put(uint64(len(v)))
			put(v)
		case []float32:
			put([]uint32{9, 6})
			put(uint64(len(v)))
			put(v)
		default:
			panic(fmt.Sprintf("gguf value %T", v))
		}
	}
	offset := 0
	for _, t := range f.tensors {
		str(t.name)
		put(uint32(len(t.dims)))
		put(t.dims)
		put(uint32(0)) // F32
		put(uint64(offset))
		offset = roundUp(offset+4*len(t.data), align)
	}
	for _, t := range f.tensors {
		b.Write(make([]byte, roundUp(b.Len(), align)-b.Len()))
		put(t.data)
	}
	b.Write(make([]byte, roundUp(b.Len(), align)-b.Len()))
	return b.Bytes()
}

func (f *ggufFile) write(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(path, f.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tensor adds a tensor of uniform random values in [-scale, scale), or of ones for scale 0.
func (f *ggufFile) tensor(r *rand.Rand, scale float32, name string, dims ...uint64) {
	n := uint64(1)
	for _, d := range dims {
		n *= d
	}
	data := make([]float32, n)
	for i := range data {
		if data[i] = 1; scale != 0 {
			data[i] = (2*r.Float32() - 1) * scale
		}
	}
	f.tensors = append(f.tensors, ggufTensor{name, dims, data})
}

// The tiny model's shape.
const (
	tinyEmbd, tinyFF, tinyHeads, tinyHeadsKV, tinyLayers = 64, 128, 2, 1, 2
	tinyContext                                          = 1024
)

// byteNames are the 256 names that byte-level BPE vocabularies give to bytes.
func byteNames() (names [256]string) {
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if b <= ' ' || b > '~' && b < 0xA1 || b == 0xAD {
			r = next
			next++
		}
		names[b] = string(r)
	}
	return names
}

// Tokens of the tiny vocabulary beyond its bytes, in order from 256.
const (
	tinyHello     = 256 + iota // "he"
	tinyEndOfText              // <|endoftext|>
	tinyImStart                // <|im_start|>
	tinyImEnd                  // <|im_end|>
	tinyThink                  // <think>, user defined
	tinyVocab
)

// tinyModel is a qwen2 of two layers with random weights and a byte vocabulary.
func tinyModel(seed uint64) *ggufFile {
	names := byteNames()
	tokens := append(names[:], "he", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>")
	kinds := slices.Repeat([]int32{1}, len(tokens))
	for _, t := range []int{tinyEndOfText, tinyImStart, tinyImEnd} {
		kinds[t] = 3 // control
	}
	kinds[tinyThink] = 4 // user defined
	f := &ggufFile{keys: map[string]any{
		"general.architecture":                   "qwen2",
		"general.name":                           "tiny",
		"qwen2.block_count":                      uint32(tinyLayers),
		"qwen2.context_length":                   uint32(tinyContext),
		"qwen2.embedding_length":                 uint32(tinyEmbd),
		"qwen2.feed_forward_length":              uint32(tinyFF),
		"qwen2.attention.head_count":             uint32(tinyHeads),
		"qwen2.attention.head_count_kv":          uint32(tinyHeadsKV),
		"qwen2.attention.layer_norm_rms_epsilon": float32(1e-6),
		"qwen2.rope.freq_base":                   float32(10000),
		"tokenizer.ggml.model":                   "gpt2",
		"tokenizer.ggml.pre":                     "qwen2",
		"tokenizer.ggml.tokens":                  tokens,
		"tokenizer.ggml.token_type":              kinds,
		"tokenizer.ggml.merges":                  []string{"h e"},
		"tokenizer.ggml.eos_token_id":            uint32(tinyImEnd),
		"tokenizer.ggml.bos_token_id":            uint32(tinyEndOfText),
		"tokenizer.ggml.add_bos_token":           false,
		"tokenizer.chat_template":                "{{ messages }}",
	}}
	r := rand.New(rand.NewPCG(seed, 0))
	scale := float32(2 / math.Sqrt(tinyEmbd))
	kv := uint64(tinyEmbd / tinyHeads * tinyHeadsKV)
	f.tensor(r, 1, "token_embd.weight", tinyEmbd, tinyVocab)
	f.tensor(r, 1, "output.weight", tinyEmbd, tinyVocab)
	f.tensor(r, 0, "output_norm.weight", tinyEmbd)
	for i := range tinyLayers {
		for _, t := range []struct {
			name  string
			scale float32
			dims  []uint64
		}{
			{"attn_norm.weight", 0, []uint64{tinyEmbd}},
			{"attn_q.weight", scale, []uint64{tinyEmbd, tinyEmbd}},
			{"attn_q.bias", scale, []uint64{tinyEmbd}},
			{"attn_k.weight", scale, []uint64{tinyEmbd, kv}},
			{"attn_k.bias", scale, []uint64{kv}},
			{"attn_v.weight", scale, []uint64{tinyEmbd, kv}},
			{"attn_v.bias", scale, []uint64{kv}},
			{"attn_output.weight", scale, []uint64{tinyEmbd, tinyEmbd}},
			{"ffn_norm.weight", 0, []uint64{tinyEmbd}},
			{"ffn_gate.weight", scale, []uint64{tinyEmbd, tinyFF}},
			{"ffn_up.weight", scale, []uint64{tinyEmbd, tinyFF}},
			{"ffn_down.weight", scale, []uint64{tinyFF, tinyEmbd}},
		} {
			f.tensor(r, t.scale, fmt.Sprintf("blk.%d.%s", i, t.name), t.dims...)
		}
	}
	return f
}

// tinyAdapter is a LoRA adapter of rank 4 for the tiny model's first query projection.
func tinyAdapter(seed uint64) *ggufFile {
	f := &ggufFile{keys: map[string]any{
		"general.architecture": "qwen2",
		"general.type":         "adapter",
		"adapter.type":         "lora",
		"adapter.lora.alpha":   float32(8),
	}}
	r := rand.New(rand.NewPCG(seed, 1))
	f.tensor(r, 1, "blk.0.attn_q.weight.lora_a", tinyEmbd, 4)
	f.tensor(r, 1, "blk.0.attn_q.weight.lora_b", 4, tinyEmbd)
	return f
}
