package schema

import (
	"slices"
	"strconv"
)

// shape holds the goals within the arrays and objects of a conjunct.
type shape struct {
	array  *arrayShape
	object *objectShape
}

// arrayShape are the goals of items: prefix by position, rest for all others.
type arrayShape struct {
	prefix []*goal
	rest   *goal
}

// objectShape are the goals of members: the declared ones in the schema's order, and
// additional for any other name (nil: none is allowed).
type objectShape struct {
	members    []memberShape
	additional *goal
}

type memberShape struct {
	name     string
	goal     *goal
	required bool
	at       place // of required
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
		for _, j := range g.alts {
			s := c.shape(g, j)
			g.shapes = append(g.shapes, s)
			if s.array != nil {
				queue = append(append(queue, s.array.rest), s.array.prefix...)
			}
			if s.object != nil {
				for _, m := range s.object.members {
					queue = append(queue, m.goal)
				}
				if s.object.additional != nil {
					queue = append(queue, s.object.additional)
				}
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

// shape makes the goals of items and members of a conjunct.
func (c *Compiler) shape(g *goal, j *conjunct) shape {
	var s shape
	if j.hasEnum {
		return s
	}
	if j.kinds&kindArray != 0 {
		s.array = &arrayShape{}
		longest := 0
		for _, f := range j.arrays {
			longest = max(longest, len(f.prefix))
		}
		if j.count.max >= 0 {
			longest = min(longest, j.count.max)
		}
		for i := range longest {
			s.array.prefix = append(s.array.prefix, c.goal(g.name+"-"+strconv.Itoa(i), j.itemLocations(i)))
		}
		var rest []*location
		for _, f := range j.arrays {
			rest = append(rest, f.items)
		}
		s.array.rest = c.goal(g.name+"-item", rest)
	}
	if j.kinds&kindObject != 0 {
		s.object = c.objectShape(g, j)
	}
	return s
}

func (c *Compiler) objectShape(g *goal, j *conjunct) *objectShape {
	s := &objectShape{}
	var additional []*location
	closed := false
	for i := range j.objects {
		f := &j.objects[i]
		closed = closed || f.declares
		if f.additional != nil {
			additional = append(additional, f.additional)
		}
	}
	if closed = closed && c.opts.ClosedObjects && len(additional) == 0; !closed {
		s.additional = c.goal(g.name+"-extra", additional)
	}
	index := make(map[string]int)
	add := func(name string) int {
		at, ok := index[name]
		if !ok {
			at = len(s.members)
			index[name] = at
			s.members = append(s.members, memberShape{name: name})
		}
		return at
	}
	for i := range j.objects {
		for _, p := range j.objects[i].props {
			add(p.name)
		}
	}
	for _, r := range j.required {
		m := &s.members[add(r.name)]
		m.required, m.at = true, r.at
	}
	// What each facet says about each name: its property, or else its additional schema.
	said := make([][]*location, len(s.members))
	named := make([]int, len(s.members)) // the latest facet that has the name, counted from 1
	for i := range j.objects {
		f := &j.objects[i]
		for _, p := range f.props {
			at := index[p.name]
			said[at] = append(said[at], p.l)
			named[at] = i + 1
		}
		for at := range said {
			if named[at] != i+1 && f.additional != nil {
				said[at] = append(said[at], f.additional)
			}
		}
	}
	for at := range s.members {
		m := &s.members[at]
		m.goal = c.goal(g.name+"-"+m.name, said[at])
	}
	return s
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
		if (s.array != nil && s.array.lacking(j) == nil) || (s.object != nil && s.object.lacking() == nil) {
			return true
		}
	}
	return false
}

// lacking returns a demanded item that cannot be satisfied, or nil.
func (a *arrayShape) lacking(j *conjunct) *goal {
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

// lacking returns a required member that cannot be satisfied, or nil.
func (o *objectShape) lacking() *memberShape {
	for i := range o.members {
		if o.members[i].required && !o.members[i].goal.productive {
			return &o.members[i]
		}
	}
	return nil
}

// explain returns the error of a goal that cannot be satisfied: the first cause found
// on the way down through what is demanded.
func (c *Compiler) explain(g *goal) error {
	seen := make(map[*goal]bool)
	var lastRequired *memberShape
	for !seen[g] {
		seen[g] = true
		var next *goal
		for i, j := range g.alts {
			if j.dead != nil {
				return j.dead
			}
			if s := g.shapes[i]; s.object != nil && s.object.lacking() != nil {
				lastRequired = s.object.lacking()
				next = lastRequired.goal
			} else if s.array != nil && next == nil {
				next = s.array.lacking(j)
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
	if len(g.locations) > 0 {
		return g.locations[0].fail(ErrUnsatisfiable, "", "the schema demands itself without an end")
	}
	return &Error{Code: ErrUnsatisfiable}
}
