package schema_test

import (
	"testing"

	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/internal/ojson"
)

// TestVocabularies: without the validation vocabulary its keywords are annotations, below a $schema that says so and only there.
func TestVocabularies(t *testing.T) {
	documents := map[string]*ojson.Value{}
	for uri, text := range map[string]string{
		"https://x.test/plain":     `{"$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/core":true,"https://json-schema.org/draft/2020-12/vocab/applicator":true}}`,
		"https://x.test/full":      `{"$vocabulary":{"https://json-schema.org/draft/2020-12/vocab/validation":true}}`,
		"https://x.test/says-none": `{"title":"no vocabularies"}`,
		"https://x.test/part":      `{"$schema":"https://x.test/plain","properties":{"a":{"type":"string","not":{"minimum":1}}}}`,
	} {
		v, err := ojson.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		documents[uri] = v
	}
	for _, tc := range []struct{ name, schema, want string }{
		{"left out", `{"$schema":"https://x.test/plain","type":"object","properties":{"type":{"minimum":3,"items":{"enum":[1]}}},"required":["type"]}`,
			`{"$schema":"https://x.test/plain","properties":{"type":{"items":{}}}}`},
		{"with an empty fragment", `{"$schema":"https://x.test/plain#","minLength":3,"not":false}`, `{"$schema":"https://x.test/plain#","not":false}`},
		{"in use", `{"$schema":"https://x.test/full","minimum":3}`, `{"$schema":"https://x.test/full","minimum":3}`},
		{"no list of vocabularies", `{"$schema":"https://x.test/says-none","minimum":3}`, `{"$schema":"https://x.test/says-none","minimum":3}`},
		{"unknown meta-schema", `{"$schema":"https://x.test/other","minimum":3}`, `{"$schema":"https://x.test/other","minimum":3}`},
		{"a resource within", `{"minimum":3,"$defs":{"a":{"$id":"b","$schema":"https://x.test/plain","minimum":3,"not":{"maximum":1}}}}`,
			`{"minimum":3,"$defs":{"a":{"$id":"b","$schema":"https://x.test/plain","not":{}}}}`},
		{"in use again within", `{"$schema":"https://x.test/plain","minimum":3,"$defs":{"a":{"$schema":"https://x.test/full","minimum":3}}}`,
			`{"$schema":"https://x.test/plain","$defs":{"a":{"$schema":"https://x.test/full","minimum":3}}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc, err := ojson.Parse([]byte(tc.schema))
			if err != nil {
				t.Fatal(err)
			}
			got := schema.Normalize(doc, schema.Options{Documents: documents})
			if text := string(got.Append(nil, ojson.Compact)); text != tc.want {
				t.Errorf("%s\nwant %s", text, tc.want)
			}
		})
	}
	// In a document that is referred to: not without its minimum excludes everything.
	_, err := schema.CompileText([]byte(`{"$ref":"https://x.test/part"}`), schema.Options{Documents: documents})
	if err != nil {
		t.Error(err)
	}
	_, err = schema.CompileText([]byte(`{"$ref":"https://x.test/part","type":"object","required":["a"]}`), schema.Options{Documents: documents})
	if err == nil {
		t.Error("a value for a is found, where not excludes all")
	}
}
