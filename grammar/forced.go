package grammar

import (
	"bytes"

	"github.com/callama/callama/grammar/internal/mask"
	"github.com/callama/callama/grammar/vocab"
)

// ForcedTokens returns tokens that may be appended to the text without asking the model:
// what tokenize makes of the forced bytes, up to where the bytes that follow could change
// the tokens. limit bounds the bytes.
//
// tokenize is the model's own tokenizer. Its tokens are those that the model was trained
// on; a model that is asked token by token might spell the same bytes with others. It is
// given whole characters; where the tokens do not spell them, there are none.
//
// Tokens are kept back from the first byte at which a token begins that reaches beyond the
// forced bytes as the grammar allows: a tokenizer that saw the rest of the text might take that
// one. Where there is none, byte pair encoding splits at the end of the forced bytes
// whatever follows, and so makes the same tokens before it. Cost: some lookups where
// nothing is forced, else a tokenization and some lookups for each byte.
func (m *Matcher) ForcedTokens(limit int, tokenize func(text []byte) []int32) []int32 {
	text := m.Forced(limit)
	text = text[:wholeCharacters(text)]
	if len(text) == 0 || text[0]&0xC0 == 0x80 {
		return nil
	}
	tokens := tokenize(text)
	if !m.spell(tokens, text) {
		return nil
	}
	before := m.Len()
	for i, t := range tokens {
		if m.Accept(t) != nil {
			tokens = tokens[:i] // bytes that it may not take as one
			break
		}
	}
	if m.Done() { // nothing follows
		m.back(before + 1)
		return tokens
	}
	size := 0
	for _, t := range tokens {
		size += len(m.c.vocab.Bytes(t))
	}
	m.back(before + 1)
	end := m.firstSpan(text[:size])
	kept, at := 0, 0
	for kept < len(tokens) && at+len(m.c.vocab.Bytes(tokens[kept])) <= end {
		at += len(m.c.vocab.Bytes(tokens[kept]))
		kept++
	}
	return tokens[:kept]
}

// firstSpan returns the first place in text, which is forced, at which a token begins that goes
// on behind it as the grammar allows; its length if there is none.
func (m *Matcher) firstSpan(text []byte) int {
	end, ok := m.c.engine.AdvanceBytes(m.pos(), text)
	if !ok {
		return 0
	}
	trie := m.c.vocab.Trie()
	for at := max(0, len(text)-m.c.vocab.Longest()+1); at < len(text); at++ {
		if node, ok := trie.Find(text[at:]); ok && m.goesOn(end, trie, node) {
			return at
		}
		for _, t := range trie.Long {
			if bytes.HasPrefix(m.c.vocab.Bytes(t), text[at:]) {
				return at
			}
		}
	}
	return len(text)
}

// goesOn reports whether some token below a node of the trie is allowed from p on.
func (m *Matcher) goesOn(p mask.Pos, trie *vocab.Trie, node int) bool {
	depth := trie.Nodes[node].Depth()
	var at [vocab.MaxDepth + 1]mask.Pos
	at[depth] = p
	for i := node + 1; i < trie.Nodes[node].End(); {
		n := trie.Nodes[i]
		next, ok := m.c.engine.AdvanceBytes(at[n.Depth()-1], []byte{n.Byte()})
		if !ok {
			i = n.End()
			continue
		}
		if n.Token() >= 0 {
			return true
		}
		at[n.Depth()] = next
		i++
	}
	return false
}

// spell reports whether the tokens are the text.
func (m *Matcher) spell(tokens []int32, text []byte) bool {
	for _, t := range tokens {
		b := m.c.vocab.Bytes(t)
		if !m.c.vocab.IsText(t) || len(b) > len(text) || string(text[:len(b)]) != string(b) {
			return false
		}
		text = text[len(b):]
	}
	return len(text) == 0
}

// wholeCharacters returns the length of b without a character that is cut at its end.
func wholeCharacters(b []byte) int {
	for back := 1; back <= min(3, len(b)); back++ {
		c := b[len(b)-back]
		if c&0xC0 == 0x80 {
			continue
		}
		if size := characterSize(c); size > back {
			return len(b) - back
		}
		break
	}
	return len(b)
}

// characterSize returns the length of a UTF-8 sequence by its first byte.
func characterSize(first byte) int {
	switch {
	case first >= 0xF0:
		return 4
	case first >= 0xE0:
		return 3
	case first >= 0xC0:
		return 2
	}
	return 1
}
