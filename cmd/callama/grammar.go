package main

import (
	"errors"
	"fmt"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/explain"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/internal/ojson"
)

// grammarCmd holds the commands about grammars.
type grammarCmd struct {
	Print grammarPrintCmd `cmd:"" help:"Print the grammar of tools, of a JSON Schema or of a GBNF file as GBNF."`
	Check grammarCheckCmd `cmd:"" help:"Check that tools, JSON Schemas and GBNF files can be enforced."`
	Debug grammarDebugCmd `cmd:"" help:"Walk a text through a grammar: what is allowed at each token, and why a text is refused."`
}

// schemaFlags say how strictly schemas are read.
type schemaFlags struct {
	StrictFormats bool `name:"strict-formats" help:"Refuse formats that are not known, instead of reading them as annotations."`
	Lenient       bool `help:"Leave out what cannot be enforced, and warn, instead of refusing the schema. The result may then be invalid."`
}

func (f schemaFlags) apply(o schema.Options) schema.Options {
	if f.StrictFormats {
		o.Formats = schema.StrictFormats
	}
	o.Lenient = f.Lenient
	return o
}

// grammarFlags say how JSON is written.
type grammarFlags struct {
	schemaFlags
	Order      string `enum:"any,schema," default:"" placeholder:"any|schema" help:"Order of properties (default: any for tools, the schema's for schemas)."`
	Whitespace string `enum:"compact,model,flexible" default:"model" help:"White space: compact (none), model (one space after ':' and ','), flexible (any, bounded)."`
}

// toolOptions are those of the calls that a model makes, unless flags say otherwise.
func (f grammarFlags) toolOptions() schema.Options {
	o := schema.Options{Order: schema.AnyOrder, Whitespace: f.whitespace(), PythonNames: true, ClosedObjects: true}
	if f.Order == "schema" {
		o.Order = schema.SchemaOrder
	}
	return f.apply(o)
}

// schemaOptions are those of structured output, unless flags say otherwise.
func (f grammarFlags) schemaOptions() schema.Options {
	o := schema.Options{Order: schema.SchemaOrder, Whitespace: f.whitespace()}
	if f.Order == "any" {
		o.Order = schema.AnyOrder
	}
	return f.apply(o)
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
	Tools  string `xor:"input" required:"" placeholder:"FILE" help:"Tools: prints the grammar of a reply with calls, in the notation of --dialect. - reads standard input."`
	Schema string `xor:"input" required:"" placeholder:"FILE" help:"JSON Schema: prints the grammar of its instances."`
	GBNF   string `name:"gbnf" xor:"input" required:"" placeholder:"FILE" help:"GBNF file: prints it as Callama reads it."`
	Root   string `default:"root" help:"Start rule of the GBNF file."`
	// Dialect matters for tools only.
	Dialect string `default:"plain-array" placeholder:"NAME" help:"Notation of calls: ${dialects}."`
	grammarFlags
}

// Run prints what llama.cpp's parser takes too; comments say where it is narrower.
func (c *grammarPrintCmd) Run(a *app) error {
	input := source{kind: gbnfSource, path: c.GBNF, root: c.Root}
	switch {
	case c.Tools != "":
		d, err := chat.ParseDialect(c.Dialect)
		if err != nil {
			return err
		}
		input = source{kind: toolsSource, path: c.Tools, dialect: d}
	case c.Schema != "":
		input = source{kind: schemaSource, path: c.Schema}
	}
	data, err := readInput(a, input.path)
	if err != nil {
		return err
	}
	out := input.compile(data, c.grammarFlags)
	if len(out.errs) > 0 {
		return fmt.Errorf("%s: %w", input.path, errors.Join(out.errs...))
	}
	warnDropped(a, out.dropped)
	return out.grammar.Print(a.stdout)
}

// warnDropped lists what --lenient left out.
func warnDropped(a *app, dropped []*schema.Error) {
	for _, d := range dropped {
		fmt.Fprintln(a.stderr, "callama: warning: not enforced:", d)
	}
}

// sourceKind is what a file is read as.
type sourceKind string

const (
	toolsSource  sourceKind = "tools"
	schemaSource sourceKind = "schema"
	gbnfSource   sourceKind = "gbnf"
)

// source is a file that describes a grammar. root is the start rule of a GBNF file, dialect how
// calls of tools are written.
type source struct {
	kind       sourceKind
	path, root string
	dialect    chat.Dialect
}

// compiled is the grammar of a source, or why there is none: an error for each tool that
// cannot be enforced.
type compiled struct {
	grammar *gbnf.Grammar
	tools   int
	dropped []*schema.Error // what --lenient left out
	errs    []error
}

func (s source) compile(data []byte, f grammarFlags) compiled {
	switch s.kind {
	case toolsSource:
		tools, err := chat.ParseTools(data)
		if err != nil {
			return compiled{errs: []error{err}}
		}
		docs, err := toolSchemas(tools)
		if err != nil {
			return compiled{errs: []error{err}}
		}
		return compileTools(docs, s.dialect, f.toolOptions())
	case schemaSource:
		doc, err := parseSchema(data)
		if err != nil {
			return compiled{errs: []error{err}}
		}
		return compileSchema(doc, f.schemaOptions())
	}
	g, err := gbnf.ParseRoot(string(data), s.root)
	if err == nil {
		err = gbnf.Check(g)
	}
	if err != nil {
		return compiled{errs: []error{err}}
	}
	return compiled{grammar: g}
}

// toolSchemas parses the parameters of tools; those of a tool without any stay nil.
func toolSchemas(tools []chat.Tool) ([]explain.Schema, error) {
	docs := make([]explain.Schema, len(tools))
	for i, tool := range tools {
		docs[i].Name = tool.Name
		if len(tool.Parameters) == 0 {
			continue
		}
		var err error
		if docs[i].Doc, err = ojson.Parse(tool.Parameters); err != nil {
			return nil, fmt.Errorf("tool %s: parameters: %w", tool.Name, err)
		}
	}
	return docs, nil
}

func parseSchema(data []byte) (explain.Schema, error) {
	doc, err := ojson.Parse(data)
	if err != nil {
		return explain.Schema{}, &schema.Error{Code: schema.ErrInvalid, Err: err}
	}
	return explain.Schema{Doc: doc}, nil
}

// compileSchema makes the grammar of a schema's instances.
func compileSchema(doc explain.Schema, o schema.Options) compiled {
	b := gbnf.NewBuilder()
	root := b.Declare("root")
	c := schema.New(b, o)
	defer c.Release()
	e, err := c.Compile("schema", doc.Doc)
	if err != nil {
		return compiled{errs: []error{err}}
	}
	b.Define(root, e)
	return compiled{grammar: b.Grammar(root), dropped: c.Dropped()}
}

func toolArguments(c *schema.Compiler, tool explain.Schema, d chat.Dialect) (gbnf.Expr, error) {
	m := d.Markup()
	if m == nil {
		return c.Tool(tool.Name, tool.Doc)
	}
	e, _, err := c.ToolMarkup(tool.Name, tool.Doc, *m)
	return e, err
}

// compileTools makes the grammar of calls in a dialect.
func compileTools(docs []explain.Schema, d chat.Dialect, o schema.Options) compiled {
	out := compiled{tools: len(docs)}
	b := gbnf.NewBuilder()
	c := schema.New(b, o)
	defer c.Release()
	var rules []chat.ToolRules
	for _, tool := range docs {
		arguments, err := toolArguments(c, tool, d)
		if err != nil {
			out.errs = append(out.errs, err)
			continue
		}
		rules = append(rules, chat.ToolRules{Name: tool.Name, Arguments: arguments})
	}
	if len(out.errs) > 0 {
		return out
	}
	root, err := d.Grammar(b, rules, chat.Choice{Mode: chat.Required}, 0)
	if err != nil {
		out.errs = []error{err}
		return out
	}
	out.grammar, out.dropped = b.Grammar(root), c.Dropped()
	return out
}
