package schema

import (
	"math/big"
	"strings"

	"github.com/callama/callama/grammar/gbnf"
)

// digits returns a run of digits. The helpers below build the digit automata of number
// ranges: a bound of n digits costs about n nodes, never the numbers in between.
func digits(min, max int) gbnf.Expr {
	if min == 1 && max == 1 {
		return gbnf.Set('0', '9')
	}
	return &gbnf.Repeat{Item: gbnf.Set('0', '9'), Min: min, Max: max}
}

// freeInteger is an integer of at most n digits, without leading zeros and without -0.
func freeInteger(n int) gbnf.Expr {
	return gbnf.OneOf(gbnf.Lit("0"), gbnf.Concat(gbnf.Opt(gbnf.Lit("-")), positive(n)))
}

func positive(n int) gbnf.Expr { return gbnf.Concat(gbnf.Set('1', '9'), digits(0, n-1)) }

// freeNumber is a number with at most n digits before the point and f behind it, and
// perhaps an exponent.
func freeNumber(n, f int) gbnf.Expr {
	fraction := gbnf.Concat(gbnf.Lit("."), digits(1, f))
	exponent := gbnf.Opt(gbnf.Concat(gbnf.Lit("e"), gbnf.Opt(gbnf.Set('+', '+', '-', '-')), digits(1, exponentDigits)))
	return gbnf.OneOf(gbnf.Lit("0"), gbnf.Concat(gbnf.Opt(gbnf.Lit("-")), gbnf.OneOf(
		gbnf.Concat(positive(n), gbnf.Opt(fraction), exponent),
		gbnf.Concat(gbnf.Lit("0"), fraction, exponent))))
}

// integerBounds returns the least and the greatest integer within the bounds of a
// conjunct; where there is no bound it is n digits away, or one digit more than the other.
func integerBounds(j *conjunct, n int) (lo, hi *big.Int) {
	one := big.NewInt(1)
	if j.lower.set {
		lo = j.lower.value.integer() // towards zero
		if whole := j.lower.value.isInteger(); (whole && j.lower.exclusive) || (!whole && !j.lower.value.neg) {
			lo.Add(lo, one)
		}
	}
	if j.upper.set {
		hi = j.upper.value.integer()
		if whole := j.upper.value.isInteger(); (whole && j.upper.exclusive) || (!whole && j.upper.value.neg) {
			hi.Sub(hi, one)
		}
	}
	far := func(other *big.Int) *big.Int {
		d := n
		if other != nil {
			d = max(d, len(other.Text(10))+1)
		}
		return power10(d).Sub(power10(d), one)
	}
	switch {
	case lo == nil && hi == nil:
		hi = far(nil)
		lo = new(big.Int).Neg(hi)
	case lo == nil:
		lo = far(hi)
		lo.Neg(lo)
	case hi == nil:
		hi = far(lo)
	}
	return lo, hi
}

func power10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// integerRange is an integer from lo to hi, lo <= hi.
func integerRange(lo, hi *big.Int) gbnf.Expr {
	var alts []gbnf.Expr
	if lo.Sign() < 0 {
		least := big.NewInt(1)
		if hi.Sign() < 0 {
			least = new(big.Int).Neg(hi)
		}
		alts = append(alts, join(gbnf.Lit("-"), naturalRange(least.Text(10), new(big.Int).Neg(lo).Text(10))))
	}
	if hi.Sign() >= 0 {
		least := lo
		if lo.Sign() < 0 {
			least = new(big.Int)
		}
		alts = append(alts, naturalRange(least.Text(10), hi.Text(10)))
	}
	return oneOf(alts)
}

// naturalRange is a number from a to b, given as digits without leading zeros, a <= b.
func naturalRange(a, b string) gbnf.Expr {
	if len(a) == len(b) {
		return sameLength(a, b)
	}
	alts := []gbnf.Expr{sameLength(a, strings.Repeat("9", len(a)))}
	if full := len(b) - len(a) - 1; full > 0 { // every number of the lengths between
		alts = append(alts, gbnf.Concat(gbnf.Set('1', '9'), digits(len(a), len(b)-2)))
	}
	return oneOf(append(alts, sameLength("1"+strings.Repeat("0", len(b)-1), b)))
}

// sameLength is a digit string from a to b, all of one length.
func sameLength(a, b string) gbnf.Expr {
	n := len(a)
	if n == 0 {
		return gbnf.Lit("")
	}
	if strings.Trim(a, "0") == "" && strings.Trim(b, "9") == "" {
		return digits(n, n)
	}
	if a == b {
		return gbnf.Lit(a)
	}
	if a[0] == b[0] {
		return join(gbnf.Lit(a[:1]), sameLength(a[1:], b[1:]))
	}
	lo, hi := a[0], b[0] // first digits after which the rest is free
	var alts []gbnf.Expr
	if strings.Trim(a[1:], "0") != "" {
		alts = append(alts, join(gbnf.Lit(a[:1]), sameLength(a[1:], strings.Repeat("9", n-1))))
		lo++
	}
	var last gbnf.Expr
	if strings.Trim(b[1:], "9") != "" {
		last = join(gbnf.Lit(b[:1]), sameLength(strings.Repeat("0", n-1), b[1:]))
		hi--
	}
	if lo <= hi {
		free := gbnf.Expr(gbnf.Set(rune(lo), rune(hi)))
		if n > 1 {
			free = join(free, digits(n-1, n-1))
		}
		alts = append(alts, free)
	}
	if last != nil {
		alts = append(alts, last)
	}
	return oneOf(alts)
}

// decimalRange is a number within the bounds of a conjunct, written without an exponent,
// with at most n digits before the point and f behind it, more where a bound has more.
func decimalRange(j *conjunct, n, f int) gbnf.Expr {
	lower, upper := j.lower, j.upper
	for _, b := range [...]bound{lower, upper} {
		f = max(f, len(b.value.fraction())+1) // room for a number between any two bounds
	}
	var alts []gbnf.Expr
	if !lower.set || lower.value.neg {
		least := bound{set: true, exclusive: true} // beyond zero: there is no -0
		if upper.set && (upper.value.neg || upper.value.isZero()) {
			least = bound{set: true, value: upper.value.negated(), exclusive: upper.exclusive || upper.value.isZero()}
		}
		most := lower
		most.value = most.value.negated()
		if e := magnitudeRange(least, most, n, f); e != nil {
			alts = append(alts, join(gbnf.Lit("-"), e))
		}
	}
	if !upper.set || !upper.value.neg {
		least := lower
		if !lower.set || lower.value.neg {
			least = bound{set: true}
		}
		if e := magnitudeRange(least, upper, n, f); e != nil {
			alts = append(alts, e)
		}
	}
	return oneOf(alts)
}

// magnitudeRange is an unsigned decimal from lo to hi; hi may be unset. It returns nil if
// there is none.
func magnitudeRange(lo, hi bound, n, f int) gbnf.Expr {
	a := lo.value.whole()
	loPart := &digitBound{lo.value.fraction(), !lo.exclusive}
	one := big.NewInt(1)
	start := lo.value.integer()
	var alts []gbnf.Expr
	if hi.set && hi.value.whole() == a {
		return fraction(gbnf.Lit(a), loPart, &digitBound{hi.value.fraction(), !hi.exclusive}, f)
	}
	if loPart.digits != "" || !loPart.inclusive {
		alts = appendExpr(alts, fraction(gbnf.Lit(a), loPart, nil, f))
		start.Add(start, one)
	}
	end := power10(max(n, len(a)+1))
	if hi.set {
		end = hi.value.integer()
		if end.Cmp(start) < 0 && len(alts) == 0 {
			return nil
		}
	}
	if end.Cmp(start) > 0 {
		last := new(big.Int).Sub(end, one)
		alts = append(alts, fraction(naturalRange(start.Text(10), last.Text(10)), nil, nil, f))
	}
	if hi.set {
		alts = appendExpr(alts, fraction(gbnf.Lit(hi.value.whole()), nil, &digitBound{hi.value.fraction(), !hi.exclusive}, f))
	}
	if len(alts) == 0 {
		return nil
	}
	return oneOf(alts)
}

// digitBound bounds the digits behind a point: no digits are zero.
type digitBound struct {
	digits    string
	inclusive bool
}

// next returns the bound of the remaining digits after the first has been met exactly.
func (b *digitBound) next() *digitBound {
	if b == nil || b.digits == "" {
		return b
	}
	return &digitBound{b.digits[1:], b.inclusive}
}

func (b *digitBound) first() byte {
	if b.digits == "" {
		return '0'
	}
	return b.digits[0]
}

// fraction is whole, then perhaps a point and digits between the bounds (nil: free). It
// returns nil if there is nothing between them.
func fraction(whole gbnf.Expr, lo, hi *digitBound, f int) gbnf.Expr {
	mayEnd := (lo == nil || (lo.digits == "" && lo.inclusive)) && (hi == nil || hi.digits != "" || hi.inclusive)
	behind := fractionDigits(lo, hi, f, false)
	switch {
	case behind == nil && mayEnd:
		return whole
	case behind == nil:
		return nil
	}
	point := join(gbnf.Lit("."), behind)
	if mayEnd {
		return join(whole, gbnf.Opt(point))
	}
	return join(whole, point)
}

// fractionDigits is at most n digits between the bounds, at least one unless mayEnd.
func fractionDigits(lo, hi *digitBound, n int, mayEnd bool) gbnf.Expr {
	if lo != nil && lo.digits == "" && lo.inclusive {
		lo = nil
	}
	least := 1
	if mayEnd {
		least = 0
	}
	switch {
	case n < least, hi != nil && hi.digits == "" && !hi.inclusive:
		return nil
	case lo == nil && hi == nil:
		return digits(least, n)
	case lo == nil && hi.digits == "":
		return &gbnf.Repeat{Item: gbnf.Lit("0"), Min: least, Max: n}
	}
	var alts []gbnf.Expr
	if mayEnd && lo == nil {
		alts = append(alts, gbnf.Lit(""))
	}
	if n == 0 {
		if len(alts) == 0 {
			return nil
		}
		return alts[0]
	}
	from, to := byte('0'), byte('9') // first digits after which the rest is free
	tight := func(d byte, lo, hi *digitBound) {
		if rest := fractionDigits(lo, hi, n-1, true); rest != nil {
			alts = append(alts, join(gbnf.Lit(string(d)), rest))
		}
	}
	if lo != nil && hi != nil && lo.first() == hi.first() {
		tight(lo.first(), lo.next(), hi.next())
		return oneOfOrNil(alts)
	}
	if lo != nil {
		from = lo.first() + 1
		tight(lo.first(), lo.next(), nil)
	}
	if hi != nil {
		to = hi.first() - 1
		tight(hi.first(), nil, hi.next())
	}
	if from <= to {
		alts = append(alts, join(gbnf.Set(rune(from), rune(to)), digits(0, n-1)))
	}
	return oneOfOrNil(alts)
}

func appendExpr(alts []gbnf.Expr, e gbnf.Expr) []gbnf.Expr {
	if e == nil {
		return alts
	}
	return append(alts, e)
}

func oneOf(alts []gbnf.Expr) gbnf.Expr {
	if len(alts) == 1 {
		return alts[0]
	}
	return gbnf.OneOf(alts...)
}

func oneOfOrNil(alts []gbnf.Expr) gbnf.Expr {
	if len(alts) == 0 {
		return nil
	}
	return oneOf(alts)
}

// join concatenates expressions, flat, with adjacent literals joined.
func join(items ...gbnf.Expr) gbnf.Expr {
	n := 0
	for _, e := range items {
		switch e := e.(type) {
		case *gbnf.Seq:
			n += len(e.Items)
		case *gbnf.Literal:
			n += min(len(e.Text), 1)
		default:
			n++
		}
	}
	var seq *gbnf.Seq
	var out []gbnf.Expr
	if n <= shortSequence {
		s := &short{}
		seq, out = &s.seq, s.items[:0]
	} else {
		seq, out = &gbnf.Seq{}, make([]gbnf.Expr, 0, n)
	}
	for _, e := range items {
		out = appendFlat(out, e)
	}
	if len(out) == 1 {
		return out[0]
	}
	seq.Items = out
	return seq
}

// short is a sequence of a few items, in one block.
type short struct {
	seq   gbnf.Seq
	items [shortSequence]gbnf.Expr
}

const shortSequence = 3

// appendFlat appends an expression to a sequence.
func appendFlat(out []gbnf.Expr, e gbnf.Expr) []gbnf.Expr {
	switch e := e.(type) {
	case *gbnf.Seq:
		for _, item := range e.Items {
			out = appendFlat(out, item)
		}
		return out
	case *gbnf.Literal:
		if e.Text == "" {
			return out
		}
		if len(out) > 0 {
			if last, ok := out[len(out)-1].(*gbnf.Literal); ok {
				out[len(out)-1] = gbnf.Lit(last.Text + e.Text)
				return out
			}
		}
	}
	return append(out, e)
}
