package gbnf

import "slices"

// cycle is one set of mutually left-recursive rules. After split, the rules satisfy
//
//	B = others(B) | Σ C rest        for the corners (C, rest) of B
//
// a left-linear system. It is solved bottom up: a text of B begins with others(A) of some
// rule A of the cycle and then climbs from A to B, each step from a rule C to a rule B
// whose corner it is reading that corner's rest.
type cycle struct {
	*transform
	rules  []RuleID
	others map[RuleID]Expr
	steps  map[RuleID][]step
	// silent holds for each rule those that it climbs to without reading anything, itself
	// included.
	silent map[RuleID][]RuleID
	climbs map[climb]Expr
}

// step leads from the rule that it is listed under to rule to, reading text: the rest of
// the corner but the empty text.
type step struct {
	to   RuleID
	text Expr
}

type climb struct{ from, to RuleID }

// solve replaces the expressions of the rules of one cycle.
func (t *transform) solve(rules []RuleID) {
	c := &cycle{transform: t, rules: rules,
		others: make(map[RuleID]Expr),
		steps:  make(map[RuleID][]step),
		silent: make(map[RuleID][]RuleID),
		climbs: make(map[climb]Expr),
	}
	c.build()
	for _, b := range rules {
		var parts []Expr
		for _, a := range rules {
			if !isNothing(c.others[a]) {
				parts = append(parts, sequence(c.others[a], c.climb(a, b)))
			}
		}
		body := choice(parts...)
		if t.empty[b] {
			ref := t.solidRef(b).(*Ref)
			t.rewriter.rules[ref.Rule].Expr = body
			body = &Alt{Items: []Expr{ref, empty}}
		}
		t.rewriter.rules[b].Expr = body
	}
}

// build splits the rules and finds the steps between them.
func (c *cycle) build() {
	cycleID := c.component[c.rules[0]]
	quiet := make(map[RuleID][]RuleID)
	// In a cycle of several rules every expression is used once for each of them.
	share := func(e Expr) Expr {
		if len(c.rules) > 1 {
			return c.hoist(e)
		}
		return e
	}
	for _, b := range c.rules {
		c.base = c.rewriter.rules[b].Name
		others, corners := c.split(c.bodies[b], cycleID)
		c.others[b] = share(others)
		for _, k := range corners {
			if nullable(k.rest, c.empty) {
				quiet[k.rule] = append(quiet[k.rule], b)
			}
			if text := c.withoutEmpty(k.rest); !isNothing(text) {
				c.steps[k.rule] = append(c.steps[k.rule], step{b, share(text)})
			}
		}
	}
	for _, x := range c.rules {
		reached := []RuleID{x}
		for i := 0; i < len(reached); i++ {
			for _, y := range quiet[reached[i]] {
				if !slices.Contains(reached, y) {
					reached = append(reached, y)
				}
			}
		}
		c.silent[x] = reached
	}
}

// climb returns an expression for the texts that lead from one rule to another. Its rules
// are right recursive.
func (c *cycle) climb(from, to RuleID) Expr {
	key := climb{from, to}
	if e, ok := c.climbs[key]; ok {
		return e
	}
	arrived := slices.Contains(c.silent[from], to)
	if !slices.ContainsFunc(c.silent[from], func(y RuleID) bool { return len(c.steps[y]) > 0 }) {
		if arrived {
			return empty
		}
		return nothing
	}
	names := c.rewriter.rules
	name := names[to].Name + "-tail"
	if from != to {
		name += "-" + names[from].Name
	}
	id := c.add(name, nil)
	c.grow(arrived)
	c.climbs[key] = &Ref{Rule: id}
	var parts []Expr
	for _, y := range c.silent[from] {
		for _, s := range c.steps[y] {
			parts = append(parts, sequence(s.text, c.climb(s.to, to)))
		}
	}
	if arrived {
		parts = append(parts, empty)
	}
	c.rewriter.rules[id].Expr = choice(parts...)
	return c.climbs[key]
}
