package builtin

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/callama/callama/gguf"
)

// content is longer than what is compared at a time.
var content = bytes.Repeat([]byte("callama\n"), compareBytes/4)

func tree() fs.FS {
	return fstest.MapFS{"models/demo.gguf": {Data: content}, "models/plain-array.gguf": {Data: []byte("adapter")}, "models/README.md": {}}
}

func TestFind(t *testing.T) {
	if f, ok := find(tree(), modelName); !ok || f.Name() != "demo" {
		t.Errorf("model %+v, %v", f, ok)
	}
	for _, name := range []string{"", "README", "../models/demo", "absent"} {
		if _, ok := find(tree(), name); ok {
			t.Errorf("%q is found", name)
		}
	}
	if got := adapters(tree()); !slices.Equal(got, []string{"plain-array"}) {
		t.Errorf("adapters %q", got)
	}
	if _, ok := find(fstest.MapFS{"models/README.md": {}}, modelName); ok {
		t.Error("a model is found where none is")
	}
	for _, name := range []string{"absent", "demo"} {
		if _, err := Adapter(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("adapter %q: %v", name, err)
		}
	}
}

func TestInstall(t *testing.T) {
	f, _ := find(tree(), modelName)
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	path, err := f.Install(dir)
	if err != nil || filepath.Base(path) != "callama-demo.gguf" || len(filepath.Base(filepath.Dir(path))) != sumDigits {
		t.Fatalf("%q, %v", path, err)
	}
	check := func(what string) {
		t.Helper()
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, %v", what, len(got), err)
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
			t.Errorf("%s: left %v, %v", what, entries, err)
		}
	}
	check("installed")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := f.Install(dir); err != nil || again != path {
		t.Errorf("again: %q, %v", again, err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("the same file was written again: %v", err)
	}
	for name, damaged := range map[string][]byte{
		"empty": nil, "cut": content[:len(content)-1], "longer": append(slices.Clone(content), 0), "changed": append(slices.Clone(content[:len(content)-1]), 0),
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Install(dir); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		check(name)
	}
}

func TestInstallAtOnce(t *testing.T) {
	f, _ := find(tree(), modelName)
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			path, err := f.Install(dir)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

func TestInstallFails(t *testing.T) {
	f, _ := find(tree(), modelName)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Install(file); err == nil {
		t.Error("installed into a file")
	}
	if _, err := (File{fstest.MapFS{}, "absent"}).Install(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
}

// maxEmbedded bounds what the binary carries, in bytes: the model 8 MB, adapters 1 MB.
const maxEmbedded = 9_000_000

// TestEmbedded holds the files that are embedded, if there are any, to what is promised:
// their size, and that they are a model and its adapters.
func TestEmbedded(t *testing.T) {
	model, ok := Model()
	if !ok {
		t.Skip("this binary carries no trained model")
	}
	files := map[string]File{"model": model}
	for _, name := range Adapters() {
		f, err := Adapter(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	total := 0
	for name, f := range files {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err = errors.Join(err, in.Close()); err != nil {
			t.Fatal(err)
		}
		total += len(data)
		g, err := gguf.Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if isAdapter := g.Text("general.type") == "adapter"; isAdapter == (name == "model") {
			t.Errorf("%s: that it is an adapter is %v", name, isAdapter)
		}
	}
	if total > maxEmbedded {
		t.Errorf("the files have %d bytes, more than %d", total, maxEmbedded)
	}
}
