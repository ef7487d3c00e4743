package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/engine/llama"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/internal/ojson"
)

// testdata returns a path in the shared test data (CALLAMA_TESTDATA, default ../shared/data
// beside the repository), or skips the test.
func testdata(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("CALLAMA_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no test data: %v", err)
	}
	return path
}

// published are the tokenizers in the test data, with llama.cpp's test vectors for them.
var published = []struct{ dir, vectors string }{
	{"llama3.1", "ggml-vocab-llama-bpe.gguf"},
	{"qwen2.5", "ggml-vocab-qwen2.gguf"},
}

func tokenizer(t testing.TB, dir string) *gguf.Tokenizer {
	t.Helper()
	tok, err := gguf.ReadTokenizer(testdata(t, "tokenizers", dir, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func encoder(t testing.TB, tok *gguf.Tokenizer) *gguf.Encoder {
	t.Helper()
	e, err := gguf.NewEncoder(tok)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestEncodeLikeLlama compares with llama.cpp itself: every 20th file of MaskBench's
// instances, and texts with added tokens and odd characters.
func TestEncodeLikeLlama(t *testing.T) {
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
	texts := append(instances(t, 20), "<tool_call>\n{}</tool_call>", "a<|im_end|>b", "<|eot_id|>", "<|im_start|>user\n<tool_call>\n", "<|im_<|im_end|>|>", "\u00a0\u2003x  \n\n y", "ſ's'ſ", strings.Repeat("ab", 3000))
	for _, p := range published {
		t.Run(p.dir, func(t *testing.T) {
			tok := tokenizer(t, p.dir)
			path := filepath.Join(t.TempDir(), "vocab.gguf")
			if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{Tokenizer: tok, VocabOnly: true}); err != nil {
				t.Fatal(err)
			}
			model, err := lib.LoadModel(path, llama.ModelParams{VocabOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer model.Close()
			e := encoder(t, tok)
			for _, text := range texts {
				want, err := model.Tokenize(text, false, false)
				if err != nil {
					t.Fatal(err)
				}
				if got := e.Encode(text); !slices.Equal(got, want) {
					t.Errorf("%.80q: tokens differ at %s", text, firstDifference(got, want))
				}
				if want, err = model.Tokenize(text, false, true); err != nil {
					t.Fatal(err)
				}
				if got := e.EncodePrompt(text); !slices.Equal(got, want) {
					t.Errorf("%.80q as a prompt: tokens differ at %s", text, firstDifference(got, want))
				}
			}
			t.Logf("%d texts", len(texts))
		})
	}
}

func firstDifference(got, want []int32) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("%d: %d, want %d", i, got[i], want[i])
		}
	}
	return fmt.Sprintf("the end: %d tokens, want %d", len(got), len(want))
}

// instances returns the instances of every n-th MaskBench file, as the benchmark writes them.
func instances(t testing.TB, n int) []string {
	t.Helper()
	files, err := MaskFiles(testdata(t, "maskbench"), 1, n)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := ojson.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range doc.Get("tests").Items {
			out = append(out, InstanceText(test.Get("data")))
		}
	}
	return out
}

func BenchmarkEncode(b *testing.B) {
	e := encoder(b, tokenizer(b, "llama3.1"))
	texts := instances(b, 200)
	size := 0
	for _, text := range texts {
		size += len(text)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, text := range texts {
			e.Encode(text)
		}
	}
}
