package automaton

import "slices"

// Between the hyphens of a UUID, or in a code of two to eight letters, the characters of a class lead from
// each configuration to one other, whichever comes, until no more may come. What tokens do there
// depends on how many of these characters they hold and on what follows them.

// Chain is a configuration from which characters of a class lead to one other, and from there to
// another one.
type Chain struct {
	// Unit is one such character.
	Unit *Unit
	// After are the configurations after one, two and more of them. After the last no more may come,
	// or it is the longest that was asked for.
	After []int32
}

// Chain returns the chain of up to longest characters that begins at a configuration, whose class
// has at least so many ASCII characters. The slice is valid until the next call.
func (c *Cache) Chain(id int32, longest, least int) (Chain, bool) {
	first, set := c.widest(id)
	if first == Dead || first == id || set.len() < least || longest < 1 {
		return Chain{}, false
	}
	after := append(c.step.after[:0], first)
	for len(after) < longest {
		next, ok := c.nextAll(after[len(after)-1], set)
		if !ok {
			return Chain{}, false
		}
		if next == Dead {
			break
		}
		after = append(after, next)
	}
	c.step.after = after
	return Chain{c.p.unitOfSet(set), after}, true
}

// widest returns the configuration to which most ASCII characters lead, and these; of many different
// ones, those met first are compared.
func (c *Cache) widest(id int32) (int32, asciiSet) {
	var leads [8]struct {
		to  int32
		set asciiSet
	}
	n := 0
	for k := range c.p.classRep {
		lo, hi := c.p.ClassRange(uint8(k))
		if lo >= 0x80 {
			break
		}
		next := c.Next(id, uint8(k))
		if next == Dead {
			continue
		}
		at := 0
		for at < n && leads[at].to != next {
			at++
		}
		if at == len(leads) {
			continue
		}
		leads[at].to, n = next, max(n, at+1)
		for b := int(lo); b <= int(hi) && b < 0x80; b++ {
			leads[at].set[b/64] |= 1 << (b % 64)
		}
	}
	best := leads[0]
	for _, l := range leads[:n] {
		if l.set.len() > best.set.len() {
			best = l
		}
	}
	return best.to, best.set
}

// nextAll returns the configuration to which all characters of a set lead. It is another than id: where one
// leads back, there is no chain but a run.
func (c *Cache) nextAll(id int32, set asciiSet) (next int32, same bool) {
	next, same = Dead, true
	any := false
	set.runs(func(lo, hi byte) {
		for k := c.p.class[lo]; same && k <= c.p.class[hi]; k++ {
			to := c.Next(id, k)
			same = to != id && (!any || to == next)
			next, any = to, true
		}
	})
	return next, same
}

// unitOfSet returns the unit of one character of a set.
func (p *Program) unitOfSet(set asciiSet) *Unit {
	if u := p.setUnits[set]; u != nil {
		return u
	}
	steps := slices.Clone(noUnit)
	set.runs(func(lo, hi byte) {
		for b := int(lo); b <= int(hi); b++ {
			steps[b] = UnitEnd
		}
	})
	u := &Unit{Steps: string(steps)}
	if p.setUnits == nil {
		p.setUnits = map[asciiSet]*Unit{}
	}
	p.setUnits[set] = u
	return u
}
