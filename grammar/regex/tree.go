package regex

import (
	"slices"

	"github.com/callama/callama/grammar/gbnf"
)

// Expr returns the strings in which the pattern matches somewhere as an expression of the
// same structure, with counted repetitions as counters: for patterns whose counts are too
// large for an automaton. The expression may be ambiguous. ok is false for patterns with
// anchors elsewhere than at the very ends of an alternative. A pattern that matches
// nothing gives the empty Alt.
func (r *Regex) Expr(enc Encoding) (e gbnf.Expr, ok bool) {
	if r.prebuilt != nil {
		return nil, false
	}
	var alts []gbnf.Expr
	for _, n := range r.alternatives() {
		if n.empty() {
			continue
		}
		var items []gbnf.Expr
		body, begin, end := n.anchors()
		if !begin {
			items = append(items, gbnf.Star(enc(AllRunes)))
		}
		for _, sub := range body {
			item, ok := sub.expr(enc)
			if !ok {
				return nil, false
			}
			items = append(items, item)
		}
		if !end {
			items = append(items, gbnf.Star(enc(AllRunes)))
		}
		alts = append(alts, gbnf.Concat(items...))
	}
	return choice(alts), true
}

func (n *node) expr(enc Encoding) (gbnf.Expr, bool) {
	if n.op == opSet {
		if len(n.set) == 0 {
			return gbnf.OneOf(), true
		}
		return enc(n.set), true
	}
	subs := make([]gbnf.Expr, len(n.subs))
	for i, sub := range n.subs {
		var ok bool
		if subs[i], ok = sub.expr(enc); !ok {
			return nil, false
		}
	}
	switch n.op {
	case opEmpty, opConcat:
		return gbnf.Concat(subs...), true
	case opAlt:
		return gbnf.OneOf(subs...), true
	case opRepeat:
		return &gbnf.Repeat{Item: subs[0], Min: n.min, Max: n.max}, true
	}
	return nil, false // an anchor
}

// empty reports whether a node matches no string: a class without members is demanded.
func (n *node) empty() bool {
	switch n.op {
	case opSet:
		return len(n.set) == 0
	case opConcat:
		return slices.ContainsFunc(n.subs, (*node).empty)
	case opAlt:
		return !slices.ContainsFunc(n.subs, func(sub *node) bool { return !sub.empty() })
	case opRepeat:
		return n.min > 0 && n.subs[0].empty()
	}
	return false
}

// Lengths returns bounds of the lengths, in code points, of the strings in which the
// pattern matches: none is shorter than shortest or longer than longest (-1: no bound).
func (r *Regex) Lengths() (shortest, longest int) {
	if r.prebuilt != nil {
		return r.prebuilt.Lengths()
	}
	shortest = maxCount
	for _, n := range r.alternatives() {
		body, begin, end := n.anchors()
		lo, hi := (&node{op: opConcat, subs: body}).lengths()
		if !begin || !end {
			hi = -1
		}
		shortest = min(shortest, lo)
		if hi < 0 || longest < 0 {
			longest = -1
		} else {
			longest = max(longest, hi)
		}
	}
	return shortest, longest
}

func (n *node) lengths() (shortest, longest int) {
	switch n.op {
	case opSet:
		return 1, 1
	case opConcat:
		for _, sub := range n.subs {
			lo, hi := sub.lengths()
			shortest = min(shortest+lo, maxCount)
			if longest = longest + hi; longest > maxCount || hi < 0 || longest < hi {
				longest = -1 - maxCount // stays negative whatever is added
			}
		}
		return shortest, max(longest, -1)
	case opAlt:
		shortest, longest = n.subs[0].lengths()
		for _, sub := range n.subs[1:] {
			lo, hi := sub.lengths()
			shortest = min(shortest, lo)
			if hi < 0 || longest < 0 {
				longest = -1
			} else {
				longest = max(longest, hi)
			}
		}
	case opRepeat:
		lo, hi := n.subs[0].lengths()
		shortest, longest = min(lo*n.min, maxCount), -1
		if hi == 0 {
			longest = 0
		} else if hi > 0 && n.max >= 0 && n.max <= maxCount/hi {
			longest = hi * n.max
		}
	}
	return shortest, longest
}
