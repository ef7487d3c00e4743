package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callama/callama"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/gguf/builtin"
)

func TestBuiltinModel(t *testing.T) {
	files := &builtinFiles{log: slog.New(slog.DiscardHandler)}
	if path, err := files.model(t.Context(), "some.gguf"); path != "some.gguf" || err != nil {
		t.Errorf("a file: %q, %v", path, err)
	}
	if files.temp != "" {
		t.Error("a folder was made for nothing")
	}
	tiny, err := files.model(t.Context(), tinyModel)
	if err != nil {
		t.Fatal(err)
	}
	if !isSmall(tiny) || isSmall(t.TempDir()) || isSmall("absent") {
		t.Error("the tiny model is small, a folder and an absent file are not")
	}
	if f, err := gguf.Open(tiny); err != nil {
		t.Error(err)
	} else if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := files.model(t.Context(), "builtin:huge"); err == nil || !strings.Contains(err.Error(), "tiny") {
		t.Errorf("an unknown one: %v", err)
	}
	if err := files.remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(tiny); !os.IsNotExist(err) {
		t.Errorf("it is left behind: %v", err)
	}
}

func TestBuiltinAdapter(t *testing.T) {
	files := &builtinFiles{log: slog.New(slog.DiscardHandler)}
	var o callama.Options
	if path, err := files.adapter("a.gguf", &o); path != "a.gguf" || err != nil || o.Dialect != "" {
		t.Errorf("a file: %q, %v, dialect %q", path, err, o.Dialect)
	}
	if _, err := files.adapter("builtin:none", &o); err == nil || !strings.Contains(err.Error(), `no adapter "none"`) {
		t.Errorf("an unknown one: %v", err)
	}
	if _, err := builtin.Adapter(plainAdapter); err != nil {
		t.Skipf("this binary carries no adapter: %v", err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	path, err := files.adapter(builtinPrefix+plainAdapter, &o)
	if err != nil || filepath.Base(path) != "callama-plain-array.gguf" || o.Dialect != "plain-array" {
		t.Errorf("%q, %v, dialect %q", path, err, o.Dialect)
	}
}

// TestBuiltinWithoutCache installs where the cache folder cannot be made.
func TestBuiltinWithoutCache(t *testing.T) {
	f, ok := builtin.Model()
	if !ok {
		t.Skip("this binary carries no trained model")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", file)
	var log strings.Builder
	files := &builtinFiles{log: slog.New(slog.NewTextHandler(&log, nil))}
	path, err := files.install(f)
	if err != nil || !strings.HasPrefix(path, files.temp) || !strings.Contains(log.String(), "cannot be kept") {
		t.Errorf("%q, %v, log %s", path, err, log.String())
	}
	if err := files.remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("it is left behind: %v", err)
	}
}
