package jsonscan

import (
	"bytes"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// character reads a byte within a string and reports whether it is the closing quote.
func (s *Scanner) character(b byte) (closed bool) {
	st := &s.st
	switch {
	case st.esc == 0 && b == '"':
		s.flush()
		return true
	case st.esc == 0 && b == '\\':
		st.esc = 1
	case st.esc == 0:
		if st.keep {
			s.flush()
			s.text = append(s.text, b)
		}
	case st.esc == 1 && b == 'u':
		st.esc, st.hex = 2, 0
	case st.esc == 1:
		st.esc = 0
		if st.keep {
			s.flush()
			s.text = append(s.text, unescaped(b))
		}
	default:
		st.hex = st.hex<<4 | hexDigit(b)
		if st.esc++; st.esc == 6 {
			st.esc = 0
			s.unit(st.hex)
		}
	}
	return false
}

func unescaped(b byte) byte {
	switch b {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return b
}

func hexDigit(b byte) uint16 {
	if b <= '9' {
		return uint16(b-'0') & 15
	}
	return uint16(b|0x20-'a'+10) & 15
}

// Surrogates of UTF-16.
const (
	highFirst, highLast = 0xD800, 0xDBFF
	lowFirst, lowLast   = 0xDC00, 0xDFFF
)

// unit appends a UTF-16 code unit: the second half of a pair with the first, which has
// waited. A surrogate without a partner stays what it is, in the three bytes that UTF-8 would
// have for it.
func (s *Scanner) unit(u uint16) {
	st := &s.st
	if !st.keep {
		return
	}
	if st.high != 0 && u >= lowFirst && u <= lowLast {
		s.text = utf8.AppendRune(s.text, 0x10000+(rune(st.high)-highFirst)<<10+rune(u)-lowFirst)
		st.high = 0
		return
	}
	s.flush()
	switch {
	case u >= highFirst && u <= highLast:
		st.high = u
	case u >= lowFirst && u <= lowLast:
		s.lone(u)
	default:
		s.text = utf8.AppendRune(s.text, rune(u))
	}
}

// flush appends a high surrogate that has waited in vain.
func (s *Scanner) flush() {
	if s.st.high != 0 {
		s.lone(s.st.high)
		s.st.high = 0
	}
}

func (s *Scanner) lone(u uint16) {
	s.text = append(s.text, 0xE0|byte(u>>12), 0x80|byte(u>>6)&0x3F, 0x80|byte(u)&0x3F)
}

func literalLength(first byte) uint8 {
	if first == 'f' {
		return 5
	}
	return 4
}

func isNumberByte(b byte) bool {
	return b >= '0' && b <= '9' || b == '-' || b == '+' || b == '.' || b == 'e' || b == 'E'
}

// numberMayEnd looks at a number under way after each byte.
func (s *Scanner) numberMayEnd() (dup, ended bool) {
	st := &s.st
	f := &s.frames[st.top]
	if !st.keep || !f.array || !isDigit(s.text[len(s.text)-1]) {
		st.returned = false
		return false, false
	}
	if f.last >= 0 {
		text, records := len(s.text), len(s.records)
		s.recordNumber()
		dup = s.repeated(f)
		s.text, s.records = s.text[:text], s.records[:records]
	}
	return dup, true
}

func (s *Scanner) recordNumber() {
	raw := s.text[s.st.start:]
	from := len(s.text)
	s.text = appendNormal(s.text, raw)
	s.scalar(kindNumber, from)
}

// endNumber is called at the first byte after a number.
func (s *Scanner) endNumber() {
	st := &s.st
	st.mode = modeAfter
	if !st.keep {
		return
	}
	s.recordNumber()
	if st.returned {
		s.rememberItem()
	}
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// number is a decimal under way: mantissa digits without leading zeros, the number of them
// behind the point, and the exponent.
type number struct {
	neg           bool
	whole, behind []byte // digits before and behind the point, as written
	exponent      []byte // digits
	negExponent   bool
	hasExponent   bool
}

func parseNumber(raw []byte) (n number) {
	if len(raw) > 0 && raw[0] == '-' {
		n.neg, raw = true, raw[1:]
	}
	if at := bytes.IndexAny(raw, "eE"); at >= 0 {
		n.hasExponent = true
		n.exponent = raw[at+1:]
		raw = raw[:at]
		if len(n.exponent) > 0 && (n.exponent[0] == '+' || n.exponent[0] == '-') {
			n.negExponent = n.exponent[0] == '-'
			n.exponent = n.exponent[1:]
		}
	}
	n.whole = raw
	if at := bytes.IndexByte(raw, '.'); at >= 0 {
		n.whole, n.behind = raw[:at], raw[at+1:]
	}
	return n
}

// appendNormal appends the normal form of a number: sign, digits without zeros around them,
// "e" and the power of ten of the last digit; "0" for zero. Equal numbers have the same.
func appendNormal(dst, raw []byte) []byte {
	n := parseNumber(raw)
	begin := len(dst)
	if n.neg {
		dst = append(dst, '-')
	}
	first := len(dst)
	dst = append(append(dst, n.whole...), n.behind...)
	digits := bytes.TrimLeft(dst[first:], "0")
	if len(digits) == 0 {
		return append(dst[:begin], '0')
	}
	kept := bytes.TrimRight(digits, "0")
	power := len(digits) - len(kept) - len(n.behind)
	dst = append(dst[:first], kept...)
	dst = append(dst, 'e')
	const sure = 17 // digits that fit into 64 bits, with room for the digits of the mantissa
	exponent := bytes.TrimLeft(n.exponent, "0")
	if len(exponent) > sure {
		x, ok := new(big.Int).SetString(string(exponent), 10)
		if !ok { // no number
			return append(dst, exponent...)
		}
		if n.negExponent {
			x.Neg(x)
		}
		return x.Add(x, big.NewInt(int64(power))).Append(dst, 10)
	}
	x := int64(0)
	for _, d := range exponent {
		x = x*10 + int64(d-'0')
	}
	if n.negExponent {
		x = -x
	}
	return strconv.AppendInt(dst, x+int64(power), 10)
}

// canBecome reports whether a number that begins with raw may have the given normal form. It
// may say yes where the grammar knows better, never no where it can.
func canBecome(raw, normal []byte) bool {
	n := parseNumber(raw)
	neg := normal[0] == '-'
	digits := normal
	if neg {
		digits = digits[1:]
	}
	if at := bytes.IndexByte(digits, 'e'); at >= 0 {
		digits = digits[:at]
	} else { // zero
		return len(bytes.Trim(n.whole, "0")) == 0 && len(bytes.Trim(n.behind, "0")) == 0
	}
	if n.neg != neg {
		return len(raw) == 0
	}
	// Compare what is written of the mantissa, without leading zeros.
	leading := true
	at := 0
	for _, part := range [2][]byte{n.whole, n.behind} {
		for _, d := range part {
			if leading && d == '0' {
				continue
			}
			leading = false
			if at < len(digits) && d != digits[at] || at >= len(digits) && d != '0' {
				return false
			}
			at++
		}
	}
	return !n.hasExponent || at >= len(digits)
}
