package gguf

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// AdapterConfig says which synthetic LoRA adapter to write. The zero value has rank 8,
// alpha 16, seed 0 and the targets attn_q and attn_v.
type AdapterConfig struct {
	Rank  int     // inner width; 0 means 8
	Alpha float32 // the adapter's strength is alpha/rank, times the scale it is loaded with; 0 means 16
	Seed  uint64
	// Targets are the matrices of each layer to adapt, such as "attn_q" or "ffn_down"; nil
	// means attn_q and attn_v, the usual choice.
	Targets []string
}

// maxAdapterRank bounds AdapterConfig.Rank; published adapters have 4 to 256.
const maxAdapterRank = 4096

// adapterSpread makes an adapter with alpha = rank change its matrices by half their own
// deviation in a synthetic model: enough that outputs differ beyond doubt, and finite.
const adapterSpread = 0.5

// SynthesizeAdapter writes a LoRA adapter for the model base, with seeded random weights, in
// llama.cpp's adapter format: for each target W a pair W.lora_a, (row length, rank), and
// W.lora_b, (rank, rows), in F32; the model then computes W + scale*alpha/rank * B*A. Unlike
// an untrained adapter it changes the output: tests can see that it is on.
func SynthesizeAdapter(ctx context.Context, w io.Writer, base *File, config AdapterConfig) error {
	if config.Rank == 0 {
		config.Rank = 8
	}
	if config.Alpha == 0 {
		config.Alpha = 16
	}
	if config.Targets == nil {
		config.Targets = []string{"attn_q", "attn_v"}
	}
	if config.Rank < 0 || config.Rank > maxAdapterRank {
		return fmt.Errorf("gguf: adapter rank %d, want 1 to %d", config.Rank, maxAdapterRank)
	}
	targets, err := adapterTargets(base, config.Targets)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	out := NewWriter(buffered)
	out.Set(KeyArchitecture, base.Text(KeyArchitecture))
	out.Set("general.type", "adapter")
	out.Set("general.name", "callama synthetic adapter")
	out.Set("adapter.type", "lora")
	out.Set("adapter.lora.alpha", config.Alpha)
	rank := int64(config.Rank)
	for _, t := range targets {
		out.AddTensor(t.Name+".lora_a", F32, t.Shape[0], rank)
		out.AddTensor(t.Name+".lora_b", F32, rank, t.Shape[1])
	}
	report := newProgress(ctx, nil, out.DataBytes())
	for _, t := range out.Tensors() {
		deviation := 1 / math.Sqrt(float64(t.Shape[0]))
		if strings.HasSuffix(t.Name, ".lora_b") {
			deviation *= adapterSpread
		}
		err := out.WriteTensor(t.Name, func(to io.Writer) error {
			report.to = to
			return fillTensor(report, t, config.Seed, deviation)
		})
		if err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	return nil
}

// SynthesizeAdapterFile writes an adapter to path as [SynthesizeFile] writes a model.
func SynthesizeAdapterFile(ctx context.Context, path string, base *File, config AdapterConfig) error {
	return writeFile(path, func(w io.Writer) error { return SynthesizeAdapter(ctx, w, base, config) })
}

// adapterTargets finds the matrices to adapt, in the file's order. A target that no layer
// has is an error.
func adapterTargets(base *File, names []string) ([]Tensor, error) {
	found := map[string]bool{}
	var out []Tensor
	for _, t := range base.Tensors {
		parts := strings.Split(t.Name, ".") // blk.N.NAME.weight
		if len(parts) != 4 || parts[0] != "blk" || parts[3] != "weight" || len(t.Shape) != 2 {
			continue
		}
		if slices.Contains(names, parts[2]) {
			found[parts[2]] = true
			out = append(out, t)
		}
	}
	for _, name := range names {
		if !found[name] {
			return nil, fmt.Errorf("gguf: the model has no matrix %q to adapt", name)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("gguf: an adapter needs at least one target")
	}
	return out, nil
}
