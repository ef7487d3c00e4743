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

// loopPlace is a core with the number of the stacks below it. As long as nothing is called
// and nothing returns, stacks stay what they are, and need not be known.
type loopPlace struct{ core, stacks int32 }

// looper finds the unit of a loop: a deterministic automaton from the loop's cores back to
// them. Places from which some text does not lead back are no part of it.
type looper struct {
	p      *Program
	states []loopState
	index  map[string]int16
	key    []byte
}

type loopState struct {
	places []loopPlace
	next   []int16 // byte class -> state
	mark   progress
	good   bool // whatever may follow leads back
	dist   int32
}

// loopUnit returns the unit that leads from the given cores back to them, nil if there is
// none.
func (p *Program) loopUnit(cores []int32) *Unit {
	start := make([]loopPlace, len(cores))
	for i, k := range cores {
		if len(p.cores[k].tokens) > 0 {
			return nil
		}
		start[i] = loopPlace{k, int32(i)}
	}
	l := looper{p: p, index: map[string]int16{}}
	l.state(start)
	any := false
	next := make([]int16, len(p.classRep))
	for k := range next {
		next[k] = l.step(0, uint8(k))
		if s := next[k]; s >= 0 && !l.explore(s) {
			next[k] = UnitDead
		}
		any = any || next[k] != UnitDead
	}
	if !any {
		return nil
	}
	l.states[0].next = next
	return l.unit()
}

// state numbers a set of places.
func (l *looper) state(places []loopPlace) int16 {
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

// step returns where a byte class leads: UnitEnd back to the start, UnitDead nowhere or
// out of the rules' own states.
func (l *looper) step(s int16, class uint8) int16 {
	next, out := l.follow(s, class)
	if out || len(next) == 0 {
		return UnitDead
	}
	if slices.Equal(next, l.states[0].places) {
		return UnitEnd
	}
	return l.state(next)
}

// follow makes one step from all places. out tells that it calls or returns.
func (l *looper) follow(s int16, class uint8) (next []loopPlace, out bool) {
	b := l.p.classRep[class]
	for _, pl := range l.states[s].places {
		for _, e := range l.p.cores[pl.core].edges {
			if b < e.lo {
				break
			}
			if b > e.hi {
				continue
			}
			st := l.p.flat(e.to)
			if st.end || !st.calls.empty() || !st.tokens.empty() || st.core < 0 {
				return nil, true
			}
			next = append(next, loopPlace{st.core, pl.stacks})
		}
	}
	slices.SortFunc(next, func(a, b loopPlace) int { return cmp.Or(cmp.Compare(a.core, b.core), cmp.Compare(a.stacks, b.stacks)) })
	next = slices.Compact(next)
	for i := 1; i < len(next); i++ {
		if next[i].core == next[i-1].core {
			return nil, true // its stacks would be those of both
		}
	}
	return next, false
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
	next := make([]int16, len(l.p.classRep))
	good, dist := true, infinite
	for k := range next {
		to, out := l.follow(s, uint8(k))
		switch {
		case out:
			good = false
		case len(to) == 0:
			next[k] = UnitDead
		case slices.Equal(to, l.states[0].places):
			next[k], dist = UnitEnd, 1
		default:
			next[k] = l.state(to)
			if good = l.explore(next[k]); good {
				dist = min(dist, plus(1, l.states[next[k]].dist))
			}
		}
		if !good {
			break
		}
	}
	st := &l.states[s]
	st.mark, st.good, st.next, st.dist = done, good, next, dist
	return good
}

// unit numbers the states that are left in the order in which bytes lead to them.
func (l *looper) unit() *Unit {
	u := &Unit{}
	order := []int16{0}
	number := make([]int16, len(l.states))
	for i := 0; i < len(order); i++ {
		row := [256]int16{}
		st := &l.states[order[i]]
		for k, to := range st.next {
			if to >= 0 {
				if number[to] == 0 {
					number[to] = int16(len(order))
					order = append(order, to)
				}
				to = number[to]
			}
			lo, hi := l.p.ClassRange(uint8(k))
			for b := int(lo); b <= int(hi); b++ {
				row[b] = to
			}
		}
		u.Next = append(u.Next, row[:]...)
		if i > 0 {
			u.Longest = max(u.Longest, st.dist)
		}
	}
	u.setKey()
	return u
}
