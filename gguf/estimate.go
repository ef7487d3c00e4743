package gguf

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// defaultBatch is llama.cpp's own n_ubatch, in tokens: what one compute graph takes at most.
const defaultBatch = 512

// kvAlign is what llama.cpp rounds a context length up to, in tokens.
const kvAlign = 256

// Estimate says how much memory a model needs, in bytes, with llama.cpp's defaults: F16 KV
// cache, flash attention. Not counted are copies that a backend makes of weights to suit
// its kernels (on CPUs, of Q4_0 matrices). A model is cut as llama.cpp cuts it for offloading: an input
// side, layers, an output side.
type Estimate struct {
	Context int // tokens, rounded up as llama.cpp rounds
	Batch   int // tokens that are computed at once (llama.cpp's n_ubatch)

	Layers []LayerEstimate // by number
	Input  int64           // the embedding, which stays in host memory
	Output int64           // the output matrix and norm; with tied weights a copy of the embedding on the device
	Tied   bool            // the output matrix is the embedding
	Other  int64           // tensors that belong to neither, such as rotary factors

	// Compute is the scratch memory of one graph and the logits' buffer. With tied and
	// untied models of dense architectures it is within some percent of what llama.cpp
	// allocates; others need more.
	Compute int64
}

// LayerEstimate is one layer's share, in bytes.
type LayerEstimate struct {
	Weights int64
	KV      int64 // at the whole context
}

// Weights returns the bytes of all tensors as they are in the file.
func (e Estimate) Weights() int64 {
	n := e.Input + e.Output + e.Other
	if e.Tied {
		n = e.Output + e.Other
	}
	for _, l := range e.Layers {
		n = addSaturated(n, l.Weights)
	}
	return n
}

// KV returns the bytes of the KV cache.
func (e Estimate) KV() int64 {
	var n int64
	for _, l := range e.Layers {
		n = addSaturated(n, l.KV)
	}
	return n
}

// Total returns what a run in host memory needs: weights, KV cache and scratch memory.
func (e Estimate) Total() int64 {
	return addSaturated(addSaturated(e.Weights(), e.KV()), e.Compute)
}

// DeviceFixed returns what a device must hold before the first layer is offloaded: the
// output side, the scratch memory, and what belongs to no layer.
func (e Estimate) DeviceFixed() int64 {
	return addSaturated(addSaturated(e.Output, e.Other), e.Compute)
}

// LargestLayer returns the bytes, weights and KV cache, of the layer that needs most.
func (e Estimate) LargestLayer() int64 {
	var n int64
	for _, l := range e.Layers {
		n = max(n, addSaturated(l.Weights, l.KV))
	}
	return n
}

// hyper are the figures that decide the KV cache and the scratch memory.
type hyper struct {
	embedding, vocab uint64
	ffn              uint64   // of the widest layer
	kvHeads          []uint64 // by layer
	keyLen, valueLen uint64
}

// Estimate computes the memory need at a context length in tokens (0: the trained one) and
// a batch in tokens (0: llama.cpp's 512). Weights are exact. The KV cache is exact for
// attention in every layer over the whole context, as Llama and Qwen have it, and an upper
// bound for models with sliding windows or recurrent layers. It fails where the metadata
// lack the figures, as adapters' and vocabularies' may.
func (f *File) Estimate(context, batch int) (Estimate, error) {
	arch := f.Text(KeyArchitecture)
	layers, ok := f.Uint(arch + ".block_count")
	if !ok || layers == 0 || layers > uint64(max(len(f.Tensors), 1024)) {
		return Estimate{}, fmt.Errorf("gguf: cannot estimate %q: %s.block_count is missing or absurd", arch, arch)
	}
	if context <= 0 {
		trained, _ := f.Uint(arch + ".context_length")
		context = int(min(trained, math.MaxInt32))
	}
	if context <= 0 || context > math.MaxInt32 {
		return Estimate{}, fmt.Errorf("gguf: cannot estimate a context of %d tokens", context)
	}
	if batch <= 0 {
		batch = defaultBatch
	}
	context = (context + kvAlign - 1) / kvAlign * kvAlign
	h, err := f.hyper(arch, int(layers))
	if err != nil {
		return Estimate{}, err
	}
	e := Estimate{Context: context, Batch: min(batch, context), Layers: make([]LayerEstimate, layers)}
	for i := range e.Layers {
		cells := multiply(h.kvHeads[i], h.keyLen+h.valueLen)
		e.Layers[i].KV = multiply(uint64(context), uint64(cells), 2)
	}
	f.weigh(&e)
	e.Compute = h.compute(uint64(e.Context), uint64(e.Batch))
	return e, nil
}

func (f *File) hyper(arch string, layers int) (hyper, error) {
	need := func(name string) (uint64, error) {
		v, ok := f.Uints(arch + "." + name)
		if !ok || len(v) == 0 {
			return 0, fmt.Errorf("gguf: cannot estimate %q: no key %s.%s", arch, arch, name)
		}
		widest := uint64(0)
		for _, n := range v {
			widest = max(widest, n)
		}
		if widest == 0 || widest > math.MaxInt32 {
			return 0, fmt.Errorf("gguf: cannot estimate %q: %s.%s is %d", arch, arch, name, widest)
		}
		return widest, nil
	}
	var h hyper
	var heads uint64
	var err error
	if h.embedding, err = need("embedding_length"); err != nil {
		return h, err
	}
	if heads, err = need("attention.head_count"); err != nil {
		return h, err
	}
	h.ffn, _ = need("feed_forward_length") // some architectures have none
	h.keyLen, h.valueLen = h.embedding/heads, h.embedding/heads
	if v, err := need("attention.key_length"); err == nil {
		h.keyLen = v
	}
	if v, err := need("attention.value_length"); err == nil {
		h.valueLen = v
	}
	kv, ok := f.Uints(arch + ".attention.head_count_kv")
	if !ok || len(kv) == 0 {
		kv = []uint64{heads}
	}
	h.kvHeads = make([]uint64, layers)
	for i := range h.kvHeads {
		h.kvHeads[i] = kv[min(i, len(kv)-1)]
	}
	h.vocab = f.logits()
	return h, nil
}

// logits returns the width of the output, by the tensors or else by the tokenizer.
func (f *File) logits() uint64 {
	for _, name := range []string{"output.weight", "token_embd.weight"} {
		if t, ok := f.Tensor(name); ok && len(t.Shape) == 2 {
			return uint64(t.Shape[1])
		}
	}
	tokens, _ := Lookup[[]string](f, "tokenizer.ggml.tokens")
	return uint64(len(tokens))
}

// compute models the scratch buffer as llama.cpp 0.5.0 lays it out: its peak is either the
// end of the graph, where the logits of a whole batch stand beside two hidden states, or
// the inside of a layer, with the attention mask (F16, context by batch), two hidden
// states and three rows of the feed-forward part. The logits' own buffer comes on top.
func (h hyper) compute(context, batch uint64) int64 {
	end := multiply(4, batch, h.vocab+2*h.embedding)
	inside := addSaturated(multiply(2, batch, context), multiply(4, batch, 2*h.embedding+3*h.ffn))
	return addSaturated(max(end, inside), multiply(4, h.vocab))
}

// weigh sorts the tensors' bytes into layers, input, output and the rest.
func (f *File) weigh(e *Estimate) {
	_, untied := f.names["output.weight"]
	e.Tied = !untied
	for _, t := range f.Tensors {
		if i, ok := layerNumber(t.Name); ok && i < len(e.Layers) {
			e.Layers[i].Weights += t.Bytes
			continue
		}
		switch {
		case t.Name == "token_embd.weight":
			e.Input += t.Bytes
			if e.Tied {
				e.Output += t.Bytes
			}
		case strings.HasPrefix(t.Name, "output"):
			e.Output += t.Bytes
		default:
			e.Other += t.Bytes
		}
	}
}

// layerNumber parses "blk.12.attn_q.weight".
func layerNumber(name string) (int, bool) {
	rest, ok := strings.CutPrefix(name, "blk.")
	if !ok {
		return 0, false
	}
	digits, _, ok := strings.Cut(rest, ".")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0
}

// multiply returns the product, or the largest int64 where it does not fit.
func multiply(factors ...uint64) int64 {
	product := uint64(1)
	for _, f := range factors {
		high, low := bits.Mul64(product, f)
		if high != 0 || low > math.MaxInt64 {
			return math.MaxInt64
		}
		product = low
	}
	return int64(product)
}

// addSaturated adds non-negative numbers, stopping at the largest int64.
func addSaturated(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
