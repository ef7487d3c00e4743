package llama

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func loadAdapter(t *testing.T, m *Model, seed uint64) *Adapter {
	t.Helper()
	a, err := m.LoadAdapter(tinyAdapter(seed).write(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func TestAdaptersChangeTheLogits(t *testing.T) {
	m := loadTiny(t)
	c := newContext(t, m, ContextParams{NCtx: 256})
	first, second := loadAdapter(t, m, 1), loadAdapter(t, m, 2)
	logits := func(adapters []*Adapter, scales []float32) []float32 {
		t.Helper()
		if err := errors.Join(c.SetAdapters(adapters, scales), c.Clear()); err != nil {
			t.Fatal(err)
		}
		return decode(t, c, someTokens(8), 0, 0, 8)
	}
	plain := logits(nil, nil)
	one := logits([]*Adapter{first}, nil)
	if near(plain, one) {
		t.Error("an adapter changes nothing")
	}
	if !near(one, logits([]*Adapter{first}, []float32{1})) {
		t.Error("nil scales are not 1")
	}
	if near(one, logits([]*Adapter{first}, []float32{0.25})) {
		t.Error("the scale changes nothing")
	}
	if !near(plain, logits([]*Adapter{first}, []float32{0})) {
		t.Error("scale 0 is not the plain model")
	}
	both := logits([]*Adapter{first, second}, nil)
	if near(both, one) || near(both, logits([]*Adapter{second}, nil)) {
		t.Error("two adapters do as one of them does")
	}
	if !near(plain, logits(nil, nil)) {
		t.Error("removing the adapters does not give the plain model")
	}
}

func TestAdapterErrors(t *testing.T) {
	m := loadTiny(t)
	with := func(change func(f *ggufFile)) []byte {
		f := tinyAdapter(1)
		change(f)
		return f.bytes()
	}
	for _, c := range []struct {
		name, says string
		file       []byte
	}{
		{"not gguf", "does not start with GGUF", []byte("not an adapter at all")},
		{"cut", "ends too early", tinyAdapter(1).bytes()[:120]},
		{"a model", "is not a LoRA adapter", tinyModel(1).bytes()},
		{"other adapter type", `adapter.type is "control"`, with(func(f *ggufFile) { f.keys["adapter.type"] = "control" })},
		{"type is a number", "is not a LoRA adapter", with(func(f *ggufFile) { f.keys["general.type"] = uint32(1) })},
		{"alpha is a string", "alpha is not a float32", with(func(f *ggufFile) { f.keys["adapter.lora.alpha"] = "8" })},
		{"no architecture", "architecture is not a string", with(func(f *ggufFile) { delete(f.keys, "general.architecture") })},
		{"other architecture", "arch mismatch", with(func(f *ggufFile) { f.keys["general.architecture"] = "llama" })},
		{"other tensor", "does not exist in base model", with(func(f *ggufFile) {
			f.tensors[0].name, f.tensors[1].name = "blk.9.attn_q.weight.lora_a", "blk.9.attn_q.weight.lora_b"
		})},
		{"half a pair", "missing one component", with(func(f *ggufFile) { f.tensors = f.tensors[:1] })},
		{"other shape", "incorrect shape", with(func(f *ggufFile) { f.tensors[0].dims = []uint64{tinyEmbd / 2, 8} })},
		{"data cut", "load adapter", tinyAdapter(1).bytes()[:1200]},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "adapter.gguf")
			if err := os.WriteFile(path, c.file, 0o600); err != nil {
				t.Fatal(err)
			}
			a, err := m.LoadAdapter(path)
			if err == nil {
				a.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want %q in it", err, c.says)
			}
		})
	}
	if _, err := m.LoadAdapter(filepath.Join(t.TempDir(), "missing.gguf")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestSetAdaptersErrors(t *testing.T) {
	m, other := loadTiny(t), loadTiny(t)
	c := newContext(t, m, ContextParams{NCtx: 256})
	a := loadAdapter(t, m, 1)
	closed := loadAdapter(t, m, 2)
	closed.Close()
	if err := c.SetAdapters([]*Adapter{a}, nil); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct {
		name, says string
		adapters   []*Adapter
		scales     []float32
	}{
		{"nil", "is nil", []*Adapter{nil}, nil},
		{"twice", "twice", []*Adapter{a, a}, nil},
		{"of another model", "another model", []*Adapter{loadAdapter(t, other, 1)}, nil},
		{"closed", "already closed", []*Adapter{a, closed}, nil},
		{"scales missing", "2 scales", []*Adapter{a}, []float32{1, 2}},
		{"scale not a number", "NaN", []*Adapter{a}, []float32{float32(math.NaN())}},
		{"scale infinite", "Inf", []*Adapter{a}, []float32{float32(math.Inf(1))}},
	} {
		t.Run(bad.name, func(t *testing.T) {
			if err := c.SetAdapters(bad.adapters, bad.scales); err == nil || !strings.Contains(err.Error(), bad.says) {
				t.Errorf("error is %v, want %q in it", err, bad.says)
			}
			if refs := a.life.refs.Load(); refs != 2 {
				t.Errorf("the set adapter has %d users, want its owner and the context", refs)
			}
		})
	}
}
