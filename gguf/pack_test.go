package gguf_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/gguf"
)

// trained is a small model as a trainer leaves it, with random weights.
type trained struct {
	hidden, layers, heads, kv, ffn, vocab int
	tensors                               map[string][]float32
	shapes                                map[string][]int64
}

// newTrained has weights large enough that every part of the model shows in the logits.
func newTrained() *trained {
	m := &trained{64, 2, 4, 2, 96, 832, map[string][]float32{}, map[string][]int64{}}
	rng := rand.New(rand.NewPCG(1, 2))
	add := func(name string, scale, mean float64, shape ...int64) {
		n := int64(1)
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(rng.NormFloat64()*scale + mean)
		}
		m.tensors[name], m.shapes[name] = values, shape
	}
	d, kv, f := int64(m.hidden), int64(m.kv*m.hidden/m.heads), int64(m.ffn)
	add("model.embed_tokens.weight", 0.2, 0, int64(m.vocab), d)
	for i := range m.layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		add(p+"input_layernorm.weight", 0.2, 1, d)
		add(p+"post_attention_layernorm.weight", 0.2, 1, d)
		for j, name := range []string{"q", "k", "v"} {
			rows := []int64{d, kv, kv}[j]
			add(p+"self_attn."+name+"_proj.weight", 0.2, 0, rows, d)
			add(p+"self_attn."+name+"_proj.bias", 0.5, 0, rows)
		}
		add(p+"self_attn.o_proj.weight", 0.2, 0, d, d)
		add(p+"mlp.gate_proj.weight", 0.2, 0, f, d)
		add(p+"mlp.up_proj.weight", 0.2, 0, f, d)
		add(p+"mlp.down_proj.weight", 0.2, 0, d, f)
	}
	add("model.norm.weight", 0.2, 1, d)
	return m
}

func (m *trained) config() map[string]any {
	return map[string]any{
		"model_type": "qwen2", "hidden_size": m.hidden, "num_hidden_layers": m.layers, "num_attention_heads": m.heads,
		"num_key_value_heads": m.kv, "intermediate_size": m.ffn, "vocab_size": m.vocab, "max_position_embeddings": 512,
		"rope_theta": 10000.0, "rms_norm_eps": 1e-6, "hidden_act": "silu", "tie_word_embeddings": true,
	}
}

func asJSON(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}

// safetensors writes tensors in the format, F32, by name.
func safetensors(tensors map[string][]float32, shapes map[string][]int64) []byte {
	header, data := map[string]any{}, []byte(nil)
	names := make([]string, 0, len(tensors))
	for name := range tensors {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		start := len(data)
		for _, v := range tensors[name] {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		header[name] = map[string]any{"dtype": "F32", "shape": shapes[name], "data_offsets": []int{start, len(data)}}
	}
	return joinSafetensors(string(asJSON(header)), data)
}

func joinSafetensors(header string, data []byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), data...)
}

func readSafetensors(t *testing.T, file []byte) *gguf.Safetensors {
	t.Helper()
	s, err := gguf.ReadSafetensors(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (m *trained) pack(t *testing.T, typ gguf.Type) gguf.PackConfig {
	return gguf.PackConfig{
		Config: asJSON(m.config()), Weights: readSafetensors(t, safetensors(m.tensors, m.shapes)),
		Tokenizer: gguf.BuiltinTokenizer(), Quant: typ, Name: "small", License: "Apache-2.0",
	}
}

func TestPack(t *testing.T) {
	m := newTrained()
	for i, typ := range []gguf.Type{gguf.F32, gguf.F16, gguf.BF16, gguf.Q8_0, gguf.Q4_0, gguf.Q4_0} {
		path := filepath.Join(t.TempDir(), "m.gguf")
		config := m.pack(t, typ)
		config.Pure = i == 5
		if err := gguf.PackFile(t.Context(), path, config); err != nil {
			t.Fatal(err)
		}
		f, err := gguf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Text("general.name") != "small" || f.Text("general.license") != "Apache-2.0" || f.Text(gguf.KeyChatTemplate) == "" {
			t.Errorf("%s: metadata %v", typ, f.Metadata[:8])
		}
		if n, _ := f.Uint("qwen2.attention.head_count_kv"); n != 2 || len(f.Tensors) != len(m.tensors) {
			t.Errorf("%s: %d key-value heads, %d tensors, want 2 and %d", typ, n, len(f.Tensors), len(m.tensors))
		}
		for name, published := range map[string]string{
			"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
			"blk.1.attn_k.bias": "model.layers.1.self_attn.k_proj.bias", "blk.0.ffn_down.weight": "model.layers.0.mlp.down_proj.weight",
		} {
			got, err := f.Floats(name)
			if err != nil {
				t.Fatal(err)
			}
			tensor, _ := f.Tensor(name)
			raw, err := gguf.Quantize(nil, tensor.Type, m.tensors[published])
			want := make([]float32, len(m.tensors[published]))
			if err := errors.Join(err, gguf.Dequantize(want, tensor.Type, raw)); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s is not %s", typ, name, published)
			}
			if wantType := map[bool]gguf.Type{true: gguf.F32, false: typ}[len(tensor.Shape) == 1]; tensor.Type != wantType &&
				!(typ == gguf.Q4_0 && !config.Pure && name == "token_embd.weight" && tensor.Type == gguf.Q8_0) {
				t.Errorf("%s: %s is %s", typ, name, tensor.Type)
			}
		}
	}
}

func TestPackRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*trained, map[string]any, *gguf.PackConfig)
		want   string
	}{
		{"another architecture", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["model_type"] = "llama" }, `model_type "llama"`},
		{"scaled positions", func(_ *trained, c map[string]any, _ *gguf.PackConfig) {
			c["rope_scaling"] = map[string]any{"factor": 2}
		}, "rope_scaling"},
		{"a sliding window", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["use_sliding_window"] = true }, "use_sliding_window"},
		{"another activation", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["hidden_act"] = "gelu" }, "hidden_act"},
		{"no layers", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["num_hidden_layers"] = 0 }, "num_hidden_layers is 0"},
		{"heads that do not divide", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["num_attention_heads"] = 3 }, "3 heads"},
		{"key-value heads that do not", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["num_key_value_heads"] = 3 }, "3 key-value heads"},
		{"no positions", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["rope_theta"] = 0 }, "rope_theta"},
		{"one layer more", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["num_hidden_layers"] = 3 }, `lack "model.layers.2.`},
		{"one layer less", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["num_hidden_layers"] = 1 }, `"model.layers.1.`},
		{"another width", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["intermediate_size"] = 128 }, "has shape [96 64], want [128 64]"},
		{"an output matrix that is not there", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["tie_word_embeddings"] = false }, `lack "lm_head.weight"`},
		{"fewer logits than tokens", func(_ *trained, c map[string]any, _ *gguf.PackConfig) { c["vocab_size"] = 700 }, "logits for 700"},
		{"a type without a writer", func(_ *trained, _ map[string]any, p *gguf.PackConfig) { p.Quant = gguf.Q6_K }, "packed as Q6_K"},
		{"no tokenizer", func(_ *trained, _ map[string]any, p *gguf.PackConfig) { p.Tokenizer = nil }, "a tokenizer"},
		{"not a number", func(m *trained, _ map[string]any, _ *gguf.PackConfig) {
			m.tensors["model.norm.weight"][3] = float32(math.NaN())
		}, "value 3 is NaN"},
	} {
		m := newTrained()
		config, pack := m.config(), m.pack(t, gguf.F32)
		tc.change(m, config, &pack)
		pack.Config = asJSON(config)
		pack.Weights = readSafetensors(t, safetensors(m.tensors, m.shapes))
		path := filepath.Join(t.TempDir(), "m.gguf")
		err := gguf.PackFile(t.Context(), path, pack)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) > 0 {
			t.Errorf("%s: a failure left %v, %v", tc.name, entries, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := gguf.Pack(ctx, &bytes.Buffer{}, newTrained().pack(t, gguf.F32)); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
}

// lora adds random pairs for matrices of the first layer.
func (m *trained) lora(rank int64) (map[string][]float32, map[string][]int64) {
	tensors, shapes := map[string][]float32{}, map[string][]int64{}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, module := range []string{"self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj"} {
		shape := m.shapes["model.layers.0."+module+".weight"]
		for i, size := range [][]int64{{rank, shape[1]}, {shape[0], rank}} {
			name := "base_model.model.model.layers.0." + module + ".lora_" + "AB"[i:i+1] + ".weight"
			values := make([]float32, size[0]*size[1])
			for j := range values {
				values[j] = float32(rng.NormFloat64() * 0.2)
			}
			tensors[name], shapes[name] = values, size
		}
	}
	return tensors, shapes
}

func loraConfig() map[string]any {
	return map[string]any{"peft_type": "LORA", "r": 4, "lora_alpha": 12, "bias": "none", "fan_in_fan_out": false}
}

func packedBase(t *testing.T, m *trained) *gguf.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "base.gguf")
	if err := gguf.PackFile(t.Context(), path, m.pack(t, gguf.F32)); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestPackAdapter(t *testing.T) {
	m := newTrained()
	base := packedBase(t, m)
	tensors, shapes := m.lora(4)
	path := filepath.Join(t.TempDir(), "a.gguf")
	err := gguf.PackAdapterFile(t.Context(), path, gguf.AdapterPackConfig{
		Config: asJSON(loraConfig()), Weights: readSafetensors(t, safetensors(tensors, shapes)), Base: base, Quant: gguf.F32, Name: "other",
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if alpha, _ := f.Float("adapter.lora.alpha"); alpha != 12 || f.Text("adapter.type") != "lora" || f.Text("general.name") != "other" || len(f.Tensors) != 6 {
		t.Errorf("alpha %v, %d tensors, %v", alpha, len(f.Tensors), f.Metadata)
	}
	for name, published := range map[string]string{
		"blk.0.attn_q.weight.lora_a": "self_attn.q_proj.lora_A", "blk.0.ffn_down.weight.lora_b": "mlp.down_proj.lora_B",
	} {
		got, err := f.Floats(name)
		if err != nil || !slices.Equal(got, tensors["base_model.model.model.layers.0."+published+".weight"]) {
			t.Errorf("%s is not %s: %v", name, published, err)
		}
	}
}

func TestPackAdapterRefuses(t *testing.T) {
	m := newTrained()
	base := packedBase(t, m)
	const q = "base_model.model.model.layers.0.self_attn.q_proj.lora_"
	for _, tc := range []struct {
		name   string
		change func(c map[string]any, tensors map[string][]float32, shapes map[string][]int64)
		want   string
	}{
		{"another kind", func(c map[string]any, _ map[string][]float32, _ map[string][]int64) { c["peft_type"] = "IA3" }, `peft_type "IA3"`},
		{"rank 0", func(c map[string]any, _ map[string][]float32, _ map[string][]int64) { c["r"] = 0 }, "r is 0"},
		{"no strength", func(c map[string]any, _ map[string][]float32, _ map[string][]int64) { c["lora_alpha"] = 0 }, "lora_alpha is 0"},
		{"biases", func(c map[string]any, _ map[string][]float32, _ map[string][]int64) { c["bias"] = "all" }, `bias "all"`},
		{"another scale", func(c map[string]any, _ map[string][]float32, _ map[string][]int64) { c["use_rslora"] = true }, "only plain LoRA"},
		{"ranks by layer", func(c map[string]any, _ map[string][]float32, _ map[string][]int64) {
			c["rank_pattern"] = map[string]int{"x": 1}
		}, "only plain LoRA"},
		{"another rank", func(c map[string]any, _ map[string][]float32, _ map[string][]int64) { c["r"] = 8 }, "want [8 64] and [64 8]"},
		{"half a pair", func(_ map[string]any, x map[string][]float32, _ map[string][]int64) { delete(x, q+"A.weight") }, "has lora_A []"},
		{"a matrix that the model has not", func(_ map[string]any, x map[string][]float32, s map[string][]int64) {
			x["base_model.model.lm_head.lora_A.weight"], s["base_model.model.lm_head.lora_A.weight"] = make([]float32, 256), []int64{4, 64}
		}, "6 of the adapter's 7"},
	} {
		config := loraConfig()
		tensors, shapes := m.lora(4)
		tc.change(config, tensors, shapes)
		err := gguf.PackAdapter(t.Context(), &bytes.Buffer{}, gguf.AdapterPackConfig{
			Config: asJSON(config), Weights: readSafetensors(t, safetensors(tensors, shapes)), Base: base,
		})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}
