//go:build cgo

package gguf_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callama/callama/engine/llama"
	"github.com/callama/callama/gguf"
)

// forward computes the logits after the last token as the published architecture defines them
// (Qwen2ForCausalLM), in float64, from the trainer's names: what a packed file must give.
func (m *trained) forward(ids []int32) []float64 {
	x := make([][]float64, len(ids))
	for p, id := range ids {
		x[p] = make([]float64, m.hidden)
		for j := range x[p] {
			x[p][j] = float64(m.tensors["model.embed_tokens.weight"][int(id)*m.hidden+j])
		}
	}
	for layer := range m.layers {
		name := fmt.Sprintf("model.layers.%d.", layer)
		q, k, v := make([][]float64, len(x)), make([][]float64, len(x)), make([][]float64, len(x))
		for p := range x {
			h := m.norm(name+"input_layernorm", x[p])
			q[p] = m.turn(m.linear(name+"self_attn.q_proj", h), p)
			k[p] = m.turn(m.linear(name+"self_attn.k_proj", h), p)
			v[p] = m.linear(name+"self_attn.v_proj", h)
		}
		for p := range x {
			add(x[p], m.linear(name+"self_attn.o_proj", m.attend(q[p], k[:p+1], v[:p+1])))
		}
		for p := range x {
			h := m.norm(name+"post_attention_layernorm", x[p])
			gate, up := m.linear(name+"mlp.gate_proj", h), m.linear(name+"mlp.up_proj", h)
			for j, g := range gate {
				gate[j] = g / (1 + math.Exp(-g)) * up[j]
			}
			add(x[p], m.linear(name+"mlp.down_proj", gate))
		}
	}
	return m.linear("model.embed_tokens", m.norm("model.norm", x[len(x)-1]))
}

func add(x, y []float64) {
	for j := range x {
		x[j] += y[j]
	}
}

func (m *trained) norm(name string, x []float64) []float64 {
	squares := 0.0
	for _, v := range x {
		squares += v * v
	}
	out, scale := make([]float64, len(x)), 1/math.Sqrt(squares/float64(len(x))+1e-6)
	for j, v := range x {
		out[j] = v * scale * float64(m.tensors[name+".weight"][j])
	}
	return out
}

func (m *trained) linear(name string, x []float64) []float64 {
	weight, bias := m.tensors[name+".weight"], m.tensors[name+".bias"]
	out := make([]float64, len(weight)/len(x))
	for i := range out {
		if bias != nil {
			out[i] = float64(bias[i])
		}
		for j, v := range x {
			out[i] += float64(weight[i*len(x)+j]) * v
		}
	}
	return out
}

// turn applies the rotary embedding, whose pairs lie half a head apart.
func (m *trained) turn(x []float64, position int) []float64 {
	size := m.hidden / m.heads
	for head := 0; head < len(x); head += size {
		for j := range size / 2 {
			sin, cos := math.Sincos(float64(position) * math.Pow(10000, -2*float64(j)/float64(size)))
			a, b := x[head+j], x[head+size/2+j]
			x[head+j], x[head+size/2+j] = a*cos-b*sin, b*cos+a*sin
		}
	}
	return x
}

func (m *trained) attend(q []float64, k, v [][]float64) []float64 {
	out, size := make([]float64, len(q)), m.hidden/m.heads
	for head := range m.heads {
		at, from := head*size, head/(m.heads/m.kv)*size
		weights, sum := make([]float64, len(k)), 0.0
		for p := range k {
			for j := range size {
				weights[p] += q[at+j] * k[p][from+j]
			}
			weights[p] = math.Exp(weights[p] / math.Sqrt(float64(size)))
			sum += weights[p]
		}
		for p, w := range weights {
			for j := range size {
				out[at+j] += w / sum * v[p][from+j]
			}
		}
	}
	return out
}

// merge adds an adapter's pairs to the matrices.
func (m *trained) merge(tensors map[string][]float32, rank int, scale float64) {
	for name, a := range tensors {
		module, isA := strings.CutSuffix(strings.TrimPrefix(name, "base_model.model."), ".lora_A.weight")
		if !isA {
			continue
		}
		b := tensors["base_model.model."+module+".lora_B.weight"]
		weight, columns := m.tensors[module+".weight"], len(a)/rank
		for i := range weight {
			for r := range rank {
				weight[i] += float32(scale * float64(b[i/columns*rank+r]) * float64(a[r*columns+i%columns]))
			}
		}
	}
}

func compare(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d logits, want %d", what, len(got), len(want))
	}
	worst, spread := 0.0, 0.0
	for i := range want {
		worst = max(worst, math.Abs(float64(got[i])-want[i]))
		spread = max(spread, math.Abs(want[i]))
	}
	if !(worst < tolerance*spread) {
		t.Errorf("%s: the logits are off by up to %.2g of %.2g", what, worst, spread)
	}
}

// TestLlamaComputesPackedModels holds llama.cpp's logits for packed files against the definition
// of the architecture, with and without an adapter. llama.cpp keeps keys and values in F16, so
// that even with F32 weights three digits agree.
func TestLlamaComputesPackedModels(t *testing.T) {
	lib := library(t)
	m := newTrained()
	const text = "What is 今天 in \"New York\"? <tool_call>\n{"
	for _, tc := range []struct {
		typ       gguf.Type
		tolerance float64
	}{{gguf.F32, 2e-3}, {gguf.F16, 5e-3}, {gguf.Q8_0, 5e-2}} {
		path := filepath.Join(t.TempDir(), "m.gguf")
		if err := gguf.PackFile(t.Context(), path, m.pack(t, tc.typ)); err != nil {
			t.Fatal(err)
		}
		model, err := lib.LoadModel(path, llama.ModelParams{})
		if err != nil {
			t.Fatal(err)
		}
		defer model.Close()
		ids, err := model.Tokenize(text, false, true)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, tc.typ.String(), logits(t, model, nil, text), m.forward(ids), tc.tolerance)
		if tc.typ != gguf.F32 {
			continue
		}
		tensors, shapes := m.lora(4)
		file := filepath.Join(t.TempDir(), "a.gguf")
		err = gguf.PackAdapterFile(t.Context(), file, gguf.AdapterPackConfig{
			Config: asJSON(loraConfig()), Weights: readSafetensors(t, safetensors(tensors, shapes)), Base: packedBase(t, m),
		})
		if err != nil {
			t.Fatal(err)
		}
		adapter, err := model.LoadAdapter(file)
		if err != nil {
			t.Fatal(err)
		}
		defer adapter.Close()
		changed := newTrained()
		changed.merge(tensors, 4, 12.0/4)
		compare(t, "adapter", logits(t, model, adapter, text), changed.forward(ids), tc.tolerance)
	}
}
