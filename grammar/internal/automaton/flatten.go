package automaton

import (
	"cmp"
	"slices"
)

// flattener follows empty moves. Its lists are working memory.
type flattener struct {
	mark  []int32 // state -> last flattening that visited it
	round int32
	stack []int32
	edges []edge
	token []tokenEdge
	calls []int32

	coreAt index // of cores by edges and tokens
}

// flat returns a state ready to run: with its empty moves followed, what can be finished
// kept, and its core known. It builds and follows what no text has reached before.
func (p *Program) flat(s int32) *state {
	if !p.states[s].flat {
		p.flatten(s)
	}
	return &p.states[s]
}

func (p *Program) flatten(s int32) {
	if p.states[s].callee != -1 {
		p.open(s)
	}
	st := &p.states[s]
	st.flat = true
	if !p.plain(st) {
		p.follow(s)
		st = &p.states[s]
	}
	switch n := st.edges.to - st.edges.from; {
	case n == 0 && st.tokens.to == st.tokens.from:
		return
	case n == 1 && st.tokens.to == st.tokens.from:
		// The one state made for this edge has the core.
		if first := p.chain(p.builder.edges[st.edges.from]); first != s {
			core := p.flat(first).core
			p.states[s].core = core
			return
		}
		st.core = p.addCore(st)
	default:
		st.core = p.coreOf(st)
	}
}

// plain reports whether a state is as it must be already.
func (p *Program) plain(st *state) bool {
	if st.eps.to > st.eps.from || st.tokens.to > st.tokens.from || st.calls.to > st.calls.from {
		return false
	}
	for _, e := range p.builder.edges[st.edges.from:st.edges.to] {
		if p.states[e.to].dist >= infinite {
			return false
		}
	}
	return true
}

// follow collects what can happen in a state and those it leads to by empty moves.
func (p *Program) follow(s int32) {
	f := &p.flattener
	f.round++
	f.edges, f.token, f.calls, f.stack = f.edges[:0], f.token[:0], f.calls[:0], f.stack[:0]
	p.visit(s)
	end := false
	for len(f.stack) > 0 {
		r := &p.states[f.stack[len(f.stack)-1]]
		f.stack = f.stack[:len(f.stack)-1]
		end = end || r.end
		for _, t := range p.lists[r.eps.from:r.eps.to] {
			p.visit(t)
		}
		for _, e := range p.builder.edges[r.edges.from:r.edges.to] {
			if p.states[e.to].dist < infinite {
				f.edges = append(f.edges, e)
			}
		}
		for _, e := range p.tokens[r.tokens.from:r.tokens.to] {
			if p.states[e.to].dist < infinite {
				f.token = append(f.token, e)
			}
		}
		for _, c := range p.lists[r.calls.from:r.calls.to] {
			if st := &p.sites[c]; st.kind == siteRule && st.ret == p.end && !st.keep {
				// A call in last place returns where its caller does: the callee's states
				// are the caller's own.
				if p.states[st.start].dist < infinite {
					p.open(st.start)
					p.visit(st.start)
				}
				continue
			}
			if plus(p.entering(c), p.states[p.sites[c].ret].dist) < infinite {
				f.calls = append(f.calls, c)
			}
		}
	}
	if len(f.edges) > 1 {
		slices.SortFunc(f.edges, compareEdges)
		f.edges = slices.Compact(f.edges)
	}
	if len(f.token) > 1 {
		slices.SortFunc(f.token, func(x, y tokenEdge) int {
			return cmp.Or(cmp.Compare(x.id, y.id), cmp.Compare(x.to, y.to), boolInt(x.negated)-boolInt(y.negated))
		})
		f.token = slices.Compact(f.token)
	}
	if len(f.calls) > 1 {
		slices.Sort(f.calls)
		f.calls = slices.Compact(f.calls)
	}
	st := &p.states[s]
	st.end, st.eps = end, span{}
	st.edges, st.tokens = put(&p.builder.edges, f.edges...), put(&p.tokens, f.token...)
	st.calls = put(&p.lists, f.calls...)
}

// visit puts a state on the stack of follow unless it was there or has no way to the end.
func (p *Program) visit(s int32) {
	f := &p.flattener
	if int(s) >= len(f.mark) {
		f.mark = lengthen(f.mark, len(p.states))
	}
	if f.mark[s] != f.round && p.states[s].dist < infinite {
		if isLater(p.states[s].callee) {
			p.open(s)
		}
		f.mark[s] = f.round
		f.stack = append(f.stack, s)
	}
}

func compareEdges(x, y edge) int {
	return cmp.Or(cmp.Compare(x.lo, y.lo), cmp.Compare(x.hi, y.hi), cmp.Compare(x.to, y.to))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// coreOf gives states with the same edges the same core.
func (p *Program) coreOf(st *state) int32 {
	edges, tokens := p.builder.edges[st.edges.from:st.edges.to], p.tokens[st.tokens.from:st.tokens.to]
	h := hasher(0)
	for _, e := range edges {
		h.add(int32(e.lo)<<8 | int32(e.hi))
		h.add(e.to)
	}
	for _, e := range tokens {
		h.add(e.id)
		h.add(e.to)
	}
	for find := p.coreAt.at(h.sum()); ; find = find.next() {
		s := find.slot()
		if s.id == 0 {
			break
		}
		if k := &p.cores[s.id-1]; s.hash == h.sum() && slices.Equal(k.edges, edges) && slices.Equal(k.tokens, tokens) {
			return s.id - 1
		}
	}
	c := p.addCore(st)
	p.coreAt.add(h.sum(), c)
	return c
}

// coreOfEdges returns the core with these edges.
func (p *Program) coreOfEdges(edges []edge) int32 {
	if len(edges) == 1 {
		return p.flat(p.chain(edges[0])).core
	}
	slices.SortFunc(edges, compareEdges)
	return p.flat(p.add(state{edges: put(&p.builder.edges, slices.Compact(edges)...)})).core
}

func (p *Program) addCore(st *state) int32 {
	k := core{edges: p.builder.edges[st.edges.from:st.edges.to:st.edges.to],
		tokens: p.tokens[st.tokens.from:st.tokens.to:st.tokens.to], dist: infinite}
	for _, e := range k.edges {
		k.dist = min(k.dist, plus(1, p.states[e.to].dist))
		k.plain = k.plain || p.states[e.to].plain
	}
	for _, e := range k.tokens {
		k.dist = min(k.dist, plus(1, p.states[e.to].dist))
		k.plain = k.plain || p.states[e.to].plain
	}
	p.cores = append(p.cores, k)
	return int32(len(p.cores) - 1)
}
