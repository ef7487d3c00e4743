package automaton

import (
	"encoding/binary"
	"slices"
)

// A unit is the item of a counted repetition whose texts are a prefix code: no text of it
// begins another, so that a run of units splits in one way only. The characters of a JSON
// string are one. What a vocabulary's tokens do inside a run of units does not depend on
// the grammar around it; package mask works it out once for each vocabulary and unit.

// Unit is a deterministic automaton for one unit. Immutable.
type Unit struct {
	// Steps holds 256 bytes for each state: the next state, UnitEnd or UnitDead. State 0
	// is the start. They are equal for equal automata, also of different programs.
	Steps string
	// Longest is the most bytes that may be missing inside a unit.
	Longest int32
}

// Results of a step within a unit.
const (
	UnitDead = uint8(0xFF) // the byte does not continue the unit
	UnitEnd  = uint8(0xFE) // it completes the unit
)

// maxUnitStates bounds a unit's automaton: the characters of a JSON string in any spelling
// need about 30. A state must be a byte below UnitEnd.
const maxUnitStates = 128

// unitUnknown stands in repeat.unit until the repetition is first looked at.
const unitUnknown = int32(-2)

// findUnit returns the unit of a repetition, -1 if its item is none, and sets repeat.unit.
func (p *Program) findUnit(repeat int32) int32 {
	if u := p.repeats[repeat].unit; u != unitUnknown {
		return u
	}
	index := int32(-1)
	if entry := *p.flat(p.repeats[repeat].body); entry.core >= 0 && !entry.end && entry.tokens.Empty() && entry.calls.Empty() {
		seen := false
		if index, seen = p.unitOf[entry.core]; !seen {
			index = p.addUnit(p.repeats[repeat].body, entry.core)
		}
	}
	p.repeats[repeat].unit = index
	return index
}

// addUnit determinises the states from entry on and returns the index of the unit, -1 if
// they are none.
func (p *Program) addUnit(entry, core int32) int32 {
	index := int32(-1)
	if u := p.unitFrom(entry); u != nil {
		index = int32(len(p.units))
		p.units = append(p.units, u)
		p.entries = append(p.entries, core)
	}
	if p.unitOf == nil {
		p.unitOf = map[int32]int32{}
	}
	p.unitOf[core] = index
	return index
}

// unitFrom determinises the states from entry on; nil if they call, take tokens, or are
// not a prefix code.
func (p *Program) unitFrom(entry int32) *Unit {
	u := &Unit{}
	var steps []byte
	var next []int32
	sets := [][]int32{{entry}}
	index := map[string]uint8{string(setKey(sets[0])): 0}
	for i := 0; i < len(sets); i++ {
		for k := range p.classRep {
			lo, hi := p.ClassRange(uint8(k))
			next = next[:0]
			for _, s := range sets[i] {
				st := p.flat(s)
				for _, e := range p.builder.edges.At(st.edges) {
					if e.lo <= lo && lo <= e.hi {
						next = append(next, e.to)
					}
				}
			}
			to, ok := p.unitState(next, &sets, index)
			if !ok {
				return nil
			}
			for b := int(lo); b <= int(hi); b++ {
				steps = append(steps, to) // classes are in the order of their bytes
			}
		}
		for _, s := range sets[i] {
			u.Longest = max(u.Longest, p.states.At(s).dist)
		}
	}
	u.Steps = string(steps)
	return u
}

// unitState returns the state of the deterministic automaton for a set of states.
func (p *Program) unitState(next []int32, sets *[][]int32, index map[string]uint8) (uint8, bool) {
	if len(next) == 0 {
		return UnitDead, true
	}
	slices.Sort(next)
	next = slices.Compact(next)
	ends := 0
	for _, s := range next {
		st := p.flat(s)
		if !st.calls.Empty() || !st.tokens.Empty() {
			return 0, false
		}
		if st.end {
			if !st.edges.Empty() {
				return 0, false
			}
			ends++
		}
	}
	if ends == len(next) {
		return UnitEnd, true
	}
	key := setKey(next)
	if to, ok := index[string(key)]; ok {
		return to, ends == 0
	}
	if ends > 0 || len(*sets) == maxUnitStates {
		return 0, false
	}
	to := uint8(len(*sets))
	index[string(key)] = to
	*sets = append(*sets, slices.Clone(next))
	return to, true
}

func setKey(set []int32) []byte {
	key := make([]byte, 0, 4*len(set))
	for _, s := range set {
		key = binary.LittleEndian.AppendUint32(key, uint32(s))
	}
	return key
}

// Run is a place at the boundary of a run of units.
type Run struct {
	Unit *Unit
	// Least units must still be completed before the run may end; Most may at most, or any
	// number if negative. Both are at least 1: ending right here is the business of what is
	// left of the configuration.
	Least, Most int32
	// After is the configuration in which the text continues once the run has ended.
	After int32
	// Dist is the least number of bytes from the end of the next unit to the end of the
	// text.
	Dist int32
}

// Runs splits a configuration into places at the boundary of a run of units, appended to
// dst, and the rest. Both together stand where the configuration stands. It splits nothing
// off where what follows a run could be confused with one more unit, nor for units that
// want does not want.
func (c *Cache) Runs(dst []Run, id int32, want func(*Unit) bool) (runs []Run, rest int32) {
	start := len(dst)
	var kept []item
	for _, it := range c.itemsOf(id) {
		if out, ok := c.runsOf(dst, it, want); ok {
			dst = out
		} else {
			kept = append(kept, it)
		}
	}
	if len(dst) == start {
		return dst, id
	}
	return dst, c.intern(kept, c.configOf(id).accepting)
}

// runsOf describes the stacks of one item as runs, if all of them are.
func (c *Cache) runsOf(dst []Run, it item, want func(*Unit) bool) ([]Run, bool) {
	unit := int32(-1)
	for i, n := range c.nodesOf(it.set) {
		if n == 0 {
			return dst, false
		}
		k := c.nodes.At(n).nodeKey
		st := &c.p.sites[k.site]
		if st.kind != siteRepeat {
			return dst, false
		}
		u := c.p.findUnit(st.index)
		if u < 0 || c.p.entries[u] != it.core || i > 0 && u != unit {
			return dst, false
		}
		if i == 0 && !want(c.p.units[u]) {
			return dst, false
		}
		unit = u
		r := &c.p.repeats[st.index]
		run := Run{Unit: c.p.units[unit], Least: max(1, r.min-k.aux), Most: -1, Dist: c.nodes.At(n).cost}
		if r.max >= 0 {
			run.Most = r.max - k.aux
		}
		c.step.begin()
		c.arrive(st.ret, k.below)
		run.After = c.finish()
		if c.overlaps(run.After, run.Unit) {
			return dst, false
		}
		dst = append(dst, run)
	}
	return dst, true
}

// overlaps reports whether a byte may both begin a unit and come next in a configuration.
func (c *Cache) overlaps(id int32, u *Unit) bool {
	for _, it := range c.itemsOf(id) {
		for _, e := range c.p.edgesOf(it.core) {
			for b := int(e.lo); b <= int(e.hi); b++ {
				if u.Steps[b] != UnitDead {
					return true
				}
			}
		}
	}
	return false
}
