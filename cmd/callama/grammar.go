package main

import (
	"errors"
	"fmt"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/internal/ojson"
)

// grammarCmd holds the commands about grammars.
type grammarCmd struct {
	Print grammarPrintCmd `cmd:"" help:"Print the grammar of tools, of a JSON Schema or of a GBNF file as GBNF."`
	Check grammarCheckCmd `cmd:"" help:"Check that tools, JSON Schemas and GBNF files can be enforced."`
}

// grammarFlags say how JSON is written.
type grammarFlags struct {
	Order      string `enum:"any,schema," default:"" placeholder:"any|schema" help:"Order of properties (default: any for tools, the schema's for schemas)."`
	Whitespace string `enum:"compact,model,flexible" default:"model" help:"White space: compact (none), model (one space after ':' and ','), flexible (any, bounded)."`
}

// toolOptions are those of the calls that a model makes, unless flags say otherwise.
func (f grammarFlags) toolOptions() schema.Options {
	o := schema.Options{Order: schema.AnyOrder, Whitespace: f.whitespace(), PythonNames: true, ClosedObjects: true}
	if f.Order == "schema" {
		o.Order = schema.SchemaOrder
	}
	return o
}

// schemaOptions are those of structured output, unless flags say otherwise.
func (f grammarFlags) schemaOptions() schema.Options {
	o := schema.Options{Order: schema.SchemaOrder, Whitespace: f.whitespace()}
	if f.Order == "any" {
		o.Order = schema.AnyOrder
	}
	return o
}

func (f grammarFlags) whitespace() schema.Whitespace {
	switch f.Whitespace {
	case "compact":
		return schema.Compact
	case "flexible":
		return schema.Flexible
	}
	return schema.Model
}

// grammarPrintCmd is "callama grammar print".
type grammarPrintCmd struct {
	Tools  string `xor:"input" required:"" placeholder:"FILE" help:"Tools: prints the grammar of an array of calls. - reads standard input."`
	Schema string `xor:"input" required:"" placeholder:"FILE" help:"JSON Schema: prints the grammar of its instances."`
	GBNF   string `name:"gbnf" xor:"input" required:"" placeholder:"FILE" help:"GBNF file: prints it as Callama reads it."`
	Root   string `default:"root" help:"Start rule of the GBNF file."`
	grammarFlags
}

// Run prints what llama.cpp's parser takes too; comments say where it is narrower.
func (c *grammarPrintCmd) Run(a *app) error {
	input := source{kind: gbnfSource, path: c.GBNF, root: c.Root}
	switch {
	case c.Tools != "":
		input = source{kind: toolsSource, path: c.Tools}
	case c.Schema != "":
		input = source{kind: schemaSource, path: c.Schema}
	}
	data, err := readInput(a, input.path)
	if err != nil {
		return err
	}
	g, _, errs := input.compile(data, c.grammarFlags)
	if len(errs) > 0 {
		return fmt.Errorf("%s: %w", input.path, errors.Join(errs...))
	}
	return g.Print(a.stdout)
}

// sourceKind is what a file is read as.
type sourceKind string

const (
	toolsSource  sourceKind = "tools"
	schemaSource sourceKind = "schema"
	gbnfSource   sourceKind = "gbnf"
)

// source is a file that describes a grammar. root is the start rule of a GBNF file.
type source struct {
	kind       sourceKind
	path, root string
}

// compile makes the grammar. tools is the number of tools; there is an error for each
// one that cannot be enforced.
func (s source) compile(data []byte, f grammarFlags) (g *gbnf.Grammar, tools int, errs []error) {
	switch s.kind {
	case toolsSource:
		return compileTools(data, f.toolOptions())
	case schemaSource:
		g, err := schema.CompileText(data, f.schemaOptions())
		if err != nil {
			return nil, 0, []error{err}
		}
		return g, 0, nil
	}
	g, err := gbnf.ParseRoot(string(data), s.root)
	if err == nil {
		err = gbnf.Check(g)
	}
	if err != nil {
		return nil, 0, []error{err}
	}
	return g, 0, nil
}

// compileTools makes the grammar of an array of calls.
func compileTools(data []byte, o schema.Options) (g *gbnf.Grammar, count int, errs []error) {
	tools, err := chat.ParseTools(data)
	if err != nil {
		return nil, 0, []error{err}
	}
	b := gbnf.NewBuilder()
	c := schema.New(b, o)
	var rules []chat.ToolRules
	for _, tool := range tools {
		arguments, err := compileTool(c, tool)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		rules = append(rules, chat.ToolRules{Name: tool.Name, Arguments: arguments})
	}
	if len(errs) > 0 {
		return nil, len(tools), errs
	}
	root, err := chat.PlainArray.Grammar(b, rules, chat.Choice{Mode: chat.Required}, 0)
	if err != nil {
		return nil, len(tools), []error{err}
	}
	return b.Grammar(root), len(tools), nil
}

func compileTool(c *schema.Compiler, tool chat.Tool) (gbnf.Expr, error) {
	if len(tool.Parameters) == 0 {
		return c.Tool(tool.Name, nil)
	}
	parameters, err := ojson.Parse(tool.Parameters)
	if err != nil {
		return nil, fmt.Errorf("tool %s: parameters: %w", tool.Name, err)
	}
	return c.Tool(tool.Name, parameters)
}
