// Package vocab describes a tokenizer's vocabulary to the grammar engine: the bytes of
// every token, sets of tokens as bit masks, and the byte trie that mask computation
// walks. It knows neither models nor grammars and imports nothing of ours.
package vocab

import (
	"fmt"
	"slices"
	"sync"

	"github.com/callama/callama/internal/texts"
)

// Config lists a vocabulary. The zero value of every field but Tokens is a good default.
type Config struct {
	// Tokens holds the bytes of each token as it appears in text; its index is the token.
	// Tokens without bytes are never part of text. New copies them.
	Tokens [][]byte
	// Special marks tokens that are not text although they have bytes (control tokens such
	// as <|im_start|>): the grammar reaches them only through token terminals. Nil: none.
	Special []bool
	// EOG are the end-of-generation tokens, allowed where the grammar accepts.
	EOG []int32
	// Width is the number of logits; 0 means len(Tokens).
	Width int
}

// Vocab is an immutable vocabulary with its trie; safe for concurrent use.
type Vocab struct {
	tokens  texts.List
	special []bool
	eog     []int32
	isEOG   Mask
	width   int
	byName  *texts.Index
	trie    Trie
	longest int       // bytes of the longest text token
	single  [256]bool // byte b is a token of its own

	mu      sync.Mutex
	derived map[string]any
}

// MaxTokens bounds a vocabulary: trie nodes hold a token in 24 bits. The largest published
// vocabularies have about 260,000 tokens.
const MaxTokens = 1<<24 - 1

// MaxTokenBytes bounds a text token: places in one are numbers of 16 bits. The longest published ones
// have some hundred bytes.
const MaxTokenBytes = 1<<16 - 1

// maxNodes bounds the trie: a node's subtree end has 24 bits.
const maxNodes = 1 << 24

// New builds the vocabulary and its trie; O(total bytes · log n), about 60 ms for 150,000
// tokens.
func New(c Config) (*Vocab, error) {
	n := len(c.Tokens)
	if n == 0 {
		return nil, fmt.Errorf("vocab: no tokens")
	}
	if c.Width == 0 {
		c.Width = n
	}
	if n > MaxTokens || c.Width < n {
		return nil, fmt.Errorf("vocab: %d tokens with %d logits: at most %d tokens and at least as many logits as tokens", n, c.Width, MaxTokens)
	}
	if c.Special != nil && len(c.Special) != n {
		return nil, fmt.Errorf("vocab: %d tokens but %d special marks", n, len(c.Special))
	}
	v := &Vocab{special: c.Special, width: c.Width, isEOG: NewMask(c.Width)}
	for t, b := range c.Tokens {
		if !v.tokens.Add(b) {
			return nil, fmt.Errorf("vocab: the tokens up to %d hold more than %d bytes", t, texts.MaxBytes)
		}
	}
	v.tokens.Clip()
	v.byName = texts.NewIndex(&v.tokens, n)
	if v.special == nil {
		v.special = make([]bool, n)
	}
	for _, t := range c.EOG {
		if t < 0 || int(t) >= n {
			return nil, fmt.Errorf("vocab: end-of-generation token %d is not one of %d tokens", t, n)
		}
		if !v.isEOG.Has(t) {
			v.isEOG.Set(t)
			v.eog = append(v.eog, t)
		}
	}
	slices.Sort(v.eog)
	text := make([]int32, 0, n)
	for t := range n {
		b := v.tokens.At(t)
		if len(b) == 0 {
			continue
		}
		if _, dup := v.byName.Find(string(b)); !dup || v.special[t] {
			v.byName.Put(t)
		}
		if v.special[t] || v.isEOG.Has(int32(t)) {
			continue
		}
		text = append(text, int32(t))
		if len(b) == 1 {
			v.single[b[0]] = true
		}
	}
	total := 0
	for _, t := range text {
		n := len(v.tokens.At(int(t)))
		if n > MaxTokenBytes {
			return nil, fmt.Errorf("vocab: token %d has %d bytes: at most %d", t, n, MaxTokenBytes)
		}
		total += n
		v.longest = max(v.longest, n)
	}
	if total >= maxNodes {
		return nil, fmt.Errorf("vocab: tokens hold %d bytes of text, at most %d fit the trie", total, maxNodes-1)
	}
	v.trie = newTrie(&v.tokens, text)
	return v, nil
}

// Len returns the number of tokens.
func (v *Vocab) Len() int { return v.tokens.Len() }

// Width returns the number of logits, at least Len: the width of masks.
func (v *Vocab) Width() int { return v.width }

// Longest returns the length of the longest text token, in bytes.
func (v *Vocab) Longest() int { return v.longest }

// Bytes returns the bytes of token t, nil if t is none. The caller must not change them.
func (v *Vocab) Bytes(t int32) []byte {
	if t < 0 || int(t) >= v.tokens.Len() {
		return nil
	}
	return v.tokens.At(int(t))
}

// IsText reports whether t takes part in text: it has bytes and is neither special nor an
// end of generation.
func (v *Vocab) IsText(t int32) bool {
	return t >= 0 && len(v.Bytes(t)) > 0 && !v.special[t] && !v.isEOG.Has(t)
}

// EOG returns the end-of-generation tokens in ascending order. The caller must not change
// the slice.
func (v *Vocab) EOG() []int32 { return v.eog }

// IsEOG reports whether t ends the generation.
func (v *Vocab) IsEOG(t int32) bool { return v.isEOG.Has(t) }

// Lookup finds a token by its text, special tokens included: GBNF's <name> terminals.
func (v *Vocab) Lookup(name string) (int32, bool) {
	return v.byName.Find(name)
}

// Spells reports whether byte b is a token of its own. A grammar that needs only such
// bytes can be written to its end from everywhere.
func (v *Vocab) Spells(b byte) bool { return v.single[b] }

// Trie returns the byte trie over the text tokens.
func (v *Vocab) Trie() *Trie { return &v.trie }

// Derived returns what build makes of the vocabulary, kept under key for as long as the
// vocabulary lives, so that users of one vocabulary share it. At most limit results are
// kept in all; for further keys it returns nil. Results must be immutable or synchronised.
// build runs without a lock and may run twice.
func (v *Vocab) Derived(key string, limit int, build func() any) any {
	v.mu.Lock()
	x, ok := v.derived[key]
	full := len(v.derived) >= limit
	v.mu.Unlock()
	if ok || full {
		return x
	}
	x = build()
	v.mu.Lock()
	defer v.mu.Unlock()
	if first, raced := v.derived[key]; raced {
		return first
	}
	if v.derived == nil {
		v.derived = make(map[string]any)
	}
	if len(v.derived) < limit { // others may have been kept meanwhile
		v.derived[key] = x
	}
	return x
}
