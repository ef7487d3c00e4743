package gguf

import (
	"slices"
	"strings"
	"testing"
)

func TestBuiltinTokenizer(t *testing.T) {
	tok := BuiltinTokenizer()
	if want := 256 + builtinMerges + len(builtinAdded); len(tok.Tokens) != want || len(tok.Merges) != builtinMerges {
		t.Fatalf("%d tokens, %d merges, want %d and %d", len(tok.Tokens), len(tok.Merges), want, builtinMerges)
	}
	seen := map[string]int{}
	for id, token := range tok.Tokens {
		if at, dup := seen[token.Text]; dup {
			t.Errorf("token %q is %d and %d", token.Text, at, id)
		}
		seen[token.Text] = id
	}
	var bytes []byte
	for id := range 256 {
		bytes = append(bytes, tok.Bytes(id)...)
	}
	slices.Sort(bytes)
	for b := range 256 {
		if len(bytes) != 256 || bytes[b] != byte(b) {
			t.Fatalf("the first tokens are not the 256 bytes: % x", bytes)
		}
	}
	for i, m := range tok.Merges {
		left, right, _ := strings.Cut(m, " ")
		l, okL := seen[left]
		r, okR := seen[right]
		if !okL || !okR || seen[left+right] != 256+i || l >= 256+i || r >= 256+i {
			t.Errorf("merge %d, %q, does not join earlier tokens into token %d", i, m, 256+i)
		}
	}
	for _, text := range []string{spellBytes(` "`), spellBytes(`":`), "name", "arguments", spellBytes(" the")} {
		if _, ok := seen[text]; !ok {
			t.Errorf("no token %q: the corpus has lost its weight", text)
		}
	}
	for id, want := range map[int]string{tok.BOS: "<|endoftext|>", tok.EOS: "<|im_end|>", tok.EOT: "<|im_end|>", tok.Pad: "<|endoftext|>"} {
		if tok.Tokens[id].Text != want || tok.Tokens[id].Kind != TokenControl {
			t.Errorf("token %d is %v, want %q", id, tok.Tokens[id], want)
		}
	}
	for _, text := range []string{"<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"} {
		if id := tok.id(text); id < 0 || tok.Tokens[id].Kind != TokenUserDefined {
			t.Errorf("%q is token %d", text, id)
		}
	}
}

func TestTokenBytes(t *testing.T) {
	tok := &Tokenizer{Tokens: []Token{{"ĠGrÃ¼Ã", TokenNormal}, {"<é>", TokenControl}, {"a b", TokenNormal}}}
	for id, want := range map[int]string{-1: "", 0: " Gr\u00fc\xc3", 1: "<é>", 2: "", 3: ""} {
		if got := tok.Bytes(id); string(got) != want || want == "" && got != nil {
			t.Errorf("token %d is %q, want %q", id, got, want)
		}
	}
}

func TestByteLevelAlphabet(t *testing.T) {
	for raw, want := range map[string]string{
		" a\n":         "ĠaĊ",
		"\x00\x7f\xff": "Āġÿ",
		"é":            "Ã©",
		"\xad":         "Ń",
	} {
		if got := spellBytes(raw); got != want || !isByteLevel(got) {
			t.Errorf("%q is spelled %q, want %q", raw, got, want)
		}
	}
	if isByteLevel("▁") || isByteLevel(" ") {
		t.Error("characters outside the alphabet are taken for it")
	}
}
