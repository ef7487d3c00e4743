package gbnf

import "slices"

// Trim returns a grammar of the same language without what no text of it can use:
// alternatives and optional parts that derive no finite text, and rules that the root
// does not reach. An engine that walks the result never enters a path without an end.
// Rules are renumbered but keep their order. If nothing is to be left out, g itself is
// returned. The error is Check's. Cost: linear in the grammar.
func Trim(g *Grammar) (*Grammar, error) {
	if err := Check(g); err != nil {
		return nil, err
	}
	lives := Productive(g)
	r := newRewriter(g)
	changed := false
	for i := range r.rules {
		if !lives[i] {
			r.rules[i].Expr = nothing
			continue
		}
		e := mapExpr(r.rules[i].Expr, func(_, e Expr) Expr { return trimNode(e, lives) })
		changed = changed || e != r.rules[i].Expr
		r.rules[i].Expr = e
	}
	return r.dropUnreachable(g, changed), nil
}

// trimNode simplifies a node whose children are trimmed: those that derive no finite text
// are the node nothing.
func trimNode(e Expr, lives []bool) Expr {
	switch n := e.(type) {
	case *Ref:
		if !lives[n.Rule] {
			return nothing
		}
	case *Class:
		if !matchesAny(n) {
			return nothing
		}
	case *Seq:
		for _, item := range n.Items {
			if isNothing(item) {
				return nothing
			}
		}
	case *Alt:
		for _, item := range n.Items {
			if isNothing(item) {
				return choice(n.Items...)
			}
		}
	case *Repeat:
		if isNothing(n.Item) {
			return repeat(n.Item, n.Min, n.Max)
		}
	case *Members:
		return trimMembers(n)
	case *Distinct, *Document:
		if item, _ := unwrap(n); isNothing(item) {
			return nothing
		}
	}
	return e
}

func trimMembers(m *Members) Expr {
	var kept []Member
	for _, item := range m.Items {
		switch {
		case !isNothing(item.Expr):
			kept = append(kept, item)
		case item.Required:
			return nothing
		}
	}
	if isNothing(m.Sep) && m.Min > 1 {
		return nothing
	}
	if isNothing(m.Sep) { // so there can be one member at most
		var one []Expr
		required := 0
		for _, item := range kept {
			if item.Required {
				required++
				one = []Expr{item.Expr}
			} else if required == 0 {
				one = append(one, item.Expr)
			}
		}
		switch required {
		case 0:
			if m.Min == 0 {
				one = append(one, empty)
			}
			return choice(one...)
		case 1:
			return one[0]
		}
		return nothing
	}
	if len(kept) == len(m.Items) {
		return m
	}
	return &Members{Items: kept, Sep: m.Sep, Ordered: m.Ordered, Min: m.Min, Max: m.Max}
}

// dropUnreachable returns the rewritten grammar without rules that its root does not
// reach; the original if nothing was rewritten and everything is reached.
func (r *rewriter) dropUnreachable(original *Grammar, changed bool) *Grammar {
	g := r.grammar()
	reached := Reachable(g)
	if !changed && !slices.Contains(reached, false) {
		return original
	}
	return g.keep(reached)
}

// dropUnused returns the rewritten grammar without those of its new rules, numbered from
// first, that nothing refers to any more.
func (r *rewriter) dropUnused(first int) *Grammar {
	g := r.grammar()
	all := make([]RuleID, first)
	for i := range all {
		all[i] = RuleID(i)
	}
	return g.keep(reachableFrom(g, all))
}

// keep returns the grammar of the rules in the set, which is closed under references.
func (g *Grammar) keep(set []bool) *Grammar {
	number := make([]RuleID, len(g.Rules))
	kept := 0
	for i := range g.Rules {
		number[i] = RuleID(kept)
		if set[i] {
			kept++
		}
	}
	if kept == len(g.Rules) {
		return g
	}
	small := &Grammar{Rules: make([]Rule, 0, kept), Root: number[g.Root]}
	for i, rule := range g.Rules {
		if !set[i] {
			continue
		}
		rule.Expr = mapExpr(rule.Expr, func(_, e Expr) Expr {
			if ref, ok := e.(*Ref); ok && number[ref.Rule] != ref.Rule {
				return &Ref{Rule: number[ref.Rule]}
			}
			return e
		})
		small.Rules = append(small.Rules, rule)
	}
	return small
}
