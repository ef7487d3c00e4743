package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/callama/callama/internal/ojson"
)

// Where several schemas are to fail for the same value, as in oneOf, each may fail in one
// of several ways, and the ways multiply. Most of the products say the same as others with
// fewer conditions: they are found by the names of the ways and dropped.

// applyAll applies several negations to the same alternatives.
func (x *expansion) applyAll(alts []*conjunct, terms []term) ([]*conjunct, *Error) {
	if len(terms) > 1 {
		was := x.absorb
		x.absorb = true
		defer func() { x.absorb = was }()
	}
	for _, j := range alts {
		x.bases++
		j.base, j.picked, j.marks = x.bases, nil, 0
	}
	alts, terms, err := x.discriminate(alts, terms)
	if err != nil {
		return nil, err
	}
	for _, t := range terms {
		if alts, err = x.apply(alts, t); err != nil {
			return nil, err
		}
		if x.absorb {
			alts = x.prune(absorbed(alts))
		}
	}
	return alts, nil
}

// absorbed drops the alternatives that say the same as another of the same base, and more.
func absorbed(alts []*conjunct) []*conjunct {
	if len(alts) < 2 {
		return alts
	}
	for _, j := range alts {
		slices.Sort(j.picked)
		j.picked = slices.Compact(j.picked)
		j.marks = 0
		for _, w := range j.picked {
			j.marks |= 1 << (w % 64)
		}
	}
	byLength := slices.Clone(alts)
	slices.SortStableFunc(byLength, func(a, b *conjunct) int { return cmp.Compare(len(a.picked), len(b.picked)) })
	var kept []*conjunct
	for _, j := range byLength {
		if j.kinds == 0 || !slices.ContainsFunc(kept, func(k *conjunct) bool {
			return k.kinds != 0 && k.base == j.base && k.marks&^j.marks == 0 && subset(k.picked, j.picked)
		}) {
			kept = append(kept, j)
		}
	}
	return kept
}

// subset reports whether the sorted list a is contained in b.
func subset(a, b []int32) bool {
	for _, s := range a {
		for len(b) > 0 && b[0] < s {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != s {
			return false
		}
		b = b[1:]
	}
	return true
}

// key names a term.
func (t term) key() string { return strconv.Itoa(t.order()) }

// way numbers a way to fail by its name.
func (x *expansion) way(name string) int32 {
	n, ok := x.c.ways[name]
	if !ok {
		n = int32(len(x.c.ways))
		x.c.ways[name] = n
	}
	return n
}

// pick notes the failure of a keyword, the i-th way, where the way was not noted yet.
func (x *expansion) pick(j *conjunct, at place, v *ojson.Value, i int) {
	switch at.keyword {
	case "required", "$ref", "allOf", "anyOf": // noted part by part
		return
	case "type", "enum", "const", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minProperties",
		"maxProperties", "multipleOf":
		if i == 0 && !hasStructure(v) {
			j.pick(x.way(at.keyword + " " + equalityKey(v)))
			return
		}
	case "properties", "patternProperties", "additionalProperties":
		if j.failed { // noted with the name
			j.failed = false
			return
		}
	}
	j.pick(x.way(fmt.Sprintf("%s %d %d", at.keyword, at.l.id, i)))
}

// pick notes a way to fail.
func (j *conjunct) pick(way int32) { j.picked = j.mem.ways.Append(j.picked, way) }

// hasStructure reports whether a keyword's value holds arrays or objects as values.
func hasStructure(v *ojson.Value) bool {
	return v.Kind == ojson.Object || (v.Kind == ojson.Array && slices.ContainsFunc(v.Items, func(i *ojson.Value) bool {
		return i.Kind == ojson.Array || i.Kind == ojson.Object
	}))
}

// contentKey names a schema by what it says, so that equal ones at different places of one
// resource are the same.
func contentKey(l *location) string {
	if l.union != nil || l.made {
		return "#" + strconv.Itoa(l.id)
	}
	if l.content == "" {
		l.content = strconv.Itoa(l.resource.id) + equalityKey(l.v)
	}
	return l.content
}

// failureOf tells whether the value of a property can fail its schema, given what a
// conjunct says of it already, and whether it must.
func (x *expansion) failureOf(j *conjunct, p property) (can, must bool, fail *Error) {
	c := x.c
	before := len(c.saying)
	all := c.saying
	for i := range j.objects {
		var err error
		if all, err = c.said(all, j.objects[i].objectFacet, p.name); err != nil {
			return true, false, nil // reported when the names are settled
		}
	}
	all = append(all, p.t)
	c.saying = all
	defer func() { c.saying = c.saying[:before] }()
	terms := all[before:]
	if j.requires(p.name) {
		if empty, err := c.provablyEmpty(terms, failureDepth); err == nil && empty {
			return true, true, nil
		}
	}
	terms[len(terms)-1] = p.t.negated()
	empty, err := c.provablyEmpty(terms, failureDepth)
	return err != nil || !empty, false, nil
}

// failureDepth is how deep the proofs that a property cannot fail, or must, look.
const failureDepth = 2
