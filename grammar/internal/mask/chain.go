package mask

import "github.com/callama/callama/grammar/internal/automaton"

// longestChain bounds the characters that a chain is followed for: tokens of more letters than that in
// one go are few, and where they may still come a chain has become a run or a region.
const longestChain = 40

// chain makes the mask of a configuration from which characters lead along a chain, n trie nodes in
// all, or returns nil.
func (e *Engine) chain(sp *space, id int32, n int) *entry {
	c := sp.cache
	least := runBytes
	if e.opts.MinNodes == 1 {
		least = 1
	}
	ch, ok := c.Chain(id, longestChain, least)
	if !ok || n-e.unit(ch.Unit).nodes >= e.opts.MinNodes {
		return nil
	}
	is := e.islandOf(ch.Unit)
	if is == nil || len(ch.After) == longestChain && is.longest > longestChain {
		return nil
	}
	e.set.begin()
	farthest := e.fillChain(c, ch.After, is)
	farthest = max(farthest, e.fill(c, id, ch.Unit, noLimit))
	e.finish(c, id)
	return e.keep(sp, id, farthest)
}

// fillChain adds the tokens that begin with a unit of a chain: those of nothing but units, as many as it
// has, and those that leave it where their bytes may follow.
func (e *Engine) fillChain(c *automaton.Cache, after []int32, is *island) (farthest int32) {
	e.set.share(e.upTo(is, int32(len(after))))
	for i, at := range after {
		units := int32(i) + 1
		farthest = max(farthest, c.Dist(at))
		for _, b := range e.leads(c, at, is) {
			farthest = max(farthest, e.fillExit(c, at, is, b, units, units, noLimit))
		}
	}
	return farthest
}
