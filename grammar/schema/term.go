package schema

import (
	"slices"
	"strconv"

	"github.com/callama/callama/internal/ojson"
)

// term is a demand on a value: to be valid at a location, or with not set, to be invalid
// there. The zero term demands nothing.
type term struct {
	l   *location
	not bool
}

// free reports whether every value meets the term.
func (t term) free() bool { return t.l == nil || (t.l.free && !t.not) }

func (t term) negated() term { return term{t.l, !t.not} }

// order places terms by their location, the positive one first.
func (t term) order() int {
	n := 2 * t.l.id
	if t.not {
		n++
	}
	return n
}

// termSet is a set of terms in a fixed order, and a text that stands for it.
type termSet struct {
	terms []term
	key   []byte
}

// of makes s the set of the terms that demand something.
func (s *termSet) of(terms []term) {
	s.terms, s.key = s.terms[:0], s.key[:0]
	for _, t := range terms {
		if !t.free() {
			s.terms = append(s.terms, t)
		}
	}
	slices.SortFunc(s.terms, func(a, b term) int { return a.order() - b.order() })
	s.terms = slices.Compact(s.terms)
	for _, t := range s.terms {
		s.key = strconv.AppendInt(s.key, int64(t.order()), 36)
		s.key = append(s.key, ' ')
	}
}

// termsKey returns the terms that demand something, each once, in a fixed order, and a
// text that stands for the set.
func termsKey(terms []term) ([]term, string) {
	var s termSet
	s.of(terms)
	return s.terms, string(s.key)
}

// synthetic returns the location of a schema that is not written in the document but
// means a keyword of l or a part of its value; key tells such schemas of l apart.
func (l *location) synthetic(key string, build func() *ojson.Value) *location {
	full := strconv.Itoa(l.id) + " " + key
	s, ok := l.doc.made[full]
	if !ok {
		s = l.doc.place(build())
		s.parent, s.made, s.resource = l, true, l.resource
		if l.doc.made == nil {
			l.doc.made = make(map[string]*location)
		}
		l.doc.made[full] = s
	}
	return s
}

// object returns an object of one member.
func object(name string, v *ojson.Value) *ojson.Value {
	return &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{{Name: name, Value: v}}}
}

// either returns the location at which a value is valid if it meets one of the terms.
func (l *location) either(terms []term) *location {
	_, key := termsKey(terms)
	s := l.synthetic("either "+key, func() *ojson.Value { return &ojson.Value{Kind: ojson.Object} })
	s.union, s.free = terms, false
	return s
}

// structure returns a schema whose only instance is a given array or object.
func structure(v *ojson.Value) *ojson.Value {
	list := func(items []*ojson.Value) *ojson.Value { return &ojson.Value{Kind: ojson.Array, Items: items} }
	no := &ojson.Value{Kind: ojson.Bool}
	var items, names []*ojson.Value
	var members []ojson.Member
	if v.Kind == ojson.Array {
		for _, item := range v.Items {
			items = append(items, object("const", item))
		}
		return &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
			{Name: "type", Value: text("array")}, {Name: "prefixItems", Value: list(items)}, {Name: "items", Value: no},
			{Name: "minItems", Value: &ojson.Value{Kind: ojson.Number, Text: strconv.Itoa(len(items))}}}}
	}
	for _, m := range v.Members {
		names = append(names, text(m.Name))
		members = append(members, ojson.Member{Name: m.Name, Value: object("const", m.Value)})
	}
	return &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
		{Name: "type", Value: text("object")}, {Name: "properties", Value: &ojson.Value{Kind: ojson.Object, Members: members}},
		{Name: "required", Value: list(names)}, {Name: "additionalProperties", Value: no}}}
}
