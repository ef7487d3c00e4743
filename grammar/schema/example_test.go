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

	_, err = schema.CompileTool(gbnf.NewBuilder(), "f", []byte(`{"properties": {"x": {"type": "array", "uniqueItems": true}}}`), opts)
	fmt.Println(err)
	// Output:
	// root ::= vector-sum
	// vector-sum ::= "{" "\"a\": " vector-sum-a (", " "\"scale\": " ([1-9] | "1" [0-2]))? "}"
	// vector-sum-a ::= "[" (boolean (", " boolean){0,8})? "]"
	// boolean ::= "true" | "false"
	// schema: tools/f: /properties/x/uniqueItems: keyword "uniqueItems": not supported: only items of which there are few values, such as those of an enum, can be told apart
}
