package schema

import "slices"

// shape holds the goals within the arrays and objects of a conjunct.
type shape struct {
	array  *arrayShape
	object *objectShape
}

// explore works out everything that can be reached from a goal, and which of it can be
// satisfied: the least fixed point, so that a recursion without an end is not.
func (c *Compiler) explore(root *goal) error {
	var found []*goal
	queue := []*goal{root}
	for len(queue) > 0 {
		g := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if g.state >= goalExplored {
			continue
		}
		if err := c.finished(g); err != nil {
			return err
		}
		g.state = goalExplored
		found = append(found, g)
		g.shapes = c.mem.shapes.Take(len(g.alts))[:0]
		for i, j := range g.alts {
			s, err := c.shape(g, j)
			if err != nil {
				return err
			}
			g.shapes = append(g.shapes, s)
			if len(g.terms) > 1 {
				g.alts[i] = c.slim(j)
			}
			if s.array != nil {
				queue = s.array.within(queue)
			}
			if s.object != nil {
				queue = s.object.within(queue)
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, g := range slices.Backward(found) {
			if !g.productive && g.satisfiable() {
				g.productive, changed = true, true
			}
		}
	}
	return nil
}

// slim drops what a conjunct says of members once its shape is known. Only goals of one term are asked for it again, and
// negations make alternatives by the thousand, most of them of objects and alike but for members.
func (c *Compiler) slim(j *conjunct) *conjunct {
	if j.kinds == kindObject && !j.hasEnum && j.members.min == 0 {
		if c.anObject == nil {
			c.anObject = c.mem.newConjunct()
			c.anObject.kinds = kindObject
		}
		return c.anObject
	}
	j.required, j.absent, j.objects, j.witnesses, j.others, j.partition, j.picked = nil, nil, nil, nil, nil, nil, nil
	return j
}

// shape makes the goals of items and members of a conjunct.
func (c *Compiler) shape(g *goal, j *conjunct) (s shape, err error) {
	if j.hasEnum {
		return s, nil
	}
	if j.kinds&kindArray != 0 {
		if s.array, err = c.arrayShape(g, j); err != nil {
			return s, err
		}
	}
	if j.kinds&kindObject != 0 {
		s.object, err = c.objectShape(g, j)
	}
	return s, err
}

// satisfiable reports whether some value satisfies a goal, given which goals within it
// are known to be productive.
func (g *goal) satisfiable() bool {
	for i, j := range g.alts {
		if j.kinds == 0 {
			continue
		}
		if j.hasEnum || j.kinds&^(kindArray|kindObject) != 0 {
			return true
		}
		s := &g.shapes[i]
		if (s.array != nil && s.array.satisfiable(j)) || (s.object != nil && s.object.satisfiable()) {
			return true
		}
	}
	return false
}

// explain returns the error of a goal that cannot be satisfied: the first cause found
// on the way down through what is demanded.
func (c *Compiler) explain(g *goal) error {
	seen := make(map[*goal]bool)
	var lastRequired *requiredAt
	var items *location // of the last array on the way
	for !seen[g] {
		seen[g] = true
		var next *goal
		for i, j := range g.alts {
			if j.dead != nil {
				return j.dead()
			}
			s := g.shapes[i]
			if s.object != nil {
				if m := s.object.lackingMember(); m != nil {
					lastRequired, next = m.required, m.goal
					continue
				}
			}
			if s.array != nil && next == nil {
				if next = s.array.lackingItem(j); next != nil {
					items = j.itemsAt(next)
				}
			}
		}
		if next == nil {
			break
		}
		g = next
	}
	if lastRequired != nil {
		return lastRequired.at.fail(ErrUnsatisfiable, "%q demands itself without an end", lastRequired.name)
	}
	for _, j := range g.alts {
		if j.kinds&kindObject != 0 && !j.members.empty() && j.members.min > 0 {
			return j.members.minAt.fail(ErrUnsatisfiable, "there are not that many members")
		}
	}
	if items == nil && len(g.terms) > 0 {
		items = g.terms[0].l
	}
	if items != nil {
		return items.fail(ErrUnsatisfiable, "", "nothing can be made of what the schema demands of items and members")
	}
	return &Error{Code: ErrUnsatisfiable}
}

// itemsAt returns a schema of the items that are of a goal, or nil.
func (j *conjunct) itemsAt(g *goal) *location {
	for i := range j.arrays {
		f := &j.arrays[i]
		for _, t := range append(slices.Clip(f.prefix), f.items) {
			if l := t.l; l != nil && !t.not && slices.ContainsFunc(g.terms, func(of term) bool { return of.l == l || of.l == l.referred() }) {
				return l
			}
		}
	}
	return nil
}
