package automaton

import (
	"fmt"
	"slices"

	"github.com/callama/callama/grammar/gbnf"
)

// normaliser rewrites a grammar so that the item of every Repeat and every Members node
// matches at least one byte. An iteration that matches nothing could be counted without
// end at one place of the text; dropping it changes no language: (e){m,n} with an item
// that may be empty is (e without the empty string){0,n}.
type normaliser struct {
	*facts
	out      []gbnf.Rule
	nonEmpty map[gbnf.RuleID]gbnf.RuleID // rule -> its variant without the empty string
	queue    []gbnf.RuleID               // rules whose variant is declared, not yet defined
}

// normalise returns the rewritten rules; those that the root does not reach stay as they are.
func normalise(f *facts) ([]gbnf.Rule, error) {
	n := &normaliser{facts: f, out: slices.Clone(f.rules), nonEmpty: map[gbnf.RuleID]gbnf.RuleID{}}
	for _, i := range f.order {
		e, err := n.expr(f.rules[i].Expr)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", f.rules[i].Name, err)
		}
		n.out[i].Expr = e
	}
	for len(n.queue) > 0 {
		id := n.queue[0]
		n.queue = n.queue[1:]
		e, err := n.without(f.rules[id].Expr)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", f.rules[id].Name, err)
		}
		n.out[n.nonEmpty[id]].Expr = e
	}
	return n.out, nil
}

// nullable tells whether e matches the empty string, given the distances of rules.
func nullable(e gbnf.Expr, dist []int32) bool {
	switch e := e.(type) {
	case *gbnf.Literal:
		return e.Text == ""
	case *gbnf.Ref:
		return dist[e.Rule] == 0
	case *gbnf.State:
		return e.Of.Shortest(e.N) == 0
	case *gbnf.Seq:
		for _, it := range e.Items {
			if !nullable(it, dist) {
				return false
			}
		}
		return true
	case *gbnf.Alt:
		for _, it := range e.Items {
			if nullable(it, dist) {
				return true
			}
		}
	case *gbnf.Repeat:
		return e.Min == 0 || nullable(e.Item, dist)
	case *gbnf.Members:
		for _, m := range e.Items {
			if m.Required {
				return false
			}
		}
		return e.Min == 0
	case *gbnf.Distinct:
		return nullable(e.Item, dist)
	case *gbnf.Document:
		return nullable(e.Item, dist)
	}
	return false
}

func (n *normaliser) isNullable(e gbnf.Expr) bool { return nullable(e, n.dist) }

// expr rewrites e, same language.
func (n *normaliser) expr(e gbnf.Expr) (gbnf.Expr, error) {
	switch e := e.(type) {
	case *gbnf.Literal, *gbnf.Class, *gbnf.Ref, *gbnf.Token, *gbnf.State:
		return e, nil
	case *gbnf.Seq:
		items, err := n.exprs(e.Items)
		return &gbnf.Seq{Items: items}, err
	case *gbnf.Alt:
		items, err := n.exprs(e.Items)
		return &gbnf.Alt{Items: items}, err
	case *gbnf.Repeat:
		return n.repeat(e)
	case *gbnf.Members:
		return n.members(e)
	case *gbnf.Distinct:
		item, err := n.expr(e.Item)
		return &gbnf.Distinct{Item: item, Open: e.Open}, err
	case *gbnf.Document:
		item, err := n.expr(e.Item)
		return &gbnf.Document{Item: item}, err
	}
	return nil, fmt.Errorf("unknown expression %T", e)
}

func (n *normaliser) exprs(in []gbnf.Expr) ([]gbnf.Expr, error) {
	out := make([]gbnf.Expr, len(in))
	for i, it := range in {
		e, err := n.expr(it)
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

func (n *normaliser) repeat(e *gbnf.Repeat) (gbnf.Expr, error) {
	if e.Min < 0 || e.Max >= 0 && e.Max < e.Min {
		return nil, fmt.Errorf("repetition {%d,%d} has no count", e.Min, e.Max)
	}
	if e.Max == 0 {
		return gbnf.Lit(""), nil
	}
	low := e.Min
	rewrite := n.expr
	if n.isNullable(e.Item) {
		low, rewrite = 0, n.without
	}
	item, err := rewrite(e.Item)
	if err != nil {
		return nil, err
	}
	return &gbnf.Repeat{Item: item, Min: low, Max: e.Max}, nil
}

func (n *normaliser) members(e *gbnf.Members) (*gbnf.Members, error) {
	out := &gbnf.Members{Ordered: e.Ordered, Min: e.Min, Max: e.Max, Items: make([]gbnf.Member, len(e.Items))}
	for i, m := range e.Items {
		if n.isNullable(m.Expr) {
			return nil, fmt.Errorf("member %d may be empty", i+1)
		}
		it, err := n.expr(m.Expr)
		if err != nil {
			return nil, err
		}
		out.Items[i] = gbnf.Member{Expr: it, Required: m.Required, Repeat: m.Repeat}
	}
	if e.Sep == nil || n.isNullable(e.Sep) {
		return nil, fmt.Errorf("the separator of members may be empty")
	}
	sep, err := n.expr(e.Sep)
	out.Sep = sep
	return out, err
}

// without rewrites e into an expression of the same strings except the empty one.
func (n *normaliser) without(e gbnf.Expr) (gbnf.Expr, error) {
	if !n.isNullable(e) {
		return n.expr(e)
	}
	switch e := e.(type) {
	case *gbnf.Literal:
		return &gbnf.Alt{}, nil
	case *gbnf.Ref:
		return &gbnf.Ref{Rule: n.variant(e.Rule)}, nil
	case *gbnf.State: // what comes after a byte stays as it is
		return n.without(e.Expr())
	case *gbnf.Seq:
		// The first item that matches something is item i; those before it match nothing.
		out := &gbnf.Alt{}
		for i := range e.Items {
			first, err := n.without(e.Items[i])
			if err != nil {
				return nil, err
			}
			rest, err := n.exprs(e.Items[i+1:])
			if err != nil {
				return nil, err
			}
			out.Items = append(out.Items, &gbnf.Seq{Items: append([]gbnf.Expr{first}, rest...)})
		}
		return out, nil
	case *gbnf.Alt:
		out := &gbnf.Alt{}
		for _, it := range e.Items {
			w, err := n.without(it)
			if err != nil {
				return nil, err
			}
			out.Items = append(out.Items, w)
		}
		return out, nil
	case *gbnf.Repeat:
		r, err := n.repeat(e)
		if err != nil {
			return nil, err
		}
		if rep, ok := r.(*gbnf.Repeat); ok {
			return &gbnf.Repeat{Item: rep.Item, Min: max(rep.Min, 1), Max: rep.Max}, nil
		}
		return &gbnf.Alt{}, nil
	case *gbnf.Members:
		m, err := n.members(e)
		if err == nil {
			m.Min = max(m.Min, 1)
		}
		return m, err
	case *gbnf.Distinct:
		item, err := n.without(e.Item)
		return &gbnf.Distinct{Item: item, Open: e.Open}, err
	case *gbnf.Document:
		item, err := n.without(e.Item)
		return &gbnf.Document{Item: item}, err
	}
	return nil, fmt.Errorf("unknown expression %T", e)
}

// variant returns the rule that matches what rule id does except the empty string.
func (n *normaliser) variant(id gbnf.RuleID) gbnf.RuleID {
	if v, ok := n.nonEmpty[id]; ok {
		return v
	}
	v := gbnf.RuleID(len(n.out))
	n.out = append(n.out, gbnf.Rule{Name: n.rules[id].Name + "-some", Source: n.rules[id].Source})
	n.nonEmpty[id] = v
	n.queue = append(n.queue, id)
	return v
}
