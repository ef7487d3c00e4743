package schema

import (
	"fmt"
	"slices"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// number returns the expression of the numbers that a conjunct admits. Canonical numbers
// without steps are written by numbers.go, whose rules are smaller; all others from an
// automaton.
func (c *Compiler) number(j *conjunct) (gbnf.Expr, error) {
	n, f := c.lim.IntegerDigits, c.lim.FractionDigits
	fractions := j.kinds&kindFraction != 0
	bounded := j.lower.set || j.upper.set
	switch {
	case c.opts.Spelling != Canonical && fractions && j.kinds&kindInteger != 0 && !bounded && len(j.steps) == 0:
		return c.opts.Spelling.rule("number", anyNumber), nil
	case c.opts.Spelling != Canonical || len(j.steps) > 0 || j.kinds&kindNumber == kindFraction:
		e, err := c.stepped(j)
		if e == nil && err == nil {
			e = gbnf.OneOf()
		}
		return e, err
	case fractions && bounded:
		return decimalRange(j, n, f), nil
	case fractions:
		return c.opts.Spelling.rule(fmt.Sprintf("number %d %d", n, f), func() gbnf.Expr { return freeNumber(n, f) }), nil
	case bounded:
		return integerRange(integerBounds(j, n)), nil
	}
	return c.opts.Spelling.rule(fmt.Sprintf("integer %d", n), func() gbnf.Expr { return freeInteger(n) }), nil
}

// anyNumber is every number that JSON can write.
func anyNumber() gbnf.Expr {
	return gbnf.Concat(gbnf.Opt(gbnf.Lit("-")), gbnf.OneOf(gbnf.Lit("0"), gbnf.Concat(gbnf.Set('1', '9'), digits(0, -1))),
		gbnf.Opt(gbnf.Concat(gbnf.Lit("."), digits(1, -1))),
		gbnf.Opt(gbnf.Concat(gbnf.Set('E', 'E', 'e', 'e'), gbnf.Opt(gbnf.Set('+', '+', '-', '-')), digits(1, -1))))
}

// numbers returns the set of the numbers that a conjunct admits, or nil if its steps leave none.
func (c *Compiler) numbers(j *conjunct) *numberSet {
	set := &numberSet{lower: j.lower, upper: j.upper, steps: j.steps, spelling: c.opts.Spelling}
	if j.bare && j.kinds&kindFraction == 0 {
		set.spelling = Canonical // of any number of digits
	}
	set.lower.at, set.upper.at = place{}, place{}
	one := decimal{digits: "1", point: 1}
	switch j.kinds & kindNumber {
	case kindInteger:
		set.steps = append(set.steps[:len(set.steps):len(set.steps)], step{value: one})
	case kindFraction:
		set.steps = append(set.steps[:len(set.steps):len(set.steps)], step{value: one, not: true})
	}
	var some bool
	if set.steps, some = fewerSteps(set.steps); !some {
		return nil
	}
	if c.opts.Spelling == Canonical {
		set.digits, set.places = c.lim.IntegerDigits, c.lim.FractionDigits
		for _, s := range set.steps {
			if !s.not {
				set.places = min(set.places, len(s.value.fraction()))
			}
		}
	}
	return set
}

// stepped writes the numbers that a conjunct admits; nil if there are none. In canonical
// spelling, where an integer has no fraction, those that are no multiples of integers are
// the integers that are none, and all fractions.
func (c *Compiler) stepped(j *conjunct) (gbnf.Expr, error) {
	apart := c.opts.Spelling == Canonical && j.kinds&kindNumber == kindNumber && len(j.steps) > 0 &&
		!slices.ContainsFunc(j.steps, func(s step) bool { return !s.not || !s.value.isInteger() })
	if !apart {
		return c.numberRules(c.numbers(j))
	}
	whole, part := *j, *j
	whole.kinds, part.kinds = kindInteger, kindFraction
	without := *j.numberPart
	without.steps = nil
	part.numberPart = &without
	var alts []gbnf.Expr
	for _, k := range [...]*conjunct{&whole, &part} {
		e, err := c.numberRules(c.numbers(k))
		if err != nil {
			return nil, err
		}
		alts = appendExpr(alts, e)
	}
	return oneOfOrNil(alts), nil
}

// numberRules writes a set of numbers as a shared rule. It returns nil if there are none, as in no set.
func (c *Compiler) numberRules(n *numberSet) (gbnf.Expr, error) {
	if n == nil {
		return nil, nil
	}
	if n.spelling == Canonical && n.places == 0 && len(n.steps) > 0 {
		return c.integerRules(n)
	}
	e, err := c.numberState(n, nil)
	if e == nil {
		return nil, err
	}
	return e, nil
}

// integerRules writes a set of integers: those of each sign, with their digits counted
// beside the automaton, which holds their remainders.
func (c *Compiler) integerRules(n *numberSet) (gbnf.Expr, error) {
	var alts []gbnf.Expr
	zero := bound{set: true}
	for _, neg := range [...]bool{true, false} {
		part := &numberSet{lower: n.lower, upper: n.upper, steps: n.steps, spelling: n.spelling}
		if neg {
			part.lower, part.upper = n.upper, n.lower
			part.lower.value, part.upper.value = n.upper.value.negated(), n.lower.value.negated()
		}
		if !part.lower.set || part.lower.value.neg || part.lower.value.isZero() {
			exclusive := part.lower.set && part.lower.value.isZero() && part.lower.exclusive
			part.lower = zero
			part.lower.exclusive = neg && c.opts.Spelling == Canonical || exclusive // -0 is not canonical
		}
		if part.upper.set && part.upper.value.neg {
			continue
		}
		window := &regex.Window{Max: max(n.digits, part.lower.value.point+1)}
		if part.upper.set || n.digits == 0 {
			window = nil // upper bounds the digits, or nothing does
		}
		e, err := c.numberState(part, window)
		if err != nil {
			return nil, err
		}
		switch {
		case e == nil:
		case neg:
			alts = append(alts, gbnf.Concat(gbnf.Lit("-"), e))
		default:
			alts = append(alts, e)
		}
	}
	return oneOfOrNil(alts), nil
}

// numberState returns the rule of a set's automaton, or nil if there are no numbers.
func (c *Compiler) numberState(n *numberSet, window *regex.Window) (*gbnf.State, error) {
	key := n.key()
	if window != nil {
		key = fmt.Sprintf("%s within %d", key, window.Max)
	}
	return sharedLanguages[n.spelling].get(key, func() (*gbnf.State, int, error) {
		d, err := c.numberAutomaton(n)
		if err != nil {
			return nil, 0, err
		}
		e, err := regex.Rules("number", d, regex.RuleOptions{Length: window})
		if err != nil {
			return nil, 0, &Error{Code: ErrLimit, Keyword: "multipleOf", Err: err}
		}
		return e, d.States() + 1, nil
	})
}

func (c *Compiler) numberAutomaton(n *numberSet) (*regex.DFA, error) {
	d, err := c.automatonOf(n.key(), func() (*regex.DFA, error) { return n.dfa(c.lim.Pattern) })
	if err != nil {
		for _, s := range n.steps {
			if s.at.l != nil {
				return nil, s.at.fail(ErrLimit, "%w", err)
			}
		}
		return nil, &Error{Code: ErrLimit, Err: err}
	}
	return d, nil
}

// fixedNumber returns the expression of one number.
func (c *Compiler) fixedNumber(text string) gbnf.Expr {
	if c.opts.Spelling != Canonical {
		if d, err := parseDecimal(text); err == nil {
			exact := bound{set: true, value: d}
			if e, err := c.numberRules(&numberSet{lower: exact, upper: exact, spelling: c.opts.Spelling}); err == nil && e != nil {
				return e
			}
		}
	}
	return gbnf.Lit(spellNumber(text))
}

// admitsSteps reports whether a number meets the steps.
func (c *conjunct) admitsSteps(d decimal) bool {
	for _, s := range c.steps {
		if d.multipleOf(s.value) == s.not {
			return false
		}
	}
	return true
}

// settleSteps finds out whether any number is left between the bounds.
func (c *Compiler) settleSteps(j *conjunct) error {
	if len(j.steps) == 0 || j.kinds&kindNumber == 0 {
		return nil
	}
	e, err := c.stepped(j)
	if err != nil {
		return err
	}
	if e == nil {
		at := j.steps[len(j.steps)-1].at
		j.restrict(^kindNumber, func() *Error { return at.fail(ErrUnsatisfiable, "no multiple lies within the bounds") })
	}
	return nil
}
