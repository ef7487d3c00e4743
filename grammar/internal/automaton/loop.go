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
// them. Places from which some text does not lead back are no part of it. It is used again and again.
type looper struct {
	*locals
	states []loopState
	steps  []byte // of each state, as those of a Unit
	known  map[string]uint8
	key    []byte
	places []localPlace // working memory

	order, number []uint8 // of unit
	renumbered    []byte
}

type loopState struct {
	places []localPlace
	mark   progress
	good   bool // whatever may follow leads back
	dist   int32
}

// maxLoopStates bounds the states of a looper, which are numbered in a byte below UnitEnd.
const maxLoopStates = maxUnitStates + 1

// begin forgets the last loop.
func (l *looper) begin(p *Program) {
	if l.known == nil {
		l.locals, l.known = newLocals(p), map[string]uint8{}
	}
	l.locals.reset()
	clear(l.known)
	l.states, l.steps = l.states[:0], l.steps[:0]
}

// loopUnit returns the unit that leads from the given items back to them, nil if there is
// none.
func (c *Cache) loopUnit(items []item) *Unit {
	for _, it := range items {
		if !c.p.cores.At(it.core).tokens.Empty() {
			return nil
		}
	}
	l := &c.p.looper
	l.begin(c.p)
	l.state(l.tops(c, items))
	any := false
	l.states[0].mark = open
	for b := 0; b < 256; b++ {
		to, hi := l.lead(0, byte(b))
		if to < UnitEnd && !l.explore(to) {
			to = UnitDead
		}
		any = any || to != UnitDead
		b = l.set(0, b, hi, to)
	}
	if !any {
		return nil
	}
	return l.unit()
}

// set makes the steps of a state by the bytes from b to hi, and returns hi.
func (l *looper) set(s uint8, b int, hi, to byte) int {
	row := l.steps[int(s)<<8 : int(s)<<8+256]
	for ; b <= int(hi); b++ {
		row[b] = to
	}
	return int(hi)
}

// state numbers a set of places, UnitDead where there are too many.
func (l *looper) state(places []localPlace) uint8 {
	l.key = appendPlaces(l.key[:0], places)
	if s, ok := l.known[string(l.key)]; ok {
		return s
	}
	if len(l.states) == maxLoopStates {
		return UnitDead
	}
	s := uint8(len(l.states))
	l.known[string(l.key)] = s
	if cap(l.states) > len(l.states) {
		l.states = l.states[:s+1]
	} else {
		l.states = append(l.states, loopState{})
	}
	st := &l.states[s]
	*st = loopState{places: append(st.places[:0], places...), dist: infinite}
	l.steps = append(l.steps, noUnit...)
	return s
}

// lead returns where a byte leads: UnitEnd back to the start, UnitDead nowhere or out of
// what is known. It leads to the same place for all bytes up to hi.
func (l *looper) lead(s uint8, b byte) (to uint8, hi byte) {
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
func (l *looper) explore(s uint8) bool {
	switch st := &l.states[s]; {
	case st.mark == done:
		return st.good
	case st.mark == open:
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
			if good = to != UnitDead && l.explore(to); good {
				dist = min(dist, plus(1, l.states[to].dist))
			}
		}
		b = l.set(s, b, hi, to)
	}
	st := &l.states[s]
	st.mark, st.good, st.dist = done, good, dist
	return good
}

// unit numbers the states that are left in the order in which bytes lead to them.
func (l *looper) unit() *Unit {
	u := &Unit{}
	order, steps := append(l.order[:0], 0), l.renumbered[:0]
	number := append(l.number[:0], make([]uint8, len(l.states))...)
	for i := 0; i < len(order); i++ {
		for _, to := range l.steps[int(order[i])<<8 : int(order[i])<<8+256] {
			if to < UnitEnd {
				if number[to] == 0 {
					number[to] = uint8(len(order))
					order = append(order, to)
				}
				to = number[to]
			}
			steps = append(steps, to)
		}
		if i > 0 {
			u.Longest = max(u.Longest, l.states[order[i]].dist)
		}
	}
	l.order, l.number, l.renumbered = order, number, steps
	u.Steps = string(steps)
	return u
}
