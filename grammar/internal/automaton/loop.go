package automaton

import "slices"

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
	items := c.itemsOf(id)
	if len(items) == 0 || len(items) > maxLoopCores {
		return Run{}, false
	}
	key := c.appendTops(c.step.key[:0], items)
	c.step.key = key
	u, seen := c.p.loops[string(key)]
	if !seen {
		u = c.loopUnit(items)
		if c.p.loops == nil {
			c.p.loops = map[string]*Unit{}
		}
		c.p.loops[string(key)] = u
	}
	if u == nil {
		return Run{}, false
	}
	return Run{Unit: u, Least: 1, Most: -1, After: id, Dist: c.configOf(id).dist}, true
}

// looper finds the unit of a loop: a deterministic automaton from the loop's cores back to
// them. Places from which some text does not lead back are no part of it.
type looper struct {
	*locals
	states []loopState
	known  map[string]int16
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

// loopUnit returns the unit that leads from the given items back to them, nil if there is
// none.
func (c *Cache) loopUnit(items []item) *Unit {
	for _, it := range items {
		if !c.p.cores.At(it.core).tokens.Empty() {
			return nil
		}
	}
	l := looper{locals: newLocals(c.p), known: map[string]int16{}}
	l.state(l.tops(c, items))
	any := false
	l.states[0].mark = open
	for b := 0; b < 256; b++ {
		to, hi := l.lead(0, byte(b))
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
	l.key = appendPlaces(l.key[:0], places)
	if s, ok := l.known[string(l.key)]; ok {
		return s
	}
	s := int16(len(l.states))
	l.known[string(l.key)] = s
	l.states = append(l.states, loopState{places: slices.Clone(places), dist: infinite})
	return s
}

// lead returns where a byte leads: UnitEnd back to the start, UnitDead nowhere or out of
// what is known. It leads to the same place for all bytes up to hi.
func (l *looper) lead(s int16, b byte) (to int16, hi byte) {
	next, out, hi := l.step(l.places, l.states[s].places, b)
	l.places = next
	if out || len(next) == 0 {
		return UnitDead, hi
	}
	if slices.Equal(next, l.states[0].places) {
		return UnitEnd, hi
	}
	return l.state(next), hi
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
		next, out, hi := l.step(l.places, l.states[s].places, byte(b))
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
	u := &Unit{Next: make([]int16, 0, 256*len(l.states))}
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
