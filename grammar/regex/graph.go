package regex

import (
	"math"
	"slices"
)

// graph is what the rules of an automaton are written from: its states, or, where a
// length window cuts the language, pairs of a state and the number of characters read.
type graph struct {
	nodes []graphNode
	start int32 // dead: nothing is accepted
}

type graphNode struct {
	edges   []graphEdge
	accept  bool
	entries int // edges that lead here from other nodes, and one for the start
	// counted, when set, makes the node a leaf: characters of these symbols, repeated
	// as often as window says.
	counted []int32
	window  Window
}

type graphEdge struct {
	symbols []int32 // sorted
	to      int32
}

// position is a state and the number of characters read, or uncounted where the window
// can no longer be missed.
type position struct{ state, read int32 }

const uncounted = int32(-1)

// grapher builds a graph breadth first.
type grapher struct {
	d                 *DFA
	window            Window
	shortest, longest []int32 // residual lengths by state, see DFA.residuals
	id                map[position]int32
	order             []position
	narrow            bool  // leave out what would take too many positions: see Window.Narrow
	horizon, deepest  int32 // characters read where counting stops, and so far
}

// newGraph returns the graph of an automaton within a window. If it takes more positions
// than the limit, and the window may be narrowed, it is.
func newGraph(d *DFA, window *Window, limits Limits) (*graph, error) {
	if window == nil || (window.Min <= 0 && window.Max < 0) {
		if n := d.States(); n > limits.States {
			return nil, &LimitError{Name: "States", Limit: limits.States, Got: n}
		}
		d.free.Do(func() { d.freeGraph, _ = exploreGraph(d, nil, Limits{States: d.States()}, false) })
		return d.freeGraph, nil
	}
	g, err := exploreGraph(d, window, limits, false)
	if err != nil && window != nil && window.Narrow {
		if narrow, _ := exploreGraph(d, window, limits, true); narrow != nil && narrow.start != dead {
			return narrow, nil
		}
	}
	return g, err
}

func exploreGraph(d *DFA, window *Window, limits Limits, narrow bool) (*graph, error) {
	g := &grapher{d: d, window: Window{Min: 0, Max: -1}, id: make(map[position]int32), narrow: narrow, horizon: math.MaxInt32}
	if window != nil {
		g.window = *window
	}
	if d.Empty() {
		return &graph{start: dead}, nil
	}
	g.shortest, g.longest = d.residuals()
	out := &graph{start: g.visit(d.start, 0)}
	for i := 0; i < len(g.order); i++ {
		if narrow && g.horizon == math.MaxInt32 && len(g.order) > limits.States/narrowPart {
			g.horizon = g.deepest // breadth first: none before is new
		}
		if len(g.order) > limits.States {
			return nil, &LimitError{Name: "States", Limit: limits.States, Got: len(g.order)}
		}
		out.nodes = append(out.nodes, g.expand(g.order[i]))
	}
	out.prune()
	return out, nil
}

// narrowPart is the part of the states that a narrowed graph takes before it stops to
// count: it is written out in full, and large grammars are slow.
const narrowPart = 4

// visit returns the node of a position, or dead where no accepted length can be reached.
func (g *grapher) visit(state, read int32) int32 {
	if state == dead {
		return dead
	}
	lo, hi := int(read)+int(g.shortest[state]), -1
	if g.longest[state] >= 0 {
		hi = int(read) + int(g.longest[state])
	}
	if read != uncounted {
		w := g.window
		if (w.Max >= 0 && lo > w.Max) || (hi >= 0 && hi < w.Min) {
			return dead
		}
		if lo >= w.Min && (w.Max < 0 || (hi >= 0 && hi <= w.Max)) {
			read = uncounted
		} else if g.narrow && hi >= 0 && lo >= w.Min && w.Max-int(read) < int(g.longest[state]) {
			return dead // what is left is short and need not be counted, but might not fit
		}
	}
	p := position{state, read}
	at, ok := g.id[p]
	if !ok {
		at = int32(len(g.order))
		g.deepest = max(g.deepest, read)
		g.id[p] = at
		g.order = append(g.order, p)
	}
	return at
}

func (g *grapher) expand(p position) graphNode {
	k := g.d.alphabet.symbols
	row := g.d.next[int(p.state)*k : int(p.state)*k+k]
	if p.read != uncounted {
		if loop := g.freeLoop(p.state, row); loop != nil {
			w := Window{Min: max(0, g.window.Min-int(p.read)), Max: -1}
			if g.window.Max >= 0 {
				w.Max = g.window.Max - int(p.read)
			}
			return graphNode{counted: loop, window: w, accept: true}
		}
	}
	node := graphNode{accept: g.d.accept[p.state]}
	read := p.read
	if read != uncounted && read >= g.horizon {
		return g.last(p, row)
	}
	if read != uncounted {
		node.accept = node.accept && int(read) >= g.window.Min // visit saw to Max
		read++
	}
	byTarget := make(map[int32]int)
	for sym, t := range row {
		to := g.visit(t, read)
		if to == dead {
			continue
		}
		at, ok := byTarget[to]
		if !ok {
			at = len(node.edges)
			byTarget[to] = at
			node.edges = append(node.edges, graphEdge{to: to})
		}
		node.edges[at].symbols = append(node.edges[at].symbols, int32(sym))
	}
	return node
}

// last returns the node of a position at the horizon: as many of the characters that
// change nothing as fit, and no others.
func (g *grapher) last(p position, row []int32) graphNode {
	var loop []int32
	for sym, t := range row {
		if t == p.state {
			loop = append(loop, int32(sym))
		}
	}
	w := Window{Min: max(0, g.window.Min-int(p.read)), Max: -1}
	if g.window.Max >= 0 {
		w.Max = g.window.Max - int(p.read)
	}
	if !g.d.accept[p.state] || (len(loop) == 0 && w.Min > 0) {
		return graphNode{}
	}
	if len(loop) == 0 {
		return graphNode{accept: true}
	}
	return graphNode{counted: loop, window: w, accept: true}
}

// freeLoop returns the symbols of a state that accepts and only ever returns to itself:
// from there on, any number of those characters may follow.
func (g *grapher) freeLoop(state int32, row []int32) []int32 {
	if !g.d.accept[state] {
		return nil
	}
	var loop []int32
	for sym, t := range row {
		switch t {
		case dead:
		case state:
			loop = append(loop, int32(sym))
		default:
			return nil
		}
	}
	return loop
}

// prune removes nodes from which nothing is accepted: a window may fall between the
// lengths that a state can reach.
func (g *graph) prune() {
	preds := make([][]int32, len(g.nodes))
	var queue []int32
	alive := make([]bool, len(g.nodes))
	for n := range g.nodes {
		for _, e := range g.nodes[n].edges {
			preds[e.to] = append(preds[e.to], int32(n))
		}
		if g.nodes[n].accept {
			alive[n] = true
			queue = append(queue, int32(n))
		}
	}
	for i := 0; i < len(queue); i++ {
		for _, p := range preds[queue[i]] {
			if !alive[p] {
				alive[p] = true
				queue = append(queue, p)
			}
		}
	}
	if g.start == dead || !alive[g.start] {
		g.start = dead
		return
	}
	g.nodes[g.start].entries = 1
	for n := range g.nodes {
		node := &g.nodes[n]
		node.edges = slices.DeleteFunc(node.edges, func(e graphEdge) bool { return !alive[e.to] })
		if !alive[n] {
			continue
		}
		for _, e := range node.edges {
			if e.to != int32(n) {
				g.nodes[e.to].entries++
			}
		}
	}
}

// HasLength reports whether some accepted string has a length in the window. It fails
// with a *LimitError when Rules would.
func (d *DFA) HasLength(w Window, limits Limits) (bool, error) {
	if w.Min <= 0 && w.Max < 0 {
		return !d.Empty(), nil
	}
	g, err := newGraph(d, &w, limits.withDefaults())
	return err == nil && g.start != dead, err
}
