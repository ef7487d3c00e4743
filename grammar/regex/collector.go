package regex

import "github.com/callama/callama/grammar/gbnf"

// collector makes sets of the code points of several symbols.
type collector struct {
	a    *alphabet
	sets []Set   // of each symbol
	in   []int32 // of each symbol, 1 if it is one of those
}

func (a *alphabet) collector(s *scratch) *collector {
	return &collector{a: a, sets: a.sets(), in: s.take(a.symbols)}
}

// set returns the code points of some symbols.
func (c *collector) set(symbols []int32) Set {
	if len(symbols) == 1 {
		return c.sets[symbols[0]]
	}
	n := 0
	for _, sym := range symbols {
		n += len(c.sets[sym])
	}
	const few = 8 // intervals looked at in the time in which a range is sorted
	if few*n >= len(c.a.symbol) {
		return c.ordered(symbols)
	}
	all := make([]gbnf.Range, 0, n)
	for _, sym := range symbols {
		all = append(all, c.sets[sym]...)
	}
	return NewSet(all...)
}

// ordered is set for symbols that are much of the alphabet, as all but a few are: its intervals are in
// order as they stand.
func (c *collector) ordered(symbols []int32) Set {
	for _, sym := range symbols {
		c.in[sym] = 1
	}
	count := 0
	c.each(func(int, rune) { count++ })
	out := make(Set, 0, count)
	c.each(func(i int, hi rune) { out = append(out, gbnf.Range{Lo: c.a.starts[i], Hi: hi}) })
	for _, sym := range symbols {
		c.in[sym] = 0
	}
	return out
}

// each visits the runs of intervals that are in the set, by the first of them and the last code point.
func (c *collector) each(visit func(first int, hi rune)) {
	first := -1
	for i, sym := range c.a.symbol {
		inside := sym != dead && c.in[sym] != 0
		switch {
		case inside && first < 0:
			first = i
		case !inside && first >= 0:
			visit(first, c.a.starts[i]-1)
			first = -1
		}
	}
	if first >= 0 {
		visit(first, maxRune)
	}
}
