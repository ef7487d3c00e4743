package automaton

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Most of a vocabulary stays where it is: inside a string, in a name that no property
// declares, behind the scheme of a URI. Such a place is a configuration that a character
// leads back to. The characters that do are a unit, whatever rules they come from, and what
// tokens do in a run of them does not depend on the grammar around it: see Unit.

// maxLoopCores bounds the cores of a configuration that is looked at for a loop. Each way a
// text may be read adds one; with more than a few, a character seldom leads back.
const maxLoopCores = 16

// Loop returns the run that a configuration is in if characters lead back to it. What
// follows the run is the configuration itself, with the bytes that begin no unit.
func (c *Cache) Loop(id int32) (Run, bool) {
	items := c.configs[id].items
	if len(items) == 0 || len(items) > maxLoopCores {
		return Run{}, false
	}
	key := c.step.key[:0]
	for _, it := range items {
		key = binary.LittleEndian.AppendUint32(key, uint32(it.core))
	}
	c.step.key = key
	u, seen := c.p.loops[string(key)]
	if !seen {
		cores := make([]int32, len(items))
		for i, it := range items {
			cores[i] = it.core
		}
		u = c.p.loopUnit(cores)
		if c.p.loops == nil {
			c.p.loops = map[string]*Unit{}
		}
		c.p.loops[string(key)] = u
	}
	if u == nil {
		return Run{}, false
	}
	return Run{Unit: u, Least: 1, Most: -1, After: id, Dist: c.configs[id].dist}, true
}

// localPlace is a core with the number of the stacks below it. As long as nothing is called
// and nothing returns, stacks stay what they are, and need not be known.
type localPlace struct{ core, stacks int32 }

// looper finds the unit of a loop: a deterministic automaton from the loop's cores back to
// them. Places from which some text does not lead back are no part of it.
type looper struct {
	p      *Program
	states []loopState
	index  map[string]int16
	key    []byte
	places []localPlace // working memory
}

type loopState struct {
	places []localPlace
	next   [256]int16 // byte -> state
	mark   progress
	good   bool // whatever may follow leads back
	dist   int32
}

// loopUnit returns the unit that leads from the given cores back to them, nil if there is
// none.
func (p *Program) loopUnit(cores []int32) *Unit {
	start := make([]localPlace, len(cores))
	for i, k := range cores {
		if len(p.cores[k].tokens) > 0 {
			return nil
		}
		start[i] = localPlace{k, int32(i)}
	}
	l := looper{p: p, index: map[string]int16{}}
	l.state(start)
	any := false
	l.states[0].mark = open
	for b := 0; b < 256; b++ {
		to, hi := l.step(0, byte(b))
		if to >= 0 && !l.explore(to) {
			to = UnitDead
		}
		any = any || to != UnitDead
		for ; ; b++ {
			l.states[0].next[b] = to
			if b == int(hi) {
				break
			}
		}
	}
	if !any {
		return nil
	}
	return l.unit()
}

// state numbers a set of places.
func (l *looper) state(places []localPlace) int16 {
	l.key = l.key[:0]
	for _, pl := range places {
		l.key = binary.LittleEndian.AppendUint32(l.key, uint32(pl.core))
		l.key = binary.LittleEndian.AppendUint32(l.key, uint32(pl.stacks))
	}
	if s, ok := l.index[string(l.key)]; ok {
		return s
	}
	s := int16(len(l.states))
	l.index[string(l.key)] = s
	l.states = append(l.states, loopState{places: slices.Clone(places), dist: infinite})
	return s
}

// step returns where a byte leads: UnitEnd back to the start, UnitDead nowhere or out of
// the rules' own states. It leads to the same place for all bytes up to hi.
func (l *looper) step(s int16, b byte) (to int16, hi byte) {
	next, out, hi := l.p.localStep(l.places, l.states[s].places, b)
	l.places = next
	if out || len(next) == 0 {
		return UnitDead, hi
	}
	if slices.Equal(next, l.states[0].places) {
		return UnitEnd, hi
	}
	return l.state(next), hi
}

// localStep makes one step from some places, into dst, which takes the place of what it holds.
// out tells that the step calls or returns. All bytes up to hi lead to the same.
func (p *Program) localStep(dst []localPlace, from []localPlace, b byte) (next []localPlace, out bool, hi byte) {
	next, hi = dst[:0], 255
	for _, pl := range from {
		for _, e := range p.cores[pl.core].edges {
			if b < e.lo {
				hi = min(hi, e.lo-1)
				break
			}
			if b > e.hi {
				continue
			}
			hi = min(hi, e.hi)
			st := p.flat(e.to)
			if st.end || !st.calls.empty() || !st.tokens.empty() || st.core < 0 {
				out = true
				continue
			}
			next = append(next, localPlace{st.core, pl.stacks})
		}
	}
	if len(next) > 1 {
		slices.SortFunc(next, func(a, b localPlace) int { return cmp.Or(cmp.Compare(a.core, b.core), cmp.Compare(a.stacks, b.stacks)) })
		next = slices.Compact(next)
	}
	for i := 1; i < len(next); i++ {
		if next[i].core == next[i-1].core {
			out = true // its stacks would be those of both
		}
	}
	return next, out, hi
}

// explore reports whether whatever follows a state leads back to the start.
func (l *looper) explore(s int16) bool {
	switch st := &l.states[s]; {
	case st.mark == done:
		return st.good
	case st.mark == open || len(l.states) > maxUnitStates:
		return false
	}
	l.states[s].mark = open
	good, dist := true, infinite
	for b := 0; b < 256 && good; b++ {
		next, out, hi := l.p.localStep(l.places, l.states[s].places, byte(b))
		l.places = next
		to := UnitDead
		switch {
		case out:
			good = false
		case len(next) == 0:
		case slices.Equal(next, l.states[0].places):
			to, dist = UnitEnd, 1
		default:
			to = l.state(next)
			if good = l.explore(to); good {
				dist = min(dist, plus(1, l.states[to].dist))
			}
		}
		for ; ; b++ {
			l.states[s].next[b] = to
			if b == int(hi) {
				break
			}
		}
	}
	st := &l.states[s]
	st.mark, st.good, st.dist = done, good, dist
	return good
}

// unit numbers the states that are left in the order in which bytes lead to them.
func (l *looper) unit() *Unit {
	u := &Unit{}
	order := []int16{0}
	number := make([]int16, len(l.states))
	for i := 0; i < len(order); i++ {
		st := l.states[order[i]]
		for b, to := range st.next {
			if to >= 0 {
				if number[to] == 0 {
					number[to] = int16(len(order))
					order = append(order, to)
				}
				st.next[b] = number[to]
			}
		}
		u.Next = append(u.Next, st.next[:]...)
		if i > 0 {
			u.Longest = max(u.Longest, st.dist)
		}
	}
	u.setKey()
	return u
}
