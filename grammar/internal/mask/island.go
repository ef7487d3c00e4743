package mask

import (
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
	// in inside; counts lists those tokens by that number.
	longest int32
	counts  [][]int32

	// exits are the tokens that hold whole units and then the end of the run. They are
	// grouped by what follows the run; trie holds these endings, its tokens are indexes of
	// groups.
	groups  []exitGroup
	endings [][]byte // of each group
	trie    vocab.Trie

	mu     sync.Mutex
	within map[int32]vocab.Mask // inside, of at most so many units
}

// exitGroup are the tokens that leave a run with the same bytes after it.
type exitGroup struct {
	tokens []int32
	units  []int32 // of each token, at least 1
	most   int32   // the greatest of units
}

// maxIslands bounds the islands kept for one vocabulary; each takes about a MB. Characters of
// JSON strings in each spelling, free text and a few character classes are what grammars
// use; more are worked out again.
const maxIslands = 32

// islandOf returns the island of a unit, working it out if need be: some milliseconds.
func islandOf(v *vocab.Vocab, u *automaton.Unit) *island {
	x := v.Derived("island "+u.Key, maxIslands, func() any { return newIsland(v, u) })
	return x.(*island)
}

func newIsland(v *vocab.Vocab, u *automaton.Unit) *island {
	is := &island{inside: vocab.NewMask(v.Width()), within: map[int32]vocab.Mask{}}
	groupOf := map[string]int{}
	for t := range int32(v.Len()) {
		if !v.IsText(t) {
			continue
		}
		b := v.Bytes(t)
		units, end, ok := follow(u, b)
		switch {
		case !ok:
		case end == len(b):
			is.inside.Set(t)
			for int(units) >= len(is.counts) {
				is.counts = append(is.counts, nil)
			}
			is.counts[units] = append(is.counts[units], t)
		default:
			g, seen := groupOf[string(b[end:])]
			if !seen {
				g = len(is.groups)
				groupOf[string(b[end:])] = g
				is.groups = append(is.groups, exitGroup{})
				is.endings = append(is.endings, b[end:])
			}
			x := &is.groups[g]
			x.tokens, x.units, x.most = append(x.tokens, t), append(x.units, units), max(x.most, units)
		}
	}
	is.longest = int32(len(is.counts)) - 1
	is.trie = vocab.NewTrie(is.endings)
	return is
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

// fillRun adds to m the tokens that begin with a unit of the run, and returns a bound on
// the distance they leave.
func (e *Engine) fillRun(c *automaton.Cache, r automaton.Run, m vocab.Mask) (farthest int32) {
	is := islandOf(e.vocab, r.Unit)
	m.Or(is.upTo(r.Most))
	farthest = r.Unit.Longest + r.Dist
	most := r.Most
	if most < 0 {
		most = is.longest + int32(vocab.MaxDepth)
	}
	w := &e.walk
	w.ids[0], w.rows[0] = r.After, c.Row(r.After)
	nodes := is.trie.Nodes
	for i := 1; i < len(nodes); {
		n := nodes[i]
		e.stats.Nodes++
		d := n.Depth()
		class := e.prog.Class(n.Byte())
		next := w.rows[d-1][class]
		if next < 0 {
			next = c.Next(w.ids[d-1], class)
		}
		if next == automaton.Dead {
			i = n.End()
			continue
		}
		i++
		if n.End() > i {
			w.ids[d], w.rows[d] = next, c.Row(next)
		}
		if g := n.Token(); g >= 0 {
			farthest = max(farthest, c.Dist(next))
			is.groups[g].add(m, r.Least, most)
		}
	}
	for _, g := range is.trie.Long {
		if next := run(c, e.prog, r.After, is.endings[g]); next != automaton.Dead {
			farthest = max(farthest, c.Dist(next))
			is.groups[g].add(m, r.Least, most)
		}
	}
	return farthest
}

// add puts the tokens with least to most units into m.
func (g *exitGroup) add(m vocab.Mask, least, most int32) {
	if least <= 1 && g.most <= most {
		for _, t := range g.tokens {
			m.Set(t)
		}
		return
	}
	for i, t := range g.tokens {
		if g.units[i] >= least && g.units[i] <= most {
			m.Set(t)
		}
	}
}
