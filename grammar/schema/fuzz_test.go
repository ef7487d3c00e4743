package schema_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
	"github.com/callama/callama/internal/ojson"
)

// atLeastThousands finds lists and objects whose instances the generator, which compares all that must differ, takes minutes for.
var atLeastThousands = regexp.MustCompile(`"min(Items|Properties|Contains)"\s*:\s*[0-9.eE+]{4}`)

// FuzzCompile compiles arbitrary schemas: it must not panic, and what it writes must be
// valid for the independent validator.
func FuzzCompile(f *testing.F) {
	for i, c := range append(slices.Clone(schemaCases), coverageCases...) {
		f.Add(c.schema, uint8(i))
	}
	limits := schema.Limits{Goals: 300, Rules: 500, Alternatives: 60, Depth: 40, Pattern: regex.Limits{NFAStates: 500, States: 100, Steps: 20_000}}
	f.Fuzz(func(t *testing.T, text string, flags uint8) {
		doc, err := ojson.Parse([]byte(text))
		if err != nil || len(text) > 2000 {
			return
		}
		opts := schema.Options{
			Order: schema.Order(flags & 1), Whitespace: schema.Whitespace(flags >> 1 % 3),
			ClosedObjects: flags&32 != 0, PythonNames: flags&64 != 0, Limits: limits,
		}
		b := gbnf.NewBuilder()
		root := b.Declare("root")
		c := schema.New(b, opts)
		compile := c.Compile
		if flags&128 != 0 {
			compile = c.Tool
		}
		e, err := compile("x", doc)
		if err != nil {
			return
		}
		b.Define(root, e)
		g := b.Grammar(root)
		if atLeastThousands.MatchString(text) {
			return
		}
		judge, err := validator(schema.Normalize(doc, opts))
		w := ruletest.NewGenerator(g, uint64(flags))
		for _, size := range []int{0, 10, 30} {
			s, ok := w.Text(size)
			if !ok {
				t.Fatalf("compiles and has no instance: %s", text)
			}
			v, jsonErr := jsonschema.UnmarshalJSON(strings.NewReader(s))
			if jsonErr != nil {
				t.Fatalf("not JSON: %s: %v", s, jsonErr)
			}
			if err != nil || strings.Contains(text, "$dynamic") || strings.Contains(text, "$vocabulary") || flags&128 != 0 {
				continue // no second opinion, or one on something else
			}
			if err := judge.Validate(v); err != nil {
				t.Fatalf("invalid under %s: %s: %v", text, s, err)
			}
		}
	})
}

func BenchmarkTool(b *testing.B) {
	doc, err := ojson.Parse([]byte(`{"type":"object","properties":{"city":{"type":"string","description":"Name of the city"},
		"unit":{"type":"string","enum":["celsius","fahrenheit"]},"days":{"type":"integer","minimum":1,"maximum":14},
		"fields":{"type":"array","items":{"type":"string"}}},"required":["city"]}`))
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name string
		opts schema.Options
	}{{"closed=true", schema.Options{ClosedObjects: true}}, {"closed=false", schema.Options{}}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := schema.New(gbnf.NewBuilder(), bench.opts).Tool("f", doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
