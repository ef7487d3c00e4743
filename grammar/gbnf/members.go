package gbnf

import (
	"errors"
	"fmt"
	"math/bits"
)

// Members has no counterpart in GBNF text. In order, a list of members is a chain of
// rules whose size is linear; in any order it takes a rule for every subset of members.

const (
	// printedSubsets is the number of members up to which Print writes any order exactly:
	// 16 rules for 4 members can still be read.
	printedSubsets = 4
	// expandedSubsets is the same bound for transformations, whose results no one reads:
	// 1024 rules for 10 members.
	expandedSubsets = 10
)

// ordered expands m as if its members came in the order of Items.
func (r *rewriter) ordered(base string, m *Members) Expr {
	items := make([]Expr, len(m.Items))
	sep := r.shared(base+"-sep", m.Sep)
	first := len(items) // the first member that must appear
	for i, item := range m.Items {
		items[i] = r.shared(fmt.Sprintf("%s-member-%d", base, i+1), item.Expr)
		if item.Required && first == len(items) {
			first = i
		}
	}
	// following is what may come after a member was written: members i, i+1, …
	part := func(i int) Expr {
		next := sequence(sep, items[i])
		switch {
		case m.Items[i].Repeat && m.Items[i].Required:
			return repeat(next, 1, -1)
		case m.Items[i].Repeat:
			return repeat(next, 0, -1)
		case m.Items[i].Required:
			return next
		}
		return repeat(next, 0, 1)
	}
	last := min(first, len(items)-1) // the last member that can open the list
	following := make([]Expr, len(items)+1)
	tail := empty
	for i := len(items); i > 0; i-- {
		if i < len(items) {
			tail = sequence(part(i), tail)
		}
		if i <= last+1 {
			if last > 0 { // several alternatives end in it
				tail = r.shared(fmt.Sprintf("%s-rest-%d", base, i+1), tail)
			}
			following[i] = tail
		}
	}
	var opens []Expr
	for i := 0; i <= last; i++ {
		again := empty
		if m.Items[i].Repeat {
			again = repeat(sequence(sep, items[i]), 0, -1)
		}
		opens = append(opens, sequence(items[i], again, following[i+1]))
	}
	if first == len(items) {
		opens = append(opens, empty)
	}
	return choice(opens...)
}

// counted reports whether the bounds on the number of members exclude anything, and
// whether sets of members tell their number: no member repeats.
func counted(m *Members) (bounded, bySet bool) {
	required, repeats := 0, false
	for _, item := range m.Items {
		repeats = repeats || item.Repeat
		if item.Required {
			required++
		}
	}
	bounded = m.Min > required || m.Max > 0 && (repeats || m.Max < len(m.Items))
	return bounded, !repeats
}

// unordered expands m exactly, with one rule for each set of members already written.
// The caller bounds the number of members; their count only matters where sets tell it.
func (r *rewriter) unordered(base string, m *Members) Expr {
	n := len(m.Items)
	_, bySet := counted(m)
	items := make([]Expr, n)
	sep := r.shared(base+"-sep", m.Sep)
	required := 0
	for i, item := range m.Items {
		items[i] = r.shared(fmt.Sprintf("%s-member-%d", base, i+1), item.Expr)
		if item.Required {
			required |= 1 << i
		}
	}
	after := make([]Expr, 1<<n) // what may follow once the members of the set are written
	complete := 1<<n - 1
	// Larger sets first: a set refers to its supersets, and to itself for a repeating member.
	sets := make([]int, 0, 1<<n)
	for count := n; count > 0; count-- {
		for set := 1; set <= complete; set++ {
			if bits.OnesCount(uint(set)) == count {
				sets = append(sets, set)
			}
		}
	}
	for _, set := range sets {
		id := RuleID(-1)
		self := func() Expr {
			if id < 0 {
				id = r.add(fmt.Sprintf("%s-set-%d", base, set), nil)
			}
			return &Ref{Rule: id}
		}
		var body []Expr
		count := bits.OnesCount(uint(set))
		for i := range n {
			switch {
			case bySet && m.Max > 0 && count >= m.Max:
			case set&(1<<i) == 0:
				body = append(body, sequence(sep, items[i], after[set|1<<i]))
			case m.Items[i].Repeat:
				body = append(body, sequence(sep, items[i], self()))
			}
		}
		if set&required == required && (!bySet || count >= m.Min) {
			body = append(body, empty)
		}
		after[set] = choice(body...)
		if id < 0 && !isSmall(after[set]) {
			self()
		}
		if id >= 0 {
			r.rules[id].Expr = after[set]
			after[set] = &Ref{Rule: id}
		}
	}
	var opens []Expr
	for i := range n {
		opens = append(opens, sequence(items[i], after[1<<i]))
	}
	if required == 0 && m.Min == 0 {
		opens = append(opens, empty)
	}
	return choice(opens...)
}

// expand returns an expression without Members for m: exact, or with the reason in err.
func (r *rewriter) expand(base string, m *Members) (Expr, error) {
	if bounded, bySet := counted(m); bounded && (m.Ordered || !bySet) {
		return nil, errors.New("a bounded number of members cannot be expanded")
	}
	if m.Ordered {
		return r.ordered(base, m), nil
	}
	if len(m.Items) > expandedSubsets {
		return nil, &LimitError{Name: "members in any order to be expanded", Limit: expandedSubsets, Got: len(m.Items)}
	}
	return r.unordered(base, m), nil
}

// expandForText replaces every Members, Distinct and Document node. Members in any order that are too many become
// ordered, and a comment above their rule says so.
func (r *rewriter) expandForText() {
	for id := range len(r.rules) { // rules added on the way hold no Members
		base := r.rules[id].Name
		narrowed, widened, equal := false, false, false
		r.rules[id].Expr = mapExpr(r.rules[id].Expr, func(_, e Expr) Expr {
			if item, ok := unwrap(e); ok {
				_, distinct := e.(*Distinct)
				equal = equal || distinct
				return item
			}
			m, ok := e.(*Members)
			if !ok {
				return e
			}
			bounded, bySet := counted(m)
			exact := !m.Ordered && len(m.Items) <= printedSubsets && bySet
			widened = widened || bounded && !exact
			switch {
			case exact && bounded:
				return r.unordered(base, m)
			case m.Ordered || len(m.Items) <= 1:
				return r.ordered(base, m)
			case len(m.Items) <= printedSubsets:
				return r.unordered(base, m)
			}
			narrowed = true
			return r.ordered(base, m)
		})
		if narrowed {
			r.rules[id].Comment = joinLines(r.rules[id].Comment, narrowedComment)
		}
		if widened {
			r.rules[id].Comment = joinLines(r.rules[id].Comment, widenedComment)
		}
		if equal {
			r.rules[id].Comment = joinLines(r.rules[id].Comment, distinctComment)
		}
	}
}

const widenedComment = "Wider than the engine's grammar: the number of members is bounded there, here it is not."

const narrowedComment = "Narrower than the engine's grammar: members may come in any order there, here only in this one."

func joinLines(comment, line string) string {
	if comment == "" {
		return line
	}
	return comment + "\n" + line
}
