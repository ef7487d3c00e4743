package gbnf

import "strconv"

// rewriter is a grammar under transformation: a copy whose rules may be replaced and
// joined by new ones. Expressions are never changed in place, so the original stands.
type rewriter struct {
	rules []Rule
	names map[string]bool
	root  RuleID
}

func newRewriter(g *Grammar) *rewriter {
	r := &rewriter{rules: append([]Rule(nil), g.Rules...), root: g.Root, names: make(map[string]bool, len(g.Rules))}
	for i := range r.rules {
		r.names[r.rules[i].Name] = true
	}
	return r
}

func (r *rewriter) grammar() *Grammar { return &Grammar{Rules: r.rules, Root: r.root} }

// add appends a rule under a name that no other has.
func (r *rewriter) add(name string, e Expr) RuleID {
	name = r.unique(name)
	r.rules = append(r.rules, Rule{Name: name, Expr: e})
	return RuleID(len(r.rules) - 1)
}

// unique takes name, with a number appended if it is taken.
func (r *rewriter) unique(name string) string {
	free := name
	for i := 2; r.names[free]; i++ {
		free = name + "-" + strconv.Itoa(i)
	}
	r.names[free] = true
	return free
}

// empty is the expression of the empty text, never that of nothing.
var empty Expr = &Literal{}

// nothing matches no text at all.
var nothing Expr = &Alt{}

func isEmpty(e Expr) bool {
	switch e := e.(type) {
	case *Literal:
		return e.Text == ""
	case *Seq:
		return len(e.Items) == 0
	}
	return false
}

func isNothing(e Expr) bool {
	switch e := e.(type) {
	case *Alt:
		return len(e.Items) == 0
	case *Class:
		return len(e.Ranges) == 0 && !e.Negated
	}
	return false
}

// sequence concatenates, leaving out what is empty; nothing absorbs.
func sequence(items ...Expr) Expr {
	var kept []Expr
	for _, item := range items {
		switch {
		case isNothing(item):
			return nothing
		case isEmpty(item):
		default:
			if seq, ok := item.(*Seq); ok {
				kept = append(kept, seq.Items...)
				continue
			}
			kept = append(kept, item)
		}
	}
	switch len(kept) {
	case 0:
		return empty
	case 1:
		return kept[0]
	}
	return &Seq{Items: kept}
}

// choice joins alternatives, leaving out nothing.
func choice(items ...Expr) Expr {
	var kept []Expr
	for _, item := range items {
		if isNothing(item) {
			continue
		}
		if alt, ok := item.(*Alt); ok {
			kept = append(kept, alt.Items...)
			continue
		}
		kept = append(kept, item)
	}
	switch len(kept) {
	case 0:
		return nothing
	case 1:
		return kept[0]
	}
	return &Alt{Items: kept}
}

// repeat repeats, simplifying what needs no node.
func repeat(item Expr, low, high int) Expr {
	switch {
	case high == 0 || isEmpty(item) || isNothing(item) && low == 0:
		return empty
	case isNothing(item):
		return nothing
	case low == 1 && high == 1:
		return item
	}
	return &Repeat{Item: item, Min: low, Max: high}
}

// mapExpr rebuilds e bottom up: each node is replaced by f's result for the node as it
// was and the node with its children already mapped. Where nothing changes the node
// itself is kept, not copied.
func mapExpr(e Expr, f func(old, mapped Expr) Expr) Expr {
	mapped := e
	switch n := e.(type) {
	case *Seq:
		if items, changed := mapItems(n.Items, f); changed {
			mapped = &Seq{Items: items}
		}
	case *Alt:
		if items, changed := mapItems(n.Items, f); changed {
			mapped = &Alt{Items: items}
		}
	case *Repeat:
		if item := mapExpr(n.Item, f); item != n.Item {
			mapped = &Repeat{Item: item, Min: n.Min, Max: n.Max}
		}
	case *Members:
		sep := mapExpr(n.Sep, f)
		changed := sep != n.Sep
		items := append([]Member(nil), n.Items...)
		for i := range items {
			items[i].Expr = mapExpr(items[i].Expr, f)
			changed = changed || items[i].Expr != n.Items[i].Expr
		}
		if changed {
			mapped = &Members{Items: items, Sep: sep, Ordered: n.Ordered, Min: n.Min, Max: n.Max}
		}
	case *Distinct, *Document:
		inner, _ := unwrap(n)
		if item := mapExpr(inner, f); item != inner {
			mapped = rewrap(n, item)
		}
	}
	return f(e, mapped)
}

func mapItems(items []Expr, f func(old, mapped Expr) Expr) (mapped []Expr, changed bool) {
	for i, item := range items {
		m := mapExpr(item, f)
		if m != item && !changed {
			changed = true
			mapped = append(make([]Expr, 0, len(items)), items[:i]...)
		}
		if changed {
			mapped = append(mapped, m)
		}
	}
	return mapped, changed
}

// smallNodes is the size up to which an expression may be written several times: a
// separator or a bracketed name, not a list.
const smallNodes = 8

// isSmall reports whether e has at most smallNodes nodes.
func isSmall(e Expr) bool {
	left := smallNodes
	var count func(Expr) bool
	count = func(e Expr) bool {
		if left--; left < 0 {
			return false
		}
		children(e, count)
		return left >= 0
	}
	return count(e)
}

// shared returns an expression for e that costs little to use several times: e itself if
// it is small, or a reference to a new rule for it.
func (r *rewriter) shared(name string, e Expr) Expr {
	if isSmall(e) {
		return e
	}
	return &Ref{Rule: r.add(name, e)}
}
