// Package gbnf holds grammars as data: the rule tree that every front end (JSON
// Schema, regular expressions, dialects, GBNF text) produces and that the engine
// compiles. It parses and prints llama.cpp's GBNF notation and checks grammars for
// undefined, unproductive and unreachable rules. It imports nothing of ours.
package gbnf

// Grammar is a set of rules with a start rule. Rules refer to each other by index,
// so a Grammar may be built in any order and may be recursive. It is plain data:
// safe for concurrent readers, not for a concurrent writer.
type Grammar struct {
	Rules []Rule
	Root  RuleID // the start rule
}

// RuleID is the index of a rule in Grammar.Rules.
type RuleID int32

// Rule is one named production set. Names follow llama.cpp: letters, digits and
// '-', starting with a letter; Builder makes them unique.
type Rule struct {
	Name string
	Expr Expr // nil while the rule is only declared
	// Comment is printed above the rule, one '#' line for each of its lines. Front
	// ends use it to say what GBNF text cannot express.
	Comment string
	// Source says what the rule was made of, for debuggers; nil where no one asked for it.
	Source *Source
}

// Source is the place of a rule in the document that a front end compiled.
type Source struct {
	Document string   // the document, such as a tool's name; "" where there is one only
	Pointers []string // JSON Pointers of the places that hold at once
}

// Expr is one node of a rule's right-hand side: Literal, Class, Ref, Seq, Alt,
// Repeat, Token, Members, State, Distinct or Document. Nodes are immutable once they are part of a grammar and
// may be shared.
type Expr interface{ expr() }

// Literal matches its bytes exactly. Text is UTF-8 in all practical grammars but any
// bytes are allowed. The empty literal matches the empty string.
type Literal struct{ Text string }

// Class matches the UTF-8 encoding of one code point in Ranges, or of one code point
// outside them when Negated. Surrogates (U+D800-U+DFFF) never match. A negated empty
// class is GBNF's '.'.
type Class struct {
	Ranges  []Range
	Negated bool
}

// Range is an inclusive range of code points.
type Range struct{ Lo, Hi rune }

// Ref matches what the rule matches.
type Ref struct{ Rule RuleID }

// Seq matches its items one after the other; the empty Seq matches the empty string.
type Seq struct{ Items []Expr }

// Alt matches any one of its items; the empty Alt matches nothing at all.
type Alt struct{ Items []Expr }

// Repeat matches Item at least Min and at most Max times; Max < 0 means no upper bound.
// The engine counts in the parser's frame, so large bounds cost no more than small ones.
type Repeat struct {
	Item     Expr
	Min, Max int
}

// Token matches one vocabulary entry as a unit, whatever its bytes: GBNF's <name>
// (Name set) or <[id]> (Name empty). Name is the entry's whole text, angle brackets
// included ("<think>"), as llama.cpp looks it up; an entry without them has no name in
// GBNF text and must be given by ID. Negated (!<name>) matches any other single token.
type Token struct {
	Name    string
	ID      int32
	Negated bool
}

// Members matches a list of members separated by Sep, as the inside of a JSON object:
// each member at most once unless it may Repeat, every Required one present. When
// Ordered, members appear in the order of Items (a repeating one as often as it likes
// at its place); otherwise in any order. There are at least Min members and, unless Max is 0,
// at most Max. The engine keeps the set of members seen in the
// parser's frame, so n members cost n, not 2^n or n!; printed GBNF expands the node (see Print).
type Members struct {
	Items   []Member
	Sep     Expr
	Ordered bool
	// Min and Max bound the number of members; Max 0 is no bound.
	Min, Max int
}

// Member is one item of Members.
type Member struct {
	Expr     Expr
	Required bool
	Repeat   bool
}

func (*Literal) expr() {}
func (*Class) expr()   {}
func (*Ref) expr()     {}
func (*Seq) expr()     {}
func (*Alt) expr()     {}
func (*Repeat) expr()  {}
func (*Token) expr()   {}
func (*Members) expr() {}
