package gbnf

// Distinct matches what Item matches, which must not be the empty text, unless it equals an
// earlier value of the same kind in the innermost JSON container around it: in an array
// an item, in an object a name. Values are equal as JSON Schema says: numbers by value, strings
// by characters whatever their spelling, objects without regard to order. Earlier values
// count if a Distinct matched them in some reading of the text.
//
// It has a meaning within a Document only; elsewhere no value has an earlier one. Item must
// be a whole JSON value or name, without white space around it. The engine remembers the
// values beside the parser; printed GBNF leaves the condition out.
//
// The engine never writes a value of which no continuation differs from the earlier
// ones, nor a separator after which there is no value left. What it does not see is values that
// must come later than the next: whoever makes the node has to make sure that a list
// which demands n distinct values can always find them, as a list of one Item does that
// has n values, in whatever way it begins.
type Distinct struct {
	Item Expr
	// Open says that however a value begins (with a quote, a digit, a bracket), very many
	// values begin so. It only saves work: a separator needs no look at what may follow.
	Open bool
}

// Document matches what Item matches: one JSON value, in which the Distinct nodes find
// their containers. Where it begins must be clear when it does: no other reading of the text
// may have a Document begin elsewhere before this one ends.
type Document struct{ Item Expr }

func (*Distinct) expr() {}
func (*Document) expr() {}

// unwrap returns the item of a Distinct or a Document.
func unwrap(e Expr) (item Expr, ok bool) {
	switch e := e.(type) {
	case *Distinct:
		return e.Item, true
	case *Document:
		return e.Item, true
	}
	return nil, false
}

// rewrap returns a node like e around another item.
func rewrap(e, item Expr) Expr {
	if d, ok := e.(*Distinct); ok {
		return &Distinct{Item: item, Open: d.Open}
	}
	return &Document{Item: item}
}

const distinctComment = "Wider than the engine's grammar: names or items that must differ from each other may be equal here."
