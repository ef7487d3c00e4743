//go:build cgo

package gguf_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/callama/callama/engine/llama"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
)

// These tests ask llama.cpp itself whether it takes what this package writes.

func library(t *testing.T) *llama.Library {
	t.Helper()
	found, err := runtimes.Find("")
	if errors.Is(err, runtimes.ErrNotFound) {
		t.Skip("no llama.cpp runtime: set CALLAMA_RUNTIME or install one")
	}
	if err != nil {
		t.Fatal(err)
	}
	lib, err := llama.Load(found.Library, llama.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func load(t *testing.T, lib *llama.Library, config gguf.SynthConfig) (*llama.Model, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, config); err != nil {
		t.Fatal(err)
	}
	model, err := lib.LoadModel(path, llama.ModelParams{VocabOnly: config.VocabOnly})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { model.Close() })
	return model, path
}

// logits decodes a text and returns a copy of the last token's logits.
func logits(t *testing.T, model *llama.Model, adapter *llama.Adapter, text string) []float32 {
	t.Helper()
	ctx, err := model.NewContext(llama.ContextParams{NCtx: 256, NBatch: 64, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer ctx.Close()
	if adapter != nil {
		if err := ctx.SetAdapters([]*llama.Adapter{adapter}, []float32{1}); err != nil {
			t.Fatal(err)
		}
	}
	tokens, err := model.Tokenize(text, false, true)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := llama.NewBatch(64)
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Close()
	for i, token := range tokens {
		if err := batch.Add(token, i, 0, i == len(tokens)-1); err != nil {
			t.Fatal(err)
		}
	}
	if err := ctx.Decode(batch); err != nil {
		t.Fatal(err)
	}
	row, err := ctx.Logits(batch.Len() - 1)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(row)
}

func spread(row []float32) (mean, deviation float64) {
	for _, v := range row {
		mean += float64(v) / float64(len(row))
	}
	for _, v := range row {
		deviation += (float64(v) - mean) * (float64(v) - mean) / float64(len(row))
	}
	return mean, math.Sqrt(deviation)
}

func TestLlamaTakesSyntheticModels(t *testing.T) {
	lib := library(t)
	const text = "<|im_start|>user\nWhat is the weather in Paris?<|im_end|>\n<|im_start|>assistant\n<tool_call>\n"
	for _, typ := range []gguf.Type{gguf.F32, gguf.F16, gguf.BF16, gguf.Q8_0, gguf.Q4_0} {
		model, _ := load(t, lib, gguf.SynthConfig{Quant: typ, Seed: 5})
		if model.NLogits() != 832 || model.NLayer() != 2 || model.NEmbd() != 64 || model.NCtxTrain() != 32768 {
			t.Errorf("%s: %d logits, %d layers, %d wide, %d tokens of context", typ, model.NLogits(), model.NLayer(), model.NEmbd(), model.NCtxTrain())
		}
		row := logits(t, model, nil, text)
		mean, deviation := spread(row)
		if math.IsNaN(mean) || math.Abs(mean) > 0.5 || deviation < 1.5 || deviation > 2.5 {
			t.Errorf("%s: logits of mean %.2f and deviation %.2f, want about 0 and 2", typ, mean, deviation)
		}
		if other := logits(t, model, nil, text+"{"); slices.Equal(row, other) {
			t.Errorf("%s: the logits do not depend on the text", typ)
		}
	}
}

func TestLlamaReadsTheVocabulary(t *testing.T) {
	model, _ := load(t, library(t), gguf.SynthConfig{VocabOnly: true})
	tok := gguf.BuiltinTokenizer()
	if int(model.BOS()) != tok.BOS || int(model.EOS()) != tok.EOS || int(model.EOT()) != tok.EOT || model.AddBOS() {
		t.Errorf("bos %d, eos %d, eot %d, add bos %v", model.BOS(), model.EOS(), model.EOT(), model.AddBOS())
	}
	if template, ok := model.ChatTemplate(""); !ok || template != tok.ChatTemplate {
		t.Errorf("chat template %q", template)
	}
	for id, token := range tok.Tokens {
		control := token.Kind == gguf.TokenControl
		if model.TokenText(int32(id)) != token.Text || model.IsControl(int32(id)) != control {
			t.Errorf("token %d is %q, control %v, want %q, %v", id, model.TokenText(int32(id)), model.IsControl(int32(id)), token.Text, control)
		}
		if got := model.TokenBytes(int32(id)); !slices.Equal(got, tok.Bytes(id)) {
			t.Errorf("token %d is % x for llama.cpp, % x here", id, got, tok.Bytes(id))
		}
	}
	// Every byte of valid UTF-8 comes back (llama.cpp replaces other bytes), and tags are one token.
	text := "Grüße, 今天 {\"name\": \"get_weather\"}\n\x00  \t<tool_call>"
	ids, err := model.Tokenize(text, false, true)
	if err != nil {
		t.Fatal(err)
	}
	var back []byte
	for _, id := range ids {
		back = append(back, model.TokenBytes(id)...)
	}
	if string(back) != text {
		t.Errorf("%q came back as %q", text, back)
	}
	if last := ids[len(ids)-1]; tok.Tokens[last].Text != "<tool_call>" {
		t.Errorf("the last token is %q", tok.Tokens[last].Text)
	}
	if len(ids) > len(text)/2 {
		t.Errorf("%d tokens for %d bytes: the merges are not used", len(ids), len(text))
	}
}

func TestLlamaTakesAdapters(t *testing.T) {
	lib := library(t)
	model, path := load(t, lib, gguf.SynthConfig{Quant: gguf.Q8_0, Seed: 5})
	base, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	const text = "Set a timer for ten minutes."
	plain := logits(t, model, nil, text)
	for name, targets := range map[string][]string{
		"default": nil,
		"all":     {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"},
	} {
		file := filepath.Join(t.TempDir(), name+".gguf")
		if err := gguf.SynthesizeAdapterFile(t.Context(), file, base, gguf.AdapterConfig{Targets: targets}); err != nil {
			t.Fatal(err)
		}
		adapter, err := model.LoadAdapter(file)
		if err != nil {
			t.Fatal(err)
		}
		row := logits(t, model, adapter, text)
		adapter.Close()
		change := 0.0
		for i := range row {
			change = max(change, math.Abs(float64(row[i]-plain[i])))
		}
		if _, deviation := spread(row); change < 0.1 || math.IsNaN(deviation) || deviation > 5 {
			t.Errorf("%s: the logits change by %.3f to deviation %.2f", name, change, deviation)
		}
	}
}

// TestTokenizerVectors runs llama.cpp's own tokenizer vectors through vocabularies imported
// from tokenizer.json.
func TestTokenizerVectors(t *testing.T) {
	root := os.Getenv("CALLAMA_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	root = filepath.Join(root, "tokenizers")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no test data: %v", err)
	}
	lib := library(t)
	for _, tc := range []struct{ folder, vectors, shape string }{
		{"qwen2.5", "ggml-vocab-qwen2.gguf", "qwen2.5-0.5b"},
		{"llama3.1", "ggml-vocab-llama-bpe.gguf", "llama3.1-8b"},
	} {
		tok, err := gguf.ReadTokenizer(filepath.Join(root, tc.folder, "tokenizer.json"))
		if err != nil {
			t.Fatal(err)
		}
		model, _ := load(t, lib, gguf.SynthConfig{Shape: tc.shape, Tokenizer: tok, VocabOnly: true})
		if model.AddBOS() != tok.AddBOS || int(model.BOS()) != tok.BOS || int(model.EOS()) != tok.EOS {
			t.Errorf("%s: bos %d, eos %d, add bos %v", tc.folder, model.BOS(), model.EOS(), model.AddBOS())
		}
		in, err := os.ReadFile(filepath.Join(root, "vectors", tc.vectors+".inp"))
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.ReadFile(filepath.Join(root, "vectors", tc.vectors+".out"))
		if err != nil {
			t.Fatal(err)
		}
		texts := strings.Split(string(in), "\n__ggml_vocab_test__\n")
		lines := strings.Split(string(out), "\n")
		lines, texts = lines[:len(lines)-1], texts[:len(texts)-1] // both end with their separator
		if len(texts) != len(lines) || len(texts) < 40 {
			t.Fatalf("%s: %d texts, %d lines of ids", tc.folder, len(texts), len(lines))
		}
		for i, text := range texts {
			var want []int32
			for field := range strings.FieldsSeq(lines[i]) {
				id, err := strconv.Atoi(field)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, int32(id))
			}
			if got, err := model.Tokenize(text, false, false); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %q gives %v, %v, want %v", tc.folder, text, got, err, want)
			}
		}
	}
}
