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

// maxIslands bounds the islands kept for one vocabulary; they take up to 1 MB each. Grammars
// use the characters of JSON strings in each spelling, free text and some dozen classes of
// characters; for units beyond that, masks are walked.
const maxIslands = 64

// MinNodes is the default of Options.MinNodes: 30,000 nodes take about 0.1 ms to walk,
// working out an island some milliseconds.
const MinNodes = 30_000

// islandOf returns the island of a unit, working it out if need be, or nil if a walk is
// better or the vocabulary has enough islands.
func (e *Engine) islandOf(u *automaton.Unit) *island {
	if reach(e.vocab.Trie(), func(b byte) bool { return u.Next[b] != automaton.UnitDead }) < e.opts.MinNodes {
		return nil
	}
	x, _ := e.vocab.Derived("island "+u.Key, maxIslands, func() any { return newIsland(e.vocab, u, e.opts.MinNodes) }).(*island)
	return x
}

// maxExits bounds the tokens of an island that leave the run. For more, such as for runs of
// characters that are no letters, walking their endings would be a walk over the vocabulary
// again.
const maxExits = 8192

// reach counts the trie nodes below the first bytes that ok picks.
func reach(t *vocab.Trie, ok func(b byte) bool) int {
	n := 0
	for i := 1; i < len(t.Nodes); i = t.Nodes[i].End() {
		if ok(t.Nodes[i].Byte()) {
			n += t.Nodes[i].End() - i
		}
	}
	return n
}

// newIsland walks the trie with the unit's automaton. It is nil where the walk is short or
// too many tokens leave the run.
func newIsland(v *vocab.Vocab, u *automaton.Unit, minNodes int) *island {
	b := &islandBuilder{v: v, is: &island{inside: vocab.NewMask(v.Width()), within: map[int32]vocab.Mask{}},
		groupOf: map[string]int{}}
	type place struct {
		state int16
		units int32
		ended int // where the run ended, -1 within it
	}
	var at [vocab.MaxDepth + 1]place
	at[0].ended = -1
	trie := v.Trie()
	visited := 0
	for i := 1; i < len(trie.Nodes); visited++ {
		n := trie.Nodes[i]
		p := at[n.Depth()-1]
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
				p.ended = n.Depth() - 1
			}
		}
		at[n.Depth()] = p
		if t := n.Token(); t >= 0 {
			b.token(t, p.units, p.state != 0, p.ended)
			if b.exits > maxExits {
				return nil
			}
		}
		i++
	}
	if visited < minNodes {
		return nil
	}
	for _, pair := range trie.Same {
		b.same(pair[0], pair[1])
	}
	for _, t := range trie.Long {
		if units, end, ok := follow(u, v.Bytes(t)); ok {
			b.token(t, units, false, end)
		}
	}
	b.is.longest = int32(len(b.is.counts)) - 1
	b.is.trie = vocab.NewTrie(b.is.endings)
	return b.is
}

type islandBuilder struct {
	v       *vocab.Vocab
	is      *island
	groupOf map[string]int
	exits   int
}

// token files a token that holds so many units, perhaps a cut one after them, and leaves
// the run at byte ended (negative or its length: never).
func (b *islandBuilder) token(t, units int32, cut bool, ended int) {
	bytes := b.v.Bytes(t)
	if ended < 0 || ended == len(bytes) {
		if cut {
			units++
		}
		b.is.inside.Set(t)
		for int(units) >= len(b.is.counts) {
			b.is.counts = append(b.is.counts, nil)
		}
		b.is.counts[units] = append(b.is.counts[units], t)
		return
	}
	ending := bytes[ended:]
	b.exits++
	g, seen := b.groupOf[string(ending)]
	if !seen {
		g = len(b.is.groups)
		b.groupOf[string(ending)] = g
		b.is.groups = append(b.is.groups, exitGroup{})
		b.is.endings = append(b.is.endings, ending)
	}
	x := &b.is.groups[g]
	x.tokens, x.units, x.most = append(x.tokens, t), append(x.units, units), max(x.most, units)
}

// same files a token with the bytes of another.
func (b *islandBuilder) same(first, t int32) {
	if b.is.inside.Has(first) {
		for units, tokens := range b.is.counts {
			if slices.Contains(tokens, first) {
				b.is.inside.Set(t)
				b.is.counts[units] = append(b.is.counts[units], t)
				return
			}
		}
	}
	for i := range b.is.groups {
		x := &b.is.groups[i]
		if k := slices.Index(x.tokens, first); k >= 0 {
			x.tokens, x.units = append(x.tokens, t), append(x.units, x.units[k])
			return
		}
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

// fillRun adds to m the tokens that begin with a unit of the run and leave at most limit
// bytes, and returns a bound on the distance they leave. limit must not lie between the
// distances of tokens that stay in the run.
func (e *Engine) fillRun(c *automaton.Cache, r automaton.Run, is *island, m vocab.Mask, limit int32) (farthest int32) {
	if limit >= r.Dist {
		m.Or(is.upTo(r.Most))
		farthest = r.Unit.Longest + r.Dist
	}
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
		if g := n.Token(); g >= 0 && c.Dist(next) <= limit {
			farthest = max(farthest, c.Dist(next))
			is.groups[g].add(m, r.Least, most)
		}
	}
	for _, g := range is.trie.Long {
		if next := run(c, e.prog, r.After, is.endings[g]); next != automaton.Dead && c.Dist(next) <= limit {
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
