package grammar

import (
	"errors"
	"fmt"

	"github.com/callama/callama/grammar/internal/jsonscan"
	"github.com/callama/callama/grammar/internal/mask"
	"github.com/callama/callama/grammar/vocab"
)

// ErrToken is wrapped by Accept when a token is not allowed.
var ErrToken = errors.New("token not allowed by the grammar")

// Matcher follows one text through a grammar, token by token. It is owned by one
// goroutine; Clone gives another one its own. A Matcher holds two words for each token
// accepted, which clones share.
type Matcher struct {
	c        *Compiled
	history  history              // the places after 0, 1, 2 … tokens
	ended    bool                 // an end-of-generation token was accepted, last
	closings map[mask.Pos]closing // see Matcher.closing

	// What the text has written, where values must differ, and its places as in history; nil
	// and empty for other grammars.
	scanner *jsonscan.Scanner
	marks   []jsonscan.State
}

// NewMatcher returns a Matcher before the first token.
func (c *Compiled) NewMatcher() *Matcher {
	m := &Matcher{c: c, history: newHistory(c.engine.Start()), scanner: c.engine.NewScanner()}
	m.mark()
	return m
}

// mark notes where the scanner stands after the last token.
func (m *Matcher) mark() {
	if m.scanner != nil {
		m.marks = append(m.marks, m.scanner.Mark())
	}
}

func (m *Matcher) pos() mask.Pos { return m.history.top() }

// Accept takes the next token. A token outside the mask is an error that wraps ErrToken
// and leaves the Matcher as it was. An end-of-generation token is accepted where the text
// may end; nothing is allowed after it.
func (m *Matcher) Accept(t int32) error {
	if m.ended {
		return fmt.Errorf("grammar: token %d after the end of the text: %w", t, ErrToken)
	}
	if m.c.vocab.IsEOG(t) && m.Accepting() {
		m.ended = true
		m.history.push(m.pos())
		m.mark()
		return nil
	}
	next, ok := m.c.engine.Advance(m.pos(), t, m.scanner)
	if !ok {
		return fmt.Errorf("grammar: token %d %q: %w", t, m.c.vocab.Bytes(t), ErrToken)
	}
	m.history.push(next)
	m.mark()
	return nil
}

// Mask returns the set of allowed tokens in new memory. Where masks are needed one after
// the other, FillMask takes none.
func (m *Matcher) Mask() vocab.Mask {
	dst := vocab.NewMask(m.c.vocab.Width())
	m.FillMask(dst)
	return dst
}

// FillMask writes the set of allowed tokens to dst, which must be as wide as the logits.
// Cost: a copy where the place was seen before, else mostly some microseconds, and no
// allocation in the long run.
func (m *Matcher) FillMask(dst vocab.Mask) { m.FillMaskWithin(dst, -1) }

// FillMaskWithin is FillMask for a text that may still take at most left tokens, the next
// one included, negative for any number: when left runs low it drops tokens after which
// the text could no longer be completed in time, counting one token per byte. It reports
// whether the text can still be completed within left; if not, the set is FillMask's.
func (m *Matcher) FillMaskWithin(dst vocab.Mask, left int) (fits bool) {
	n := (m.c.vocab.Width() + 31) / 32
	clear(dst[n:])
	if m.ended {
		clear(dst)
		return true
	}
	return m.c.engine.Fill(dst[:n], m.pos(), left, m.scanner)
}

// Forced returns the bytes that every continuation begins with, at most limit; empty where
// the text may end or two bytes are possible. Cost: a few table lookups per byte.
func (m *Matcher) Forced(limit int) []byte {
	if m.ended {
		return nil
	}
	return m.c.engine.Forced(nil, m.pos(), limit, m.scanner)
}

// Accepting reports whether the text may end here.
func (m *Matcher) Accepting() bool { return !m.ended && m.c.engine.At(m.pos()).Accepting }

// Done reports whether the text must end here, or has ended.
func (m *Matcher) Done() bool { return m.ended || m.c.engine.At(m.pos()).Done }

// MinBytes returns the length of the shortest completion.
func (m *Matcher) MinBytes() int {
	if m.ended {
		return 0
	}
	return m.c.engine.At(m.pos()).Bytes
}

// State numbers the place in the language where the text stands, for debuggers: places
// with equal numbers have equal futures. Numbers are those of this process, and begin anew
// when the cache outgrows its limit.
func (m *Matcher) State() int { return int(m.pos().ID()) }

// Len returns the number of tokens accepted.
func (m *Matcher) Len() int { return m.history.n - 1 }

// Rollback takes back the last n tokens. Cost: a step for every 32 of them; it allocates
// nothing unless a clone shares them.
func (m *Matcher) Rollback(n int) error {
	if n < 0 || n > m.Len() {
		return fmt.Errorf("grammar: roll back %d of %d tokens", n, m.Len())
	}
	if n > 0 {
		m.ended = false
		m.backTo(m.history.n - n)
	}
	return nil
}

// Clone returns an independent Matcher at the same place. Cost: half a kilobyte, however
// long the text is.
func (m *Matcher) Clone() *Matcher {
	twin := &Matcher{c: m.c, history: m.history.clone(), ended: m.ended}
	if m.scanner != nil {
		twin.scanner, twin.marks = m.scanner.Clone(), append([]jsonscan.State(nil), m.marks...)
	}
	return twin
}

// Reset goes back to before the first token.
func (m *Matcher) Reset() {
	m.ended = false
	m.backTo(1)
}

// backTo goes back to n places.
func (m *Matcher) backTo(n int) {
	m.history.cut(n)
	if m.scanner != nil {
		m.marks = m.marks[:n]
		m.scanner.Restore(m.marks[n-1])
	}
}
