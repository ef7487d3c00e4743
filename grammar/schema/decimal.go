package schema

import (
	"math/big"
	"strconv"
	"strings"
)

// decimal is an exact decimal number: 0.digits x 10^point, negated if neg. digits has no
// leading or trailing zeros; zero has none at all, point 0 and no sign.
type decimal struct {
	neg    bool
	digits string
	point  int
}

// parseDecimal reads a JSON number. It fails with a *LimitError for numbers beyond
// maxNumberDigits digits before or after the point.
func parseDecimal(text string) (decimal, error) {
	var d decimal
	mantissa, d0 := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa = text[:i]
		e, err := strconv.Atoi(text[i+1:])
		if err != nil {
			e = 10 * maxNumberDigits // out of range either way
			if strings.HasPrefix(text[i+1:], "-") {
				e = -e
			}
		}
		d0 = max(-10*maxNumberDigits, min(e, 10*maxNumberDigits))
	}
	d.neg = strings.HasPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	all := whole + fraction
	trimmed := strings.TrimLeft(all, "0")
	d.point = len(whole) + d0 - (len(all) - len(trimmed))
	d.digits = strings.TrimRight(trimmed, "0")
	if d.digits == "" {
		return decimal{}, nil
	}
	if got := max(d.point, len(d.digits)-d.point, len(d.digits)); got > maxNumberDigits {
		return decimal{}, &LimitError{Name: "digits of a number", Limit: maxNumberDigits, Got: got}
	}
	return d, nil
}

func (d decimal) isZero() bool    { return d.digits == "" }
func (d decimal) isInteger() bool { return len(d.digits) <= d.point || d.isZero() }

// negated returns -d.
func (d decimal) negated() decimal {
	d.neg = !d.neg && !d.isZero()
	return d
}

// whole returns the digits before the point, "0" if there are none; fraction those after
// it, without trailing zeros. Both ignore the sign.
func (d decimal) whole() string {
	switch {
	case d.point <= 0:
		return "0"
	case d.point >= len(d.digits):
		return d.digits + strings.Repeat("0", d.point-len(d.digits))
	}
	return d.digits[:d.point]
}

func (d decimal) fraction() string {
	switch {
	case d.isInteger():
		return ""
	case d.point <= 0:
		return strings.Repeat("0", -d.point) + d.digits
	}
	return d.digits[d.point:]
}

// compare returns -1, 0 or 1.
func (d decimal) compare(e decimal) int {
	if d.neg != e.neg {
		if d.neg {
			return -1
		}
		return 1
	}
	sign := 1
	if d.neg {
		sign = -1
	}
	switch {
	case d.isZero() && e.isZero():
		return 0
	case d.isZero():
		return -1 // zero has no sign, so e is positive
	case e.isZero():
		return 1
	case d.point != e.point:
		if d.point < e.point {
			return -sign
		}
		return sign
	}
	return sign * strings.Compare(d.digits, e.digits)
}

// integer returns d rounded towards zero.
func (d decimal) integer() *big.Int {
	n, _ := new(big.Int).SetString(d.whole(), 10)
	if d.neg {
		n.Neg(n)
	}
	return n
}

// key returns a text that is equal for equal numbers only.
func (d decimal) key() string {
	sign := "+"
	if d.neg {
		sign = "-"
	}
	return sign + d.digits + "@" + strconv.Itoa(d.point)
}

// multipleOf reports whether d is a multiple of e, which is not zero.
func (d decimal) multipleOf(e decimal) bool {
	if d.isZero() {
		return true
	}
	if a, ok := d.small(); ok {
		if b, ok := e.small(); ok {
			return a%b == 0
		}
	}
	x, _ := new(big.Int).SetString(d.digits, 10)
	y, _ := new(big.Int).SetString(e.digits, 10)
	// d/e = x/y * 10^shift
	shift := (d.point - len(d.digits)) - (e.point - len(e.digits))
	if shift >= 0 {
		x.Mul(x, power10(shift))
	} else {
		y.Mul(y, power10(-shift))
	}
	return new(big.Int).Rem(x, y).Sign() == 0
}

// small returns a decimal without its sign, if it is an integer of 64 bits.
func (d decimal) small() (n int64, ok bool) {
	if !d.isInteger() || d.point > 18 {
		return 0, false
	}
	for _, c := range []byte(d.digits) {
		n = n*10 + int64(c-'0')
	}
	for range d.point - len(d.digits) {
		n *= 10
	}
	return n, true
}
