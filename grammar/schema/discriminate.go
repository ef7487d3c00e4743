package schema

import (
	"fmt"

	"github.com/callama/callama/internal/ojson"
)

// To fail every one of n schemas in one of m ways each makes m^n cases. Where a member
// tells the schemas apart (they all demand it, with different values) a value is of one of
// them at most: it has none of their values there, which fails all, or that of one, which
// is the only one still to fail. That makes n*m cases.

// discriminator is a member that tells schemas apart.
type discriminator struct {
	name   string
	values [][]*ojson.Value // by schema; nil for those that it does not tell of
}

// discriminate fails those of some schemas that a member tells apart, and returns the
// negations that are left. Where there are not enough of them it does nothing.
func (x *expansion) discriminate(alts []*conjunct, terms []term) ([]*conjunct, []term, *Error) {
	if len(terms) < minSketched {
		return alts, terms, nil
	}
	schemas := make([]term, len(terms))
	for i, t := range terms {
		if !t.not || t.l == nil {
			return alts, terms, nil
		}
		schemas[i] = t.negated()
	}
	d := x.c.discriminatorOf(schemas)
	if d == nil {
		return alts, terms, nil
	}
	var rest []term
	var all []*ojson.Value
	var at place
	for i, t := range terms {
		if d.values[i] == nil {
			rest = append(rest, t)
			continue
		}
		all = append(all, d.values[i]...)
		at = place{t.l, "properties"}
	}
	var out []*conjunct
	for _, j := range alts {
		more, err := x.failOne(j, d, terms, all, at)
		if err != nil {
			return nil, nil, err
		}
		if out = append(out, more...); len(out) > len(alts) {
			if _, err := x.bounded(out, at); err != nil {
				return nil, nil, err
			}
		}
	}
	return live(out), rest, nil
}

// failOne fails the schemas that a member tells apart, for one conjunct.
func (x *expansion) failOne(j *conjunct, d *discriminator, terms []term, all []*ojson.Value, at place) ([]*conjunct, *Error) {
	if j.kinds == 0 {
		return j.alone(), nil
	}
	if j.hasEnum { // the listed values are tried one by one
		var err *Error
		alts := j.alone()
		for i, t := range terms {
			if d.values[i] != nil && err == nil {
				alts, err = x.apply(alts, t)
			}
		}
		return alts, err
	}
	way := func(k *conjunct, format string, args ...any) {
		k.pick(x.way(fmt.Sprintf("tells %d %q ", at.l.id, d.name) + fmt.Sprintf(format, args...)))
	}
	out := failing(j, ^kindObject, func(k *conjunct) { way(k, "kind") })
	if !j.requires(d.name) {
		out = append(out, failing(j, kindObject, func(k *conjunct) {
			k.lack(d.name, at)
			way(k, "lack")
		})...)
	}
	// with adds the conjunct whose member has one of some values, or none of them.
	with := func(values []*ojson.Value, not bool, then term, name string) *Error {
		t := term{listed(at.l, values), not}
		if x.excluded(j, d.name, t) {
			return nil
		}
		for _, k := range failing(j, kindObject, func(k *conjunct) {
			k.require(d.name, at)
			k.demand(d.name, t)
			way(k, "%s", name)
		}) {
			more, err := x.apply(k.alone(), then)
			if err != nil {
				return err
			}
			out = append(out, more...)
		}
		return nil
	}
	if err := with(all, true, term{}, "none"); err != nil {
		return nil, err
	}
	for i, t := range terms {
		if d.values[i] == nil {
			continue
		}
		if err := with(d.values[i], false, t, fmt.Sprint("is ", t.l.id)); err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		dead := j.clone()
		dead.restrict(0, func() *Error {
			return at.fail(ErrUnsatisfiable, "every value that is left is excluded, as it is valid under one of the schemas that %q tells apart", d.name)
		})
		out = append(out, dead)
	}
	return out, nil
}

// excluded reports whether a conjunct's member certainly cannot meet a term.
func (x *expansion) excluded(j *conjunct, name string, t term) bool {
	terms := []term{t}
	for i := range j.objects {
		var err error
		if terms, err = x.c.said(terms, j.objects[i].objectFacet, name); err != nil {
			return false
		}
	}
	if len(terms) == 1 {
		return false
	}
	empty, err := x.c.provablyEmpty(terms, 1)
	return empty && err == nil
}

// listed returns the location of a schema of some values.
func listed(l *location, values []*ojson.Value) *location {
	list := &ojson.Value{Kind: ojson.Array, Items: values}
	return l.synthetic("listed "+equalityKey(list), func() *ojson.Value { return object("enum", list) })
}

// discriminatorOf looks for a member that tells at least minSketched schemas apart.
func (c *Compiler) discriminatorOf(schemas []term) *discriminator {
	sketches := c.sketches(schemas)
	var best *discriminator
	most := minSketched - 1
	tried := make(map[string]bool)
	for _, list := range sketches {
		if len(list) == 0 {
			continue
		}
		for _, m := range list[0].members {
			name := m.name
			if m.values == nil || tried[name] {
				continue
			}
			tried[name] = true
			if d, n := discriminatorBy(name, sketches); n > most || n == most && best != nil && name < best.name {
				best, most = d, n
			}
		}
	}
	return best
}

// discriminatorBy returns what a member tells, and of how many schemas. A schema that shares
// a value with one before it is not told apart.
func discriminatorBy(name string, sketches [][]sketch) (*discriminator, int) {
	d := &discriminator{name: name, values: make([][]*ojson.Value, len(sketches))}
	n := 0
	taken := make(map[string]bool)
	for i, list := range sketches {
		values := make(map[string]*ojson.Value)
		var order []string
		ok := len(list) > 0
		for k := range list {
			m := list[k].member(name)
			if ok = ok && list[k].kinds == kindObject && m != nil && m.values != nil; !ok {
				break
			}
			for _, v := range m.listed {
				if key := equalityKey(v); m.values[key] {
					ok = ok && !taken[key] && v.Kind != ojson.Array && v.Kind != ojson.Object
					if values[key] == nil {
						values[key] = v
						order = append(order, key)
					}
				}
			}
		}
		if !ok || len(order) == 0 {
			continue
		}
		for _, key := range order {
			taken[key] = true
			d.values[i] = append(d.values[i], values[key])
		}
		n++
	}
	return d, n
}
