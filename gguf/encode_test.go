package gguf

import (
	"math/rand/v2"
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

// wordMap are Words as tests need them.
type wordMap map[string]int32

func (w wordMap) Lookup(text string) (int32, bool) {
	token, ok := w[text]
	return token, ok
}

// TestEncoderOver: whatever words find, the tokens are the same.
func TestEncoderOver(t *testing.T) {
	tok := *BuiltinTokenizer()
	tok.Pre = PreLlamaBPE
	n := len(tok.Tokens)
	own := encoder(t, &tok)
	text := "Hello world, the <tool_call> of [PAD] and the end\n"
	want := own.Encode(text)
	all := func() wordMap {
		w := wordMap{}
		for i := range tok.Tokens {
			w[string(tok.Bytes(i))] = int32(i)
		}
		return w
	}
	for _, c := range []struct {
		name   string
		change func(w wordMap)
		held   bool // whether the words are asked
	}{
		{"same", func(wordMap) {}, true},
		{"more", func(w wordMap) {
			for i, piece := range []string{"Hello", " world", " of", " end"} { // where they are no tokens
				if _, ok := w[piece]; !ok {
					w[piece] = int32(n) + 99*int32(i) - 1 // the first is none that is normal, the others are none
				}
			}
		}, true},
		{"lacks one", func(w wordMap) { delete(w, "a") }, false},
		{"finds another", func(w wordMap) { w["a"]++ }, false},
		{"empty", func(w wordMap) { clear(w) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := all()
			c.change(w)
			if held := sameTokens(&tok, w) != nil; held != c.held {
				t.Errorf("the words are asked: %v, want %v", held, c.held)
			}
			e, err := NewEncoderOver(&tok, w)
			if err != nil {
				t.Fatal(err)
			}
			if got := e.Encode(text); !slices.Equal(got, want) {
				t.Errorf("tokens %v, want %v", got, want)
			}
			if got := e.AppendTokens(want[:1:1], text); !slices.Equal(got[1:], want) {
				t.Errorf("appended %v, want %v", got, want)
			}
		})
	}
}

// TestMergeTable compares with a map: few tokens, many rules, some of them twice.
func TestMergeTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	names := []string{"a", "b", "c", "aa", "ab", "ba", "abc", "aaa", "aab", "baa", "abab", "aaaa", "cab"}
	spelled := map[string]int32{}
	for i, name := range names {
		spelled[name] = int32(len(names) - i)
	}
	var merges []string
	want := map[[2]int32]merge{}
	for len(merges) < 60 {
		left, right := names[rng.IntN(len(names))], names[rng.IntN(len(names))]
		token, ok := spelled[left+right]
		if !ok {
			continue
		}
		pair := [2]int32{spelled[left], spelled[right]}
		if _, ok := want[pair]; !ok {
			want[pair] = merge{int32(len(merges)), token}
		}
		merges = append(merges, left+" "+right)
	}
	table, err := newMergeTable(merges, spelled, len(names)+1)
	if err != nil {
		t.Fatal(err)
	}
	for l := range int32(len(names) + 1) {
		for r := range int32(len(names) + 1) {
			m, ok := table.find(l, r)
			if w, wanted := want[[2]int32{l, r}]; ok != wanted || m != w {
				t.Errorf("tokens %d and %d: %v, %v, want %v, %v", l, r, m, ok, w, wanted)
			}
		}
	}
	if _, err := newMergeTable(nil, nil, 1<<40); err == nil {
		t.Error("a table for 2^40 tokens")
	}
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
