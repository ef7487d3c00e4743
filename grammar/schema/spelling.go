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

// encode returns the expression of one character of a set inside a string: the
// regex.Encoding of the compiler's spelling. Escapes of a set are one shared rule.
func (c *Compiler) encode(s regex.Set) gbnf.Expr {
	if c.opts.Spelling == Canonical {
		return regex.JSONString(s)
	}
	escaped := c.rule("escape "+setKey(s), func() gbnf.Expr { return regex.JSONEscapes(s) })
	plain := s.Intersect(unescaped)
	if len(plain) == 0 {
		return escaped
	}
	return gbnf.OneOf(regex.Raw(plain), escaped)
}

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
