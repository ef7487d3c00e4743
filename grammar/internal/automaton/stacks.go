package automaton

import (
	"slices"

	"github.com/callama/callama/internal/slab"
)

// Cache holds what has been explored of a Program: parser stacks, configurations and the
// steps between them, all interned to small integers. It only grows; its owner replaces
// it when Bytes says it is too large and carries a configuration over with Import.
// Not safe for concurrent use.
type Cache struct {
	p *Program

	nodes     slab.List[node]
	nodeIndex index
	sets      slab.List[nodeSet]
	setIndex  index // of two nodes or more
	pairs     slab.List[union]
	pairIndex index
	seen      slab.List[slab.Span] // member sets of unordered Members; 0 is the empty one
	seenIndex index

	configs     slab.List[config]
	configIndex index

	coarse []*coarse // see Coarse

	// What nodes, sets and configurations are made of. Most of it holds no pointer: the collector need not look
	// through it.
	numbers slab.Lists[int32]  // of sets of two nodes or more
	words   slab.Lists[uint64] // of member sets
	items   slab.Lists[item]
	more    slab.List[[]item] // items of configurations that have more than a few
	steps   slab.Lists[int32] // of rows
	rows    [][]int32         // steps by class, of configurations that have more than a few runs; the first is nil

	dups     map[[2]int32]int32   // steps of NextDup by configuration and class
	returned map[int32]*[4]uint64 // by configuration, classes in whose steps a value that must differ ended

	bytes int
	step  scratch
}

// union is the set of the nodes in two sets, of which a is the lesser.
type union struct{ a, b, set int32 }

// node is one frame of a stack; see site.
type node struct {
	nodeKey
	cost   int32 // least bytes from the end of the callee to the end of the text
	single int32 // the set of this node alone
	traits traits
}

type nodeKey struct{ site, aux, below int32 }

// nodeSet is a set of nodes.
type nodeSet struct {
	one   [1]int32  // the node, if it is one
	nodes slab.Span // of numbers, ascending, if they are more
	cost  int32     // least of its nodes
	traits
}

// config is a configuration: where the text so far may stand.
type config struct {
	first     [fewItems]item // the items if they are no more; else the core of the first is an index of more
	runs      runs
	row       int32 // number of its row, 0 while it has none
	dist      int32 // least bytes to the end of the text
	n         uint8 // number of items, moreItems if more
	accepting bool
	tokens    bool // some item has token edges
	traits
}

// item says that a core may take the next byte, with the stacks of a node set below it.
type item struct{ core, set int32 }

// The configurations with fixed numbers.
const (
	Dead  = int32(0) // no text continues from here
	Start = int32(1)
)

const bottomSet = int32(0) // the set of node 0, which lies below the root rule

// Rough sizes for Bytes: the structs and their share of the indexes.
const (
	nodeBytes      = 24 + 20
	setBytes       = 20 + 20
	memberSetBytes = 8 + 20
	unionBytes     = 12 + 20
	configBytes    = 80 + 20
	returnedBytes  = 32 + 32
	rowBytes       = 24
	moreBytes      = 24
)

// NewCache returns a cache that knows only the start configuration.
func NewCache(p *Program) *Cache {
	c := &Cache{p: p, rows: make([][]int32, 1)}
	c.nodes.Add(node{nodeKey: nodeKey{site: -1}, traits: free})
	c.sets.Add(nodeSet{traits: free}) // of node 0
	c.memberSetID(memberSet{0})       // number 0 is the empty one
	c.configs.Add(config{dist: infinite, runs: noSteps})
	c.start()
	return c
}

// Bytes estimates the memory of the cache.
func (c *Cache) Bytes() int { return c.bytes }

// configOf returns a configuration; the pointer stays valid.
func (c *Cache) configOf(id int32) *config {
	return c.configs.At(id)
}

// fewItems is the number of items that a configuration holds itself: three in four have no more.
const fewItems = 3

// moreItems stands for a greater number.
const moreItems = fewItems + 1

// itemsOf returns the items of a configuration.
func (c *Cache) itemsOf(id int32) []item {
	cfg := c.configOf(id)
	if cfg.n == moreItems {
		return *c.more.At(cfg.first[0].core)
	}
	return cfg.first[:cfg.n]
}

// nodesOf returns the nodes of a set in ascending order.
func (c *Cache) nodesOf(set int32) []int32 {
	s := c.sets.At(set)
	if s.nodes.Empty() {
		return s.one[:]
	}
	return c.numbers.At(s.nodes)
}

// Configs returns the number of configurations explored.
func (c *Cache) Configs() int { return int(c.configs.Len()) }

// Nodes returns the number of stack nodes explored.
func (c *Cache) Nodes() int { return int(c.nodes.Len()) }

// push returns the node for a frame.
func (c *Cache) push(site, aux, below int32) int32 {
	key := nodeKey{site, aux, below}
	h := hasher(0)
	h.add(site)
	h.add(aux)
	h.add(below)
	for find := c.nodeIndex.at(h.sum()); ; find = find.next() {
		s := find.slot()
		if s.id == 0 {
			break
		}
		if s.hash == h.sum() && c.nodes.At(s.id-1).nodeKey == key {
			return s.id - 1
		}
	}
	n, set := c.nodes.Len(), c.sets.Len()
	cost := c.cost(key)
	tr := c.traitsOf(key)
	c.nodes.Add(node{nodeKey: key, cost: cost, single: set, traits: tr})
	c.sets.Add(nodeSet{one: [1]int32{n}, cost: cost, traits: tr})
	c.nodeIndex.add(h.sum(), n)
	c.bytes += nodeBytes + setBytes
	return n
}

// cost computes node.cost.
func (c *Cache) cost(k nodeKey) int32 {
	st := &c.p.sites[k.site]
	rest := plus(c.p.states.At(st.ret).dist, c.sets.At(k.below).cost)
	switch st.kind {
	case siteRepeat:
		r := &c.p.repeats[st.index]
		rest = plus(rest, times(r.min-(k.aux+1), r.dist))
	case siteMember, siteSep:
		m := &c.p.members[st.index]
		sum, n := c.stillNeeded(m, k.aux)
		rest = plus(rest, sum)
		switch {
		case st.kind == siteMember:
			rest = plus(rest, times(n, m.sepDist))
		case n == 0: // a separator stands for one more member
			least := infinite
			for i := range m.items {
				if c.candidate(m, k.aux, i) {
					least = min(least, m.items[i].dist)
				}
			}
			rest = plus(rest, least)
		default:
			rest = plus(rest, times(n-1, m.sepDist))
		}
	}
	return rest
}

// union returns the set of the nodes in a or b.
func (c *Cache) union(a, b int32) int32 {
	if a == b {
		return a
	}
	if a > b {
		a, b = b, a
	}
	h := hasher(1)
	h.add(a)
	h.add(b)
	for find := c.pairIndex.at(h.sum()); ; find = find.next() {
		s := find.slot()
		if s.id == 0 {
			break
		}
		if u := c.pairs.At(s.id - 1); s.hash == h.sum() && u.a == a && u.b == b {
			return u.set
		}
	}
	x, y := c.nodesOf(a), c.nodesOf(b)
	merged := c.step.merged[:0]
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0] < y[0]:
			merged, x = append(merged, x[0]), x[1:]
		case x[0] > y[0]:
			merged, y = append(merged, y[0]), y[1:]
		default:
			merged, x, y = append(merged, x[0]), x[1:], y[1:]
		}
	}
	merged = append(append(merged, x...), y...)
	c.step.merged = merged
	s := c.set(merged)
	c.pairIndex.add(h.sum(), c.pairs.Add(union{a, b, s}))
	c.bytes += unionBytes
	return s
}

// unite returns the union of a set and the others of an item. Where many rules begin with the same byte they are many, so that
// one set after the other would be joined to ever longer ones, which are kept.
func (c *Cache) unite(set, others int32) int32 {
	sets := append(c.step.sets[:0], set)
	for at := others; at != 0; at = c.step.others[at-1].before {
		sets = append(sets, c.step.others[at-1].set)
	}
	slices.Sort(sets)
	sets = slices.Compact(sets)
	c.step.sets = sets
	switch len(sets) {
	case 1:
		return sets[0]
	case 2:
		return c.union(sets[0], sets[1])
	}
	merged := c.step.merged[:0]
	for _, s := range sets {
		merged = append(merged, c.nodesOf(s)...)
	}
	slices.Sort(merged)
	merged = slices.Compact(merged)
	c.step.merged = merged
	return c.set(merged)
}

// set interns a sorted list of nodes.
func (c *Cache) set(nodes []int32) int32 {
	if len(nodes) == 1 {
		return c.nodes.At(nodes[0]).single
	}
	h, cost, tr := hasher(2), infinite, traits(0)
	for _, n := range nodes {
		h.add(n)
		cost = min(cost, c.nodes.At(n).cost)
		tr |= c.nodes.At(n).traits
	}
	for find := c.setIndex.at(h.sum()); ; find = find.next() {
		s := find.slot()
		if s.id == 0 {
			break
		}
		if s.hash == h.sum() && slices.Equal(c.nodesOf(s.id-1), nodes) {
			return s.id - 1
		}
	}
	s := c.sets.Add(nodeSet{nodes: c.numbers.Put(nodes...), cost: cost, traits: tr})
	c.setIndex.add(h.sum(), s)
	c.bytes += setBytes + 4*len(nodes)
	return s
}

// intern returns the configuration of the given items, which must be sorted.
func (c *Cache) intern(items []item, accepting bool) int32 {
	if len(items) == 0 && !accepting {
		return Dead
	}
	h := hasher(3)
	if accepting {
		h = 4
	}
	for _, it := range items {
		h.add(it.core)
		h.add(it.set)
	}
	for find := c.configIndex.at(h.sum()); ; find = find.next() {
		s := find.slot()
		if s.id == 0 {
			break
		}
		if s.hash == h.sum() && c.configOf(s.id-1).accepting == accepting && slices.Equal(c.itemsOf(s.id-1), items) {
			return s.id - 1
		}
	}
	cfg := config{accepting: accepting, dist: infinite, runs: noSteps}
	if accepting {
		cfg.dist = 0
	}
	if cfg.n = uint8(min(len(items), moreItems)); cfg.n < moreItems {
		copy(cfg.first[:], items)
	} else {
		_, kept := c.items.Take(len(items))
		copy(kept, items)
		cfg.first[0].core = c.more.Add(kept)
		c.bytes += moreBytes + 8*len(items)
	}
	for _, it := range items {
		k := c.p.cores.At(it.core)
		cfg.tokens = cfg.tokens || !k.tokens.Empty()
		cfg.traits |= c.traitsOfItem(it)
		cfg.dist = min(cfg.dist, plus(k.dist, c.sets.At(it.set).cost))
	}
	if len(c.p.classRep) > lastClass+1 {
		c.makeRow(&cfg)
	}
	id := c.configs.Add(cfg)
	c.configIndex.add(h.sum(), id)
	c.bytes += configBytes
	return id
}

// Import finds or makes the configuration of another cache of the same Program.
func (c *Cache) Import(from *Cache, id int32) int32 {
	if id == Dead {
		return Dead
	}
	im := importer{to: c, from: from, nodes: map[int32]int32{0: 0}, sets: map[int32]int32{bottomSet: bottomSet}}
	old := from.itemsOf(id)
	items := make([]item, len(old))
	for i, it := range old {
		items[i] = item{it.core, im.set(it.set)}
	}
	return c.intern(items, from.Accepting(id))
}

// importer copies stacks between caches, each node once.
type importer struct {
	to, from    *Cache
	nodes, sets map[int32]int32
}

func (im *importer) set(s int32) int32 {
	if t, ok := im.sets[s]; ok {
		return t
	}
	t := int32(-1)
	for _, n := range im.from.nodesOf(s) {
		one := im.to.nodes.At(im.node(n)).single
		if t < 0 {
			t = one
		} else {
			t = im.to.union(t, one)
		}
	}
	im.sets[s] = t
	return t
}

func (im *importer) node(n int32) int32 {
	if t, ok := im.nodes[n]; ok {
		return t
	}
	old := *im.from.nodes.At(n)
	aux := old.aux
	if st := &im.to.p.sites[old.site]; st.kind == siteMember || st.kind == siteSep {
		if !im.to.p.members[st.index].plain() {
			aux = im.to.memberSetID(im.from.memberSet(old.aux))
		}
	}
	t := im.to.push(old.site, aux, im.set(old.below))
	im.nodes[n] = t
	return t
}
