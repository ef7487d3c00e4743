package schema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
)

// schemaCase is one schema with texts that are and are not instances in canonical
// spelling.
type schemaCase struct {
	name    string
	schema  string
	opts    schema.Options
	yes, no []string
}

var schemaCases = []schemaCase{
	{name: "anything", schema: `{}`,
		yes: []string{`1`, `"a"`, `null`, `true`, `{}`, `[]`, `{"a":[1,{"b":null}],"c":""}`, `-1.5e10`, `[[],{}]`},
		no:  []string{``, `a`, `[1,]`, `{"a"}`, `{"a":1,}`, `01`, `-0`, `1.`, `.5`, `+1`, ` 1`, `1 `, `"`, "\"\n\"", `"\q"`, `"\u0041"`}},
	{name: "true", schema: `true`, yes: []string{`1`, `{}`}, no: []string{``}},
	{name: "null", schema: `{"type":"null"}`, yes: []string{`null`}, no: []string{`0`, `""`}},
	{name: "boolean", schema: `{"type":"boolean"}`, yes: []string{`true`, `false`}, no: []string{`0`, `"true"`, `True`}},
	{name: "integer", schema: `{"type":"integer"}`,
		yes: []string{`0`, `1`, `-1`, `123456789012345678`, `-10`},
		no:  []string{`1.0`, `1.5`, `1e2`, `-0`, `01`, `1234567890123456789`, `"1"`, `-`}},
	{name: "number", schema: `{"type":"number"}`,
		yes: []string{`0`, `-1`, `1.5`, `-0.5`, `1e5`, `1.25e-07`, `10e+99`, `0.00`, `0.5e1`},
		no:  []string{`-0`, `1.`, `.5`, `1e`, `1e100`, `00`, `NaN`, `1E5`, `0e5`}},
	{name: "string", schema: `{"type":"string"}`,
		yes: []string{`""`, `"aé😀"`, `"\"\\\b\f\n\r\t"`, `"\u0000\u001f\u000b"`, `"/"`, "\"\u007f\""},
		no:  []string{`"`, `"\/"`, `"\u000A"`, `"\u000a"`, `"\u001F"`, "\"\x01\"", `"a"b"`, `'a'`, "\"\xff\""}},
	{name: "types", schema: `{"type":["string","null"]}`, yes: []string{`""`, `null`}, no: []string{`1`, `{}`}},
	{name: "integer or number", schema: `{"type":["integer","number"]}`, yes: []string{`1`, `1.5`}, no: []string{`"1"`}},
	{name: "nullable", schema: `{"type":"string","nullable":true}`, yes: []string{`""`, `null`}, no: []string{`1`}},
	{name: "nullable with types", schema: `{"type":["string","integer"],"nullable":true}`, yes: []string{`""`, `null`, `1`}, no: []string{`true`}},
	{name: "nullable null", schema: `{"type":"null","nullable":true}`, yes: []string{`null`}, no: []string{`1`}},
	{name: "nullable within", schema: `{"anyOf":[{"type":"string","nullable":true},{"type":"array","prefixItems":[{"type":["null"],"nullable":true}],"maxItems":1}]}`,
		yes: []string{`""`, `null`, `[null]`}, no: []string{`[1]`}},
	{name: "nullable without type", schema: `{"enum":[1],"nullable":true}`, yes: []string{`1`}, no: []string{`null`}},
	{name: "nullable in JSON Schema", schema: `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"string","nullable":true}`,
		yes: []string{`""`}, no: []string{`null`}},
	{name: "properties", schema: `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"]}`,
		yes: []string{`{"a":1}`, `{"a":1,"b":""}`, `{"b":"","a":1}`, `{"a":1,"c":null}`, `{"c":1,"a":1,"d":[]}`, `{"a":1,"aa":1,"":2}`},
		no:  []string{`{}`, `{"b":""}`, `{"a":""}`, `{"a":1,"a":2}`, `{"a":1,"b":1}`, `{"a":1,}`, `{,"a":1}`, `{"a" :1}`, `[]`}},
	{name: "schema order", schema: `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"]}`,
		opts: schema.Options{Order: schema.SchemaOrder},
		yes:  []string{`{"a":1}`, `{"a":1,"b":""}`, `{"a":1,"b":"","c":1}`, `{"a":1,"c":1}`},
		no:   []string{`{"b":"","a":1}`, `{"c":1,"a":1}`, `{"b":""}`}},
	{name: "closed", schema: `{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false}`,
		yes: []string{`{}`, `{"a":1}`}, no: []string{`{"b":1}`, `{"a":1,"b":1}`}},
	{name: "additional", schema: `{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"string"}}`,
		yes: []string{`{}`, `{"a":1}`, `{"b":"x","a":1,"ab":""}`}, no: []string{`{"b":1}`, `{"a":""}`}},
	{name: "map", schema: `{"type":"object","additionalProperties":{"type":"integer"}}`,
		yes: []string{`{}`, `{"a":1}`, `{"a":1,"b":2,"":3}`}, no: []string{`{"a":""}`, `{"a":1,}`}},
	{name: "closed by option", schema: `{"type":"object","properties":{"a":{"type":"object","properties":{"b":{}}},"c":{"type":"object"}}}`,
		opts: schema.Options{ClosedObjects: true},
		yes:  []string{`{}`, `{"a":{}}`, `{"a":{"b":1}}`, `{"c":{"x":1}}`}, no: []string{`{"b":1}`, `{"a":{"c":1}}`}},
	{name: "closed by option, merged", schema: `{"properties":{"a":{}},"anyOf":[{"properties":{"b":{}},"required":["b"]},{"required":["a","z"]}],"type":"object"}`,
		opts: schema.Options{ClosedObjects: true},
		yes:  []string{`{"b":1}`, `{"a":1,"b":1}`, `{"a":1,"z":1}`}, no: []string{`{"a":1}`, `{"a":1,"z":1,"b":1}`, `{"b":1,"z":1}`}},
	{name: "open by word", schema: `{"type":"object","properties":{"a":{}},"additionalProperties":true}`,
		opts: schema.Options{ClosedObjects: true}, yes: []string{`{"x":1}`}, no: []string{`[]`}},
	{name: "required not declared", schema: `{"type":"object","required":["x"],"additionalProperties":{"type":"integer"}}`,
		yes: []string{`{"x":1}`, `{"y":2,"x":1}`}, no: []string{`{}`, `{"y":1}`, `{"x":""}`, `{"x":1,"x":1}`}},
	{name: "false property", schema: `{"properties":{"a":false,"b":{"type":"null"}},"type":"object"}`,
		yes: []string{`{}`, `{"b":null}`, `{"c":1}`}, no: []string{`{"a":1}`}},
	{name: "names that need escapes", schema: `{"type":"object","properties":{"a\"b":{"type":"integer"},"a\n":{"type":"null"},"é":{"type":"null"}},"additionalProperties":{"type":"string"}}`,
		yes: []string{`{"a\"b":1,"a\n":null,"é":null}`, `{"a":""}`, `{"a\t":""}`, `{"a\"":""}`, `{"è":""}`}, no: []string{`{"a\"b":""}`, `{"a\n":""}`, `{"é":""}`}},
	{name: "array", schema: `{"type":"array"}`, yes: []string{`[]`, `[1,"a",[]]`}, no: []string{`{}`, `[1 ]`}},
	{name: "items", schema: `{"type":"array","items":{"type":"integer"}}`, yes: []string{`[]`, `[1]`, `[1,2,3]`}, no: []string{`[""]`, `[1,""]`, `[,]`, `[1,]`}},
	{name: "counts", schema: `{"type":"array","items":{"type":"null"},"minItems":2,"maxItems":3}`,
		yes: []string{`[null,null]`, `[null,null,null]`}, no: []string{`[]`, `[null]`, `[null,null,null,null]`}},
	{name: "one item at most", schema: `{"type":"array","maxItems":1}`, yes: []string{`[]`, `[1]`}, no: []string{`[1,2]`}},
	{name: "no items", schema: `{"type":"array","maxItems":0}`, yes: []string{`[]`}, no: []string{`[1]`}},
	{name: "items false", schema: `{"type":"array","items":false}`, yes: []string{`[]`}, no: []string{`[1]`}},
	{name: "prefix", schema: `{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"}}`,
		yes: []string{`[]`, `[1]`, `[1,""]`, `[1,"",null,null]`}, no: []string{`[""]`, `[1,1]`, `[1,"",1]`}},
	{name: "prefix closed", schema: `{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false,"minItems":1}`,
		yes: []string{`[1]`, `[1,""]`}, no: []string{`[]`, `[1,"",1]`}},
	{name: "prefix with counts", schema: `{"type":"array","prefixItems":[{"type":"integer"}],"minItems":3,"maxItems":4}`,
		yes: []string{`[1,1,1]`, `[1,"",null,2]`}, no: []string{`[1,1]`, `["",1,1]`, `[1,1,1,1,1]`}},
	{name: "impossible prefix", schema: `{"type":"array","prefixItems":[{"type":"integer"},false,{}]}`, yes: []string{`[]`, `[1]`}, no: []string{`[1,1]`}},
	{name: "items list", schema: `{"type":"array","items":[{"type":"integer"}],"additionalItems":{"type":"null"}}`, yes: []string{`[1,null]`}, no: []string{`[null]`, `[1,1]`}},
	{name: "enum", schema: `{"enum":["a",1,null,{"x":[1,"b"]},1.0,2.50]}`,
		yes: []string{`"a"`, `1`, `null`, `{"x":[1,"b"]}`, `2.50`}, no: []string{`"b"`, `1.0`, `{}`}},
	{name: "enum narrowed", schema: `{"enum":["a","bb",1,2,null,[1],[1,2]],"type":["string","integer","array"],"minLength":2,"minimum":2,"items":{"maximum":1}}`,
		yes: []string{`"bb"`, `2`, `[1]`}, no: []string{`"a"`, `1`, `null`, `[1,2]`}},
	{name: "enum and const", schema: `{"enum":[1,2,{"a":1,"b":2}],"const":{"b":2.0,"a":1}}`, yes: []string{`{"a":1,"b":2}`}, no: []string{`1`}},
	{name: "const", schema: `{"const":"x"}`, yes: []string{`"x"`}, no: []string{`"y"`, `x`}},
	{name: "big integers in enum", schema: `{"enum":[9007199254740993, 1e3, -0, -5]}`, yes: []string{`9007199254740993`, `1000`, `0`, `-5`}, no: []string{`9007199254740992`, `1e3`}},
	{name: "length", schema: `{"type":"string","minLength":2,"maxLength":3}`, yes: []string{`"ab"`, `"é😀x"`, `"\"\\"`, `"\u0000ab"`}, no: []string{`"a"`, `"abcd"`, `"\n"`}},
	{name: "pattern", schema: `{"type":"string","pattern":"^[a-c\"]+$"}`, yes: []string{`"a"`, `"c\"a"`}, no: []string{`""`, `"d"`, `"a"b"`}},
	{name: "pattern anywhere", schema: `{"type":"string","pattern":"b+c"}`, yes: []string{`"bc"`, `"xbbcy"`, `"b\nbc"`}, no: []string{`"b"`, `""`}},
	{name: "pattern and length", schema: `{"type":"string","pattern":"^a*b*$","minLength":2,"maxLength":3}`, yes: []string{`"ab"`, `"aaa"`, `"bbb"`, `"aab"`}, no: []string{`"a"`, `"ba"`, `"aabb"`, `""`}},
	{name: "class and long length", schema: `{"type":"string","pattern":"^[a-z0-9]{1,5000}$","minLength":3,"maxLength":100000}`, yes: []string{`"abc"`}, no: []string{`"ab"`, `"A12"`}},
	{name: "pattern too large for states", schema: `{"type":"string","pattern":"^([a-z]{1,9000}-){1,9000}x$"}`, yes: []string{`"a-x"`, `"a-b-x"`}, no: []string{`"x"`, `"a-b"`}},
	{name: "two patterns", schema: `{"type":"string","pattern":"a","allOf":[{"pattern":"b"}],"maxLength":2}`, yes: []string{`"ab"`, `"ba"`}, no: []string{`"a"`, `"abb"`, `"xx"`}},
	{name: "no type", schema: `{"minLength":2,"minimum":5,"maxItems":1,"required":["a"]}`,
		yes: []string{`"ab"`, `5`, `[1]`, `{"a":1}`, `null`, `true`}, no: []string{`"a"`, `4`, `[1,2]`, `{}`}},
	{name: "anyOf", schema: `{"anyOf":[{"type":"string"},{"type":"integer"}]}`, yes: []string{`""`, `1`}, no: []string{`null`, `1.5`}},
	{name: "anyOf with siblings", schema: `{"type":"object","properties":{"k":{"type":"string"}},"required":["k"],"anyOf":[{"properties":{"k":{"const":"a"},"x":{"type":"integer"}},"required":["x"]},{"properties":{"k":{"const":"b"}},"additionalProperties":false}]}`,
		yes: []string{`{"k":"a","x":1}`, `{"x":1,"k":"a","z":0}`, `{"k":"b"}`}, no: []string{`{"k":"a"}`, `{"k":"b","x":1}`, `{"k":"c","x":1}`, `{"x":1}`}},
	{name: "anyOf with a dead branch", schema: `{"type":"string","anyOf":[{"type":"integer"},{"minLength":1},{"minLength":5,"maxLength":2}]}`, yes: []string{`"a"`}, no: []string{`""`, `1`}},
	{name: "nested anyOf", schema: `{"anyOf":[{"anyOf":[{"const":1},{"const":2}]},{"type":"null"}],"enum":[1,null,"x"]}`, yes: []string{`1`, `null`}, no: []string{`2`, `"x"`}},
	{name: "allOf", schema: `{"allOf":[{"type":"object","properties":{"a":{"minimum":2}}},{"properties":{"a":{"type":"integer","maximum":3},"b":{}},"required":["a"]}]}`,
		yes: []string{`{"a":2}`, `{"a":3,"b":0}`}, no: []string{`{}`, `{"a":1}`, `{"a":4}`, `{"a":"x"}`}},
	{name: "additional of one facet", schema: `{"type":"object","allOf":[{"properties":{"a":{}},"additionalProperties":{"type":"integer"}},{"properties":{"b":{"minimum":5}}}]}`,
		yes: []string{`{"a":"x","b":5}`, `{"c":1}`}, no: []string{`{"b":4}`, `{"b":"x"}`, `{"c":"x"}`}},
	{name: "oneOf of types", schema: `{"oneOf":[{"type":"string"},{"type":"integer"},{"type":"array","items":{"type":"string"}}]}`, yes: []string{`""`, `1`, `[""]`}, no: []string{`[1]`, `null`}},
	{name: "oneOf by discriminator", schema: `{"oneOf":[{"type":"object","properties":{"t":{"const":"a"},"x":{}},"required":["t"]},{"type":"object","properties":{"t":{"enum":["b","c"]}},"required":["t"]}]}`,
		yes: []string{`{"t":"a"}`, `{"t":"c"}`}, no: []string{`{"t":"d"}`, `{}`}},
	{name: "ref", schema: `{"$ref":"#/$defs/a~1b%25","$defs":{"a/b%":{"type":"integer"}}}`, yes: []string{`1`}, no: []string{`""`}},
	{name: "ref with siblings", schema: `{"$ref":"#/$defs/n","maximum":5,"$defs":{"n":{"type":"integer","minimum":3}}}`, yes: []string{`3`, `5`}, no: []string{`2`, `6`}},
	{name: "ref siblings before 2019", schema: `{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/definitions/n","maximum":5,"definitions":{"n":{"type":"integer","minimum":3}}}`, yes: []string{`3`, `6`}, no: []string{`2`}},
	{name: "ref to any place", schema: `{"type":"object","properties":{"a":{"type":"integer"},"b":{"$ref":"#/properties/a"}},"additionalProperties":false,"required":["b"]}`, yes: []string{`{"b":1}`}, no: []string{`{"b":""}`}},
	{name: "recursive under the empty name", schema: `{"type":["object","null"],"properties":{"":{"$ref":""}},"additionalProperties":false}`,
		yes: []string{`null`, `{}`, `{"":null}`, `{"":{"":{}}}`}, no: []string{`1`, `{"":1}`, `{"a":null}`}},
	{name: "recursive", schema: `{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#"}},"required":["v"],"additionalProperties":false}`,
		yes: []string{`{"v":1}`, `{"v":1,"next":{"next":{"v":3},"v":2}}`}, no: []string{`{"v":1,"next":{}}`, `{"next":{"v":1}}`}},
	{name: "recursive with a sibling", schema: `{"$defs":{"t":{"type":"array","items":{"$ref":"#/$defs/t","maxItems":1}}},"$ref":"#/$defs/t","maxItems":3}`,
		yes: []string{`[]`, `[[],[],[[[]]]]`}, no: []string{`[[],[],[],[]]`, `[[[],[]]]`, `[[[[],[]]]]`}},
	{name: "recursion that must end", schema: `{"$defs":{"n":{"type":"object","properties":{"c":{"$ref":"#/$defs/n"}},"required":["c"]}},"type":"object","properties":{"x":{"$ref":"#/$defs/n"}},"additionalProperties":false}`,
		yes: []string{`{}`}, no: []string{`{"x":{}}`}},
	{name: "anchor and id", schema: `{"$id":"http://x.org/root.json","$defs":{"a":{"$anchor":"here","type":"integer"},"b":{"$id":"b.json","$defs":{"c":{"type":"null"}},"$ref":"#/$defs/c"},"d":{"type":"string"}},"anyOf":[{"$ref":"#here"},{"$ref":"b.json"},{"$ref":"http://x.org/root.json#/$defs/d"}],"$comment":""}`,
		yes: []string{`1`, `null`, `"s"`}, no: []string{`true`, `1.5`}},
	{name: "annotations", schema: `{"type":"integer","title":"t","description":"d","default":"x","examples":[1],"$comment":"c","deprecated":true,"format":"int32","x-extra":{"not":{}},"readOnly":true,"example":1,"optional":true,"$defs":{"u":{"not":{}}}}`,
		yes: []string{`1`}, no: []string{`""`}},
	{name: "keywords that concern other types", schema: `{"type":"string","minProperties":3,"uniqueItems":true,"multipleOf":3,"properties":{"a":{"not":{}}}}`, yes: []string{`""`}, no: []string{`{}`}},
	{name: "unsupported without effect", schema: `{"type":["array","object","number"],"uniqueItems":false,"patternProperties":{},"propertyNames":true,"minProperties":0,"if":{},"multipleOf":1}`, yes: []string{`[]`, `{}`, `1`}, no: []string{`1.5`, `""`}},
	{name: "minProperties met by required", schema: `{"type":"object","required":["a"],"minProperties":1}`, yes: []string{`{"a":1}`}, no: []string{`{}`}},
	{name: "model spacing", schema: `{"type":"object","properties":{"a":{"type":"array"},"b":{"const":{"x":[1,2],"y":{}}}}}`, opts: schema.Options{Whitespace: schema.Model},
		yes: []string{`{}`, `{"a": [1, 2], "b": {"x": [1, 2], "y": {}}}`, `{"a": []}`}, no: []string{`{"a":[]}`, `{ "a": []}`, `{"a": [1,2]}`, `{"a": [] }`, `{"b": {"x":[1,2],"y":{}}}`}},
	{name: "flexible spacing", schema: `{"type":"object","properties":{"a":{"type":"array"},"b":{"const":{"x":[1],"y":{}}}}}`, opts: schema.Options{Whitespace: schema.Flexible},
		yes: []string{`{}`, `{ }`, "{\n\t\"a\" : [ 1 ,2, [ ] ]\r\n}", `{"b":{ "x" :[ 1 ],"y": { }}}`}, no: []string{` {}`, `{} `, "{\u00a0}", `{"a":[1 2]}`, "{" + strings.Repeat(" ", 80) + "}"}},
	{name: "python names", schema: `{"type":"dict","properties":{"a":{"type":"float","required":true},"b":{"type":"list","items":{"type":"str"}},"c":{"type":"any"},"d":{"type":"Boolean"},"e":{"type":["int","None"]},"f":{"type":"array","enum":["x","y"]}},"additionalProperties":false}`,
		opts: schema.Options{PythonNames: true},
		yes:  []string{`{"a":1.5}`, `{"a":1,"b":["x"],"c":[{}],"d":true,"e":null,"f":["y"]}`}, no: []string{`{}`, `{"a":1,"b":[1]}`, `{"a":1,"d":1}`, `{"a":1,"e":""}`, `{"a":1,"f":["z"]}`}},
	{name: "draft 4 flags", schema: `{"type":"integer","minimum":1,"exclusiveMinimum":true,"maximum":3,"exclusiveMaximum":false}`, yes: []string{`2`, `3`}, no: []string{`1`, `4`}},
}

func TestSchemas(t *testing.T) {
	for _, c := range schemaCases {
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

// TestShared checks that schemas of one Compiler share the rules of free values, and
// that those are complete.
func TestShared(t *testing.T) {
	b := gbnf.NewBuilder()
	root := b.Declare("root")
	c := schema.New(b, schema.Options{Whitespace: schema.Model})
	value, err := c.AnyValue()
	if err != nil {
		t.Fatal(err)
	}
	object, err := c.AnyObject()
	if err != nil {
		t.Fatal(err)
	}
	before := b.Len()
	if again, err := c.AnyValue(); err != nil || again != value || b.Len() != before {
		t.Errorf("a second use adds %d rules: %v", b.Len()-before, err)
	}
	if e, err := schema.AnyValue(gbnf.NewBuilder(), schema.Options{}); err != nil || e == nil {
		t.Errorf("got %v, %v", e, err)
	}
	if e, err := schema.AnyObject(gbnf.NewBuilder(), schema.Options{}); err != nil || e == nil {
		t.Errorf("got %v, %v", e, err)
	}
	b.Define(root, gbnf.Concat(object, gbnf.Lit("\n"), value))
	g := b.Grammar(root)
	for text, want := range map[string]bool{
		"{}\n1": true, "{\"a\": [1, {}]}\n{\"b\": null}": true, "[]\n1": false, "{}\n": false, "{\"a\":1}\n1": false,
	} {
		if ruletest.Accepts(g, text) != want {
			t.Errorf("%q: accepted %v", text, !want)
		}
	}
}

func TestErrors(t *testing.T) {
	cases := []struct {
		name, schema string
		code         schema.Code
		pointer      string
		part         string
	}{
		{"not JSON", `{`, schema.ErrInvalid, "", "json"},
		{"not a schema", `[]`, schema.ErrInvalid, "", "array"},
		{"unknown type", `{"properties":{"a":{"type":"strin"}}}`, schema.ErrInvalid, "/properties/a/type", `"strin"`},
		{"python type without the option", `{"type":"dict"}`, schema.ErrInvalid, "/type", `"dict"`},
		{"type of type", `{"type":1}`, schema.ErrInvalid, "/type", "number"},
		{"enum", `{"enum":1}`, schema.ErrInvalid, "/enum", "list"},
		{"required flag", `{"type":"object","properties":{"a":{"type":"string","required":true}}}`, schema.ErrInvalid, "/properties/a/required", "flag"},
		{"required names", `{"required":[1]}`, schema.ErrInvalid, "/required", "number"},
		{"properties", `{"properties":[]}`, schema.ErrInvalid, "/properties", "array"},
		{"negative length", `{"type":"string","minLength":-1}`, schema.ErrInvalid, "/minLength", "-1"},
		{"fraction of a length", `{"maxLength":1.5}`, schema.ErrInvalid, "/maxLength", "1.5"},
		{"bad pattern", `{"pattern":"("}`, schema.ErrInvalid, "/pattern", "not closed"},
		{"backreference", `{"properties":{"a":{"pattern":"(x)\\1"}}}`, schema.ErrUnsupported, "/properties/a/pattern", "backreference"},
		{"distinct items that may run out", `{"type":"array","prefixItems":[{"type":"string"},{"const":"a"}],"minItems":2,"uniqueItems":true}`, schema.ErrUnsupported, "/uniqueItems", "not certain"},
		{"multipleOf with many remainders", `{"multipleOf":0.123456789}`, schema.ErrLimit, "/multipleOf", "remainders"},
		{"no multiple", `{"type":"integer","multipleOf":7,"minimum":8,"maximum":13}`, schema.ErrUnsatisfiable, "/multipleOf", "multiple"},
		{"multiples of zero", `{"multipleOf":0}`, schema.ErrInvalid, "/multipleOf", "greater"},
		{"enum with unsupported", `{"enum":[[1,1]],"uniqueItems":true}`, schema.ErrUnsatisfiable, "/enum", "no listed value"},
		{"lost reference", `{"items":{"$ref":"#/$defs/x"}}`, schema.ErrReference, "/items/$ref", "nothing at"},
		{"remote reference", `{"$ref":"http://example.org/x.json"}`, schema.ErrReference, "/$ref", "not in the document"},
		{"lost anchor", `{"$ref":"#x"}`, schema.ErrReference, "/$ref", "anchor"},
		{"loop", `{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}`, schema.ErrReference, "/$defs/a", "itself"},
		{"false", `false`, schema.ErrUnsatisfiable, "", "false"},
		{"required false", `{"type":"object","properties":{"a":false},"required":["a"]}`, schema.ErrUnsatisfiable, "/properties/a", "false"},
		{"required but closed", `{"type":"object","additionalProperties":false,"required":["a"]}`, schema.ErrUnsatisfiable, "/additionalProperties", "false"},
		{"types exclude", `{"type":"string","allOf":[{"type":"integer"}]}`, schema.ErrUnsatisfiable, "/allOf/0/type", "string"},
		{"bounds exclude", `{"type":"integer","minimum":5,"maximum":3}`, schema.ErrUnsatisfiable, "/maximum", "bounds"},
		{"no integer", `{"type":"integer","minimum":0.2,"maximum":0.8}`, schema.ErrUnsatisfiable, "/maximum", "integer"},
		{"lengths exclude", `{"type":"string","minLength":5,"maxLength":3}`, schema.ErrUnsatisfiable, "/maxLength", "minLength"},
		{"pattern and length", `{"type":"string","pattern":"^a{5}$","maxLength":3}`, schema.ErrUnsatisfiable, "/pattern", "matches"},
		{"pattern longer than the length", `{"type":"string","pattern":"ab","maxLength":1}`, schema.ErrUnsatisfiable, "/pattern", "matches"},
		{"pattern and lengths between", `{"type":"string","pattern":"^(aa)*$","minLength":3,"maxLength":3}`, schema.ErrUnsatisfiable, "/pattern", "matches"},
		{"pattern too large for states that matches nothing", `{"type":"string","pattern":"(a[]){99999}"}`, schema.ErrUnsatisfiable, "/pattern", "matches"},
		{"items exclude", `{"type":"array","minItems":5,"maxItems":3}`, schema.ErrUnsatisfiable, "/maxItems", "minItems"},
		{"items false", `{"type":"array","minItems":1,"items":false}`, schema.ErrUnsatisfiable, "/items", "false"},
		{"enum empty", `{"enum":[]}`, schema.ErrUnsatisfiable, "/enum", "no listed value"},
		{"enum filtered", `{"type":"integer","enum":["1","2"]}`, schema.ErrUnsatisfiable, "/enum", "no listed value"},
		{"const twice", `{"const":1,"enum":[2]}`, schema.ErrUnsatisfiable, "/enum", ""},
		{"endless", `{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`, schema.ErrUnsatisfiable, "/required", "without an end"},
		{"endless array", `{"type":"array","items":{"$ref":"#"},"minItems":1}`, schema.ErrUnsatisfiable, "/items", "items and members"},
		{"huge number", `{"type":"number","maximum":1e1000}`, schema.ErrLimit, "/maximum", "digits"},
		{"huge count", `{"type":"array","minItems":10000000000}`, schema.ErrLimit, "/minItems", "count"},
		{"pattern product", `{"type":"string","pattern":"^(ab)*$","minLength":3000000}`, schema.ErrLimit, "/pattern", "positions"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := schema.CompileText([]byte(c.schema), schema.Options{})
			var e *schema.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Code != c.code || e.Pointer != c.pointer || !strings.Contains(err.Error(), c.part) || !errors.Is(err, c.code) {
				t.Errorf("got %v at %q", err, e.Pointer)
			}
		})
	}
}

func TestTool(t *testing.T) {
	cases := []struct {
		name, parameters string
		yes, no          []string
	}{
		{"none", ``, []string{`{}`}, []string{`{"a":1}`, `null`}},
		{"null", `null`, []string{`{}`}, []string{`{"a":1}`}},
		{"empty", `{}`, []string{`{}`}, []string{`{"a":1}`}},
		{"no arguments", `{"type":"object","properties":{}}`, []string{`{}`}, []string{`{"a":1}`}},
		{"free", `{"type":"object"}`, []string{`{}`, `{"a": 1}`}, []string{`[]`}},
		{"no type", `{"properties":{"a":{"type":"int"},"b":{"type":"dict","properties":{}}}}`, []string{`{"a": 1, "b": {"x": 1}}`}, []string{`[]`, `1`, `{"c": 1}`}},
	}
	opts := schema.Options{Whitespace: schema.Model, ClosedObjects: true, PythonNames: true}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := gbnf.NewBuilder()
			root := b.Declare("root")
			e, err := schema.CompileTool(b, "f", []byte(c.parameters), opts)
			if err != nil {
				t.Fatal(err)
			}
			b.Define(root, e)
			g := b.Grammar(root)
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
	_, err := schema.CompileTool(gbnf.NewBuilder(), "get_weather", []byte(`{"properties":{"x":{"type":"array","prefixItems":[{"type":"string"},{"const":"a"}],"minItems":2,"uniqueItems":true}}}`), opts)
	if want := `schema: tools/get_weather: /properties/x/uniqueItems: keyword "uniqueItems": not supported`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	if _, err = schema.CompileTool(gbnf.NewBuilder(), "f", []byte(`{"type":"string"}`), opts); !errors.Is(err, schema.ErrUnsatisfiable) {
		t.Errorf("got %v", err)
	}
	if _, err = schema.CompileTool(gbnf.NewBuilder(), "f", []byte(`{`), opts); err == nil || !strings.Contains(err.Error(), "tools/f") {
		t.Errorf("got %v", err)
	}
}

func TestLimits(t *testing.T) {
	cases := []struct {
		name, schema string
		limits       schema.Limits
	}{
		{"Alternatives", `{"allOf":[{"anyOf":[{"title":"a"},{"minimum":1}]},{"anyOf":[{"minLength":1},{"minimum":2}]}]}`, schema.Limits{Alternatives: 3}},
		{"Depth", `{"allOf":[{"allOf":[{"allOf":[{"type":"string"}]}]}]}`, schema.Limits{Depth: 3}},
		{"Goals", `{"properties":{"a":{"minLength":1},"b":{"minLength":2},"c":{"minLength":3}}}`, schema.Limits{Goals: 2}},
		{"Rules", `{"properties":{"a":{"type":"object"},"b":{"type":"array"},"c":{"type":"array"}}}`, schema.Limits{Rules: 2}},
	}
	for _, c := range cases {
		_, err := schema.CompileText([]byte(c.schema), schema.Options{Limits: c.limits})
		var e *schema.LimitError
		if !errors.As(err, &e) || e.Name != c.name || e.Got <= e.Limit || !errors.Is(err, schema.ErrLimit) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}
