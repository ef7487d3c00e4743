package gguf

import (
	"fmt"
	"maps"
	"slices"
)

// TokenKind says what a vocabulary entry is, numbered as llama.cpp's token types.
type TokenKind int32

// The kinds of tokens.
const (
	TokenNormal      TokenKind = 1 // part of ordinary text, spelled in the byte-level alphabet
	TokenUnknown     TokenKind = 2
	TokenControl     TokenKind = 3 // <|im_end|> and the like: never text, matched only on request
	TokenUserDefined TokenKind = 4 // added text such as <tool_call>, matched before anything else
	TokenUnused      TokenKind = 5 // padding up to the width of the logits
	TokenByte        TokenKind = 6
)

// Token is one entry of a vocabulary; its id is its index.
type Token struct {
	Text string
	Kind TokenKind
}

// Tokenizer is a byte-level BPE tokenizer as GGUF metadata describes it
// (tokenizer.ggml.model "gpt2"). It is immutable by convention and safe for concurrent use.
type Tokenizer struct {
	Pre    string   // the pre-tokenizer's name in llama.cpp, such as "qwen2" or "llama-bpe"
	Tokens []Token  // by id
	Merges []string // "left right", in order of rank

	BOS, EOS, EOT, Pad, Unknown int // token ids, -1 where there is none
	AddBOS                      bool

	ChatTemplate   string            // Jinja; may be empty
	NamedTemplates map[string]string // further templates by name, such as "tool_use"
}

// PreLlamaBPE and PreQwen2 are the pre-tokenizers of Llama 3 and Qwen2, under llama.cpp's names.
const (
	PreQwen2    = "qwen2"
	PreLlamaBPE = "llama-bpe"
)

// id returns the id of a control or user-defined token by its text, or -1.
func (t *Tokenizer) id(text string) int {
	for i := len(t.Tokens) - 1; i >= 0; i-- { // added tokens are at the end
		if t.Tokens[i].Text == text && t.Tokens[i].Kind != TokenNormal {
			return i
		}
	}
	return -1
}

// padToken is the text of an unused entry, as llama.cpp's converter writes it.
func padToken(id int) string { return fmt.Sprintf("[PAD%d]", id) }

// set writes the tokenizer's metadata, its vocabulary padded with unused tokens to width.
func (t *Tokenizer) set(w *Writer, width int) {
	texts := make([]string, width)
	kinds := make([]int32, width)
	for i := range width {
		if i < len(t.Tokens) {
			texts[i], kinds[i] = t.Tokens[i].Text, int32(t.Tokens[i].Kind)
		} else {
			texts[i], kinds[i] = padToken(i), int32(TokenUnused)
		}
	}
	w.Set("tokenizer.ggml.model", "gpt2")
	w.Set("tokenizer.ggml.pre", t.Pre)
	w.Set("tokenizer.ggml.tokens", texts)
	w.Set("tokenizer.ggml.token_type", kinds)
	w.Set("tokenizer.ggml.merges", t.Merges)
	for _, special := range []struct {
		key string
		id  int
	}{
		{"bos", t.BOS}, {"eos", t.EOS}, {"eot", t.EOT}, {"padding", t.Pad}, {"unknown", t.Unknown},
	} {
		if special.id >= 0 {
			w.Set("tokenizer.ggml."+special.key+"_token_id", uint32(special.id))
		}
	}
	w.Set("tokenizer.ggml.add_bos_token", t.AddBOS)
	if t.ChatTemplate != "" {
		w.Set(KeyChatTemplate, t.ChatTemplate)
	}
	if names := slices.Sorted(maps.Keys(t.NamedTemplates)); len(names) > 0 {
		w.Set("tokenizer.chat_templates", names)
		for _, name := range names {
			w.Set(KeyChatTemplate+"."+name, t.NamedTemplates[name])
		}
	}
}
