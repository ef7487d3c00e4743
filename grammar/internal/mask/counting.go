package mask

import (
	"cmp"
	"slices"
	"sync/atomic"
	"unicode/utf8"

	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/vocab"
)

// counting says how many units the tokens of a vocabulary are of. Nearly all units are characters: so the number is
// that of a token's characters whatever the unit, and islands share it. Immutable but for few.
type counting struct {
	units []uint8 // of each token: see fewUnits
	long  []tally // the tokens of more than someUnits, by their number
	// few holds, once asked for, the tokens of at most as many units as its index, in masks.
	few [someUnits]atomic.Pointer[vocab.Mask]
}

const (
	someUnits = minRegionDepth - 1 // one token in twenty has more
	manyUnits = 0x7f
	cutUnit   = 0x80
)

// ownShare is the share of a vocabulary from which odd tokens take more memory than a counting of the island's own. With
// the characters of JSON strings, where escapes are odd, it is one token in a thousand.
const ownShare = 8

// tally is a token, its number of units, a last one that is cut included, and whether it is, in the order of this.
type tally uint64

func newTally(t, units int32, cut bool) tally {
	x := tally(t)<<32 | tally(units)<<1
	if cut {
		x |= 1
	}
	return x
}

func (x tally) token() int32 { return int32(x >> 32) }
func (x tally) units() int32 { return int32(uint32(x) >> 1) }
func (x tally) cut() bool    { return x&1 != 0 }

// tallyOf finds a token in a list in order.
func tallyOf(list []tally, t int32) (x tally, ok bool) {
	if len(list) == 0 {
		return 0, false
	}
	k, _ := slices.BinarySearch(list, newTally(t, 0, false))
	if k == len(list) || list[k].token() != t {
		return 0, false
	}
	return list[k], true
}

// fewUnits is a number of units in a byte: at most manyUnits, plus cutUnit if the last is cut.
func fewUnits(units int32, cut bool) uint8 {
	n := uint8(min(units, manyUnits))
	if cut {
		n |= cutUnit
	}
	return n
}

// characters returns the counting of UTF-8 characters. It holds for tokens that begin with one; no others begin with
// a unit that is one.
func characters(v *vocab.Vocab) *counting {
	return v.Derived("characters", maxIslands+2, func() any { return newCharacters(v) }).(*counting)
}

func newCharacters(v *vocab.Vocab) *counting {
	c := &counting{units: make([]uint8, v.Width())}
	var units, missing [vocab.MaxDepth + 1]int32 // by depth: characters, and bytes to the end of the last one
	trie := v.Trie()
	for _, n := range trie.Nodes[1:] {
		d := n.Depth()
		units[d], missing[d] = character(units[d-1], missing[d-1], n.Byte())
		if t := n.Token(); t >= 0 {
			c.add(newTally(t, units[d], missing[d] > 0))
		}
	}
	for _, t := range trie.Long {
		units, missing := int32(0), int32(0)
		for _, b := range v.Bytes(t) {
			units, missing = character(units, missing, b)
		}
		c.add(newTally(t, units, missing > 0))
	}
	for _, pair := range trie.Same {
		c.units[pair[1]] = c.units[pair[0]]
		if c.units[pair[0]]&^cutUnit <= someUnits {
			continue
		}
		if k := slices.IndexFunc(c.long, func(x tally) bool { return x.token() == pair[0] }); k >= 0 {
			c.long = append(c.long, newTally(pair[1], c.long[k].units(), c.long[k].cut()))
		}
	}
	c.sort()
	return c
}

// character adds a byte to a number of characters, of the last of which some bytes are missing.
func character(units, missing int32, b byte) (int32, int32) {
	switch {
	case b < utf8.RuneSelf:
		return units + 1, 0
	case b < 0xc0:
		return units, missing - 1
	case b < 0xe0:
		return units + 1, 1
	case b < 0xf0:
		return units + 1, 2
	}
	return units + 1, 3
}

// add counts a token.
func (c *counting) add(x tally) {
	c.units[x.token()] = fewUnits(x.units(), x.cut())
	if x.units() > someUnits {
		c.long = append(c.long, x)
	}
}

// sort brings long in order.
func (c *counting) sort() {
	most := int32(0)
	for _, x := range c.long {
		most = max(most, x.units())
	}
	from := make([]int32, most+2)
	for _, x := range c.long {
		from[x.units()+1]++
	}
	for n := range most {
		from[n+1] += from[n]
	}
	sorted := make([]tally, len(c.long))
	for _, x := range c.long {
		sorted[from[x.units()]] = x
		from[x.units()]++
	}
	c.long = sorted
}

// with returns the counting in which some tokens are of other numbers of units.
func (c *counting) with(odd []tally) *counting {
	own := &counting{units: slices.Clone(c.units)}
	gone := vocab.NewMask(len(c.units))
	for _, x := range odd {
		own.add(x)
		gone.Set(x.token())
	}
	for _, x := range c.long {
		if !gone.Has(x.token()) {
			own.long = append(own.long, x)
		}
	}
	own.sort()
	return own
}

// limit removes the tokens of more than n units from a mask.
func (c *counting) limit(m vocab.Mask, n int32) {
	if n < someUnits {
		m.And(c.atMost(n))
		return
	}
	at, _ := slices.BinarySearchFunc(c.long, n, func(x tally, n int32) int { return cmp.Compare(x.units(), n+1) })
	for _, x := range c.long[at:] {
		m.Unset(x.token())
	}
}

// atMost returns the tokens of at most n units.
func (c *counting) atMost(n int32) vocab.Mask {
	if m := c.few[n].Load(); m != nil {
		return *m
	}
	m := vocab.NewMask(len(c.units))
	for t, units := range c.units {
		if int32(units&^cutUnit) <= n {
			m.Set(int32(t))
		}
	}
	c.few[n].Store(&m)
	return m
}

// oddSteps returns the steps of a unit with states times 256, each twice: the second ones are those after a unit, or the
// beginning of one, that is no character. A unit that ends leads to state 0 or its twin; where no more follows is -1.
func oddSteps(steps string) []int32 {
	n := len(steps)
	next, missing := make([]int32, 2*n), missingIn(steps)
	for i := range n {
		left, odd := leftAfter(missing, i)
		switch to := steps[i]; to {
		case automaton.UnitDead:
			next[i], next[n+i] = -1, -1
			continue
		case automaton.UnitEnd:
			odd = odd || left != 0
		default:
			next[i] = int32(to) << 8
			odd = odd || left <= 0 || left != missing[to]
		}
		next[n+i] = next[i] + int32(n)
		if odd {
			next[i] = next[n+i]
		}
	}
	return next
}

// missingIn returns how many bytes of a character are missing in each state of a unit, as the first way that was
// found leads there.
func missingIn(steps string) []int32 {
	missing, queue := make([]int32, len(steps)>>8), []int{0}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		for i := state << 8; i < (state+1)<<8; i++ {
			to := steps[i]
			if to >= automaton.UnitEnd || missing[to] != 0 {
				continue
			}
			if left, odd := leftAfter(missing, i); left > 0 && !odd {
				missing[to] = left
				queue = append(queue, int(to))
			}
		}
	}
	return missing
}

// leftAfter returns how many bytes of a character are missing after a step, and whether one is begun anywhere but at the start.
func leftAfter(missing []int32, step int) (left int32, odd bool) {
	begun, left := character(0, missing[step>>8], byte(step))
	return left, (begun == 1) != (step < 256)
}
