package schema

import (
	"slices"

	"github.com/callama/callama/internal/ojson"
)

// arrayFacet is what one schema says about array items: those of prefix by position, the
// rest by items.
type arrayFacet struct {
	prefix []term
	items  term
	silent bool // the schema's annotations are dropped, as within not
}

// containsFacet demands that at least min and at most max (no bound if negative) of the
// items from index from on meet a term.
type containsFacet struct {
	t        term
	from     int
	min, max int
	at       place
}

// heldContains is a facet of a conjunct, which others may share.
type heldContains struct {
	*containsFacet
	silent bool // see arrayFacet
}

// objectFacet is what one schema says about members: those of props by name, those whose
// names match patterns, and by additional all that are neither.
type objectFacet struct {
	props      []property
	patterns   []patternProperty
	additional term
	declares   bool // under ClosedObjects, nothing else is meant to be allowed
}

// heldFacet is a facet of a conjunct, which others may share.
type heldFacet struct {
	*objectFacet
	silent bool // the schema's annotations are dropped, as within not
}

// soleFacet is a facet of one property.
type soleFacet struct {
	objectFacet
	property [1]property
}

// tally demands a number of items.
func (j *conjunct) tally(f heldContains) {
	a := j.ownArrays()
	a.contains = j.mem.counted.Append(a.contains, f)
}

// demand says of the value of a member that it meets a term, for negations.
func (j *conjunct) demand(name string, t term) {
	f := j.mem.sole.One()
	f.property[0] = property{name, t}
	f.props = f.property[:]
	j.objects = j.mem.facets.Append(j.objects, heldFacet{&f.objectFacet, true})
}

type property struct {
	name string
	t    term
}

type patternProperty struct {
	p  *pattern
	at place
	t  term
}

// witness demands at least one member with such a name and value: a name that matches
// pattern, that is a declared property of neither kind of except, and that meets name.
type witness struct {
	pattern *pattern
	except  *objectFacet
	name    term
	value   term
	at      place
}

// require demands a member.
func (j *conjunct) require(name string, at place) {
	if slices.ContainsFunc(j.required, func(r requiredAt) bool { return r.name == name }) {
		return
	}
	j.required = j.mem.required.Append(j.required, requiredAt{name, at})
	if slices.Contains(j.absent, name) {
		j.restrict(^kindObject, func() *Error { return at.fail(ErrUnsatisfiable, "%q must be absent", name) })
	}
}

func (j *conjunct) requires(name string) bool {
	return slices.ContainsFunc(j.required, func(r requiredAt) bool { return r.name == name })
}

// lack demands that there is no such member.
func (j *conjunct) lack(name string, at place) {
	if slices.Contains(j.absent, name) {
		return
	}
	j.absent = j.mem.names.Append(j.absent, name)
	if j.requires(name) {
		j.restrict(^kindObject, func() *Error { return at.fail(ErrUnsatisfiable, "%q is required", name) })
	}
}

// said appends what a facet demands of the value of a member.
func (c *Compiler) said(out []term, f *objectFacet, name string) ([]term, error) {
	before := len(out)
	if len(f.patterns) == 0 {
		for i := range f.props {
			if f.props[i].name == name {
				return append(out, f.props[i].t), nil
			}
		}
		return append(out, f.additional), nil
	}
	for i := range f.props {
		if f.props[i].name == name {
			out = append(out, f.props[i].t)
		}
	}
	for i := range f.patterns {
		ok, err := c.matches(f.patterns[i].p, f.patterns[i].at, name)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, f.patterns[i].t)
		}
	}
	if len(out) == before {
		out = append(out, f.additional)
	}
	return out, nil
}

func (c *Compiler) matches(p *pattern, at place, s string) (bool, error) {
	d, err := p.automaton(c)
	if err != nil {
		return false, at.fail(ErrLimit, "%w", err)
	}
	return d.Match(s), nil
}

// meant reports whether a name is one that a witness asks for.
func (c *Compiler) meant(w *witness, name string) (bool, error) {
	if w.pattern != nil {
		if ok, err := c.matches(w.pattern, w.at, name); !ok || err != nil {
			return false, err
		}
	}
	if w.except != nil {
		for i := range w.except.props {
			if w.except.props[i].name == name {
				return false, nil
			}
		}
		for i := range w.except.patterns {
			if ok, err := c.matches(w.except.patterns[i].p, w.at, name); ok || err != nil {
				return false, err
			}
		}
	}
	return c.holds(w.name, text(name))
}

func (c *Compiler) admitsArray(j *conjunct, v *ojson.Value) (bool, error) {
	if n := len(v.Items); n < j.count.min || (j.count.max >= 0 && n > j.count.max) {
		return false, nil
	}
	for _, f := range j.arrays {
		for i, item := range v.Items {
			t := f.items
			if i < len(f.prefix) {
				t = f.prefix[i]
			}
			if ok, err := c.holds(t, item); !ok || err != nil {
				return false, err
			}
		}
	}
	for _, f := range j.contains {
		n := 0
		for i, item := range v.Items {
			if i < f.from {
				continue
			}
			ok, err := c.holds(f.t, item)
			if err != nil {
				return false, err
			}
			if ok {
				n++
			}
		}
		if n < f.min || (f.max >= 0 && n > f.max) {
			return false, nil
		}
	}
	return j.unique == nil || distinct(v.Items), nil
}

// distinct reports whether no two values are equal.
func distinct(values []*ojson.Value) bool {
	seen := make(map[string]bool, len(values))
	for _, v := range values {
		key := equalityKey(v)
		if seen[key] {
			return false
		}
		seen[key] = true
	}
	return true
}

func (c *Compiler) admitsObject(j *conjunct, v *ojson.Value) (bool, error) {
	if n := len(v.Members); n < j.members.min || (j.members.max >= 0 && n > j.members.max) {
		return false, nil
	}
	for _, r := range j.required {
		if v.Get(r.name) == nil {
			return false, nil
		}
	}
	for _, name := range j.absent {
		if v.Get(name) != nil {
			return false, nil
		}
	}
	for _, m := range v.Members {
		for i := range j.objects {
			terms, err := c.said(nil, j.objects[i].objectFacet, m.Name)
			if err != nil {
				return false, err
			}
			if ok, err := c.holdsAll(terms, m.Value); !ok || err != nil {
				return false, err
			}
		}
		if ok, err := c.holdsAll(j.names, text(m.Name)); !ok || err != nil {
			return false, err
		}
	}
	for i := range j.witnesses {
		if ok, err := c.witnessed(&j.witnesses[i], v); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// witnessed reports whether an object has a member that a witness asks for.
func (c *Compiler) witnessed(w *witness, v *ojson.Value) (bool, error) {
	for _, m := range v.Members {
		ok, err := c.meant(w, m.Name)
		if ok && err == nil {
			ok, err = c.holds(w.value, m.Value)
		}
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func (c *Compiler) holdsAll(terms []term, v *ojson.Value) (bool, error) {
	for _, t := range terms {
		if ok, err := c.holds(t, v); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// holds reports whether a value meets a term.
func (c *Compiler) holds(t term, v *ojson.Value) (bool, error) {
	if t.free() {
		return true, nil
	}
	g := c.goalOf(t)
	if err := c.expand(g); err != nil {
		return false, err
	}
	for _, j := range g.alts {
		if j.hasEnum && !slices.ContainsFunc(j.enum, func(e *ojson.Value) bool { return equal(e, v) }) {
			continue
		}
		ok, err := c.admits(j, v)
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		for _, b := range j.blocked {
			if b.kinds&kindOf(v) != 0 {
				if err := c.refused(b.err); err != nil {
					return false, err
				}
			}
		}
		return true, nil
	}
	return false, nil
}
