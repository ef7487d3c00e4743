package mask

import (
	"unicode/utf8"

	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/vocab"
)

// patchBudget is the number of nodes that a patch may visit before other ways are looked
// for: as many take about 10 µs, a run or region some 15.
const patchBudget = 2500

// patch makes a mask from that of a similar configuration. Where the first byte of a token
// leads to the same configuration from both, the rest of the token fares the same; only the
// tokens that begin with one of the other bytes are walked, as far as they differ. It is worth it for places from
// which most characters lead into a run: the start of an object's name, where some names
// are declared, and the first states of patterns.
func (e *Engine) patch(sp *space, id int32, budget int) *entry {
	c := sp.cache
	trie := e.vocab.Trie()
	if c.HasTokens(id) || len(trie.Long) > 0 {
		return nil
	}
	like := e.similar(c, id)
	if like == automaton.Dead || c.HasTokens(like) {
		return nil
	}
	var differ [256]bool // by byte class
	n := 0
	here, there := at(c, id), at(c, like)
	for k := range e.prog.Classes() {
		if e.classNodes[k] == 0 {
			continue
		}
		if differ[k] = !e.alike(sp, here.step(c, uint8(k)), there.step(c, uint8(k)), alikeDepth); differ[k] {
			n += int(e.classNodes[k])
		}
	}
	if n > len(trie.Nodes)/2 && budget > patchBudget {
		return nil // a walk is cheaper
	}
	from := e.mask(sp, like, false)
	// What differs is toggled, in a copy to see the state of a token and in the list.
	m := e.set.scratch()
	from.write(m)
	e.toggled = append(e.toggled[:0], from.flips...)
	farthest := from.farthest
	limit := e.stats.Nodes + int64(min(budget, 2*len(trie.Nodes)))
	for k := range e.prog.Classes() {
		if differ[k] {
			lo, hi := e.prog.ClassRange(uint8(k))
			d, ok := e.differ(sp, id, like, m, trie.Nodes[:trie.Roots[int(hi)+1]], int(trie.Roots[lo]), limit)
			if !ok {
				return nil
			}
			farthest = max(farthest, d)
		}
	}
	return e.keepToggled(sp, id, from, m, farthest)
}

// keepToggled keeps m, the mask of from with some tokens toggled, as that of a configuration,
// once what the trie does not hold is in it.
func (e *Engine) keepToggled(sp *space, id int32, from *entry, m vocab.Mask, farthest int32) *entry {
	for _, pair := range e.vocab.Trie().Same {
		e.toggle(m, pair[1], m.Has(pair[0]))
	}
	for _, t := range e.vocab.EOG() {
		e.toggle(m, t, sp.cache.Accepting(id))
	}
	if len(e.toggled) > maxFlips {
		base, flips := e.settle(sp, m)
		return sp.keep(id, base, flips, farthest)
	}
	return sp.keep(id, from.base, e.toggled, farthest)
}

// toggle makes token t allowed or not.
func (e *Engine) toggle(m vocab.Mask, t int32, allowed bool) {
	if m.Has(t) != allowed {
		m.Flip(t)
		e.toggled = append(e.toggled, t)
	}
}

// alikeDepth is how many bytes two configurations are followed until they must be one: the
// rest of a character.
const alikeDepth = 3

// alike reports whether the same texts continue two configurations, as far as that shows
// at the end of the character they stand in: it may miss that they do, but is never wrong
// when it says so.
func (e *Engine) alike(sp *space, a, b int32, depth int) bool {
	if a == b {
		return true
	}
	c := sp.cache
	if depth == 0 || a == automaton.Dead || b == automaton.Dead || c.Accepting(a) != c.Accepting(b) ||
		c.HasTokens(a) || c.HasTokens(b) || c.Dist(a) != c.Dist(b) || !c.MidCharacter(a) || !c.MidCharacter(b) {
		return false
	}
	if same, known := sp.alike[[2]int32{a, b}]; known {
		return same
	}
	same := true
	for k := 0; k < e.prog.Classes() && same; k++ {
		same = e.alike(sp, c.Next(a, uint8(k)), c.Next(b, uint8(k)), depth-1)
	}
	if same || depth == alikeDepth {
		sp.alike[[2]int32{a, b}] = same
	}
	return same
}

// similar looks for a configuration that a byte leads to from id and that the same byte
// leads back to: the run that id leads into. It prefers the one that most bytes lead to.
func (e *Engine) similar(c *automaton.Cache, id int32) int32 {
	best, votes := automaton.Dead, 0
	var seen [8]int32
	tried := seen[:0]
	s := at(c, id)
	for class := range e.prog.Classes() {
		to := s.step(c, uint8(class))
		if to == automaton.Dead || to == id || c.Next(to, uint8(class)) != to {
			continue
		}
		known := false
		for _, t := range tried {
			known = known || t == to
		}
		if known || len(tried) == cap(tried) {
			continue
		}
		tried = append(tried, to)
		n := 0
		for k := range e.prog.Classes() {
			if s.step(c, uint8(k)) == to {
				lo, hi := e.prog.ClassRange(uint8(k))
				n += int(hi-lo) + 1
			}
		}
		if n > votes {
			best, votes = to, n
		}
	}
	return best
}

// differ corrects m, the mask of like, to that of id for the trie nodes from number from on, which
// must be whole subtrees of the root: it walks them from both and enters only what does not
// fare the same. It gives up when more nodes than limit were visited in all.
func (e *Engine) differ(sp *space, id, like int32, m vocab.Mask, nodes []vocab.Node, from int, limit int64) (farthest int32, ok bool) {
	c, w := sp.cache, &e.walk
	w.begin(c)
	w.at[0].stand(c, id, len(nodes))
	w.likes[0].stand(c, like, len(nodes))
	for i := from; i < len(nodes); {
		n := nodes[i]
		if e.stats.Nodes++; e.stats.Nodes > limit {
			return 0, false
		}
		d, class := n.Depth(), e.prog.Class(n.Byte())
		next := w.at[d-1].steps.At(class)
		if next < 0 {
			next = w.at[d-1].next(c, class)
		}
		other := w.likes[d-1].steps.At(class)
		if other < 0 {
			other = w.likes[d-1].next(c, class)
		}
		if next == other || n.Byte() >= utf8.RuneSelf && e.alike(sp, next, other, alikeDepth) { // else no character is begun
			i = n.End()
			continue
		}
		if next == automaton.Dead {
			for _, below := range nodes[i:n.End()] {
				if t := below.Token(); t >= 0 {
					e.toggle(m, t, false)
				}
			}
			i = n.End()
			continue
		}
		i++
		if n.End() > i {
			w.at[d].stand(c, next, n.End()-i)
			w.likes[d].stand(c, other, n.End()-i)
		}
		if t := n.Token(); t >= 0 {
			farthest = max(farthest, c.Dist(next))
			e.toggle(m, t, true)
		}
	}
	return farthest, true
}
