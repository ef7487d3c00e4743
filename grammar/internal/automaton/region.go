package automaton

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Where a pattern looks for a word, or an object's name must not be one of some, every
// character is possible, but not every one leads back to the same configuration. What stays
// possible whatever was written is a region: from all of its places all characters of a unit
// lead to places of the region. Tokens that are made of these characters are then allowed
// without a look at each.

// maxRegion bounds the places of a region. A pattern's automaton has some dozens; beyond the
// bound it is as if nothing were possible, which costs time and nothing else.
const maxRegion = 128

// regionReach bounds the characters that a region is followed for: one token in a thousand has more, and those
// are looked at one by one. Strings of bounded length have a place for each character.
const regionReach = 48

// Region is a place from which characters stay possible.
type Region struct {
	Unit *Unit // those characters
	// Depth is a number of them that is always possible; at least 1.
	Depth int32
	// Dist bounds the least number of bytes to the end of the text after any of them.
	Dist int32
}

// local is what is known of a set of cores whatever the stacks below.
type local struct {
	unit  *Unit // nil: no region begins here
	depth int32
	dist  int32
}

// Region returns the region that a configuration is in.
func (c *Cache) Region(id int32) (Region, bool) {
	items := c.itemsOf(id)
	if len(items) == 0 || len(items) > maxLoopCores {
		return Region{}, false
	}
	key := c.appendTops(c.step.key[:0], items)
	c.step.key = key
	known, seen := c.p.regions[string(key)]
	if !seen {
		if c.p.regions == nil {
			c.p.regions = map[string]local{}
		}
		var found bool
		if known, found = c.findRegion(items); !found {
			return Region{}, false
		}
		c.p.regions[string(key)] = known
	}
	if known.unit == nil || known.depth == 0 {
		return Region{}, false
	}
	r := Region{Unit: known.unit, Depth: known.depth}
	for _, it := range items {
		r.Dist = max(r.Dist, plus(known.dist, c.sets.At(it.set).cost))
	}
	return r, true
}

// regionFinder explores a region character by character.
type regionFinder struct {
	*locals
	unit  *Unit
	nodes []regionNode
	known map[string]int32
	key   []byte
	most  int32     // the greatest distance of all places met
	from  int32     // number of states that were made before
	dead  [256]bool // bytes of the unit that are not possible in places where most are
}

// regionNode is a place at the boundary of a character.
type regionNode struct {
	places []localPlace
	from   []int32 // nodes that a character leads here from
	level  int32   // characters from the start, at least
	depth  int32   // characters that are always possible; unlimited until found otherwise
	same   bool    // no others are possible
}

const unlimited = int32(1) << 30

// findRegion finds the region that begins at some items. It is not found, for now, where too many states would have
// to be made: the next attempt goes on with those that were.
func (c *Cache) findRegion(items []item) (region local, found bool) {
	for _, it := range items {
		if !c.p.cores.At(it.core).tokens.Empty() {
			return local{}, true
		}
	}
	f := regionFinder{locals: newLocals(c.p), from: c.p.states.Len()}
	start := f.tops(c, items)
	if f.unit = f.begin(start); f.unit == nil {
		return local{}, true
	}
	for try := 0; ; try++ {
		if !f.exploreAll(start) {
			return local{}, false
		}
		if f.nodes[0].depth >= goodDepth || try == maxNarrow || !f.narrow() {
			break
		}
	}
	for n := 1; n < len(f.nodes); n++ {
		f.remember(&f.nodes[n])
	}
	return local{f.unit, f.nodes[0].depth, f.most}, true
}

const (
	// regionStates bounds the states that are made for one attempt to find a region: about a millisecond. They
	// would come on top of a new island, in one mask; meanwhile it is walked.
	regionStates = 2000
	// goodDepth is a number of characters that few tokens exceed.
	goodDepth = 12
	// maxNarrow bounds the attempts with fewer characters, such as without the dot that may not
	// follow a dot.
	maxNarrow = 3
)

// exploreAll finds the region of the unit, unless too many states would have to be made.
func (f *regionFinder) exploreAll(start []localPlace) bool {
	f.known, f.nodes, f.most, f.dead = map[string]int32{}, nil, 0, [256]bool{}
	f.node(start, 0)
	var failed []int32
	for n := 0; n < len(f.nodes); n++ {
		if n >= maxRegion || f.nodes[n].level >= regionReach || !f.explore(int32(n)) {
			f.nodes[n].depth = 0
			failed = append(failed, int32(n))
		}
		if f.p.states.Len()-f.from > regionStates {
			return false
		}
	}
	for len(failed) > 0 { // breadth first: the nearest place that fails counts
		n := failed[0]
		failed = failed[1:]
		for _, m := range f.nodes[n].from {
			if f.nodes[m].depth == unlimited {
				f.nodes[m].depth = f.nodes[n].depth + 1
				failed = append(failed, m)
			}
		}
	}
	return true
}

// narrow takes the characters out of the unit that are not possible in some places, and
// reports whether some are left and some were taken.
func (f *regionFinder) narrow() bool {
	steps := []byte(f.unit.Steps)
	left, taken := false, false
	for b := range 256 {
		switch {
		case steps[b] == UnitDead:
		case f.dead[b]:
			steps[b], taken = UnitDead, true
		default:
			left = true
		}
	}
	if !left || !taken {
		return false
	}
	f.unit = &Unit{Steps: string(steps), Longest: f.unit.Longest}
	return true
}

// remember keeps what is known of another place of the region, if that is good: where no
// other characters are possible, looking from there would find no more.
func (f *regionFinder) remember(n *regionNode) {
	if !n.same && n.depth < goodDepth || n.depth == 0 {
		return
	}
	key, ok := f.topsKey(f.key[:0], n.places)
	f.key = key
	if !ok {
		return
	}
	if known, ok := f.p.regions[string(key)]; !ok || known.unit != nil && known.depth < n.depth {
		f.p.regions[string(key)] = local{f.unit, n.depth, f.most}
	}
}

// topsKey is appendTops for places. It is not ok where that would not show all that is known.
func (f *regionFinder) topsKey(key []byte, places []localPlace) ([]byte, bool) {
	var below []int32
	for _, pl := range places {
		key = binary.LittleEndian.AppendUint32(key, uint32(pl.core))
		s, n := pl.stack, 0
		for ; f.stacks[s].site >= 0; n++ {
			key = binary.LittleEndian.AppendUint32(key, uint32(f.stacks[s].site))
			s = f.stacks[s].below
		}
		if n > maxLocalDepth/2 {
			return key, false
		}
		at := slices.Index(below, s)
		if at < 0 {
			at = len(below)
			below = append(below, s)
		}
		key = append(key, 0xFF, byte(at))
	}
	return key, true
}

// node numbers a place that is first met after so many characters.
func (f *regionFinder) node(places []localPlace, level int32) int32 {
	f.key = appendPlaces(f.key[:0], places)
	if n, ok := f.known[string(f.key)]; ok {
		return n
	}
	n := int32(len(f.nodes))
	f.known[string(f.key)] = n
	f.nodes = append(f.nodes, regionNode{places: slices.Clone(places), level: level, depth: unlimited})
	f.met(places)
	return n
}

// met takes account of the distance from some places to the end of their rules.
func (f *regionFinder) met(places []localPlace) {
	least := infinite
	for _, pl := range places {
		least = min(least, f.dist(pl))
	}
	f.most = max(f.most, least)
}

// following returns how many bytes follow the first byte of a character, negative for what
// begins none: a continuation byte, or a backslash, whose escapes are of different lengths.
func following(b byte) int {
	switch {
	case b == '\\':
		return -1
	case b < 0x80:
		return 0
	case b < 0xC2:
		return -1
	case b < 0xE0:
		return 1
	case b < 0xF0:
		return 2
	case b < 0xF5:
		return 3
	}
	return -1
}

// begin makes the unit of the characters that are possible from some places: those all
// continuations of which stay in the rules' own states. Nil if there are none.
func (f *regionFinder) begin(start []localPlace) *Unit {
	b := unitBuilder{f: f, index: map[string]uint8{}}
	b.row()
	any := false
	for x := 0; x < 256; x++ {
		rest := following(byte(x))
		if rest < 0 {
			continue
		}
		next, out, _ := f.step(nil, start, byte(x))
		if out || len(next) == 0 {
			continue
		}
		to := UnitEnd
		if rest > 0 {
			to = b.within(next, rest)
		}
		b.steps[x] = to
		any = any || to != UnitDead
	}
	if !any {
		return nil
	}
	return &Unit{Steps: string(b.steps), Longest: 3}
}

// unitBuilder makes the states inside of characters.
type unitBuilder struct {
	f     *regionFinder
	steps []byte
	index map[string]uint8 // places and the number of bytes to come
}

// row adds a state.
func (b *unitBuilder) row() uint8 {
	b.steps = append(b.steps, noUnit...)
	return uint8(len(b.steps)/256 - 1)
}

// noUnit are the steps of a state that none leaves.
var noUnit = bytes.Repeat([]byte{UnitDead}, 256)

// within returns the state of some places inside a character with rest bytes to come,
// UnitDead if a continuation leaves the rules' own states.
func (b *unitBuilder) within(places []localPlace, rest int) uint8 {
	key := string(append(appendPlaces(nil, places), byte(rest)))
	if s, ok := b.index[key]; ok {
		return s
	}
	if len(b.steps)/256 >= maxUnitStates {
		return UnitDead
	}
	s := b.row()
	b.index[key] = s
	for x := 0x80; x < 0xC0; x++ {
		next, out, hi := b.f.step(nil, places, byte(x))
		to := UnitDead
		switch {
		case out:
			b.index[key] = UnitDead
			return UnitDead
		case len(next) == 0:
		case rest == 1:
			to = UnitEnd
		default:
			if to = b.within(next, rest-1); to == UnitDead {
				b.index[key] = UnitDead
				return UnitDead
			}
		}
		for ; ; x++ {
			b.steps[int(s)*256+x] = to
			if x == min(int(hi), 0xBF) {
				break
			}
		}
	}
	return s
}

// explore follows all characters of the unit from a node. It reports whether they are
// possible, and their bytes after the first are possible where the unit says so and nowhere
// else.
func (f *regionFinder) explore(n int32) bool {
	f.nodes[n].same = true
	return f.walk(n, f.nodes[n].places, 0)
}

func (f *regionFinder) walk(n int32, places []localPlace, state uint8) bool {
	var buf [8]localPlace
	var dead [256]bool
	alive, missing := 0, 0
	row := f.unit.Steps[int(state)*256 : int(state)*256+256]
	for x := 0; x < 256; {
		next, out, hi := f.step(buf[:0], places, byte(x))
		last := x
		for last < int(hi) && row[last+1] == row[x] {
			last++
		}
		switch to := row[x]; {
		case to == UnitDead:
			if state != 0 && (out || len(next) > 0) {
				return false
			}
			if !out && len(next) > 0 && following(byte(x)) >= 0 {
				f.nodes[n].same = false
			}
		case out || len(next) == 0:
			if state != 0 {
				return false
			}
			missing += last - x + 1
			for b := x; b <= last; b++ {
				dead[b] = true
			}
		case to == UnitEnd:
			alive += last - x + 1
			m := f.node(next, f.nodes[n].level+1)
			if from := &f.nodes[m].from; len(*from) == 0 || (*from)[len(*from)-1] != n {
				*from = append(*from, n)
			}
		default:
			f.met(next)
			if !f.walk(n, next, to) {
				return false
			}
		}
		x = last + 1
	}
	if missing > 0 && missing < alive {
		for b := range dead {
			f.dead[b] = f.dead[b] || dead[b]
		}
	}
	return missing == 0
}
