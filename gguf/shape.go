package gguf

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// shape holds the figures of a transformer of the Llama or Qwen2 kind.
type shape struct {
	name string // the command line's name
	arch string // llama.cpp's architecture: "qwen2" (attention biases) or "llama"
	size string // for general.size_label

	layers, embedding, heads, kvHeads, headDim, ffn int

	vocab   int     // width of the logits; 0: as the tokenizer needs
	context int     // trained context length in tokens
	rope    float32 // base of the rotary frequencies
	ropeBy  float64 // Llama 3's frequency scaling factor; 0: none
	epsilon float32 // of the RMS norms
	tied    bool    // the output matrix is the embedding
}

// shapes are the published figures: config.json of Qwen/Qwen2.5-{0.5B,1.5B,7B}-Instruct and
// meta-llama/Llama-{3.2-1B,3.1-8B}-Instruct. tiny is made up: as small as llama.cpp's
// block formats and grouped-query attention allow.
var shapes = []shape{
	{"tiny", "qwen2", "tiny", 2, 64, 2, 1, 32, 128, 0, 32768, 1e6, 0, 1e-6, true},
	{"qwen2.5-0.5b", "qwen2", "0.5B", 24, 896, 14, 2, 64, 4864, 151936, 32768, 1e6, 0, 1e-6, true},
	{"qwen2.5-1.5b", "qwen2", "1.5B", 28, 1536, 12, 2, 128, 8960, 151936, 32768, 1e6, 0, 1e-6, true},
	{"qwen2.5-7b", "qwen2", "7B", 28, 3584, 28, 4, 128, 18944, 152064, 32768, 1e6, 0, 1e-6, false},
	{"llama3.2-1b", "llama", "1B", 16, 2048, 32, 8, 64, 8192, 128256, 131072, 5e5, 32, 1e-5, true},
	{"llama3.1-8b", "llama", "8B", 32, 4096, 32, 8, 128, 14336, 128256, 131072, 5e5, 8, 1e-5, false},
}

// Shapes lists the shapes that [Synthesize] knows.
func Shapes() []string {
	out := make([]string, len(shapes))
	for i, s := range shapes {
		out[i] = s.name
	}
	return out
}

func findShape(name string) (shape, error) {
	for _, s := range shapes {
		if s.name == name {
			return s, nil
		}
	}
	return shape{}, fmt.Errorf("gguf: unknown shape %q, want one of %s", name, strings.Join(Shapes(), ", "))
}

// widthStep is what a width without a published figure is rounded up to, in tokens.
// Training code pads so, and it keeps the logits wider than the tokenizer, as they are
// in real models.
const widthStep = 64

// width returns the number of logits for a tokenizer of n tokens: the shape's own, wider
// if the tokenizer needs it. A shape without one takes the published width that fits the
// tokenizer's family (151,936 for Qwen2.5's 151,665 tokens), or the next multiple of 64.
func (s shape) width(n int) int {
	if n <= s.vocab {
		return s.vocab
	}
	if s.vocab == 0 {
		var fits []int
		for _, other := range shapes {
			if n <= other.vocab && other.vocab-n < other.vocab/100 {
				fits = append(fits, other.vocab)
			}
		}
		if len(fits) > 0 {
			return slices.Min(fits)
		}
		return (n/widthStep + 1) * widthStep
	}
	return (n + widthStep - 1) / widthStep * widthStep
}

// set writes the architecture's metadata.
func (s shape) set(w *Writer, width int) {
	key := func(name string) string { return s.arch + "." + name }
	w.Set(key("block_count"), uint32(s.layers))
	w.Set(key("context_length"), uint32(s.context))
	w.Set(key("embedding_length"), uint32(s.embedding))
	w.Set(key("feed_forward_length"), uint32(s.ffn))
	w.Set(key("attention.head_count"), uint32(s.heads))
	w.Set(key("attention.head_count_kv"), uint32(s.kvHeads))
	w.Set(key("attention.key_length"), uint32(s.headDim))
	w.Set(key("attention.value_length"), uint32(s.headDim))
	w.Set(key("attention.layer_norm_rms_epsilon"), s.epsilon)
	w.Set(key("rope.dimension_count"), uint32(s.headDim))
	w.Set(key("rope.freq_base"), s.rope)
	w.Set(key("vocab_size"), uint32(width))
}

// tensorRole says how a synthetic tensor is filled.
type tensorRole uint8

const (
	roleMatrix    tensorRole = iota // noise of deviation 1/sqrt(row length): keeps a unit input's scale
	roleResidual                    // the same times residualGain: matrices whose result joins the residual stream
	roleEmbedding                   // noise of deviation logitSpread/sqrt(row length)
	roleOutput                      // the same; the row dot a normalised state is a logit
	roleBias                        // noise of deviation biasSpread
	roleNorm                        // ones
	roleRope                        // Llama 3's frequency factors
)

// tensorPlan is one tensor of a shape.
type tensorPlan struct {
	name string
	role tensorRole
	ne   []int64 // ggml's order: row length first
}

// plan lists the tensors in the order in which llama.cpp's converter writes them.
func (s shape) plan(width int) []tensorPlan {
	n, q, kv, ffn := int64(s.embedding), int64(s.heads*s.headDim), int64(s.kvHeads*s.headDim), int64(s.ffn)
	var out []tensorPlan
	add := func(name string, role tensorRole, ne ...int64) {
		out = append(out, tensorPlan{name, role, ne})
	}
	if s.ropeBy > 0 {
		add("rope_freqs.weight", roleRope, int64(s.headDim/2))
	}
	add("token_embd.weight", roleEmbedding, n, int64(width))
	for i := range s.layers {
		layer := func(name string, role tensorRole, ne ...int64) {
			add(fmt.Sprintf("blk.%d.%s", i, name), role, ne...)
		}
		layer("attn_norm.weight", roleNorm, n)
		for _, proj := range []struct {
			name string
			rows int64
		}{{"attn_q", q}, {"attn_k", kv}, {"attn_v", kv}} {
			layer(proj.name+".weight", roleMatrix, n, proj.rows)
			if s.arch == "qwen2" {
				layer(proj.name+".bias", roleBias, proj.rows)
			}
		}
		layer("attn_output.weight", roleResidual, q, n)
		layer("ffn_norm.weight", roleNorm, n)
		layer("ffn_gate.weight", roleMatrix, n, ffn)
		layer("ffn_up.weight", roleMatrix, n, ffn)
		layer("ffn_down.weight", roleResidual, ffn, n)
	}
	add("output_norm.weight", roleNorm, n)
	if !s.tied {
		add("output.weight", roleOutput, n, int64(width))
	}
	return out
}

// ropeFactors are Llama 3.1's divisors of the rotary frequencies (rope_type "llama3" with
// low_freq_factor 1, high_freq_factor 4, original context 8,192): long waves are stretched
// by the factor, short ones stay, between them the change is gradual.
func (s shape) ropeFactors() []float32 {
	const low, high, original = 1.0, 4.0, 8192.0
	out := make([]float32, s.headDim/2)
	for i := range out {
		wave := 2 * math.Pi * math.Pow(float64(s.rope), float64(2*i)/float64(s.headDim))
		switch {
		case wave < original/high:
			out[i] = 1
		case wave > original/low:
			out[i] = float32(s.ropeBy)
		default:
			smooth := (original/wave - low) / (high - low)
			out[i] = float32(1 / ((1-smooth)/s.ropeBy + smooth))
		}
	}
	return out
}
