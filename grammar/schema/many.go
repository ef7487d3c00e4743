package schema

import (
	"math/big"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// Values that must differ are compared by the engine (gbnf.Distinct), which does not look
// further than the next one. That a list which demands several can always find them is
// worked out here: a position that may be preceded by n items has more than n values.

// plenty is a number of values that no text exhausts.
const plenty = 1 << 20

// manyDepth bounds how deep in values many looks for what can differ.
const manyDepth = 4

// distinctItem returns the expression of an item that must differ from the others.
func (c *Compiler) distinctItem(g *goal, e gbnf.Expr) gbnf.Expr {
	c.distinct = true
	return &gbnf.Distinct{Item: e, Open: c.opens(g)}
}

// document returns the expression of a whole JSON value.
func (c *Compiler) document(e gbnf.Expr) gbnf.Expr {
	if !c.distinct {
		return e
	}
	if c.documents[e] == nil {
		if c.documents == nil {
			c.documents = make(map[gbnf.Expr]*gbnf.Document)
		}
		c.documents[e] = &gbnf.Document{Item: e}
	}
	return c.documents[e]
}

// enough reports whether it is certain that distinct items are always left for the
// positions that must be filled.
func (c *Compiler) enough(j *conjunct, a *arrayShape) bool {
	if a.chain == nil {
		for i := 1; i < min(j.count.min, len(a.prefix)); i++ {
			if !c.many(a.prefix[i], i+1, manyDepth) {
				return false
			}
		}
		return j.count.min <= max(1, len(a.prefix)) || c.many(a.rest, j.count.min, manyDepth)
	}
	demanded := j.count.min
	single := len(a.prefix) == 0
	var counted *containsFacet
	for i := range j.contains {
		f := j.contains[i].containsFacet
		if f.min == 0 && f.max < 0 {
			continue
		}
		demanded += f.min
		single = single && counted == nil && f.max < 0 && f.from == 0
		counted = f
	}
	if single { // the items that count are the more the better, so that the best reading counts all
		return (j.count.min <= 1 || c.many(a.rest, j.count.min, manyDepth)) &&
			(counted.min <= 1 || c.many(c.goal(a.rest, "", append(j.itemTerms(0), counted.t)), counted.min, manyDepth))
	}
	for _, g := range a.chain.goals {
		if g.productive && !c.many(g, demanded, manyDepth) {
			return false
		}
	}
	return true
}

// many reports whether it is certain that n values satisfy a goal. Goals are explored.
func (c *Compiler) many(g *goal, n, depth int) bool {
	return c.countOf(g, n, depth) >= n
}

// goalCount asks how many values a goal has, at most limit.
type goalCount struct {
	g     *goal
	limit int
}

// countOf returns a number of values that surely satisfy a goal, at most limit.
func (c *Compiler) countOf(g *goal, limit, depth int) int {
	if !g.productive {
		return 0
	}
	if limit <= 1 {
		return limit
	}
	key := goalCount{g, limit}
	if known, ok := c.counts[key]; ok {
		return known
	}
	if c.counts == nil {
		c.counts = make(map[goalCount]int)
	}
	c.counts[key] = 1 // as long as it is being worked out
	c.counts[key] = max(1, min(limit, c.sumOfKinds(g, limit, depth)))
	return c.counts[key]
}

// sumOfKinds returns a number of values of a goal, of all kinds; it may stop counting at n.
func (c *Compiler) sumOfKinds(g *goal, n, depth int) int {
	// Alternatives may overlap, but values of different kinds differ.
	sum := 0
	for _, kind := range [...]kinds{kindNull, kindBool, kindString, kindNumber, kindArray, kindObject} {
		most := 0
		for i, j := range g.alts {
			if i < len(g.shapes) && j.kinds&kind != 0 {
				most = max(most, c.valuesOf(j, &g.shapes[i], kind, n, depth))
			}
		}
		if sum += most; sum >= n {
			break
		}
	}
	return sum
}

// opens reports whether it is certain that however a value begins (with a quote or a
// bracket), plenty of values begin so, and that some do.
func (c *Compiler) opens(g *goal) bool {
	var met, open kinds
	for i, j := range g.alts {
		if i == len(g.shapes) {
			break
		}
		if j.hasEnum {
			for _, v := range j.enum {
				met |= kindOf(v)
			}
			continue
		}
		s := &g.shapes[i]
		left := j.kinds
		if s.object == nil || !s.object.satisfiable() {
			left &^= kindObject
		}
		if s.array == nil || !s.array.satisfiable(j) {
			left &^= kindArray
		}
		met |= left
		for _, kind := range kindsThatOpen {
			if left&kind != 0 && c.valuesOf(j, s, kind, plenty, manyDepth) >= plenty {
				open |= kind
			}
		}
	}
	return open != 0 && met&(kindString|kindObject|kindArray)&^open == 0
}

// kindsThatOpen are the kinds of which there may be plenty of values.
var kindsThatOpen = [...]kinds{kindString, kindObject, kindArray, kindNumber}

// valuesOf returns a number of values of one kind, at most limit, that a conjunct surely has.
func (c *Compiler) valuesOf(j *conjunct, s *shape, kind kinds, limit, depth int) int {
	switch {
	case j.hasEnum:
		seen := make(map[string]bool)
		for _, v := range j.enum {
			if kindOf(v)&kind != 0 {
				seen[equalityKey(v)] = true
			}
		}
		return min(limit, len(seen))
	case kind&kindNull != 0:
		return 1
	case kind&kindBool != 0:
		return len(j.bools())
	case kind&kindString != 0:
		return c.textsOf(j, limit)
	case kind&kindNumber != 0:
		return c.numbersOf(j, limit)
	case kind&kindArray != 0 && s.array != nil && s.array.satisfiable(j):
		return c.arraysOf(j, s.array, limit, depth)
	case kind&kindObject != 0 && s.object != nil && s.object.satisfiable():
		return c.objectsOf(s.object, limit, depth)
	}
	return 0
}

func (c *Compiler) textsOf(j *conjunct, limit int) int {
	class, window, ok := j.oneClass(regex.Window{Min: j.length.min, Max: j.length.max})
	if denied := j.deniedTexts(); !ok || len(denied) > 0 {
		d, err := c.stringAutomaton(j, denied)
		if err != nil {
			return 1
		}
		if shortest, longest := d.Lengths(); (window.Max < 0 || longest >= 0 && longest <= window.Max) && (window.Min <= shortest || longest < 0) {
			return d.Count(limit)
		}
		lengths, err := lengthPattern(span{min: window.Min, max: window.Max}, c.lim.Pattern)
		if err == nil {
			d, err = regex.Intersect(d, lengths, c.lim.Pattern)
		}
		if err != nil {
			return 1
		}
		return d.Count(limit)
	}
	size := 0
	for _, r := range class {
		size += int(r.Hi-r.Lo) + 1
	}
	switch {
	case size == 0 || window.Max == 0:
		return 1
	case window.Max < 0:
		return limit
	case size == 1:
		return min(limit, window.Max-window.Min+1)
	}
	n := 1
	for range window.Max {
		if n *= size; n >= limit {
			return limit
		}
	}
	return n
}

func (c *Compiler) numbersOf(j *conjunct, limit int) int {
	bounded := j.lower.set && j.upper.set
	switch {
	case j.kinds&kindNumber == kindInteger && (len(j.steps) == 0 || !bounded):
		lo, hi := integerBounds(j, c.lim.IntegerDigits)
		n := new(big.Int).Sub(hi, lo)
		n.Sub(n, big.NewInt(int64(len(j.denied))))
		for _, s := range j.steps {
			if s.not {
				return 0
			}
			if step := s.value.integer(); step.Sign() > 0 {
				n.Quo(n, new(big.Int).Abs(step))
			}
		}
		if n.Sign() < 0 {
			return 0
		}
		if !n.IsInt64() || n.Int64() >= int64(limit) {
			return limit
		}
		return int(n.Int64()) + 1
	case !bounded:
		return limit
	case len(j.steps) == 0 && j.kinds&kindFraction != 0 && j.lower.value.compare(j.upper.value) < 0:
		return limit
	}
	return 0
}

func (c *Compiler) arraysOf(j *conjunct, a *arrayShape, limit, depth int) int {
	switch {
	case depth == 0 || a.chain != nil:
		return 1
	case a.values != nil && a.values.items == nil:
		return min(limit, len(a.values.whole))
	case a.values != nil:
		if a.values.least <= 1 && a.values.most != 0 {
			return min(limit, len(a.values.items))
		}
		return 1
	}
	most := j.count.max
	for i, g := range a.prefix {
		if !g.productive && (most < 0 || i < most) {
			most = i
		}
	}
	if !a.rest.productive && (most < 0 || most > len(a.prefix)) {
		most = len(a.prefix)
	}
	if most < 0 && !a.distinct {
		return limit
	}
	n := 1
	if !a.distinct {
		n = most - j.count.min + 1
	}
	for i, g := range a.prefix {
		if (most < 0 || i < most) && c.many(g, limit, depth-1) {
			return limit
		}
	}
	if (most < 0 || most > len(a.prefix)) && c.many(a.rest, limit, depth-1) {
		return limit
	}
	return min(limit, n)
}

func (c *Compiler) objectsOf(o *objectShape, limit, depth int) int {
	if depth == 0 {
		return 1
	}
	required := len(o.demanded)
	for i := range o.members {
		if o.members[i].required != nil {
			required++
		}
	}
	room := o.max < 0 || o.max > required
	for _, k := range o.others {
		if room && k.goal.productive && k.names.count(limit) >= limit {
			return limit
		}
	}
	free := (o.max < 0 || o.max >= len(o.members)) && o.min <= required // members come or stay away as they like
	n := 1
	for i := range o.members {
		m := &o.members[i]
		if !m.goal.productive || m.required == nil && !room {
			continue
		}
		values := c.countOf(m.goal, limit, depth-1)
		switch {
		case !free:
			n = max(n, values)
			continue
		case m.required == nil:
			values++
		}
		if n *= values; n >= limit {
			return limit
		}
	}
	return min(limit, n)
}

// count returns the number of names of a class, at most limit.
func (k *nameClass) count(limit int) int {
	if k.dfa == nil {
		return limit
	}
	return k.dfa.Count(limit)
}
