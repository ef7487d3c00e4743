package grammar_test

import (
	"strings"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema/ruletest"
	"github.com/callama/callama/grammar/vocab"
)

// oracle decides membership and viability of byte strings straight from the definition of
// the rule tree: which ends a node can reach from a position, and whether it can go on past
// the end of the text. It knows nothing of automata. Exponential in nothing, but slow; for
// grammars without left recursion.
type oracle struct {
	g    *gbnf.Grammar
	text string
	rule []bool // rules that match some finite string
	memo map[memoKey]result

	states map[gbnf.State]gbnf.Expr // of machines, each one node
	doc    int                      // where the document begins
}

type memoKey struct {
	e  gbnf.Expr
	at int
}

// result of matching a node from a position: the ends it can reach, and whether the text
// can run out inside it such that it can still be finished.
type result struct {
	ends   map[int]bool
	viable bool
}

func newOracle(g *gbnf.Grammar) *oracle {
	o := &oracle{g: g, rule: make([]bool, len(g.Rules))}
	for changed := true; changed; {
		changed = false
		for i, r := range g.Rules {
			if !o.rule[i] && o.isLive(r.Expr) {
				o.rule[i], changed = true, true
			}
		}
	}
	return o
}

func (o *oracle) isLive(e gbnf.Expr) bool {
	switch e := e.(type) {
	case *gbnf.Ref:
		return o.rule[e.Rule]
	case *gbnf.Seq:
		for _, it := range e.Items {
			if !o.isLive(it) {
				return false
			}
		}
		return true
	case *gbnf.Alt:
		for _, it := range e.Items {
			if o.isLive(it) {
				return true
			}
		}
		return false
	case *gbnf.Repeat:
		return e.Min == 0 || o.isLive(e.Item)
	case *gbnf.Members:
		required := 0
		for _, m := range e.Items {
			if m.Required {
				required++
				if !o.isLive(m.Expr) {
					return false
				}
			}
		}
		available := 0
		for _, m := range e.Items {
			switch {
			case !o.isLive(m.Expr):
			case m.Repeat:
				available += e.Min + 1
			default:
				available++
			}
		}
		if available < e.Min || e.Max > 0 && required > e.Max {
			return false
		}
		return max(required, e.Min) < 2 || o.isLive(e.Sep)
	case *gbnf.Class:
		return e.Negated || len(e.Ranges) > 0
	case *gbnf.State:
		return e.Of.Shortest(e.N) < gbnf.NoText
	case *gbnf.Distinct:
		return o.isLive(e.Item)
	case *gbnf.Document:
		return o.isLive(e.Item)
	}
	return true
}

// check returns whether text is in the language and whether it begins a text that is.
func (o *oracle) check(text string) (member, viable bool) {
	o.text = text
	o.memo = map[memoKey]result{}
	r := o.match(&gbnf.Ref{Rule: o.g.Root}, 0)
	return r.ends[len(text)], r.viable
}

// match returns the memoised result of node e at position at.
func (o *oracle) match(e gbnf.Expr, at int) result {
	switch x := e.(type) {
	case *gbnf.Ref:
		e = o.g.Rules[x.Rule].Expr
	case *gbnf.State:
		if o.states == nil {
			o.states = map[gbnf.State]gbnf.Expr{}
		}
		if o.states[*x] == nil {
			o.states[*x] = x.Expr()
		}
		e = o.states[*x]
	}
	key := memoKey{e, at}
	if r, ok := o.memo[key]; ok {
		return r
	}
	o.memo[key] = result{} // left recursion would end here
	r := result{ends: map[int]bool{}}
	if o.isLive(e) {
		r = o.compute(e, at)
	}
	if r.ends[len(o.text)] {
		r.viable = true
	}
	o.memo[key] = r
	return r
}

func (o *oracle) compute(e gbnf.Expr, at int) result {
	r := result{ends: map[int]bool{}}
	switch e := e.(type) {
	case *gbnf.Literal:
		rest := o.text[at:]
		n := min(len(rest), len(e.Text))
		if rest[:n] == e.Text[:n] {
			r.viable = n == len(rest)
			if n == len(e.Text) {
				r.ends[at+n] = true
			}
		}
	case *gbnf.Class:
		o.class(e, at, &r)
	case *gbnf.Ref:
		return o.match(e, at)
	case *gbnf.Seq:
		o.sequence(e.Items, at, &r)
	case *gbnf.Alt:
		for _, it := range e.Items {
			x := o.match(it, at)
			r.viable = r.viable || x.viable
			for p := range x.ends {
				r.ends[p] = true
			}
		}
	case *gbnf.Repeat:
		o.repeat(e, at, &r)
	case *gbnf.Members:
		o.members(e, nil, at, &r)
	case *gbnf.Document:
		o.doc = at
		return o.match(e.Item, at)
	case *gbnf.Distinct:
		x := o.match(e.Item, at)
		r.viable = x.viable
		for end := range x.ends {
			if !ruletest.Repeats(o.text, o.doc, at, end) {
				r.ends[end] = true
			}
		}
	}
	return r
}

func (o *oracle) class(c *gbnf.Class, at int, r *result) {
	in := func(cp rune) bool {
		found := false
		for _, g := range c.Ranges {
			found = found || g.Lo <= cp && cp <= g.Hi
		}
		return found != c.Negated
	}
	rest := o.text[at:]
	if rest == "" {
		r.viable = true // isLive has checked that there is something
		return
	}
	if utf8.FullRuneInString(rest) {
		cp, n := utf8.DecodeRuneInString(rest)
		if (cp != utf8.RuneError || n > 1) && in(cp) {
			r.ends[at+n] = true
		}
		return
	}
	for cp := rune(0x80); cp <= utf8.MaxRune && !r.viable; cp++ {
		r.viable = utf8.ValidRune(cp) && in(cp) && strings.HasPrefix(string(cp), rest)
	}
}

// sequence assumes that later items are live, which isLive has checked.
func (o *oracle) sequence(items []gbnf.Expr, at int, r *result) {
	here := map[int]bool{at: true}
	for _, it := range items {
		next := map[int]bool{}
		for p := range here {
			x := o.match(it, p)
			r.viable = r.viable || x.viable
			for q := range x.ends {
				next[q] = true
			}
		}
		here = next
	}
	for p := range here {
		r.ends[p] = true
	}
}

func (o *oracle) repeat(e *gbnf.Repeat, at int, r *result) {
	type place struct{ count, at int }
	nullable := o.matchesEmpty(e.Item)
	bound := e.Min
	if e.Max > bound {
		bound = e.Max
	}
	seen := map[place]bool{}
	work := []place{{0, at}}
	for len(work) > 0 {
		p := work[len(work)-1]
		work = work[:len(work)-1]
		if seen[p] {
			continue
		}
		seen[p] = true
		if p.count >= e.Min || nullable {
			r.ends[p.at] = true
		}
		if e.Max >= 0 && p.count >= e.Max {
			continue
		}
		x := o.match(e.Item, p.at)
		r.viable = r.viable || x.viable
		for q := range x.ends {
			work = append(work, place{min(p.count+1, bound), q})
		}
	}
	if r.ends[len(o.text)] {
		r.viable = true
	}
}

// members tries every order.
func (o *oracle) members(e *gbnf.Members, chosen []int, at int, r *result) {
	missing, last := false, -1
	for i, m := range e.Items {
		missing = missing || m.Required && !contains(chosen, i)
	}
	if len(chosen) > 0 {
		last = chosen[len(chosen)-1]
	}
	if !missing && len(chosen) >= e.Min {
		r.ends[at] = true
	}
	if e.Max > 0 && len(chosen) >= e.Max || !canComplete(e, o, chosen) {
		return
	}
	if len(chosen) > len(o.text)+len(e.Items) {
		return
	}
	for i, m := range e.Items {
		if !o.isLive(m.Expr) || contains(chosen, i) && !m.Repeat {
			continue
		}
		if e.Ordered && (i < last || skipsRequired(e, last, i)) {
			continue
		}
		if !canComplete(e, o, append(append([]int(nil), chosen...), i)) {
			continue
		}
		var part []gbnf.Expr
		if len(chosen) > 0 {
			part = append(part, e.Sep)
		}
		var x result
		x.ends = map[int]bool{}
		o.sequence(append(part, m.Expr), at, &x)
		r.viable = r.viable || x.viable
		for q := range x.ends {
			if q > at {
				o.members(e, append(append([]int(nil), chosen...), i), q, r)
			}
		}
	}
}

// canComplete tells whether enough members are left for the minimum, and room for the
// required ones.
func canComplete(e *gbnf.Members, o *oracle, chosen []int) bool {
	missing, available, last := 0, 0, -1
	if len(chosen) > 0 {
		last = chosen[len(chosen)-1]
	}
	for i, m := range e.Items {
		had := contains(chosen, i)
		if m.Required && !had {
			missing++
		}
		switch {
		case !o.isLive(m.Expr), had && !m.Repeat, e.Ordered && i < last:
		case m.Repeat:
			available += e.Min + 1
		default:
			available++
		}
	}
	return len(chosen)+available >= e.Min && (e.Max == 0 || len(chosen)+missing <= e.Max)
}

func skipsRequired(e *gbnf.Members, last, next int) bool {
	for k := last + 1; k < next; k++ {
		if e.Items[k].Required {
			return true
		}
	}
	return false
}

func contains(s []int, x int) bool {
	for _, y := range s {
		if x == y {
			return true
		}
	}
	return false
}

func (o *oracle) matchesEmpty(e gbnf.Expr) bool {
	sub := newOracle(o.g)
	sub.text = ""
	sub.memo = map[memoKey]result{}
	return sub.match(e, 0).ends[0]
}

// mask returns the tokens allowed after prefix, by definition.
func (o *oracle) mask(v *vocab.Vocab, prefix string) vocab.Mask {
	m := vocab.NewMask(v.Width())
	for t := range int32(v.Len()) {
		if v.IsText(t) {
			if _, viable := o.check(prefix + string(v.Bytes(t))); viable {
				m.Set(t)
			}
		}
	}
	if member, _ := o.check(prefix); member {
		for _, t := range v.EOG() {
			m.Set(t)
		}
	}
	return m
}
