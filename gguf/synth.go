package gguf

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// SynthConfig says which synthetic model to write. The zero value is the tiny shape in
// F32 with the built-in tokenizer and seed 0.
type SynthConfig struct {
	// Shape is one of [Shapes]; empty means "tiny".
	Shape string
	// Quant is the matrices' type: F32, F16, BF16, Q8_0 or Q4_0.
	Quant Type
	// Tokenizer is the vocabulary; nil means [BuiltinTokenizer].
	Tokenizer *Tokenizer
	// Seed decides the weights; with the other fields it decides every byte of the file.
	Seed uint64
	// VocabOnly leaves out the tensors: metadata and tokenizer, for llama.cpp's vocab_only.
	VocabOnly bool
	// Progress, if not nil, is called with the bytes written of the tensor data, now and then.
	Progress func(done, total int64)
}

const (
	// logitSpread is the standard deviation of the logits. The next token of a
	// 150,000-token vocabulary then has a probability of some percent: neither one
	// choice only nor a flat die.
	logitSpread = 2
	// residualGain makes what the layers add outweigh the embedding of the last token. With
	// a tied output matrix that embedding favours its own token, and a greedy walk would
	// soon repeat one token for ever.
	residualGain = 3
	// biasSpread is the deviation of attention biases: present, and small beside their inputs.
	biasSpread = 0.1
	// noiseChunk is how many blocks are drawn at a time; it bounds memory (at most 1.1 MiB)
	// and how long cancelling takes.
	noiseChunk = 1 << 15
)

// fileTypes are llama.cpp's numbers of the quantisation mixes (general.file_type).
var fileTypes = map[Type]uint32{F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, BF16: 32}

// SynthesizeFile writes a synthetic model to path, by way of a temporary file beside it:
// path appears complete or, on any error and when ctx ends, not at all.
func SynthesizeFile(ctx context.Context, path string, config SynthConfig) error {
	return writeFile(path, func(w io.Writer) error { return Synthesize(ctx, w, config) })
}

// Synthesize writes a model whose shape, vocabulary and speed are those of a published one
// and whose weights are seeded noise, as a stream: memory stays at a few MiB whatever the
// model's size. Its words mean nothing; its logits are finite and spread like a real
// model's, which is what measurements and grammar tests need.
//
// Matrices have the standard deviation 1/sqrt(row length), so that layers keep the scale
// of what passes through them (three times that where a layer's result joins the others);
// norms are 1; embedding and output are scaled for logits of
// deviation 2. With Q4_0 the output matrix is Q8_0, since llama.cpp's own mix keeps it
// finer too; with all types, norms and biases are F32.
//
// Cost: 1 to 2 GB/s of block formats, mostly writing. It fails with ctx's error when ctx ends.
func Synthesize(ctx context.Context, w io.Writer, config SynthConfig) error {
	if config.Shape == "" {
		config.Shape = "tiny"
	}
	s, err := findShape(config.Shape)
	if err != nil {
		return err
	}
	if !Quantizable(config.Quant) {
		return fmt.Errorf("gguf: synthetic models cannot be %s", config.Quant)
	}
	tok := config.Tokenizer
	if tok == nil {
		tok = BuiltinTokenizer()
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	out := NewWriter(buffered)
	width := s.width(len(tok.Tokens))
	setGeneral(out, s, config)
	s.set(out, width)
	tok.set(out, width)
	if !config.VocabOnly {
		if err := writeNoise(ctx, out, s, s.plan(width), config); err != nil {
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

func setGeneral(w *Writer, s shape, config SynthConfig) {
	w.Set(KeyArchitecture, s.arch)
	w.Set("general.type", "model")
	w.Set("general.name", "callama synthetic "+s.name)
	w.Set("general.description", "seeded random weights: for speed and grammar tests, its words mean nothing")
	w.Set("general.size_label", s.size)
	w.Set("general.file_type", fileTypes[config.Quant])
	w.Set("general.quantization_version", uint32(2))
	w.Set("callama.synth.shape", s.name)
	w.Set("callama.synth.seed", config.Seed)
}

// storedType returns a tensor's type under the model's quantisation.
func (p tensorPlan) storedType(s shape, quant Type) Type {
	switch {
	case len(p.ne) == 1:
		return F32
	case quant == Q4_0 && (p.role == roleOutput || p.role == roleEmbedding && s.tied):
		return Q8_0
	}
	return quant
}

func writeNoise(ctx context.Context, w *Writer, s shape, plan []tensorPlan, config SynthConfig) error {
	for _, p := range plan {
		w.AddTensor(p.name, p.storedType(s, config.Quant), p.ne...)
	}
	report := newProgress(ctx, config.Progress, w.DataBytes())
	for i, t := range w.Tensors() {
		p := plan[i]
		err := w.WriteTensor(t.Name, func(out io.Writer) error {
			report.to = out
			switch p.role {
			case roleNorm:
				return writeFloats(report, func(int) float32 { return 1 }, t)
			case roleRope:
				factors := s.ropeFactors()
				return writeFloats(report, func(i int) float32 { return factors[i] }, t)
			}
			return fillTensor(report, t, config.Seed, p.deviation())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p tensorPlan) deviation() float64 {
	switch p.role {
	case roleBias:
		return biasSpread
	case roleResidual:
		return residualGain / math.Sqrt(float64(p.ne[0]))
	case roleEmbedding, roleOutput:
		return logitSpread / math.Sqrt(float64(p.ne[0]))
	}
	return 1 / math.Sqrt(float64(p.ne[0]))
}

// fillTensor writes a tensor of noise in chunks.
func fillTensor(w io.Writer, t Tensor, seed uint64, deviation float64) error {
	source := newNoiseSource(seed, t.Name, t.Type, deviation)
	chunk := make([]byte, min(t.Bytes, int64(noiseChunk*t.Type.BlockBytes())))
	for left := t.Bytes; left > 0; left -= int64(len(chunk)) {
		chunk = chunk[:min(left, int64(len(chunk)))]
		source.fill(chunk)
		if _, err := w.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

func writeFloats(w io.Writer, at func(int) float32, t Tensor) error {
	row := make([]float32, t.Elements())
	for i := range row {
		row[i] = at(i)
	}
	raw, err := Quantize(nil, t.Type, row)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}

// progress passes writes on, counts them, and stops when its context ends.
type progress struct {
	ctx         context.Context
	to          io.Writer
	report      func(done, total int64)
	done, total int64
}

func newProgress(ctx context.Context, report func(done, total int64), total int64) *progress {
	if report == nil {
		report = func(int64, int64) {}
	}
	return &progress{ctx: ctx, report: report, total: total}
}

func (p *progress) Write(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := p.to.Write(b)
	p.done += int64(n)
	p.report(p.done, p.total)
	return n, err
}

// writeFile writes a file atomically: under a temporary name in the same folder, then renamed.
func writeFile(path string, write func(io.Writer) error) (err error) {
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		return fmt.Errorf("gguf: %s is a folder", path)
	}
	base := strings.TrimSuffix(filepath.Base(path), ".gguf")
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+base+".*.tmp")
	if err != nil {
		return fmt.Errorf("gguf: cannot write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if err := write(tmp); err != nil {
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	return nil
}
