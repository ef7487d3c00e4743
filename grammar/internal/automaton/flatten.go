package automaton

import (
	"cmp"
	"slices"

	"github.com/callama/callama/internal/slab"
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
	if !p.states.At(s).flat {
		p.flatten(s)
	}
	return p.states.At(s)
}

func (p *Program) flatten(s int32) {
	if p.states.At(s).callee != -1 {
		p.open(s)
	}
	st := p.states.At(s)
	st.flat = true
	edges, tokens := p.builder.edges.At(st.edges), p.tokens.At(st.tokens)
	stored := p.plain(st)
	if !stored {
		edges, tokens = p.follow(s)
	}
	switch {
	case len(edges) == 0 && len(tokens) == 0:
		st.edges, st.tokens = slab.Span{}, slab.Span{}
		return
	case len(edges) == 1 && len(tokens) == 0:
		// The one state made for this edge has the core.
		if first := p.chain(edges[0]); first != s {
			st.core = p.flat(first).core
		} else {
			st.core = p.addCore(st.edges, st.tokens)
		}
	default:
		core, hash := p.findCore(edges, tokens)
		if core < 0 {
			if !stored {
				st.edges, st.tokens = p.builder.edges.Put(edges...), p.tokens.Put(tokens...)
			}
			core = p.addCore(st.edges, st.tokens)
			p.coreAt.add(hash, core)
		}
		st.core = core
	}
	st.edges, st.tokens = p.cores.At(st.core).at, p.cores.At(st.core).tokens
}

// plain reports whether a state is as it must be already.
func (p *Program) plain(st *state) bool {
	if !st.eps.Empty() || !st.tokens.Empty() || !st.calls.Empty() {
		return false
	}
	for _, e := range p.builder.edges.At(st.edges) {
		if p.states.At(e.to).dist >= infinite {
			return false
		}
	}
	return true
}

// follow collects what can happen in a state and those it leads to by empty moves. The lists are working memory.
func (p *Program) follow(s int32) ([]edge, []tokenEdge) {
	f := &p.flattener
	f.round++
	f.edges, f.token, f.calls, f.stack = f.edges[:0], f.token[:0], f.calls[:0], f.stack[:0]
	p.visit(s)
	end := false
	for len(f.stack) > 0 {
		r := p.states.At(f.stack[len(f.stack)-1])
		f.stack = f.stack[:len(f.stack)-1]
		end = end || r.end
		for _, t := range p.lists.At(r.eps) {
			p.visit(t)
		}
		for _, e := range p.builder.edges.At(r.edges) {
			if p.states.At(e.to).dist < infinite {
				f.edges = append(f.edges, e)
			}
		}
		for _, e := range p.tokens.At(r.tokens) {
			if p.states.At(e.to).dist < infinite {
				f.token = append(f.token, e)
			}
		}
		for _, c := range p.lists.At(r.calls) {
			if st := &p.sites[c]; st.kind == siteRule && st.ret == p.end && !st.keep {
				// A call in last place returns where its caller does: the callee's states
				// are the caller's own.
				if p.states.At(st.start).dist < infinite {
					p.open(st.start)
					p.visit(st.start)
				}
				continue
			}
			if plus(p.entering(c), p.states.At(p.sites[c].ret).dist) < infinite {
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
	st := p.states.At(s)
	st.end, st.eps, st.calls = end, slab.Span{}, p.lists.Put(f.calls...)
	return f.edges, f.token
}

// visit puts a state on the stack of follow unless it was there or has no way to the end.
func (p *Program) visit(s int32) {
	f := &p.flattener
	if int(s) >= len(f.mark) {
		f.mark = lengthen(f.mark, p.states.Len())
	}
	if f.mark[s] != f.round && p.states.At(s).dist < infinite {
		if isLater(p.states.At(s).callee) {
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

// findCore returns the core with these edges, which states that have the same share; -1 if there is none yet.
func (p *Program) findCore(edges []edge, tokens []tokenEdge) (core int32, hash uint32) {
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
		if k := p.cores.At(s.id - 1); s.hash == h.sum() && slices.Equal(k.edges, edges) && slices.Equal(p.tokens.At(k.tokens), tokens) {
			return s.id - 1, s.hash
		}
	}
	return -1, h.sum()
}

// coreOfEdges returns the core with these edges.
func (p *Program) coreOfEdges(edges []edge) int32 {
	if len(edges) == 1 {
		return p.flat(p.chain(edges[0])).core
	}
	slices.SortFunc(edges, compareEdges)
	return p.flat(p.add(state{edges: p.builder.edges.Put(slices.Compact(edges)...)})).core
}

func (p *Program) addCore(edges, tokens slab.Span) int32 {
	k := core{edges: p.builder.edges.At(edges), at: edges, tokens: tokens, dist: infinite}
	for _, e := range k.edges {
		k.dist = min(k.dist, plus(1, p.states.At(e.to).dist))
		k.plain = k.plain || p.states.At(e.to).plain
	}
	for _, e := range p.tokens.At(k.tokens) {
		k.dist = min(k.dist, plus(1, p.states.At(e.to).dist))
		k.plain = k.plain || p.states.At(e.to).plain
	}
	return p.cores.Add(k)
}
