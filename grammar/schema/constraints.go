package schema

import (
	"slices"
	"strconv"

	"github.com/callama/callama/internal/ojson"
)

// Constraint is a keyword of a schema document that constrains values.
type Constraint struct {
	Schema  string // JSON Pointer of the schema that has it
	Keyword string
	Value   *ojson.Value
	// Applies means that the keyword refuses nothing itself but applies other schemas.
	Applies bool

	path []string // Schema in reference tokens
}

// Pointer returns the JSON Pointer of the keyword.
func (c Constraint) Pointer() string { return ojson.AppendPointer(c.Schema, c.Keyword) }

// Constraints lists the keywords of a document that constrain values, where schemas are
// expected, from the outside to the inside. doc may be nil.
func Constraints(doc *ojson.Value) []Constraint {
	var list []Constraint
	eachSchema(doc, "", nil, func(pointer string, path []string, s *ojson.Value) {
		for _, m := range s.Members {
			if _, known := keywordOf(m.Name); known {
				list = append(list, Constraint{Schema: pointer, Keyword: m.Name, Value: m.Value, path: path,
					Applies: applies(m.Name) && m.Value.Kind != ojson.Bool})
			}
		}
	})
	return list
}

func applies(keyword string) bool {
	switch keyword {
	case "$ref", "$dynamicRef", "$recursiveRef", "dependencies", "contains":
		return true
	}
	return slices.Contains(schemaKeywords, keyword) || slices.Contains(listKeywords, keyword) || slices.Contains(mapKeywords, keyword)
}

// eachSchema visits a schema and those within it.
func eachSchema(s *ojson.Value, pointer string, path []string, visit func(string, []string, *ojson.Value)) {
	if s == nil || s.Kind != ojson.Object {
		return
	}
	visit(pointer, path, s)
	within := func(v *ojson.Value, tokens ...string) {
		at := pointer
		for _, t := range tokens {
			at = ojson.AppendPointer(at, t)
		}
		eachSchema(v, at, append(slices.Clip(path), tokens...), visit)
	}
	for _, m := range s.Members {
		switch {
		case slices.Contains(listKeywords, m.Name) && m.Value.Kind == ojson.Array:
			for i, v := range m.Value.Items {
				within(v, m.Name, strconv.Itoa(i))
			}
		case slices.Contains(schemaKeywords, m.Name):
			within(m.Value, m.Name)
		case slices.Contains(mapKeywords, m.Name) && m.Value.Kind == ojson.Object:
			for _, v := range m.Value.Members {
				within(v.Value, m.Name, v.Name)
			}
		}
	}
}

// Without returns a copy of the document without one of its Constraints.
func Without(doc *ojson.Value, c Constraint) *ojson.Value { return without(doc, c.path, c.Keyword) }

func without(v *ojson.Value, path []string, keyword string) *ojson.Value {
	out := *v
	if len(path) == 0 {
		out.Members = slices.DeleteFunc(slices.Clone(v.Members), func(m ojson.Member) bool { return m.Name == keyword })
		return &out
	}
	if v.Kind == ojson.Array {
		out.Items = slices.Clone(v.Items)
		i, err := strconv.Atoi(path[0])
		if err == nil && i < len(out.Items) {
			out.Items[i] = without(out.Items[i], path[1:], keyword)
		}
		return &out
	}
	out.Members = slices.Clone(v.Members)
	for i := range out.Members {
		if out.Members[i].Name == path[0] {
			out.Members[i].Value = without(out.Members[i].Value, path[1:], keyword)
		}
	}
	return &out
}
