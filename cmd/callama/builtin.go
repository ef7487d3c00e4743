package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/gguf/builtin"
)

// builtinPrefix begins the names of built-in models and adapters on the command line.
const builtinPrefix = "builtin:"

// tinyModel is the synthetic model with random weights: the worst there is, for trying what
// must hold for every model. It also answers where no trained model is built in.
const tinyModel = builtinPrefix + "tiny"

// plainAdapter is the built-in adapter that teaches another dialect than the model's own.
const plainAdapter = "plain-array"

// builtinFiles makes files of what the binary carries. Owned by one goroutine.
type builtinFiles struct {
	log  *slog.Logger
	temp string // folder that remove deletes, "" if none was needed
}

// remove deletes what was written for this run only.
func (b *builtinFiles) remove() error {
	if b.temp == "" {
		return nil
	}
	return os.RemoveAll(b.temp)
}

// tempDir returns a folder that remove deletes.
func (b *builtinFiles) tempDir() (string, error) {
	var err error
	if b.temp == "" {
		b.temp, err = os.MkdirTemp("", "callama-")
	}
	return b.temp, err
}

// model returns the file of the model that -m names.
func (b *builtinFiles) model(ctx context.Context, name string) (string, error) {
	f, trained := builtin.Model()
	switch {
	case name == tinyModel || name == "" && !trained:
		return b.synthesize(ctx)
	case name == "" || name == builtinPrefix+f.Name() && trained:
		return b.install(f)
	case !strings.HasPrefix(name, builtinPrefix):
		return name, nil
	case trained:
		return "", fmt.Errorf("there is no built-in model %q, only %s and tiny", strings.TrimPrefix(name, builtinPrefix), f.Name())
	}
	return "", fmt.Errorf("there is no built-in model %q, only tiny", strings.TrimPrefix(name, builtinPrefix))
}

// adapter returns the file of an adapter, and sets the dialect that a built-in one teaches.
func (b *builtinFiles) adapter(name string, o *callama.Options) (string, error) {
	name, ok := strings.CutPrefix(name, builtinPrefix)
	if !ok {
		return name, nil
	}
	f, err := builtin.Adapter(name)
	if err != nil {
		return "", err
	}
	if name == plainAdapter && o.Dialect == "" {
		o.Dialect = chat.PlainArray.String()
	}
	return b.install(f)
}

// install writes a file to the user's cache, or, where that cannot be written, to a folder
// for this run.
func (b *builtinFiles) install(f builtin.File) (string, error) {
	dir, err := builtin.CacheDir()
	if err == nil {
		var path string
		if path, err = f.Install(dir); err == nil {
			return path, nil
		}
	}
	b.log.Warn("the built-in model cannot be kept in the cache", "err", err)
	temp, tempErr := b.tempDir()
	if tempErr != nil {
		return "", errors.Join(err, tempErr)
	}
	return f.Install(temp)
}

// synthesize writes the synthetic model. It takes some milliseconds, less than telling
// whether a file from an earlier version is still the same.
func (b *builtinFiles) synthesize(ctx context.Context) (string, error) {
	dir, err := b.tempDir()
	if err != nil {
		return "", fmt.Errorf("built-in model: %w", err)
	}
	path := filepath.Join(dir, "builtin-tiny.gguf")
	if err := gguf.SynthesizeFile(ctx, path, gguf.SynthConfig{}); err != nil {
		return "", fmt.Errorf("built-in model: %w", err)
	}
	return path, nil
}
