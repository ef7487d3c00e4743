package schema_test

import (
	"fmt"
	"os"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
)

// The parameters of a tool become rules; what cannot be enforced is an error that says
// where it stands.
func ExampleCompileTool() {
	b := gbnf.NewBuilder()
	root := b.Declare("root")
	opts := schema.Options{Order: schema.SchemaOrder, Whitespace: schema.Model, ClosedObjects: true, PythonNames: true}
	arguments, err := schema.CompileTool(b, "vector_sum", []byte(`{
		"type": "dict",
		"properties": {"a": {"type": "list", "items": {"type": "bool"}, "maxItems": 9}, "scale": {"type": "int", "minimum": 1, "maximum": 12}},
		"required": ["a"]
	}`), opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	b.Define(root, arguments)
	if err := b.Grammar(root).Print(os.Stdout); err != nil {
		fmt.Println(err)
	}

	_, err = schema.CompileTool(gbnf.NewBuilder(), "f", []byte(`{"properties": {"x": {"type": "string", "pattern": "^(a|b)\\1$"}}}`), opts)
	fmt.Println(err)
	// Output:
	// root ::= vector-sum
	// vector-sum ::= "{" "\"a\": " vector-sum-a (", " "\"scale\": " ([1-9] | "1" [0-2]))? "}"
	// vector-sum-a ::= "[" (boolean (", " boolean){0,8})? "]"
	// boolean ::= "true" | "false"
	// schema: tools/f: /properties/x/pattern: keyword "pattern": not supported: regex: "^(a|b)\\1$" at byte 6: backreference \1 is not supported
}
