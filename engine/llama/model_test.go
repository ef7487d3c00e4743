package llama

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestModelFacts(t *testing.T) {
	m := loadTiny(t)
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"SizeBytes", m.SizeBytes(), 4 * m.NParams()},
		{"NCtxTrain", m.NCtxTrain(), tinyContext},
		{"NLayer", m.NLayer(), tinyLayers},
		{"NEmbd", m.NEmbd(), tinyEmbd},
		{"NTokens", m.NTokens(), int(tinyVocab)},
		{"NLogits", m.NLogits(), int(tinyVocab)},
		{"HasEncoder", m.HasEncoder(), false},
		{"Recurrent", m.Recurrent(), false},
		{"HasVocab", m.HasVocab(), true},
		{"Library", m.Library(), testLibrary(t)},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
	if m.NParams() < 100_000 {
		t.Errorf("%d parameters", m.NParams())
	}
	if !strings.HasPrefix(m.Desc(), "qwen2") {
		t.Errorf("described as %q", m.Desc())
	}
}

func TestMeta(t *testing.T) {
	f := tinyModel(1)
	long := strings.Repeat("long text ", 200)
	f.keys["test.long"] = long
	m := loadFile(t, f)
	for key, want := range map[string]string{
		"general.architecture": "qwen2",
		"qwen2.block_count":    "2",
		"test.long":            long,
	} {
		if got, ok := m.Meta(key); !ok || got != want {
			t.Errorf("%s is %q, %t", key, got, ok)
		}
	}
	for _, key := range []string{"", "no.such.key", "general\x00.architecture"} {
		if got, ok := m.Meta(key); ok {
			t.Errorf("%q is there: %q", key, got)
		}
	}
	if got, ok := m.ChatTemplate(""); !ok || got != "{{ messages }}" {
		t.Errorf("the template is %q, %t", got, ok)
	}
	for _, name := range []string{"tool_use", "\x00"} {
		if got, ok := m.ChatTemplate(name); ok {
			t.Errorf("template %q is there: %q", name, got)
		}
	}
}

func loadFile(t testing.TB, f *ggufFile) *Model {
	t.Helper()
	lib := testLibrary(t)
	m, err := lib.LoadModel(f.write(t), ModelParams{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func TestLoadModelErrors(t *testing.T) {
	lib := testLibrary(t)
	whole := tinyModel(1).bytes()
	without := func(name string) []byte {
		f := tinyModel(1)
		for i := range f.tensors {
			if f.tensors[i].name == name {
				f.tensors = append(f.tensors[:i], f.tensors[i+1:]...)
				return f.bytes()
			}
		}
		panic("no tensor " + name)
	}
	with := func(key string, value any) []byte {
		f := tinyModel(1)
		f.keys[key] = value
		return f.bytes()
	}
	for _, c := range []struct {
		name string
		file []byte
		says string // in the error
	}{
		{"empty", nil, "ends too early"},
		{"not gguf", []byte("PK\x03\x04 something else altogether"), "does not start with GGUF"},
		{"future version", append([]byte("GGUF\x09\x00\x00\x00"), whole[8:]...), "version is 9"},
		{"header cut", whole[:2000], "ends too early"},
		{"data cut", whole[:len(whole)-4096], "is not within the file bounds"},
		{"unknown architecture", with("general.architecture", "no-such-arch"), "unknown model architecture: 'no-such-arch'"},
		{"missing tensor", without("blk.1.ffn_up.weight"), "tensor 'blk.1.ffn_up.weight' not found"},
		{"wrong shape", with("qwen2.feed_forward_length", uint32(77)), "wrong shape"},
		{"no layers", with("qwen2.block_count", uint32(0)), "it says that it has 0 layers"},
		{"wrapping heads", with("qwen2.attention.head_count_kv", uint32(0x80000001)), "head_count_kv is 2147483649"},
		{"negative epsilon", with("qwen2.attention.layer_norm_rms_epsilon", float32(-1)), "epsilon is -1"},
		{"token twice", with("tokenizer.ggml.tokens", []string{"a", "b", "a"}), `holds "a" twice`},
		{"token types too short", with("tokenizer.ggml.token_type", []int32{1}), "token_type has not one value"},
		{"scores too short", with("tokenizer.ggml.scores", []float32{1}), "scores has not one value"},
		{"tokens of numbers", with("tokenizer.ggml.tokens", []int32{1}), "not an array of strings"},
		{"merges of numbers", with("tokenizer.ggml.merges", []int32{1}), "not an array of strings"},
		{"an adapter", tinyAdapter(1).bytes(), "is an adapter, not a model"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "model.gguf")
			if err := os.WriteFile(path, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := lib.LoadModel(path, ModelParams{})
			if err == nil {
				m.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("error is %v, want %q and the path in it", err, c.says)
			}
		})
	}
}

func TestLoadModelErrorKinds(t *testing.T) {
	lib := testLibrary(t)
	dir := t.TempDir()
	if _, err := lib.LoadModel(filepath.Join(dir, "missing.gguf"), ModelParams{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v, want fs.ErrNotExist", err)
	}
	if _, err := lib.LoadModel(dir, ModelParams{}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := lib.LoadModel("a\x00b", ModelParams{}); err == nil {
		t.Error("a path with a zero byte was accepted")
	}
	cut := filepath.Join(dir, "cut.gguf")
	if err := os.WriteFile(cut, tinyModel(1).bytes()[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := lib.LoadModel(cut, ModelParams{})
	if e, ok := errors.AsType[*FileError](err); !ok || e.Path != cut || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a cut file: %v, want a *FileError with io.ErrUnexpectedEOF", err)
	}
	f := tinyModel(1)
	f.keys["general.architecture"] = "no-such-arch"
	_, err = lib.LoadModel(f.write(t), ModelParams{})
	if e, ok := errors.AsType[*Error](err); !ok || !strings.Contains(e.Reason, "unknown model architecture") {
		t.Errorf("an unknown architecture: %v, want an *Error with the reason", err)
	}
	if _, err := lib.LoadModel(tinyModel(1).write(t), ModelParams{GPULayers: -2}); err == nil {
		t.Error("-2 gpu layers were accepted")
	}
}

func TestProgress(t *testing.T) {
	lib := testLibrary(t)
	path := tinyModel(1).write(t)
	var last float32
	calls := 0
	m, err := lib.LoadModel(path, ModelParams{NoMmap: true, Progress: func(done float32) bool {
		if done < last || done > 1 {
			t.Errorf("progress went from %v to %v", last, done)
		}
		last = done
		calls++
		return true
	}})
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	if calls < 2 || last != 1 {
		t.Errorf("%d calls, the last with %v", calls, last)
	}
	for name, progress := range map[string]func(float32) bool{
		"returns false": func(float32) bool { return false },
		"panics":        func(float32) bool { panic("in a callback") },
	} {
		if _, err := lib.LoadModel(path, ModelParams{Progress: progress}); err == nil {
			t.Errorf("a progress function that %s did not stop the load", name)
		} else if name == "returns false" && !errors.Is(err, errStopped) {
			t.Errorf("stopped: %v", err)
		}
	}
}

func TestVocabOnly(t *testing.T) {
	lib := testLibrary(t)
	m, err := lib.LoadModel(tinyModel(1).write(t), ModelParams{VocabOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if tokens, err := m.Tokenize("hey", false, false); err != nil || len(tokens) != 2 {
		t.Errorf("tokens %v, %v", tokens, err)
	}
	if _, err := m.NewContext(ContextParams{}); err == nil {
		t.Error("a model without weights made a context")
	}
	if _, err := m.LoadAdapter(tinyAdapter(1).write(t)); err == nil {
		t.Error("a model without weights took an adapter")
	}
}

// TestCloseInAnyOrder closes the model first: what was made from it keeps it alive.
func TestCloseInAnyOrder(t *testing.T) {
	lib := testLibrary(t)
	m, err := lib.LoadModel(tinyModel(1).write(t), ModelParams{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.NewContext(ContextParams{NCtx: 256, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	a, err := m.LoadAdapter(tinyAdapter(1).write(t))
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.NewGrammarSampler(`root ::= "a"`, "root")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetAdapters([]*Adapter{a}, nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := errors.Join(m.Close(), a.Close()); err != nil {
			t.Fatal(err)
		}
	}
	decode(t, c, someTokens(3), 0, 0, 3)
	if ok, err := g.Allowed([]int32{'a'}); err != nil || !ok[0] {
		t.Errorf("the grammar says %v, %v", ok, err)
	}
	if _, err := m.NewContext(ContextParams{}); !errors.Is(err, ErrClosed) {
		t.Errorf("NewContext on a closed model: %v", err)
	}
	if _, err := m.Tokenize("a", false, false); !errors.Is(err, ErrClosed) {
		t.Errorf("Tokenize on a closed model: %v", err)
	}
	if _, err := m.NewGrammarSampler(`root ::= "a"`, "root"); !errors.Is(err, ErrClosed) {
		t.Errorf("NewGrammarSampler on a closed model: %v", err)
	}
	if m.Desc() != "" || m.SizeBytes() != 0 || m.TokenBytes(65) != nil || m.NLayer() != 0 {
		t.Error("a closed model still answers")
	}
	if refs := m.life.refs.Load(); refs != 3 {
		t.Errorf("%d users of the model, want the context, the adapter and the sampler", refs)
	}
	if err := errors.Join(c.Close(), g.Close(), g.Close()); err != nil {
		t.Fatal(err)
	}
	if refs := m.life.refs.Load(); refs != 0 {
		t.Errorf("%d users of the model after the last Close", refs)
	}
}

// TestModelIsSharedByGoroutines is for the race detector.
func TestModelIsSharedByGoroutines(t *testing.T) {
	m := loadTiny(t)
	want := decode(t, newContext(t, m, ContextParams{NCtx: 256}), someTokens(30), 0, 0, 30)
	var wg sync.WaitGroup
	for range 3 {
		c := newContext(t, m, ContextParams{NCtx: 256})
		b := newBatch(t, 30)
		wg.Go(func() {
			for i, token := range someTokens(30) {
				_ = b.Add(token, i, 0, i == 29)
				m.TokenBytes(token)
				m.IsEOG(token)
			}
			if err := c.Decode(b); err != nil {
				t.Error(err)
				return
			}
			if got, err := c.Logits(29); err != nil || !near(got, want) {
				t.Errorf("other logits beside other contexts: %v", err)
			}
			if _, err := m.Tokenize("hello", true, true); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
