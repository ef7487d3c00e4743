package chat

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/callama/callama/internal/ojson"
)

// callScanner reads one call object byte by byte: JSON as in RFC 8259, and of its members
// the name and the arguments. The zero value expects white space or the opening brace. It
// refuses the first byte after which the text cannot become a call.
type callScanner struct {
	name      string
	arguments []byte // as written, from the opening brace on; nil until it came

	state   scanState
	stack   []byte // open containers: '{' or '['
	member  callMember
	text    []byte // the string literal being read, where it matters
	isKey   bool
	digits  int    // hexadecimal digits still to come
	literal string // rest of true, false or null
	hasName bool
}

// scanResult is what a byte led to.
type scanResult uint8

const (
	scanMore  scanResult = iota
	scanDone             // the object is closed and is a call
	scanError            // the byte cannot be part of a call
)

// callMember is the member of the call object whose value is being read.
type callMember uint8

const (
	otherMember callMember = iota
	nameMember
	argumentsMember
)

type scanState uint8

const (
	wantObject scanState = iota
	wantKeyOrEnd
	wantKey
	wantColon
	wantValue
	wantValueOrEnd // the first item of an array
	wantComma      // ',' or the end of the container
	inString
	inEscape
	inHex
	inLiteralWord
	numMinus
	numZero
	numInt
	numDot
	numFraction
	numE
	numESign
	numExponent
)

func (s *callScanner) call() (name string, arguments []byte) { return s.name, s.arguments }

// pending is 0: no byte that was taken can begin another call.
func (s *callScanner) pending() int { return 0 }

func (s *callScanner) step(c byte) scanResult {
	if s.state >= numMinus {
		if ended, ok := s.stepNumber(c); !ok {
			return scanError
		} else if !ended {
			s.keep(c)
			return scanMore
		}
		s.state = wantComma // and c is what follows the number
	}
	switch s.state {
	case inString, inEscape, inHex:
		return s.stepString(c)
	case inLiteralWord:
		if c != s.literal[0] {
			return scanError
		}
		if s.literal = s.literal[1:]; s.literal == "" {
			s.state = wantComma
		}
		s.keep(c)
		return scanMore
	}
	if isSpace(c) {
		s.keep(c)
		return scanMore
	}
	switch s.state {
	case wantObject:
		if c != '{' {
			return scanError
		}
		s.stack = append(s.stack, c)
		s.state = wantKeyOrEnd
		return scanMore
	case wantKeyOrEnd, wantKey:
		if c == '}' && s.state == wantKeyOrEnd {
			return s.end(c)
		}
		if c != '"' {
			return scanError
		}
		return s.openString(c, true)
	case wantColon:
		if c != ':' {
			return scanError
		}
		s.state = wantValue
		s.keep(c)
		return scanMore
	case wantComma:
		return s.stepComma(c)
	}
	return s.stepValue(c)
}

// keep appends a byte of the arguments.
func (s *callScanner) keep(c byte) {
	if s.member == argumentsMember && len(s.stack) > 1 {
		s.arguments = append(s.arguments, c)
	}
}

func (s *callScanner) stepComma(c byte) scanResult {
	switch c {
	case ',':
		s.state = wantValue
		if s.stack[len(s.stack)-1] == '{' {
			s.state = wantKey
		}
		s.keep(c)
		return scanMore
	case '}', ']':
		return s.end(c)
	}
	return scanError
}

// end closes the innermost container.
func (s *callScanner) end(c byte) scanResult {
	if s.stack[len(s.stack)-1] != c-2 { // '{' and '[' stand two before their closers
		return scanError
	}
	s.keep(c)
	s.stack = s.stack[:len(s.stack)-1]
	s.state = wantComma
	if len(s.stack) > 0 {
		return scanMore
	}
	if s.name == "" || s.arguments == nil || !utf8.Valid(s.arguments) {
		return scanError
	}
	return scanDone
}

func (s *callScanner) stepValue(c byte) scanResult {
	if len(s.stack) == 1 && (s.member == nameMember && c != '"' || s.member == argumentsMember && c != '{') {
		return scanError
	}
	switch {
	case c == '{' || c == '[':
		if len(s.stack) > ojson.MaxDepth {
			return scanError
		}
		s.stack = append(s.stack, c)
		s.state = wantKeyOrEnd
		if c == '[' {
			s.state = wantValueOrEnd
		}
	case c == ']' && s.state == wantValueOrEnd:
		return s.end(c)
	case c == '"':
		return s.openString(c, false)
	case c == '-':
		s.state = numMinus
	case c == '0':
		s.state = numZero
	case c >= '1' && c <= '9':
		s.state = numInt
	case c == 't' || c == 'f' || c == 'n':
		s.literal = map[byte]string{'t': "rue", 'f': "alse", 'n': "ull"}[c]
		s.state = inLiteralWord
	default:
		return scanError
	}
	s.keep(c)
	return scanMore
}

func (s *callScanner) openString(c byte, isKey bool) scanResult {
	s.state, s.isKey = inString, isKey
	s.text = append(s.text[:0], c)
	s.keep(c)
	return scanMore
}

func (s *callScanner) stepString(c byte) scanResult {
	s.keep(c)
	if len(s.stack) == 1 {
		s.text = append(s.text, c)
	}
	switch {
	case s.state == inHex:
		if !isHex(c) {
			return scanError
		}
		if s.digits--; s.digits == 0 {
			s.state = inString
		}
	case s.state == inEscape:
		switch c {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			s.state = inString
		case 'u':
			s.state, s.digits = inHex, 4
		default:
			return scanError
		}
	case c == '\\':
		s.state = inEscape
	case c < ' ':
		return scanError
	case c == '"':
		return s.closeString()
	}
	return scanMore
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// closeString ends a key or a value; those of the call object itself are looked at.
func (s *callScanner) closeString() scanResult {
	if s.isKey {
		s.state = wantColon
	} else {
		s.state = wantComma
	}
	if len(s.stack) > 1 || !s.isKey && s.member != nameMember {
		return scanMore
	}
	var text string
	if !utf8.Valid(s.text) || json.Unmarshal(s.text, &text) != nil {
		return scanError
	}
	if !s.isKey {
		s.name = text
		if text == "" {
			return scanError
		}
		return scanMore
	}
	s.member = otherMember
	switch text {
	case "name":
		if s.hasName {
			return scanError
		}
		s.member, s.hasName = nameMember, true
	case "arguments", "parameters":
		if s.arguments != nil {
			return scanError
		}
		s.member = argumentsMember
	}
	return scanMore
}

// stepNumber reads a byte of a number. ended means that the number was complete before c.
func (s *callScanner) stepNumber(c byte) (ended, ok bool) {
	digit := c >= '0' && c <= '9'
	switch s.state {
	case numMinus:
		s.state = numInt
		if c == '0' {
			s.state = numZero
		}
		return false, digit
	case numDot:
		s.state = numFraction
		return false, digit
	case numESign:
		s.state = numExponent
		return false, digit
	case numE:
		s.state = numExponent
		if c == '+' || c == '-' {
			s.state = numESign
			return false, true
		}
		return false, digit
	}
	switch {
	case digit && s.state != numZero:
		return false, true
	case c == '.' && s.state < numDot:
		s.state = numDot
		return false, true
	case (c == 'e' || c == 'E') && s.state != numExponent:
		s.state = numE
		return false, true
	}
	return true, !digit
}
