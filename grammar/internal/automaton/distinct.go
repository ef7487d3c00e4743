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
	// withoutDistinct: some stack holds none.
	withoutDistinct
	// withDocument: some stack holds the frame of a document.
	withDocument
)

// traitsOf returns the traits of a frame at a site on stacks with those of below.
func traitsOf(kind siteKind, below traits) traits {
	switch kind {
	case siteDistinct:
		return below&^withoutDistinct | withDistinct
	case siteDocument:
		return below | withDocument
	}
	return below
}

// HasDistinct reports whether the grammar has values that must differ.
func (p *Program) HasDistinct() bool { return p.distinct }

// Closed reports whether some of these values are few, so that they may run out: see
// gbnf.Distinct.Open.
func (p *Program) Closed() bool { return p.closed }

// InDistinct reports whether the text may stand within a value that must differ, or where one
// begins.
func (c *Cache) InDistinct(id int32) bool { return c.configs[id].traits&withDistinct != 0 }

// InDocument reports whether the text may stand within a document, or where one begins.
func (c *Cache) InDocument(id int32) bool { return c.configs[id].traits&withDocument != 0 }

// Free reports whether the text can be completed whatever values were written before.
func (c *Cache) Free(id int32) bool {
	cfg := &c.configs[id]
	return cfg.accepting || cfg.traits&withoutDistinct != 0
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
	set := c.configs[id].returned
	return set != nil && set[class/64]&(1<<(class%64)) != 0
}

// noteReturned keeps that values that must differ ended in the steps by some classes.
func (c *Cache) noteReturned(id int32, from, to uint8) {
	cfg := &c.configs[id]
	if cfg.returned == nil {
		cfg.returned = new([4]uint64)
		c.bytes += 32
	}
	for k := int(from); k <= int(to); k++ {
		cfg.returned[k/64] |= 1 << (k % 64)
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
	start := b.sub(item)
	s := state{calls: put(&b.lists, b.site(site{kind: kind, ret: to, start: start}))}
	if b.states[start].dist == 0 {
		s.eps = put(&b.lists, to)
	}
	return b.add(s)
}

func (s *survey) distinctValue(e *gbnf.Distinct, copies int) error {
	if _, empty := s.corner(e.Item); empty {
		return fmt.Errorf("a value that must differ from others may be empty")
	}
	s.distinct = true
	s.closed = s.closed || !e.Open
	return s.expr(e.Item, copies)
}
