package llama

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/callama/callama/gguf"
)

// testData returns a folder of the test data, or skips.
func testData(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("CALLAMA_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no test data: set CALLAMA_TESTDATA: %v", err)
	}
	return path
}

// TestTokenizerVectors runs llama.cpp's own tokenizer vectors through files that package
// gguf made from tokenizer.json.
func TestTokenizerVectors(t *testing.T) {
	lib := testLibrary(t)
	for _, c := range []struct{ tokenizer, vectors string }{
		{"qwen2.5", "ggml-vocab-qwen2.gguf"},
		{"llama3.1", "ggml-vocab-llama-bpe.gguf"},
	} {
		t.Run(c.tokenizer, func(t *testing.T) {
			tokenizer, err := gguf.ReadTokenizer(filepath.Join(testData(t, "tokenizers", c.tokenizer), "tokenizer.json"))
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "vocab.gguf")
			if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{Tokenizer: tokenizer, VocabOnly: true}); err != nil {
				t.Fatal(err)
			}
			m, err := lib.LoadModel(path, ModelParams{VocabOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			vectors := filepath.Join(testData(t, "tokenizers", "vectors"), c.vectors)
			checkVectors(t, m, vectors)
			checkTokenBytes(t, m, tokenizer)
		})
	}
}

// checkVectors compares Tokenize with path.inp (texts) and path.out (their tokens by line).
func checkVectors(t *testing.T, m *Model, path string) {
	inputs, err := os.ReadFile(path + ".inp")
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := os.ReadFile(path + ".out")
	if err != nil {
		t.Fatal(err)
	}
	texts := strings.Split(string(inputs), "\n__ggml_vocab_test__\n")
	lines := strings.Split(string(outputs), "\n")
	if len(texts) < 40 || len(lines) < len(texts)-1 {
		t.Fatalf("%d texts and %d lines of tokens", len(texts), len(lines))
	}
	for i, text := range texts[:len(texts)-1] { // the last separator ends the file
		var want []int32
		for _, f := range strings.Fields(lines[i]) {
			n, err := strconv.ParseInt(f, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, int32(n))
		}
		got, err := m.Tokenize(text, false, false)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: tokens %v, %v; want %v", text, got, err, want)
		}
	}
}

// checkTokenBytes compares the bytes of every token with what gguf reads from tokenizer.json.
func checkTokenBytes(t *testing.T, m *Model, tokenizer *gguf.Tokenizer) {
	differ := 0
	for id := range m.NTokens() {
		if got, want := string(m.TokenBytes(int32(id))), string(tokenizer.Bytes(id)); got != want && differ < 5 {
			t.Errorf("token %d has bytes %q, want %q", id, got, want)
			differ++
		}
	}
}
