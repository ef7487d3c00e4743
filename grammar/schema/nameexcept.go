package schema

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// nameExcept returns any string but the given ones, in quotes.
func (c *Compiler) nameExcept(names []string) gbnf.Expr {
	if len(names) == 0 {
		return c.opts.Spelling.anyString()
	}
	m := &nameMachine{spelling: c.opts.Spelling, words: slices.Clone(names)}
	for i, n := range m.words {
		if !utf8.ValidString(n) {
			m.words[i] = strings.ToValidUTF8(n, "\uFFFD")
		}
	}
	slices.Sort(m.words)
	m.words = slices.Compact(m.words)
	c.asking = append(c.asking[:0], "name-except"...)
	for _, n := range m.words {
		c.asking = appendText(c.asking, n)
	}
	if e, ok := c.shared[string(c.asking)]; ok {
		return e
	}
	for _, n := range m.words {
		m.stride = max(m.stride, int32(len(n))+1)
	}
	e := gbnf.Concat(quote, &gbnf.State{Of: m})
	c.shared[string(c.asking)] = e
	return e
}

// nameMachine matches the rest of a string that is none of some words, its closing quote
// included: the trie of the words, in which leaving a word's path frees the rest. State
// word*stride + depth is where the first depth bytes of a word have been read that is the
// first to begin with them.
type nameMachine struct {
	spelling Spelling
	words    []string // sorted, distinct
	stride   int32    // more than the length of any
	notes    gbnf.Notes
}

func (m *nameMachine) Name() string       { return "name-except" }
func (m *nameMachine) Notes() *gbnf.Notes { return &m.notes }

// Height counts the rule of an escape within one of a character.
func (m *nameMachine) Height() int { return 3 }

// words returns the words that begin with what has been read, and how much that is.
func (m *nameMachine) at(state int32) (words []string, depth int) {
	words, depth = m.words[state/m.stride:], int(state%m.stride)
	read := words[0][:depth]
	n, _ := slices.BinarySearchFunc(words, read, func(w, read string) int {
		if strings.HasPrefix(w, read) {
			return -1
		}
		return 1
	})
	return words[:n], depth
}

// Shortest is that of a closing quote, or of one character more where a word ends.
func (m *nameMachine) Shortest(state int32) int {
	words, depth := m.at(state)
	if len(words[0]) > depth {
		return 1
	}
	ends := 0 // words of one more character of one byte
	for _, w := range words[1:] {
		if len(w) == depth+1 && w[depth] >= ' ' && w[depth] != '"' && w[depth] != '\\' {
			ends++
		}
	}
	const plain = utf8.RuneSelf - int(' ') - 2 // characters of one byte
	if ends < plain {
		return 2
	}
	return 3
}

// nameState is what may follow in a state, in one block: a name has as many states as letters, nearly all of which go on by
// one letter or leave the words.
type nameState struct {
	alt    gbnf.Alt
	alts   [3]gbnf.Expr
	class  gbnf.Class
	ranges [4]gbnf.Range
	either gbnf.Alt
	eithers,
	others [2]gbnf.Expr
	leave gbnf.Seq
}

// nameStep is a letter that goes on, in one block.
type nameStep struct {
	seq   gbnf.Seq
	items [2]gbnf.Expr
	state gbnf.State
}

// Expr returns what may follow.
func (m *nameMachine) Expr(state int32) gbnf.Expr {
	words, depth := m.at(state)
	word := state / m.stride
	s := &nameState{}
	alts := s.alts[:0]
	if len(words[0]) == depth {
		words = words[1:] // ends here, so the string must not
		word++
	} else {
		alts = append(alts, quote)
	}
	// Characters that continue no word: none of next, nor what needs an escape.
	next := append(s.ranges[:0], gbnf.Range{Lo: 0, Hi: 0x1F}, gbnf.Range{Lo: '"', Hi: '"'}, gbnf.Range{Lo: '\\', Hi: '\\'})
	plain, escaped := len(next), false
	for len(words) > 0 {
		first, size := utf8.DecodeRuneInString(words[0][depth:])
		n := 1
		for n < len(words) && strings.HasPrefix(words[n][depth:], words[0][depth:depth+size]) {
			n++
		}
		alts = append(alts, m.step(first, word*m.stride+int32(depth+size)))
		next = append(next, gbnf.Range{Lo: first, Hi: first})
		escaped = escaped || first < ' ' || first == '"' || first == '\\'
		words = words[n:]
		word += int32(n)
	}
	var others gbnf.Expr
	if m.spelling != Canonical || escaped {
		others = m.spelling.encodeOthers(regex.NewSet(next[plain:]...))
	} else {
		s.class = gbnf.Class{Ranges: next, Negated: true}
		s.eithers = [...]gbnf.Expr{&s.class, m.spelling.escape()}
		s.either.Items = s.eithers[:]
		others = &s.either
	}
	s.others = [...]gbnf.Expr{others, m.spelling.stringTail()}
	s.leave.Items = s.others[:]
	s.alt.Items = append(alts, &s.leave)
	return &s.alt
}

// step returns a letter that goes on to a state.
func (m *nameMachine) step(letter rune, to int32) gbnf.Expr {
	s := &nameStep{state: gbnf.State{Of: m, N: to}}
	if m.spelling != Canonical || letter >= utf8.RuneSelf || !regex.Plain(string(letter)) {
		return join(m.spelling.encode(regex.Set{{Lo: letter, Hi: letter}}), &s.state)
	}
	s.items = [...]gbnf.Expr{&plainLetters[letter], &s.state}
	s.seq.Items = s.items[:]
	return &s.seq
}

// plainLetters are the texts of one character of one byte.
var plainLetters = func() (letters [utf8.RuneSelf]gbnf.Literal) {
	for i := range letters {
		letters[i].Text = string(rune(i))
	}
	return letters
}()

// Parts returns what tells all bytes apart that the states tell apart: the words, and where
// there are escapes of some characters and not of others, their digits.
func (m *nameMachine) Parts() []gbnf.Expr {
	parts := []gbnf.Expr{gbnf.Lit(strings.Join(m.words, "")), m.spelling.stringTail(), m.spelling.escape()}
	escaped := func(w string) bool { return !regex.Plain(w) && regex.Quote(w) != `"`+w+`"` }
	if m.spelling != Canonical || slices.ContainsFunc(m.words, escaped) {
		parts = append(parts, gbnf.Lit(`\"\/0123456789ABCDEFabcdefnrtu`))
	}
	return parts
}

// escape is one character of a JSON string that must be escaped.
func (sp Spelling) escape() gbnf.Expr {
	return sp.rule("escape", func() gbnf.Expr {
		return regex.JSONString(regex.NewSet(gbnf.Range{Lo: 0, Hi: 0x1F}, gbnf.Range{Lo: '"', Hi: '"'}, gbnf.Range{Lo: '\\', Hi: '\\'}))
	})
}
