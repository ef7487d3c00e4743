package mask

import (
	"math"
	"slices"
	"sync"

	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/vocab"
)

// island says what the tokens of a vocabulary do at the boundary of a run of units, such as
// the characters of a JSON string: most stay in the run whatever surrounds it, some leave
// it, and of those only the bytes after the end depend on the grammar. Islands belong to
// the vocabulary: grammars with the same unit share them. Safe for concurrent use.
type island struct {
	inside vocab.Mask // tokens that begin with a unit and stay in the run
	// longest is the greatest number of units, a last one that is cut included, of a token
	// in inside; counts lists those tokens by that number, if the island counts.
	longest int32
	counts  [][]int32
	whole   []uint8 // token -> units, if it is nothing but whole ones; else 0

	// exits are the tokens that hold whole units and then the end of the run, by the first byte
	// after it; leads are the bytes for which there are any.
	exits [256]*exit
	leads []byte

	mu     sync.Mutex
	within map[int32]vocab.Mask // inside, of at most so many units

	once  sync.Once
	leave vocab.Trie // of the tokens of exits
	vocab *vocab.Vocab
	unit  *automaton.Unit
}

// exit are the tokens that leave a run by one byte. They are grouped by what follows the run once a
// grammar allows that byte; trie holds these endings, its tokens are indexes of groups.
type exit struct {
	tokens []int32
	ends   []uint16 // where the run ends in each: see vocab.MaxTokenBytes
	units  []uint16 // of each, at least 1; only if the island counts

	once    sync.Once
	groups  []exitGroup
	endings [][]byte // of each group
	trie    vocab.Trie
}

// exitGroup are the tokens that leave a run with the same bytes after it.
type exitGroup struct {
	tokens []int32
	units  []uint16 // of each token, if the island counts
	most   int32    // the greatest of units
}

// islands are those of one unit, as an engine knows them.
type islands struct {
	nodes          int     // trie nodes below the bytes that begin a unit
	plain, counted *island // nil where walks are better
	asked          [2]bool // for plain, for counted
}

// maxIslands bounds the islands kept for one vocabulary; they take some 50 KB each, a few
// that count units up to 1 MB. Grammars use the characters of JSON strings in each spelling,
// and the classes of characters that patterns repeat. Beyond that, masks are walked.
const maxIslands = 512

// MinNodes is the default of Options.MinNodes: 4,000 nodes take about 15 µs to walk, the
// endings of an island a part of that, working out an island some milliseconds.
const MinNodes = 4000

// islandOf returns the island of a unit, working it out if need be, or nil if a walk is
// better or the vocabulary has enough islands. counted asks for the units of its tokens.
func (e *Engine) islandOf(u *automaton.Unit, counted bool) *island {
	is := e.unit(u)
	if is.nodes < e.opts.MinNodes {
		return nil
	}
	if counted {
		if !is.asked[1] {
			is.asked[1], is.counted = true, e.findIsland("counted island ", u, true)
		}
		return is.counted
	}
	if !is.asked[0] {
		is.asked[0], is.plain = true, e.findIsland("island ", u, false)
	}
	return is.plain
}

// unit returns what the engine knows of a unit.
func (e *Engine) unit(u *automaton.Unit) *islands {
	is := e.islands[u]
	if is == nil {
		is = &islands{}
		trie := e.vocab.Trie()
		for b := range 256 {
			if u.Next[b] != automaton.UnitDead {
				is.nodes += int(trie.Roots[b+1] - trie.Roots[b])
			}
		}
		e.islands[u] = is
	}
	return is
}

// findIsland asks the vocabulary for an island.
func (e *Engine) findIsland(kind string, u *automaton.Unit, counted bool) *island {
	x, _ := e.vocab.Derived(kind+u.Key, maxIslands, func() any { return newIsland(e.vocab, u, counted) }).(*island)
	return x
}

// runsOf returns the runs that a configuration is at the boundary of, and the rest of it;
// none if a walk must tell which tokens of a run are within the limit. They stay valid
// until the next call.
func (e *Engine) runsOf(c *automaton.Cache, id, limit int32) (runs []automaton.Run, rest int32) {
	e.runs, rest = c.Runs(e.runs[:0], id, func(u *automaton.Unit) bool { return e.islandOf(u, true) != nil })
	for _, r := range e.runs {
		if limit < r.Unit.Longest+r.Dist && (limit >= r.Dist || r.Least > 1) {
			return nil, id
		}
	}
	return e.runs, rest
}

// loopOf returns the loop that a configuration is in and its island, nil if there is none or
// a walk must tell which of its tokens are within the limit.
func (e *Engine) loopOf(c *automaton.Cache, id, limit int32) (automaton.Run, *island) {
	if !e.outlook(c, id).looping {
		return automaton.Run{}, nil
	}
	r, ok := c.Loop(id)
	if !ok || limit < r.Unit.Longest+r.Dist && limit >= r.Dist {
		return r, nil
	}
	return r, e.islandOf(r.Unit, false)
}

// fillRuns adds the tokens that begin with a unit of one of the runs.
func (e *Engine) fillRuns(c *automaton.Cache, runs []automaton.Run, limit int32) (farthest int32) {
	e.set.twice = len(runs) > 1
	for _, r := range runs {
		farthest = max(farthest, e.fillRun(c, r, e.islandOf(r.Unit, true), limit))
	}
	return farthest
}

// newIsland walks the trie with the unit's automaton.
func newIsland(v *vocab.Vocab, u *automaton.Unit, counted bool) *island {
	is := &island{vocab: v, unit: u, inside: vocab.NewMask(v.Width()), within: map[int32]vocab.Mask{}}
	if counted {
		is.whole = make([]uint8, v.Width())
	}
	b := &islandBuilder{is: is, counted: counted}
	eachInRun(v, u, b.token)
	for _, pair := range v.Trie().Same {
		b.same(pair[0], pair[1])
	}
	if counted {
		is.counts = b.stay.sorted(int(is.longest) + 1)
	}
	for x, e := range is.exits {
		if e != nil {
			is.leads = append(is.leads, byte(x))
			e.tokens, e.ends, e.units = slices.Clip(e.tokens), slices.Clip(e.ends), slices.Clip(e.units)
		}
	}
	return is
}

// eachInRun calls f with the tokens that begin with a unit, but not those with the bytes of another: how many
// units they hold, whether one more is cut at the end, and where the run ends in them, negative if it
// does not.
func eachInRun(v *vocab.Vocab, u *automaton.Unit, f func(t int32, bytes []byte, units int32, cut bool, ended int)) {
	type place struct {
		state int16
		units int32
		ended int
	}
	var at [vocab.MaxDepth + 1]place
	at[0].ended = -1
	trie := v.Trie()
	var text [vocab.MaxDepth]byte
	for i := 1; i < len(trie.Nodes); {
		n := trie.Nodes[i]
		d := n.Depth()
		p := at[d-1]
		text[d-1] = n.Byte()
		if p.ended < 0 {
			switch next := u.Next[int(p.state)*256+int(n.Byte())]; {
			case next == automaton.UnitEnd:
				p.state, p.units = 0, p.units+1
			case next != automaton.UnitDead:
				p.state = next
			case p.state != 0 || p.units == 0:
				i = n.End()
				continue
			default:
				p.ended = d - 1
			}
		}
		at[d] = p
		if t := n.Token(); t >= 0 {
			f(t, text[:d], p.units, p.state != 0, p.ended)
		}
		i++
	}
	for _, t := range trie.Long {
		if units, end, ok := follow(u, v.Bytes(t)); ok {
			if end == len(v.Bytes(t)) {
				end = -1
			}
			f(t, v.Bytes(t), units, false, end)
		}
	}
}

// islandBuilder collects what tokens do.
type islandBuilder struct {
	is      *island
	counted bool
	stay    filed // tokens that stay, by units; empty unless the island counts
}

// filed are tokens, each under a number.
type filed struct{ tokens, under []int32 }

func (f *filed) add(t, under int32) {
	f.tokens, f.under = append(f.tokens, t), append(f.under, under)
}

// sorted returns the tokens of each number below n, in one piece of memory.
func (f *filed) sorted(n int) [][]int32 {
	all := make([]int32, len(f.tokens))
	lists, ends := make([][]int32, n), f.ends(n)
	for i := range lists {
		lists[i] = all[ends[i]:ends[i+1]:ends[i+1]]
	}
	for i, u := range f.under {
		all[ends[u]] = f.tokens[i]
		ends[u]++
	}
	return lists
}

// ends returns where the list of each number begins, and the end of the last.
func (f *filed) ends(n int) []int32 {
	ends := make([]int32, n+1)
	for _, u := range f.under {
		ends[u+1]++
	}
	for i := range n {
		ends[i+1] += ends[i]
	}
	return ends
}

// token files a token that holds so many units, perhaps a cut one after them, and leaves
// the run at byte ended (negative: never).
func (b *islandBuilder) token(t int32, bytes []byte, units int32, cut bool, ended int) {
	if ended >= 0 {
		b.exit(t, bytes[ended], units, ended)
		return
	}
	if cut {
		units++
	}
	b.is.inside.Set(t)
	b.is.longest = max(b.is.longest, units)
	if !b.counted {
		return
	}
	b.stay.add(t, units)
	if !cut && units <= math.MaxUint8 && len(bytes) <= vocab.MaxDepth {
		b.is.whole[t] = uint8(units)
	}
}

func (b *islandBuilder) exit(t int32, by byte, units int32, ended int) {
	x := b.is.exits[by]
	if x == nil {
		x = &exit{}
		b.is.exits[by] = x
	}
	x.tokens, x.ends = append(x.tokens, t), append(x.ends, uint16(ended))
	if b.counted {
		x.units = append(x.units, uint16(units))
	}
}

// same files a token with the bytes of another.
func (b *islandBuilder) same(first, t int32) {
	if b.is.inside.Has(first) {
		b.is.inside.Set(t)
		if k := slices.Index(b.stay.tokens, first); k >= 0 {
			b.stay.add(t, b.stay.under[k])
			b.is.whole[t] = b.is.whole[first]
		}
		return
	}
	text := b.is.vocab.Bytes(t)
	if units, end, ok := follow(b.is.unit, text); ok && end < len(text) {
		b.exit(t, text[end], units, end)
	}
}

// group sorts the tokens by their endings.
func (x *exit) group(v *vocab.Vocab) {
	size := 16
	for size < 2*len(x.tokens) {
		size *= 2
	}
	slots := make([]int32, size) // hash table of endings: number plus one
	under := filed{x.tokens, make([]int32, len(x.tokens))}
	for i, t := range x.tokens {
		ending := v.Bytes(t)[x.ends[i]:]
		h := uint32(2166136261) // FNV-1a
		for _, b := range ending {
			h = (h ^ uint32(b)) * 16777619
		}
		for at := h ^ h>>15; ; at++ {
			slot := &slots[at&uint32(size-1)]
			if *slot == 0 {
				x.endings = append(x.endings, ending)
				*slot = int32(len(x.endings))
			}
			if g := *slot - 1; string(x.endings[g]) == string(ending) {
				under.under[i] = g
				break
			}
		}
	}
	x.trie = vocab.NewTrie(x.endings)
	x.groups = make([]exitGroup, len(x.endings))
	for g, tokens := range under.sorted(len(x.endings)) {
		x.groups[g].tokens = tokens
	}
	if x.units != nil {
		x.sortUnits(&under)
	}
	x.tokens, x.ends, x.units = nil, nil, nil
}

// sortUnits puts the units of tokens into the groups that these went to.
func (x *exit) sortUnits(under *filed) {
	ends := under.ends(len(x.groups))
	all := make([]uint16, len(x.units))
	for g := range x.groups {
		x.groups[g].units = all[ends[g]:ends[g+1]:ends[g+1]]
	}
	for i, g := range under.under {
		all[ends[g]] = x.units[i]
		ends[g]++
		x.groups[g].most = max(x.groups[g].most, int32(x.units[i]))
	}
}

// follow splits the start of b into units: how many, a cut last one included, and where
// the run ends in b. It is not ok if b does not begin with a unit or leaves one unfinished.
func follow(u *automaton.Unit, b []byte) (units int32, end int, ok bool) {
	state := int16(0)
	for i, x := range b {
		next := u.Next[int(state)*256+int(x)]
		switch next {
		case automaton.UnitDead:
			return units, i, state == 0 && units > 0
		case automaton.UnitEnd:
			units++
			state = 0
		default:
			state = next
		}
	}
	if state != 0 {
		units++
	}
	return units, len(b), true
}

// upTo returns the tokens that stay in the run and take at most n units, any number if n is
// negative. The mask is shared.
func (is *island) upTo(n int32) vocab.Mask {
	if n < 0 || n >= is.longest {
		return is.inside
	}
	is.mu.Lock()
	defer is.mu.Unlock()
	m, ok := is.within[n]
	if !ok {
		m = slices.Clone(is.inside)
		for _, tokens := range is.counts[n+1:] {
			for _, t := range tokens {
				m.Unset(t)
			}
		}
		is.within[n] = m
	}
	return m
}

// fillRun adds to the set the tokens that begin with a unit of the run and leave at most
// limit bytes, and returns a bound on the distance they leave. limit must not lie between
// the distances of tokens that stay in the run.
func (e *Engine) fillRun(c *automaton.Cache, r automaton.Run, is *island, limit int32) (farthest int32) {
	if limit >= r.Dist {
		e.set.share(is.upTo(r.Most))
		farthest = r.Unit.Longest + r.Dist
	}
	most := r.Most
	if most < 0 {
		most = is.longest + int32(vocab.MaxDepth)
	}
	for _, b := range is.leads {
		if c.Next(r.After, e.prog.Class(b)) != automaton.Dead {
			farthest = max(farthest, e.fillExit(c, r.After, is.exit(b), r.Least, most, limit))
		}
	}
	return farthest
}

// exit returns the tokens that leave the run by a byte, grouped.
func (is *island) exit(b byte) *exit {
	x := is.exits[b]
	x.once.Do(func() { x.group(is.vocab) })
	return x
}

// fillExit adds the tokens of least to most units that leave a run by one byte, from the configuration
// after the units.
func (e *Engine) fillExit(c *automaton.Cache, after int32, x *exit, least, most, limit int32) (farthest int32) {
	w := &e.walk
	w.at[0] = stand(c, after)
	nodes := x.trie.Nodes
	for i := 1; i < len(nodes); {
		n := nodes[i]
		e.stats.Nodes++
		d := n.Depth()
		class := e.prog.Class(n.Byte())
		next := w.at[d-1].next(c, class)
		if next == automaton.Dead {
			i = n.End()
			continue
		}
		i++
		if n.End() > i {
			w.at[d] = stand(c, next)
		}
		if g := n.Token(); g >= 0 && c.Dist(next) <= limit {
			farthest = max(farthest, c.Dist(next))
			x.groups[g].add(&e.set, least, most)
		}
	}
	for _, g := range x.trie.Long {
		if next := run(c, e.prog, after, x.endings[g]); next != automaton.Dead && c.Dist(next) <= limit {
			farthest = max(farthest, c.Dist(next))
			x.groups[g].add(&e.set, least, most)
		}
	}
	return farthest
}

// leaving returns the trie of the tokens that begin with a unit and leave the run.
func (is *island) leaving() *vocab.Trie {
	is.once.Do(func() {
		var leaves []int32
		eachInRun(is.vocab, is.unit, func(t int32, _ []byte, _ int32, _ bool, ended int) {
			if ended >= 0 {
				leaves = append(leaves, t)
			}
		})
		is.leave = is.vocab.Subtrie(leaves)
	})
	return &is.leave
}

// fillRegion adds the tokens that begin with a unit of a region: those that are made of as
// many units as are always possible at once, the others each by itself.
func (e *Engine) fillRegion(c *automaton.Cache, id int32, r automaton.Region, is *island) (farthest int32) {
	farthest = r.Dist + r.Unit.Longest
	if r.Depth >= is.longest {
		e.set.share(is.inside)
	} else {
		e.set.share(is.upTo(r.Depth))
		for _, tokens := range is.counts[r.Depth+1:] {
			for _, t := range tokens {
				farthest = max(farthest, e.try(c, id, t, noLimit))
			}
		}
	}
	return max(farthest, e.fillLeaving(c, id, is))
}

// fillLeaving adds the tokens that begin with a unit of the run that a configuration is in
// and leave it, each by itself.
func (e *Engine) fillLeaving(c *automaton.Cache, id int32, is *island) (farthest int32) {
	leave := is.leaving()
	farthest = max(farthest, e.fillRange(c, id, leave.Nodes, 1, int32(len(leave.Nodes)), noLimit))
	for _, t := range leave.Long {
		farthest = max(farthest, e.try(c, id, t, noLimit))
	}
	return farthest
}

// minRegionDepth is the least number of units that must always be possible for a region to
// be of use: most tokens are shorter.
const minRegionDepth = 12

// regionOf returns the region that a configuration is in and its island, nil if there is
// none.
func (e *Engine) regionOf(c *automaton.Cache, id int32) (automaton.Region, *island) {
	r, ok := c.Region(id)
	if !ok || r.Depth < minRegionDepth && e.opts.MinNodes > 1 {
		return r, nil
	}
	is := e.islandOf(r.Unit, false)
	if is != nil && r.Depth < is.longest {
		is = e.islandOf(r.Unit, true)
	}
	return r, is
}

// add adds the tokens with least to most units.
func (g *exitGroup) add(s *set, least, most int32) {
	if least <= 1 && g.most <= most {
		s.addAll(g.tokens)
		return
	}
	for i, t := range g.tokens {
		if n := int32(g.units[i]); n >= least && n <= most {
			s.add(t)
		}
	}
}
