package bench

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dlclark/regexp2/v2"

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

func encoder(t testing.TB, tok *gguf.Tokenizer) *Encoder {
	t.Helper()
	e, err := NewEncoder(tok)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestEncodeVectors compares with llama.cpp's own test vectors.
func TestEncodeVectors(t *testing.T) {
	for _, p := range published {
		t.Run(p.dir, func(t *testing.T) {
			e := encoder(t, tokenizer(t, p.dir))
			inputs, err := os.ReadFile(testdata(t, "tokenizers", "vectors", p.vectors+".inp"))
			if err != nil {
				t.Fatal(err)
			}
			outputs, err := os.ReadFile(testdata(t, "tokenizers", "vectors", p.vectors+".out"))
			if err != nil {
				t.Fatal(err)
			}
			texts := strings.Split(strings.TrimSuffix(string(inputs), "\n__ggml_vocab_test__\n"), "\n__ggml_vocab_test__\n")
			lines := strings.Split(strings.TrimSuffix(string(outputs), "\n"), "\n")
			if len(texts) != len(lines) || len(texts) < 40 {
				t.Fatalf("%d texts, %d lines", len(texts), len(lines))
			}
			for i, text := range texts {
				var want []int32
				for _, f := range strings.Fields(lines[i]) {
					id, err := strconv.Atoi(f)
					if err != nil {
						t.Fatal(err)
					}
					want = append(want, int32(id))
				}
				if got := e.Encode(text); !slices.Equal(got, want) {
					t.Errorf("%q: tokens %v, want %v", text, got, want)
				}
			}
		})
	}
}

// splitPatterns are what piece does by hand.
var splitPatterns = map[int]string{
	1: `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
	3: `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
}

// TestPiece compares with a backtracking pattern engine on texts made of the characters
// that the pattern tells apart.
func TestPiece(t *testing.T) {
	alphabet := []rune("abST'lLeErRvVdDmM019½ \t\n\r\u00a0.,\"{}:-é中🚀\u0301\u2028٣")
	r := rand.New(rand.NewPCG(1, 2))
	for digits, pattern := range splitPatterns {
		re := regexp2.MustCompile(pattern)
		for range 20_000 {
			text := make([]rune, 1+r.IntN(12))
			for i := range text {
				text[i] = alphabet[r.IntN(len(alphabet))]
			}
			if got, want := pieces(string(text), digits), matches(t, re, string(text)); !slices.Equal(got, want) {
				t.Fatalf("%q in digits of %d: pieces %q, want %q", string(text), digits, got, want)
			}
		}
	}
}

func pieces(text string, digits int) []string {
	var out []string
	for text != "" {
		n := piece(text, digits)
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

func matches(t *testing.T, re *regexp2.Regexp, text string) []string {
	t.Helper()
	var out []string
	m, err := re.FindStringMatch(text)
	for m != nil && err == nil {
		out = append(out, m.String())
		m, err = re.FindNextMatch(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
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
	texts := append(instances(t, 20), "<tool_call>\n{}</tool_call>", "a<|im_end|>b", "<|eot_id|>", "\u00a0\u2003x  \n\n y", "ſ's'ſ", strings.Repeat("ab", 3000))
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

func TestEncodeRoundTrip(t *testing.T) {
	tok := gguf.BuiltinTokenizer()
	e := encoder(t, tok)
	for _, text := range []string{"", "Hello world", `{"a": [1, 2.5, "é🚀"], "b": null}`, "x<tool_call>y<tool_call>", "\n\n  z "} {
		var back []byte
		for _, id := range e.Encode(text) {
			back = append(back, tok.Bytes(int(id))...)
		}
		if string(back) != text {
			t.Errorf("%q comes back as %q", text, back)
		}
	}
}

func TestNewEncoderErrors(t *testing.T) {
	good := gguf.BuiltinTokenizer()
	for _, c := range []struct {
		name string
		tok  gguf.Tokenizer
		want string
	}{
		{"other pre-tokenizer", gguf.Tokenizer{Pre: "gpt-2", Tokens: good.Tokens}, `pre-tokenizer "gpt-2" is not known`},
		{"no bytes", gguf.Tokenizer{Pre: gguf.PreQwen2, Tokens: good.Tokens[:10]}, "no token for byte"},
		{"merge of no tokens", gguf.Tokenizer{Pre: gguf.PreQwen2, Tokens: good.Tokens, Merges: []string{"q q"}}, `merge 0, "q q"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := NewEncoder(&c.tok); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
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
