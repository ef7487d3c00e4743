package schema

import (
	"errors"
	"slices"
	"strconv"

	"github.com/callama/callama/internal/ojson"
)

// expansion applies schemas to alternatives. It holds no state but where it is.
type expansion struct {
	c      *Compiler
	active []term // the chain of terms being applied in place, whose repetition would never end
	silent int    // within so many negations: annotations are dropped
	scopes int    // within so many schemas that look at annotations
	absorb bool   // several schemas are refuted for the same alternatives
	bases  int    // numbers given to conjunct.base
}

// enter notes that a term is being applied; leave must follow.
func (x *expansion) enter(t term) *Error {
	if slices.Contains(x.active, t) {
		return t.l.fail(ErrReference, "", "the schema refers to itself for the same value")
	}
	if len(x.active) >= x.c.lim.Depth {
		return t.l.fail(ErrLimit, "", "%w", &LimitError{Name: "Depth", Limit: x.c.lim.Depth, Got: len(x.active) + 1})
	}
	x.active = append(x.active, t)
	return nil
}

func (x *expansion) leave() { x.active = x.active[:len(x.active)-1] }

// apply adds everything that a term demands to each alternative; the result may hold more
// alternatives, for anyOf. Alternatives that died are kept while they are the only ones,
// for the cause they know. The alternatives given may be changed.
func (x *expansion) apply(alts []*conjunct, t term) ([]*conjunct, *Error) {
	l := t.l
	switch {
	case t.not:
		return x.refute(alts, l)
	case t.free():
		return alts, nil
	case l.union != nil:
		return x.branch(alts, place{l, ""}, l.union)
	case l.v.Kind == ojson.Bool: // false
		for _, j := range alts {
			j.restrict(0, func() *Error { return l.fail(ErrUnsatisfiable, "", "the schema is false") })
		}
		return alts, nil
	case l.v.Kind != ojson.Object:
		return nil, l.fail(ErrInvalid, "", "a schema is an object or a boolean, not %s", l.v.Kind)
	}
	if err := x.enter(t); err != nil {
		return nil, err
	}
	defer x.leave()
	if l.ref != nil && l.dialect() != dialectModern {
		return x.reference(alts, l, "$ref", l.ref) // before 2019-09, keywords beside $ref have no effect
	}
	scoped, silent := l.looksAtAnnotations(), x.silent
	if scoped { // within, annotations matter even where they are dropped in the end
		x.scopes++
		x.silent = 0
		defer func() { x.scopes--; x.silent = silent }()
		for _, j := range alts {
			r := j.ownRest()
			r.scopes = append(r.scopes, scope{len(j.objects), len(j.arrays), len(j.contains)})
		}
	}
	for _, m := range l.v.Members {
		apply, _ := keywordOf(m.Name)
		if apply == nil {
			continue
		}
		for _, j := range alts {
			objects, arrays, contains := len(j.objects), len(j.arrays), len(j.contains)
			if err := apply(x.c, j, place{l, m.Name}, m.Value); err != nil {
				return nil, err
			}
			if x.silent > 0 {
				j.silence(objects, arrays, contains)
			}
		}
	}
	if !l.wide {
		return alts, nil
	}
	var err *Error
	for _, m := range l.v.Members {
		if alts, err = x.applicator(alts, place{l, m.Name}, m.Value); err != nil {
			return nil, err
		}
	}
	if scoped {
		return x.unevaluated(alts, l, silent > 0)
	}
	return alts, nil
}

// silence marks what was added to a conjunct since as giving no annotations.
func (j *conjunct) silence(objects, arrays, contains int) {
	for i := objects; i < len(j.objects); i++ {
		j.objects[i].silent = true
	}
	for i := arrays; i < len(j.arrays); i++ {
		j.arrays[i].silent = true
	}
	for i := contains; i < len(j.contains); i++ {
		j.contains[i].silent = true
	}
}

// applicator applies one keyword whose value holds schemas for the same value.
func (x *expansion) applicator(alts []*conjunct, at place, v *ojson.Value) ([]*conjunct, *Error) {
	l := at.l
	switch at.keyword {
	case "$ref", "$dynamicRef", "$recursiveRef":
		if at.keyword != "$ref" && l.dialect() != dialectModern {
			return alts, nil
		}
		return x.reference(alts, l, at.keyword, v)
	case "allOf":
		branches, err := at.branches(v)
		for i := 0; err == nil && i < len(branches); i++ {
			alts, err = x.apply(alts, branches[i])
		}
		return alts, err
	case "anyOf":
		branches, err := at.branches(v)
		if err != nil {
			return nil, err
		}
		if x.scopes > 0 && x.silent == 0 {
			return x.branchSets(alts, at, branches)
		}
		return x.branch(alts, at, branches)
	case "oneOf":
		branches, err := at.branches(v)
		if err != nil {
			return nil, err
		}
		return x.exactlyOne(alts, at, branches)
	case "not":
		return x.refute(alts, l.at(v, "not"))
	case "if":
		return x.condition(alts, at, v)
	case "dependentRequired", "dependentSchemas", "dependencies":
		return x.dependencies(alts, at, v)
	}
	return alts, nil
}

// branches returns the schemas of a keyword that holds a list of them.
func (p place) branches(v *ojson.Value) ([]term, *Error) {
	if v.Kind != ojson.Array || len(v.Items) == 0 {
		return nil, p.fail(ErrInvalid, "must be a list of schemas that is not empty")
	}
	out := make([]term, len(v.Items))
	for i, item := range v.Items {
		out[i] = term{l: p.l.at(item, p.keyword, strconv.Itoa(i))}
	}
	return out, nil
}

func (x *expansion) reference(alts []*conjunct, l *location, keyword string, ref *ojson.Value) ([]*conjunct, *Error) {
	target, err := l.target(keyword, ref)
	if err != nil {
		return nil, err
	}
	return x.apply(alts, term{l: target})
}

// clones returns copies of alternatives that are still alive.
func clones(alts []*conjunct) []*conjunct {
	out := make([]*conjunct, 0, len(alts))
	for _, j := range alts {
		if j.kinds != 0 {
			out = append(out, j.clone())
		}
	}
	return out
}

// live returns the alternatives that did not die; all of them if none is left.
func live(alts []*conjunct) []*conjunct {
	dead := 0
	for _, j := range alts {
		if j.kinds == 0 {
			dead++
		}
	}
	if dead == 0 || dead == len(alts) {
		return alts
	}
	return slices.DeleteFunc(slices.Clone(alts), func(j *conjunct) bool { return j.kinds == 0 })
}

// bounded checks the number of alternatives.
func (x *expansion) bounded(alts []*conjunct, at place) ([]*conjunct, *Error) {
	limit := x.c.lim.Alternatives
	if x.c.proving > 0 {
		limit = min(limit, maxProvedAlternatives)
	}
	if len(alts) > limit {
		return nil, at.fail(ErrLimit, "%w", &LimitError{Name: "Alternatives", Limit: limit, Got: len(alts)})
	}
	return alts, nil
}

// cases unites what different additions make of the same alternatives.
func (x *expansion) cases(alts []*conjunct, at place, additions ...func([]*conjunct) ([]*conjunct, *Error)) ([]*conjunct, *Error) {
	if !slices.ContainsFunc(alts, func(j *conjunct) bool { return j.kinds != 0 }) && len(alts) > 0 {
		return alts, nil // all dead
	}
	var out []*conjunct
	for _, add := range additions {
		more, err := add(clones(alts))
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
		if _, err := x.bounded(out, at); err != nil {
			return nil, err
		}
	}
	return x.prune(live(out)), nil
}

// prune drops alternatives that demand a member that cannot be, where there are many.
func (x *expansion) prune(alts []*conjunct) []*conjunct {
	if len(alts) < minPruned || x.c.proving > 0 {
		return alts
	}
	out := slices.DeleteFunc(slices.Clone(alts), func(j *conjunct) bool {
		empty, err := x.c.emptyWithin(j, failureDepth)
		return empty && err == nil
	})
	if len(out) == 0 {
		return alts[:1] // for what is wrong with it
	}
	return out
}

// minPruned is the number of alternatives from which looking for empty ones pays.
const minPruned = 12

// branch multiplies the alternatives by the branches.
func (x *expansion) branch(alts []*conjunct, at place, branches []term) ([]*conjunct, *Error) {
	additions := make([]func([]*conjunct) ([]*conjunct, *Error), len(branches))
	for i, b := range branches {
		additions[i] = func(alts []*conjunct) ([]*conjunct, *Error) { return x.apply(alts, b) }
	}
	return x.cases(alts, at, additions...)
}

// exactlyOne applies oneOf: each branch without the others. The others need no mention
// where no value can be valid under both, which is proved by looking a few levels into
// the conjunction.
func (x *expansion) exactlyOne(alts []*conjunct, at place, branches []term) ([]*conjunct, *Error) {
	if len(branches) > maxOneOf {
		return nil, at.fail(ErrLimit, "%w", &LimitError{Name: "branches of oneOf", Limit: maxOneOf, Got: len(branches)})
	}
	overlaps := make([][]int, len(branches))
	var sketches [][]sketch
	if len(branches) >= minSketched {
		sketches = x.c.sketches(branches)
	}
	for i := range branches {
		for k := range i {
			if sketches != nil && apart(sketches[i], sketches[k]) {
				continue
			}
			empty, err := x.c.provablyEmpty([]term{branches[i], branches[k]}, disjointDepth)
			var e *Error
			if errors.As(err, &e) && (e.Code == ErrInvalid || e.Code == ErrReference) {
				return nil, e
			}
			if err != nil || !empty {
				overlaps[i], overlaps[k] = append(overlaps[i], k), append(overlaps[k], i)
			}
		}
	}
	additions := make([]func([]*conjunct) ([]*conjunct, *Error), len(branches))
	for i, b := range branches {
		additions[i] = func(alts []*conjunct) ([]*conjunct, *Error) {
			alts, err := x.apply(alts, b)
			if err != nil || len(overlaps[i]) == 0 {
				return alts, err
			}
			others := make([]term, len(overlaps[i]))
			for n, k := range overlaps[i] {
				others[n] = branches[k].negated()
			}
			return x.applyAll(alts, others)
		}
	}
	return x.cases(alts, at, additions...)
}

// maxOneOf bounds the branches of oneOf, which are compared pair by pair.
const maxOneOf = 256

// condition applies if, then and else: if and then, or not if and else.
func (x *expansion) condition(alts []*conjunct, at place, v *ojson.Value) ([]*conjunct, *Error) {
	l := at.l
	if l.dialect() == dialectDraft4 {
		return alts, nil
	}
	test := l.at(v, "if")
	then, otherwise := l.optional("then"), l.optional("else")
	if then.free() && otherwise.free() && (x.scopes == 0 || x.silent > 0) {
		return alts, nil
	}
	return x.cases(alts, at,
		func(alts []*conjunct) ([]*conjunct, *Error) {
			alts, err := x.apply(alts, term{l: test})
			if err != nil {
				return nil, err
			}
			return x.apply(alts, then)
		},
		func(alts []*conjunct) ([]*conjunct, *Error) {
			alts, err := x.refute(alts, test)
			if err != nil {
				return nil, err
			}
			return x.apply(alts, otherwise)
		})
}

// optional returns the demand of a keyword whose value is a schema, if it is there.
func (l *location) optional(keyword string) term {
	if v := l.v.Get(keyword); v != nil {
		return term{l: l.at(v, keyword)}
	}
	return term{}
}

// dependency is what one name in dependentRequired, dependentSchemas or dependencies
// brings about: more names, or a schema.
type dependency struct {
	name   string
	names  []string
	schema term
}

func (p place) dependencyList(v *ojson.Value) ([]dependency, *Error) {
	if v.Kind != ojson.Object {
		return nil, p.fail(ErrInvalid, "must be an object, not %s", v.Kind)
	}
	var out []dependency
	for _, m := range v.Members {
		d := dependency{name: m.Name}
		switch {
		case p.keyword != "dependentSchemas" && m.Value.Kind == ojson.Array:
			for _, n := range m.Value.Items {
				if n.Kind != ojson.String {
					return nil, p.fail(ErrInvalid, "must list names, and holds %s", n.Kind)
				}
				d.names = append(d.names, n.Text)
			}
		case p.keyword == "dependencies" && m.Value.Kind == ojson.String: // draft 3
			d.names = []string{m.Value.Text}
		case p.keyword == "dependentRequired":
			return nil, p.fail(ErrInvalid, "must list names, not %s", m.Value.Kind)
		default:
			d.schema = term{l: p.l.at(m.Value, p.keyword, m.Name)}
		}
		if len(d.names) > 0 || !d.schema.free() {
			out = append(out, d)
		}
	}
	return out, nil
}

// dependencies applies: without the name, or with it and what it brings about.
func (x *expansion) dependencies(alts []*conjunct, at place, v *ojson.Value) ([]*conjunct, *Error) {
	list, err := at.dependencyList(v)
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		var out []*conjunct
		for _, j := range alts {
			if j.kinds&kindObject == 0 || slices.Contains(j.absent, d.name) {
				out = append(out, j)
				continue
			}
			if !j.requires(d.name) {
				without := j.clone()
				without.lack(d.name, at)
				out = append(out, without)
				j.restrict(kindObject, nil)
			} else if j.kinds != kindObject {
				other := j.clone()
				other.restrict(^kindObject, nil)
				out = append(out, other)
				j.restrict(kindObject, nil)
			}
			j.require(d.name, at)
			for _, n := range d.names {
				j.require(n, at)
			}
			with, err := x.apply(j.alone(), d.schema)
			if err != nil {
				return nil, err
			}
			out = append(out, with...)
		}
		if alts, err = x.bounded(live(out), at); err != nil {
			return nil, err
		}
	}
	return alts, nil
}
