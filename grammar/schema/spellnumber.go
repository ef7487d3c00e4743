package schema

import (
	"fmt"

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
		return c.numberRules(c.numbers(j))
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

// numbers returns the set of the numbers that a conjunct admits.
func (c *Compiler) numbers(j *conjunct) *numberSet {
	set := &numberSet{lower: j.lower, upper: j.upper, steps: j.steps, spelling: c.opts.Spelling}
	set.lower.at, set.upper.at = place{}, place{}
	one := decimal{digits: "1", point: 1}
	switch j.kinds & kindNumber {
	case kindInteger:
		set.steps = append(set.steps[:len(set.steps):len(set.steps)], step{value: one})
	case kindFraction:
		set.steps = append(set.steps[:len(set.steps):len(set.steps)], step{value: one, not: true})
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

// numberRules writes a set of numbers as a shared rule.
func (c *Compiler) numberRules(n *numberSet) (gbnf.Expr, error) {
	e, err := sharedLanguages[n.spelling].get(n.key(), func() (*gbnf.State, int, error) {
		d, err := c.numberAutomaton(n)
		if err != nil {
			return nil, 0, err
		}
		e, err := regex.Rules("number", d, regex.RuleOptions{})
		if err != nil {
			return nil, 0, &Error{Code: ErrLimit, Keyword: "multipleOf", Err: err}
		}
		return e, d.States(), nil
	})
	if err != nil {
		return nil, err
	}
	if e == nil {
		return gbnf.OneOf(), nil
	}
	return e, nil
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
			if e, err := c.numberRules(&numberSet{lower: exact, upper: exact, spelling: c.opts.Spelling}); err == nil {
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
	d, err := c.numberAutomaton(c.numbers(j))
	if err != nil {
		return err
	}
	if d.Empty() {
		at := j.steps[len(j.steps)-1].at
		j.restrict(^kindNumber, func() *Error { return at.fail(ErrUnsatisfiable, "no multiple lies within the bounds") })
	}
	return nil
}
