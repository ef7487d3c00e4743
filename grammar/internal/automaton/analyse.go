package automaton

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/callama/callama/grammar/gbnf"
)

// ErrEmpty is returned for a grammar whose language has no finite text.
var ErrEmpty = errors.New("the grammar matches no text at all")

// Options of Compile. The zero value is a good default, except for grammars with named
// token terminals.
type Options struct {
	MaxStates int                             // 0 = MaxStates
	Token     func(name string) (int32, bool) // finds <name>; nil finds none
}

// Compile translates a grammar without left recursion. Whatever cannot be part of a
// finite text is cut off, so that every configuration of the result can be completed.
// Errors: *LimitError, ErrEmpty, or one that names the rule.
func Compile(g *gbnf.Grammar, o Options) (*Program, error) {
	if o.MaxStates == 0 {
		o.MaxStates = MaxStates
	}
	if o.Token == nil {
		o.Token = func(string) (int32, bool) { return 0, false }
	}
	rules, err := normalise(g)
	if err != nil {
		return nil, err
	}
	b := &builder{rules: rules, nullable: nullableRules(rules), lookup: o.Token, limit: o.MaxStates}
	start, err := b.buildAll(g.Root)
	if err != nil {
		return nil, err
	}
	a := &analysis{builder: b}
	a.distances()
	if a.dist[start] >= infinite {
		return nil, ErrEmpty
	}
	p, err := a.program(start)
	if err != nil {
		return nil, err
	}
	p.rootNullable = b.nullable[g.Root]
	return p, nil
}

// analysis computes what is needed of raw states and renumbers those that matter.
type analysis struct {
	*builder
	dist []int32 // of raw states: least bytes to the end of the rule

	number  []int32 // raw state -> state, -1 if not (yet) needed
	pending []int32 // numbered raw states that are not flattened yet
	states  []state
	mark    []int32 // raw state -> last flattening that visited it
	round   int32
	stack   []int32
	edges   []edge // of the state being flattened
	calls   []int32
}

// distances computes dist as the least fixed point, relaxing a state whenever something
// it depends on got shorter.
func (a *analysis) distances() {
	n := len(a.raw)
	a.dist = make([]int32, n)
	for i := range a.dist {
		a.dist[i] = infinite
	}
	users := a.users()
	queued := make([]bool, n)
	queue := make([]int32, 0, n)
	for i := n - 1; i >= 0; i-- {
		queue = append(queue, int32(i))
		queued[i] = true
	}
	for head := 0; head < len(queue); head++ {
		s := queue[head]
		queued[s] = false
		d := a.distance(s)
		if d >= a.dist[s] {
			continue
		}
		a.dist[s] = d
		for _, u := range users.of(s) {
			if !queued[u] {
				queued[u] = true
				queue = append(queue, u)
			}
		}
		if head > n && head*2 > len(queue) { // drop what is done
			queue = append(queue[:0], queue[head+1:]...)
			head = -1
		}
	}
}

// userLists holds for each raw state the states whose distance depends on it, one list
// after the other: those of state s are list[from[s]:from[s+1]].
type userLists struct{ from, list []int32 }

func (u *userLists) of(s int32) []int32 { return u.list[u.from[s]:u.from[s+1]] }

// users makes the lists in two passes: count, then fill.
func (a *analysis) users() *userLists {
	u := &userLists{from: make([]int32, len(a.raw)+1)}
	a.eachUse(func(of, _ int32) { u.from[of+1]++ })
	for i := range a.raw {
		u.from[i+1] += u.from[i]
	}
	u.list = make([]int32, u.from[len(a.raw)])
	next := slices.Clone(u.from)
	a.eachUse(func(of, user int32) {
		u.list[next[of]] = user
		next[of]++
	})
	return u
}

// eachUse visits every pair of a state and one whose distance depends on it.
func (a *analysis) eachUse(add func(of, user int32)) {
	for i := range a.raw {
		s, u := &a.raw[i], int32(i)
		for _, t := range s.eps {
			add(t, u)
		}
		for _, e := range s.edges {
			add(e.to, u)
		}
		for _, e := range s.tokens {
			add(e.to, u)
		}
		for _, c := range s.calls {
			st := &a.sites[c]
			add(st.ret, u)
			if st.kind != siteMember {
				add(st.start, u)
				continue
			}
			m := &a.members[st.index]
			add(m.sep, u)
			for _, it := range m.items {
				add(it.start, u)
			}
		}
	}
}

func (a *analysis) distance(s int32) int32 {
	r := &a.raw[s]
	if r.end {
		return 0
	}
	d := infinite
	for _, t := range r.eps {
		d = min(d, a.dist[t])
	}
	for _, e := range r.edges {
		d = min(d, plus(1, a.dist[e.to]))
	}
	for _, e := range r.tokens {
		d = min(d, plus(1, a.dist[e.to]))
	}
	for _, c := range r.calls {
		d = min(d, plus(a.callee(c), a.dist[a.sites[c].ret]))
	}
	return d
}

// callee returns the least bytes of what is called at a site when it is entered.
func (a *analysis) callee(c int32) int32 {
	st := &a.sites[c]
	switch st.kind {
	case siteRule:
		return a.dist[st.start]
	case siteRepeat:
		rep := &a.repeats[st.index]
		return times(max(rep.min, 1), a.dist[rep.body])
	}
	m := &a.members[st.index]
	fresh := func(int) bool { return false }
	dist := func(i int) int32 { return a.dist[m.items[i].start] }
	sum, k := m.need(0, fresh, fresh, dist)
	if k > 0 {
		return plus(sum, times(k-1, a.dist[m.sep]))
	}
	least := infinite
	for i := range m.items {
		least = min(least, dist(i))
	}
	return least
}

// program numbers and flattens the states that can be reached.
func (a *analysis) program(start int32) (*Program, error) {
	p := &Program{sites: slices.Clone(a.sites), repeats: slices.Clone(a.repeats),
		members: slices.Clone(a.members), rootDist: a.dist[start]}
	a.number = make([]int32, len(a.raw))
	for i := range a.number {
		a.number[i] = -1
	}
	a.mark = make([]int32, len(a.raw))
	p.root = a.need(start)
	done := make([]bool, len(a.sites))
	for len(a.pending) > 0 {
		raw := a.pending[len(a.pending)-1]
		a.pending = a.pending[:len(a.pending)-1]
		a.flatten(raw)
		for _, c := range a.states[a.number[raw]].calls {
			if !done[c] {
				done[c] = true
				a.finishSite(p, c)
			}
		}
	}
	p.states = a.states
	for i := range p.sites {
		st := &p.sites[i]
		if st.kind != siteRule || !done[i] {
			continue
		}
		ret := &p.states[st.ret]
		st.tail = ret.end && len(ret.edges) == 0 && len(ret.tokens) == 0 && len(ret.calls) == 0
	}
	a.finishBodies(p, done)
	p.findCores()
	p.splitBytes()
	p.findUnits()
	return p, a.rank(p)
}

// need returns the number of a raw state, giving it one if it has none.
func (a *analysis) need(raw int32) int32 {
	if a.number[raw] < 0 {
		a.number[raw] = int32(len(a.states))
		a.states = append(a.states, state{dist: a.dist[raw], rank: -1})
		a.pending = append(a.pending, raw)
	}
	return a.number[raw]
}

// flatten follows the empty moves from a raw state and keeps what can be finished.
func (a *analysis) flatten(raw int32) {
	a.round++
	s := state{dist: a.dist[raw], rank: -1}
	edges, calls := a.edges[:0], a.calls[:0]
	a.stack = append(a.stack[:0], raw)
	a.mark[raw] = a.round
	for len(a.stack) > 0 {
		r := &a.raw[a.stack[len(a.stack)-1]]
		a.stack = a.stack[:len(a.stack)-1]
		s.end = s.end || r.end
		for _, t := range r.eps {
			if a.mark[t] != a.round && a.dist[t] < infinite {
				a.mark[t] = a.round
				a.stack = append(a.stack, t)
			}
		}
		for _, e := range r.edges {
			if a.dist[e.to] < infinite {
				edges = append(edges, edge{e.lo, e.hi, a.need(e.to)})
			}
		}
		for _, e := range r.tokens {
			if a.dist[e.to] < infinite {
				s.tokens = append(s.tokens, tokenEdge{e.id, e.negated, a.need(e.to)})
			}
		}
		for _, c := range r.calls {
			if st := &a.sites[c]; st.kind == siteRule && st.ret == a.end {
				// A call in last place returns where its caller does: the callee's states
				// are the caller's own.
				if t := st.start; a.mark[t] != a.round && a.dist[t] < infinite {
					a.mark[t] = a.round
					a.stack = append(a.stack, t)
				}
				continue
			}
			if plus(a.callee(c), a.dist[a.sites[c].ret]) < infinite {
				calls = append(calls, c)
			}
		}
	}
	if len(edges) > 1 {
		slices.SortFunc(edges, func(x, y edge) int {
			return cmp.Or(cmp.Compare(x.lo, y.lo), cmp.Compare(x.hi, y.hi), cmp.Compare(x.to, y.to))
		})
		edges = slices.Compact(edges)
	}
	a.edges, a.calls = edges, calls
	s.edges, s.calls = keep(&a.edgeArena, edges), keep(&a.epsArena, calls)
	a.states[a.number[raw]] = s
}

// keep copies a list behind those in an arena: one allocation for many.
func keep[T any](arena *[]T, list []T) []T {
	if len(list) == 0 {
		return nil
	}
	at := len(*arena)
	*arena = append(*arena, list...)
	return (*arena)[at:len(*arena):len(*arena)]
}

// finishSite gives a used site the numbers of the states it refers to.
func (a *analysis) finishSite(p *Program, c int32) {
	raw := a.sites[c]
	p.sites[c].ret = a.need(raw.ret)
	if raw.kind != siteMember {
		p.sites[c].start = a.need(raw.start)
		return
	}
	sep := a.members[raw.index].site + 1
	p.sites[sep].ret = p.sites[c].ret
	p.sites[sep].start = a.need(a.sites[sep].start)
	for _, it := range a.members[raw.index].items {
		if a.dist[it.start] < infinite {
			a.need(it.start)
		}
	}
}

// finishBodies does the same for repeats and members.
func (a *analysis) finishBodies(p *Program, done []bool) {
	for i := range p.sites {
		if !done[i] {
			continue
		}
		switch st := &p.sites[i]; st.kind {
		case siteRepeat:
			rep := &p.repeats[st.index]
			rep.dist, rep.body, rep.kept = a.dist[rep.body], st.start, true
		case siteMember:
			m := &p.members[st.index]
			m.sepDist, m.sep = a.dist[m.sep], p.sites[m.site+1].start
			m.items = slices.Clone(m.items)
			for k := range m.items {
				it := &m.items[k]
				it.dist, it.start = a.dist[it.start], a.number[it.start]
			}
		}
	}
}

// findCores gives states with the same edges the same core.
func (p *Program) findCores() {
	index := make(map[string]int32)
	var key []byte
	for i := range p.states {
		s := &p.states[i]
		s.core = -1
		if len(s.edges) == 0 && len(s.tokens) == 0 {
			continue
		}
		key = key[:0]
		k := core{edges: s.edges, tokens: s.tokens, dist: infinite}
		for _, e := range s.edges {
			key = binary.LittleEndian.AppendUint32(append(key, e.lo, e.hi), uint32(e.to))
			k.dist = min(k.dist, plus(1, p.states[e.to].dist))
		}
		for _, e := range s.tokens {
			negated := byte(0)
			if e.negated {
				negated = 1
			}
			key = binary.LittleEndian.AppendUint32(append(key, 't', negated), uint32(e.id))
			key = binary.LittleEndian.AppendUint32(key, uint32(e.to))
			k.dist = min(k.dist, plus(1, p.states[e.to].dist))
		}
		c, ok := index[string(key)]
		if !ok {
			c = int32(len(p.cores))
			p.cores = append(p.cores, k)
			index[string(key)] = c
		}
		s.core = c
	}
}

// splitBytes finds the byte classes: maximal runs of bytes that no edge tells apart.
func (p *Program) splitBytes() {
	var cut [257]bool
	for i := range p.cores {
		for _, e := range p.cores[i].edges {
			cut[e.lo], cut[int(e.hi)+1] = true, true
			for b := int(e.lo); b <= int(e.hi); b++ {
				p.bytes[b] = true
			}
		}
	}
	for b := range 256 {
		if b == 0 || cut[b] {
			p.classRep = append(p.classRep, byte(b))
		}
		p.class[b] = uint8(len(p.classRep) - 1)
	}
}

// rank orders the states where calls begin so that calls made before any byte lead
// forward. A cycle is left recursion.
func (a *analysis) rank(p *Program) error {
	const open = -2
	var order []int32
	var visit func(s int32) error
	visit = func(s int32) error {
		switch p.states[s].rank {
		case -1:
		case open:
			return fmt.Errorf("rule %s is left-recursive", a.ruleAt(s))
		default:
			return nil
		}
		p.states[s].rank = open
		for _, c := range p.states[s].calls {
			if err := p.eachStart(c, visit); err != nil {
				return err
			}
		}
		p.states[s].rank = 0
		order = append(order, s)
		return nil
	}
	if err := visit(p.root); err != nil {
		return err
	}
	for i := range p.states {
		for _, c := range p.states[i].calls {
			if err := p.eachStart(c, visit); err != nil {
				return err
			}
			if p.sites[c].kind == siteMember { // the separator is a start, entered by a return
				if err := visit(p.sites[c+1].start); err != nil {
					return err
				}
			}
		}
	}
	slices.Reverse(order)
	p.starts = order
	for i, s := range order {
		p.states[s].rank = int32(i)
	}
	return nil
}

// eachStart visits the first states of what is called at a site.
func (p *Program) eachStart(c int32, visit func(int32) error) error {
	st := &p.sites[c]
	if st.kind != siteMember {
		return visit(st.start)
	}
	for _, it := range p.members[st.index].items {
		if it.dist >= infinite {
			continue
		}
		if err := visit(it.start); err != nil {
			return err
		}
	}
	return nil
}

// ruleAt names the rule that begins at a state, for error texts.
func (a *analysis) ruleAt(s int32) string {
	for raw, r := range a.owner {
		if a.number[raw] == s {
			return a.rules[r].Name
		}
	}
	return "(part of a rule)"
}
