package gbnf

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Check reports the first thing that makes g unusable: a rule without an expression, a
// reference to no rule, bounds or ranges that are reversed (each a *RuleError), or a root
// that derives no finite text (ErrEmptyLanguage). Unproductive and unreachable rules are
// no errors: see Productive, Reachable and Trim. Cost: linear in the grammar.
func Check(g *Grammar) error {
	if err := CheckRules(g); err != nil {
		return err
	}
	if !Productive(g)[g.Root] {
		return ErrEmptyLanguage
	}
	return nil
}

// CheckRules is Check without looking for texts: it finds rule trees that are malformed.
func CheckRules(g *Grammar) error {
	if g == nil || len(g.Rules) == 0 {
		return &RuleError{Msg: "a grammar without rules"}
	}
	if g.Root < 0 || int(g.Root) >= len(g.Rules) {
		return &RuleError{Msg: fmt.Sprintf("the root is rule number %d of %d", g.Root, len(g.Rules))}
	}
	c := checker{rules: len(g.Rules)}
	for i := range g.Rules {
		rule := &g.Rules[i]
		if rule.Expr == nil {
			return &RuleError{Rule: rule.Name, Msg: "declared but never defined"}
		}
		if msg := c.expr(rule.Expr); msg != "" {
			return &RuleError{Rule: rule.Name, Msg: msg}
		}
		if c.nodes > maxNodes {
			return &LimitError{Name: "expression nodes", Limit: maxNodes, Got: c.nodes}
		}
	}
	return nil
}

// maxNodes bounds a grammar's expression nodes, each counted as often as it is used:
// everything here walks expressions as trees, and a small graph of shared nodes can be a
// tree without end.
const maxNodes = 1 << 24

// checker counts the nodes that it sees.
type checker struct{ rules, nodes int }

// expr returns what is wrong with e, "" for nothing; it stops above maxNodes.
func (c *checker) expr(e Expr) string {
	if c.nodes++; c.nodes > maxNodes {
		return ""
	}
	switch e := e.(type) {
	case nil:
		return "a nil expression"
	case *Class:
		for _, r := range e.Ranges {
			if r.Lo < 0 || r.Hi > utf8.MaxRune || r.Hi < r.Lo {
				return fmt.Sprintf("class range %#x-%#x", r.Lo, r.Hi)
			}
		}
	case *Ref:
		if e.Rule < 0 || int(e.Rule) >= c.rules {
			return fmt.Sprintf("reference to rule number %d of %d", e.Rule, c.rules)
		}
	case *Seq:
		return c.exprs(e.Items)
	case *Alt:
		return c.exprs(e.Items)
	case *Repeat:
		if e.Min < 0 || e.Max >= 0 && e.Max < e.Min {
			return fmt.Sprintf("repetition {%d,%d}", e.Min, e.Max)
		}
		return c.expr(e.Item)
	case *State:
		if e.Of == nil || e.N < 0 {
			return "a state of no machine"
		}
	case *Token:
		if e.Name == "" && e.ID < 0 {
			return fmt.Sprintf("token id %d", e.ID)
		}
	case *Members:
		if e.Sep == nil {
			return "members without a separator"
		}
		if e.Min < 0 || e.Max < 0 || e.Max > 0 && e.Max < e.Min {
			return fmt.Sprintf("from %d to %d members", e.Min, e.Max)
		}
		for i := range e.Items {
			if msg := c.expr(e.Items[i].Expr); msg != "" || c.nodes > maxNodes {
				return msg
			}
		}
		return c.expr(e.Sep)
	case *Distinct:
		return c.expr(e.Item)
	case *Document:
		return c.expr(e.Item)
	}
	return ""
}

func (c *checker) exprs(items []Expr) string {
	for _, it := range items {
		if msg := c.expr(it); msg != "" || c.nodes > maxNodes {
			return msg
		}
	}
	return ""
}

// children calls visit for each direct child of e until it returns false.
func children(e Expr, visit func(Expr) bool) {
	var items []Expr
	switch e := e.(type) {
	case *Seq:
		items = e.Items
	case *Alt:
		items = e.Items
	case *Repeat:
		visit(e.Item)
		return
	case *Members:
		for _, m := range e.Items {
			if !visit(m.Expr) {
				return
			}
		}
		visit(e.Sep)
		return
	case *Distinct, *Document:
		item, _ := unwrap(e)
		visit(item)
		return
	}
	for _, item := range items {
		if !visit(item) {
			return
		}
	}
}

// Walk calls visit for e and every expression inside it, not for the rules that they refer
// to.
func Walk(e Expr, visit func(Expr)) {
	visit(e)
	children(e, func(c Expr) bool {
		Walk(c, visit)
		return true
	})
}

// eachRef calls visit for every reference inside e.
func eachRef(e Expr, visit func(RuleID)) {
	if ref, ok := e.(*Ref); ok {
		visit(ref.Rule)
		return
	}
	children(e, func(c Expr) bool {
		eachRef(c, visit)
		return true
	})
}

// Nullable tells for each rule whether it derives the empty text. Cost: linear in the grammar.
func Nullable(g *Grammar) []bool { return fixpoint(g, nullable) }

// Productive tells for each rule whether it derives any finite text. A rule that does
// not, such as a ::= "x" a, can be entered but never left. Cost: linear in the grammar.
func Productive(g *Grammar) []bool { return fixpoint(g, productive) }

// Reachable tells for each rule whether the root refers to it, directly or not.
func Reachable(g *Grammar) []bool { return reachableFrom(g, []RuleID{g.Root}) }

func reachableFrom(g *Grammar, start []RuleID) []bool {
	seen := make([]bool, len(g.Rules))
	todo := slices.Clone(start)
	for _, id := range start {
		seen[id] = true
	}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		eachRef(g.Rules[id].Expr, func(r RuleID) {
			if !seen[r] {
				seen[r] = true
				todo = append(todo, r)
			}
		})
	}
	return seen
}

// fixpoint is the least set of rules closed under holds, which must be monotone in the
// set. A rule is looked at again only when one that it refers to has joined.
func fixpoint(g *Grammar, holds func(Expr, []bool) bool) []bool {
	set := make([]bool, len(g.Rules))
	users := make([][]RuleID, len(g.Rules))
	todo := make([]RuleID, len(g.Rules))
	for i := range g.Rules {
		eachRef(g.Rules[i].Expr, func(r RuleID) { users[r] = append(users[r], RuleID(i)) })
		todo[len(todo)-1-i] = RuleID(i)
	}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if set[id] || !holds(g.Rules[id].Expr, set) {
			continue
		}
		set[id] = true
		todo = append(todo, users[id]...)
		users[id] = nil
	}
	return set
}

// nullable reports whether e derives the empty text, given the rules that do.
func nullable(e Expr, rules []bool) bool {
	switch e := e.(type) {
	case *Literal:
		return e.Text == ""
	case *State:
		return e.Of.Shortest(e.N) == 0
	case *Ref:
		return rules[e.Rule]
	case *Seq:
		for _, item := range e.Items {
			if !nullable(item, rules) {
				return false
			}
		}
		return true
	case *Alt:
		for _, item := range e.Items {
			if nullable(item, rules) {
				return true
			}
		}
	case *Repeat:
		return e.Min == 0 || nullable(e.Item, rules)
	case *Members:
		return nullableMembers(e, rules)
	case *Distinct, *Document:
		item, _ := unwrap(e)
		return nullable(item, rules)
	}
	return false
}

// nullableMembers: the list is empty when no member appears, or when all that must
// appear are empty, as is the separator between them.
func nullableMembers(m *Members, rules []bool) bool {
	required, some := 0, false
	for _, item := range m.Items {
		some = some || nullable(item.Expr, rules)
		if item.Required {
			required++
			if !nullable(item.Expr, rules) {
				return false
			}
		}
	}
	if m.Min > 0 && !some {
		return false
	}
	return max(required, m.Min) <= 1 || nullable(m.Sep, rules)
}

// productiveMembers: those that must appear can, and enough others can beside them.
func productiveMembers(m *Members, rules []bool) bool {
	required, available := 0, 0
	for _, item := range m.Items {
		live := productive(item.Expr, rules)
		switch {
		case item.Required && !live:
			return false
		case live && item.Repeat:
			available = max(available, m.Min) + 1
		case live:
			available++
		}
		if item.Required {
			required++
		}
	}
	if available < m.Min || m.Max > 0 && required > m.Max {
		return false
	}
	return max(required, m.Min) <= 1 || productive(m.Sep, rules)
}

// productive reports whether e derives any finite text, given the rules that do.
func productive(e Expr, rules []bool) bool {
	switch e := e.(type) {
	case *Literal, *Token:
		return true
	case *State:
		return e.Of.Shortest(e.N) < NoText
	case *Class:
		return matchesAny(e)
	case *Ref:
		return rules[e.Rule]
	case *Seq:
		for _, item := range e.Items {
			if !productive(item, rules) {
				return false
			}
		}
		return true
	case *Alt:
		for _, item := range e.Items {
			if productive(item, rules) {
				return true
			}
		}
	case *Repeat:
		return e.Min == 0 || productive(e.Item, rules)
	case *Members:
		return productiveMembers(e, rules)
	case *Distinct, *Document:
		item, _ := unwrap(e)
		return productive(item, rules)
	}
	return false
}

// matchesAny reports whether the class holds a code point that is not a surrogate.
func matchesAny(c *Class) bool {
	if !c.Negated {
		for _, r := range c.Ranges {
			if r.Lo < 0xD800 || r.Hi > 0xDFFF {
				return true
			}
		}
		return false
	}
	// Negated: the ranges must leave a gap in one of the two blocks around the surrogates.
	return !covers(c.Ranges, 0, 0xD7FF) || !covers(c.Ranges, 0xE000, utf8.MaxRune)
}

// covers reports whether the ranges together hold every code point of [lo, hi].
func covers(ranges []Range, lo, hi rune) bool {
	for next := lo; next <= hi; {
		end := rune(-1)
		for _, r := range ranges {
			if r.Lo <= next && next <= r.Hi {
				end = max(end, r.Hi)
			}
		}
		if end < 0 {
			return false
		}
		next = end + 1
	}
	return true
}
