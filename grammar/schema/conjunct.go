package schema

import (
	"slices"
	"unicode/utf8"

	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/internal/ojson"
	"github.com/callama/callama/internal/slab"
)

// conjunct is one alternative of a schema: constraints that hold together. A constraint
// concerns only values of its own kind; kinds says which kinds of values are left.
type conjunct struct {
	mem   *room
	kinds kinds
	own   kinds // parts: kindNull stands for valuePart, kindObject for restPart
	// failed: the last of picked is the failure of a named member.
	failed bool
	dead   func() *Error // why kinds became empty: the first cause met

	// What most conjuncts demand nothing of. Clones share it until one of them changes it, and most never do: own
	// says which parts a conjunct has as its own. They are written through ownValues, ownNumbers, ownStrings,
	// ownArrays and ownRest.
	*valuePart
	*numberPart
	*stringPart
	*arrayPart
	*restPart

	required  []requiredAt
	absent    []string // names that no member has
	objects   []heldFacet
	witnesses []witness   // members that must be there, under names not known yet
	others    [][]witness // the same, among names that are not declared; each list is met by one member
	partition *partition  // of names, once needed

	// picked are the failures that were chosen since base, where negations multiply; see
	// absorb.
	picked []int32
	marks  uint64 // a bit for each of picked, several to a bit; see absorbed
	base   int
}

// valuePart are the values that a conjunct lists or excludes.
type valuePart struct {
	hasEnum bool
	enum    []*ojson.Value // allowed values, when hasEnum
	enumAt  place
	must    []term // what each listed value must meet besides

	denied   []*ojson.Value // null, booleans, numbers and strings that are excluded
	deniedAt place
}

// numberPart is what a conjunct demands of numbers.
type numberPart struct {
	lower, upper bound
	steps        []step
	// bare demands that integers are written without a fraction or exponent. In draft 4,
	// section 3.5 of its core, 1.0 is none.
	bare bool
}

// stringPart is what a conjunct demands of strings.
type stringPart struct {
	length   span // in code points
	patterns []patternAt
	text     *language // of strings with patterns, after finish
}

// arrayPart is what a conjunct demands of arrays.
type arrayPart struct {
	count    span // of items
	arrays   []arrayFacet
	contains []heldContains
	unique   *place // items are distinct
}

// restPart is what few conjuncts have.
type restPart struct {
	members span    // number of members
	names   []term  // what the names are valid under
	scopes  []scope // of schemas with unevaluatedProperties or unevaluatedItems, outermost first

	// blocked are unsupported keywords, by the kinds of values that they concern: an
	// error only if such a value is left when everything else is known.
	blocked []blocked
}

// The parts of conjuncts that demand nothing; they are never written to.
var (
	anyValues  = &valuePart{}
	anyNumbers = &numberPart{}
	anyStrings = &stringPart{length: span{max: -1}}
	anyArrays  = &arrayPart{count: span{max: -1}}
	anyRest    = &restPart{members: span{max: -1}}
)

// ownValues returns the part about values for changes.
func (c *conjunct) ownValues() *valuePart {
	if own(c, kindNull, &c.valuePart, &c.mem.values) {
		c.must, c.denied = slices.Clip(c.must), slices.Clip(c.denied)
	}
	return c.valuePart
}

// ownRest returns what few conjuncts have for changes.
func (c *conjunct) ownRest() *restPart {
	if own(c, kindObject, &c.restPart, &c.mem.rest) {
		c.names, c.scopes, c.blocked = slices.Clip(c.names), slices.Clip(c.scopes), slices.Clip(c.blocked)
	}
	return c.restPart
}

// block notes a keyword that is not supported.
func (c *conjunct) block(k kinds, err *Error) {
	r := c.ownRest()
	r.blocked = append(r.blocked, blocked{k, err})
}

// ownNumbers returns the part about numbers for changes.
func (c *conjunct) ownNumbers() *numberPart {
	if own(c, kindNumber, &c.numberPart, &c.mem.numbers) {
		c.steps = slices.Clip(c.steps)
	}
	return c.numberPart
}

// ownStrings returns the part about strings for changes.
func (c *conjunct) ownStrings() *stringPart {
	if own(c, kindString, &c.stringPart, &c.mem.strings) {
		c.patterns = slices.Clip(c.patterns)
	}
	return c.stringPart
}

// ownArrays returns the part about arrays for changes.
func (c *conjunct) ownArrays() *arrayPart {
	if own(c, kindArray, &c.arrayPart, &c.mem.arrays) {
		c.arrays, c.contains = slices.Clip(c.arrays), slices.Clip(c.contains)
	}
	return c.arrayPart
}

// own gives a conjunct a copy of a part that it shares, and reports whether it did.
func own[T any](c *conjunct, k kinds, part **T, copies *slab.Slab[T]) bool {
	if c.own&k != 0 {
		return false
	}
	p := copies.One()
	*p = **part
	*part, c.own = p, c.own|k
	return true
}

// place is a keyword at a location, kept to make an error from if need be.
type place struct {
	l       *location
	keyword string
}

func (p place) fail(code Code, format string, args ...any) *Error {
	return p.l.fail(code, p.keyword, format, args...)
}

// unsupported is the refusal of the whole keyword.
func (p place) unsupported() *Error {
	return &Error{Code: ErrUnsupported, Pointer: ojson.AppendPointer(p.l.pointer(), p.keyword), Keyword: p.keyword}
}

// bound is a lower or upper bound of numbers.
type bound struct {
	set       bool
	value     decimal
	exclusive bool
	at        place
}

// span is a range of counts; max < 0 means no upper bound.
type span struct {
	min, max     int
	minAt, maxAt place
}

func (s *span) atLeast(n int, at place) {
	if n > s.min {
		s.min, s.minAt = n, at
	}
}

func (s *span) atMost(n int, at place) {
	if s.max < 0 || n < s.max {
		s.max, s.maxAt = n, at
	}
}

func (s *span) empty() bool { return s.max >= 0 && s.min > s.max }

type patternAt struct {
	p   *pattern
	at  place
	not bool // the string does not match
}

type requiredAt struct {
	name string
	at   place
}

type blocked struct {
	kinds kinds
	err   *Error
}

func (r *room) newConjunct() *conjunct {
	c := r.conjuncts.One()
	c.mem, c.kinds = r, kindAny
	c.valuePart, c.numberPart, c.stringPart, c.arrayPart, c.restPart = anyValues, anyNumbers, anyStrings, anyArrays, anyRest
	return c
}

// clone returns a copy that can be narrowed independently. The parts are those of neither from now on.
func (c *conjunct) clone() *conjunct {
	d := c.mem.conjuncts.One()
	c.own = 0
	*d = *c
	d.required = slices.Clip(d.required)
	d.absent = slices.Clip(d.absent)
	d.objects = slices.Clip(d.objects)
	d.witnesses = slices.Clip(d.witnesses)
	d.others = slices.Clone(d.others)
	d.picked = slices.Clip(d.picked)
	return d
}

// restrict removes all other kinds. If nothing is left, why becomes the cause.
func (c *conjunct) restrict(k kinds, why func() *Error) {
	if c.kinds == 0 {
		return
	}
	if c.kinds &= k; c.kinds == 0 {
		c.dead = why
	}
}

// raise and lower tighten the bounds of numbers.
func (c *conjunct) raise(b bound) {
	cmp := b.value.compare(c.lower.value)
	if !c.lower.set || cmp > 0 || (cmp == 0 && b.exclusive) {
		c.ownNumbers().lower = b
	}
}

func (c *conjunct) reduce(b bound) {
	cmp := b.value.compare(c.upper.value)
	if !c.upper.set || cmp < 0 || (cmp == 0 && b.exclusive) {
		c.ownNumbers().upper = b
	}
}

// admits reports whether a number lies within the bounds.
func (c *conjunct) admits(d decimal) bool {
	if c.lower.set {
		if cmp := d.compare(c.lower.value); cmp < 0 || (cmp == 0 && c.lower.exclusive) {
			return false
		}
	}
	if c.upper.set {
		if cmp := d.compare(c.upper.value); cmp > 0 || (cmp == 0 && c.upper.exclusive) {
			return false
		}
	}
	return c.admitsSteps(d)
}

// intersectEnum keeps the values that both enumerations hold.
func (c *conjunct) intersectEnum(values []*ojson.Value, at place) {
	own := c.ownValues()
	if !own.hasEnum {
		own.hasEnum, own.enum, own.enumAt = true, values, at
		return
	}
	var in valueSet
	for _, v := range values {
		in.add(v)
	}
	var both []*ojson.Value
	for _, v := range own.enum {
		if in.has(v) {
			both = append(both, v)
		}
	}
	own.enum, own.enumAt = both, at
}

// finish settles a conjunct once every constraint is in it: it filters enumerations,
// removes kinds that are impossible, and reports unsupported keywords that matter.
func (c *Compiler) finish(j *conjunct) error {
	if j.kinds == 0 {
		return nil
	}
	if j.hasEnum {
		if err := c.filterEnum(j); err != nil {
			return err
		}
	} else if err := c.settle(j); err != nil {
		return err
	}
	for _, b := range j.blocked {
		if j.kinds&b.kinds != 0 {
			if err := c.refused(b.err); err != nil {
				return err
			}
		}
	}
	return nil
}

// filterEnum keeps the values that the other constraints admit.
func (c *Compiler) filterEnum(j *conjunct) error {
	left := make([]*ojson.Value, 0, len(j.enum))
	var seen valueSet
	var of kinds
	for _, v := range j.enum {
		if !seen.add(v) {
			continue
		}
		ok, err := c.admits(j, v)
		if err != nil {
			return err
		}
		if ok {
			left = append(left, v)
			of |= kindOf(v)
		}
	}
	j.ownValues().enum = left
	j.restrict(of, func() *Error {
		return j.enumAt.fail(ErrUnsatisfiable, "no listed value satisfies the rest of the schema")
	})
	return nil
}

// settle removes the kinds for which the constraints contradict each other.
func (c *Compiler) settle(j *conjunct) error {
	if j.kinds&kindNumber != 0 && j.lower.set && j.upper.set {
		cmp := j.lower.value.compare(j.upper.value)
		if cmp > 0 || (cmp == 0 && (j.lower.exclusive || j.upper.exclusive)) {
			j.restrict(^kindNumber, func() *Error { return j.upper.at.fail(ErrUnsatisfiable, "the bounds exclude each other") })
		} else if j.kinds&kindNumber == kindInteger {
			if lo, hi := integerBounds(j, c.lim.IntegerDigits); lo.Cmp(hi) > 0 {
				j.restrict(^kindNumber, func() *Error { return j.upper.at.fail(ErrUnsatisfiable, "no integer lies within the bounds") })
			}
		}
	}
	if err := c.settleSteps(j); err != nil {
		return err
	}
	if j.kinds&kindString != 0 {
		if err := c.settleText(j); err != nil {
			return err
		}
	}
	if j.count.empty() {
		j.restrict(^kindArray, func() *Error { return j.count.maxAt.fail(ErrUnsatisfiable, "minItems is greater") })
	}
	c.settleDenied(j)
	c.settleMembers(j)
	return nil
}

func (c *Compiler) settleText(j *conjunct) error {
	if j.length.empty() {
		j.restrict(^kindString, func() *Error { return j.length.maxAt.fail(ErrUnsatisfiable, "minLength is greater") })
		return nil
	}
	if len(j.patterns) == 0 && !j.deniesText() {
		return nil
	}
	text, err := c.language(j)
	if err != nil {
		return err
	}
	if j.ownStrings().text = text; text == nil {
		at := j.deniedAt
		if n := len(j.patterns); n > 0 {
			at = j.patterns[n-1].at
		}
		j.restrict(^kindString, func() *Error { return at.fail(ErrUnsatisfiable, "no string matches within the lengths") })
	}
	return nil
}

// admits reports whether a value satisfies the constraints of a conjunct other than its
// enumeration.
func (c *Compiler) admits(j *conjunct, v *ojson.Value) (bool, error) {
	k := kindOf(v)
	if j.kinds&k == 0 {
		return false, nil
	}
	if j.denies(v) {
		return false, nil
	}
	for _, t := range j.must {
		if ok, err := c.holds(t, v); !ok || err != nil {
			return false, err
		}
	}
	switch k {
	case kindInteger, kindFraction:
		d, err := parseDecimal(v.Text)
		if err != nil {
			return false, j.enumAt.fail(ErrLimit, "%w", err)
		}
		return j.admits(d), nil
	case kindString:
		return c.admitsText(j, v.Text)
	case kindArray:
		return c.admitsArray(j, v)
	case kindObject:
		return c.admitsObject(j, v)
	}
	return true, nil
}

func (c *Compiler) admitsText(j *conjunct, s string) (bool, error) {
	n := utf8.RuneCountInString(s)
	if n < j.length.min || (j.length.max >= 0 && n > j.length.max) {
		return false, nil
	}
	for _, p := range j.patterns {
		d, err := p.p.automaton(c)
		if err != nil {
			return false, p.failed(err)
		}
		if d.Match(s) == p.not {
			return false, nil
		}
	}
	return true, nil
}

// pattern is a parsed pattern with its automaton, made when first needed.
type pattern struct {
	re     *regex.Regex // nil: the automaton is given, or of a format
	format *format
	key    string // the pattern as written, or a text that stands for it
	local  bool   // the key means nothing to other compilers
	dfa    *regex.DFA
	other  *regex.DFA // the complement
	err    error
}

// without returns the automaton of the strings that do not match.
func (p *pattern) without(c *Compiler) (*regex.DFA, error) {
	if p.format != nil {
		return p.format.outside(), nil
	}
	d, err := p.automaton(c)
	if err == nil && p.other == nil {
		key := "not " + p.key
		if p.local {
			key = ""
		}
		p.other, err = c.automatonOf(key, func() (*regex.DFA, error) { return d.Complement(), nil })
	}
	return p.other, err
}

// signed returns the automaton of the strings that are to match, or not to.
func (p patternAt) signed(c *Compiler) (*regex.DFA, error) {
	if p.not {
		return p.p.without(c)
	}
	return p.p.automaton(c)
}

func (p *pattern) automaton(c *Compiler) (*regex.DFA, error) {
	if p.format != nil {
		return p.format.members(), nil
	}
	if p.dfa == nil && p.err == nil {
		p.dfa, p.err = c.automatonOf("is "+p.key, func() (*regex.DFA, error) { return p.re.DFA(c.lim.Pattern) })
	}
	return p.dfa, p.err
}

func (p patternAt) failed(err error) *Error { return p.at.fail(ErrLimit, "%w", err) }
