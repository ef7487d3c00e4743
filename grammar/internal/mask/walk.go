package mask

import (
	"math"

	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/vocab"
)

// noLimit allows tokens at any distance from the end.
const noLimit = int32(math.MaxInt32)

// walk is the working memory of fill: for each depth of the trie a configuration, and the one
// it is compared with: see differ.
type walk struct {
	cache     *automaton.Cache // whose configurations they are
	at, likes [vocab.MaxDepth + 1]standing
}

// newWalk returns a walk that stands nowhere.
func newWalk() walk {
	w := walk{}
	for d := range w.at {
		w.at[d].id, w.likes[d].id = nowhere, nowhere
	}
	return w
}

// begin makes a walk ready for a cache. What it holds of the same one stays good, of another one nothing is kept: who
// stands at a depth has stood above it.
func (w *walk) begin(c *automaton.Cache) {
	if w.cache == c {
		return
	}
	w.cache = c
	for d := 0; d < len(w.at) && w.at[d].id != nowhere; d++ {
		w.at[d] = standing{id: nowhere}
	}
	for d := 0; d < len(w.likes) && w.likes[d].id != nowhere; d++ {
		w.likes[d] = standing{id: nowhere}
	}
}

// nowhere is no configuration.
const nowhere = int32(-1)

// standing is a configuration and its steps, as far as they are at hand.
type standing struct {
	id    int32
	steps automaton.Steps
}

// at is a standing for a look at all classes.
func at(c *automaton.Cache, id int32) standing { return standing{id, c.Steps(id)} }

// stand goes to a configuration, from which about so many nodes are looked at.
func (s *standing) stand(c *automaton.Cache, id int32, nodes int) {
	if s.id != id {
		s.move(c, id, nodes)
	}
}

func (s *standing) move(c *automaton.Cache, id int32, nodes int) {
	c.Expect(id, nodes)
	s.id, s.steps = id, c.Steps(id)
}

// step returns the configuration after a byte of a class. What looks at thousands asks At itself, which is no call.
func (s *standing) step(c *automaton.Cache, class uint8) int32 {
	if next := s.steps.At(class); next >= 0 {
		return next
	}
	return s.next(c, class)
}

// next is step where At does not know.
func (s *standing) next(c *automaton.Cache, class uint8) int32 {
	next := c.Next(s.id, class)
	s.steps = c.Steps(s.id)
	return next
}

// fill adds to the set the tokens allowed in configuration id after which at most limit bytes
// remain, but for those that begin with a unit of skip, unless it is nil. It returns the
// greatest distance that a token leaves.
func (e *Engine) fill(c *automaton.Cache, id int32, skip *automaton.Unit, limit int32) (farthest int32) {
	trie := e.vocab.Trie()
	e.stats.Walks++
	s := at(c, id)
	for k := range e.prog.Classes() {
		if e.classNodes[k] == 0 {
			continue
		}
		if s.step(c, uint8(k)) == automaton.Dead {
			continue
		}
		lo, hi := e.prog.ClassRange(uint8(k))
		if skip == nil {
			farthest = max(farthest, e.fillRange(c, id, trie.Nodes, trie.Roots[lo], trie.Roots[int(hi)+1], limit))
			continue
		}
		for b := int(lo); b <= int(hi); b++ {
			if skip.Steps[b] == automaton.UnitDead {
				farthest = max(farthest, e.fillRange(c, id, trie.Nodes, trie.Roots[b], trie.Roots[b+1], limit))
			}
		}
	}
	for _, t := range trie.Long {
		if skip == nil || skip.Steps[e.vocab.Bytes(t)[0]] == automaton.UnitDead {
			farthest = max(farthest, e.try(c, id, t, limit))
		}
	}
	if c.HasTokens(id) {
		farthest = max(farthest, e.terminals(c, id, limit))
	}
	return farthest
}

// try adds token t if it is allowed and leaves at most limit bytes, and returns the distance.
func (e *Engine) try(c *automaton.Cache, id, t, limit int32) int32 {
	next := run(c, e.prog, id, e.vocab.Bytes(t))
	if next == automaton.Dead || c.Dist(next) > limit {
		return 0
	}
	e.set.add(t)
	return c.Dist(next)
}

// finish adds what the trie does not hold: tokens with the bytes of another, and the ends
// of generation where the text may end.
func (e *Engine) finish(c *automaton.Cache, id int32) {
	if same := e.vocab.Trie().Same; len(same) > 0 {
		e.set.twins(e.vocab.Trie())
	}
	if c.Accepting(id) {
		e.set.addAll(e.vocab.EOG())
		e.set.twice = e.set.twice || c.HasTokens(id)
	}
}

// fillRange is fill for the nodes of a trie from from up to to, which must be whole subtrees of
// the root.
func (e *Engine) fillRange(c *automaton.Cache, id int32, nodes []vocab.Node, from, to, limit int32) (farthest int32) {
	e.walk.begin(c)
	e.walk.at[0].stand(c, id, int(to-from))
	return e.sweep(c, nodes, int(from), int(to), limit)
}

// sweep adds what is allowed of the nodes from from up to to, which must be whole subtrees of one
// node: walk.at holds the configuration at that. It visits each node whose parent's bytes are possible once.
func (e *Engine) sweep(c *automaton.Cache, nodes []vocab.Node, from, to int, limit int32) (farthest int32) {
	w := &e.walk
	visited := int64(0)
	for i := from; i < to; {
		n := nodes[i]
		visited++
		d := n.Depth()
		class := e.prog.Class(n.Byte())
		next := w.at[d-1].steps.At(class)
		if next < 0 {
			next = w.at[d-1].next(c, class)
		}
		if next == automaton.Dead {
			i = n.End()
			continue
		}
		i++
		if n.End() > i {
			w.at[d].stand(c, next, n.End()-i)
		}
		if t := n.Token(); t >= 0 {
			if dist := c.Dist(next); dist <= limit {
				farthest = max(farthest, dist)
				e.set.add(t)
			}
		}
	}
	e.stats.Nodes += visited
	return farthest
}

// terminals adds the tokens that token terminals take as a unit.
func (e *Engine) terminals(c *automaton.Cache, id int32, limit int32) (farthest int32) {
	e.set.twice = true
	try := func(t int32) {
		if t < 0 || int(t) >= e.vocab.Len() {
			return
		}
		via := automaton.Dead
		if e.vocab.IsText(t) {
			via = run(c, e.prog, id, e.vocab.Bytes(t))
		}
		if next := c.NextToken(id, t, via, e.vocab.IsEOG(t)); next != automaton.Dead && c.Dist(next) <= limit {
			farthest = max(farthest, c.Dist(next))
			e.set.add(t)
		}
	}
	all := false
	c.TokenTerminals(id, func(t int32, negated bool) {
		if negated {
			all = true
		}
	})
	if all {
		for t := range e.vocab.Len() {
			try(int32(t))
		}
		return farthest
	}
	var ids []int32
	c.TokenTerminals(id, func(t int32, _ bool) { ids = append(ids, t) })
	for _, t := range ids {
		try(t)
	}
	return farthest
}
