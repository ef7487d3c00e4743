package schema

import (
	"slices"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// typeAliases maps the type names that people write in tool definitions, in lower case,
// to those of JSON Schema: Python's, Java's and JavaScript's. An empty name means any
// type.
var typeAliases = map[string]string{
	"str": "string", "char": "string", "character": "string", "text": "string",
	"int": "integer", "long": "integer", "short": "integer", "byte": "integer",
	"bigint": "integer", "biginteger": "integer",
	"float": "number", "double": "number", "decimal": "number", "bigdecimal": "number",
	"bool": "boolean",
	"list": "array", "tuple": "array", "set": "array", "arraylist": "array", "queue": "array",
	"stack": "array", "vector": "array", "linkedlist": "array", "hashset": "array",
	"dict": "object", "dictionary": "object", "map": "object", "hashmap": "object",
	"hashtable": "object",
	"none":      "null", "nonetype": "null",
	"any": "",
}

// Keywords whose value is one schema, a list of schemas, or an object of named schemas.
var (
	schemaKeywords = []string{"items", "additionalItems", "additionalProperties", "propertyNames", "contains",
		"not", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties"}
	listKeywords = []string{"items", "prefixItems", "allOf", "anyOf", "oneOf"}
	mapKeywords  = []string{"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)

// Normalize returns doc as Compile reads it; what a validator finds valid under the
// result is what the rules are made for. doc itself is not changed and shares what did
// not need to change.
//
// In a schema without $schema, OpenAPI's "nullable": true beside type adds the type
// null. With Options.PythonNames, also: names of types as people write them (list, tuple,
// dict, float, int, str, bool, any and Java's and JavaScript's, in any case) become JSON
// Schema's; "required": true in a property makes it required in its object; an "enum" of
// single values beside "type": "array" limits the items.
//
// Where $schema is the URI of one of Options.Documents whose $vocabulary leaves out the validation vocabulary, the keywords of that
// are annotations, and go.
func Normalize(doc *ojson.Value, opts Options) *ojson.Value {
	return (&normalizer{python: opts.PythonNames, openAPI: doc.Get("$schema") == nil, documents: opts.Documents}).schema(doc)
}

type normalizer struct {
	python, openAPI bool
	documents       map[string]*ojson.Value
	annotates       bool // the validation vocabulary is not in use here
}

// schema returns the normal form of one schema.
func (n *normalizer) schema(s *ojson.Value) *ojson.Value {
	if s == nil || s.Kind != ojson.Object {
		return s
	}
	if does, ok := validates(s, n.documents); ok && does == n.annotates {
		within := *n
		within.annotates = !does
		n = &within
	}
	out := n.members(s, func(m ojson.Member) *ojson.Value {
		switch v := m.Value; {
		case v.Kind == ojson.Array && slices.Contains(listKeywords, m.Name):
			return n.list(v)
		case v.Kind == ojson.Object && slices.Contains(mapKeywords, m.Name):
			return n.members(v, func(p ojson.Member) *ojson.Value { return n.schema(p.Value) })
		case v.Kind == ojson.Object && slices.Contains(schemaKeywords, m.Name):
			return n.schema(v)
		default:
			return v
		}
	})
	if n.python {
		out = n.hoistRequired(out, s.Get("properties"))
		out = n.typeNames(out)
		out = n.enumOfItems(out)
	}
	if n.openAPI {
		out = nullable(out)
	}
	if n.annotates {
		out = withoutValidation(out)
	}
	return out
}

// members returns an object with the normal form of each member's value.
func (n *normalizer) members(v *ojson.Value, norm func(ojson.Member) *ojson.Value) *ojson.Value {
	out := v
	for i, m := range v.Members {
		if value := norm(m); value != m.Value {
			if out == v {
				out = &ojson.Value{Kind: ojson.Object, Members: slices.Clone(v.Members)}
			}
			out.Members[i].Value = value
		}
	}
	return out
}

func (n *normalizer) list(v *ojson.Value) *ojson.Value {
	out := v
	for i, item := range v.Items {
		if norm := n.schema(item); norm != item {
			if out == v {
				out = &ojson.Value{Kind: ojson.Array, Items: slices.Clone(v.Items)}
			}
			out.Items[i] = norm
		}
	}
	return out
}

// with returns an object whose member name is v: the same object if it is already so,
// without the member if v is nil.
func with(object *ojson.Value, name string, v *ojson.Value) *ojson.Value {
	at := slices.IndexFunc(object.Members, func(m ojson.Member) bool { return m.Name == name })
	switch {
	case at < 0 && v == nil, at >= 0 && object.Members[at].Value == v:
		return object
	case v == nil:
		return &ojson.Value{Kind: ojson.Object, Members: slices.Delete(slices.Clone(object.Members), at, at+1)}
	}
	out := &ojson.Value{Kind: ojson.Object, Members: slices.Clone(object.Members)}
	if at < 0 {
		out.Members = append(out.Members, ojson.Member{Name: name, Value: v})
	} else {
		out.Members[at].Value = v
	}
	return out
}

func text(s string) *ojson.Value { return &ojson.Value{Kind: ojson.String, Text: s} }

// typeNames translates the names in "type". Unknown ones stay, and are refused later.
func (n *normalizer) typeNames(s *ojson.Value) *ojson.Value {
	t := s.Get("type")
	if t == nil {
		return s
	}
	if t.Kind == ojson.String {
		switch name, ok := standardType(t.Text); {
		case !ok || name == t.Text:
			return s
		case name == "":
			return with(s, "type", nil)
		default:
			return with(s, "type", text(name))
		}
	}
	if t.Kind != ojson.Array {
		return s
	}
	out := &ojson.Value{Kind: ojson.Array}
	for _, item := range t.Items {
		name, ok := standardType(item.Text)
		if item.Kind == ojson.String && ok {
			if name == "" {
				return with(s, "type", nil)
			}
			item = text(name)
		}
		out.Items = append(out.Items, item)
	}
	return with(s, "type", out)
}

// standardType returns the JSON Schema type that a name means, "" for any type.
func standardType(name string) (string, bool) {
	if typeKind(name) != 0 {
		return name, true
	}
	lower := strings.ToLower(name)
	if typeKind(lower) != 0 {
		return lower, true
	}
	std, ok := typeAliases[lower]
	return std, ok
}

// hoistRequired moves "required": true or false out of the properties (draft 3's way of
// writing it) into the object's own list. original holds the properties as written.
func (n *normalizer) hoistRequired(s, original *ojson.Value) *ojson.Value {
	props := s.Get("properties")
	if props == nil || props.Kind != ojson.Object || original == nil {
		return s
	}
	required := s.Get("required")
	if required == nil {
		required = &ojson.Value{Kind: ojson.Array}
	} else if required.Kind != ojson.Array {
		return s
	}
	cleaned := props
	for _, p := range props.Members {
		flag := p.Value.Get("required")
		if p.Value.Kind != ojson.Object || flag == nil || flag.Kind != ojson.Bool {
			continue
		}
		cleaned = with(cleaned, p.Name, with(p.Value, "required", nil))
		listed := slices.ContainsFunc(required.Items, func(r *ojson.Value) bool { return r.Kind == ojson.String && r.Text == p.Name })
		if flag.Bool && !listed {
			required = &ojson.Value{Kind: ojson.Array, Items: append(slices.Clone(required.Items), text(p.Name))}
		}
	}
	if cleaned == props {
		return s
	}
	s = with(s, "properties", cleaned)
	if len(required.Items) > 0 {
		s = with(s, "required", required)
	}
	return s
}

// enumOfItems moves an enumeration of single values beside "type": "array" to the items,
// where its author meant it: as written, no array could ever be equal to one of them.
func (n *normalizer) enumOfItems(s *ojson.Value) *ojson.Value {
	t, enum, items := s.Get("type"), s.Get("enum"), s.Get("items")
	if t == nil || t.Kind != ojson.String || t.Text != "array" || enum == nil || enum.Kind != ojson.Array || len(enum.Items) == 0 {
		return s
	}
	if items != nil && (items.Kind != ojson.Object || items.Get("enum") != nil) {
		return s
	}
	for _, v := range enum.Items {
		if v.Kind == ojson.Array {
			return s
		}
	}
	if items == nil {
		items = &ojson.Value{Kind: ojson.Object}
	}
	return with(with(s, "enum", nil), "items", with(items, "enum", enum))
}

// nullable writes OpenAPI 3.0's "nullable": true beside a type as a union with null.
func nullable(s *ojson.Value) *ojson.Value {
	flag, t := s.Get("nullable"), s.Get("type")
	if flag == nil || !flag.Bool || t == nil {
		return s
	}
	switch t.Kind {
	case ojson.String:
		if t.Text == "null" {
			return s
		}
		return with(s, "type", &ojson.Value{Kind: ojson.Array, Items: []*ojson.Value{t, text("null")}})
	case ojson.Array:
		if !slices.ContainsFunc(t.Items, func(v *ojson.Value) bool { return v.Text == "null" }) {
			return with(s, "type", &ojson.Value{Kind: ojson.Array, Items: append(slices.Clone(t.Items), text("null"))})
		}
	}
	return s
}
