package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/callama/callama"
	"github.com/callama/callama/engine"
	"github.com/callama/callama/gguf"
)

// modelFlags say which model to open and how; commands that run a model embed them.
type modelFlags struct {
	Model     string   `short:"m" placeholder:"FILE" help:"Model in GGUF format. Without it a small built-in one with random weights is used: its calls are valid, its words are noise."`
	Runtime   string   `placeholder:"PATH" help:"llama.cpp library, its folder, or the name of an installed runtime."`
	Ctx       int      `placeholder:"N" help:"Context length in tokens (default 8192, or what the model was trained for)."`
	Threads   int      `placeholder:"N" help:"CPU threads (default: physical cores)."`
	GPULayers string   `name:"gpu-layers" default:"auto" help:"Layers on the GPU: a number, none, or auto for all that fit."`
	Adapter   []string `placeholder:"FILE[=SCALE]" sep:"none" help:"LoRA adapter in GGUF format; may be repeated."`
	schemaFlags
	ChatTemplate string `placeholder:"FILE" help:"Jinja chat template that replaces the model's own."`
}

// open loads the model. The caller runs close, which frees it and removes what was
// written for it.
func (f *modelFlags) open(a *app) (m *callama.Model, closeModel func() error, err error) {
	o := callama.Options{Runtime: f.Runtime, Context: f.Ctx, Threads: f.Threads, Logger: a.log,
		StrictFormats: f.StrictFormats, Lenient: f.Lenient}
	if o.GPULayers, err = parseGPULayers(f.GPULayers); err != nil {
		return nil, nil, err
	}
	for _, s := range f.Adapter {
		ad, err := parseAdapter(s)
		if err != nil {
			return nil, nil, err
		}
		o.Adapters = append(o.Adapters, ad)
	}
	if f.ChatTemplate != "" {
		text, err := os.ReadFile(f.ChatTemplate)
		if err != nil {
			return nil, nil, fmt.Errorf("chat template: %w", err)
		}
		o.ChatTemplate = string(text)
	}
	path, remove := f.Model, func() error { return nil }
	if path == "" {
		if o.Threads == 0 {
			o.Threads = 1 // a step of the built-in model is shorter than waking a second thread
		}
		if path, remove, err = builtinModel(a.ctx); err != nil {
			return nil, nil, err
		}
	}
	bar := loadBar(a.stderr)
	o.Progress = func(done float32) bool {
		bar(done)
		return a.ctx.Err() == nil
	}
	m, err = callama.Open(path, o)
	if err != nil {
		if e := remove(); e != nil {
			a.log.Warn("cannot remove the built-in model's file", "err", e)
		}
		if a.ctx.Err() != nil {
			err = context.Cause(a.ctx)
		}
		return nil, nil, err
	}
	return m, func() error {
		err := m.Close()
		if e := remove(); err == nil {
			err = e
		}
		return err
	}, nil
}

// builtinModel writes the built-in model to a temporary file. It takes some milliseconds,
// less than telling whether a file from an earlier version is still the same.
func builtinModel(ctx context.Context) (path string, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "callama-")
	if err != nil {
		return "", nil, fmt.Errorf("built-in model: %w", err)
	}
	path = filepath.Join(dir, "builtin-tiny.gguf")
	if err := gguf.SynthesizeFile(ctx, path, gguf.SynthConfig{}); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("built-in model: %w", err)
	}
	return path, func() error { return os.RemoveAll(dir) }, nil
}

// parseGPULayers reads --gpu-layers.
func parseGPULayers(s string) (int, error) {
	switch s {
	case "auto", "":
		return engine.AutoLayers, nil
	case "none", "0":
		return engine.NoLayers, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("--gpu-layers %q: want a number, none or auto", s)
	}
	return n, nil
}

// parseAdapter reads FILE or FILE=SCALE.
func parseAdapter(s string) (engine.Adapter, error) {
	path, scale, has := cutLast(s, "=")
	if !has {
		return engine.Adapter{Path: s, Scale: 1}, nil
	}
	x, err := strconv.ParseFloat(scale, 32)
	if err != nil || x == 0 {
		return engine.Adapter{}, fmt.Errorf("--adapter %q: %q is not a scale (a number other than 0)", s, scale)
	}
	return engine.Adapter{Path: path, Scale: float32(x)}, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// loadBar returns a function that shows how much of a model is loaded, on terminals only.
func loadBar(w io.Writer) func(done float32) {
	if !isTerminal(w) {
		return func(float32) {}
	}
	bar := newBar(w, 1000, "loading")
	return func(done float32) { bar.Set(int(done * 1000)) }
}

// newBar returns a progress bar that vanishes when it is full.
func newBar(w io.Writer, total int, what string) *progressbar.ProgressBar {
	return progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100_000_000),
		progressbar.OptionSetPredictTime(true))
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
