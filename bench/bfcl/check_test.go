package bfcl

import (
	"strings"
	"testing"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/internal/ojson"
)

func parse(t testing.TB, text string) *ojson.Value {
	t.Helper()
	v, err := ojson.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// TestParameter judges one argument, of the function f(x), with the rules written out:
// schema of x, the alternatives of the answer, arguments, and what must be wrong.
func TestParameter(t *testing.T) {
	for _, tc := range []struct {
		name, schema, answer, arguments, fault string
	}{
		{"a number", `{"type": "integer"}`, `[5]`, `{"x": 5}`, ""},
		{"another number", `{"type": "integer"}`, `[5]`, `{"x": 6}`, "want one of [5]"},
		{"one of several", `{"type": "integer"}`, `[5, 6]`, `{"x": 6}`, ""},
		{"a float where an integer is declared", `{"type": "integer"}`, `[5]`, `{"x": 5.0}`, "not of type integer"},
		{"an integer where a float is declared", `{"type": "float"}`, `[5.0]`, `{"x": 5}`, ""},
		{"an integer for an answer without a point", `{"type": "float"}`, `[5]`, `{"x": 5}`, ""},
		{"an exponent", `{"type": "float"}`, `[500]`, `{"x": 5e2}`, ""},
		{"a number as a string", `{"type": "integer"}`, `[5]`, `{"x": "5"}`, "not of type integer"},
		{"a boolean is no integer", `{"type": "integer"}`, `[1]`, `{"x": true}`, "not of type integer"},
		{"a boolean", `{"type": "boolean"}`, `[true]`, `{"x": true}`, ""},
		{"the other boolean", `{"type": "boolean"}`, `[true]`, `{"x": false}`, "want one of"},
		{"a large integer", `{"type": "integer"}`, `[9007199254740993]`, `{"x": 9007199254740992}`, "want one of"},
		{"null", `{"type": "string"}`, `["a"]`, `{"x": null}`, "not of type string"},

		{"case and punctuation", `{"type": "string"}`, `["April 1, 2024"]`, `{"x": "april 1 2024"}`, ""},
		{"every character that is dropped", `{"type": "string"}`, `["abc"]`, `{"x": "a ,./-_*^bC"}`, ""},
		{"quotes", `{"type": "string"}`, `["it's"]`, `{"x": "it\"s"}`, ""},
		{"other characters count", `{"type": "string"}`, `["a(b)"]`, `{"x": "ab"}`, "want one of"},
		{"another word", `{"type": "string"}`, `["Paris", "Paris, France"]`, `{"x": "Lyon"}`, "want one of"},
		{"any is a string", `{"type": "any"}`, `["mapArea"]`, `{"x": "maparea"}`, ""},
		{"any with a number as the answer", `{"type": "any"}`, `[5]`, `{"x": 5}`, ""},

		{"a variable in place of a number", `{"type": "integer"}`, `["count"]`, `{"x": "count"}`, ""},
		{"a variable is compared exactly", `{"type": "integer"}`, `["count"]`, `{"x": "Count"}`, "want one of"},
		{"a value where a variable is meant", `{"type": "integer"}`, `["count"]`, `{"x": 5}`, "want one of"},

		{"a list", `{"type": "array", "items": {"type": "integer"}}`, `[[1, 2]]`, `{"x": [1, 2]}`, ""},
		{"its order", `{"type": "array", "items": {"type": "integer"}}`, `[[1, 2]]`, `{"x": [2, 1]}`, "want one of"},
		{"its length", `{"type": "array", "items": {"type": "integer"}}`, `[[1, 2]]`, `{"x": [1]}`, "want one of"},
		{"the empty list", `{"type": "array", "items": {"type": "integer"}}`, `[[]]`, `{"x": []}`, ""},
		{"the empty list where it may be left out", `{"type": "array", "items": {"type": "integer"}}`, `[[1], ""]`, `{"x": []}`, ""},
		{"strings in a list", `{"type": "array", "items": {"type": "string"}}`, `[["New York", "LA"]]`, `{"x": ["new-york", "L.A."]}`, ""},
		{"the type of items", `{"type": "array", "items": {"type": "string"}}`, `[["5"]]`, `{"x": [5]}`, "not of type list"},
		{"items of the answer's type", `{"type": "array", "items": {"type": "float"}}`, `[[1, 2]]`, `{"x": [1, 2]}`, ""},
		{"integers among floats", `{"type": "array", "items": {"type": "float"}}`, `[[1.5, 2.0]]`, `{"x": [1.5, 2]}`, "not of type list"},
		{"floats among floats", `{"type": "array", "items": {"type": "float"}}`, `[[1.5, 2]]`, `{"x": [1.5, 2.0]}`, ""},
		{"a tuple", `{"type": "tuple", "items": {"type": "float"}}`, `[[1.5, 2.5]]`, `{"x": [1.5, 2.5]}`, ""},
		{"a list of lists", `{"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}`, `[[[1], [2]]]`, `{"x": [[1], [2]]}`, ""},
		{"a list without a type of items", `{"type": "array"}`, `[[1, "a"]]`, `{"x": [1, "A"]}`, ""},
		{"Java's list", `{"type": "ArrayList", "items": {"type": "String"}}`, `[["a"]]`, `{"x": ["a"]}`, ""},

		{"an object", `{"type": "dict"}`, `[{"a": [1], "b": ["x"]}]`, `{"x": {"b": "X", "a": 1}}`, ""},
		{"a member too many", `{"type": "dict"}`, `[{"a": [1]}]`, `{"x": {"a": 1, "b": 2}}`, "want one of"},
		{"a member too few", `{"type": "dict"}`, `[{"a": [1], "b": [2]}]`, `{"x": {"a": 1}}`, "want one of"},
		{"a member that may be left out", `{"type": "dict"}`, `[{"a": [1], "b": [2, ""]}]`, `{"x": {"a": 1}}`, ""},
		{"a member's value", `{"type": "dict"}`, `[{"a": [1, 2]}]`, `{"x": {"a": 3}}`, "want one of"},
		{"the second alternative", `{"type": "dict"}`, `["", {"a": [1]}, {"a": [3]}]`, `{"x": {"a": 3}}`, ""},
		{"JavaScript's object", `{"type": "HashMap"}`, `[{"a": [1]}]`, `{"x": {"a": 1}}`, ""},

		{"objects in a list", `{"type": "array", "items": {"type": "dict"}}`, `[[{"a": [1]}, {"a": [2]}]]`, `{"x": [{"a": 1}, {"a": 2}]}`, ""},
		{"their order", `{"type": "array", "items": {"type": "dict"}}`, `[[{"a": [1]}, {"a": [2]}]]`, `{"x": [{"a": 2}, {"a": 1}]}`, "want one of"},
		{"their number", `{"type": "array", "items": {"type": "dict"}}`, `[[{"a": [1]}]]`, `{"x": [{"a": 1}, {"a": 1}]}`, "want one of"},
		{"something else in the list", `{"type": "array", "items": {"type": "dict"}}`, `[[{"a": [1]}]]`, `{"x": ["a"]}`, "not of type list"},

		{"left out, and it may be", `{"type": "integer"}`, `[5, ""]`, `{}`, ""},
		{"left out, but it must not be", `{"type": "integer"}`, `[5]`, `{}`, `no "x", which the question gives`},
		{"an unknown parameter", `{"type": "integer"}`, `[5]`, `{"x": 5, "y": 1}`, `"y" is unexpected`},
		{"no type at all", `{}`, `["a"]`, `{"x": "A"}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := NewFunction("f", parse(t, `{"type": "dict", "properties": {"x": `+tc.schema+`}}`))
			answer, err := ParseAnswer(parse(t, `{"f": {"x": `+tc.answer+`}}`))
			if err != nil {
				t.Fatal(err)
			}
			v := Check([]*Function{f}, []Answer{answer}, []chat.Call{{Name: "f", Arguments: []byte(tc.arguments)}})
			if v.Right != (tc.fault == "") || !strings.Contains(v.Fault, tc.fault) || !v.Names || (v.Fault == "") != v.Right {
				t.Errorf("%+v, want the fault %q", v, tc.fault)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	functions := []*Function{
		NewFunction("f", parse(t, `{"properties": {"n": {"type": "integer"}, "s": {"type": "string"}}, "required": ["n"]}`)),
		NewFunction("g.h", parse(t, `{"properties": {}}`)),
	}
	f := func(n string) string { return `{"f": {"n": [` + n + `], "s": ["", "a"]}}` }
	for _, tc := range []struct {
		name, answers string
		calls         []chat.Call
		names         bool
		fault         string
	}{
		{"the same order", `[` + f("1") + `, ` + f("2") + `]`, []chat.Call{{Name: "f", Arguments: []byte(`{"n": 1}`)}, {Name: "f", Arguments: []byte(`{"n": 2}`)}}, true, ""},
		{"another order", `[` + f("1") + `, {"g.h": {}}]`, []chat.Call{{Name: "g.h", Arguments: []byte(`{}`)}, {Name: "f", Arguments: []byte(`{"n": 1}`)}}, true, ""},
		{"one call for two answers", `[` + f("1") + `, ` + f("1") + `]`, []chat.Call{{Name: "f", Arguments: []byte(`{"n": 1}`)}}, false, "1 calls, want 2"},
		{"a call too many", `[` + f("1") + `]`, []chat.Call{{Name: "f", Arguments: []byte(`{"n": 1}`)}, {Name: "f", Arguments: []byte(`{"n": 1}`)}}, false, "2 calls, want 1"},
		{"the same call twice", `[` + f("1") + `, ` + f("2") + `]`, []chat.Call{{Name: "f", Arguments: []byte(`{"n": 1}`)}, {Name: "f", Arguments: []byte(`{"n": 1}`)}}, true, "want one of [2]"},
		{"another name", `[` + f("1") + `]`, []chat.Call{{Name: "F", Arguments: []byte(`{"n": 1}`)}}, false, `calls "F", want "f"`},
		{"no call", `[` + f("1") + `]`, nil, false, "0 calls, want 1"},
		{"a required one is missing", `[{"f": {"n": [1, ""]}}]`, []chat.Call{{Name: "f", Arguments: []byte(`{}`)}}, true, `no "n", which is required`},
		{"broken arguments", `[` + f("1") + `]`, []chat.Call{{Name: "f", Arguments: []byte(`{"n"`)}}, true, "no JSON object"},
		{"arguments that are a list", `[` + f("1") + `]`, []chat.Call{{Name: "f", Arguments: []byte(`[1]`)}}, true, "no JSON object"},
		{"an unknown function", `[{"x": {}}]`, []chat.Call{{Name: "x", Arguments: []byte(`{}`)}}, true, `there is no function "x"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answers, err := ParseAnswers(parse(t, tc.answers))
			if err != nil {
				t.Fatal(err)
			}
			v := Check(functions, answers, tc.calls)
			if v.Right != (tc.fault == "") || v.Names != tc.names || !strings.Contains(v.Fault, tc.fault) {
				t.Errorf("%+v, want names %v and the fault %q", v, tc.names, tc.fault)
			}
		})
	}
}

func TestEqual(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{`1`, `1.0`, true}, {`1`, `1e0`, true}, {`true`, `1`, true}, {`false`, `0.0`, true}, {`1`, `"1"`, false},
		{`0.1`, `0.10`, true}, {`9007199254740993`, `9007199254740992.0`, false}, {`1e999`, `2e999`, true}, {`1e999`, `5`, false},
		{`null`, `null`, true}, {`null`, `0`, false}, {`[1, 2]`, `[1.0, 2]`, true}, {`[1]`, `[1, 2]`, false}, {`{"a": 1, "b": 2}`, `{"b": 2, "a": 1}`, true},
		{`{"a": 1}`, `{"a": 2}`, false}, {`{"a": 1}`, `{"b": 1}`, false}, {`"a"`, `"A"`, false},
		{strings.Repeat("1", 2*maxDigits), strings.Repeat("1", 2*maxDigits), true},
	} {
		if a, b := parse(t, tc.a), parse(t, tc.b); Equal(a, b) != tc.want || Equal(b, a) != tc.want {
			t.Errorf("%.40s and %.40s: want equal %v", tc.a, tc.b, tc.want)
		}
	}
}

// FuzzCheck judges calls against answers of any shape: no panic, and a call that is right
// is of the function.
func FuzzCheck(f *testing.F) {
	f.Add(`{"properties": {"x": {"type": "array", "items": {"type": "dict"}}}}`, `[{"f": {"x": [[{"a": [1]}], ""]}}]`, `{"x": [{"a": 1}]}`)
	f.Add(`{"properties": {"x": {"type": "dict"}}, "required": ["x"]}`, `[{"f": {"x": ["", 1, {"a": 5}]}}]`, `{"x": {"a": [null]}}`)
	f.Add(`{"properties": 1, "required": {"a": 1}}`, `[{"f": {}}]`, `{}`)
	f.Fuzz(func(t *testing.T, schema, answers, arguments string) {
		parameters, err1 := ojson.Parse([]byte(schema))
		truth, err2 := ojson.Parse([]byte(answers))
		if err1 != nil || err2 != nil {
			return
		}
		parsed, err := ParseAnswers(truth)
		if err != nil {
			return
		}
		v := Check([]*Function{NewFunction("f", parameters)}, parsed, []chat.Call{{Name: "f", Arguments: []byte(arguments)}})
		if v.Right && (len(parsed) != 1 || parsed[0].Name != "f" || !v.Names || v.Fault != "") {
			t.Errorf("%+v for %s", v, answers)
		}
	})
}
