package mask

import (
	"sync/atomic"

	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/vocab"
)

// exit are the tokens that leave a run by one byte: those below the roots, which are nodes of the
// vocabulary's trie with that byte. There are up to thousands of roots with the same few endings below: so where a
// run is met again and again, they are merged.
type exit struct {
	roots []int32
	units []uint8 // before each root, at least 1: see vocab.MaxDepth
	nodes int     // the roots and what is below them
	long  []longExit

	uses   atomic.Int32
	merged atomic.Pointer[endings]
}

// exits are those of an island, by the first byte. Immutable.
type exits struct {
	at   [256]uint16 // in list
	list []*exit     // first nil, for what has not been asked for, and then noExit
}

// noExit stands for the exits without tokens, which are most.
var noExit = &exit{}

// newExits are none.
func newExits() *exits { return &exits{list: []*exit{nil, noExit}} }

// with returns the exits along with others.
func (x *exits) with(more *[256]*exit) *exits {
	all := &exits{at: x.at, list: x.list[:len(x.list):len(x.list)]}
	for b, one := range more {
		switch {
		case one == nil:
		case len(one.roots)+len(one.long) == 0:
			all.at[b] = 1
		default:
			one.roots, one.units = clip(one.roots), clip(one.units)
			all.at[b] = uint16(len(all.list))
			all.list = append(all.list, one)
		}
	}
	all.list = clip(all.list)
	return all
}

// exit returns the exit by a byte, nil if it has not been asked for.
func (is *island) exit(b byte) *exit {
	x := is.exits.Load()
	return x.list[x.at[b]]
}

// longExit is a token that is not in the trie.
type longExit struct {
	ending []byte
	token  int32
	units  int32
}

// endings is the trie of what follows the run in the tokens of an exit. Its tokens are numbers of groups: the
// tokens with the same ending. Most have one.
type endings struct {
	nodes  []vocab.Node
	tokens []int32
	units  []uint8 // of each token
	from   []int32 // group -> its first token; one more at the end
}

const (
	// mergeUses is how often an exit is walked before it is merged, which takes as long as some
	// ten walks.
	mergeUses = 4
	// mergeShare is the number of nodes for each root up to which roots have most of what is below them in common.
	mergeShare = 16
	// mergeRoots is the number of roots up to which merging saves nothing.
	mergeRoots = 32
	// mergeNodes bounds the nodes that are merged for one mask: a millisecond. An exit of more is never merged.
	mergeNodes = 1 << 14
)

// leads returns the bytes by which tokens leave a run and that may follow it in a configuration, and sees to
// their exits. The list is valid until the next call.
func (e *Engine) leads(c *automaton.Cache, after int32, is *island) []byte {
	e.leading = e.leading[:0]
	var wanted [256]bool
	missing := false
	e.ends(c, after, is.steps, func(b byte) {
		x := is.exit(b)
		if x == nil {
			wanted[b], missing = true, true
		}
		if x == nil || len(x.roots)+len(x.long) > 0 {
			e.leading = append(e.leading, b)
		}
	})
	if missing {
		is.want(&wanted)
	}
	return e.leading
}

// ends calls f with the bytes that end a run of units and may follow it in a configuration.
func (e *Engine) ends(c *automaton.Cache, after int32, steps string, f func(b byte)) {
	s := at(c, after)
	for k := range e.prog.Classes() {
		lo, hi := e.prog.ClassRange(uint8(k))
		asked := false
		for b := int(lo); b <= int(hi); b++ {
			if steps[b] != automaton.UnitDead {
				continue
			}
			if !asked && s.step(c, uint8(k)) == automaton.Dead {
				break
			}
			asked = true
			f(byte(b))
		}
	}
}

// firstWanted returns the bytes that exits are worked out for along with an island, as a walk for them alone takes as long:
// those that end the run it is made for, if that is known, and a quote, which ends most.
func (e *Engine) firstWanted(steps string, made exitOf) *[256]bool {
	wanted := &[256]bool{'"': true}
	if made.c != nil {
		e.ends(made.c, made.after, steps, func(b byte) { wanted[b] = true })
	}
	return wanted
}

// exitOf is where a run ends: the configuration after it. The zero value is none.
type exitOf struct {
	c     *automaton.Cache
	after int32
}

// want works out exits.
func (is *island) want(wanted *[256]bool) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.collect(wanted, false, nil)
}

// collect works out the exits that are wanted and not known, adds tokens as walk does with fill, and what leaves the
// run to left, if that is not nil.
func (is *island) collect(wanted *[256]bool, fill bool, left *leaving) {
	var exits [256]*exit
	for b := range wanted {
		if wanted[b] && is.exit(byte(b)) == nil {
			exits[b] = &exit{}
		}
	}
	nodes := is.vocab.Trie().Nodes
	is.walk(fill, func(node int, text []byte, units int32) {
		if left != nil {
			left.add(text, node, nodes[node].End())
		}
		if x := exits[nodes[node].Byte()]; x != nil {
			x.roots, x.units = append(x.roots, int32(node)), append(x.units, uint8(units))
			x.nodes += nodes[node].End() - node
		}
	})
	for _, t := range is.vocab.Trie().Long {
		text := is.vocab.Bytes(t)
		if units, _, end, ok := follow(is.steps, text); ok && end < len(text) && exits[text[end]] != nil {
			x := exits[text[end]]
			x.long = append(x.long, longExit{text[end:], t, units})
		}
	}
	is.exits.Store(is.exits.Load().with(&exits))
}

// clip copies a list without what append left free.
func clip[T any](list []T) []T { return append(make([]T, 0, len(list)), list...) }

// fillExit adds the tokens of least to most units that leave a run by one byte, which may follow it, from the
// configuration after the units.
func (e *Engine) fillExit(c *automaton.Cache, after int32, is *island, b byte, least, most, limit int32) (farthest int32) {
	x := is.exit(b)
	for _, l := range x.long {
		if l.units < least || l.units > most {
			continue
		}
		if next := run(c, e.prog, after, l.ending); next != automaton.Dead && c.Dist(next) <= limit {
			farthest = max(farthest, c.Dist(next))
			e.set.add(l.token)
		}
	}
	if m := e.mergedExit(x, is); m != nil {
		return max(farthest, e.fillEndings(c, after, m, least, most, limit))
	}
	return max(farthest, e.fillRoots(c, after, x, least, most, limit))
}

// fillRoots walks below each root.
func (e *Engine) fillRoots(c *automaton.Cache, after int32, x *exit, least, most, limit int32) (farthest int32) {
	w, nodes, visited := &e.walk, e.vocab.Trie().Nodes, int64(0)
	w.begin(c)
	w.at[0].stand(c, after, x.nodes)
	for i, root := range x.roots {
		if units := int32(x.units[i]); units < least || units > most {
			continue
		}
		before := nodes[root].Depth() - 1
		for j := int(root); j < nodes[root].End(); {
			n := nodes[j]
			visited++
			d := n.Depth() - before
			class := e.prog.Class(n.Byte())
			next := w.at[d-1].steps.At(class)
			if next < 0 {
				next = w.at[d-1].next(c, class)
			}
			if next == automaton.Dead {
				j = n.End()
				continue
			}
			j++
			if n.End() > j {
				w.at[d].stand(c, next, n.End()-j)
			}
			if t := n.Token(); t >= 0 && c.Dist(next) <= limit {
				farthest = max(farthest, c.Dist(next))
				e.set.add(t)
			}
		}
	}
	e.stats.Nodes += visited
	return farthest
}

// fillEndings walks the endings once for all roots.
func (e *Engine) fillEndings(c *automaton.Cache, after int32, m *endings, least, most, limit int32) (farthest int32) {
	w, nodes, visited := &e.walk, m.nodes, int64(0)
	w.begin(c)
	w.at[0].stand(c, after, len(nodes))
	for i := 1; i < len(nodes); {
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
		if g := n.Token(); g >= 0 && c.Dist(next) <= limit {
			farthest = max(farthest, c.Dist(next))
			for k := m.from[g]; k < m.from[g+1]; k++ {
				if units := int32(m.units[k]); units >= least && units <= most {
					e.set.add(m.tokens[k])
				}
			}
		}
	}
	e.stats.Nodes += visited
	return farthest
}

// mergedExit returns the merged endings of an exit, nil as long as it is better walked below its roots.
func (e *Engine) mergedExit(x *exit, is *island) *endings {
	if m := x.merged.Load(); m != nil || len(x.roots) <= mergeRoots || x.nodes > mergeShare*len(x.roots) {
		return m
	}
	if x.uses.Add(1) < mergeUses || e.merging+x.nodes > mergeNodes {
		return nil
	}
	is.mu.Lock()
	defer is.mu.Unlock()
	if x.merged.Load() == nil {
		x.merged.Store(x.merge(is.vocab))
		e.merging += x.nodes
	}
	return x.merged.Load()
}

// merge sorts the tokens below the roots by their endings.
func (x *exit) merge(v *vocab.Vocab) *endings {
	m := &endings{}
	m.nodes = v.Trie().Merge(x.roots, func(number, token int32, root int) {
		if int(number) == len(m.from) {
			m.from = append(m.from, int32(len(m.tokens)))
		}
		m.tokens, m.units = append(m.tokens, token), append(m.units, x.units[root])
	})
	m.from = clip(append(m.from, int32(len(m.tokens))))
	m.tokens, m.units = clip(m.tokens), clip(m.units)
	return m
}
