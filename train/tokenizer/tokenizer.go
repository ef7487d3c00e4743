// Package tokenizer makes the vocabulary of the demo model. It is learned from conversations by
// byte pair encoding, but for copying: whatever a model copies from a question into a call must be
// the same tokens in both places.
package tokenizer

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/callama/callama/gguf"
	"github.com/callama/callama/gguf/bpe"
	"github.com/callama/callama/train/corpus"
)

// ChatTemplate is the template of the demo model: ChatML in the dialect hermes, with the tools
// as the functions' JSON alone. The tokenizer carries it, and so does every model made with it.
//
//go:embed chatml.jinja
var ChatTemplate string

// added are the tokens after the learned ones, in order of their ids. Control tokens cannot be
// written by a text, the others are found in it.
var added = []gguf.Token{
	{Text: "<|endoftext|>", Kind: gguf.TokenControl},
	{Text: "<|im_start|>", Kind: gguf.TokenControl},
	{Text: "<|im_end|>", Kind: gguf.TokenControl},
	{Text: "<tool_call>", Kind: gguf.TokenUserDefined},
	{Text: "</tool_call>", Kind: gguf.TokenUserDefined},
	{Text: "<tool_response>", Kind: gguf.TokenUserDefined},
	{Text: "</tool_response>", Kind: gguf.TokenUserDefined},
	{Text: "<tools>", Kind: gguf.TokenUserDefined},
	{Text: "</tools>", Kind: gguf.TokenUserDefined},
}

// MinSize and MaxSize bound a vocabulary: the bytes and the added tokens always have a place, and
// the ids of token files have 16 bits.
const (
	MinSize = 512
	MaxSize = 1 << 16
)

// Trainer collects texts and learns a vocabulary from them. The zero value is ready. It belongs
// to one goroutine.
type Trainer struct{ counts map[string]int }

// digits is the longest run of digits in one piece: each stands alone, so numbers are copied
// digit by digit.
const digits = 1

// Add counts the pieces of a text in which no added token stands.
func (t *Trainer) Add(text string) {
	if t.counts == nil {
		t.counts = make(map[string]int)
	}
	bpe.Count(t.counts, text, digits)
}

// characterCount is how often AddCharacters counts each: more than any word comes, so that they are
// learned before the vocabulary is full.
const characterCount = 1 << 20

// AddCharacters counts the 3,755 frequent Chinese characters, level 1 of GB 2312. The conversations have
// some of them only, but questions have any: as three bytes a character is hard to copy, and its bytes
// are in many others.
func (t *Trainer) AddCharacters() {
	if t.counts == nil {
		t.counts = make(map[string]int)
	}
	for _, c := range corpus.Characters() {
		t.counts[c] += characterCount
	}
}

// AddPrompt counts the pieces of a rendered prompt, between its added tokens.
func (t *Trainer) AddPrompt(text string) {
	for text != "" {
		at, size := len(text), 0
		for _, tok := range added {
			if i := strings.Index(text[:at], tok.Text); i >= 0 {
				at, size = i, len(tok.Text)
			}
		}
		t.Add(text[:at])
		text = text[at+size:]
	}
}

// Tokenizer learns a vocabulary of size tokens at most (fewer where the texts teach no more) and
// returns it with the chat template.
func (t *Trainer) Tokenizer(size int) (*gguf.Tokenizer, error) {
	if size < MinSize || size > MaxSize {
		return nil, fmt.Errorf("tokenizer: size %d, want %d to %d", size, MinSize, MaxSize)
	}
	if len(t.counts) == 0 {
		return nil, errors.New("tokenizer: no text to learn from")
	}
	merges := bpe.Learner{Joins: joins}.Learn(t.counts, size-256-len(added))
	tok := gguf.NewTokenizer(gguf.PreQwen2, merges, added)
	tok.ChatTemplate = ChatTemplate
	return tok, nil
}

// joins says which neighbours may become a token. A word in a question follows a blank, the same
// word as an argument follows a quote: so letters join letters only, never the blank, and both
// are the same tokens. A capital begins a token, so that aName, NAME and Name fall into parts
// that come elsewhere. Characters outside ASCII stay single: a Chinese name is its
// characters, whatever stands around it. Punctuation joins freely.
func joins(left, right string) bool {
	switch {
	case letters(left):
		return letters(right) && right == strings.ToLower(right)
	case punctuation(left):
		return punctuation(right)
	}
	return partOfCharacter(left + right)
}

func letters(text string) bool {
	for i := range len(text) {
		if c := text[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// punctuation reports whether a text is ASCII without letters and digits.
func punctuation(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c >= utf8.RuneSelf || c >= '0' && c <= '9' || letters(text[i:i+1]) {
			return false
		}
	}
	return true
}

// partOfCharacter reports whether bytes are the beginning of one character outside ASCII, or all
// of it.
func partOfCharacter(text string) bool {
	if text[0] < 0xc2 {
		return false
	}
	if utf8.ValidString(text) {
		return utf8.RuneCountInString(text) == 1
	}
	return !utf8.FullRuneInString(text)
}
