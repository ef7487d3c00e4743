package gbnf_test

import (
	"errors"
	"fmt"

	"github.com/callama/callama/grammar/gbnf"
)

func ExampleParse() {
	g, err := gbnf.Parse(`
root ::= "yes" | "no" reason?
reason ::= ", because " [a-z ]{1,40}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(g.Rules), "rules")
	_, err = gbnf.Parse(`root ::= "no" raeson?
reason ::= ", because"`)
	var at *gbnf.ParseError
	fmt.Println(errors.As(err, &at), at)
	// Output:
	// 2 rules
	// true gbnf: line 1, column 15: rule "raeson" is not defined; did you mean "reason"?
}

func ExampleBuilder() {
	b := gbnf.NewBuilder()
	digits := b.Add("digits", gbnf.Plus(gbnf.Set('0', '9')))
	root := b.Add("list", gbnf.Concat(gbnf.Lit("["), digits, gbnf.Star(gbnf.Concat(gbnf.Lit(", "), digits)), gbnf.Lit("]")))
	fmt.Print(b.Grammar(root.Rule))
	// Output:
	// root ::= "[" digits (", " digits)* "]"
	// digits ::= [0-9]+
}

func ExampleEliminateLeftRecursion() {
	g, err := gbnf.Parse(`
root ::= root "+" term | term
term ::= [0-9]`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(gbnf.LeftRecursive(g)), "left recursive")
	g, err = gbnf.EliminateLeftRecursion(g)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(g)
	// Output:
	// 1 left recursive
	// root ::= term root-tail
	// term ::= [0-9]
	// root-tail ::= "+" term root-tail | ""
}
