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

	// exits are the tokens that hold whole units and then the end of the run. They are
	// grouped by what follows the run; trie holds these endings, its tokens are indexes of
	// groups.
	groups  []exitGroup
	many    bool     // there are too many endings: groups is empty, leaves is not
	endings [][]byte // of each group
	trie    vocab.Trie

	mu     sync.Mutex
	within map[int32]vocab.Mask // inside, of at most so many units

	leaves []int32 // the tokens that leave the run, in the order of the vocabulary's trie
	once   sync.Once
	leave  vocab.Trie // of leaves
	vocab  *vocab.Vocab
}

// exitGroup are the tokens that leave a run with the same bytes after it.
type exitGroup struct {
	tokens []int32
	units  []uint16 // of each token, at least 1; only if the island counts
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
	e.runs, rest = c.Runs(e.runs[:0], id, func(u *automaton.Unit) bool { is := e.islandOf(u, true); return is != nil && !is.many })
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
	is := e.islandOf(r.Unit, false)
	if is != nil && is.many {
		return r, nil
	}
	return r, is
}

// fillRuns adds the tokens that begin with a unit of one of the runs.
func (e *Engine) fillRuns(c *automaton.Cache, runs []automaton.Run, limit int32) (farthest int32) {
	e.set.twice = len(runs) > 1
	for _, r := range runs {
		farthest = max(farthest, e.fillRun(c, r, e.islandOf(r.Unit, true), limit))
	}
	return farthest
}

// maxEndings bounds the endings of the tokens of an island that leave the run. For more, as
// of small letters, which capital letters leave, each of these tokens is looked at itself.
const maxEndings = 4096

// newIsland walks the trie with the unit's automaton.
func newIsland(v *vocab.Vocab, u *automaton.Unit, counted bool) *island {
	b := &islandBuilder{is: &island{vocab: v, inside: vocab.NewMask(v.Width()), within: map[int32]vocab.Mask{}},
		slots: make([]int32, 4*maxEndings), counted: counted}
	if counted {
		b.is.whole = make([]uint8, v.Width())
	}
	type place struct {
		state int16
		units int32
		ended int // where the run ended, -1 within it
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
			b.token(t, text[:d], p.units, p.state != 0, p.ended)
		}
		i++
	}
	for _, pair := range trie.Same {
		b.same(pair[0], pair[1])
	}
	for _, t := range trie.Long {
		if units, end, ok := follow(u, v.Bytes(t)); ok {
			b.token(t, v.Bytes(t), units, false, end)
		}
	}
	b.finish()
	return b.is
}

// islandBuilder collects what tokens do; finish puts them in order.
type islandBuilder struct {
	is      *island
	counted bool
	stay    filed   // tokens that stay, by units; empty unless the island counts
	exit    filed   // tokens that leave, by group
	units   []int32 // of those of exit, if the island counts
	slots   []int32 // hash table of endings: group plus one
}

// filed are tokens, each under a number.
type filed struct{ tokens, under []int32 }

func (f *filed) add(t, under int32) {
	f.tokens, f.under = append(f.tokens, t), append(f.under, under)
}

// sorted returns the tokens of each number below n, in one piece of memory, and where each went.
func (f *filed) sorted(n int) (lists [][]int32, at []int32) {
	ends := make([]int32, n+1)
	for _, u := range f.under {
		ends[u+1]++
	}
	for i := range n {
		ends[i+1] += ends[i]
	}
	all := make([]int32, len(f.tokens))
	lists = make([][]int32, n)
	for i := range lists {
		lists[i] = all[ends[i]:ends[i+1]:ends[i+1]]
	}
	at = make([]int32, len(f.tokens))
	for i, u := range f.under {
		at[i] = ends[u]
		all[at[i]] = f.tokens[i]
		ends[u]++
	}
	return lists, at
}

// token files a token that holds so many units, perhaps a cut one after them, and leaves
// the run at byte ended (negative or its length: never).
func (b *islandBuilder) token(t int32, bytes []byte, units int32, cut bool, ended int) {
	if ended < 0 || ended == len(bytes) {
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
		return
	}
	b.is.leaves = append(b.is.leaves, t)
	if b.is.many {
		return
	}
	g := b.groupOf(bytes[ended:])
	if g == maxEndings {
		b.is.many, b.is.endings = true, nil
		return
	}
	b.exit.add(t, g)
	if b.counted {
		b.units = append(b.units, units)
	}
}

// groupOf returns the group of an ending; a new one has the number of those before.
func (b *islandBuilder) groupOf(ending []byte) int32 {
	h := uint32(2166136261) // FNV-1a
	for _, x := range ending {
		h = (h ^ uint32(x)) * 16777619
	}
	h ^= h >> 15
	for i := h; ; i++ {
		slot := &b.slots[i&uint32(len(b.slots)-1)]
		if *slot == 0 {
			b.is.endings = append(b.is.endings, slices.Clone(ending))
			*slot = int32(len(b.is.endings))
			return *slot - 1
		}
		if string(b.is.endings[*slot-1]) == string(ending) {
			return *slot - 1
		}
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
	if k := slices.Index(b.exit.tokens, first); k >= 0 {
		b.exit.add(t, b.exit.under[k])
		if b.counted {
			b.units = append(b.units, b.units[k])
		}
	}
}

// finish sorts the tokens by what they are asked for.
func (b *islandBuilder) finish() {
	if b.counted {
		b.is.counts, _ = b.stay.sorted(int(b.is.longest) + 1)
	}
	b.is.leaves = slices.Clip(b.is.leaves)
	if b.is.many {
		return
	}
	b.is.trie = vocab.NewTrie(b.is.endings)
	lists, at := b.exit.sorted(len(b.is.endings))
	b.is.groups = make([]exitGroup, len(lists))
	for i, tokens := range lists {
		b.is.groups[i].tokens = tokens
	}
	if !b.counted {
		return
	}
	units := make([]uint16, len(at))
	for i, n := range b.units {
		units[at[i]] = uint16(min(n, math.MaxUint16))
		x := &b.is.groups[b.exit.under[i]]
		x.most = max(x.most, n)
	}
	for i, from := 0, 0; i < len(lists); i++ {
		to := from + len(lists[i])
		b.is.groups[i].units = units[from:to:to]
		from = to
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
	w := &e.walk
	w.at[0] = stand(c, r.After)
	nodes := is.trie.Nodes
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
			is.groups[g].add(&e.set, r.Least, most)
		}
	}
	for _, g := range is.trie.Long {
		if next := run(c, e.prog, r.After, is.endings[g]); next != automaton.Dead && c.Dist(next) <= limit {
			farthest = max(farthest, c.Dist(next))
			is.groups[g].add(&e.set, r.Least, most)
		}
	}
	return farthest
}

// leaving returns the trie of the tokens that begin with a unit and leave the run.
func (is *island) leaving() *vocab.Trie {
	is.once.Do(func() { is.leave = is.vocab.Subtrie(is.leaves) })
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
