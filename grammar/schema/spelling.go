package schema

import (
	"encoding/binary"
	"strings"
	"sync"

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

// encode returns the expression of one character of a set inside a string: the
// regex.Encoding of the compiler's spelling. Escapes take some ten states, so sets share
// them: of one character, as names have, only the escapes are a rule; of more, the whole
// is, so that a run of them is a run of units, which package mask knows to be fast.
func (c *Compiler) encode(s regex.Set) gbnf.Expr {
	if c.opts.Spelling == Canonical {
		return regex.JSONString(s)
	}
	if len(s) > 1 || s[0].Lo < s[0].Hi {
		return c.rule("char "+setKey(s), func() gbnf.Expr {
			if plain := s.Intersect(unescaped); len(plain) > 0 {
				return gbnf.OneOf(regex.Raw(plain), escapesOf(s))
			}
			return escapesOf(s)
		})
	}
	r := s[0].Lo
	escaped := c.rule("escape "+string(r), func() gbnf.Expr { return escapesOf(s) })
	if !unescaped.Contains(r) {
		return escaped
	}
	return gbnf.OneOf(gbnf.Lit(string(r)), escaped)
}

// encodeOthers is encode for everything but a few characters, where no run of them is
// wanted: what the sets at the letters of names have in common is one rule.
func (c *Compiler) encodeOthers(few regex.Set) *gbnf.Alt {
	s := few.Negate()
	if c.opts.Spelling == Canonical {
		return gbnf.OneOf(regex.JSONString(s))
	}
	low, high := s.Intersect(latin), s.Intersect(latin.Negate())
	return gbnf.OneOf(regex.Raw(s.Intersect(unescaped)),
		c.rule("escapes "+setKey(low), func() gbnf.Expr { return escapesOf(low) }),
		c.rule("escapes "+setKey(high), func() gbnf.Expr { return escapesOf(high) }))
}

// escapes keeps the expressions of escapes over compilers, by setKey. Expressions are not
// modified once made.
var escapes = struct {
	sync.RWMutex
	of map[string]gbnf.Expr
}{of: make(map[string]gbnf.Expr)}

// maxEscapes bounds escapes; one holds about 2 kB.
const maxEscapes = 1024

func escapesOf(s regex.Set) gbnf.Expr {
	key := setKey(s)
	escapes.RLock()
	e, ok := escapes.of[key]
	escapes.RUnlock()
	if ok {
		return e
	}
	e = regex.JSONEscapes(s)
	escapes.Lock()
	defer escapes.Unlock()
	if len(escapes.of) >= maxEscapes {
		clear(escapes.of)
	}
	escapes.of[key] = e
	return e
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
		items = append(items, c.encode(regex.Set{{Lo: r, Hi: r}}))
	}
	return gbnf.Concat(append(items, gbnf.Lit(`"`))...)
}
