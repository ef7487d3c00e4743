package automaton

import (
	"math/bits"
	"slices"

	"github.com/callama/callama/internal/slab"
)

// scratch is the working memory of one step. The stamps tell which entries belong to the
// current step, so that nothing needs clearing.
type scratch struct {
	round uint32

	arrived []place  // states reached, with their sets
	at      []int32  // state -> index in arrived
	stamp   []uint32 // state -> round of at

	popped slab.List[uint32] // node -> round in which it returned
	pops   []int32           // sets that still have to return

	heights []uint64  // set of the heights of entered callees
	entered [][]int32 // height -> entered callees
	enterAt []int32   // callee -> set, -1 if not entered

	accepting bool
	dup       bool // a value that must differ and ends in this step is a duplicate
	returned  bool // a value that must differ ended in this step
	items     []item
	others    []otherSet // sets of the same core, in lists
	othersAt  []int32    // index in items -> the last of its others plus one, 0 for none
	itemAt    []int32    // core -> index in items
	itemStamp []uint32   // core -> round of itemAt
	key       []byte
	merged    []int32   // of union and unite
	sets      []int32   // of unite
	members   memberSet // of Cache.with
	after     []int32   // of Chain
}

// otherSet is one more set of nodes on which a core was reached, and the one before it as in scratch.othersAt.
type otherSet struct{ set, before int32 }

// place is a state with its stacks.
type place struct{ state, set int32 }

func (s *scratch) begin() {
	s.round++
	if s.round == 0 { // the stamps wrapped round
		clear(s.stamp)
		clear(s.itemStamp)
		s.popped.Clear()
		s.round = 1
	}
	s.arrived = s.arrived[:0]
	s.pops = s.pops[:0]
	s.items, s.others, s.othersAt = s.items[:0], s.others[:0], s.othersAt[:0]
	s.accepting, s.returned = false, false
}

// start makes the start configuration.
func (c *Cache) start() {
	c.step.begin()
	c.enter(c.p.root, bottomSet)
	c.step.accepting = c.p.rootDist == 0
	c.finish()
}

// NextToken returns the configuration after token t, whose bytes lead to viaBytes (Dead
// for tokens that are not text): token terminals take it as a unit. Tokens that end the
// generation are taken only by terminals that name them, which named says.
func (c *Cache) NextToken(id, t, viaBytes int32, named bool) int32 {
	if !c.configOf(id).tokens {
		return viaBytes
	}
	c.step.begin()
	for _, it := range c.itemsOf(id) {
		for _, e := range c.p.tokensOf(it.core) {
			if (e.id == t) != e.negated && !(named && e.negated) {
				c.arrive(e.to, it.set)
			}
		}
	}
	next := c.finish()
	if next == Dead || viaBytes == Dead {
		return max(next, viaBytes)
	}
	return c.merge(next, viaBytes)
}

// merge returns the configuration that stands where a or b stands.
func (c *Cache) merge(a, b int32) int32 {
	items := slices.Clone(c.itemsOf(a))
	for _, it := range c.itemsOf(b) {
		i, ok := slices.BinarySearchFunc(items, it, func(x, y item) int { return int(x.core - y.core) })
		if ok {
			items[i].set = c.union(items[i].set, it.set)
		} else {
			items = slices.Insert(items, i, it)
		}
	}
	return c.intern(items, c.configOf(a).accepting || c.configOf(b).accepting)
}

// Accepting reports whether the text so far is in the language.
func (c *Cache) Accepting(id int32) bool { return c.configOf(id).accepting }

// Done reports whether the text so far is in the language and no text continues it.
func (c *Cache) Done(id int32) bool {
	return c.configOf(id).accepting && len(c.itemsOf(id)) == 0
}

// HasTokens reports whether token terminals may come next.
func (c *Cache) HasTokens(id int32) bool { return c.configOf(id).tokens }

// Dist returns the least number of bytes (a token terminal counts one) to the end of the
// text.
func (c *Cache) Dist(id int32) int32 { return c.configOf(id).dist }

// TokenTerminals yields the token terminals that may come next.
func (c *Cache) TokenTerminals(id int32, yield func(t int32, negated bool)) {
	for _, it := range c.itemsOf(id) {
		for _, e := range c.p.tokensOf(it.core) {
			yield(e.id, e.negated)
		}
	}
}

// advance computes the step with byte b, and the bytes around b that take the same edges.
func (c *Cache) advance(id int32, b byte) (next int32, lo, hi byte) {
	c.step.begin()
	lo, hi = 0, 255
	for _, it := range c.itemsOf(id) {
		for _, e := range c.p.edgesOf(it.core) {
			if e.lo > b { // and so are the edges after it: they are sorted
				hi = min(hi, e.lo-1)
				break
			}
			if b <= e.hi {
				lo, hi = max(lo, e.lo), min(hi, e.hi)
				c.arrive(e.to, it.set)
			} else {
				lo = max(lo, e.hi+1)
			}
		}
	}
	return c.finish(), lo, hi
}

// MidCharacter reports whether only the continuation bytes of a UTF-8 sequence may come
// next.
func (c *Cache) MidCharacter(id int32) bool {
	items := c.itemsOf(id)
	for _, it := range items {
		for _, e := range c.p.edgesOf(it.core) {
			if e.lo < 0x80 || e.hi > 0xBF {
				return false
			}
		}
	}
	return len(items) > 0
}

// arrive records that state is reached with the given stacks; what may end there returns
// later.
func (c *Cache) arrive(state, set int32) {
	s := &c.step
	if c.p.flat(state).end {
		s.pops = append(s.pops, set)
	}
	if int(state) >= len(s.stamp) {
		s.at, s.stamp = lengthen(s.at, c.p.states.Len()), lengthen(s.stamp, c.p.states.Len())
	}
	if s.stamp[state] == s.round {
		it := &s.arrived[s.at[state]]
		it.set = c.union(it.set, set)
		return
	}
	s.stamp[state] = s.round
	s.at[state] = int32(len(s.arrived))
	s.arrived = append(s.arrived, place{state, set})
}

// lengthen appends zeros to a list up to n entries, and room for more.
func lengthen[T any](list []T, n int32) []T {
	return append(list, make([]T, int(n+n/2+16)-len(list))...)
}

// enter records a call: its first state with the frame it returns to.
func (c *Cache) enter(start, set int32) {
	s := &c.step
	callee := c.p.states.At(start).callee
	for int(callee) >= len(s.enterAt) {
		s.enterAt = append(s.enterAt, -1)
	}
	if known := s.enterAt[callee]; known >= 0 {
		s.enterAt[callee] = c.union(known, set)
		return
	}
	s.enterAt[callee] = set
	h := c.p.callees[callee].height
	if int(h) >= len(s.entered) {
		s.entered = append(s.entered, make([][]int32, int(h)+1-len(s.entered))...)
		s.heights = append(s.heights, make([]uint64, len(s.entered)/64+1-len(s.heights))...)
	}
	s.entered[h] = append(s.entered[h], callee)
	s.heights[h/64] |= 1 << (h % 64)
}

// expandEntered expands the callees entered, from the greatest height down.
func (c *Cache) expandEntered() {
	s := &c.step
	for w := len(s.heights) - 1; w >= 0; w-- {
		for s.heights[w] != 0 {
			bit := 63 - bits.LeadingZeros64(s.heights[w])
			s.heights[w] &^= 1 << bit
			h := w*64 + bit
			list := s.entered[h] // calls made meanwhile are lower
			s.entered[h] = list[:0]
			for _, callee := range list {
				set := s.enterAt[callee]
				s.enterAt[callee] = -1
				c.expand(place{c.p.callees[callee].state, set})
			}
		}
	}
}

// finish makes all returns, then all calls in the order of heights, so that a callee is
// expanded once, with the stacks of all its callers, and interns the result.
func (c *Cache) finish() int32 {
	s := &c.step
	for len(s.pops) > 0 {
		set := s.pops[len(s.pops)-1]
		s.pops = s.pops[:len(s.pops)-1]
		for _, n := range c.nodesOf(set) {
			c.pop(n)
		}
	}
	for i := 0; i < len(s.arrived); i++ {
		c.expand(s.arrived[i])
	}
	c.expandEntered()
	for i, at := range s.othersAt {
		if at != 0 {
			s.items[i].set = c.unite(s.items[i].set, at)
		}
	}
	slices.SortFunc(s.items, func(a, b item) int { return int(a.core - b.core) })
	return c.intern(s.items, s.accepting)
}

// expand keeps what can take a byte or token and makes the calls.
func (c *Cache) expand(it place) {
	st := *c.p.flat(it.state)
	if s := &c.step; int(st.core) >= len(s.itemStamp) {
		s.itemAt, s.itemStamp = lengthen(s.itemAt, c.p.cores.Len()), lengthen(s.itemStamp, c.p.cores.Len())
	}
	if s := &c.step; st.core >= 0 && s.itemStamp[st.core] == s.round {
		if i := s.itemAt[st.core]; s.items[i].set != it.set {
			s.others = append(s.others, otherSet{it.set, s.othersAt[i]})
			s.othersAt[i] = int32(len(s.others))
		}
	} else if st.core >= 0 {
		s.itemStamp[st.core] = s.round
		s.itemAt[st.core] = int32(len(s.items))
		s.items, s.othersAt = append(s.items, item{st.core, it.set}), append(s.othersAt, 0)
	}
	for _, id := range c.p.lists.At(st.calls) {
		site := &c.p.sites[id]
		if site.kind == siteMember {
			c.enterMembers(id, 0, it.set)
			continue
		}
		c.enter(site.start, c.nodes.At(c.push(id, 0, it.set)).single)
	}
}

// enterMembers calls every member that may come next.
func (c *Cache) enterMembers(id, aux, below int32) {
	m := &c.p.members[c.p.sites[id].index]
	for i := range m.items {
		if c.candidate(m, aux, i) {
			n := c.push(id, c.with(m, aux, i), below)
			c.enter(m.items[i].start, c.nodes.At(n).single)
		}
	}
}

// pop returns from the callee of node n to what comes after it.
func (c *Cache) pop(n int32) {
	s := &c.step
	popped := s.popped.Extend(n)
	if *popped == s.round {
		return
	}
	*popped = s.round
	if n == 0 {
		s.accepting = true
		return
	}
	k := c.nodes.At(n).nodeKey
	st := &c.p.sites[k.site]
	switch st.kind {
	case siteRule:
		c.arrive(st.ret, k.below)
	case siteRepeat:
		r := &c.p.repeats[st.index]
		count := k.aux + 1
		if count >= r.min {
			c.arrive(st.ret, k.below)
		}
		if r.max < 0 {
			count = min(count, r.min)
		}
		if r.max < 0 || count < r.max {
			c.enter(r.body, c.nodes.At(c.push(k.site, count, k.below)).single)
		}
	case siteMember:
		m := &c.p.members[st.index]
		if c.complete(m, k.aux) {
			c.arrive(st.ret, k.below)
		}
		for i := range m.items {
			if c.candidate(m, k.aux, i) {
				c.enter(m.sep, c.nodes.At(c.push(k.site+1, k.aux, k.below)).single)
				break
			}
		}
	case siteSep:
		c.enterMembers(k.site-1, k.aux, k.below)
	case siteDistinct:
		c.popDistinct(k, st.ret)
	case siteDocument:
		c.arrive(st.ret, k.below)
	}
}
