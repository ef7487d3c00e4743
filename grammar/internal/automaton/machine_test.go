package automaton

import (
	"fmt"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
)

// machineSchemas make machines of names, patterns, formats, lengths and numbers.
var machineSchemas = []string{
	`{"type":"object","properties":{"a":{},"ab":{},"abc":{"type":"string"},"":{}}}`,
	`{"type":"object","properties":{"é":{},"éa":{},"ࠀ":{},"߿":{},"퟿":{},"":{},"😀":{},"😁x":{},"a😀":{}}}`,
	`{"type":"object","properties":{"\"":{},"\\":{},"\u0001":{},"\n":{},"\u007f":{},"a\u001fb":{},"/":{}}}`,
	`{"type":"object","patternProperties":{"^x-":{"type":"null"},"é$":{"type":"string"}},"additionalProperties":false}`,
	`{"type":"string","pattern":"^(\\w+[\\s\"]?é)+$","maxLength":12}`,
	`{"type":"string","pattern":"^(ab|c)*(d|[\\u{10000}-\\u{10FFFF}]e)*$","minLength":5,"maxLength":9}`,
	`{"type":"string","pattern":"[^a\\u0800]","minLength":3}`,
	`{"type":"string","format":"date-time"}`,
	`{"type":"string","format":"iri","maxLength":30}`,
	`{"type":"string","format":"idn-email"}`,
	`{"type":"string","not":{"enum":["a","é\n"]}}`,
	`{"type":["number","null"],"multipleOf":0.25,"minimum":-3.5}`,
	`{"type":"integer","exclusiveMaximum":-12,"multipleOf":7}`,
}

// TestMachines opens the states of machines and checks what machines say of them: bytes
// that edges tell apart are in different classes, calls before a byte are less high, and
// the distance is that of a way to the end.
func TestMachines(t *testing.T) {
	for _, spelling := range []schema.Spelling{schema.Canonical, schema.AnySpelling} {
		for _, text := range machineSchemas {
			t.Run(fmt.Sprint(spelling, text), func(t *testing.T) {
				g, err := schema.CompileText([]byte(text), schema.Options{Spelling: spelling})
				if err != nil {
					t.Fatal(err)
				}
				p, err := Compile(g, Options{})
				if err != nil {
					t.Fatal(err)
				}
				checkStates(t, p)
			})
		}
	}
}

func checkStates(t *testing.T, p *Program) {
	const most = 5000 // states
	machines := 0
	for s := int32(0); s < p.states.Len() && s < most; s++ {
		if k := p.states.At(s).callee; k != -1 {
			if isLater(k) {
				p.open(s)
				continue
			}
			if of, ok := p.callees[k].expr.(*gbnf.State); ok {
				machines++
				if height, empty := gbnf.Corner(of.Expr()); height > of.Of.Height() || empty != (of.Of.Shortest(of.N) == 0) {
					t.Errorf("%s %d: height %d of %d, empty %v", of.Of.Name(), of.N, height, of.Of.Height(), empty)
				}
			}
			p.open(s)
			if said, is := p.states.At(s).dist, p.states.At(p.lists.At(p.states.At(s).eps)[0]).dist; is > said {
				t.Errorf("state %d: distance %d, %d was said", s, is, said)
			}
		}
		st := p.states.At(s)
		for _, e := range p.builder.edges.At(st.edges) {
			if e.lo > 0 && p.class[e.lo] == p.class[e.lo-1] || e.hi < 255 && p.class[e.hi] == p.class[e.hi+1] {
				t.Errorf("state %d: bytes %#x to %#x are no classes", s, e.lo, e.hi)
			}
			if !p.bytes[e.lo] || !p.bytes[e.hi] {
				t.Errorf("state %d: bytes %#x to %#x are not noted", s, e.lo, e.hi)
			}
		}
	}
	if machines == 0 {
		t.Error("there are no machines")
	}
}
