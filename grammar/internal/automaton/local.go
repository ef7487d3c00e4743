package automaton

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// What characters do in a configuration often concerns the tops of its stacks only: a
// character is read, its rule returns, the next is called. locals follows such steps with
// stacks of which no more than the tops are known, so that what is found holds for every
// configuration with the same tops.

// localPlace is a core on a stack, by its number in locals.
type localPlace struct{ core, stack int32 }

// localFrame is a stack: a frame of a called rule on another stack; or, with a negative site,
// one of the unknown stacks below, by its number.
type localFrame struct{ site, below int32 }

// Bounds of what is followed. Calls nest a few deep in a character; stacks that grow with the
// text are those of recursive rules, which are not worth it.
const (
	maxLocalDepth  = 8
	maxLocalStacks = 1024
)

type locals struct {
	p      *Program
	stacks []localFrame
	depth  []int32
	index  map[localFrame]int32
	work   []localPlace // states, not cores, with their stacks: see step
}

func newLocals(p *Program) *locals { return &locals{p: p, index: map[localFrame]int32{}} }

// reset forgets all stacks.
func (l *locals) reset() {
	clear(l.index)
	l.stacks, l.depth = l.stacks[:0], l.depth[:0]
}

// stack numbers a stack, -1 where there are too many.
func (l *locals) stack(f localFrame) int32 {
	if s, ok := l.index[f]; ok {
		return s
	}
	depth := int32(0)
	if f.site >= 0 {
		depth = l.depth[f.below] + 1
	}
	if depth > maxLocalDepth || len(l.stacks) == maxLocalStacks {
		return -1
	}
	s := int32(len(l.stacks))
	l.index[f] = s
	l.stacks, l.depth = append(l.stacks, f), append(l.depth, depth)
	return s
}

// appendTops appends what of a configuration is known to a step among its tops: for each item
// the core and the frames above the first that is no called rule's, and which items have the
// same stack below these.
func (c *Cache) appendTops(key []byte, items []item) []byte {
	var below [maxLoopCores]int32
	for i, it := range items {
		key = binary.LittleEndian.AppendUint32(key, uint32(it.core))
		set := it.set
		for range maxLocalDepth / 2 {
			site, next, ok := c.called(set)
			if !ok {
				break
			}
			key = binary.LittleEndian.AppendUint32(key, uint32(site))
			set = next
		}
		below[i] = set
		key = append(key, 0xFF, byte(slices.Index(below[:i+1], set)))
	}
	return key
}

// called returns the frame of a set of one called rule.
func (c *Cache) called(set int32) (site, below int32, ok bool) {
	nodes := c.nodesOf(set)
	if len(nodes) != 1 || nodes[0] == 0 {
		return 0, 0, false
	}
	k := c.nodes.At(nodes[0]).nodeKey
	if c.p.sites[k.site].kind != siteRule {
		return 0, 0, false
	}
	return k.site, k.below, true
}

// tops returns the places of a configuration, as appendTops describes them.
func (l *locals) tops(c *Cache, items []item) []localPlace {
	places := make([]localPlace, len(items))
	var below [maxLoopCores]int32
	for i, it := range items {
		var sites []int32
		set := it.set
		for range maxLocalDepth / 2 {
			site, next, ok := c.called(set)
			if !ok {
				break
			}
			sites = append(sites, site)
			set = next
		}
		below[i] = set
		s := l.stack(localFrame{-1, int32(slices.Index(below[:i+1], set))})
		for k := len(sites) - 1; k >= 0; k-- {
			s = l.stack(localFrame{sites[k], s})
		}
		places[i] = localPlace{it.core, s}
	}
	sortPlaces(places)
	return places
}

func sortPlaces(places []localPlace) {
	slices.SortFunc(places, func(a, b localPlace) int { return cmp.Or(cmp.Compare(a.core, b.core), cmp.Compare(a.stack, b.stack)) })
}

// appendPlaces appends a key of some places.
func appendPlaces(key []byte, places []localPlace) []byte {
	for _, pl := range places {
		key = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(key, uint32(pl.core)), uint32(pl.stack))
	}
	return key
}

// dist returns the least bytes from a place to the end of what is known of its stack.
func (l *locals) dist(pl localPlace) int32 {
	d := l.p.cores.At(pl.core).dist
	for f := l.stacks[pl.stack]; f.site >= 0; f = l.stacks[f.below] {
		d = plus(d, l.p.states.At(l.p.sites[f.site].ret).dist)
	}
	return d
}

// step makes one step by byte b from some places, into dst, whose contents it replaces. out tells that
// the step leaves what is known: it returns to an unknown stack, calls something other
// than a rule, or reaches a core with two stacks. All bytes up to hi lead to the same.
func (l *locals) step(dst []localPlace, from []localPlace, b byte) (next []localPlace, out bool, hi byte) {
	next, hi = dst[:0], 255
	l.work = l.work[:0]
	for _, pl := range from {
		for _, e := range l.p.edgesOf(pl.core) {
			if b < e.lo {
				hi = min(hi, e.lo-1)
				break
			}
			if b <= e.hi {
				hi = min(hi, e.hi)
				l.visit(e.to, pl.stack)
			}
		}
	}
	for i := 0; i < len(l.work); i++ {
		st := *l.p.flat(l.work[i].core)
		stack := l.work[i].stack
		if !st.tokens.Empty() {
			return next, true, hi
		}
		if st.core >= 0 {
			next = append(next, localPlace{st.core, stack})
		}
		if st.end {
			f := l.stacks[stack]
			if f.site < 0 {
				return next, true, hi
			}
			l.visit(l.p.sites[f.site].ret, f.below)
		}
		for _, id := range l.p.lists.At(st.calls) {
			site := l.p.sites[id]
			above := l.stack(localFrame{id, stack})
			if site.kind != siteRule || above < 0 {
				return next, true, hi
			}
			l.visit(site.start, above)
		}
	}
	if len(next) > 1 {
		sortPlaces(next)
		next = slices.Compact(next)
	}
	for i := 1; i < len(next); i++ {
		out = out || next[i].core == next[i-1].core
	}
	return next, out, hi
}

// visit notes a state to look at, once.
func (l *locals) visit(state, stack int32) {
	if pl := (localPlace{state, stack}); !slices.Contains(l.work, pl) {
		l.work = append(l.work, pl)
	}
}
