package schema

import "strconv"

// arrayShape are the goals of items: prefix by position, rest for all others.
type arrayShape struct {
	prefix []*goal
	rest   *goal
	chain  *chain     // where items are counted by what they meet
	values *valueSets // where items are distinct and can be listed
	// distinct: the items must differ, which the engine has to see to.
	distinct bool
}

func (a *arrayShape) within(queue []*goal) []*goal {
	queue = append(append(queue, a.rest), a.prefix...)
	if a.chain != nil {
		queue = append(queue, a.chain.goals...)
	}
	return queue
}

func (c *Compiler) arrayShape(g *goal, j *conjunct) (*arrayShape, error) {
	a := &arrayShape{}
	longest := 0
	for _, f := range j.arrays {
		longest = max(longest, len(f.prefix))
	}
	if j.count.max >= 0 {
		longest = min(longest, j.count.max)
	}
	for i := range longest {
		a.prefix = append(a.prefix, c.goal(g, strconv.Itoa(i), j.itemTerms(i)))
	}
	var rest []term
	for _, f := range j.arrays {
		rest = append(rest, f.items)
	}
	a.rest = c.goal(g, "item", rest)
	var err error
	if j.unique != nil {
		if a.values, a.distinct, err = c.distinctValues(j, a); err != nil {
			return nil, err
		}
	}
	if a.values == nil && len(j.contains) > 0 {
		a.chain, err = c.chain(g, j, a)
	}
	return a, err
}

// satisfiable reports whether there is such an array.
func (a *arrayShape) satisfiable(j *conjunct) bool {
	switch {
	case a.values != nil:
		return a.values.some()
	case a.chain != nil:
		return a.chain.satisfiable()
	}
	return a.lackingItem(j) == nil
}

// lackingItem returns a demanded item that cannot be satisfied, or nil.
func (a *arrayShape) lackingItem(j *conjunct) *goal {
	for i := range min(j.count.min, len(a.prefix)) {
		if !a.prefix[i].productive {
			return a.prefix[i]
		}
	}
	if j.count.min > len(a.prefix) && !a.rest.productive {
		return a.rest
	}
	return nil
}
