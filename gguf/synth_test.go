package gguf

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func synthesize(t testing.TB, config SynthConfig) ([]byte, *File) {
	t.Helper()
	var buf bytes.Buffer
	if err := Synthesize(t.Context(), &buf, config); err != nil {
		t.Fatal(err)
	}
	f, err := Read(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), f
}

// dump describes a file: what a golden file can hold of it.
func dump(data []byte, f *File) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version %d, alignment %d, data from %d, %d bytes, sha256 %x\n",
		f.Version, f.Alignment, f.DataOffset, f.Size, sha256.Sum256(data))
	for _, p := range f.Metadata {
		text := fmt.Sprintf("%q", fmt.Sprint(p.Value))
		if len(text) > 60 {
			text = fmt.Sprintf("%.40s… (%d bytes, sha256 %.8x)", text, len(text), sha256.Sum256([]byte(text)))
		}
		fmt.Fprintf(&b, "%s %T %s\n", p.Key, p.Value, text)
	}
	for _, t := range f.Tensors {
		fmt.Fprintf(&b, "%s %s %v at %d, %d bytes\n", t.Name, t.Type, t.Shape, t.Offset, t.Bytes)
	}
	return b.String()
}

func TestSynthesizeGolden(t *testing.T) {
	for name, config := range map[string]SynthConfig{
		"tiny-q8_0":        {Quant: Q8_0, Seed: 7},
		"tiny-f32":         {},
		"llama-vocab-only": {Shape: "llama3.1-8b", Quant: Q4_0, VocabOnly: true},
	} {
		got := dump(synthesize(t, config))
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from its golden file (-update rewrites it):\n%s", name, got)
		}
	}
}

func TestSeedDecidesTheBytes(t *testing.T) {
	one, _ := synthesize(t, SynthConfig{Quant: Q4_0, Seed: 1})
	same, _ := synthesize(t, SynthConfig{Quant: Q4_0, Seed: 1, Progress: func(int64, int64) {}})
	two, _ := synthesize(t, SynthConfig{Quant: Q4_0, Seed: 2})
	if !bytes.Equal(one, same) {
		t.Error("one seed gave two files")
	}
	if bytes.Equal(one, two) {
		t.Error("two seeds gave one file")
	}
}

// TestPlansHaveThePublishedParameters compares with the counts that the model cards and
// safetensors indices give (Llama's rotary factors are no parameters).
func TestPlansHaveThePublishedParameters(t *testing.T) {
	for name, want := range map[string]int64{
		"qwen2.5-0.5b": 494032768, "qwen2.5-1.5b": 1543714304, "qwen2.5-7b": 7615616512,
		"llama3.2-1b": 1235814400, "llama3.1-8b": 8030261248,
	} {
		s, err := findShape(name)
		if err != nil {
			t.Fatal(err)
		}
		var got int64
		for _, p := range s.plan(s.vocab) {
			if p.role == roleRope {
				continue
			}
			n := int64(1)
			for _, d := range p.ne {
				n *= d
			}
			got += n
		}
		if got != want {
			t.Errorf("%s has %d parameters, want %d", name, got, want)
		}
	}
}

func TestNoiseHasItsDeviation(t *testing.T) {
	for _, typ := range []Type{F32, F16, BF16, Q8_0, Q4_0} {
		_, f := synthesize(t, SynthConfig{Quant: typ, Seed: 3})
		for name, want := range map[string]float64{
			"token_embd.weight":        2 / math.Sqrt(64),
			"blk.0.ffn_up.weight":      1 / math.Sqrt(64),
			"blk.1.ffn_down.weight":    3 / math.Sqrt(128),
			"blk.1.attn_output.weight": 3 / math.Sqrt(64),
		} {
			values, err := f.Floats(name)
			if err != nil {
				t.Fatal(err)
			}
			mean, deviation := moments(values)
			if n := math.Sqrt(float64(len(values))); math.Abs(mean) > 5*want/n || math.Abs(deviation/want-1) > 4/n {
				t.Errorf("%s of %s: mean %v, deviation %v, want 0 and %v", name, typ, mean, deviation, want)
			}
		}
		norm, err := f.Floats("blk.1.ffn_norm.weight")
		if err != nil || norm[0] != 1 || norm[63] != 1 {
			t.Errorf("a norm of %s: %v, %v", typ, norm, err)
		}
		bias, err := f.Floats("blk.0.attn_q.bias")
		if _, deviation := moments(bias); err != nil || deviation < 0.05 || deviation > 0.15 {
			t.Errorf("a bias of %s: deviation %v, %v", typ, deviation, err)
		}
	}
}

func moments(values []float32) (mean, deviation float64) {
	for _, v := range values {
		mean += float64(v)
	}
	mean /= float64(len(values))
	for _, v := range values {
		deviation += (float64(v) - mean) * (float64(v) - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(values)))
}

func TestWidths(t *testing.T) {
	for _, tc := range []struct {
		shape        string
		tokens, want int
	}{
		{"tiny", 777, 832}, {"tiny", 832, 896}, // always wider than the tokenizer
		{"tiny", 151665, 151936}, {"tiny", 128256, 128256}, {"tiny", 100000, 100032},
		{"qwen2.5-0.5b", 777, 151936}, {"qwen2.5-0.5b", 151665, 151936}, {"qwen2.5-7b", 151665, 152064},
		{"llama3.2-1b", 128256, 128256}, {"llama3.2-1b", 151665, 151680},
	} {
		s, err := findShape(tc.shape)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.width(tc.tokens); got != tc.want {
			t.Errorf("%s with %d tokens is %d wide, want %d", tc.shape, tc.tokens, got, tc.want)
		}
	}
}

func TestRopeFactors(t *testing.T) {
	s, err := findShape("llama3.2-1b")
	if err != nil {
		t.Fatal(err)
	}
	got := s.ropeFactors()
	if len(got) != 32 || got[0] != 1 || got[31] != 32 {
		t.Fatalf("factors %v, want 32 of them from 1 to 32", got)
	}
	between := 0
	for i := 1; i < len(got); i++ {
		if got[i] < got[i-1] {
			t.Errorf("factor %d falls: %v", i, got)
		}
		if got[i] > 1 && got[i] < 32 {
			between++
		}
	}
	if between == 0 {
		t.Errorf("factors %v jump from 1 to 32", got)
	}
}

func TestSynthesizeRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config SynthConfig
		want   string
	}{
		{"shape", SynthConfig{Shape: "huge"}, "want one of tiny, "},
		{"type", SynthConfig{Quant: Q4_K}, "cannot be Q4_K"},
		{"unknown type", SynthConfig{Quant: 77}, "cannot be type 77"},
	} {
		if err := Synthesize(t.Context(), io.Discard, tc.config); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want an error with %q", tc.name, err, tc.want)
		}
	}
	if err := Synthesize(t.Context(), &failing{5000}, SynthConfig{}); !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
}

func TestSynthesizeFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.gguf")
	var done, total int64
	err := SynthesizeFile(t.Context(), path, SynthConfig{Quant: Q8_0, Seed: 7, Progress: func(d, n int64) {
		if d < done || n != total && total != 0 {
			t.Errorf("progress fell from %d of %d to %d of %d", done, total, d, n)
		}
		done, total = d, n
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if want, _ := synthesize(t, SynthConfig{Quant: Q8_0, Seed: 7}); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the file is not what Synthesize writes: %v", err)
	}
	if done == 0 || done > total {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	if err := SynthesizeFile(t.Context(), filepath.Join(dir, "none", "m.gguf"), SynthConfig{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
	if err := SynthesizeFile(t.Context(), dir, SynthConfig{}); err == nil {
		t.Error("a folder was overwritten")
	}
}

func TestInterruptedFileLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.gguf")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	config := SynthConfig{Progress: func(done, _ int64) {
		if done > 100_000 {
			cancel()
		}
	}}
	if err := SynthesizeFile(ctx, path, config); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "before" {
		t.Errorf("the old file became %q, %v", data, err)
	}
}

func BenchmarkSynthesize(b *testing.B) {
	for _, typ := range []Type{Q8_0, Q4_0, F16} {
		b.Run("quant="+typ.String(), func(b *testing.B) {
			s, err := findShape("qwen2.5-0.5b")
			if err != nil {
				b.Fatal(err)
			}
			w := NewWriter(io.Discard)
			w.AddTensor("t", typ, int64(s.embedding), int64(s.ffn))
			tensor := w.Tensors()[0]
			b.SetBytes(tensor.Bytes)
			for b.Loop() {
				if err := fillTensor(io.Discard, tensor, 1, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
