package bfcl

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// kind is the type that Python's json module gives a value: the rules tell 7 from 7.0.
type kind uint8

const (
	noKind kind = iota
	nullKind
	boolKind
	intKind
	floatKind
	stringKind
	listKind
	dictKind
)

var kindNames = [...]string{"nothing", "null", "boolean", "integer", "float", "string", "list", "object"}

func (k kind) String() string { return kindNames[k] }

func kindOf(v *ojson.Value) kind {
	switch v.Kind {
	case ojson.Bool:
		return boolKind
	case ojson.Number:
		if strings.ContainsAny(v.Text, ".eE") {
			return floatKind
		}
		return intKind
	case ojson.String:
		return stringKind
	case ojson.Array:
		return listKind
	case ojson.Object:
		return dictKind
	}
	return nullKind
}

// typeKinds are the type names of BFCL's functions, Python's, Java's and JavaScript's, in
// lower case. "any" is a string: that is how the answers write what may be anything.
var typeKinds = map[string]kind{
	"string": stringKind, "str": stringKind, "char": stringKind, "any": stringKind,
	"integer": intKind, "int": intKind, "byte": intKind, "short": intKind, "long": intKind, "bigint": intKind,
	"float": floatKind, "number": floatKind, "double": floatKind,
	"boolean": boolKind, "bool": boolKind,
	"array": listKind, "list": listKind, "tuple": listKind, "arraylist": listKind, "set": listKind, "queue": listKind, "stack": listKind,
	"dict": dictKind, "object": dictKind, "hashmap": dictKind, "hashtable": dictKind,
}

// typeOf returns the kind that a schema's "type" names, and for a list that of its items.
// Types that BFCL does not know, or none, are like "any".
func typeOf(schema *ojson.Value) (outer, inner kind) {
	outer = namedKind(schema)
	if items := schema.Get("items"); outer == listKind && items != nil {
		inner = namedKind(items)
	}
	return outer, inner
}

func namedKind(schema *ojson.Value) kind {
	if t := schema.Get("type"); t != nil && t.Kind == ojson.String {
		if k, ok := typeKinds[strings.ToLower(t.Text)]; ok {
			return k
		}
	}
	return stringKind
}

// Equal reports whether two JSON values are equal as Python compares them: numbers by
// value, whatever their spelling; true and false are 1 and 0; members in any order.
func Equal(a, b *ojson.Value) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x.equal(y)
	}
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case ojson.String:
		return a.Text == b.Text
	case ojson.Array:
		if len(a.Items) != len(b.Items) {
			return false
		}
		for i := range a.Items {
			if !Equal(a.Items[i], b.Items[i]) {
				return false
			}
		}
	case ojson.Object:
		if len(a.Members) != len(b.Members) {
			return false
		}
		for _, m := range a.Members {
			if other := b.Get(m.Name); other == nil || !Equal(m.Value, other) {
				return false
			}
		}
	}
	return true
}

// numeric is an integer of any size, or a float.
type numeric struct {
	integer *big.Int
	float   float64
}

// maxDigits bounds the digits of an integer that is compared exactly: converting takes
// time quadratic in them. Longer ones compare as floats.
const maxDigits = 1000

func number(v *ojson.Value) (numeric, bool) {
	switch kindOf(v) {
	case boolKind:
		if v.Bool {
			return numeric{integer: big.NewInt(1)}, true
		}
		return numeric{integer: new(big.Int)}, true
	case intKind:
		if len(v.Text) <= maxDigits {
			if n, ok := new(big.Int).SetString(v.Text, 10); ok {
				return numeric{integer: n}, true
			}
		}
	case floatKind:
	default:
		return numeric{}, false
	}
	f, _ := strconv.ParseFloat(v.Text, 64) // out of range gives an infinity, as in Python
	return numeric{float: f}, true
}

func (x numeric) equal(y numeric) bool {
	switch {
	case x.integer != nil && y.integer != nil:
		return x.integer.Cmp(y.integer) == 0
	case x.integer == nil && y.integer == nil:
		return x.float == y.float
	case x.integer == nil:
		return y.equal(x)
	}
	return new(big.Float).SetInt(x.integer).Cmp(big.NewFloat(y.float)) == 0
}
