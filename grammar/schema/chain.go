package schema

import (
	"fmt"

	"github.com/callama/callama/grammar/gbnf"
)

// chain is the automaton of arrays whose items are counted by what they meet (contains):
// its states hold the number of items so far and the count of each facet, as far as they
// matter. An item that a facet counts meets the facet's term; one that it does not count
// fails it, where there is an upper bound, or is free, where there is none.
type chain struct {
	states []chainState
	goals  []*goal
}

type chainState struct {
	edges  []chainEdge
	accept bool
	// tail is set where only the number of items matters any more: least to most of them.
	tail        *goal
	least, most int
}

type chainEdge struct {
	item *goal
	to   int
}

// Bounds of chains.
const (
	// maxChainStates bounds the states of one array: the product of the counts to be kept.
	maxChainStates = 4096
	// maxContains bounds the facets of one array; an item may meet any set of them.
	maxContains = 6
)

// chainPosition is what a state stands for.
type chainPosition struct {
	n      int // items so far, up to the cap
	counts [maxContains]int
}

type chainBuilder struct {
	c      *Compiler
	g      *goal
	j      *conjunct
	facets []containsFacet
	prefix int
	limit  int // n need not be counted further
	id     map[chainPosition]int
	queue  []chainPosition
	out    *chain
}

// chain returns the automaton of the arrays of a conjunct, or nil if no facet demands
// anything.
func (c *Compiler) chain(g *goal, j *conjunct, a *arrayShape) (*chain, error) {
	b := &chainBuilder{c: c, g: g, j: j, prefix: len(a.prefix), id: make(map[chainPosition]int), out: &chain{}}
	b.limit = max(b.prefix, j.count.min, j.count.max)
	for _, f := range j.contains {
		if f.min > 0 || f.max >= 0 {
			b.facets = append(b.facets, *f.containsFacet)
			b.limit = max(b.limit, f.from)
		}
	}
	if len(b.facets) == 0 {
		return nil, nil
	}
	last := b.facets[len(b.facets)-1].at
	if n := len(b.facets); n > maxContains {
		return nil, last.fail(ErrLimit, "%w", &LimitError{Name: "contains for one array", Limit: maxContains, Got: n})
	}
	b.visit(chainPosition{})
	for i := 0; i < len(b.queue); i++ {
		if len(b.queue) > maxChainStates {
			return nil, last.fail(ErrLimit, "%w", &LimitError{Name: "states of counted items", Limit: maxChainStates, Got: len(b.queue)})
		}
		b.out.states = append(b.out.states, b.state(b.queue[i]))
	}
	return b.out, nil
}

func (b *chainBuilder) visit(p chainPosition) int {
	at, ok := b.id[p]
	if !ok {
		at = len(b.queue)
		b.id[p] = at
		b.queue = append(b.queue, p)
	}
	return at
}

func (b *chainBuilder) state(p chainPosition) chainState {
	s := chainState{accept: p.n >= b.j.count.min}
	settled := p.n >= b.prefix
	for i, f := range b.facets {
		s.accept = s.accept && p.counts[i] >= f.min
		settled = settled && f.max < 0 && p.counts[i] >= f.min
	}
	most := b.j.count.max
	if settled {
		s.tail = b.goal(b.j.itemTerms(p.n))
		s.least, s.most = max(0, b.j.count.min-p.n), -1
		if most >= 0 {
			s.most = most - p.n
		}
		return s
	}
	if most >= 0 && p.n == most {
		return s
	}
	b.edges(&s, p, 0, p, b.j.itemTerms(p.n))
	return s
}

// edges adds an edge for each way in which the facets from i on may count the next item.
func (b *chainBuilder) edges(s *chainState, from chainPosition, i int, to chainPosition, terms []term) {
	if i == len(b.facets) {
		to.n = min(from.n+1, b.limit)
		s.edges = append(s.edges, chainEdge{b.goal(terms), b.visit(to)})
		return
	}
	f := &b.facets[i]
	terms = terms[:len(terms):len(terms)]
	if from.n < f.from {
		b.edges(s, from, i+1, to, terms)
		return
	}
	if f.max < 0 {
		b.edges(s, from, i+1, to, terms)
		if to.counts[i] < f.min {
			to.counts[i]++
			b.edges(s, from, i+1, to, append(terms, f.t))
		}
		return
	}
	b.edges(s, from, i+1, to, append(terms, f.t.negated()))
	if to.counts[i] < f.max {
		to.counts[i]++
		b.edges(s, from, i+1, to, append(terms, f.t))
	}
}

func (b *chainBuilder) goal(terms []term) *goal {
	g := b.c.goal(b.g, "item", terms)
	b.out.goals = append(b.out.goals, g)
	return g
}

// live tells from which states an end can be reached.
func (c *chain) live() []bool {
	out := make([]bool, len(c.states))
	for changed := true; changed; {
		changed = false
		for i := len(c.states) - 1; i >= 0; i-- {
			if !out[i] && c.states[i].canEnd(out) {
				out[i], changed = true, true
			}
		}
	}
	return out
}

func (s *chainState) canEnd(live []bool) bool {
	if s.tail != nil {
		return (s.most < 0 || s.most >= s.least) && (s.least == 0 || s.tail.productive)
	}
	if s.accept {
		return true
	}
	for _, e := range s.edges {
		if live[e.to] && e.item.productive {
			return true
		}
	}
	return false
}

func (c *chain) satisfiable() bool { return c.live()[0] }

// chainWriter writes a chain as right-linear rules.
type chainWriter struct {
	c     *Compiler
	name  string
	chain *chain
	array *arrayShape
	live  []bool
	comma gbnf.Expr
	rules []*gbnf.Ref
	todo  []int
}

// emitChain returns the expression of the items of an array.
func (c *Compiler) emitChain(g *goal, a *arrayShape, comma gbnf.Expr) (gbnf.Expr, error) {
	w := &chainWriter{c: c, name: g.ruleName(), chain: a.chain, array: a, live: a.chain.live(), comma: comma,
		rules: make([]*gbnf.Ref, len(a.chain.states))}
	start, err := w.state(0, gbnf.Lit(""))
	for err == nil && len(w.todo) > 0 {
		i := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		var e gbnf.Expr
		if e, err = w.state(i, comma); err == nil {
			c.b.Define(w.rules[i].Rule, e)
		}
	}
	return start, err
}

// rest returns a reference to what may follow in a state.
func (w *chainWriter) rest(i int) gbnf.Expr {
	if w.rules[i] == nil {
		w.rules[i] = &gbnf.Ref{Rule: w.c.b.Declare(ruleStem(fmt.Sprintf("%s-from-%d", w.name, i)))}
		w.todo = append(w.todo, i)
	}
	return w.rules[i]
}

// state returns what may follow in a state, each item after a separator.
func (w *chainWriter) state(i int, sep gbnf.Expr) (gbnf.Expr, error) {
	s := &w.chain.states[i]
	if s.tail != nil {
		if !s.tail.productive {
			return gbnf.Lit(""), nil
		}
		e, err := w.c.item(w.array, s.tail)
		if err != nil {
			return nil, err
		}
		return listTail(join(e, w.c.space()), w.comma, s.least, s.most, false), nil
	}
	var alts []gbnf.Expr
	for _, e := range s.edges {
		if !w.live[e.to] || !e.item.productive {
			continue
		}
		item, err := w.c.item(w.array, e.item)
		if err != nil {
			return nil, err
		}
		alts = append(alts, join(sep, item, w.c.space(), w.rest(e.to)))
	}
	if s.accept {
		alts = append(alts, gbnf.Lit(""))
	}
	return oneOf(alts), nil
}
