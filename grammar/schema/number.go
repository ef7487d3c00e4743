package schema

import (
	"math/big"
	"strconv"

	"github.com/callama/callama/grammar/regex"
)

// numberSet is a set of numbers given by bounds and steps, and how they may be written.
// Its texts are a regular language: read from the left, what matters of the digits so far
// is how they compare with the digits of the bounds, their remainder, and where the last
// digit that is not zero stands; an exponent then has to lie in an interval.
type numberSet struct {
	lower, upper bound
	steps        []step
	spelling     Spelling
	// digits and places bound the digits before the point, where no bound of the value
	// does it, and behind it; of canonical spelling only. No digits are any number of them:
	// they are counted apart.
	digits, places int
}

// uncounted reports whether the set is of integers of which the digits are not bounded.
func (n *numberSet) uncounted() bool {
	return n.spelling == Canonical && n.digits == 0 && n.places == 0
}

// step demands that a number is a multiple of value, or with not, that it is none.
type step struct {
	value decimal // positive
	not   bool
	at    place
}

// Bounds of numbers with an exponent under AnySpelling. Without one, the digits of a
// number are not bounded.
const (
	// maxExponent bounds exponents: three digits, which go beyond the range of doubles.
	maxExponent       = 999
	maxExponentDigits = 3
	// exponentWhole bounds the digits before the point, and the zeros right behind it, in
	// numbers with an exponent.
	exponentWhole = 3
	// exponentPlaces bounds the digits behind the point in numbers with an exponent of
	// which some step is demanded: doubles have 17 digits. Large steps get fewer, as each
	// costs a state for each remainder.
	exponentPlaces    = 17
	minExponentPlaces = 2
	// maxModulus bounds the remainders that steps lead to. Multiples of 1,024 are in use.
	maxModulus = 2_048
	// maxWholeModulus is maxModulus for integers in canonical spelling, which have no more
	// states than remainders where their digits are counted apart.
	maxWholeModulus = 16_384
	// maxNumberStates bounds the automaton of a set before it is minimised.
	maxNumberStates = 40_000
)

// dfa returns the automaton of the set's texts.
func (n *numberSet) dfa(limits regex.Limits) (*regex.DFA, error) {
	m, err := newNumberMachine(n)
	if err != nil {
		return nil, err
	}
	limits.States = maxNumberStates
	return regex.Explore(regex.Machine[numberState]{
		Alphabet: numberAlphabet, Start: numberState{}, Step: m.step, Accept: m.accept,
	}, limits)
}

var numberAlphabet = func() (sets []regex.Set) {
	for _, c := range "0123456789-+." {
		sets = append(sets, regex.Set{{Lo: c, Hi: c}})
	}
	return append(sets, regex.Set{{Lo: 'E', Hi: 'E'}, {Lo: 'e', Hi: 'e'}})
}()

// Symbols of numberAlphabet after the digits.
const (
	symbolMinus = 10 + iota
	symbolPlus
	symbolPoint
	symbolE
)

// numberState is what has been read of a number.
// (The fields are in the order that leaves no gaps, which would have to be left out of hashes.)
type numberState struct {
	rest int32 // the digits up to the last one that is not zero as an integer, modulo
	// position is that of the first digit that is not zero: the value is 0.d… x 10^position
	// as far as it has been read. Of the integer part, the number of its digits so far.
	position int16
	places   int16    // digits behind the point
	low      int16    // weight of the last digit that is not zero
	cmp      [2]int16 // the digits compared with those of the bounds of the magnitude
	exponent [2]int16 // the interval in which the exponent must lie
	value    int16    // of the exponent's digits
	count    int16    // of the exponent's digits, without leading zeros
	phase    numberPhase
	neg      bool
	long     bool // too long for an exponent to follow
	nonzero  bool
}

type numberPhase uint8

const (
	atStart numberPhase = iota
	atMinus
	inZero  // after a leading zero
	inWhole // in the digits before the point
	atPoint
	inFraction
	atExponent // after the e
	atSign     // after its sign
	inExponent
	inFree // value holds which completions of the exponent are accepted, a bit for each length
)

// Results of a comparison of digits with a bound; others count the digits that are equal.
const (
	cmpLess    = int16(-1)
	cmpGreater = int16(-2)
)

// magnitude is the part of a numberSet with one sign: bounds of the absolute value.
type magnitude struct {
	none         bool // nothing has this sign
	lower, upper bound
	tracked      bool // digits have to be compared
}

// numberMachine steps through a number.
type numberMachine struct {
	*numberSet
	sign      [2]magnitude // positive, negative
	modulus   int64
	moduli    []int64 // of the steps, scaled by places
	coprime   []int64 // the same without their factors of two and five
	scales    []int
	demanding bool  // some step is not negated
	deepest   int16 // digits behind the point that can matter to a step
	places    int16 // digits behind the point with an exponent
	whole     int16 // digits before the point that have to be counted
	zeros     int16 // zeros behind the point that have to be counted
}

func newNumberMachine(n *numberSet) (*numberMachine, error) {
	m := &numberMachine{numberSet: n, modulus: 1, places: exponentPlaces, whole: exponentWhole, zeros: exponentWhole}
	for _, s := range n.steps {
		digits, _ := new(big.Int).SetString(s.value.digits, 10)
		scale := max(0, len(s.value.digits)-s.value.point)
		digits.Mul(digits, power10(scale-(len(s.value.digits)-s.value.point)))
		combined := new(big.Int).Mul(digits, big.NewInt(m.modulus))
		if digits.IsInt64() {
			combined.Div(combined, new(big.Int).GCD(nil, nil, digits, big.NewInt(m.modulus)))
		}
		limit := int64(maxModulus)
		if n.uncounted() {
			limit = maxWholeModulus
		}
		if !combined.IsInt64() || combined.Int64() > limit {
			return nil, &LimitError{Name: "remainders of multipleOf", Limit: int(limit), Got: clampInt(combined)}
		}
		m.modulus = combined.Int64()
		m.moduli = append(m.moduli, digits.Int64())
		m.coprime = append(m.coprime, coprimeToTen(digits.Int64()))
		m.scales = append(m.scales, scale)
		m.demanding = m.demanding || !s.not
		m.deepest = max(m.deepest, int16(scale))
	}
	if m.modulus > 8 {
		m.places = max(minExponentPlaces, min(exponentPlaces, int16(256/m.modulus)))
	}
	m.places = max(m.places, m.deepest)
	m.sign[0] = positiveMagnitude(n.lower, n.upper)
	upper, lower := n.lower, n.upper // mirrored
	upper.value, lower.value = upper.value.negated(), lower.value.negated()
	m.sign[1] = positiveMagnitude(lower, upper)
	if n.spelling == Canonical {
		m.whole, m.zeros = int16(n.digits), 0
	}
	for _, s := range m.sign {
		for _, b := range [...]bound{s.lower, s.upper} {
			if b.set && !b.value.isZero() {
				m.whole = max(m.whole, int16(b.value.point)+1)
				m.zeros = max(m.zeros, int16(1-b.value.point))
			}
		}
	}
	return m, nil
}

func clampInt(n *big.Int) int {
	if n.IsInt64() {
		return int(n.Int64())
	}
	return int(^uint(0) >> 1)
}

// positiveMagnitude cuts an interval to the numbers that are not negative.
func positiveMagnitude(lower, upper bound) magnitude {
	m := magnitude{lower: lower, upper: upper}
	if upper.set && (upper.value.neg || upper.value.isZero() && upper.exclusive) {
		m.none = true
	}
	if lower.set && lower.value.neg {
		m.lower = bound{}
	}
	m.tracked = m.upper.set || m.lower.set && !m.lower.value.isZero()
	return m
}

func (m *numberMachine) of(s numberState) *magnitude {
	if s.neg {
		return &m.sign[1]
	}
	return &m.sign[0]
}

func (m *numberMachine) step(s numberState, symbol int) (numberState, bool) {
	switch {
	case symbol < 10:
		return m.digit(s, int16(symbol))
	case symbol == symbolMinus && s.phase == atStart:
		s.phase, s.neg = atMinus, true
		return s, !m.sign[1].none
	case symbol == symbolPoint && (s.phase == inZero || s.phase == inWhole):
		s.phase = atPoint
		if m.spelling == Canonical && m.numberSet.places == 0 {
			return s, false
		}
		return m.settled(s)
	case symbol == symbolE && (s.phase == inZero || s.phase == inWhole || s.phase == inFraction):
		if m.spelling == Canonical || s.long {
			return s, false
		}
		lo, hi := m.exponents(s)
		lo, hi = max(lo, -maxExponent), min(hi, maxExponent)
		return numberState{phase: atExponent, exponent: [2]int16{lo, hi}}, lo <= hi
	case (symbol == symbolMinus || symbol == symbolPlus) && s.phase == atExponent:
		s.phase = atSign
		if symbol == symbolMinus {
			s.exponent = [2]int16{-s.exponent[1], -s.exponent[0]}
		}
		s.exponent[0] = max(s.exponent[0], 0)
		return s, s.exponent[0] <= s.exponent[1]
	}
	return s, false
}

func (m *numberMachine) digit(s numberState, d int16) (numberState, bool) {
	switch s.phase {
	case atStart, atMinus:
		if m.of(s).none {
			return s, false
		}
		if d == 0 {
			s.phase = inZero
			return s, true
		}
		s.phase = inWhole
		return m.before(s, d)
	case inWhole:
		return m.before(s, d)
	case atPoint, inFraction:
		s.phase = inFraction
		return m.behind(s, d)
	case atExponent:
		s.exponent[0] = max(s.exponent[0], 0)
		s.phase = inExponent
		return exponentDigit(s, d)
	case atSign:
		s.phase = inExponent
		return exponentDigit(s, d)
	case inExponent, inFree:
		return exponentDigit(s, d)
	}
	return s, false
}

// before reads a digit before the point.
func (m *numberMachine) before(s numberState, d int16) (numberState, bool) {
	s.nonzero = true
	if s.position++; s.position > m.whole {
		if m.spelling == Canonical && !m.uncounted() {
			return s, false
		}
		s.position = m.whole + 1
	}
	s.long = s.long || m.measured(s) && s.position > exponentWhole
	m.compare(&s, d)
	if len(m.steps) == 0 {
		return s, true
	}
	if d == 0 && m.spelling == AnySpelling && !s.long {
		s.low++ // a negative exponent may use up zeros at the end
		return s, true
	}
	s.rest = m.shift(s.rest, int(s.low)+1, int64(d))
	s.low = 0
	return s, true
}

// measured reports whether it matters how long a number is.
func (m *numberMachine) measured(s numberState) bool { return m.of(s).tracked || len(m.steps) > 0 }

// shift returns rest x 10^n + d, modulo.
func (m *numberMachine) shift(rest int32, n int, d int64) int32 {
	r := int64(rest)
	for range n {
		r = r * 10 % m.modulus
	}
	return int32((r + d) % m.modulus)
}

// behind reads a digit behind the point.
func (m *numberMachine) behind(s numberState, d int16) (numberState, bool) {
	if m.spelling == Canonical {
		if s.places++; int(s.places) > m.numberSet.places {
			return s, false
		}
	} else if len(m.steps) > 0 {
		s.places = min(s.places+1, m.useful(s)+1)
	}
	if !s.nonzero && d == 0 {
		if m.measured(s) {
			s.position = max(s.position-1, -m.zeros-1)
			s.long = s.long || -s.position > exponentWhole
		}
		return m.settled(s)
	}
	s.nonzero = true
	m.compare(&s, d)
	if len(m.steps) > 0 && d != 0 {
		if s.places > m.useful(s) { // a multiple of no step
			s.low, s.rest, s.long = -m.places-1, 0, true
		} else {
			s.rest = m.shift(s.rest, int(s.low+s.places), int64(d))
			s.low = -s.places
		}
	}
	return m.settled(s)
}

// useful returns how many digits behind the point may be other than zero in a multiple of
// the steps.
func (m *numberMachine) useful(s numberState) int16 {
	if g := m.of(s); m.spelling == AnySpelling && g.upper.set && m.demanding {
		return max(m.deepest, min(m.places, int16(g.upper.value.point)-s.position+m.deepest))
	}
	return m.places
}

// settled forgets what cannot matter any more, and reports whether anything is left.
func (m *numberMachine) settled(s numberState) (numberState, bool) {
	g := m.of(s)
	if !g.tracked {
		s.position = 0
	}
	needed := int16(-maxExponent) // the least exponent that the steps may admit
	for i, st := range m.steps {
		if !st.not && s.nonzero {
			needed = max(needed, -s.low-int16(m.scales[i]))
		}
	}
	switch {
	case needed > 0 && (s.long || m.spelling == Canonical):
		return s, false
	case needed > 0 && g.upper.set && (g.upper.value.isZero() || int(s.position)+int(needed) > g.upper.value.point):
		return s, false
	}
	return s, true
}

// compare reads one digit of the value, the first of which is not zero.
func (m *numberMachine) compare(s *numberState, d int16) {
	g := m.of(*s)
	for i, b := range [...]*bound{&g.lower, &g.upper} {
		at := s.cmp[i]
		if !b.set || b.value.isZero() || at < 0 {
			continue
		}
		want := int16(0)
		if int(at) < len(b.value.digits) {
			want = int16(b.value.digits[at] - '0')
		}
		switch {
		case d < want:
			at = cmpLess
		case d > want:
			at = cmpGreater
		case int(at) < len(b.value.digits):
			at++
			// From here on equal is as good as greater, or as bad.
			if int(at) == len(b.value.digits) && b.exclusive == (i == 1) {
				at = cmpGreater
			}
		}
		s.cmp[i] = at
	}
}

// exponents returns the interval of the exponents that make what has been read a member;
// no exponent is the same as zero.
func (m *numberMachine) exponents(s numberState) (lo, hi int16) {
	const none = maxExponent + 1
	lo, hi = -none, none
	g := m.of(s)
	if g.none {
		return none, -none
	}
	if !s.nonzero {
		if g.lower.set && (g.lower.exclusive || !g.lower.value.isZero()) {
			return none, -none
		}
		for _, st := range m.steps {
			if st.not {
				return none, -none
			}
		}
		return lo, hi
	}
	if b := g.lower; b.set && !b.value.isZero() {
		lo = int16(b.value.point) - s.position
		if s.cmp[0] != cmpGreater {
			lo++
		}
	}
	if b := g.upper; b.set {
		if b.value.isZero() {
			return none, -none
		}
		hi = int16(b.value.point) - s.position
		if s.cmp[1] == cmpGreater {
			hi--
		}
	}
	for i, st := range m.steps {
		from := m.multipleFrom(s, i)
		if st.not {
			hi = min(hi, from-1)
		} else {
			lo = max(lo, from)
		}
	}
	return lo, hi
}

// multipleFrom returns the least exponent that makes what has been read a multiple of a
// step; greater ones do as well.
func (m *numberMachine) multipleFrom(s numberState, i int) int16 {
	a := m.moduli[i]
	from := -s.low - int16(m.scales[i])
	if s.low < -m.places {
		return maxExponent + 1
	}
	rest := int64(s.rest) % a
	if rest%m.coprime[i] != 0 { // which no power of ten changes
		return maxExponent + 1
	}
	for rest != 0 {
		rest = rest * 10 % a
		from++
	}
	return from
}

// coprimeToTen returns n, which is not 0, without its factors of two and five.
func coprimeToTen(n int64) int64 {
	for _, p := range []int64{2, 5} {
		for n%p == 0 {
			n /= p
		}
	}
	return n
}

func (m *numberMachine) accept(s numberState) bool {
	switch s.phase {
	case inZero, inWhole, inFraction:
		if m.spelling == Canonical && s.neg && !s.nonzero {
			return false
		}
		lo, hi := m.exponents(s)
		return lo <= 0 && 0 <= hi
	case inExponent:
		return s.exponent[0] <= s.value && s.value <= s.exponent[1]
	case inFree:
		return s.value&1 != 0
	}
	return false
}

// exponentDigit reads a digit of an exponent.
func exponentDigit(s numberState, d int16) (numberState, bool) {
	if s.phase == inFree {
		s.value >>= 1
		return s, s.value != 0
	}
	if s.count == 0 && d == 0 {
		return s, true // a leading zero
	}
	if s.count++; s.count > maxExponentDigits {
		return s, false
	}
	s.value = s.value*10 + d
	// If every number with so many more digits is in the interval, or none, only the count
	// matters.
	free := int16(0)
	lo, hi := s.value, s.value
	for k := int16(0); k <= maxExponentDigits-s.count; k++ {
		switch a, b := s.exponent[0], s.exponent[1]; {
		case a <= lo && hi <= b:
			free |= 1 << k
		case hi < a || b < lo:
		default:
			return s, true
		}
		lo, hi = lo*10, hi*10+9
	}
	return numberState{phase: inFree, value: free}, free != 0
}

// key stands for the set.
func (n *numberSet) key() string {
	key := "number " + strconv.Itoa(int(n.spelling)) + " " + strconv.Itoa(n.digits) + " " + strconv.Itoa(n.places)
	for _, b := range [...]bound{n.lower, n.upper} {
		key += " " + strconv.FormatBool(b.set) + strconv.FormatBool(b.exclusive) + b.value.key()
	}
	for _, s := range n.steps {
		key += " " + strconv.FormatBool(s.not) + s.value.key()
	}
	return key
}
