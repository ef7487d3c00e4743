package llama

import (
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// findRuntime returns the llama.cpp library for tests: CALLAMA_RUNTIME, a file or a folder,
// or what is installed in the user's cache. Empty if there is none.
func findRuntime() string {
	var patterns []string
	if r := os.Getenv("CALLAMA_RUNTIME"); r != "" {
		if info, err := os.Stat(r); err == nil && !info.IsDir() {
			return r
		}
		patterns = []string{filepath.Join(r, "libllama*.so*"), filepath.Join(r, "libllama*.dylib")}
	} else if cache, err := os.UserCacheDir(); err == nil {
		dir := filepath.Join(cache, "callama", "runtime", "*")
		patterns = []string{
			filepath.Join(dir, "libllama.*.so*"), filepath.Join(dir, "*", "libllama.*.so*"),
			filepath.Join(dir, "libllama.*.dylib"), filepath.Join(dir, "*", "libllama.*.dylib"),
		}
	}
	for _, p := range patterns {
		files, _ := filepath.Glob(p) // the patterns are well formed
		for _, f := range files {
			if base := filepath.Base(f); len(base) < 14 || base[:14] != "libllama-commo" {
				return f
			}
		}
	}
	return ""
}

// testLog collects llama.cpp's log of all tests.
var testLog struct {
	sync.Mutex
	records []string
}

type testLogWriter struct{}

func (testLogWriter) Write(p []byte) (int, error) {
	testLog.Lock()
	defer testLog.Unlock()
	testLog.records = append(testLog.records, string(p))
	return len(p), nil
}

func testLibrary(t testing.TB) *Library {
	t.Helper()
	path := findRuntime()
	if path == "" {
		t.Skip("no llama.cpp runtime: set CALLAMA_RUNTIME or run make runtime")
	}
	lib, err := Load(path, LoadOptions{Logger: slog.New(slog.NewTextHandler(testLogWriter{}, &slog.HandlerOptions{Level: levelTrace}))})
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func loadTiny(t testing.TB) *Model {
	t.Helper()
	lib := testLibrary(t)
	m, err := lib.LoadModel(tinyModel(1).write(t), ModelParams{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}
