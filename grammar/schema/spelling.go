package schema

import (
	"encoding/binary"
	"strings"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// Spelling says which of the texts of a value are admitted.
type Spelling uint8

const (
	// Canonical admits one spelling of each value, as far as bounds on digits reach:
	// integers without a fraction or an exponent, characters as themselves unless JSON
	// demands an escape. It is what a model should write.
	Canonical Spelling = iota
	// AnySpelling admits every text that a validator would accept: 1.0 and 10e-1 for the
	// integer 1, \u0041 and A for the character, in names and enumerated values too. It is
	// for checking texts that others wrote; the grammars are larger. Exponents are bounded
	// as described at the constants of number.go.
	AnySpelling
)

// rule returns the rule that all schemas share under a key, which begins with its name,
// made by build when first needed.
func (sp Spelling) rule(key string, build func() gbnf.Expr) *gbnf.State {
	e, _ := sharedRules[sp].get(key, func() (*gbnf.State, int, error) {
		name, _, _ := strings.Cut(key, " ")
		return gbnf.Fixed(name, build()), 1, nil
	})
	return e
}

// encode returns the expression of one character of a set inside a string: the
// regex.Encoding of a spelling. Escapes take some ten states, so sets share them: of one
// character, as names have, only the escapes are a rule; of more, the whole is, so that a
// run of them is a run of units, which package mask knows to be fast.
func (sp Spelling) encode(s regex.Set) gbnf.Expr {
	e, _ := sharedChars[sp].get(setKey(s), func() (gbnf.Expr, int, error) { return sp.newChar(s), 1, nil })
	return e
}

func (sp Spelling) newChar(s regex.Set) gbnf.Expr {
	if sp == Canonical {
		return regex.JSONString(s)
	}
	if len(s) > 1 || s[0].Lo < s[0].Hi {
		return sp.rule("char "+setKey(s), func() gbnf.Expr {
			if plain := s.Intersect(unescaped); len(plain) > 0 {
				return gbnf.OneOf(regex.Raw(plain), regex.JSONEscapes(s))
			}
			return regex.JSONEscapes(s)
		})
	}
	r := s[0].Lo
	escaped := sp.rule("escape "+string(r), func() gbnf.Expr { return regex.JSONEscapes(s) })
	if !unescaped.Contains(r) {
		return escaped
	}
	return gbnf.OneOf(gbnf.Lit(string(r)), escaped)
}

// encodeOthers is encode for everything but a few characters, where no run of them is
// wanted: what the sets at the letters of names have in common is one rule.
func (sp Spelling) encodeOthers(few regex.Set) gbnf.Expr {
	s := few.Negate()
	if sp == Canonical {
		return regex.JSONString(s)
	}
	low, high := s.Intersect(latin), s.Intersect(latin.Negate())
	return gbnf.OneOf(regex.Raw(s.Intersect(unescaped)),
		sp.rule("escapes "+setKey(low), func() gbnf.Expr { return regex.JSONEscapes(low) }),
		sp.rule("escapes "+setKey(high), func() gbnf.Expr { return regex.JSONEscapes(high) }))
}

// char is one character of a JSON string.
func (sp Spelling) char() gbnf.Expr {
	return sp.rule("char", func() gbnf.Expr { return sp.encode(regex.AllRunes) })
}

// anyString is any string.
func (sp Spelling) anyString() *gbnf.State {
	return sp.rule("string", func() gbnf.Expr { return stringOf(sp.char(), regex.Window{Max: -1}) })
}

// stringTail is the rest of any string, its closing quote included.
func (sp Spelling) stringTail() *gbnf.State {
	return sp.rule("string-tail", func() gbnf.Expr { return gbnf.Concat(gbnf.Star(sp.char()), gbnf.Lit(`"`)) })
}

// stringOf returns a string of so many characters, each written by char.
func stringOf(char gbnf.Expr, w regex.Window) gbnf.Expr {
	return gbnf.Concat(gbnf.Lit(`"`), &gbnf.Repeat{Item: char, Min: w.Min, Max: w.Max}, gbnf.Lit(`"`))
}

// latin are the characters whose escapes begin with \u00.
var latin = regex.Set{{Lo: 0, Hi: 0xFF}}

// unescaped are the characters that a string may hold as themselves.
var unescaped = regex.NewSet(gbnf.Range{Lo: 0, Hi: 0x1F}, gbnf.Range{Lo: '"', Hi: '"'}, gbnf.Range{Lo: '\\', Hi: '\\'}).Negate()

func setKey(s regex.Set) string {
	key := make([]byte, 0, 8*len(s))
	for _, r := range s {
		key = binary.LittleEndian.AppendUint32(key, uint32(r.Lo))
		key = binary.LittleEndian.AppendUint32(key, uint32(r.Hi))
	}
	return string(key)
}

// literal returns the expression of a fixed string, quotes included.
func (c *Compiler) literal(s string) gbnf.Expr {
	if c.opts.Spelling == Canonical {
		return gbnf.Lit(regex.Quote(s))
	}
	items := []gbnf.Expr{gbnf.Lit(`"`)}
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		items = append(items, c.opts.Spelling.encode(regex.Set{{Lo: r, Hi: r}}))
	}
	return gbnf.Concat(append(items, gbnf.Lit(`"`))...)
}
