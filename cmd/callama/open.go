package main

import (
	"context"
	"errors"
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
)

// modelFlags say which model to open and how; commands that run a model embed them.
type modelFlags struct {
	Model     string   `short:"m" placeholder:"FILE" help:"Model in GGUF format. Without it the small built-in one is used; builtin:tiny is one with random weights, whose calls are valid and whose words are noise."`
	Runtime   string   `placeholder:"PATH" help:"llama.cpp library, its folder, or the name of an installed runtime."`
	Ctx       int      `placeholder:"N" help:"Context length in tokens (default 8192, or what the model was trained for)."`
	Threads   int      `placeholder:"N" help:"CPU threads (default: physical cores, one for a model below 32 MiB)."`
	GPULayers string   `name:"gpu-layers" default:"auto" help:"Layers on the GPU: a number, none, or auto for all that fit."`
	Adapter   []string `placeholder:"FILE[=SCALE]" sep:"none" help:"LoRA adapter in GGUF format, or builtin:NAME for one of the built-in model; may be repeated."`
	Dialect   string   `placeholder:"NAME" help:"How calls are written: ${dialects} (default: what the chat template, or the built-in adapter, teaches)."`
	schemaFlags
	ChatTemplate string `placeholder:"FILE" help:"Jinja chat template that replaces the model's own."`

	opened []string // by open: the files of the model and its adapters that stay
}

// open loads the model. The caller runs close, which frees it and removes what was
// written for it.
func (f *modelFlags) open(a *app) (m *callama.Model, closeModel func() error, err error) {
	o := callama.Options{Runtime: f.Runtime, Context: f.Ctx, Threads: f.Threads, Dialect: f.Dialect, Logger: a.log,
		StrictFormats: f.StrictFormats, Lenient: f.Lenient}
	if o.GPULayers, err = parseGPULayers(f.GPULayers); err != nil {
		return nil, nil, err
	}
	if f.ChatTemplate != "" {
		text, err := os.ReadFile(f.ChatTemplate)
		if err != nil {
			return nil, nil, fmt.Errorf("chat template: %w", err)
		}
		o.ChatTemplate = string(text)
	}
	files := &builtinFiles{log: a.log}
	defer func() {
		if err == nil {
			return
		}
		if e := files.remove(); e != nil {
			a.log.Warn("cannot remove the built-in model's file", "err", e)
		}
	}()
	for _, s := range f.Adapter {
		ad, err := parseAdapter(s)
		if err != nil {
			return nil, nil, err
		}
		if ad.Path, err = files.adapter(ad.Path, &o); err != nil {
			return nil, nil, err
		}
		o.Adapters = append(o.Adapters, ad)
		f.opened = append(f.opened, ad.Path)
	}
	path, err := files.model(a.ctx, f.Model)
	if err != nil {
		return nil, nil, err
	}
	if filepath.Dir(path) != files.temp {
		f.opened = append(f.opened, path)
	}
	if o.Threads == 0 && isSmall(path) {
		o.Threads = 1
	}
	bar := loadBar(a.stderr)
	o.Progress = func(done float32) bool {
		bar(done)
		return a.ctx.Err() == nil
	}
	m, err = callama.Open(path, o)
	if err != nil {
		if a.ctx.Err() != nil {
			err = context.Cause(a.ctx)
		}
		return nil, nil, err
	}
	return m, func() error { return errors.Join(m.Close(), files.remove()) }, nil
}

// smallModelBytes is the size of a file below which one thread is used by default: a step of
// such a model is shorter than waking a second thread, and waiting for it beside other work
// costs a hundred times the step.
const smallModelBytes = 32 << 20

func isSmall(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() < smallModelBytes
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
