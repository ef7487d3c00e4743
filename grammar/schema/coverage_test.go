package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
	"github.com/callama/callama/internal/ojson"
)

// coverageCases are the keywords that need the failure of a schema, counts, or classes of
// names.
var coverageCases = []schemaCase{
	{name: "not a type", schema: `{"not":{"type":["object","array"]}}`, yes: []string{`1`, `"a"`, `null`}, no: []string{`{}`, `[]`}},
	{name: "not an integer", schema: `{"type":"number","not":{"type":"integer"}}`, yes: []string{`1.5`, `-0.01`}, no: []string{`1`, `0`, `2.0`}},
	{name: "not values", schema: `{"type":["string","integer","boolean","null"],"not":{"enum":["a",3,true,null]}}`,
		yes: []string{`"b"`, `""`, `"aa"`, `2`, `4`, `33`, `false`}, no: []string{`"a"`, `3`, `true`, `null`}},
	{name: "not a number between", schema: `{"type":"number","minimum":0,"maximum":2,"not":{"const":1}}`, yes: []string{`0`, `0.5`, `1.5`, `2`}, no: []string{`1`, `1.0`, `3`}},
	{name: "not an array", schema: `{"type":"array","not":{"const":[1,"a"]}}`, yes: []string{`[]`, `[1]`, `[1,"b"]`, `[2,"a"]`, `[1,"a",1]`}, no: []string{`[1,"a"]`}},
	{name: "not an object", schema: `{"type":"object","not":{"const":{"a":1}}}`, yes: []string{`{}`, `{"a":2}`, `{"b":1}`, `{"a":1,"b":1}`}, no: []string{`{"a":1}`}},
	{name: "not a pattern", schema: `{"type":"string","maxLength":3,"not":{"pattern":"a"}}`, yes: []string{`""`, `"bcd"`}, no: []string{`"a"`, `"xa"`, `"bcde"`}},
	{name: "not a length", schema: `{"type":"string","not":{"minLength":2,"maxLength":3}}`, yes: []string{`""`, `"a"`, `"abcd"`}, no: []string{`"ab"`, `"abc"`}},
	{name: "not required", schema: `{"type":"object","not":{"required":["a","b"]}}`, yes: []string{`{}`, `{"a":1}`, `{"b":1,"c":1}`}, no: []string{`{"a":1,"b":1}`, `{"b":1,"c":1,"a":1}`}},
	{name: "not properties", schema: `{"type":"object","not":{"properties":{"a":{"type":"string"}},"additionalProperties":{"type":"null"}}}`,
		yes: []string{`{"a":1}`, `{"b":1}`, `{"a":"","b":null,"c":1}`}, no: []string{`{}`, `{"a":"x"}`, `{"a":"x","b":null}`}},
	{name: "not items", schema: `{"type":"array","not":{"items":{"type":"string"}}}`, yes: []string{`[1]`, `["a",1]`, `[1,"a"]`}, no: []string{`[]`, `["a","b"]`}},
	{name: "not not", schema: `{"not":{"not":{"type":"string"}}}`, yes: []string{`""`}, no: []string{`1`}},
	{name: "not anyOf", schema: `{"not":{"anyOf":[{"type":"string"},{"minimum":3},{"type":["object","array"]}]}}`, yes: []string{`2`, `-1.5`}, no: []string{`""`, `3`, `{}`, `null`}},
	{name: "not not with unevaluated", schema: `{"type":"object","not":{"not":{"properties":{"a":{}},"unevaluatedProperties":false}}}`, yes: []string{`{}`, `{"a":1}`}, no: []string{`{"b":1}`}},
	{name: "not through recursion", schema: `{"$defs":{"t":{"type":"array","items":{"$ref":"#/$defs/t"}}},"type":"array","not":{"$ref":"#/$defs/t"}}`,
		yes: []string{`[1]`, `[[],[1]]`, `[[[{}]]]`}, no: []string{`[]`, `[[],[[]]]`}},
	{name: "oneOf of numbers", schema: `{"oneOf":[{"type":"integer"},{"type":"number","minimum":2}]}`, yes: []string{`1`, `2.5`}, no: []string{`2`, `1.5`, `""`}},
	{name: "oneOf of required", schema: `{"type":"object","oneOf":[{"required":["a"]},{"required":["b"]},{"required":["c"]}]}`,
		yes: []string{`{"a":1}`, `{"x":1,"c":1}`}, no: []string{`{}`, `{"a":1,"b":1}`, `{"c":1,"a":1,"b":1}`}},
	{name: "oneOf without discriminator", schema: `{"type":"object","oneOf":[{"properties":{"t":{"const":"a"},"n":{"type":"integer"}}},{"properties":{"t":{"const":"b"},"m":{"type":"integer"}}}]}`,
		yes: []string{`{"t":"a"}`, `{"t":"b","n":""}`, `{"n":"","m":1}`}, no: []string{`{}`, `{"n":1}`, `{"t":"c"}`, `{"t":"a","n":""}`}},
	{name: "if", schema: `{"type":"object","if":{"properties":{"k":{"const":"x"}},"required":["k"]},"then":{"required":["v"]},"else":{"properties":{"v":false}}}`,
		yes: []string{`{}`, `{"k":"x","v":1}`, `{"v":1,"k":"x"}`, `{"k":"y"}`}, no: []string{`{"k":"x"}`, `{"k":"y","v":1}`, `{"v":1}`}},
	{name: "dependencies", schema: `{"type":"object","dependentRequired":{"a":["b"]},"dependentSchemas":{"c":{"properties":{"d":{"type":"null"}}}},"dependencies":{"e":["f"]}}`,
		yes: []string{`{}`, `{"a":1,"b":1}`, `{"b":1,"d":1}`, `{"c":1,"d":null}`, `{"f":1,"e":1}`}, no: []string{`{"a":1}`, `{"c":1,"d":1}`, `{"e":1}`}},
	{name: "patternProperties", schema: `{"type":"object","properties":{"ab":{"type":"integer"}},"patternProperties":{"^a":{"minimum":2},"b$":{"maximum":5}},"additionalProperties":false}`,
		yes: []string{`{}`, `{"ab":3}`, `{"ax":"s","xb":4,"axb":2}`}, no: []string{`{"ab":1}`, `{"ab":""}`, `{"c":1}`, `{"axb":6}`, `{"axb":1}`, `{"a":1}`}},
	{name: "finite patterns", schema: `{"type":"object","patternProperties":{"^(x|y)$":{"type":"null"}},"additionalProperties":false,"minProperties":2}`,
		yes: []string{`{"x":null,"y":null}`, `{"y":null,"x":null}`}, no: []string{`{"x":null}`, `{"x":null,"x":null}`, `{"x":null,"z":null}`}},
	{name: "propertyNames", schema: `{"type":"object","properties":{"abc":{},"xyzw":{}},"propertyNames":{"maxLength":3,"pattern":"^[a-z]"}}`,
		yes: []string{`{"abc":1}`, `{"q":1,"ab":2}`}, no: []string{`{"xyzw":1}`, `{"A":1}`, `{"abcd":1}`, `{"":1}`}},
	{name: "not propertyNames", schema: `{"type":"object","not":{"propertyNames":{"maxLength":1}}}`, yes: []string{`{"ab":1}`, `{"a":1,"bc":1}`}, no: []string{`{}`, `{"a":1}`}},
	{name: "member counts", schema: `{"type":"object","properties":{"a":{},"b":{},"c":{}},"additionalProperties":false,"minProperties":1,"maxProperties":2}`,
		yes: []string{`{"a":1}`, `{"c":1,"a":1}`}, no: []string{`{}`, `{"a":1,"b":1,"c":1}`}},
	{name: "no members", schema: `{"type":"object","maxProperties":0}`, yes: []string{`{}`}, no: []string{`{"a":1}`}},
	{name: "counts of a map", schema: `{"type":"object","minProperties":2,"maxProperties":3}`, yes: []string{`{"a":1,"b":1}`, `{"a":1,"b":1,"c":1}`}, no: []string{`{}`, `{"a":1}`, `{"a":1,"b":1,"c":1,"d":1}`}},
	{name: "contains", schema: `{"type":"array","contains":{"type":"integer"}}`, yes: []string{`[1]`, `["a",1,"b"]`, `[1,2]`}, no: []string{`[]`, `["a"]`, `[1.5]`}},
	{name: "contains counted", schema: `{"type":"array","contains":{"const":1},"minContains":2,"maxContains":3,"maxItems":4}`,
		yes: []string{`[1,1]`, `[1,2,1]`, `[2,1,1,1]`}, no: []string{`[1]`, `[1,2]`, `[1,1,1,1]`, `[1,1,2,2,2]`}},
	{name: "contains after a prefix", schema: `{"type":"array","prefixItems":[{"type":"string"}],"contains":{"type":"string","minLength":2},"minItems":2}`,
		yes: []string{`["ab",1]`, `["a",1,"bc"]`}, no: []string{`["ab"]`, `["a",1]`, `[1,"bc"]`}},
	{name: "distinct values", schema: `{"type":"array","items":{"enum":["a","b",1]},"uniqueItems":true,"minItems":1}`, yes: []string{`["a"]`, `[1,"b","a"]`}, no: []string{`[]`, `["a","a"]`, `["a","b",1,"a"]`}},
	{name: "distinct types", schema: `{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false,"uniqueItems":true}`, yes: []string{`[]`, `["a",1]`}, no: []string{`["a","a"]`}},
	{name: "distinct and listed", schema: `{"type":"array","prefixItems":[{"type":"boolean"},{"type":"boolean"}],"items":false,"uniqueItems":true}`, yes: []string{`[true]`, `[false,true]`}, no: []string{`[true,true]`}},
	{name: "unevaluatedProperties", schema: `{"type":"object","properties":{"a":{}},"anyOf":[{"properties":{"b":{"type":"string"}},"required":["b"]},{"properties":{"c":{}},"required":["c"]}],"unevaluatedProperties":false}`,
		yes: []string{`{"b":""}`, `{"a":1,"b":"","c":1}`, `{"c":1}`}, no: []string{`{"a":1}`, `{"b":"","x":1}`, `{"b":1,"c":1}`}},
	{name: "unevaluatedItems", schema: `{"type":"array","prefixItems":[{"type":"string"}],"contains":{"type":"null"},"unevaluatedItems":{"type":"integer"}}`,
		yes: []string{`["a",null]`, `["a",1,null,2]`}, no: []string{`["a",1]`, `["a",null,"b"]`}},
	{name: "dynamic reference", schema: `{"$id":"http://x.org/strict","$dynamicAnchor":"node","$ref":"tree","unevaluatedProperties":false,"$defs":{"tree":{"$id":"tree","$dynamicAnchor":"node","type":"object","properties":{"c":{"type":"array","items":{"$dynamicRef":"#node"}}}}}}`,
		yes: []string{`{}`, `{"c":[{"c":[]}]}`}, no: []string{`{"x":1}`, `{"c":[{"x":1}]}`}},
	{name: "another document", schema: `{"$ref":"http://x.org/doc#/$defs/n"}`, opts: schema.Options{Documents: map[string]*ojson.Value{
		"http://x.org/doc": mustParse(`{"$defs":{"n":{"$ref":"#/$defs/m"},"m":{"type":"null"}}}`)}}, yes: []string{`null`}, no: []string{`1`}},
	{name: "schema order with witnesses", schema: `{"type":"object","properties":{"a":{"type":"integer"}},"not":{"additionalProperties":{"type":"string"}}}`,
		opts: schema.Options{Order: schema.SchemaOrder}, yes: []string{`{"a":1}`, `{"b":1}`, `{"a":1,"b":"","c":1,"d":""}`}, no: []string{`{}`, `{"b":""}`}},
}

func mustParse(text string) *ojson.Value {
	v, err := ojson.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return v
}

func TestCoverage(t *testing.T) {
	for _, c := range coverageCases {
		t.Run(c.name, func(t *testing.T) {
			g, err := schema.CompileText([]byte(c.schema), c.opts)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range c.yes {
				if !ruletest.Accepts(g, s) {
					t.Errorf("rejects %s", s)
				}
			}
			for _, s := range c.no {
				if ruletest.Accepts(g, s) {
					t.Errorf("accepts %s", s)
				}
			}
		})
	}
}

func TestCoverageLimits(t *testing.T) {
	cases := []struct{ name, schema, pointer string }{
		{"states of counted items", `{"type":"array","contains":{"const":1},"minContains":5000}`, "/contains"},
		{"contains for one array", `{"type":"array","allOf":[` + strings.TrimSuffix(strings.Repeat(`{"contains":{"type":"null"}},`, 7), ",") + `]}`, "/allOf/6/contains"},
		{"members demanded by negations", `{"type":"object","allOf":[` + strings.TrimSuffix(strings.Repeat(`{"not":{"additionalProperties":{"type":"null"}}},`, 7), ",") + `]}`, "/allOf/6/not/additionalProperties"},
		{"branches of oneOf", `{"oneOf":[` + strings.TrimSuffix(strings.Repeat(`{},`, 300), ",") + `]}`, "/oneOf"},
		{"branches of anyOf with unevaluated keywords", `{"unevaluatedProperties":false,"anyOf":[` + strings.TrimSuffix(strings.Repeat(`{"properties":{"a":true}},`, 11), ",") + `]}`, "/anyOf"},
	}
	for _, c := range cases {
		_, err := schema.CompileText([]byte(c.schema), schema.Options{})
		var e *schema.Error
		var le *schema.LimitError
		if !errors.As(err, &e) || !errors.As(err, &le) || le.Name != c.name || e.Pointer != c.pointer {
			t.Errorf("%s: got %v at %v", c.name, err, e)
		}
	}
}

// TestLenient checks that what is dropped is listed, and only then.
func TestLenient(t *testing.T) {
	doc := mustParse(`{"type":"object","properties":{"a":{"type":"array","prefixItems":[{"type":"string"},{"const":"x"}],"minItems":2,"uniqueItems":true},"b":{"type":"integer"}},"required":["a"],"additionalProperties":false}`)
	b := gbnf.NewBuilder()
	root := b.Declare("root")
	c := schema.New(b, schema.Options{Lenient: true})
	e, err := c.Compile("x", doc)
	if err != nil {
		t.Fatal(err)
	}
	b.Define(root, e)
	g := b.Grammar(root)
	for text, want := range map[string]bool{`{"a":["x","x"]}`: true, `{"a":[1,"x"]}`: false, `{"a":["","x"],"b":1}`: true, `{"b":1}`: false} {
		if ruletest.Accepts(g, text) != want {
			t.Errorf("%s: accepted %v", text, !want)
		}
	}
	if d := c.Dropped(); len(d) != 1 || d[0].Pointer != "/properties/a/uniqueItems" || d[0].Keyword != "uniqueItems" {
		t.Errorf("dropped %v", d)
	}
}
