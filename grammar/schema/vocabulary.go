package schema

import (
	"slices"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// validationKeywords are those of the validation vocabulary (JSON Schema Validation 2020-12, section 6, and 2019-09).
var validationKeywords = []string{"type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum",
	"maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains", "minContains",
	"maxProperties", "minProperties", "required", "dependentRequired"}

// validates reports whether the keywords of the validation vocabulary constrain values under a schema's own $schema. They do,
// unless it is the URI of one of Options.Documents whose $vocabulary lists others and not that one (JSON Schema Core 2020-12,
// section 8.1.2): then they are annotations. ok is false for a schema without $schema.
func validates(s *ojson.Value, documents map[string]*ojson.Value) (does, ok bool) {
	uri := s.Get("$schema")
	if uri == nil || uri.Kind != ojson.String {
		return false, false
	}
	meta := documents[uri.Text]
	if meta == nil {
		meta = documents[strings.TrimSuffix(uri.Text, "#")]
	}
	if meta == nil {
		return true, true
	}
	vocabularies := meta.Get("$vocabulary")
	if vocabularies == nil || vocabularies.Kind != ojson.Object {
		return true, true
	}
	return slices.ContainsFunc(vocabularies.Members, func(m ojson.Member) bool {
		return strings.HasPrefix(m.Name, "https://json-schema.org/draft/") && strings.HasSuffix(m.Name, "/vocab/validation")
	}), true
}

// withoutValidation returns a schema without the keywords of the validation vocabulary.
func withoutValidation(s *ojson.Value) *ojson.Value {
	listed := func(m ojson.Member) bool { return slices.Contains(validationKeywords, m.Name) }
	if !slices.ContainsFunc(s.Members, listed) {
		return s
	}
	return &ojson.Value{Kind: ojson.Object, Members: slices.DeleteFunc(slices.Clone(s.Members), listed)}
}
