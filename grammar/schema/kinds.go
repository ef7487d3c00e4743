package schema

import (
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// kinds is a set of the kinds of JSON values that types distinguish. Numbers are split
// into integers and others, so that "integer" within "number" is plain inclusion.
type kinds uint8

const (
	kindNull kinds = 1 << iota
	kindBool
	kindInteger  // a number whose value is an integer, such as 1 or 1.0
	kindFraction // any other number
	kindString
	kindArray
	kindObject

	kindNumber = kindInteger | kindFraction
	kindAny    = kindNull | kindBool | kindNumber | kindString | kindArray | kindObject
)

// typeKind returns what a name of the keyword "type" stands for; 0 if it is none.
func typeKind(name string) kinds {
	switch name {
	case "null":
		return kindNull
	case "boolean":
		return kindBool
	case "integer":
		return kindInteger
	case "number":
		return kindNumber
	case "string":
		return kindString
	case "array":
		return kindArray
	case "object":
		return kindObject
	}
	return 0
}

// String names the kinds as in the keyword "type", joined by " or ".
func (k kinds) String() string {
	var names []string
	for _, n := range []string{"null", "boolean", "number", "integer", "string", "array", "object"} {
		if of := typeKind(n); k&of == of {
			names = append(names, n)
			k &^= of
		}
	}
	if k&kindFraction != 0 {
		names = append(names, "number")
	}
	return strings.Join(names, " or ")
}

// kindOf returns the kind of a value.
func kindOf(v *ojson.Value) kinds {
	switch v.Kind {
	case ojson.Null:
		return kindNull
	case ojson.Bool:
		return kindBool
	case ojson.String:
		return kindString
	case ojson.Array:
		return kindArray
	case ojson.Object:
		return kindObject
	}
	if d, err := parseDecimal(v.Text); err == nil && !d.isInteger() {
		return kindFraction
	}
	return kindInteger
}
