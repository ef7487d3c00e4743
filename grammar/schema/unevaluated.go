package schema

import (
	"slices"

	"github.com/callama/callama/internal/ojson"
)

// scope marks where the facets of a schema with unevaluatedProperties or unevaluatedItems
// begin in a conjunct: those from there on tell what the schema evaluated.
type scope struct{ objects, arrays, contains int }

// looksAtAnnotations reports whether the schema at l has a keyword that depends on what
// other keywords evaluated.
func (l *location) looksAtAnnotations() bool {
	if !l.wide || l.dialect() != dialectModern {
		return false
	}
	return l.v.Get("unevaluatedProperties") != nil || l.v.Get("unevaluatedItems") != nil
}

// unevaluated applies unevaluatedProperties and unevaluatedItems at the end of the schema
// at l, whose own annotations are dropped if silent. An alternative names the branches
// that hold, so what they evaluate is known.
func (x *expansion) unevaluated(alts []*conjunct, l *location, silent bool) ([]*conjunct, *Error) {
	props, items := l.optional("unevaluatedProperties"), l.optional("unevaluatedItems")
	for _, j := range alts {
		r := j.ownRest()
		s := r.scopes[len(r.scopes)-1]
		r.scopes = r.scopes[:len(r.scopes)-1]
		if j.kinds&kindObject != 0 && l.v.Get("unevaluatedProperties") != nil {
			j.objects = j.mem.facets.Append(j.objects, heldFacet{objectFacet: restOfMembers(j.objects[s.objects:], props)})
		}
		if j.kinds&kindArray != 0 && l.v.Get("unevaluatedItems") != nil {
			a := j.ownArrays()
			a.arrays = append(a.arrays, restOfItems(l, j, s, items))
		}
		if silent {
			j.silence(s.objects, s.arrays, s.contains)
		}
	}
	return alts, nil
}

// restOfMembers returns the facet that sets t for every member that no facet evaluated.
func restOfMembers(facets []heldFacet, t term) *objectFacet {
	out := &objectFacet{additional: t}
	for i := range facets {
		f := &facets[i]
		if f.silent {
			continue
		}
		if f.additional.l != nil {
			return &objectFacet{} // everything is evaluated
		}
		for _, p := range f.props {
			out.props = append(out.props, property{name: p.name})
		}
		for _, p := range f.patterns {
			out.patterns = append(out.patterns, patternProperty{p: p.p, at: p.at})
		}
	}
	return out
}

// restOfItems returns the facet that sets t for every item that no facet evaluated. Since
// 2020-12 an item that contains found is evaluated, too.
func restOfItems(l *location, j *conjunct, s scope, t term) arrayFacet {
	n := 0
	for _, f := range j.arrays[s.arrays:] {
		if f.silent {
			continue
		}
		if f.items.l != nil {
			return arrayFacet{}
		}
		n = max(n, len(f.prefix))
	}
	ways := []term{t}
	for _, f := range j.contains[s.contains:] {
		if !f.silent && !l.draft2019() {
			ways = append(ways, f.t)
		}
	}
	if len(ways) > 1 {
		if slices.ContainsFunc(ways, term.free) {
			return arrayFacet{}
		}
		t = term{l: l.either(ways)}
	}
	return arrayFacet{prefix: make([]term, n), items: t}
}

// draft2019 reports whether the schema at l says that it is written in draft 2019-09.
func (l *location) draft2019() bool {
	for _, r := range [...]*location{l.resource, l.doc.root} {
		if s := r.v.Get("$schema"); s != nil && s.Kind == ojson.String {
			return s.Text == "https://json-schema.org/draft/2019-09/schema"
		}
	}
	return false
}

// branchSets applies anyOf where annotations matter: each set of branches that can hold
// together is an alternative of its own, as all that hold evaluate. Those that evaluate
// nothing need to hold alone only. No branch is denied: with fewer annotations an
// alternative only says less.
func (x *expansion) branchSets(alts []*conjunct, at place, branches []term) ([]*conjunct, *Error) {
	var sets []func([]*conjunct) ([]*conjunct, *Error)
	var telling []term
	for _, b := range branches {
		if b.annotates() {
			telling = append(telling, b)
			continue
		}
		sets = append(sets, func(alts []*conjunct) ([]*conjunct, *Error) { return x.apply(alts, b) })
	}
	if n := len(telling); n > maxBranchSets {
		return nil, at.fail(ErrLimit, "%w", &LimitError{Name: "branches of anyOf with unevaluated keywords", Limit: maxBranchSets, Got: n})
	}
	for set := 1; set < 1<<len(telling); set++ {
		sets = append(sets, func(alts []*conjunct) ([]*conjunct, *Error) {
			var err *Error
			for i, b := range telling {
				if set&(1<<i) != 0 && err == nil {
					alts, err = x.apply(alts, b)
				}
			}
			return alts, err
		})
	}
	return x.cases(alts, at, sets...)
}

// maxBranchSets bounds the branches of an anyOf whose sets are told apart: 1,023 sets.
const maxBranchSets = 10

// annotates reports whether a schema may evaluate members or items.
func (t term) annotates() bool {
	for _, m := range t.l.v.Members {
		switch m.Name {
		case "properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "items", "prefixItems",
			"contains", "unevaluatedItems", "$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "dependencies":
			return true
		}
	}
	return false
}
