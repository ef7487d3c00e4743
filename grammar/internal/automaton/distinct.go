package automaton

import (
	"fmt"

	"github.com/callama/callama/grammar/gbnf"
)

// Values that must differ (gbnf.Distinct) are calls whose frames may return only if the
// value that ended is none of the earlier ones. What was written before is not part of a
// configuration, which would make every one of them new; its owner keeps it (package
// jsonscan) and says with each byte whether a value that ended there would be a duplicate:
// Next is the step where it is none, NextDup the one where it is.

// traits say what kind of frames the stacks of a node, a set or a configuration hold.
type traits uint8

const (
	// withDistinct: some stack holds a frame of a value that must differ.
	withDistinct traits = 1 << iota
	// free: some stack can be completed without such a value, not even a later one.
	free
	// withDocument: some stack holds the frame of a document.
	withDocument
	// endless is set in a configuration once Endless is known to hold, endlessAsked once it
	// was asked.
	endless
	endlessAsked
)

// traitsOf returns the traits of a node.
func (c *Cache) traitsOf(k nodeKey) traits {
	st := &c.p.sites[k.site]
	t := c.sets.At(k.below).traits
	switch st.kind {
	case siteDistinct:
		return t&^free | withDistinct
	case siteDocument:
		t |= withDocument
	}
	if t&free != 0 && c.p.distinct && !(c.p.states.At(st.ret).plain && c.restIsPlain(k, st)) {
		t &^= free
	}
	return t
}

// restIsPlain reports whether what a list still demands can be written without values that
// must differ.
func (c *Cache) restIsPlain(k nodeKey, st *site) bool {
	switch st.kind {
	case siteRepeat:
		r := &c.p.repeats[st.index]
		return k.aux+1 >= r.min || c.p.states.At(r.body).plain
	case siteMember, siteSep:
		m := &c.p.members[st.index]
		one := st.kind == siteMember && (m.min == 0 || c.memberCount(m, k.aux) >= m.min)
		for i := range m.items {
			plain := c.p.states.At(m.items[i].start).plain
			if m.items[i].required && !plain && !c.memberSeen(m, k.aux, i) {
				return false
			}
			one = one || plain && c.candidate(m, k.aux, i)
		}
		return one
	}
	return true
}

// isPlain reports whether an expression has a text without values that must differ. It may
// miss some where rules are recursive.
func (f *facts) isPlain(e gbnf.Expr) bool {
	if !f.distinct {
		return true
	}
	all := func(items []gbnf.Expr) bool {
		for _, it := range items {
			if !f.isPlain(it) {
				return false
			}
		}
		return true
	}
	switch e := e.(type) {
	case *gbnf.Ref:
		return f.plainRule(int32(e.Rule))
	case *gbnf.Seq:
		return all(e.Items)
	case *gbnf.Alt:
		for _, it := range e.Items {
			if f.isPlain(it) {
				return true
			}
		}
		return false
	case *gbnf.Repeat:
		return e.Min == 0 || f.isPlain(e.Item)
	case *gbnf.Members:
		required := 0
		some := false
		for i := range e.Items {
			plain := f.isPlain(e.Items[i].Expr)
			if some = some || plain; e.Items[i].Required {
				if required++; !plain {
					return false
				}
			}
		}
		return e.Min <= required || some
	case *gbnf.Distinct:
		return false
	case *gbnf.Document:
		return f.isPlain(e.Item)
	}
	return f.distance(e) < infinite
}

// plainRule is isPlain of a rule.
func (f *facts) plainRule(r int32) bool {
	if f.plain == nil {
		f.plain = make([]plainness, len(f.rules))
	}
	if f.plain[r] == plainUnknown {
		f.plain[r] = notPlain // while it is being worked out
		if f.isPlain(f.rules[r].Expr) {
			f.plain[r] = isPlain
		}
	}
	return f.plain[r] == isPlain
}

// plainness says what is known of a rule: see isPlain.
type plainness uint8

const (
	plainUnknown plainness = iota
	notPlain
	isPlain
)

// HasDistinct reports whether the grammar has values that must differ.
func (p *Program) HasDistinct() bool { return p.distinct }

// Closed reports whether some of these values are few, so that they may run out: see
// gbnf.Distinct.Open.
func (p *Program) Closed() bool { return p.closed }

// InDistinct reports whether the text may stand within a value that must differ, or where one
// begins.
func (c *Cache) InDistinct(id int32) bool { return c.configOf(id).traits&withDistinct != 0 }

// InDocument reports whether the text may stand within a document, or where one begins.
func (c *Cache) InDocument(id int32) bool { return c.configOf(id).traits&withDocument != 0 }

// Free reports whether it is certain that the text can be completed without another value that
// must differ, whatever was written before.
func (c *Cache) Free(id int32) bool {
	cfg := c.configOf(id)
	return cfg.accepting || cfg.traits&free != 0
}

// plentyOfValues is a number of values that no text exhausts.
const plentyOfValues = 1 << 20

// Endless reports whether it is certain that the value under way may still become any of
// plenty of values: it stands in a run of characters or digits which may go on.
func (c *Cache) Endless(id int32) bool {
	if cfg := c.configOf(id); cfg.traits&endlessAsked == 0 {
		cfg.traits |= endlessAsked
		if c.loops(id) {
			c.configOf(id).traits |= endless
			return true
		}
		for _, it := range c.itemsOf(id) {
			for _, n := range c.nodesOf(it.set) {
				if n > 0 && c.endlessNode(n) {
					c.configOf(id).traits |= endless
					return true
				}
			}
		}
	}
	return c.configOf(id).traits&endless != 0
}

// loops reports whether some character leads a configuration back to itself, one of which any
// number makes another value.
func (c *Cache) loops(id int32) bool {
	const characters = "ax1_-"
	for i := range len(characters) {
		if c.Next(id, c.p.Class(characters[i])) == id {
			return true
		}
	}
	return false
}

// endlessNode reports whether a frame is that of a run which may go on long enough.
func (c *Cache) endlessNode(n int32) bool {
	k := c.nodes.At(n).nodeKey
	st := &c.p.sites[k.site]
	if st.kind != siteRepeat || c.nodes.At(n).traits&withDistinct == 0 {
		return false
	}
	r := &c.p.repeats[st.index]
	body := c.p.flat(r.body)
	if body.core < 0 {
		return false
	}
	choices, space := 0, true
	for _, e := range c.p.edgesOf(body.core) {
		choices += int(e.hi-e.lo) + 1
		space = space && (e.lo == ' ' || e.lo >= '\t' && e.lo <= '\r') && e.lo == e.hi
	}
	if space || choices < 3 {
		return false
	}
	values := 1 // by what ends with another digit than 0
	for left := r.max - k.aux - 1; values < plentyOfValues; left-- {
		if r.max >= 0 && left <= 0 {
			return false
		}
		values *= choices - 1
	}
	return true
}

// traitsOfItem returns the traits of a core on stacks.
func (c *Cache) traitsOfItem(it item) traits {
	t := c.sets.At(it.set).traits
	if !c.p.cores.At(it.core).plain {
		t &^= free
	}
	return t
}

// NextDup is Next where the value that must differ and ends with the byte, if one does,
// equals an earlier one.
func (c *Cache) NextDup(id int32, class uint8) int32 {
	key := [2]int32{id, int32(class)}
	if next, ok := c.dups[key]; ok {
		return next
	}
	c.step.dup = true
	next, _, _ := c.advance(id, c.p.classRep[class])
	c.step.dup = false
	if c.dups == nil {
		c.dups = map[[2]int32]int32{}
	}
	c.dups[key] = next
	c.bytes += setBytes
	return next
}

// Returned reports whether a value that must differ ended in the step Next(id, class),
// which must have been made, in some reading of the text.
func (c *Cache) Returned(id int32, class uint8) bool {
	set := c.returned[id]
	return set != nil && set[class/64]&(1<<(class%64)) != 0
}

// noteReturned keeps that values that must differ ended in the steps by some classes.
func (c *Cache) noteReturned(id int32, from, to uint8) {
	set := c.returned[id]
	if set == nil {
		if c.returned == nil {
			c.returned = map[int32]*[4]uint64{}
		}
		set = new([4]uint64)
		c.returned[id] = set
		c.bytes += returnedBytes
	}
	for k := int(from); k <= int(to); k++ {
		set[k/64] |= 1 << (k % 64)
	}
}

// popDistinct returns from a value that must differ.
func (c *Cache) popDistinct(k nodeKey, ret int32) {
	if c.step.dup {
		return
	}
	c.step.returned = true
	c.arrive(ret, k.below)
}

// wrapped builds a call of e's item through a site of the given kind.
func (b *builder) wrapped(kind siteKind, item gbnf.Expr, to int32) int32 {
	start := int32(-1)
	if ref, ok := item.(*gbnf.Ref); ok {
		start = b.ruleStart(ref.Rule)
	} else {
		start = b.sub(item)
	}
	s := state{calls: b.lists.Put(b.site(site{kind: kind, ret: to, start: start}))}
	if b.states.At(start).dist == 0 {
		s.eps = b.lists.Put(to)
	}
	return b.add(s)
}

// enteringPlain reports whether what is called at a site, when it is entered, can be written
// without values that must differ.
func (b *builder) enteringPlain(c int32) bool {
	st := &b.sites[c]
	switch st.kind {
	case siteDistinct:
		return false
	case siteMember:
		m := &b.members[st.index]
		one := false
		for i := range m.items {
			plain := b.states.At(m.items[i].start).plain
			if m.items[i].required && !plain {
				return false
			}
			one = one || plain
		}
		return one
	}
	return b.states.At(st.start).plain
}

func (s *survey) distinctValue(e *gbnf.Distinct, copies int) error {
	if _, empty := s.corner(e.Item); empty {
		return fmt.Errorf("a value that must differ from others may be empty")
	}
	s.distinct = true
	s.closed = s.closed || !e.Open
	return s.expr(e.Item, copies)
}
