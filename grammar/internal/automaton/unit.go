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
	// Key is equal for equal automata, also of different programs.
	Key string
	// Next holds 256 entries for each state: the next state, UnitEnd or UnitDead. State 0
	// is the start.
	Next []int16
	// Longest is the most bytes that may be missing inside a unit.
	Longest int32
}

// Results of a step within a unit.
const (
	UnitDead = int16(-1) // the byte does not continue the unit
	UnitEnd  = int16(-2) // it completes the unit
)

// maxUnitStates bounds a unit's automaton: the characters of a JSON string in any spelling
// need about 30.
const maxUnitStates = 128

// findUnits looks at the bodies of all repetitions.
func (p *Program) findUnits() {
	p.unitAt = make(map[int32]int32)
	byCore := make(map[int32]int32) // core of the entry -> index in units, -1 for none
	for i := range p.repeats {
		r := &p.repeats[i]
		r.unit = -1
		if !p.usedRepeat(i) {
			continue
		}
		entry := &p.states[r.body]
		if entry.core < 0 || entry.end || len(entry.tokens) > 0 || len(entry.calls) > 0 {
			continue
		}
		index, seen := byCore[entry.core]
		if !seen {
			index = -1
			if u := p.unitFrom(r.body); u != nil {
				index = int32(len(p.units))
				p.units = append(p.units, u)
				p.unitAt[entry.core] = index
			}
			byCore[entry.core] = index
		}
		r.unit = index
	}
}

// usedRepeat reports whether the states of a repetition were kept.
func (p *Program) usedRepeat(i int) bool { return p.repeats[i].dist < infinite && p.repeats[i].kept }

// unitFrom determinises the states from entry on; nil if they call, take tokens, or are
// not a prefix code.
func (p *Program) unitFrom(entry int32) *Unit {
	u := &Unit{}
	sets := [][]int32{{entry}}
	index := map[string]int16{string(setKey(sets[0])): 0}
	for i := 0; i < len(sets); i++ {
		row := make([]int16, 256)
		for b := range row {
			var next []int32
			for _, s := range sets[i] {
				for _, e := range p.states[s].edges {
					if e.lo <= byte(b) && byte(b) <= e.hi {
						next = append(next, e.to)
					}
				}
			}
			to, ok := p.unitState(next, &sets, index)
			if !ok {
				return nil
			}
			row[b] = to
		}
		u.Next = append(u.Next, row...)
		for _, s := range sets[i] {
			u.Longest = max(u.Longest, p.states[s].dist)
		}
	}
	key := make([]byte, 0, len(u.Next)*2)
	for _, n := range u.Next {
		key = binary.LittleEndian.AppendUint16(key, uint16(n))
	}
	u.Key = string(key)
	return u
}

// unitState returns the state of the deterministic automaton for a set of states.
func (p *Program) unitState(next []int32, sets *[][]int32, index map[string]int16) (int16, bool) {
	if len(next) == 0 {
		return UnitDead, true
	}
	slices.Sort(next)
	next = slices.Compact(next)
	ends := 0
	for _, s := range next {
		st := &p.states[s]
		if len(st.calls) > 0 || len(st.tokens) > 0 {
			return 0, false
		}
		if st.end {
			if len(st.edges) > 0 {
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
	to := int16(len(*sets))
	index[string(key)] = to
	*sets = append(*sets, next)
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
	for _, it := range c.configs[id].items {
		if out, ok := c.runsOf(dst, it, want); ok {
			dst = out
		} else {
			kept = append(kept, it)
		}
	}
	if len(dst) == start {
		return dst, id
	}
	return dst, c.intern(kept, c.configs[id].accepting)
}

// runsOf describes the stacks of one item as runs, if all of them are.
func (c *Cache) runsOf(dst []Run, it item, want func(*Unit) bool) ([]Run, bool) {
	unit, ok := c.p.unitAt[it.core]
	if !ok || !want(c.p.units[unit]) {
		return dst, false
	}
	for _, n := range c.sets[it.set].nodes {
		if n == 0 {
			return dst, false
		}
		k := c.nodes[n].nodeKey
		st := &c.p.sites[k.site]
		if st.kind != siteRepeat || c.p.repeats[st.index].unit != unit {
			return dst, false
		}
		r := &c.p.repeats[st.index]
		run := Run{Unit: c.p.units[unit], Least: max(1, r.min-k.aux), Most: -1, Dist: c.nodes[n].cost}
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
	for _, it := range c.configs[id].items {
		for _, e := range c.p.cores[it.core].edges {
			for b := int(e.lo); b <= int(e.hi); b++ {
				if u.Next[b] != UnitDead {
					return true
				}
			}
		}
	}
	return false
}
