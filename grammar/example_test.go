package grammar_test

import (
	"fmt"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
)

// A JSON Schema, a vocabulary of ten tokens, and the masks on the way to a text. A mask has
// one bit for each logit; token 9 ends the generation.
func Example() {
	g, err := schema.CompileText([]byte(`{"type": "array", "items": {"enum": ["red", "green"]}, "minItems": 1, "maxItems": 2}`), schema.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	tokens := []string{`[`, `]`, `,`, `"`, `red`, `gr`, `een`, `["`, `"]`, `<end>`}
	config := vocab.Config{EOG: []int32{9}}
	for _, t := range tokens {
		config.Tokens = append(config.Tokens, []byte(t))
	}
	// The grammar needs a token for each byte that it may ask for; real vocabularies have all
	// 256.
	for b := byte('a'); b <= 'z'; b++ {
		config.Tokens = append(config.Tokens, []byte{b})
	}
	v, err := vocab.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	compiled, err := grammar.Compile(g, v, grammar.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := compiled.NewMatcher()
	for _, next := range []int32{7, 5, 6, 8, 9} {
		mask := m.Mask()
		fmt.Print("allowed:")
		for t, text := range tokens {
			if mask.Has(int32(t)) {
				fmt.Print(" ", text)
			}
		}
		fmt.Printf("; forced: %q; take %s\n", m.Forced(8), tokens[next])
		if err := m.Accept(next); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println("done:", m.Done())
	// Output:
	// allowed: [ ["; forced: "[\""; take ["
	// allowed: red gr; forced: ""; take gr
	// allowed: een; forced: "een\""; take een
	// allowed: " "]; forced: "\""; take "]
	// allowed: <end>; forced: ""; take <end>
	// done: true
}

// Accept refuses what the mask does not allow and stays where it was. Rollback takes tokens
// back, Clone explores beside the text.
func ExampleMatcher() {
	g, err := gbnf.Parse(`root ::= "a" ("b" | "c")`)
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := vocab.New(vocab.Config{Tokens: [][]byte{[]byte("a"), []byte("b"), []byte("c")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	compiled, err := grammar.Compile(g, v, grammar.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := compiled.NewMatcher()
	fmt.Println(m.Accept(1))
	fmt.Println(m.Accept(0), m.Len())

	ahead := m.Clone()
	fmt.Println(ahead.Accept(2), ahead.Done(), m.Done())

	fmt.Println(m.Rollback(1), m.Len(), m.Accept(0))
	// Output:
	// grammar: token 1 "b": token not allowed by the grammar
	// <nil> 1
	// <nil> true false
	// <nil> 0 <nil>
}
