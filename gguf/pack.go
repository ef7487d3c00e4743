package gguf

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// PackConfig says what [Pack] makes a model file of.
type PackConfig struct {
	// Config is the text of config.json, of a Qwen2ForCausalLM.
	Config []byte
	// Weights holds the parameters under Hugging Face's names, in F32, F16 or BF16.
	Weights *Safetensors
	// Tokenizer is the vocabulary, with the chat template to put in.
	Tokenizer *Tokenizer
	// Quant is the matrices' type: F32, F16, BF16, Q8_0 or Q4_0. With Q4_0 the output matrix is
	// Q8_0 unless Pure is set; norms and biases are F32 with all.
	Quant Type
	// Pure gives the output matrix the type of the others, for models that were trained so.
	Pure bool
	// Name, Description and License go into general.*; empty ones are left out, but for Name,
	// which is "model" then.
	Name, Description, License string
	// Progress, if not nil, is called with the bytes written of the tensor data, now and then.
	Progress func(done, total int64)
}

// PackFile writes a model file to path as [SynthesizeFile] does: complete or not at all.
func PackFile(ctx context.Context, path string, config PackConfig) error {
	return writeFile(path, func(w io.Writer) error { return Pack(ctx, w, config) })
}

// Pack writes a trained model as a stream: the tensors of llama.cpp's qwen2 from those of Hugging
// Face's. Nothing is written unless every tensor that the configuration asks for is there in its
// size and nothing else is. Cost: one tensor at a time in memory, some 100 MB/s.
func Pack(ctx context.Context, w io.Writer, config PackConfig) error {
	s, width, err := parseModelConfig(config.Config)
	if err != nil {
		return fmt.Errorf("gguf: config.json: %w", err)
	}
	if !Quantizable(config.Quant) {
		return fmt.Errorf("gguf: a model cannot be packed as %s", config.Quant)
	}
	if config.Tokenizer == nil || config.Weights == nil {
		return errors.New("gguf: packing needs weights and a tokenizer")
	}
	if n := len(config.Tokenizer.Tokens); n > width {
		return fmt.Errorf("gguf: the tokenizer has %d tokens, the model logits for %d", n, width)
	}
	plan := s.plan(width)
	if err := checkWeights(config.Weights, plan, s.tied); err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	out := NewWriter(buffered)
	setPacked(out, s, config)
	s.set(out, width)
	config.Tokenizer.set(out, width)
	for _, p := range plan {
		typ := p.storedType(s, config.Quant)
		if config.Pure && len(p.ne) > 1 {
			typ = config.Quant
		}
		out.AddTensor(p.name, typ, p.ne...)
	}
	report := newProgress(ctx, config.Progress, out.DataBytes())
	for _, t := range out.Tensors() {
		err := out.WriteTensor(t.Name, func(to io.Writer) error {
			report.to = to
			return copyTensor(report, config.Weights, publishedName(t.Name), t.Type)
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

func setPacked(w *Writer, s shape, config PackConfig) {
	w.Set(KeyArchitecture, s.arch)
	w.Set("general.type", "model")
	if config.Name == "" {
		config.Name = "model"
	}
	w.Set("general.name", config.Name)
	for _, text := range [][2]string{{"description", config.Description}, {"license", config.License}} {
		if text[1] != "" {
			w.Set("general."+text[0], text[1])
		}
	}
	w.Set("general.file_type", fileTypes[config.Quant])
	w.Set("general.quantization_version", uint32(2))
}

// checkWeights demands the planned tensors and no others. A tied model's output matrix may be
// there a second time: it is the embedding.
func checkWeights(weights *Safetensors, plan []tensorPlan, tied bool) error {
	wanted := map[string]bool{}
	for _, p := range plan {
		name := publishedName(p.name)
		wanted[name] = true
		t, ok := weights.Tensor(name)
		if !ok {
			return fmt.Errorf("gguf: the weights lack %q", name)
		}
		want := slices.Clone(p.ne)
		slices.Reverse(want) // PyTorch's order has rows first
		if !slices.Equal(t.Shape, want) {
			return fmt.Errorf("gguf: %q has shape %v, want %v", name, t.Shape, want)
		}
	}
	for _, t := range weights.Tensors {
		if !wanted[t.Name] && !(tied && t.Name == "lm_head.weight") && !strings.HasSuffix(t.Name, ".rotary_emb.inv_freq") {
			return fmt.Errorf("gguf: the weights hold %q, which a qwen2 has not", t.Name)
		}
	}
	return nil
}

// copyTensor writes a tensor of the weights in another type.
func copyTensor(w io.Writer, weights *Safetensors, name string, typ Type) error {
	values, err := weights.Floats(name)
	if err != nil {
		return err
	}
	for i, v := range values {
		if v-v != 0 {
			return fmt.Errorf("value %d is %v", i, v)
		}
	}
	raw, err := Quantize(nil, typ, values)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}
