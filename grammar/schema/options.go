package schema

import (
	"cmp"

	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/internal/ojson"
)

// Order is the order of an object's declared properties.
type Order uint8

const (
	// AnyOrder admits the properties in any order.
	AnyOrder Order = iota
	// SchemaOrder admits them in the order of the schema only; additional ones last.
	SchemaOrder
)

// Whitespace says where JSON's insignificant white space stands.
type Whitespace uint8

const (
	// Compact admits none.
	Compact Whitespace = iota
	// Model demands exactly one space after ',' and ':' and none elsewhere, as Python's
	// json.dumps writes and models have mostly seen.
	Model
	// Flexible admits up to FlexibleSpace characters of it at every gap.
	Flexible
)

// FlexibleSpace bounds a run of white space under Flexible, in characters: a line break
// and sixteen levels of indentation by four fit, and a model cannot idle in it.
const FlexibleSpace = 65

// Options say what the rules admit. The zero value is any order, compact, standard
// JSON Schema.
type Options struct {
	Order      Order
	Whitespace Whitespace
	Spelling   Spelling
	Formats    Formats

	// ClosedObjects reads an absent additionalProperties beside properties as false, as
	// authors of tools mean it. By the standard further properties are allowed, so this
	// narrows: what is generated remains valid.
	ClosedObjects bool

	// PythonNames reads the type names and habits of tool definitions: see Normalize.
	PythonNames bool

	// Documents are further schemas that references may name, by absolute URI without a
	// fragment. Nothing is ever fetched. They are read as they stand (see Normalize) and
	// must not be modified while in use.
	Documents map[string]*ojson.Value

	// Lenient leaves out what cannot be enforced instead of refusing the schema. What was
	// left out is listed by Compiler.Dropped; the rules then admit values that are not
	// valid. For measuring and for callers who check the result themselves.
	Lenient bool

	// Trace gives every place in the schema a rule of its own, with its gbnf.Source: for
	// debuggers. The language stays the same; the rules are more.
	Trace bool

	Limits Limits
}

// Limits bound what the schemas of one Compiler may cost together. The zero value of a field stands for its default.
type Limits struct {
	// Goals bounds the distinct sets of subschemas that can hold at once, which is about
	// the number of rules of objects and arrays. Default 50,000: the largest schemas in
	// public collections need some thousands.
	Goals int
	// Rules bounds the rules added to the grammar, patterns included. Default 200,000,
	// about 100 MB.
	Rules int
	// Alternatives bounds the cases that anyOf, oneOf and type unions multiply into at
	// one place. Default 2,048.
	Alternatives int
	// Depth bounds references and in-place applicators ($ref, allOf, anyOf, oneOf)
	// within each other at one place. Default 500: it bounds recursion.
	Depth int
	// IntegerDigits bounds the digits of integers, and of the integer part of numbers,
	// where the schema sets no bound itself, so that a model cannot write digits for
	// ever. Default 18: fits 64 bits.
	IntegerDigits int
	// FractionDigits bounds the digits after the point. Default 20: a double's
	// seventeen significant digits fit down to 0.0001, below which writers switch to
	// exponents.
	FractionDigits int
	// Pattern bounds the automata of patterns.
	Pattern regex.Limits
}

// Defaults of Limits.
const (
	DefaultGoals          = 50_000
	DefaultRules          = 200_000
	DefaultAlternatives   = 2_048
	DefaultDepth          = 500
	DefaultIntegerDigits  = 18
	DefaultFractionDigits = 20
)

// Fixed bounds, which no caller has reason to change.
const (
	// exponentDigits bounds a number's exponent: with at most 18 digits before the point
	// no such number overflows a double (the largest is below 1e118).
	exponentDigits = 2
	// maxNumberDigits bounds the digits and the magnitude of numbers in a schema: doubles
	// end at 1e308, and bounds are worked out digit by digit.
	maxNumberDigits = 400
	// maxCount bounds lengths and counts in a schema; larger upper bounds are cut to it
	// (no text reaches it), larger lower bounds refused.
	maxCount = 1 << 30
)

func (l Limits) withDefaults() Limits {
	l.Goals = cmp.Or(l.Goals, DefaultGoals)
	l.Rules = cmp.Or(l.Rules, DefaultRules)
	l.Alternatives = cmp.Or(l.Alternatives, DefaultAlternatives)
	l.Depth = cmp.Or(l.Depth, DefaultDepth)
	l.IntegerDigits = cmp.Or(l.IntegerDigits, DefaultIntegerDigits)
	l.FractionDigits = cmp.Or(l.FractionDigits, DefaultFractionDigits)
	return l
}
