package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/callama/callama/gguf"
)

// modelCmd holds the commands about model files.
type modelCmd struct {
	Synth synthCmd `cmd:"" help:"Write a model of a published shape with seeded random weights."`
	Pack  packCmd  `cmd:"" help:"Write a trained model as GGUF."`
	Info  infoCmd  `cmd:"" help:"Print what a GGUF file holds and how much memory it needs."`
}

// synthCmd is "callama model synth".
type synthCmd struct {
	Shape     string `default:"tiny" enum:"tiny,qwen2.5-0.5b,qwen2.5-1.5b,qwen2.5-7b,llama3.2-1b,llama3.1-8b" help:"One of: ${enum}."`
	Quant     string `default:"q8_0" enum:"f32,f16,bf16,q8_0,q4_0" help:"Type of the matrices: ${enum}."`
	Tokenizer string `type:"existingfile" placeholder:"tokenizer.json" help:"Tokenizer to put in, byte-level BPE; tokenizer_config.json beside it gives the chat template. Default: a small built-in one."`
	Pre       string `placeholder:"NAME" help:"llama.cpp's name of the pre-tokenizer, where its pattern is not known."`
	Seed      uint64 `default:"0" help:"Seed of the weights: the same one gives the same bytes."`
	VocabOnly bool   `help:"Leave out the weights."`
	Output    string `short:"o" type:"path" placeholder:"FILE" help:"File to write. Default: SHAPE-QUANT.gguf, or SHAPE-vocab.gguf."`
}

// Run writes the file; interrupted, it leaves nothing behind.
func (c *synthCmd) Run(a *app) error {
	quant, err := gguf.ParseType(c.Quant)
	if err != nil {
		return err
	}
	config := gguf.SynthConfig{Shape: c.Shape, Quant: quant, Seed: c.Seed, VocabOnly: c.VocabOnly}
	switch {
	case c.Tokenizer != "":
		if config.Tokenizer, err = (gguf.TokenizerImport{Pre: c.Pre}).Read(c.Tokenizer); err != nil {
			return err
		}
	case c.Pre != "":
		return fmt.Errorf("--pre needs --tokenizer")
	}
	path := c.Output
	if path == "" {
		path = c.Shape + "-" + strings.ToLower(c.Quant) + ".gguf"
		if c.VocabOnly {
			path = c.Shape + "-vocab.gguf"
		}
	}
	config.Progress = a.byteProgress("writing " + path)
	if err := gguf.SynthesizeFile(a.ctx, path, config); err != nil {
		return err
	}
	return a.printSize(path)
}

// byteProgress returns a callback that draws a progress bar on standard error, or nil if
// that is no terminal.
func (a *app) byteProgress(what string) func(done, total int64) {
	f, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, total int64) {
		if bar == nil {
			bar = progressbar.NewOptions64(total,
				progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what),
				progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
		_ = bar.Set64(done) // drawing may fail; the work goes on
	}
}

// formatBytes prints a size in the unit that suits it, binary as llama.cpp's are.
func formatBytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n)/1024, 0
	for v >= 1024 && unit < len(units)-1 {
		v, unit = v/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", v, units[unit])
}
