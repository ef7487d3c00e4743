package gbnf

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// checkText refuses what no rule may hold: text that is not UTF-8, and NUL, where
// llama.cpp would take the text to end.
func (p *parser) checkText() error {
	for i := 0; i < len(p.text); {
		r, size := utf8.DecodeRuneInString(p.text[i:])
		if r == utf8.RuneError && size == 1 {
			return p.fail(i, "byte 0x%02X is not UTF-8", p.text[i])
		}
		if r == 0 {
			return p.fail(i, "a NUL byte: write \\x00 for the code point")
		}
		i += size
	}
	return nil
}

// peek returns the byte at the position, 0 at the end (the text holds no NUL).
func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// isNameByte reports whether c may stand in a rule name. '_' is beyond llama.cpp.
func isNameByte(c byte) bool {
	return isGBNFNameByte(c) || c == '_'
}

func isGBNFNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}

// name reads a rule name, "" if none begins here.
func (p *parser) name() string {
	start := p.pos
	for p.pos < len(p.text) && isNameByte(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

// atHead reports whether a new rule begins here: "name ::=" at the start of a line and
// outside of groups.
func (p *parser) atHead() bool {
	if p.depth > 0 || !p.newline || !isNameByte(p.peek()) {
		return false
	}
	back := p.pos
	p.name()
	at := p.atAssign()
	p.pos = back
	return at
}

// atAssign reports whether '::=' follows on this line.
func (p *parser) atAssign() bool {
	return strings.HasPrefix(strings.TrimLeft(p.text[p.pos:], " \t"), "::=")
}

func (p *parser) skipBlanks() {
	for c := p.peek(); c == ' ' || c == '\t'; c = p.peek() {
		p.pos++
	}
}

// skipSpace skips white space, line ends and comments. It must be called once behind
// every token: newline and notes tell what it met. fresh says that a line begins here.
func (p *parser) skipSpace(fresh bool) {
	p.newline, p.notes = fresh, p.notes[:0]
	for {
		switch p.peek() {
		case ' ', '\t':
			p.pos++
		case '\n', '\r':
			p.newline = true
			p.pos++
		case '#':
			end := strings.IndexAny(p.text[p.pos:], "\r\n")
			if end < 0 {
				end = len(p.text) - p.pos
			}
			if p.newline {
				line := p.text[p.pos+1 : p.pos+end]
				p.notes = append(p.notes, strings.TrimPrefix(line, " "))
			}
			p.pos += end
		default:
			return
		}
	}
}

// digits reads decimal digits, possibly none, refusing values above limit.
func (p *parser) digits(what string, limit int) (n, start int, err error) {
	start = p.pos
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.pos++
	}
	if p.pos == start {
		return 0, start, nil
	}
	n, err = strconv.Atoi(p.text[start:p.pos])
	if err != nil { // out of range: there are only digits
		n = math.MaxInt
	}
	if n > limit {
		return 0, start, p.failLimit(start, what, limit, n)
	}
	return n, start, nil
}

func (p *parser) parseLiteral() (Expr, error) {
	open := p.pos
	p.pos++
	var sb strings.Builder
	for {
		switch p.peek() {
		case 0:
			return nil, p.fail(open, "a literal that is not closed by '\"'")
		case '"':
			p.pos++
			return &Literal{Text: sb.String()}, nil
		}
		start := p.pos
		r, err := p.char()
		if err != nil {
			return nil, err
		}
		if isSurrogate(r) {
			return nil, p.fail(start, "\\u%04X is half of a surrogate pair: write the code point as \\UHHHHHHHH", r)
		}
		sb.WriteRune(r)
	}
}

func (p *parser) parseClass() (Expr, error) {
	open := p.pos
	p.pos++
	c := &Class{}
	if p.peek() == '^' {
		c.Negated = true
		p.pos++
	}
	for p.peek() != ']' {
		if p.peek() == 0 {
			return nil, p.fail(open, "a class that is not closed by ']'")
		}
		start := p.pos
		lo, err := p.char()
		if err != nil {
			return nil, err
		}
		hi := lo
		if p.peek() == '-' && p.pos+1 < len(p.text) && p.text[p.pos+1] != ']' {
			p.pos++
			if hi, err = p.char(); err != nil {
				return nil, err
			}
		}
		if hi < lo {
			return nil, p.fail(start, "range %s has its ends reversed", p.text[start:p.pos])
		}
		c.Ranges = append(c.Ranges, Range{lo, hi})
	}
	if len(c.Ranges) == 0 {
		return nil, p.fail(open, "an empty class; '.' is any character, \"\" the empty text")
	}
	p.pos++
	return c, nil
}

// char reads one code point, which may be escaped, inside a literal or class.
func (p *parser) char() (rune, error) {
	if p.peek() != '\\' {
		r, size := utf8.DecodeRuneInString(p.text[p.pos:])
		p.pos += size
		return r, nil
	}
	start := p.pos
	p.pos++
	c := p.peek()
	p.pos++
	switch c {
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case '\\', '"', '[', ']', '-':
		return rune(c), nil
	case 'x':
		return p.hex(start, 2)
	case 'u':
		return p.hex(start, 4)
	case 'U':
		return p.hex(start, 8)
	}
	return 0, p.fail(start, "unknown escape; there are \\n \\r \\t \\\\ \\\" \\[ \\] \\- \\xHH \\uHHHH \\UHHHHHHHH")
}

// hex reads exactly n hexadecimal digits of the escape that began at offset start.
func (p *parser) hex(start, n int) (rune, error) {
	digits := p.text[p.pos:min(p.pos+n, len(p.text))]
	v, err := strconv.ParseUint(digits, 16, 64)
	if err != nil || len(digits) < n {
		return 0, p.fail(start, "expecting %d hexadecimal digits", n)
	}
	if v > utf8.MaxRune {
		return 0, p.fail(start, "\\U%s is above the last code point, U+10FFFF", digits)
	}
	p.pos += n
	return rune(v), nil
}

func (p *parser) parseToken() (Expr, error) {
	start := p.pos
	t := &Token{}
	if p.peek() == '!' {
		t.Negated = true
		p.pos++
	}
	if p.peek() != '<' {
		return nil, p.unexpected("'<' of a token after '!'")
	}
	open := p.pos
	p.pos++
	if p.peek() == '[' {
		p.pos++
		id, digits, err := p.digits("token id", math.MaxInt32)
		if err != nil {
			return nil, err
		}
		if digits == p.pos || !strings.HasPrefix(p.text[p.pos:], "]>") {
			return nil, p.fail(start, "a token by id is written <[123]>")
		}
		p.pos += len("]>")
		t.ID = int32(id)
		return t, nil
	}
	end := strings.IndexAny(p.text[p.pos:], ">\r\n")
	if end < 0 || p.text[p.pos+end] != '>' {
		return nil, p.fail(start, "a token that is not closed by '>'")
	}
	p.pos += end + 1
	t.Name = p.text[open:p.pos]
	return t, nil
}

// fail makes the error for the given offset.
func (p *parser) fail(offset int, format string, args ...any) *ParseError {
	line, column := p.position(offset)
	return &ParseError{Line: line, Column: column, Offset: offset, Msg: fmt.Sprintf(format, args...)}
}

func (p *parser) failLimit(offset int, what string, limit, got int) *ParseError {
	err := p.fail(offset, "%s: %d exceeds the limit of %d", what, got, limit)
	err.Err = &LimitError{Name: what, Limit: limit, Got: got}
	return err
}

// unexpected makes the error for what stands at the position.
func (p *parser) unexpected(want string) *ParseError {
	if p.pos >= len(p.text) {
		return p.fail(len(p.text), "the text ends; expecting %s", want)
	}
	rest := p.text[p.pos:]
	r, _ := utf8.DecodeRuneInString(rest)
	hint := ""
	switch {
	case strings.HasPrefix(rest, "::="):
		return p.fail(p.pos, "'::=' here; a rule begins on a line of its own, outside of groups; expecting %s", want)
	case r == ')':
		hint = " that closes no group"
	case r == '\'':
		hint = " (literals stand in double quotes)"
	case r == '/':
		hint = " (comments begin with '#')"
	}
	return p.fail(p.pos, "unexpected %s%s; expecting %s", strconv.QuoteRune(r), hint, want)
}

// position returns the line and column, from 1, of a byte offset.
func (p *parser) position(offset int) (line, column int) {
	before := p.text[:offset]
	line = 1 + strings.Count(before, "\n")
	return line, 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}

// quote shows a name in an error, cut where it is absurdly long.
func quote(name string) string {
	const most = 60 // bytes; names are ASCII
	if len(name) > most {
		return strconv.Quote(name[:most]) + "…"
	}
	return strconv.Quote(name)
}

func isSurrogate(r rune) bool { return 0xD800 <= r && r <= 0xDFFF }
