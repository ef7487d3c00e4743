package schema

import "slices"

// objectShape are the goals of members: the declared ones in the schema's order, and
// those of the classes of other names.
type objectShape struct {
	names   *partition // whose declared names are those of members
	members []memberShape
	others  []classShape
	// demanded are members under other names that must be there: one of each list.
	demanded [][]classShape
	min, max int // number of members; max is negative where there is no bound
}

type memberShape struct {
	goal     *goal
	required *requiredAt // nil where the member is optional
}

// classShape is the goal of members whose names are of a class.
type classShape struct {
	names *nameClass
	goal  *goal
}

func (o *objectShape) within(queue []*goal) []*goal {
	queue = slices.Grow(queue, len(o.members)+len(o.others))
	for i := range o.members {
		queue = append(queue, o.members[i].goal)
	}
	for _, k := range o.others {
		queue = append(queue, k.goal)
	}
	for _, list := range o.demanded {
		for _, k := range list {
			queue = append(queue, k.goal)
		}
	}
	return queue
}

// settleMembers removes objects where the constraints on their members contradict each
// other.
func (c *Compiler) settleMembers(j *conjunct) {
	if j.kinds&kindObject == 0 {
		return
	}
	if j.members.empty() {
		j.restrict(^kindObject, func() *Error { return j.members.maxAt.fail(ErrUnsatisfiable, "minProperties is greater") })
	}
	if n := len(j.required); j.members.max >= 0 && n > j.members.max {
		j.restrict(^kindObject, func() *Error { return j.members.maxAt.fail(ErrUnsatisfiable, "%d are required", n) })
	}
}

// Bounds of witnesses.
const (
	// maxWitnesses bounds the members that must be there in one object under names that
	// the schema leaves open. They come from negations, and any of them may be one and the
	// same member: n of them make as many cases as a set of n has partitions, 203 for 6.
	maxWitnesses = 6
)

// splits reports whether splitWitnesses has anything to do.
func (j *conjunct) splits() bool {
	return len(j.witnesses) > 0 && j.kinds&kindObject != 0 && !j.hasEnum
}

// splitWitnesses turns a conjunct with witnesses into alternatives that say which name
// each one has: a declared one, or any other. Witnesses under other names may be the same
// member or different ones.
func (c *Compiler) splitWitnesses(j *conjunct) ([]*conjunct, error) {
	if n := len(j.witnesses); n > maxWitnesses {
		return nil, j.witnesses[n-1].at.fail(ErrLimit, "%w", &LimitError{Name: "members demanded by negations", Limit: maxWitnesses, Got: n})
	}
	p, err := c.part(j)
	if err != nil {
		return nil, err
	}
	var out []*conjunct
	first := j.clone()
	first.kinds = kindObject
	alts := first.alone()
	for i := range j.witnesses {
		if alts, err = c.splitWitness(&j.witnesses[i], p, alts); err != nil {
			return nil, err
		}
	}
	if j.kinds != kindObject {
		rest := j.clone()
		rest.kinds &^= kindObject
		out = append(out, rest)
	}
	return append(out, alts...), nil
}

// splitWitness multiplies alternatives by the names that a witness may have. It stops at the limit, not behind it:
// what is multiplied may be a hundred times as much.
func (c *Compiler) splitWitness(w *witness, p *partition, alts []*conjunct) (out []*conjunct, err error) {
	add := func(d *conjunct) error {
		if out = append(out, d); len(out) > c.lim.Alternatives {
			return w.at.fail(ErrLimit, "%w", &LimitError{Name: "Alternatives", Limit: c.lim.Alternatives, Got: len(out)})
		}
		return nil
	}
	for _, name := range p.declared {
		ok, err := c.meant(w, name)
		if err != nil {
			return nil, err
		}
		for _, k := range alts {
			if !ok || slices.Contains(k.absent, name) {
				continue
			}
			d := k.clone()
			d.require(name, w.at)
			d.demand(name, w.value)
			if err := add(d); err != nil {
				return nil, err
			}
		}
	}
	for _, k := range alts {
		for b := range k.others {
			d := k.clone()
			d.others[b] = append(slices.Clip(d.others[b]), *w)
			if err := add(d); err != nil {
				return nil, err
			}
		}
		d := k.clone()
		d.others = append(d.others, []witness{*w})
		if err := add(d); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *Compiler) objectShape(g *goal, j *conjunct) (*objectShape, error) {
	p, err := c.part(j)
	if err != nil {
		return nil, err
	}
	s := c.mem.objects.One()
	s.min, s.max = j.members.min, j.members.max
	said, err := c.saidOfDeclared(j, p)
	if err != nil {
		return nil, err
	}
	s.names, s.members = p, c.mem.members.Take(len(p.declared))
	for i, name := range p.declared {
		s.members[i].goal = c.goal(g, name, said[i])
	}
	for i := range j.required {
		r := &j.required[i]
		s.members[p.at(r.name)].required = r
	}
	closed := false
	for i := range j.objects {
		closed = closed || j.objects[i].declares
	}
	closed = closed && c.opts.ClosedObjects
	s.others = c.mem.classes.Take(len(p.classes))[:0]
	terms := c.ofClass
	defer func() { c.ofClass = terms }()
	for i := range p.classes {
		k := &p.classes[i]
		terms = terms[:0]
		for f := range j.objects {
			terms = j.objects[f].saidOfClass(terms, k)
		}
		if closed && !slices.ContainsFunc(terms, func(t term) bool { return t.l != nil }) {
			continue
		}
		s.others = append(s.others, classShape{k, c.goal(g, "extra", terms)})
		for b, list := range j.others {
			if b == len(s.demanded) {
				s.demanded = append(s.demanded, nil)
			}
			all, values := true, slices.Clone(terms)
			for i := range list {
				ok, err := c.meantByClass(&list[i], k)
				if err != nil {
					return nil, err
				}
				all = all && ok
				values = append(values, list[i].value)
			}
			if all {
				s.demanded[b] = append(s.demanded[b], classShape{k, c.goal(g, "some", values)})
			}
		}
	}
	for len(s.demanded) < len(j.others) { // no class is left
		s.demanded = append(s.demanded, nil)
	}
	return s, nil
}

// saidOfDeclared returns what is demanded of the value of each declared member.
func (c *Compiler) saidOfDeclared(j *conjunct, p *partition) ([][]term, error) {
	out := c.mem.lists.Take(len(p.declared))
	const most = 2 // things said of a name that are expected
	room := min(len(j.objects), most)
	terms := c.mem.terms.Take(room * len(out))
	for at := range out {
		out[at] = terms[at*room : at*room : at*room+room]
	}
	named := make([]int32, len(p.declared)) // the latest facet that has the name, counted from 1
	for i := range j.objects {
		f := j.objects[i].objectFacet
		if len(f.patterns) > 0 {
			for at, name := range p.declared {
				var err error
				if out[at], err = c.said(out[at], f, name); err != nil {
					return nil, err
				}
			}
			continue
		}
		for n, prop := range f.props {
			at := n // most are declared in this order
			if n >= len(p.declared) || p.declared[n] != prop.name {
				at = p.at(prop.name)
			}
			out[at] = append(out[at], prop.t)
			named[at] = int32(i + 1)
		}
		if f.additional.l == nil {
			continue
		}
		for at := range out {
			if named[at] != int32(i+1) {
				out[at] = append(out[at], f.additional)
			}
		}
	}
	for _, name := range j.absent {
		at := p.at(name)
		out[at] = append(out[at], c.never())
	}
	for at, name := range p.declared {
		if ok, err := c.holdsAll(j.names, text(name)); err != nil {
			return nil, err
		} else if !ok {
			out[at] = append(out[at], term{l: j.names[0].l.synthetic("never", never)})
		}
	}
	return out, nil
}

// lackingMember returns a required member that cannot be satisfied, or nil.
func (o *objectShape) lackingMember() *memberShape {
	for i := range o.members {
		if o.members[i].required != nil && !o.members[i].goal.productive {
			return &o.members[i]
		}
	}
	return nil
}

// satisfiable reports whether there is such an object.
func (o *objectShape) satisfiable() bool {
	if o.lackingMember() != nil {
		return false
	}
	least, most := len(o.demanded), 0
	for i := range o.members {
		if o.members[i].required != nil {
			least++
		}
		if o.members[i].goal.productive {
			most++
		}
	}
	anyClass := func(list []classShape) bool {
		return slices.ContainsFunc(list, func(k classShape) bool { return k.goal.productive })
	}
	for _, list := range o.demanded {
		if !anyClass(list) {
			return false
		}
	}
	if o.max >= 0 && least > o.max {
		return false
	}
	for _, k := range o.others {
		if most < o.min && k.goal.productive {
			most += k.names.count(o.min - most)
		}
	}
	return most >= o.min
}
