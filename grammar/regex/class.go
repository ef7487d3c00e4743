package regex

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
)

func gbnfRange(lo, hi rune) gbnf.Range { return gbnf.Range{Lo: lo, Hi: hi} }

// The character sets of ECMA-262, section 22.2.2. \d and \w are ASCII there; \s is white
// space and line terminators, including the byte order mark.
var (
	digitSet        = NewSet(gbnfRange('0', '9'))
	wordSet         = NewSet(gbnfRange('0', '9'), gbnfRange('A', 'Z'), gbnfRange('_', '_'), gbnfRange('a', 'z'))
	lineTerminators = NewSet(gbnfRange('\n', '\n'), gbnfRange('\r', '\r'), gbnfRange(0x2028, 0x2029))
	spaceSet        = fromTable(unicode.Zs).Union(lineTerminators).Union(
		NewSet(gbnfRange('\t', '\t'), gbnfRange('\v', '\f'), gbnfRange(0xFEFF, 0xFEFF)))
)

// atomEscape reads what follows a backslash outside a class.
func (p *parser) atomEscape(at int) (*node, error) {
	if !p.more() {
		return nil, p.fail(at, "pattern ends in a backslash")
	}
	switch c := p.src[p.pos]; {
	case c == 'b' || c == 'B':
		p.pos++
		return boundary(c == 'B'), nil
	case c >= '1' && c <= '9':
		return nil, p.unsupported(at, "backreference \\"+string(c))
	case c == 'k':
		return nil, p.unsupported(at, "named backreference \\k")
	}
	s, _, err := p.escape(at)
	if err != nil {
		return nil, err
	}
	return setNode(s), nil
}

// escape reads what follows a backslash, in or outside a class. single tells that the
// set is one character, which may begin or end a range. A lone surrogate is a single
// character that no text contains: the empty set.
func (p *parser) escape(at int) (s Set, single bool, err error) {
	c := p.next()
	switch c {
	case 'd':
		return digitSet, false, nil
	case 'D':
		return digitSet.Negate(), false, nil
	case 'w':
		return wordSet, false, nil
	case 'W':
		return wordSet.Negate(), false, nil
	case 's':
		return spaceSet, false, nil
	case 'S':
		return spaceSet.Negate(), false, nil
	case 'p', 'P':
		s, err = p.property(at)
		if c == 'P' {
			s = s.Negate()
		}
		return s, false, err
	}
	r, err := p.charEscape(at, c)
	return NewSet(gbnfRange(r, r)), true, err
}

// charEscape reads the rest of an escape that stands for one code point.
func (p *parser) charEscape(at int, c rune) (rune, error) {
	switch c {
	case 't':
		return '\t', nil
	case 'n':
		return '\n', nil
	case 'v':
		return '\v', nil
	case 'f':
		return '\f', nil
	case 'r':
		return '\r', nil
	case '0':
		if p.more() && p.src[p.pos] >= '0' && p.src[p.pos] <= '9' {
			return 0, p.fail(at, "octal escapes are not part of Unicode mode")
		}
		return 0, nil
	case 'c':
		if p.more() && asciiLetter(rune(p.src[p.pos])) {
			return p.next() % 32, nil
		}
		return 0, p.fail(at, "\\c must be followed by a letter")
	case 'x':
		if r, ok := p.hex(2); ok {
			return r, nil
		}
		return 0, p.fail(at, "\\x must be followed by two hexadecimal digits")
	case 'u':
		return p.unicodeEscape(at)
	}
	if c < utf8.RuneSelf && (asciiLetter(c) || (c >= '1' && c <= '9')) {
		return 0, p.fail(at, "unknown escape \\%c", c)
	}
	return c, nil
}

func asciiLetter(c rune) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// unicodeEscape reads the rest of \uHHHH, of a surrogate pair of them, or of \u{H...}.
func (p *parser) unicodeEscape(at int) (rune, error) {
	if p.take("{") {
		end := strings.IndexByte(p.src[p.pos:], '}')
		var r rune
		for i := 0; i < end; i++ {
			d, ok := hexDigit(p.src[p.pos+i])
			if r = r<<4 | d; !ok || r > maxRune {
				return 0, p.fail(at, "malformed \\u{...}")
			}
		}
		if end <= 0 {
			return 0, p.fail(at, "malformed \\u{...}")
		}
		p.pos += end + 1
		return r, nil
	}
	hi, ok := p.hex(4)
	if !ok {
		return 0, p.fail(at, "\\u must be followed by four hexadecimal digits")
	}
	if back := p.pos; hi >= 0xD800 && hi < 0xDC00 && p.take(`\u`) {
		if lo, ok := p.hex(4); ok && lo >= 0xDC00 && lo <= 0xDFFF {
			return 0x10000 + (hi-0xD800)<<10 + (lo - 0xDC00), nil
		}
		p.pos = back
	}
	return hi, nil
}

func (p *parser) hex(digits int) (rune, bool) {
	if len(p.src)-p.pos < digits {
		return 0, false
	}
	var r rune
	for i := range digits {
		d, ok := hexDigit(p.src[p.pos+i])
		if !ok {
			return 0, false
		}
		r = r<<4 | d
	}
	p.pos += digits
	return r, true
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0'), true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10, true
	}
	return 0, false
}

// class reads a character class after its '['.
func (p *parser) class(at int) (Set, error) {
	negated := p.take("^")
	var ranges []gbnf.Range
	for {
		if !p.more() {
			return nil, p.fail(at, "class is not closed")
		}
		if p.take("]") {
			break
		}
		lo, single, err := p.classAtom()
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, lo.set...)
		if !strings.HasPrefix(p.src[p.pos:], "-") || strings.HasPrefix(p.src[p.pos:], "-]") {
			continue
		}
		dash := p.pos
		p.pos++
		if !p.more() {
			return nil, p.fail(at, "class is not closed")
		}
		hi, hiSingle, err := p.classAtom()
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, hi.set...)
		switch {
		case !single || !hiSingle: // [\w-.]: the dash stands for itself
			ranges = append(ranges, gbnfRange('-', '-'))
		case lo.char > hi.char:
			return nil, p.fail(dash, "range is out of order")
		default:
			ranges = append(ranges, gbnfRange(lo.char, hi.char))
		}
	}
	s := NewSet(ranges...)
	if negated {
		s = s.Negate()
	}
	return s, nil
}

// classItem is one member of a class: a set, and the code point when it is a single one
// (a surrogate has a code point but an empty set).
type classItem struct {
	set  Set
	char rune
}

func (p *parser) classAtom() (classItem, bool, error) {
	at := p.pos
	c := p.next()
	if c != '\\' {
		return classItem{NewSet(gbnfRange(c, c)), c}, true, nil
	}
	if !p.more() {
		return classItem{}, false, p.fail(at, "pattern ends in a backslash")
	}
	switch p.src[p.pos] {
	case 'b':
		p.pos++
		return classItem{NewSet(gbnfRange('\b', '\b')), '\b'}, true, nil
	case 'd', 'D', 'w', 'W', 's', 'S', 'p', 'P':
		s, _, err := p.escape(at)
		return classItem{set: s}, false, err
	}
	r, err := p.charEscape(at, p.next())
	return classItem{NewSet(gbnfRange(r, r)), r}, true, err
}

// property reads the {...} of \p: a general category, a binary property or a script.
func (p *parser) property(at int) (Set, error) {
	end := strings.IndexByte(p.src[p.pos:], '}')
	if !p.take("{") || end < 0 {
		return nil, p.fail(at, "\\p must be followed by {property}")
	}
	name := p.src[p.pos : p.pos+end-1]
	p.pos += end
	key, value, pair := strings.Cut(name, "=")
	if pair {
		switch key {
		case "General_Category", "gc":
			if t := category(value); t != nil {
				return fromTable(t), nil
			}
		case "Script", "sc":
			if t := unicode.Scripts[value]; t != nil {
				return fromTable(t), nil
			}
		case "Script_Extensions", "scx":
			return nil, p.unsupported(at, "property Script_Extensions")
		}
		return nil, p.fail(at, "unknown property %q", name)
	}
	if t := category(name); t != nil {
		return fromTable(t), nil
	}
	if s, ok := derivedProperty(name); ok {
		return s, nil
	}
	if t := unicode.Properties[name]; t != nil {
		return fromTable(t), nil
	}
	return nil, p.fail(at, "unknown property %q", name)
}

func category(name string) *unicode.RangeTable {
	if short, ok := unicode.CategoryAliases[name]; ok {
		name = short
	}
	return unicode.Categories[name]
}

// derivedProperty computes the binary properties that package unicode holds only in
// parts (Unicode Standard Annex 44, DerivedCoreProperties).
func derivedProperty(name string) (Set, bool) {
	union := func(tables ...*unicode.RangeTable) (Set, bool) {
		var s Set
		for _, t := range tables {
			s = s.Union(fromTable(t))
		}
		return s, true
	}
	switch name {
	case "Any":
		return AllRunes, true
	case "ASCII":
		return NewSet(gbnfRange(0, unicode.MaxASCII)), true
	case "Assigned":
		s, _ := union(unicode.C, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z)
		return s.Intersect(fromTable(unicode.Cn).Negate()), true
	case "Alphabetic", "Alpha":
		return union(unicode.L, unicode.Nl, unicode.Other_Alphabetic)
	case "Lowercase", "Lower":
		return union(unicode.Ll, unicode.Other_Lowercase)
	case "Uppercase", "Upper":
		return union(unicode.Lu, unicode.Other_Uppercase)
	}
	return nil, false
}
