package gguf

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// AdapterPackConfig says what [PackAdapter] makes an adapter of.
type AdapterPackConfig struct {
	// Config is the text of adapter_config.json, as the PEFT library writes it.
	Config []byte
	// Weights holds the pairs lora_A and lora_B under the PEFT library's names.
	Weights *Safetensors
	// Base is the model that the adapter was trained for; the shapes are checked against it.
	Base *File
	// Quant is the matrices' type: F32, F16 or BF16. Adapters are small; rows as short as a rank
	// have no blocks.
	Quant Type
	// Name and Description go into general.*; empty ones are left out.
	Name, Description string
}

// adapterConfig is what is used of adapter_config.json.
type adapterConfig struct {
	Type   string          `json:"peft_type"`
	Rank   int             `json:"r"`
	Alpha  float64         `json:"lora_alpha"`
	Bias   string          `json:"bias"`
	FanIn  bool            `json:"fan_in_fan_out"`
	RSLoRA bool            `json:"use_rslora"`
	DoRA   bool            `json:"use_dora"`
	Ranks  json.RawMessage `json:"rank_pattern"`
	Alphas json.RawMessage `json:"alpha_pattern"`
	Saved  json.RawMessage `json:"modules_to_save"`
}

// PackAdapterFile writes an adapter to path as [SynthesizeFile] writes a model.
func PackAdapterFile(ctx context.Context, path string, config AdapterPackConfig) error {
	return writeFile(path, func(w io.Writer) error { return PackAdapter(ctx, w, config) })
}

// PackAdapter writes a trained LoRA adapter in llama.cpp's format, as [SynthesizeAdapter] does a
// synthetic one. Every tensor of the weights must be half of a pair for a matrix of the base
// model, with its sizes and the configuration's rank.
func PackAdapter(ctx context.Context, w io.Writer, config AdapterPackConfig) error {
	if config.Weights == nil || config.Base == nil {
		return errors.New("gguf: packing an adapter needs weights and a base model")
	}
	if config.Quant != F32 && config.Quant != F16 && config.Quant != BF16 {
		return fmt.Errorf("gguf: an adapter cannot be packed as %s, want F32, F16 or BF16", config.Quant)
	}
	c, err := parseAdapterConfig(config.Config)
	if err != nil {
		return fmt.Errorf("gguf: adapter_config.json: %w", err)
	}
	pairs, err := adapterPairs(config.Base, config.Weights, int64(c.Rank))
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	out := NewWriter(buffered)
	out.Set(KeyArchitecture, config.Base.Text(KeyArchitecture))
	out.Set("general.type", "adapter")
	for _, text := range [][2]string{{"name", config.Name}, {"description", config.Description}} {
		if text[1] != "" {
			out.Set("general."+text[0], text[1])
		}
	}
	out.Set("adapter.type", "lora")
	out.Set("adapter.lora.alpha", float32(c.Alpha))
	for _, p := range pairs {
		out.AddTensor(p.base.Name+".lora_a", config.Quant, p.base.Shape[0], int64(c.Rank))
		out.AddTensor(p.base.Name+".lora_b", config.Quant, int64(c.Rank), p.base.Shape[1])
	}
	report := newProgress(ctx, nil, out.DataBytes())
	for i, t := range out.Tensors() {
		err := out.WriteTensor(t.Name, func(to io.Writer) error {
			report.to = to
			return copyTensor(report, config.Weights, pairs[i/2].names[i%2], t.Type)
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

func parseAdapterConfig(data []byte) (adapterConfig, error) {
	var c adapterConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return c, err
	}
	set := func(raw json.RawMessage) bool {
		return len(raw) > 0 && !slices.Contains([]string{"null", "{}", "[]"}, string(raw))
	}
	switch {
	case c.Type != "LORA":
		return c, fmt.Errorf("peft_type %q, want LORA", c.Type)
	case c.Rank < 1 || c.Rank > maxAdapterRank:
		return c, fmt.Errorf("r is %d, want 1 to %d", c.Rank, maxAdapterRank)
	case !(c.Alpha > 0) || c.Alpha > math.MaxFloat32:
		return c, fmt.Errorf("lora_alpha is %v", c.Alpha)
	case c.Bias != "" && c.Bias != "none":
		return c, fmt.Errorf("bias %q, want none", c.Bias)
	case c.FanIn || c.RSLoRA || c.DoRA || set(c.Ranks) || set(c.Alphas) || set(c.Saved):
		return c, errors.New("only plain LoRA is supported: no fan_in_fan_out, use_rslora, use_dora, rank_pattern, alpha_pattern, modules_to_save")
	}
	return c, nil
}

// adapterPair is a matrix of the base and the names of what changes it, A first.
type adapterPair struct {
	base  Tensor
	names [2]string
}

// adapterPairs finds the pairs in the order of the base's tensors.
func adapterPairs(base *File, weights *Safetensors, rank int64) ([]adapterPair, error) {
	var out []adapterPair
	used := 0
	for _, t := range base.Tensors {
		parts := strings.Split(t.Name, ".")
		if len(parts) != 4 || parts[0] != "blk" || parts[3] != "weight" || len(t.Shape) != 2 || layerParts[parts[2]] == "" {
			continue
		}
		module := "base_model.model." + strings.TrimSuffix(publishedName(t.Name), ".weight")
		p := adapterPair{t, [2]string{module + ".lora_A.weight", module + ".lora_B.weight"}}
		a, okA := weights.Tensor(p.names[0])
		b, okB := weights.Tensor(p.names[1])
		if !okA && !okB {
			continue
		}
		if !okA || !okB || !slices.Equal(a.Shape, []int64{rank, t.Shape[0]}) || !slices.Equal(b.Shape, []int64{t.Shape[1], rank}) {
			return nil, fmt.Errorf("gguf: %s has lora_A %v and lora_B %v, want [%d %d] and [%d %d]",
				module, a.Shape, b.Shape, rank, t.Shape[0], t.Shape[1], rank)
		}
		used += 2
		out = append(out, p)
	}
	if used != len(weights.Tensors) || used == 0 {
		return nil, fmt.Errorf("gguf: %d of the adapter's %d tensors belong to a matrix of the model", used, len(weights.Tensors))
	}
	return out, nil
}
