package regex

import (
	"encoding/binary"

	"github.com/callama/callama/grammar/gbnf"
)

// AnyJSONString writes characters as the inside of a JSON string in every way that RFC
// 8259, section 7, allows: as themselves where that is allowed, with a short escape where
// there is one, and as \uXXXX with hexadecimal digits of either case, in surrogate pairs
// above the basic plane. No text is a prefix of another.
func AnyJSONString(s Set) gbnf.Expr {
	plain := s.Intersect(jsonPlain)
	if len(plain) == 0 {
		return JSONEscapes(s)
	}
	return gbnf.OneOf(Raw(plain), JSONEscapes(s))
}

// JSONEscapes writes the members of a set in every way that begins with a backslash.
func JSONEscapes(s Set) gbnf.Expr {
	var short []gbnf.Range
	for _, c := range shortEscapes {
		if s.Contains(c.char) {
			short = append(short, gbnf.Range{Lo: c.letter, Hi: c.letter})
		}
	}
	var alts []gbnf.Expr
	if len(short) > 0 {
		alts = append(alts, Raw(NewSet(short...)))
	}
	if basic := s.Intersect(Set{{Lo: 0, Hi: firstAstral - 1}}); len(basic) > 0 {
		alts = append(alts, sequence(gbnf.Lit("u"), hexadecimal(basic, basicDigits)))
	}
	if astral := s.Intersect(Set{{Lo: firstAstral, Hi: maxRune}}); len(astral) > 0 {
		shifted := make([]gbnf.Range, len(astral))
		for i, r := range astral {
			shifted[i] = gbnf.Range{Lo: r.Lo - firstAstral, Hi: r.Hi - firstAstral}
		}
		alts = append(alts, sequence(gbnf.Lit("u"), hexadecimal(shifted, astralDigits)))
	}
	return sequence(gbnf.Lit(`\`), choice(alts))
}

// firstAstral is the first code point above the basic plane.
const firstAstral = 0x10000

var shortEscapes = []struct{ char, letter rune }{
	{'"', '"'}, {'\\', '\\'}, {'/', '/'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'},
}

// hexDigitSpec is one hexadecimal digit of an escape: how many bits of the code point it
// holds and what is added to them.
type hexDigitSpec struct {
	bits int
	base rune
	high bool // the first of a surrogate: a 'd' stands before it
	low  bool // of a low surrogate: the second \u too
}

var (
	basicDigits = []hexDigitSpec{{bits: 4}, {bits: 4}, {bits: 4}, {bits: 4}}
	// A surrogate pair holds the code point less 0x10000 in twice ten bits.
	astralDigits = []hexDigitSpec{
		{bits: 2, base: 8, high: true}, {bits: 4}, {bits: 4}, {bits: 2, base: 0xC, high: true, low: true}, {bits: 4}, {bits: 4}}
)

// hexadecimal writes the numbers of some ranges, sorted and disjoint, digit by digit;
// digits after which the same may follow stand together.
func hexadecimal(ranges []gbnf.Range, digits []hexDigitSpec) gbnf.Expr {
	if len(digits) == 0 {
		return &gbnf.Seq{}
	}
	low := 0 // bits of the digits that follow
	for _, d := range digits[1:] {
		low += d.bits
	}
	type group struct {
		letters []gbnf.Range
		rest    []gbnf.Range
	}
	var groups []group
	index := make(map[string]int)
	for v := range rune(1) << digits[0].bits {
		rest := within(ranges, v<<low, (v+1)<<low-1)
		if len(rest) == 0 {
			continue
		}
		key := rangesKey(rest)
		at, ok := index[key]
		if !ok {
			at = len(groups)
			index[key] = at
			groups = append(groups, group{rest: rest})
		}
		for _, letter := range hexLetters(v + digits[0].base) {
			groups[at].letters = append(groups[at].letters, gbnf.Range{Lo: letter, Hi: letter})
		}
	}
	alts := make([]gbnf.Expr, len(groups))
	for i, g := range groups {
		alts[i] = sequence(Raw(NewSet(g.letters...)), hexadecimal(g.rest, digits[1:]))
	}
	e := choice(alts)
	if digits[0].high {
		e = sequence(gbnf.Set('D', 'D', 'd', 'd'), e)
	}
	if digits[0].low {
		e = sequence(gbnf.Lit(`\u`), e)
	}
	return e
}

// within returns the part of ranges between lo and hi, counted from lo.
func within(ranges []gbnf.Range, lo, hi rune) []gbnf.Range {
	var out []gbnf.Range
	for _, r := range ranges {
		if a, b := max(r.Lo, lo), min(r.Hi, hi); a <= b {
			out = append(out, gbnf.Range{Lo: a - lo, Hi: b - lo})
		}
	}
	return out
}

func rangesKey(ranges []gbnf.Range) string {
	key := make([]byte, 0, 8*len(ranges))
	for _, r := range ranges {
		key = binary.LittleEndian.AppendUint32(key, uint32(r.Lo))
		key = binary.LittleEndian.AppendUint32(key, uint32(r.Hi))
	}
	return string(key)
}

// hexLetters returns the ways to write a hexadecimal digit.
func hexLetters(v rune) []rune {
	if v < 10 {
		return []rune{'0' + v}
	}
	return []rune{'A' + v - 10, 'a' + v - 10}
}
