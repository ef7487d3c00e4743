package regex

import "github.com/callama/callama/grammar/gbnf"

// Whole returns the expression of the texts that the pattern matches from their first to their
// last character, written as themselves: a regular expression as a constraint of its own.
// Rules that it needs are called name. Errors are *Error and *LimitError. A
// pattern that matches nothing gives the empty Alt.
func Whole(name, pattern string, limits Limits) (gbnf.Expr, error) {
	if _, err := Parse(pattern); err != nil {
		return nil, err // as it was written: the group below would repair a lone ")"
	}
	re, err := Parse("^(?:" + pattern + ")$")
	if err != nil {
		return nil, err
	}
	if set, window, ok := re.OneClass(); ok {
		return &gbnf.Repeat{Item: Raw(set), Min: window.Min, Max: window.Max}, nil
	}
	d, err := re.DFA(limits)
	if err != nil {
		if e, ok := re.Expr(Raw); ok { // counts too large for an automaton
			return e, nil
		}
		return nil, err
	}
	e, err := Rules(name, d, RuleOptions{})
	if err != nil || e == nil {
		return gbnf.OneOf(), err
	}
	return e, nil
}
