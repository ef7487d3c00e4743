package automaton

import "math/bits"

// maxRuns is the number of runs of byte classes up to which a configuration's steps are kept as runs: nine in ten have
// no more. Within the name of a member or a word there are the bytes before the one that comes next, that one, and
// those after it.
const maxRuns = 8

// lastClass is the greatest class that a run may have; a grammar of more classes has rows only.
const lastClass = 127

// manyLooks is the number of nodes of a walk from which the configuration that it stands on gets a row, which is looked
// into in a third of the time. Making one takes as long as a hundred looks, and most nodes are not next to the first.
const manyLooks = 4000

// runs are the steps of a configuration by runs of byte classes that lead to the same one.
type runs struct {
	// last holds the last class of each run in a byte, the first run in the lowest; lastClass for the last run and for
	// what is no run.
	last uint64
	next [maxRuns]int32 // the number of a configuration plus one; 0 where no step was made
}

const (
	everyByte = 0x0101010101010101
	highBits  = 0x8080808080808080
)

// noSteps are those of a configuration of which none was made: one run of all classes.
var noSteps = runs{last: lastClass * everyByte}

// at returns the step by a class. The run is the number of runs that end before the class: all are compared at once, each in
// a byte of which the high bit tells the result.
func (r *runs) at(class uint8) int32 {
	before := (uint64(class)+lastClass)*everyByte - r.last
	return r.next[bits.OnesCount64(before&highBits)&(maxRuns-1)]
}

// set makes a step by the classes from lo to hi. It reports false, and changes nothing, where that makes too many runs.
func (r *runs) set(lo, hi uint8, next int32) bool {
	var out struct {
		last [maxRuns + 2]uint8
		next [maxRuns + 2]int32
	}
	n := 0
	put := func(last uint8, next int32) {
		if n > 0 && out.next[n-1] == next {
			n--
		}
		out.last[n], out.next[n] = last, next
		n++
	}
	for from, i := uint8(0), 0; from <= lastClass; i++ {
		last, before := uint8(r.last>>(8*i)), r.next[i]
		if last < lo || from > hi {
			put(last, before)
		} else {
			if from < lo {
				put(lo-1, before)
			}
			put(min(last, hi), next)
			if last > hi {
				put(last, before)
			}
		}
		from = last + 1
	}
	if n > maxRuns {
		return false
	}
	*r = noSteps
	for i := range n {
		r.last &^= uint64(lastClass-out.last[i]) << (8 * i)
		r.next[i] = out.next[i]
	}
	return true
}

// Steps are the steps of a configuration that were made.
type Steps struct {
	row  []int32 // by class, nil for one that has runs
	runs *runs
}

// At returns the number of the configuration after a byte of a class; what is negative is Next's to tell. Cost: some
// two nanoseconds.
func (s *Steps) At(class uint8) int32 {
	if s.row != nil {
		return s.row[class] - 1
	}
	return s.runs.at(class) - 1
}

// Steps returns the steps of a configuration. They stay valid, and steps that are made later may be among them.
func (c *Cache) Steps(id int32) Steps {
	cfg := c.configOf(id)
	return Steps{row: c.rows[cfg.row], runs: &cfg.runs}
}

// Expect prepares a configuration for about so many looks at its steps.
func (c *Cache) Expect(id int32, looks int) {
	if cfg := c.configOf(id); looks >= manyLooks && cfg.row == 0 {
		c.makeRow(cfg)
	}
}

// Next returns the configuration after one byte of the given class. Cost: that of At once the step has been made.
func (c *Cache) Next(id int32, class uint8) int32 {
	s := c.Steps(id)
	if next := s.At(class); next >= 0 {
		return next
	}
	return c.makeStep(id, class)
}

// makeStep makes a step for a class, and for the classes around it that take the same edges.
func (c *Cache) makeStep(id int32, class uint8) int32 {
	next, low, high := c.advance(id, c.p.classRep[class])
	lo, hi := c.p.class[low], c.p.class[high]
	if c.step.returned {
		c.noteReturned(id, lo, hi)
	}
	cfg := c.configOf(id)
	if cfg.row == 0 {
		last := hi
		if int(hi) == len(c.p.classRep)-1 {
			last = lastClass // there is nothing above
		}
		if cfg.runs.set(lo, last, next+1) {
			return next
		}
		c.makeRow(cfg)
	}
	row := c.rows[cfg.row]
	for k := int(lo); k <= int(hi); k++ {
		row[k] = next + 1
	}
	return next
}

// makeRow gives a configuration its row.
func (c *Cache) makeRow(cfg *config) {
	_, row := c.steps.Take(len(c.p.classRep))
	cfg.row = int32(len(c.rows))
	c.rows = append(c.rows, row)
	c.bytes += rowBytes + 4*len(row)
	for k := range min(len(row), lastClass+1) {
		row[k] = cfg.runs.at(uint8(k))
	}
}
