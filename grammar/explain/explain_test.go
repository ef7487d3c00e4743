package explain_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/explain"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
	"github.com/callama/callama/internal/ojson"
)

// subjectOf makes the subject of one schema.
func subjectOf(t testing.TB, text string, o schema.Options) explain.Subject {
	t.Helper()
	doc, err := ojson.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o.Trace = true
	s := explain.Subject{Schemas: []explain.Schema{{Doc: doc}}, Options: o}
	s.Compile = func(docs []explain.Schema, o schema.Options) (*gbnf.Grammar, error) {
		return schema.CompileText(docs[0].Doc.Append(nil, ojson.Compact), o)
	}
	if s.Grammar, err = s.Compile(s.Schemas, o); err != nil {
		t.Fatal(err)
	}
	return s
}

func walk(t testing.TB, s explain.Subject, v explain.Vocabulary, text string) *explain.Report {
	t.Helper()
	r, err := explain.Walk(t.Context(), s, v, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestCauses: the byte, what was expected, the place and the keyword or option to blame.
func TestCauses(t *testing.T) {
	strict := schema.Options{Order: schema.SchemaOrder, Whitespace: schema.Model}
	person := `{"type":"object","additionalProperties":false,"required":["name","age"],"properties":{
		"name":{"type":"string","maxLength":5},"age":{"type":"integer","minimum":10,"maximum":99},
		"tags":{"type":"array","items":{"enum":["new","old"]},"maxItems":2},"when":{"$ref":"#/$defs/when"}},
		"$defs":{"when":{"type":"string","format":"date"}}}`
	for _, tt := range []struct {
		name, schema string
		options      schema.Options
		text         string
		before       string // what is accepted
		expected     string // one of what is expected
		pointer      string // of the first place
		cause        string // keyword pointers and options, joined
	}{
		{"type", person, strict, `{"name": 5`, `{"name": `, "`\"`", "/properties/name", "/properties/name/type"},
		{"maxLength", person, strict, `{"name": "Bertha"`, `{"name": "Berth`, "`\"`", "/properties/name", "/properties/name/maxLength"},
		{"minimum", person, strict, `{"name": "B", "age": 7}`, `{"name": "B", "age": 7`, "[0-9]", "/properties/age", "/properties/age/minimum"},
		{"maximum", person, strict, `{"name": "B", "age": 123`, `{"name": "B", "age": 12`, "`, `", "", "/properties/age/maximum"},
		{"required", person, strict, `{"name": "B"}`, `{"name": "B"`, "`, `", "", "/required"},
		{"no such property", person, strict, `{"name": "B", "age": 12, "size"`, `{"name": "B", "age": 12, "`, "`tags\": `", "", "/additionalProperties"},
		{"enum", person, strict, `{"name": "B", "age": 12, "tags": ["odd"`, `{"name": "B", "age": 12, "tags": ["o`, "`ld\"`", "/properties/tags/items", "/properties/tags/items/enum"},
		{"maxItems", person, strict, `{"name": "B", "age": 12, "tags": ["new", "new", "new"`, `{"name": "B", "age": 12, "tags": ["new", "new"`, "`]`", "/properties/tags", "/properties/tags/maxItems"},
		{"reference", person, strict, `{"name": "B", "age": 12, "when": "2024-13`, `{"name": "B", "age": 12, "when": "2024-1`, "`2-`", "/properties/when", "/$defs/when/format"},
		{"order", person, strict, `{"age": 12`, `{"`, "`name\": `", "", "properties come in the schema's order (--order any lifts it)"},
		{"white space", person, strict, `{ "name"`, `{`, "`\"name\": `", "", "white space is fixed (--whitespace flexible lifts it)"},
		{"spelling", person, strict, `{"name": "\u0041"`, `{"name": "\u00`, "`1`", "/properties/name", "values have one spelling: no escapes that are not needed, integers without fraction or exponent"},
		{"closed", `{"type":"object","properties":{"a":{"type":"null"}}}`, schema.Options{ClosedObjects: true}, `{"b"`, `{"`, "`a\":`", "", "objects of tools have the properties that they declare, and no others"},
		{"digits", `{"type":"integer"}`, schema.Options{}, `1234567890123456789`, `123456789012345678`, "the end", "", "values have one spelling: no escapes that are not needed, integers without fraction or exponent; the digits of numbers are bounded"},
		{"either branch", `{"anyOf":[{"type":"integer"},{"type":"boolean"}]}`, schema.Options{}, `"`, ``, "`true`", "", "/anyOf/0/type; /anyOf/1/type"},
		{"both at once", `{"type":"string","maxLength":2,"pattern":"^a*$"}`, schema.Options{}, `"aab`, `"aa`, "`\"`", "", ""},
		{"not JSON", `{"type":"object"}`, schema.Options{}, `{"a":]`, `{"a":`, "[\"\\-0-9[{]", "", ""},
		{"the end", `{"type":"boolean"}`, schema.Options{}, `true!`, `true`, "the end", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := walk(t, subjectOf(t, tt.schema, tt.options), explain.Vocabulary{}, tt.text)
			if r.Outcome != explain.Refused {
				t.Fatalf("the text is %s", r.Outcome)
			}
			f := r.Refusal
			if got := tt.text[:f.Offset]; got != tt.before {
				t.Errorf("refused after %q, want %q", got, tt.before)
			}
			if !contains(f.Expected, tt.expected) {
				t.Errorf("expected %q, want %q among them", f.Expected, tt.expected)
			}
			if len(f.Places) > 0 && strings.Join(f.Places[0].Pointers, " ") != tt.pointer {
				t.Errorf("places %+v, want the first at %q", f.Places, tt.pointer)
			}
			var causes []string
			for _, c := range f.Causes {
				causes = append(causes, c.Pointer+c.Option)
			}
			if got := strings.Join(causes, "; "); got != tt.cause {
				t.Errorf("because of %q, want %q", got, tt.cause)
			}
			// What is proposed as the shortest end is one.
			if tt.name != "the end" {
				end := walk(t, subjectOf(t, tt.schema, tt.options), explain.Vocabulary{}, tt.before+f.Shortest)
				if end.Outcome != explain.Valid {
					t.Errorf("the end %q leaves the text %s", f.Shortest, end.Outcome)
				}
			}
		})
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func TestOutcomes(t *testing.T) {
	s := subjectOf(t, `{"enum":["yes","no"]}`, schema.Options{})
	if r := walk(t, s, explain.Vocabulary{}, `"yes"`); r.Outcome != explain.Valid || r.Refusal != nil || len(r.Steps) != 6 {
		t.Errorf("%+v", r)
	}
	r := walk(t, s, explain.Vocabulary{}, `"ye`)
	if r.Outcome != explain.Incomplete || r.Refusal.Shortest != `s"` || r.Refusal.Offset != 3 {
		t.Errorf("%+v %+v", r, r.Refusal)
	}
	last := r.Steps[len(r.Steps)-1]
	if last.Forced != `s"` || last.Least != 2 || last.Allowed != 1 || last.MayEnd || last.Token != -1 || last.Text != "" {
		t.Errorf("%+v", last)
	}
	if r := walk(t, s, explain.Vocabulary{}, "\"y\xff"); r.Refusal.Got != `\xff` {
		t.Errorf("a byte that is no UTF-8 is shown as %q", r.Refusal.Got)
	}
	if _, err := explain.Walk(t.Context(), s, explain.Vocabulary{}, make([]byte, explain.MaxText+1)); err == nil {
		t.Error("a text of any length is walked")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := explain.Walk(stopped, s, explain.Vocabulary{}, []byte(`"yes"`)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestTokens: tokens across places, tokens as units, and what a token's refusal points at.
func TestTokens(t *testing.T) {
	v, err := vocab.New(vocab.Config{Tokens: [][]byte{[]byte("a"), []byte("b"), []byte("ab"), []byte("<x>"), []byte("</s>")},
		Special: []bool{false, false, false, true, true}, EOG: []int32{4}})
	if err != nil {
		t.Fatal(err)
	}
	voc := explain.Vocabulary{Vocab: v, Encode: func(s string) []int32 {
		return map[string][]int32{"a": {0}, "ab": {2}, "b": {1}, "abb": {2, 1}}[s]
	}}
	g, err := gbnf.Parse(`root ::= "a" <x> "b"? "a"`)
	if err != nil {
		t.Fatal(err)
	}
	s := explain.Subject{Grammar: g}
	r := walk(t, s, voc, "a<x>a")
	if r.Outcome != explain.Valid || len(r.Steps) != 4 || r.Steps[1].Token != 3 || r.Steps[1].Text != "<x>" {
		t.Errorf("%+v", r)
	}
	r = walk(t, s, voc, "a<x>abb")
	if f := r.Refusal; r.Outcome != explain.Refused || f.Offset != 5 || f.Got != "b" || f.Token != 2 {
		t.Errorf("%+v %+v", r, f)
	}
	r = walk(t, s, voc, "ab")
	if f := r.Refusal; f.Offset != 1 || f.Expected[0] != "token <x>" {
		t.Errorf("%+v", f)
	}
	voc.Tokens = []int32{0, 0}
	if r := walk(t, s, voc, "aa"); r.Outcome != explain.Refused || r.Refusal.Offset != 1 {
		t.Errorf("%+v", r)
	}
}

// TestReadable: classes of bytes in words.
func TestReadable(t *testing.T) {
	for _, tt := range []struct{ gbnf, text, want string }{
		{`root ::= [^"\\\x00-\x1f]`, "", `any character but [\x00-\x1f"\\]`},
		{`root ::= .`, "", "any character"},
		{`root ::= [à-ü]`, "", "a character above ASCII"},
		{`root ::= [à-ü]`, "\xc3", "the rest of a character above ASCII"},
		{`root ::= [0-9a-f_]`, "", "`_`, [0-9a-f]"},
		{`root ::= [0-9ü]`, "", "`ü`, [0-9]"},
		{"root ::= \"\\t\\n\"", "", "`\\t\\n`"},
	} {
		g, err := gbnf.Parse(tt.gbnf)
		if err != nil {
			t.Fatal(err)
		}
		r := walk(t, explain.Subject{Grammar: g}, explain.Vocabulary{}, tt.text)
		if got := strings.Join(r.Refusal.Expected, ", "); got != tt.want {
			t.Errorf("%s after %q: %s, want %s", tt.gbnf, tt.text, got, tt.want)
		}
	}
}

// FuzzWalk: no schema and no text panics, and the walk agrees with itself: what it calls the
// shortest end is one.
func FuzzWalk(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"type":"integer"}}}`, `{"a":1}`)
	f.Add(`{"type":"array","items":{"$ref":"#"},"maxItems":2}`, `[[],[[],[]],[]]`)
	f.Add(`{"oneOf":[{"const":1},{"pattern":"^a+$"}]}`, `"aab"`)
	f.Fuzz(func(t *testing.T, text, instance string) {
		doc, err := ojson.Parse([]byte(text))
		if err != nil || len(text) > 2000 || len(instance) > 500 {
			return
		}
		o := schema.Options{Trace: true, Limits: schema.Limits{Goals: 200, Rules: 2000, Alternatives: 50, Depth: 20}}
		g, err := schema.CompileText([]byte(text), o)
		if err != nil {
			return
		}
		s := explain.Subject{Grammar: g, Schemas: []explain.Schema{{Doc: doc}}, Options: o,
			Compile: func(docs []explain.Schema, o schema.Options) (*gbnf.Grammar, error) {
				return schema.CompileText(docs[0].Doc.Append(nil, ojson.Compact), o)
			}}
		r, err := explain.Walk(t.Context(), s, explain.Vocabulary{}, []byte(instance))
		if err != nil {
			return
		}
		if f := r.Refusal; f != nil && len(f.Shortest) < 100 && !strings.Contains(f.Shortest, `\x`) {
			s.Compile = nil
			end, err := explain.Walk(t.Context(), s, explain.Vocabulary{}, []byte(instance[:f.Offset]+f.Shortest))
			if err != nil || end.Outcome != explain.Valid {
				t.Fatalf("%s: after %q the end %q leaves the text %v (%v)", text, instance[:f.Offset], f.Shortest, end, err)
			}
		}
	})
}
