package gguf

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func encoder(t testing.TB, tok *Tokenizer) *Encoder {
	t.Helper()
	e, err := NewEncoder(tok)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// published are the tokenizers in the test data, with llama.cpp's test vectors for them.
var published = []struct{ dir, vectors string }{
	{"llama3.1", "ggml-vocab-llama-bpe.gguf"},
	{"qwen2.5", "ggml-vocab-qwen2.gguf"},
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

func tokenizer(t testing.TB, dir string) *Tokenizer {
	t.Helper()
	tok, err := ReadTokenizer(testdata(t, "tokenizers", dir, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestEncodeRoundTrip(t *testing.T) {
	tok := BuiltinTokenizer()
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
	good := BuiltinTokenizer()
	for _, c := range []struct {
		name string
		tok  Tokenizer
		want string
	}{
		{"other pre-tokenizer", Tokenizer{Pre: "gpt-2", Tokens: good.Tokens}, `pre-tokenizer "gpt-2" is not known`},
		{"no bytes", Tokenizer{Pre: PreQwen2, Tokens: good.Tokens[:10]}, "no token for byte"},
		{"merge of no tokens", Tokenizer{Pre: PreQwen2, Tokens: good.Tokens, Merges: []string{"q q"}}, `merge 0, "q q"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := NewEncoder(&c.tok); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
