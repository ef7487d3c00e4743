package jinja

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokData tokenKind = iota
	tokBlockBegin
	tokBlockEnd
	tokVarBegin
	tokVarEnd
	tokName
	tokString
	tokInt
	tokFloat
	tokOp
	tokEOF
)

type token struct {
	kind tokenKind
	text string // data, name, decoded string, digits, or the operator
	line int
}

func (t token) String() string {
	switch t.kind {
	case tokEOF:
		return "the end of the template"
	case tokBlockEnd:
		return "'%}'"
	case tokVarEnd:
		return "'}}'"
	case tokData, tokBlockBegin, tokVarBegin:
		return "text"
	}
	return strconv.Quote(t.text)
}

// lexer cuts a template into tokens as jinja2.lexer does with trim_blocks and lstrip_blocks
// on and keep_trailing_newline off.
type lexer struct {
	src          string
	pos          int
	line         int
	tokens       []token
	lineStarting bool // the last tag ended with a new line
	brackets     []byte
}

func lex(source string) []token {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	source = strings.ReplaceAll(source, "\r", "\n")
	l := &lexer{src: strings.TrimSuffix(source, "\n"), line: 1, lineStarting: true}
	for l.pos < len(l.src) {
		l.data()
	}
	l.emit(tokEOF, "")
	return l.tokens
}

func (l *lexer) emit(kind tokenKind, text string) {
	l.tokens = append(l.tokens, token{kind, text, l.line})
}

// advance moves n bytes on and counts lines.
func (l *lexer) advance(n int) {
	l.line += strings.Count(l.src[l.pos:l.pos+n], "\n")
	l.pos += n
}

func (l *lexer) rest() string { return l.src[l.pos:] }

// data reads text up to and with the next tag.
func (l *lexer) data() {
	at := -1
	for i := l.pos; i+1 < len(l.src); i++ {
		if l.src[i] == '{' && (l.src[i+1] == '{' || l.src[i+1] == '%' || l.src[i+1] == '#') {
			at = i
			break
		}
	}
	if at < 0 {
		l.emit(tokData, l.rest())
		l.advance(len(l.rest()))
		return
	}
	kind := l.src[at+1]
	sign := byte(0)
	if at+2 < len(l.src) && (l.src[at+2] == '-' || l.src[at+2] == '+') {
		sign = l.src[at+2]
	}
	text := l.strip(l.src[l.pos:at], sign, kind)
	if text != "" {
		l.emit(tokData, text)
	}
	l.advance(at - l.pos + 2)
	if sign != 0 {
		l.advance(1)
	}
	switch kind {
	case '#':
		l.comment()
	case '{':
		l.emit(tokVarBegin, "")
		l.expression(tokVarEnd, "}}")
	default:
		if !l.raw() {
			l.emit(tokBlockBegin, "")
			l.expression(tokBlockEnd, "%}")
		}
	}
}

// strip removes white space before a tag.
func (l *lexer) strip(text string, sign, kind byte) string {
	if sign == '-' {
		return strings.TrimRightFunc(text, unicode.IsSpace)
	}
	if sign == '+' || kind == '{' {
		return text
	}
	start := strings.LastIndexByte(text, '\n') + 1
	if (start > 0 || l.lineStarting) && strings.TrimFunc(text[start:], unicode.IsSpace) == "" {
		return text[:start]
	}
	return text
}

// endTag consumes what ends a tag, if it stands here: the mark, a sign before it and the white
// space that goes with it.
func (l *lexer) endTag(mark string, trim bool) bool {
	rest, n := l.rest(), 0
	switch {
	case strings.HasPrefix(rest, "-"+mark):
		n = 1 + len(mark)
		n += len(rest[n:]) - len(strings.TrimLeftFunc(rest[n:], unicode.IsSpace))
	case trim && strings.HasPrefix(rest, "+"+mark):
		n = 1 + len(mark)
	case strings.HasPrefix(rest, mark):
		n = len(mark)
		if trim && strings.HasPrefix(rest[n:], "\n") {
			n++
		}
	default:
		return false
	}
	l.lineStarting = rest[n-1] == '\n'
	l.advance(n)
	return true
}

func (l *lexer) comment() {
	at := strings.Index(l.rest(), "#}")
	if at < 0 {
		throwf(l.line, "a comment is not closed")
	}
	if at > 0 && (l.rest()[at-1] == '-' || l.rest()[at-1] == '+') {
		at--
	}
	l.advance(at)
	l.endTag("#}", true)
}

var (
	rawBegin = regexp.MustCompile(`^\s*raw\s*(?:-%\}\s*|%\}\n?)`)
	rawEnd   = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*(?:\+%\}|-%\}\s*|%\}\n?)`)
)

// raw reads a raw block whole, if one begins here.
func (l *lexer) raw() bool {
	begin := rawBegin.FindString(l.rest())
	if begin == "" {
		return false
	}
	line := l.line
	l.advance(len(begin))
	l.lineStarting = strings.HasSuffix(begin, "\n")
	end := rawEnd.FindStringSubmatchIndex(l.rest())
	if end == nil {
		throwf(line, "a raw block is not closed")
	}
	sign := byte(0)
	if end[3] > end[2] {
		sign = l.rest()[end[2]]
	}
	if text := l.strip(l.rest()[:end[0]], sign, '%'); text != "" {
		l.emit(tokData, text)
	}
	l.lineStarting = l.rest()[end[1]-1] == '\n'
	l.advance(end[1])
	return true
}

var (
	numberPattern = regexp.MustCompile(`^(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?[0-9])*|0(?:_?0)*)`)
	floatPattern  = regexp.MustCompile(`^[0-9](?:_?[0-9])*(?:\.[0-9](?:_?[0-9])*(?:[eE][+-]?[0-9](?:_?[0-9])*)?|[eE][+-]?[0-9](?:_?[0-9])*)`)
)

// expression reads the tokens of a tag up to its end.
func (l *lexer) expression(end tokenKind, mark string) {
	l.brackets = l.brackets[:0]
	line := l.line
	for {
		if l.pos >= len(l.src) {
			throwf(line, "a tag is not closed")
		}
		// Inside braces "}}" closes two of them, not the tag.
		if end != tokVarEnd || len(l.brackets) == 0 {
			at := l.line
			if l.endTag(mark, end == tokBlockEnd) {
				l.tokens = append(l.tokens, token{end, mark, at})
				return
			}
		}
		l.next()
	}
}

// next reads one token of an expression, or white space.
func (l *lexer) next() {
	rest := l.rest()
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case unicode.IsSpace(r):
		l.advance(size)
	case r >= '0' && r <= '9':
		kind, text := tokFloat, floatPattern.FindString(rest)
		if text == "" {
			kind, text = tokInt, numberPattern.FindString(rest)
		}
		l.emit(kind, strings.ReplaceAll(text, "_", ""))
		l.advance(len(text))
	case r == '_' || unicode.IsLetter(r):
		n := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if n < 0 {
			n = len(rest)
		}
		l.emit(tokName, rest[:n])
		l.advance(n)
	case r == '"' || r == '\'':
		l.str(rest)
	default:
		l.operator(rest)
	}
}

func (l *lexer) str(rest string) {
	quote := rest[0]
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case quote:
			l.emit(tokString, unescape(rest[1:i]))
			l.advance(i + 1)
			return
		}
	}
	throwf(l.line, "a string is not closed")
}

var operators = []string{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"}

func (l *lexer) operator(rest string) {
	for _, op := range operators {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		switch op {
		case "(", "[", "{":
			l.brackets = append(l.brackets, map[string]byte{"(": ')', "[": ']', "{": '}'}[op])
		case ")", "]", "}":
			if len(l.brackets) == 0 || l.brackets[len(l.brackets)-1] != op[0] {
				throwf(l.line, "unexpected %q", op)
			}
			l.brackets = l.brackets[:len(l.brackets)-1]
		}
		l.emit(tokOp, op)
		l.advance(len(op))
		return
	}
	r, _ := utf8.DecodeRuneInString(rest)
	throwf(l.line, "unexpected character %q", r)
}

// unescape decodes the escapes of a Python string literal. Unknown ones stay as written.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var sb strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			sb.WriteByte(s[i])
			continue
		}
		i++
		if at := strings.IndexByte(`abfnrtv\'"`, s[i]); at >= 0 {
			sb.WriteByte("\a\b\f\n\r\t\v\\'\""[at])
			continue
		}
		digits, base, skip := 0, 16, 1
		switch c := s[i]; {
		case c == '\n':
			continue
		case c == 'x':
			digits = 2
		case c == 'u':
			digits = 4
		case c == 'U':
			digits = 8
		case c >= '0' && c <= '7':
			base, skip = 8, 0
			for digits < 3 && i+digits < len(s) && s[i+digits] >= '0' && s[i+digits] <= '7' {
				digits++
			}
		}
		if n := i + skip + digits; digits > 0 && n <= len(s) {
			if code, err := strconv.ParseUint(s[i+skip:n], base, 32); err == nil {
				sb.WriteRune(rune(code))
				i = n - 1
				continue
			}
		}
		sb.WriteByte('\\')
		sb.WriteByte(s[i])
	}
	return sb.String()
}
