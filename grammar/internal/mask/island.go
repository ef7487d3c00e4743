package mask

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/vocab"
)

// island says what the tokens of a vocabulary do at the boundary of a run of units, such as
// the characters of a JSON string: most stay in the run whatever surrounds it, some leave
// it, and of those only the bytes after the end depend on the grammar. Islands belong to
// the vocabulary: grammars with the same unit share them. Safe for concurrent use.
type island struct {
	inside vocab.Mask // tokens that begin with a unit and stay in the run
	// longest is the greatest number of units, a last one that is cut included, of a token in inside.
	longest int32
	// counting and odd say how many units the tokens in inside are of: those in odd, in order, go by that.
	*counting
	odd []tally

	// exits are the tokens that hold whole units and then the end of the run, as far as grammars have asked for them:
	// see Engine.leads.
	exits atomic.Pointer[exits]
	mu    sync.Mutex // held to add to exits

	once  sync.Once
	leave leaving // all tokens that leave the run
	vocab *vocab.Vocab
	steps string // of the unit, by which the island is known
}

// unitIsland is the island of a unit, as an engine knows it.
type unitIsland struct {
	nodes  int     // trie nodes below the bytes that begin a unit
	island *island // nil where walks are better
	asked  bool
}

// maxIslands bounds the islands kept for one vocabulary; they take some 30 KB each, those that regions ask for up to
// 200 KB more, those with a counting of their own 350 KB. Grammars use the characters of JSON strings in each spelling, and
// the classes of characters that patterns repeat. Beyond that, masks are walked.
const maxIslands = 512

// MinNodes is the default of Options.MinNodes: 4,000 nodes take about 15 µs to walk, the
// endings of an island a part of that, working out an island some milliseconds.
const MinNodes = 4000

// islandOf returns the island of a unit, working it out if need be, or nil if a walk is
// better or the vocabulary has enough islands.
func (e *Engine) islandOf(u *automaton.Unit) *island { return e.islandFor(u, false, exitOf{}) }

// islandFor is islandOf; left tells that island.leaving will be asked for, made that the exits of a run will.
func (e *Engine) islandFor(u *automaton.Unit, left bool, made exitOf) *island {
	is := e.unit(u)
	if is.nodes < e.opts.MinNodes {
		return nil
	}
	if is.asked {
		return is.island
	}
	is.asked = true
	if steps := u.Steps; strings.IndexByte(steps, 0) < 0 { // else state 0 is no sign of a unit's end
		is.island, _ = e.vocab.Derived(steps, maxIslands, func() any {
			return newIsland(e.vocab, steps, left, e.firstWanted(steps, made))
		}).(*island)
	}
	return is.island
}

// unit returns what the engine knows of a unit.
func (e *Engine) unit(u *automaton.Unit) *unitIsland {
	is := e.islands[u]
	if is == nil {
		is = &unitIsland{}
		trie := e.vocab.Trie()
		for b := range 256 {
			if u.Steps[b] != automaton.UnitDead {
				is.nodes += int(trie.Roots[b+1] - trie.Roots[b])
			}
		}
		e.islands[u] = is
	}
	return is
}

// runsOf returns the runs that a configuration is at the boundary of, and the rest of it;
// none if a walk must tell which tokens of a run are within the limit. They stay valid
// until the next call.
func (e *Engine) runsOf(c *automaton.Cache, id, limit int32) (runs []automaton.Run, rest int32) {
	e.runs, rest = c.Runs(e.runs[:0], id, func(u *automaton.Unit) bool { return e.islandOf(u) != nil })
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
	return r, e.islandFor(r.Unit, false, exitOf{c, r.After})
}

// fillRuns adds the tokens that begin with a unit of one of the runs.
func (e *Engine) fillRuns(c *automaton.Cache, runs []automaton.Run, limit int32) (farthest int32) {
	e.set.twice = len(runs) > 1
	for _, r := range runs {
		farthest = max(farthest, e.fillRun(c, r, e.islandOf(r.Unit), limit))
	}
	return farthest
}

// newIsland walks the trie with the unit's automaton. wanted are the bytes that exits are worked out for.
func newIsland(v *vocab.Vocab, steps string, left bool, wanted *[256]bool) *island {
	is := &island{vocab: v, steps: steps, inside: vocab.NewMask(v.Width()), counting: characters(v)}
	is.exits.Store(newExits())
	if left {
		is.once.Do(func() {
			is.collect(wanted, true, &is.leave)
			is.leave.end(is)
		})
	} else {
		is.collect(wanted, true, nil)
	}
	for _, t := range v.Trie().Long {
		if units, cut, end, ok := follow(steps, v.Bytes(t)); ok && end == len(v.Bytes(t)) {
			is.add(t, units, cut, true)
		}
	}
	if len(v.Trie().Same) > 0 {
		is.addSame()
	}
	if len(is.odd) > len(is.units)/ownShare {
		is.counting, is.odd = is.counting.with(is.odd), nil
	}
	slices.Sort(is.odd)
	is.odd = clip(is.odd)
	return is
}

// add files a token that stays in the run; odd tells that its units may not be its characters.
func (is *island) add(t, units int32, cut, odd bool) {
	is.inside.Set(t)
	is.longest = max(is.longest, units)
	if odd {
		is.odd = append(is.odd, newTally(t, units, cut))
	}
}

// addSame files the tokens with the bytes of another that stays in the run: those that leave it are added along with
// their twins.
func (is *island) addSame() {
	slices.Sort(is.odd)
	known := is.odd
	for _, pair := range is.vocab.Trie().Same {
		if !is.inside.Has(pair[0]) {
			continue
		}
		is.inside.Set(pair[1])
		if x, ok := tallyOf(known, pair[0]); ok {
			is.odd = append(is.odd, newTally(pair[1], x.units(), x.cut()))
		}
	}
}

// whole returns the units of a token that is nothing but whole ones, and not too many; else 0.
func (is *island) whole(t int32) int32 {
	if !is.inside.Has(t) {
		return 0
	}
	n := is.units[t]
	if x, ok := tallyOf(is.odd, t); ok {
		n = fewUnits(x.units(), x.cut())
	}
	if n < manyUnits {
		return int32(n)
	}
	return 0
}

// upTo returns a mask of the tokens that stay in the run and take at most n units.
func (is *island) upTo(n int32) vocab.Mask {
	m := slices.Clone(is.inside)
	is.counting.limit(m, n)
	for _, x := range is.odd {
		if x.units() <= n {
			m.Set(x.token())
		} else {
			m.Unset(x.token())
		}
	}
	return m
}

// walk calls end where the run ends: with the first node outside, the bytes before it and their units. With fill it adds
// the tokens of the trie that begin with a unit and stay in the run.
func (is *island) walk(fill bool, end func(node int, text []byte, units int32)) {
	var states, counts [vocab.MaxDepth + 1]int32 // by depth; states times 256
	var text [vocab.MaxDepth]byte
	nodes, next := is.vocab.Trie().Nodes, oddSteps(is.steps)
	odd := int32(len(is.steps)) // the state like 0 after units that are no characters, times 256
	for i := 1; i < len(nodes); {
		n := nodes[i]
		d := n.Depth()
		state, units := states[d-1], counts[d-1]
		to := next[state+int32(n.Byte())]
		if to < 0 {
			if (state == 0 || state == odd) && units > 0 {
				end(i, text[:d-1], units)
			}
			i = n.End()
			continue
		}
		cut := to != 0 && to != odd
		if !cut {
			units++
		}
		i++
		text[d-1], states[d], counts[d] = n.Byte(), to, units
		if t := n.Token(); t >= 0 && fill {
			if cut {
				units++
			}
			is.add(t, units, cut, to >= odd)
		}
	}
}

// follow splits the start of b into units: how many, a last one that is cut included, whether it is, and where
// the run ends in b. It is not ok if b does not begin with a unit or leaves one unfinished.
func follow(steps string, b []byte) (units int32, cut bool, end int, ok bool) {
	state := uint8(0)
	for i, x := range b {
		next := steps[int(state)*256+int(x)]
		switch next {
		case automaton.UnitDead:
			return units, false, i, state == 0 && units > 0
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
	return units, state != 0, len(b), true
}

// within is the island and the number of units of a mask that an engine keeps.
type within struct {
	is *island
	n  int32
}

// upTo returns the tokens that stay in the run and take at most n units, any number if n is negative. The mask is
// shared: it is kept as long as the engine's caches, as other grammars mostly have other bounds.
func (e *Engine) upTo(is *island, n int32) vocab.Mask {
	if n < 0 || n >= is.longest {
		return is.inside
	}
	sp, key := e.space, within{is, n}
	m, ok := sp.within[key]
	if !ok {
		m = is.upTo(n)
		if sp.within == nil {
			sp.within = map[within]vocab.Mask{}
		}
		sp.within[key] = m
		sp.bytes += 4 * len(m)
	}
	return m
}

// fillRun adds to the set the tokens that begin with a unit of the run and leave at most
// limit bytes, and returns a bound on the distance they leave. limit must not lie between
// the distances of tokens that stay in the run.
func (e *Engine) fillRun(c *automaton.Cache, r automaton.Run, is *island, limit int32) (farthest int32) {
	if limit >= r.Dist {
		e.set.share(e.upTo(is, r.Most))
		farthest = r.Unit.Longest + r.Dist
	}
	most := r.Most
	if most < 0 {
		most = is.longest + int32(vocab.MaxDepth)
	}
	for _, b := range e.leads(c, r.After, is) {
		farthest = max(farthest, e.fillExit(c, r.After, is, b, r.Least, most, limit))
	}
	return farthest
}

// fillRegion adds the tokens that begin with a unit of a region: those that are made of as
// many units as are always possible at once, the others each by itself.
func (e *Engine) fillRegion(c *automaton.Cache, id int32, r automaton.Region, is *island) (farthest int32) {
	farthest = r.Dist + r.Unit.Longest
	possible := e.upTo(is, r.Depth)
	e.set.share(possible)
	if r.Depth < is.longest {
		for t := range is.inside.Without(possible) {
			farthest = max(farthest, e.try(c, id, t, noLimit))
		}
	}
	return max(farthest, e.fillLeaving(c, id, is))
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
	return r, e.islandFor(r.Unit, true, exitOf{})
}
