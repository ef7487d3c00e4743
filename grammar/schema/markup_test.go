package schema_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
	"github.com/callama/callama/internal/ojson"
)

// The notations of Qwen3-Coder and of GLM 4.5 and 4.7.
var markups = []schema.Markup{
	{Open: "<parameter=", Middle: ">\n", Close: "\n</parameter>", Between: "\n", After: "\n", End: "</parameter>"},
	{Open: "<arg_key>", Middle: "</arg_key>\n<arg_value>", Close: "</arg_value>", Between: "\n", After: "\n", End: "</arg_value>"},
	{Open: "<arg_key>", Middle: "</arg_key><arg_value>", Close: "</arg_value>", End: "</arg_value>"},
}

// readMarkup is the definition of what a reader gets: it looks for the ends of names and of
// values; those of JSON are where it is complete.
func readMarkup(t *testing.T, text string, m schema.Markup, args schema.Arguments) *ojson.Value {
	t.Helper()
	out := &ojson.Value{Kind: ojson.Object}
	if text == "" {
		return out
	}
	text, ok := strings.CutSuffix(text, m.After)
	if !ok {
		t.Fatalf("%q does not end in %q", text, m.After)
	}
	for first := true; text != ""; first = false {
		if !first {
			text, ok = strings.CutPrefix(text, m.Between)
		}
		head, rest, ok2 := strings.Cut(text, m.Middle)
		name, ok3 := strings.CutPrefix(head, m.Open)
		if !ok || !ok2 || !ok3 {
			t.Fatalf("no argument at %q", text)
		}
		value := ""
		for {
			before, after, ok := strings.Cut(rest, m.End)
			if !ok {
				t.Fatalf("no end of the value at %q", rest)
			}
			value, rest = value+before, after
			if json := args[name] == schema.JSONText; !json {
				break
			} else if _, err := ojson.Parse([]byte(value)); err == nil {
				break
			}
			value += m.End
		}
		value, ok = strings.CutSuffix(value, strings.TrimSuffix(m.Close, m.End))
		if !ok {
			t.Fatalf("%q does not end in %q", value, m.Close)
		}
		out.Members = append(out.Members, ojson.Member{Name: name, Value: args.Value(name, value)})
		text = rest
	}
	return out
}

func markupGrammar(text string, m schema.Markup, o schema.Options) (*gbnf.Grammar, schema.Arguments, error) {
	doc, err := ojson.Parse([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	b := gbnf.NewBuilder()
	e, args, err := schema.New(b, o).ToolMarkup("tool", doc, m)
	if err != nil {
		return nil, nil, err
	}
	return b.Grammar(b.Add("root", e).Rule), args, nil
}

func TestMarkup(t *testing.T) {
	for _, tt := range []struct {
		name, schema     string
		accepts, refuses []string // in the first notation, with the tags left out: "a=1;b=x"
	}{
		{"string and number", `{"properties":{"s":{"type":"string"},"n":{"type":"integer"}},"required":["s"]}`,
			[]string{"s=", "s=hello", "s=1;n=1", "n=1;s=true", "s=a\nb\n", "s=</param", "s={\"a\": 1}", "s=\n"},
			[]string{"", "n=1", "s=x;n=x", "s=x;s=y", "s=</parameter>", "s=x;m=1", "s=x</parameter>\n", "s=x;n=\"1\""}},
		{"pattern and length", `{"properties":{"s":{"type":"string","pattern":"^[a-z<\n]+$","maxLength":3}}}`,
			[]string{"", "s=abc", "s=a\n", "s=<<<"}, []string{"s=", "s=abcd", "s=A"}},
		{"long", `{"properties":{"s":{"type":"string","minLength":2,"maxLength":300}}}`,
			[]string{"s=ab", "s=" + strings.Repeat("é", 300)}, []string{"s=a", "s=" + strings.Repeat("a", 301)}},
		{"enum", `{"properties":{"s":{"enum":["a","b c",1,null]}},"required":["s"]}`,
			[]string{"s=a", "s=b c", "s=1", "s=null"}, []string{"s=\"a\"", "s=c", ""}},
		{"string or null", `{"properties":{"s":{"type":["string","null"]}}}`,
			[]string{"s=x", "s=null", "s=null and void", "s=12 Main St"}, []string{"s=12", "s=true", "s=[1", "s={}", "s= 1e5 "}},
		{"nested JSON", `{"properties":{"o":{"type":"object","properties":{"x":{"type":"string"}},"required":["x"],"additionalProperties":false}}}`,
			[]string{`o={"x": "y"}`, `o={"x": "</parameter>"}`}, []string{"o=x", `o={"x":"y"}`}},
		{"none", ``, []string{""}, []string{"a=1"}},
		{"open", `{"additionalProperties":{"type":"string"}}`, []string{"", "a=b", "a=b;c=d"}, []string{"=b", "a=1", "a=null"}},
		{"either shape", `{"anyOf":[{"properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false},{"properties":{"a":{"type":"integer"},"b":{"type":"null"}},"required":["a","b"],"additionalProperties":false}]}`,
			[]string{"a=x", "a=1;b=null"}, []string{"a=1", "a=x;b=null", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, m := range markups {
				text := tt.schema
				if text == "" {
					text = "{}"
				}
				g, _, err := markupGrammar(text, m, schema.Options{Whitespace: schema.Model, ClosedObjects: true})
				if err != nil {
					t.Fatal(err)
				}
				write := func(short string) string {
					if short == "" {
						return ""
					}
					var parts []string
					for pair := range strings.SplitSeq(short, ";") {
						name, value, _ := strings.Cut(pair, "=")
						parts = append(parts, m.Open+name+m.Middle+strings.ReplaceAll(value, "</parameter>", m.End)+m.Close)
					}
					return strings.Join(parts, m.Between) + m.After
				}
				for _, s := range tt.accepts {
					if !ruletest.Accepts(g, write(s)) {
						t.Errorf("refuses %q\n%s", write(s), g)
					}
				}
				for _, s := range tt.refuses {
					if ruletest.Accepts(g, write(s)) {
						t.Errorf("accepts %q", write(s))
					}
				}
			}
		})
	}
}

func TestMarkupErrors(t *testing.T) {
	for _, tt := range []struct{ name, schema, want string }{
		{"name", `{"properties":{"a>b":{"type":"string"}}}`, `"a>b" cannot be written`},
		{"value", `{"properties":{"a":{"enum":["</parameter>"]}},"required":["a"]}`, "none of the values"},
		{"unsatisfiable", `{"properties":{"a":false},"required":["a"]}`, "nothing satisfies"},
	} {
		if _, _, err := markupGrammar(tt.schema, markups[0], schema.Options{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestRandomMarkup: what is written under random schemas is valid as a reader takes it, and
// valid arguments that the notation can hold are accepted.
func TestRandomMarkup(t *testing.T) {
	count := 1500
	if testing.Short() {
		count = 200
	}
	compiled, accepted := 0, 0
	for seed := range count {
		w := &schemaWriter{rand.New(rand.NewPCG(uint64(seed), 8))}
		text := strings.Replace(w.document(), `{`, `{"minProperties":0,`, 1)
		doc, err := ojson.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		judge, err := validator(doc)
		if err != nil {
			t.Fatal(err)
		}
		m := markups[seed%len(markups)]
		g, args, err := markupGrammar(text, m, schema.Options{Spelling: schema.AnySpelling})
		var e *schema.Error
		if err != nil {
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			continue
		}
		compiled++
		gen := ruletest.NewGenerator(g, uint64(seed))
		for _, size := range []int{0, 10, 40} {
			s, ok := gen.Text(size)
			if !ok {
				t.Fatalf("seed %d: no text: %s", seed, text)
			}
			v := spelled(readMarkup(t, s, m, args), true)
			parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(v))
			if err != nil {
				t.Fatal(err)
			}
			if err := judge.Validate(parsed); err != nil && !repeats(v) {
				t.Errorf("seed %d: %q is read as %s, invalid under %s: %v", seed, s, v, text, err)
			}
		}
		for range 20 {
			v, err := ojson.Parse([]byte(w.value(3)))
			if err != nil || v.Kind != ojson.Object || !plain(v, args) {
				continue
			}
			parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(spelled(v, true)))
			if err != nil {
				t.Fatal(err)
			}
			got, want := ruletest.Accepts(g, inMarkup(v, m)), judge.Validate(parsed) == nil
			if got != want {
				t.Errorf("seed %d: %q accepted %v, valid %v under %s", seed, inMarkup(v, m), got, want, text)
			}
			if got {
				accepted++
			}
		}
	}
	if compiled < count/6 || accepted < count/20 {
		t.Errorf("%d compiled, %d values accepted of %d schemas", compiled, accepted, count)
	}
}

func inMarkup(v *ojson.Value, m schema.Markup) string {
	var parts []string
	for _, member := range v.Members {
		text := spelled(member.Value, true)
		if member.Value.Kind == ojson.String {
			text = member.Value.Text
		}
		parts = append(parts, m.Open+member.Name+m.Middle+text+m.Close)
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, m.Between) + m.After
}

// plain reports whether the notation holds a value.
func plain(v *ojson.Value, args schema.Arguments) bool {
	for _, m := range v.Members {
		if m.Name == "" || strings.ContainsAny(m.Name, "<>\n") {
			return false
		}
		if m.Value.Kind == ojson.String && args.Value(m.Name, m.Value.Text).Kind != ojson.String {
			return false
		}
	}
	return true
}

// repeats reports whether an object in a text gives a name twice. In markup, names
// that are not declared may repeat, and a validator sees the last of them only.
func repeats(text string) bool {
	dec := json.NewDecoder(strings.NewReader(text))
	type level struct {
		names  map[string]bool
		inName bool
	}
	stack := []level{{}}
	for {
		tok, err := dec.Token()
		if err != nil {
			return false
		}
		top := &stack[len(stack)-1]
		if name, ok := tok.(string); ok && top.names != nil && top.inName {
			if top.names[name] {
				return true
			}
			top.names[name], top.inName = true, false
			continue
		}
		top.inName = true
		switch tok {
		case json.Delim('{'):
			stack = append(stack, level{names: make(map[string]bool), inName: true})
		case json.Delim('['):
			stack = append(stack, level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
	}
}
