// Package schema compiles JSON Schema, and the parameters of tools, to grammar rules
// whose texts are instances of the schema: every text that the rules match is valid JSON
// and valid under the schema. Nothing is widened and nothing is dropped silently: a
// keyword that cannot be enforced is an *Error that names it and its JSON Pointer.
//
// The stages are the files, in the order of the data: normalize (type names as people
// write them), location and resource (subschemas, references, dynamic scopes), keywords
// (one schema's constraints), combine (anyOf and friends to a list of alternatives),
// refute (the failure of a schema, for not, oneOf and if), absorb (fewer alternatives),
// unevaluated, conjunct (constraints that hold together), expand (goals), satisfy with
// objectshape, names, arrayshape, chain and distinct (what is within, and what can be
// satisfied at all), emit (rules). A rule stands for a set of terms that hold at once: that
// a value is valid at a location, or that it is not. So constraints from several places
// (siblings of $ref and anyOf, for example) are merged exactly, also through recursion.
//
// By default texts are spelled canonically (see Spelling): integers without fraction,
// exponent or leading zeros, strings with only the escapes that JSON needs, numbers with
// bounded digits. Sets of strings (patterns, formats) and of numbers with steps are
// automata: what holds at once is a product, what must not hold a complement. Where a set
// is no regular language, or counting its characters takes too many states, fewer texts
// are admitted, never more; format.go and regex.Window say which.
// That names which are not declared differ from each other, and items where they must, is
// for the engine to see to (gbnf.Distinct).
package schema

import (
	"encoding/json"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/internal/ojson"
)

// Compiler adds the rules of any number of schemas to one Builder. Schemas compiled by
// the same Compiler share the rules of strings, numbers and free values. It is not safe
// for concurrent use.
type Compiler struct {
	b    *gbnf.Builder
	opts Options
	lim  Limits

	mem       *arena
	firstRule int                  // rules of b that were there before
	nodes     int                  // locations made so far
	goals     map[string]*goal     // of two terms or more, by their key
	single    int                  // goals of one term or none
	free      *goal                // of no term
	plain     [2 * kindArray]*goal // of one term that only names types, by these; see goalOf
	asked     termSet              // for questions whether a goal is known
	asking    []byte               // for questions whether a language is known
	proofs    map[string]proof     // of goals that oneOf compared
	proving   int                  // within so many proofs
	patterns  map[string]*pattern
	languages map[string]*language // by their key; nil for the empty one
	shared    map[string]gbnf.Expr // of names
	anyText   map[Markup]gbnf.Expr // free text as it stands, up to its end
	ways      map[string]int32     // numbers of ways to fail; see absorb.go
	spare     *expansion           // not in use
	between   gbnf.Expr            // see separator
	ofClass   []term               // what is said of names of a class; see objectShape
	saying    []term               // a stack of what is said of names; see emptyWithin
	anObject  *conjunct            // see slim
	pile      []*conjunct          // a stack of alternatives; see refuteOne
	lately    *partition           // that was made last
	declaring []string             // not in use: for the names of a partition
	labels    texts                // of members
	fresh     []namedMember        // not in use; see named

	places    map[*ojson.Value]*location // for the next document, which mostly is the only one
	aims      map[reference]*location
	objectLoc *location // {"type": "object"}
	falseLoc  *location // the schema false
	tool      string    // the tool being compiled
	dropped   []*Error
	counts    map[goalCount]int            // see countOf
	documents map[gbnf.Expr]*gbnf.Document // around expressions of whole values
	distinct  bool                         // some rule holds values that must differ
}

// never is the term that nothing meets.
func (c *Compiler) never() term {
	if c.falseLoc == nil {
		c.falseLoc = newDocument(never(), c).root
	}
	return term{l: c.falseLoc}
}

func never() *ojson.Value { return &ojson.Value{Kind: ojson.Bool} }

// New returns a Compiler that adds to b.
func New(b *gbnf.Builder, opts Options) *Compiler {
	mem := arenas.Get().(*arena)
	c := &Compiler{
		b: b, mem: mem, opts: opts, lim: opts.Limits.withDefaults(), firstRule: b.Len(),
		goals: mem.keyed.take(), proofs: mem.proofs.take(), patterns: make(map[string]*pattern), languages: make(map[string]*language),
		shared: make(map[string]gbnf.Expr), ways: mem.way.take(),
		declaring: mem.declaring,
	}
	isObject := &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
		{Name: "type", Value: &ojson.Value{Kind: ojson.String, Text: "object"}}}}
	c.objectLoc = newDocument(isObject, c).root
	c.places, c.aims = mem.places.take(), mem.named.take()
	return c
}

// Release gives the Compiler's working memory to others, which saves time where many schemas are
// compiled. The Compiler must not be used afterwards; its rules may.
func (c *Compiler) Release() {
	c.mem.declaring = c.declaring
	c.mem.release()
	c.mem = nil
}

// Compile adds the rules of one schema, named after name, and returns the expression of
// its instances. doc is not modified and must not be while the Compiler is in use. Cost:
// about linear in the part of the schema that can be reached.
func (c *Compiler) Compile(name string, doc *ojson.Value) (gbnf.Expr, error) {
	return c.compile(name, newDocument(Normalize(doc, c.opts), c).root)
}

// AnyValue returns the expression of every JSON value.
func (c *Compiler) AnyValue() (gbnf.Expr, error) { return c.compile("value") }

// AnyObject returns the expression of every JSON object.
func (c *Compiler) AnyObject() (gbnf.Expr, error) { return c.compile("object", c.objectLoc) }

// compile returns the expression of the values that are valid at all given locations.
func (c *Compiler) compile(name string, locations ...*location) (gbnf.Expr, error) {
	terms := make([]term, len(locations))
	for i, l := range locations {
		terms[i].l = l
	}
	g := c.goal(nil, name, terms)
	if err := c.explore(g); err != nil {
		return nil, err
	}
	if !g.productive {
		return nil, c.explain(g)
	}
	e, err := c.emit(g)
	if err != nil {
		return nil, err
	}
	return c.document(e), nil
}

// Compile adds the rules of one JSON Schema to b and returns the expression of its
// instances. See Compiler to add many that share rules.
func Compile(b *gbnf.Builder, name string, doc *ojson.Value, opts Options) (gbnf.Expr, error) {
	c := New(b, opts)
	defer c.Release()
	return c.Compile(name, doc)
}

// CompileText compiles the text of one JSON Schema to a grammar of its own.
func CompileText(text []byte, opts Options) (*gbnf.Grammar, error) {
	b := gbnf.NewBuilder()
	root := b.Declare("root")
	c := New(b, opts)
	defer c.Release()
	doc, err := c.mem.parser.Parse(text)
	if err != nil {
		return nil, &Error{Code: ErrInvalid, Err: err}
	}
	e, err := c.Compile("schema", doc)
	if err != nil {
		return nil, err
	}
	b.Define(root, e)
	return b.Grammar(root), nil
}

// AnyValue returns the expression of every JSON value.
func AnyValue(b *gbnf.Builder, opts Options) (gbnf.Expr, error) { return New(b, opts).AnyValue() }

// AnyObject returns the expression of every JSON object; see Compiler.AnyObject.
func AnyObject(b *gbnf.Builder, opts Options) (gbnf.Expr, error) { return New(b, opts).AnyObject() }

// Tool compiles the parameters of a tool: the arguments of a call are always an object,
// also where the schema does not say so. Absent parameters (nil, null or the empty
// schema) mean that the tool takes none: {}. Errors carry the tool's name.
func (c *Compiler) Tool(name string, parameters *ojson.Value) (gbnf.Expr, error) {
	doc := c.toolDocument(parameters)
	c.tool = name
	defer func() { c.tool = "" }()
	e, err := c.compile(name, doc.root, c.objectLoc)
	return e, inTool(name, err)
}

// toolDocument returns the document of a tool's parameters.
func (c *Compiler) toolDocument(parameters *ojson.Value) *document {
	if parameters == nil || parameters.Kind == ojson.Null || (parameters.Kind == ojson.Object && len(parameters.Members) == 0) {
		parameters = &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
			{Name: "additionalProperties", Value: &ojson.Value{Kind: ojson.Bool}}}}
	}
	doc := newDocument(Normalize(parameters, c.opts), c)
	doc.tool = true
	return doc
}

// ToolText is Tool for parameters given as JSON text; empty means none.
func (c *Compiler) ToolText(name string, parameters json.RawMessage) (gbnf.Expr, error) {
	var doc *ojson.Value
	if len(parameters) > 0 {
		var err error
		if doc, err = ojson.Parse(parameters); err != nil {
			return nil, &Error{Code: ErrInvalid, Tool: name, Err: err}
		}
	}
	return c.Tool(name, doc)
}

// CompileTool compiles the parameters of one tool, given as JSON text; see Compiler.Tool. A
// Compiler shares the rules of many.
func CompileTool(b *gbnf.Builder, name string, parameters json.RawMessage, opts Options) (gbnf.Expr, error) {
	c := New(b, opts)
	defer c.Release()
	return c.ToolText(name, parameters)
}
