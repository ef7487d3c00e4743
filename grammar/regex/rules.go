package regex

import (
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
)

// Encoding says how one character of a set is written in the constrained text: it
// returns the expression that matches the spelling of any one member. The set is never
// empty.
type Encoding func(Set) gbnf.Expr

// Raw writes characters as themselves (UTF-8).
func Raw(s Set) gbnf.Expr {
	if len(s) == 1 && s[0].Lo == s[0].Hi {
		return gbnf.Lit(string(s[0].Lo))
	}
	// The complement is shorter for sets such as "anything but a quote".
	if neg := s.Negate(); len(neg) < len(s) {
		return &gbnf.Class{Ranges: neg, Negated: true}
	}
	return &gbnf.Class{Ranges: s}
}

// jsonPlain are the characters that a JSON string holds as themselves; the others are
// written with an escape (RFC 8259, section 7), each in one canonical way.
var (
	jsonPlain   = jsonEscaped.Negate()
	jsonEscaped = NewSet(gbnf.Range{Lo: 0, Hi: 0x1F}, gbnf.Range{Lo: '"', Hi: '"'}, gbnf.Range{Lo: '\\', Hi: '\\'})
)

// JSONString writes characters as the inside of a JSON string: themselves, except the
// quote, the backslash and controls, which take their short escape where there is one
// and \u00xx with lower-case digits otherwise.
func JSONString(s Set) gbnf.Expr {
	plain := s.Intersect(jsonPlain)
	escaped := s.Intersect(jsonEscaped)
	if len(escaped) == 0 {
		return Raw(plain)
	}
	escapes := jsonEscapes(escaped)
	if len(plain) == 0 {
		return escapes
	}
	return gbnf.OneOf(Raw(plain), escapes)
}

// maxSharedEscapes bounds the expressions of escapes that are kept, at some ninety objects each: most sets hold all characters
// that need an escape, or all but one or two.
const maxSharedEscapes = 256

// sharedEscapes keeps the first of them, by their characters.
var sharedEscapes struct {
	sync.Mutex
	made map[uint64]gbnf.Expr
}

// jsonEscapes returns the expression of the escapes of a set of characters that need one. It may be shared.
func jsonEscapes(s Set) gbnf.Expr {
	key := uint64(0)
	for _, r := range s {
		for c := r.Lo; c <= r.Hi; c++ {
			key |= 1 << escapeBit(c)
		}
	}
	sharedEscapes.Lock()
	defer sharedEscapes.Unlock()
	if e, ok := sharedEscapes.made[key]; ok {
		return e
	}
	e := newEscapes(s)
	if len(sharedEscapes.made) < maxSharedEscapes {
		if sharedEscapes.made == nil {
			sharedEscapes.made = make(map[uint64]gbnf.Expr)
		}
		sharedEscapes.made[key] = e
	}
	return e
}

// escapeBit numbers the characters of jsonEscaped.
func escapeBit(c rune) int {
	switch c {
	case '"':
		return 0x20
	case '\\':
		return 0x21
	}
	return int(c)
}

func newEscapes(s Set) gbnf.Expr {
	var short []gbnf.Range
	var low, high []gbnf.Range // last digit of \u000x and \u001x
	for _, r := range s {
		for c := r.Lo; c <= r.Hi; c++ {
			esc := jsonEscape(c)
			last := rune(esc[len(esc)-1])
			switch {
			case len(esc) == 2:
				short = append(short, gbnf.Range{Lo: last, Hi: last})
			case c < 0x10:
				low = append(low, gbnf.Range{Lo: last, Hi: last})
			default:
				high = append(high, gbnf.Range{Lo: last, Hi: last})
			}
		}
	}
	var alts []gbnf.Expr
	if len(short) > 0 {
		alts = append(alts, Raw(NewSet(short...)))
	}
	if len(low) > 0 {
		alts = append(alts, sequence(gbnf.Lit("u000"), Raw(NewSet(low...))))
	}
	if len(high) > 0 {
		alts = append(alts, sequence(gbnf.Lit("u001"), Raw(NewSet(high...))))
	}
	return sequence(gbnf.Lit(`\`), choice(alts))
}

// jsonEscape returns the canonical escape of a quote, a backslash or a control.
func jsonEscape(c rune) string {
	switch c {
	case '"', '\\':
		return `\` + string(c)
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	return fmt.Sprintf(`\u%04x`, c)
}

// Plain reports whether a string stands as it is within a JSON string, by its bytes.
func Plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// Quote returns a string as a JSON string in the spelling of JSONString.
func Quote(s string) string {
	if Plain(s) {
		return `"` + s + `"`
	}
	out := []byte{'"'}
	for _, r := range s {
		if jsonPlain.Contains(r) {
			out = append(out, string(r)...)
		} else {
			out = append(out, jsonEscape(r)...)
		}
	}
	return string(append(out, '"'))
}

// Window is a range of lengths in code points, both ends included. A negative Max means
// no upper bound.
type Window struct{ Min, Max int }

// sequence concatenates two expressions, flat, joining adjacent literals.
func sequence(a, b gbnf.Expr) gbnf.Expr {
	var items []gbnf.Expr
	for _, e := range [...]gbnf.Expr{a, b} {
		if s, ok := e.(*gbnf.Seq); ok {
			items = append(items, s.Items...)
		} else {
			items = append(items, e)
		}
	}
	out := items[:0:0]
	for _, e := range items {
		if lit, ok := e.(*gbnf.Literal); ok && len(out) > 0 {
			if last, ok := out[len(out)-1].(*gbnf.Literal); ok {
				out[len(out)-1] = gbnf.Lit(last.Text + lit.Text)
				continue
			}
		}
		out = append(out, e)
	}
	if len(out) == 1 {
		return out[0]
	}
	return &gbnf.Seq{Items: slices.Clip(out)}
}

func choice(alts []gbnf.Expr) gbnf.Expr {
	if len(alts) == 1 {
		return alts[0]
	}
	return &gbnf.Alt{Items: alts}
}
