package gguf

import (
	"fmt"

	"github.com/callama/callama/internal/texts"
)

// wholeTokens returns what finds the normal tokens, and no others, by their bytes; of equal ones the
// last. It is words where that finds each of them.
func wholeTokens(t *Tokenizer, words Words) (find, error) {
	if words != nil {
		if whole := sameTokens(t, words); whole != nil {
			return whole, nil
		}
	}
	var list texts.List
	index := texts.NewIndex(&list, len(t.Tokens))
	var raw []byte
	for i := range t.Tokens {
		raw = raw[:0]
		normal := t.Tokens[i].Kind == TokenNormal
		if normal {
			raw, normal = t.appendBytes(raw, i)
		}
		if !list.Add(raw) {
			return nil, fmt.Errorf("gguf: tokenizer: the tokens up to %d hold more than %d bytes", i, texts.MaxBytes)
		}
		if normal {
			index.Put(i)
		}
	}
	list.Clip()
	return index.Find, nil
}

// sameTokens returns what finds the normal tokens with words, nil where words does not find each of
// them.
func sameTokens(t *Tokenizer, words Words) find {
	normal := make([]uint64, len(t.Tokens)/64+1) // a set of tokens
	var raw []byte
	for i := range t.Tokens {
		if t.Tokens[i].Kind != TokenNormal {
			continue
		}
		var ok bool
		if raw, ok = t.appendBytes(raw[:0], i); !ok || len(raw) == 0 {
			continue
		}
		if at, ok := words.Lookup(string(raw)); !ok || int(at) != i {
			return nil
		}
		normal[i/64] |= 1 << (i % 64)
	}
	return func(text string) (int32, bool) { // which must not hold the tokenizer
		token, ok := words.Lookup(text)
		return token, ok && int(token)/64 < len(normal) && normal[token/64]&(1<<(token%64)) != 0
	}
}
