// Package ojson reads JSON into a tree that keeps what encoding/json's maps lose: the
// order of object members and the exact text of numbers. Tool schemas need both: the
// order of properties is the order in which a model writes them, and prompts must show
// a tool exactly as Python's json.dumps would.
package ojson

// MaxDepth bounds the nesting of a document: containers within containers. Deeper
// documents are refused, because every consumer of the tree recurses over it.
const MaxDepth = 512

// Kind tells what a Value is.
type Kind uint8

// The kinds of a Value.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String returns the JSON name of the kind.
func (k Kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[k]
}

// Value is one JSON value. Text holds the characters of a String, or the literal digits
// of a Number as written. A Value is immutable by convention once parsed.
type Value struct {
	Kind    Kind
	Bool    bool
	Text    string
	Items   []*Value // of an Array
	Members []Member // of an Object, in document order; of duplicates only the last is kept
}

// Member is one name/value pair of an Object.
type Member struct {
	Name  string
	Value *Value
}

// Get returns the member of an Object by name, or nil. Cost: linear in the members.
func (v *Value) Get(name string) *Value {
	if v == nil {
		return nil
	}
	for i := range v.Members {
		if v.Members[i].Name == name {
			return v.Members[i].Value
		}
	}
	return nil
}
