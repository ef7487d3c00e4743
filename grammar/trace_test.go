package grammar_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
)

// TestTraceAgrees: a trace follows the same texts as the definition, with the same ends.
func TestTraceAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	rounds := 1500
	if testing.Short() {
		rounds = 150
	}
	for range rounds {
		g := randomGrammar(r)
		o := newOracle(g)
		tr, err := grammar.NewTrace(g, nil)
		if errors.Is(err, grammar.ErrEmpty) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for range 8 {
			member, viable := o.check(text)
			if !viable || tr.Accepting() != member {
				t.Fatalf("%q: viable %v, in the language %v, the trace says %v\n%s", text, viable, member, tr.Accepting(), g)
			}
			positions, _ := tr.Positions(100)
			checkPositions(t, tr, positions, text, g)
			if short := text + string(tr.Shortest(1000)); len(short)-len(text) != tr.MinBytes() {
				t.Fatalf("%q: %d bytes to the end, the shortest completion is %q\n%s", text, tr.MinBytes(), short, g)
			} else if ends, _ := o.check(short); !ends {
				t.Fatalf("%q: the shortest completion %q is not in the language\n%s", text, short, g)
			}
			b := "abc,\xc3\xa9"[r.IntN(6)]
			_, next := o.check(text + string([]byte{b}))
			if tr.Accept(b) != next {
				t.Fatalf("%q: the trace disagrees about %q\n%s", text, b, g)
			}
			if next {
				text += string([]byte{b})
			}
		}
	}
}

// checkPositions: all positions together continue with exactly the possible bytes.
func checkPositions(t *testing.T, tr *grammar.Trace, positions []grammar.Position, text string, g *gbnf.Grammar) {
	t.Helper()
	var some [256]bool
	for _, p := range positions {
		if p.Frames[0].Kind != grammar.RuleFrame || p.Frames[0].Rule != g.Root {
			t.Fatalf("%q: a stack begins with %+v", text, p.Frames[0])
		}
		for _, s := range p.Steps {
			for b := int(s.Lo); b <= int(s.Hi); b++ {
				some[b] = true
			}
		}
	}
	if some != tr.Possible() {
		t.Fatalf("%q: the steps are not the possible bytes\n%s", text, g)
	}
}

// TestTraceFrames: the stack names the rules in which the text stands, also those called in
// last place, and the places of the schema.
func TestTraceFrames(t *testing.T) {
	names := func(tr *grammar.Trace) string {
		positions, _ := tr.Positions(10)
		var lines []string
		for _, p := range positions {
			var parts []string
			for _, f := range p.Frames {
				switch f.Kind {
				case grammar.RuleFrame:
					part := tr.Rule(f).Name
					if s := tr.Rule(f).Source; s != nil {
						part += "(" + strings.Join(s.Pointers, " ") + ")"
					}
					parts = append(parts, part)
				case grammar.RepeatFrame:
					parts = append(parts, "item")
				case grammar.MemberFrame:
					parts = append(parts, "member")
				case grammar.SeparatorFrame:
					parts = append(parts, "separator")
				}
			}
			lines = append(lines, strings.Join(parts, " "))
		}
		return strings.Join(lines, "; ")
	}
	for _, tt := range []struct{ name, gbnf, schema, text, want string }{
		{"last place", "root ::= a\na ::= \"x\" b\nb ::= \"yz\"", "", "xy", "root a b"},
		{"right recursion", "root ::= \"(\" text \")\"\ntext ::= [a-z] text | \"\"", "", "(abc", "root; root text"},
		{"counter", "root ::= (x \",\"){10}\nx ::= \"ab\"", "", "ab,a", "root item x"},
		{"place", "", `{"type":"object","properties":{"a":{"type":"integer"},"b":{"items":{"enum":["x"]}}}}`, `{"b":["`,
			"root schema() member schema-b(/properties/b) schema-b-item(/properties/b/items)"},
		{"integer", "", `{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}`, `{"a":1`,
			"root schema(); root schema() member schema-a(/properties/a) item"},
		{"merged", "", `{"allOf":[{"properties":{"a":{"minLength":1}}},{"properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}],"type":"object"}`, `{"a":"`,
			"root schema() member schema-a(/allOf/0/properties/a /allOf/1/properties/a)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := gbnf.Parse(tt.gbnf)
			if tt.schema != "" {
				g, err = schema.CompileText([]byte(tt.schema), schema.Options{Trace: true})
			}
			if err != nil {
				t.Fatal(err)
			}
			tr, err := grammar.NewTrace(g, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range len(tt.text) {
				if !tr.Accept(tt.text[i]) {
					t.Fatalf("refused at byte %d\n%s", i, g)
				}
			}
			if got := names(tr); got != tt.want {
				t.Errorf("%q: %s, want %s\n%s", tt.text, got, tt.want, g)
			}
		})
	}
}
