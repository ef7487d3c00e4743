package gbnf

import "slices"

// EliminateLeftRecursion returns a grammar of exactly the same language in which no rule
// is left recursive and no item that may be empty is repeated, so that a parser on
// stacks, or llama.cpp, can run it. If g is already so, g itself is returned. Rules keep
// their numbers and names; new ones are appended. A *LimitError says that the recursion
// runs through Members in any order, too many to be written out, a *RuleError that it runs
// through Distinct or Document nodes.
//
// The method is the left-corner transformation (Moore, "Removing left recursion from
// context-free grammars", NAACL 2000) on expressions instead of productions, restricted
// to the rules that are left recursive, after taking the empty text out of them. Cost:
// linear if nothing is to be done; otherwise quadratic in the rules of one cycle.
func EliminateLeftRecursion(g *Grammar) (*Grammar, error) {
	for i := range g.Rules {
		if g.Rules[i].Expr == nil {
			return nil, &RuleError{Rule: g.Rules[i].Name, Msg: "declared but never defined"}
		}
	}
	empty := Nullable(g)
	component := cycles(g, empty)
	if !slices.ContainsFunc(component, func(c int) bool { return c >= 0 }) && !repeatsEmpty(g, empty) {
		return g, nil
	}
	g, err := Expand(g)
	if err != nil {
		return nil, err
	}
	empty = Nullable(g)
	component = cycles(g, empty)
	r := newRewriter(g)
	if err := r.expandCorners(component, empty); err != nil {
		return nil, err
	}
	if err := r.eliminate(); err != nil {
		return nil, err
	}
	return r.dropUnused(len(g.Rules)), nil
}

// repeatsEmpty reports whether any rule repeats an item that may be empty.
func repeatsEmpty(g *Grammar, empty []bool) bool {
	return slices.ContainsFunc(g.Rules, func(rule Rule) bool { return findRepeatedEmpty(rule.Expr, empty) })
}

func findRepeatedEmpty(e Expr, empty []bool) bool {
	if rep, ok := e.(*Repeat); ok && isRepeatedEmpty(rep, empty) {
		return true
	}
	found := false
	children(e, func(c Expr) bool {
		found = findRepeatedEmpty(c, empty)
		return !found
	})
	return found
}

// isRepeatedEmpty: an optional item may be empty, there is nothing to loop in.
func isRepeatedEmpty(rep *Repeat, empty []bool) bool {
	return (rep.Max < 0 || rep.Max > 1) && nullable(rep.Item, empty)
}

// expandCorners writes out the Members that take part in left recursion, and those with
// members that may be empty: the transformation handles neither as a node.
func (r *rewriter) expandCorners(component []int, empty []bool) error {
	var failed error
	for id := range component {
		r.rules[id].Expr = mapExpr(r.rules[id].Expr, func(old, mapped Expr) Expr {
			if item, ok := unwrap(old); ok && component[id] >= 0 && failed == nil {
				leftCorners(item, empty, func(c RuleID) {
					if component[c] == component[id] {
						failed = &RuleError{Rule: r.rules[id].Name, Msg: "cannot remove left recursion through values that must differ"}
					}
				})
			}
			m, ok := old.(*Members)
			if !ok {
				return mapped
			}
			involved := slices.ContainsFunc(m.Items, func(item Member) bool { return nullable(item.Expr, empty) })
			if component[id] >= 0 {
				memberCorners(m, empty, func(c RuleID) { involved = involved || component[c] == component[id] })
			}
			if !involved {
				return mapped
			}
			expanded, err := r.expand(r.rules[id].Name, mapped.(*Members))
			if err != nil {
				if failed == nil {
					failed = &RuleError{Rule: r.rules[id].Name, Msg: "cannot remove left recursion: " + err.Error(), Err: err}
				}
				return mapped
			}
			return expanded
		})
	}
	return failed
}

// maxCycle bounds the rules of one left-recursive cycle: the result has up to the square
// of their number, 16,384.
const maxCycle = 128

// transform carries EliminateLeftRecursion out. Rules are only added through it, so that
// empty and component always cover them.
type transform struct {
	*rewriter
	bodies    []Expr            // of the rules before the transformation
	empty     []bool            // by rule: derives the empty text
	component []int             // by rule: its left-recursive cycle, -1 for none
	solid     map[RuleID]RuleID // by rule: one that derives the same texts but the empty one
	pending   []RuleID          // rules whose solid one has no expression yet
	hoisted   map[Expr]RuleID   // by node: the rule that hoist made of it
	base      string            // the name that hoisted rules derive theirs from
}

func (r *rewriter) eliminate() error {
	g := r.grammar()
	t := &transform{rewriter: r, empty: Nullable(g), solid: make(map[RuleID]RuleID), hoisted: make(map[Expr]RuleID)}
	t.component = cycles(g, t.empty)
	byCycle := make(map[int][]RuleID)
	for i := range r.rules {
		t.bodies = append(t.bodies, r.rules[i].Expr)
		if c := t.component[i]; c >= 0 {
			byCycle[c] = append(byCycle[c], RuleID(i))
		}
	}
	for c := range len(byCycle) {
		if n := len(byCycle[c]); n > maxCycle {
			return &LimitError{Name: "rules in one left-recursive cycle", Limit: maxCycle, Got: n}
		}
		t.solve(byCycle[c])
	}
	// Rules appear while others are rewritten; the loop reaches them all.
	for id := 0; id < len(r.rules); id++ {
		t.fillSolid()
		t.base = r.rules[id].Name
		r.rules[id].Expr = mapExpr(r.rules[id].Expr, func(old, mapped Expr) Expr {
			rep, ok := mapped.(*Repeat)
			if !ok || !isRepeatedEmpty(rep, t.empty) {
				return mapped
			}
			item := rep.Item
			if before := old.(*Repeat).Item; !isSmall(before) {
				item = before // it gets a rule, which is rewritten in its turn
			}
			return repeat(t.withoutEmpty(item), 0, rep.Max)
		})
		t.fillSolid()
	}
	return nil
}

// grow makes the tables cover the rules that were added since; nullable says what they
// derive.
func (t *transform) grow(nullable bool) {
	for id := len(t.empty); id < len(t.rules); id++ {
		t.empty = append(t.empty, nullable)
		t.component = append(t.component, -1)
		t.bodies = append(t.bodies, t.rules[id].Expr)
	}
}

// hoist returns an expression for e that may be used several times: e itself if it is
// small, or a reference to a rule for it, the same for the same node. Without it, nested
// repetitions would double at every level.
func (t *transform) hoist(e Expr) Expr {
	if isSmall(e) {
		return e
	}
	id, ok := t.hoisted[e]
	if !ok {
		id = t.add(t.base+"-part", e)
		t.grow(nullable(e, t.empty))
		t.hoisted[e] = id
	}
	return &Ref{Rule: id}
}

// solidRef refers to a rule that derives what r derives but the empty text.
func (t *transform) solidRef(r RuleID) Expr {
	if !t.empty[r] {
		return &Ref{Rule: r}
	}
	id, ok := t.solid[r]
	if !ok {
		id = t.add(t.rules[r].Name+"-nonempty", nil)
		t.grow(false)
		t.solid[r] = id
		if t.component[r] < 0 {
			t.pending = append(t.pending, r)
		}
	}
	return &Ref{Rule: id}
}

func (t *transform) fillSolid() {
	for len(t.pending) > 0 {
		r := t.pending[len(t.pending)-1]
		t.pending = t.pending[:len(t.pending)-1]
		t.base = t.rules[r].Name
		e := t.takeEmpty(t.bodies[r])
		t.rules[t.solid[r]].Expr = e
	}
}

// withoutEmpty returns an expression for the texts of e but the empty one.
func (t *transform) withoutEmpty(e Expr) Expr {
	if !nullable(e, t.empty) {
		return e
	}
	if ref, ok := t.hoist(e).(*Ref); ok {
		return t.solidRef(ref.Rule)
	}
	return t.takeEmpty(e)
}

// takeEmpty does so for e itself, which derives the empty text.
func (t *transform) takeEmpty(e Expr) Expr {
	var parts []Expr
	switch e := e.(type) {
	case *Ref:
		return t.solidRef(e.Rule)
	case *Seq: // every item may be empty: one of them is the first that is not
		tails := t.tails(e.Items)
		for i, item := range e.Items {
			parts = append(parts, sequence(t.withoutEmpty(item), tails[i+1]))
		}
	case *Alt:
		for _, item := range e.Items {
			parts = append(parts, t.withoutEmpty(item))
		}
	case *Repeat:
		if e.Max != 0 {
			return repeat(t.withoutEmpty(e.Item), 1, e.Max)
		}
	case *Members: // no member may be empty text: now there is at least one
		items := append([]Member(nil), e.Items...)
		for i := range items {
			items[i].Expr = t.hoist(items[i].Expr)
		}
		return &Members{Items: items, Sep: t.hoist(e.Sep), Ordered: e.Ordered, Min: max(e.Min, 1), Max: e.Max}
	case *Distinct, *Document:
		item, _ := unwrap(e)
		return rewrap(e, t.withoutEmpty(item))
	}
	return choice(parts...)
}

// tails returns for each i an expression for items[i:], of a size that does not grow with
// their number.
func (t *transform) tails(items []Expr) []Expr {
	tails := make([]Expr, len(items)+1)
	tails[len(items)] = empty
	for i := len(items) - 1; i > 0; i-- { // tails[0] is not needed
		tails[i] = t.hoist(sequence(t.hoist(items[i]), tails[i+1]))
	}
	return tails
}

// corner is a way to begin: rule, then rest.
type corner struct {
	rule RuleID
	rest Expr
}

// split divides the texts of e but the empty one: those that begin with a rule of cycle c
// (any text of that rule but the empty one, then rest) and all others.
func (t *transform) split(e Expr, c int) (others Expr, corners []corner) {
	begins := false
	leftCorners(e, t.empty, func(r RuleID) { begins = begins || t.component[r] == c })
	if !begins {
		return t.withoutEmpty(e), nil
	}
	var parts []Expr
	add := func(item, rest Expr) {
		o, cs := t.split(item, c)
		parts = append(parts, sequence(o, rest))
		for _, k := range cs {
			corners = append(corners, corner{k.rule, sequence(k.rest, rest)})
		}
	}
	switch e := e.(type) {
	case *Ref:
		return nothing, []corner{{e.Rule, empty}}
	case *Alt:
		for _, item := range e.Items {
			add(item, empty)
		}
	case *Seq:
		if !nullable(e.Items[0], t.empty) {
			add(e.Items[0], sequence(e.Items[1:]...))
			break
		}
		tails := t.tails(e.Items)
		for i, item := range e.Items {
			add(item, tails[i+1])
			if !nullable(item, t.empty) {
				break
			}
		}
	case *Repeat:
		item, low, high := e.Item, e.Min, e.Max
		if nullable(item, t.empty) {
			item, low = t.withoutEmpty(item), 0
		}
		if high > 0 {
			high--
		}
		add(e.Item, repeat(t.hoist(item), max(low-1, 0), high))
	}
	return choice(parts...), corners
}
