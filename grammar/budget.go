package grammar

import (
	"github.com/callama/callama/grammar/internal/mask"
)

// MinTokens returns a number of tokens that suffices to complete the text: those of a
// shortest completion, cut into the longest tokens. It is at most MinBytes. After the first of
// these tokens (Closing) it is one less. Cost: some microseconds for each byte of the completion, or a
// lookup.
func (m *Matcher) MinTokens() int {
	if m.ended {
		return 0
	}
	return m.closing(m.pos()).tokens
}

// FitsAfter reports whether the text can be completed within left tokens after token t, which
// must be allowed. Cost: a step where bytes are few enough, else as MinTokens.
func (m *Matcher) FitsAfter(t int32, left int) bool {
	if m.c.vocab.IsEOG(t) {
		return true
	}
	p, ok := m.after(t)
	return ok && (m.c.engine.At(p).Bytes <= left || m.closing(p).tokens <= left)
}

// Closing returns the first token of the completion that MinTokens counts. There is none where the
// text may end, or where only a token terminal goes on.
func (m *Matcher) Closing() (t int32, ok bool) {
	if m.ended {
		return 0, false
	}
	c := m.closing(m.pos())
	if c.first >= 0 {
		_, ok = m.after(c.first) // it may complete a value that must differ from an earlier one
	}
	return c.first, ok
}

// after returns the place after token t, if t is allowed, and stays where it is.
func (m *Matcher) after(t int32) (mask.Pos, bool) {
	if m.scanner != nil {
		defer m.scanner.Restore(m.scanner.Mark())
	}
	return m.c.engine.Advance(m.pos(), t, m.scanner)
}

// closing is a completion, cut into tokens.
type closing struct {
	first  int32 // -1 for none
	tokens int
}

// maxClosings bounds what a Matcher remembers of completions: near the end of a budget a few
// places are asked for again and again.
const maxClosings = 1024

func (m *Matcher) closing(p mask.Pos) closing {
	if c, ok := m.closings[p]; ok {
		return c
	}
	text, whole := m.shortest(p)
	c := closing{first: -1, tokens: m.c.engine.At(p).Bytes}
	if whole {
		c = m.cut(text)
	}
	if m.closings == nil || len(m.closings) == maxClosings {
		m.closings = make(map[mask.Pos]closing)
	}
	m.closings[p] = c
	return c
}

// shortest returns the bytes of a shortest completion, the same for the same place. It is not
// whole if a token terminal is part of it.
func (m *Matcher) shortest(p mask.Pos) (text []byte, whole bool) {
	e, prog := m.c.engine, m.c.prog
	for left := e.At(p).Bytes; left > 0; {
		found := false
		for k := range prog.Classes() {
			lo, _ := prog.ClassRange(uint8(k))
			next, ok := e.AdvanceBytes(p, []byte{lo})
			if !ok {
				continue
			}
			if d := e.At(next).Bytes; d < left {
				text = append(text, lo)
				p, left, found = next, d, true
				break
			}
		}
		if !found {
			return nil, false
		}
	}
	return text, true
}

// cut counts the tokens of a text, the longest first.
func (m *Matcher) cut(text []byte) closing {
	c := closing{first: -1}
	trie := m.c.vocab.Trie()
	for len(text) > 0 {
		best, size := int32(-1), 0
		node := 0
		for n := 1; n <= len(text); n++ {
			var ok bool
			if node, ok = trie.Child(node, text[n-1]); !ok {
				break
			}
			if t := trie.Nodes[node].Token(); t >= 0 {
				best, size = t, n
			}
		}
		if best < 0 { // no token begins so: Compile has seen that bytes are tokens
			return closing{first: -1, tokens: c.tokens + len(text)}
		}
		if c.tokens == 0 {
			c.first = best
		}
		c.tokens++
		text = text[size:]
	}
	return c
}
