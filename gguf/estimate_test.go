package gguf

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

const mib = 1 << 20

// TestEstimate compares with what llama.cpp 0.5.0 logged for these very files on a CPU:
// model, KV and compute buffer sizes. Its compute buffer is without the logits' own.
func TestEstimate(t *testing.T) {
	for _, tc := range []struct {
		shape           string
		quant           Type
		context, batch  int
		weights, kv     float64 // MiB
		compute, logits float64 // MiB
	}{
		{"qwen2.5-0.5b", Q8_0, 512, 512, 500.79, 6, 300.25, 0.58},
		{"qwen2.5-0.5b", Q8_0, 4000, 512, 500.79, 48, 300.25, 0.58}, // rounds up to 4096
		{"qwen2.5-0.5b", Q8_0, 4096, 128, 500.79, 48, 75.06, 0.58},
		{"qwen2.5-0.5b", Q8_0, 32768, 0, 500.79, 384, 300.25, 0.58},
		{"llama3.2-1b", Q4_0, 4096, 512, 788.41, 128, 258.50, 0.49},
		{"llama3.2-1b", Q4_0, 4096, 2048, 788.41, 128, 1034.01, 0.49},
		{"tiny", Q8_0, 512, 512, 0.13, 0.125, 1.88, 0},
		{"tiny", Q8_0, 4096, 512, 0.13, 1, 5.01, 0},
		{"tiny", Q8_0, 32768, 128, 0.13, 8, 8.25, 0},
	} {
		f := described(t, tc.shape, tc.quant)
		e, err := f.Estimate(tc.context, tc.batch)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []struct {
			name      string
			got, want float64
			tolerance float64
		}{
			{"weights", float64(e.Weights()) / mib, tc.weights, 0.01},
			{"KV", float64(e.KV()) / mib, tc.kv, 0},
			{"compute", float64(e.Compute) / mib, tc.compute + tc.logits, 0.02 + 0.02*tc.compute},
		} {
			if math.Abs(part.got-part.want) > part.tolerance {
				t.Errorf("%s at %d by %d: %s %.3f MiB, want %.3f", tc.shape, tc.context, tc.batch, part.name, part.got, part.want)
			}
		}
	}
}

// described returns a model's File as if it had been written, without the tensors' data.
func described(t *testing.T, name string, quant Type) *File {
	t.Helper()
	_, f := synthesize(t, SynthConfig{Shape: name, Quant: quant, VocabOnly: true})
	s, err := findShape(name)
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter(nil)
	for _, p := range s.plan(s.width(len(BuiltinTokenizer().Tokens))) {
		w.AddTensor(p.name, p.storedType(s, quant), p.ne...)
	}
	for i, tensor := range w.Tensors() {
		f.names[tensor.Name] = i
	}
	f.Tensors = w.Tensors()
	return f
}

func TestEstimateSides(t *testing.T) {
	tied, err := described(t, "qwen2.5-0.5b", Q8_0).Estimate(4096, 0)
	if err != nil {
		t.Fatal(err)
	}
	untied, err := described(t, "qwen2.5-7b", Q8_0).Estimate(4096, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !tied.Tied || untied.Tied {
		t.Errorf("tied is %v and %v", tied.Tied, untied.Tied)
	}
	const row = 896 / 32 * 34
	if tied.Input != 151936*row || tied.Output != tied.Input+896*4 {
		t.Errorf("tied: input %d, output %d", tied.Input, tied.Output)
	}
	if untied.Output != untied.Input+3584*4 {
		t.Errorf("untied: input %d, output %d", untied.Input, untied.Output)
	}
	if got := tied.LargestLayer(); got != tied.Layers[3].Weights+tied.Layers[3].KV || got == 0 {
		t.Errorf("largest layer %d", got)
	}
	if tied.Total() != tied.Weights()+tied.KV()+tied.Compute || tied.DeviceFixed() != tied.Output+tied.Compute {
		t.Error("the sums do not add up")
	}
}

func TestEstimateFigures(t *testing.T) {
	build := func(set func(w *Writer)) *File {
		var buf bytes.Buffer
		w := NewWriter(&buf)
		w.Set(KeyArchitecture, "x")
		set(w)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := Read(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	base := func(w *Writer) {
		w.Set("x.block_count", uint32(3))
		w.Set("x.embedding_length", uint64(64))
		w.Set("x.attention.head_count", []int32{4, 4, 4})
	}
	f := build(func(w *Writer) { base(w); w.Set("x.attention.head_count_kv", []int32{0, 2, 1}) })
	e, err := f.Estimate(256, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, heads := range []int64{0, 2, 1} {
		if want := 256 * heads * (16 + 16) * 2; e.Layers[i].KV != want {
			t.Errorf("layer %d: KV %d, want %d", i, e.Layers[i].KV, want)
		}
	}
	for _, tc := range []struct {
		name    string
		set     func(w *Writer)
		context int
		want    string
	}{
		{"nothing", func(*Writer) {}, 256, "block_count"},
		{"absurd layers", func(w *Writer) { w.Set("x.block_count", uint64(math.MaxUint64)) }, 256, "block_count"},
		{"no embedding", func(w *Writer) { w.Set("x.block_count", uint32(1)) }, 256, "embedding_length"},
		{"no context", base, 0, "context of 0"},
		{"absurd context", base, math.MaxInt, "context of"},
		{"no heads", func(w *Writer) {
			w.Set("x.block_count", uint32(1))
			w.Set("x.embedding_length", uint32(64))
			w.Set("x.attention.head_count", uint32(0))
		}, 256, "head_count is 0"},
	} {
		if _, err := build(tc.set).Estimate(tc.context, 0); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want an error with %q", tc.name, err, tc.want)
		}
	}
	huge := build(func(w *Writer) {
		base(w)
		w.Set("x.attention.key_length", uint32(math.MaxInt32))
		w.Set("x.attention.head_count_kv", uint64(math.MaxUint64))
	})
	if e, err := huge.Estimate(math.MaxInt32-255, math.MaxInt); err != nil || e.Total() != math.MaxInt64 {
		t.Errorf("figures that overflow: %d, %v", e.Total(), err)
	}
}

func TestSynthesizeAdapter(t *testing.T) {
	_, base := synthesize(t, SynthConfig{Quant: Q8_0})
	var buf bytes.Buffer
	config := AdapterConfig{Rank: 4, Alpha: 4, Seed: 9, Targets: []string{"attn_k", "ffn_down"}}
	if err := SynthesizeAdapter(t.Context(), &buf, base, config); err != nil {
		t.Fatal(err)
	}
	f, err := Read(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Tensors) != 2*2*2 || f.Text("general.type") != "adapter" || f.Text("adapter.type") != "lora" || f.Text(KeyArchitecture) != "qwen2" {
		t.Errorf("%d tensors, metadata %v", len(f.Tensors), f.Metadata)
	}
	if alpha, ok := Lookup[float32](f, "adapter.lora.alpha"); !ok || alpha != 4 {
		t.Errorf("alpha %v", alpha)
	}
	a, _ := f.Tensor("blk.1.ffn_down.weight.lora_a")
	b, _ := f.Tensor("blk.1.ffn_down.weight.lora_b")
	if len(a.Shape) != 2 || a.Shape[0] != 128 || a.Shape[1] != 4 || len(b.Shape) != 2 || b.Shape[0] != 4 || b.Shape[1] != 64 {
		t.Errorf("shapes %v and %v, want 128 by 4 and 4 by 64", a.Shape, b.Shape)
	}
	for _, tc := range []struct {
		name   string
		config AdapterConfig
		want   string
	}{
		{"rank below 0", AdapterConfig{Rank: -1}, "rank -1"},
		{"rank too large", AdapterConfig{Rank: 1 << 20}, "rank 1048576"},
		{"unknown target", AdapterConfig{Targets: []string{"attn_q", "attn_x"}}, `no matrix "attn_x"`},
		{"a norm", AdapterConfig{Targets: []string{"attn_norm"}}, `no matrix "attn_norm"`},
		{"no target", AdapterConfig{Targets: []string{}}, "at least one target"},
	} {
		if err := SynthesizeAdapter(t.Context(), &buf, base, tc.config); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want an error with %q", tc.name, err, tc.want)
		}
	}
}
