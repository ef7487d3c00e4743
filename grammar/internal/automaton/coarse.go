package automaton

import (
	"slices"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/internal/slab"
)

// A counter matters to a mask only if some token can reach one of its bounds. Of maxLength:
// 10000 that is true of the last hundred characters; everywhere else masks are those of any
// other count. Coarse maps a configuration to the one that stands for all of these.

// Counts reports whether anything counted was met, without which configurations stand
// for themselves only.
func (c *Cache) Counts() bool { return len(c.p.repeats) > 0 || len(c.p.counts) > 0 }

// coarse remembers what stands for what, for texts of up to reach bytes; numbers are one
// more, 0 is not yet known.
type coarse struct {
	*Cache
	reach        int32
	nodes, sets  slab.List[int32]
	cores, sites []int32
	items        []item // working memory
}

// Coarse returns a configuration from which texts of up to reach bytes fare as from id. Its
// distance is not less than that of id.
func (c *Cache) Coarse(id, reach int32) int32 {
	for _, m := range c.coarse {
		if m.reach == reach {
			return m.config(id)
		}
	}
	m := &coarse{Cache: c, reach: reach}
	c.coarse = append(c.coarse, m)
	return m.config(id)
}

func (c *coarse) config(id int32) int32 {
	old := c.itemsOf(id)
	changed := false
	items := c.items[:0]
	for _, it := range old {
		to := item{c.core(it.core), c.set(it.set)}
		changed = changed || to != it
		items = append(items, to)
	}
	c.items = items
	if !changed {
		return id
	}
	return c.intern(c.sorted(items), c.configOf(id).accepting)
}

// sorted puts items in order, those of one core together.
func (c *Cache) sorted(items []item) []item {
	slices.SortFunc(items, func(a, b item) int { return int(a.core - b.core) })
	kept := items[:0]
	for _, it := range items {
		if n := len(kept); n > 0 && kept[n-1].core == it.core {
			kept[n-1].set = c.union(kept[n-1].set, it.set)
			continue
		}
		kept = append(kept, it)
	}
	return kept
}

// far is a number of items or characters that no text of up to reach bytes completes: each
// takes a byte at least; one may be under way, one begin.
func (c *coarse) far() int32 { return c.reach + 2 }

// state returns the state that stands for one that calls a state of a machine.
func (c *coarse) state(s int32) int32 {
	k, ok := c.p.counts[s]
	if !ok {
		return s
	}
	n := k.of.Of.(gbnf.Counter).Coarse(k.of.N, c.far())
	if n == k.of.N {
		return s
	}
	if in := c.p.inspect; in != nil {
		defer in.enter(in.owners[c.p.states.At(c.p.inner[k.of]).callee])()
	}
	return c.p.innerCall(&gbnf.State{Of: k.of.Of, N: n}, k.ret)
}

// core returns the core whose edges lead to the states that stand for those of another.
func (c *coarse) core(k int32) int32 {
	if len(c.p.counts) == 0 || !c.p.cores.At(k).tokens.Empty() {
		return k
	}
	if int(k) >= len(c.cores) {
		c.cores = lengthen(c.cores, c.p.cores.Len())
	}
	if t := c.cores[k]; t != 0 {
		return t - 1
	}
	to, changed := k, false
	edges := slices.Clone(c.p.edgesOf(k))
	for i := range edges {
		s := c.state(edges[i].to)
		changed = changed || s != edges[i].to
		edges[i].to = s
	}
	if changed {
		to = c.p.coreOfEdges(edges)
	}
	c.cores[k] = to + 1
	return to
}

// site returns the site that returns to the state that stands for a site's.
func (c *coarse) site(id int32) int32 {
	if len(c.p.counts) == 0 || c.p.sites[id].kind != siteRule {
		return id
	}
	if int(id) >= len(c.sites) {
		c.sites = lengthen(c.sites, int32(len(c.p.sites)))
	}
	if t := c.sites[id]; t != 0 {
		return t - 1
	}
	to, st := id, c.p.sites[id]
	if ret := c.state(st.ret); ret != st.ret {
		to = c.p.siteTo(st.start, ret)
	}
	c.sites[id] = to + 1
	return to
}

func (c *coarse) set(s int32) int32 {
	if t := *c.sets.Extend(s); t != 0 {
		return t - 1
	}
	t := int32(-1)
	for _, n := range c.nodesOf(s) {
		one := c.Cache.nodes.At(c.node(n)).single
		if t < 0 {
			t = one
		} else {
			t = c.union(t, one)
		}
	}
	*c.sets.At(s) = t + 1
	return t
}

func (c *coarse) node(n int32) int32 {
	if n == 0 {
		return 0
	}
	if t := *c.nodes.Extend(n); t != 0 {
		return t - 1
	}
	k := c.Cache.nodes.At(n).nodeKey
	t := c.push(c.site(k.site), c.count(k), c.set(k.below))
	*c.nodes.At(n) = t + 1
	return t
}

// count returns the counter that stands for a frame's.
func (c *coarse) count(k nodeKey) int32 {
	st := &c.p.sites[k.site]
	if st.kind != siteRepeat {
		return k.aux
	}
	far := c.far()
	switch r := &c.p.repeats[st.index]; {
	case r.min-k.aux > far:
		return 0
	case k.aux > r.min && (r.max < 0 || r.max-k.aux > far):
		return r.min
	}
	return k.aux
}

// Jump describes what a configuration does with whole units: one more of them is one more
// item of the only repetition that can take its first byte.
type Jump struct {
	Unit *Unit
	core int32
}

// Jump returns the unit that a configuration counts, if there is exactly one and nothing
// else begins like it, neither here nor after the repetition.
func (c *Cache) Jump(id int32) (Jump, bool) {
	items := c.itemsOf(id)
	found := -1
	unit := int32(-1)
	for i, it := range items {
		nodes := c.nodesOf(it.set)
		if len(nodes) != 1 || nodes[0] == 0 {
			continue
		}
		st := &c.p.sites[c.nodes.At(nodes[0]).site]
		if st.kind != siteRepeat {
			continue
		}
		if u := c.p.findUnit(st.index); u >= 0 && c.p.entries[u] == it.core {
			if found >= 0 {
				return Jump{}, false
			}
			found, unit = i, u
		}
	}
	if found < 0 {
		return Jump{}, false
	}
	u := c.p.units[unit]
	for i, it := range items {
		if i == found {
			continue
		}
		for _, e := range c.p.edgesOf(it.core) {
			for b := int(e.lo); b <= int(e.hi); b++ {
				if u.Steps[b] != UnitDead {
					return Jump{}, false
				}
			}
		}
	}
	k := c.nodes.At(c.nodesOf(items[found].set)[0]).nodeKey
	core := items[found].core
	c.step.begin()
	c.arrive(c.p.sites[k.site].ret, k.below)
	if c.overlaps(c.finish(), u) {
		return Jump{}, false
	}
	return Jump{u, core}, true
}

// Ahead returns the configuration after n units, at least one, of a configuration whose
// Jump is j, or whose coarse one's is.
func (c *Cache) Ahead(id int32, j Jump, n int32) int32 {
	for _, it := range c.itemsOf(id) {
		if it.core != j.core {
			continue
		}
		k := c.nodes.At(c.nodesOf(it.set)[0]).nodeKey
		r := &c.p.repeats[c.p.sites[k.site].index]
		if r.max >= 0 && k.aux+n > r.max {
			return Dead
		}
		count := k.aux + n - 1
		if r.max < 0 {
			count = min(count, r.min)
		}
		c.step.begin()
		c.pop(c.push(k.site, count, k.below))
		return c.finish()
	}
	return Dead
}
