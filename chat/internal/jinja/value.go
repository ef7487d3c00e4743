package jinja

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A value is nil (None), bool, int64, float64, bigInt, string, *List, *Dict, *Func,
// *undefined, *namespace or *loop.

// List is a Python list, or a tuple.
type List struct {
	Items []any
	Tuple bool
}

// Dict is a Python dict: it keeps the order in which keys came. Keys are strings, numbers,
// booleans and None; as in Python, 1, 1.0 and true are one key. The zero value is empty.
type Dict struct {
	keys   []any
	values []any
	index  map[any]int
}

// Func is a callable value.
type Func struct {
	name string
	call func(in *interp, line int, args *callArgs) any
}

// NewFunc returns a function of positional arguments for templates to call. An error that it
// returns ends the rendering; wrapped in an *Error it reaches the caller of Render.
func NewFunc(name string, call func(args ...any) (any, error)) *Func {
	return &Func{name, func(in *interp, line int, args *callArgs) any {
		args.only(in, line, name, -1)
		value, err := call(args.positional...)
		if err != nil {
			throw(line, err)
		}
		return in.adopt(value)
	}}
}

// undefined is the value of what does not exist. what says what that was.
type undefined struct{ what string }

// bigInt is an integer beyond int64: it can be printed and compared, not computed with.
type bigInt string

// namespace is the object of namespace(): the only one whose attributes can be set.
type namespace struct{ Dict }

// Set adds or replaces a key.
func (d *Dict) Set(key, value any) {
	k := dictKey(key)
	if i, ok := d.index[k]; ok {
		d.values[i] = value
		return
	}
	if d.index == nil {
		d.index = make(map[any]int)
	}
	d.index[k] = len(d.keys)
	d.keys, d.values = append(d.keys, key), append(d.values, value)
}

// Get returns the value of a key.
func (d *Dict) Get(key any) (any, bool) {
	i, ok := d.index[dictKey(key)]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// Len returns the number of keys.
func (d *Dict) Len() int { return len(d.keys) }

func (d *Dict) remove(key any) {
	at, ok := d.index[dictKey(key)]
	if !ok {
		return
	}
	d.keys = append(d.keys[:at:at], d.keys[at+1:]...)
	d.values = append(d.values[:at:at], d.values[at+1:]...)
	d.index = make(map[any]int, len(d.keys))
	for i, k := range d.keys {
		d.index[dictKey(k)] = i
	}
}

// dictKey returns the comparable form of a key: equal keys have equal forms.
func dictKey(key any) any {
	switch k := key.(type) {
	case bool:
		if k {
			return int64(1)
		}
		return int64(0)
	case float64:
		if n := int64(k); float64(n) == k {
			return n
		}
		return k
	case nil, string, int64, bigInt:
		return k
	case *List:
		if k.Tuple && !slices.ContainsFunc(k.Items, func(item any) bool { return is[*List](item) || is[*Dict](item) }) {
			return tupleKey(repr(k, 0))
		}
	}
	throwf(0, "%s cannot be a key of a dict", typeName(key))
	return nil
}

// tupleKey is the form of a tuple of scalars as a key. (In Python tuples of tuples are keys
// too; no template needs them.)
type tupleKey string

func typeName(value any) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		return "a boolean"
	case int64, bigInt:
		return "an integer"
	case float64:
		return "a float"
	case string:
		return "a string"
	case *List:
		if v.Tuple {
			return "a tuple"
		}
		return "a list"
	case *Dict:
		return "a dict"
	case *Func:
		return "a function"
	case *undefined:
		return v.String()
	case *namespace:
		return "a namespace"
	case *loop:
		return "a loop"
	}
	return fmt.Sprintf("a %T", value)
}

func (u *undefined) String() string { return u.what + ", which is undefined" }

func truth(value any) bool {
	switch v := value.(type) {
	case nil, *undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case *List:
		return len(v.Items) > 0
	case *Dict:
		return v.Len() > 0
	}
	return true
}

// equal is Python's ==.
func (in *interp) equal(a, b any, depth int) bool {
	if depth > in.limits.Depth {
		throw(in.line, &LimitError{"Depth", in.limits.Depth})
	}
	in.spend(1)
	if x, ok := number(a); ok {
		if y, ok := number(b); ok {
			return compareNumbers(x, y) == 0
		}
		return false
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		b, ok := b.(string)
		in.spend(min(len(a), len(b)) / bytesPerStep)
		return ok && a == b
	case bigInt:
		return a == b
	case *undefined:
		_, ok := b.(*undefined)
		return ok
	case *List:
		b, ok := b.(*List)
		if !ok || len(a.Items) != len(b.Items) || a.Tuple != b.Tuple {
			return false
		}
		for i := range a.Items {
			if !in.equal(a.Items[i], b.Items[i], depth+1) {
				return false
			}
		}
		return true
	case *Dict:
		b, ok := b.(*Dict)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for i, key := range a.keys {
			if value, ok := b.Get(key); !ok || !in.equal(a.values[i], value, depth+1) {
				return false
			}
		}
		return true
	}
	return a == b
}

// number returns a bool, int64 or float64 as itself, a bool as an integer.
func number(value any) (any, bool) {
	switch v := value.(type) {
	case bool:
		if v {
			return int64(1), true
		}
		return int64(0), true
	case int64, float64:
		return v, true
	}
	return nil, false
}

func toFloat(number any) float64 {
	if n, ok := number.(int64); ok {
		return float64(n)
	}
	return number.(float64)
}

// compareNumbers returns -1, 0 or 1, and 2 when one of them is not a number.
func compareNumbers(a, b any) int {
	x, ok := a.(int64)
	y, ok2 := b.(int64)
	if ok && ok2 {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	f, g := toFloat(a), toFloat(b)
	switch {
	case f < g:
		return -1
	case f > g:
		return 1
	case f == g:
		return 0
	}
	return 2
}

// compare orders two values for < and for sorting: numbers, strings, and lists of these.
func (in *interp) compare(line int, a, b any, depth int) int {
	if depth > in.limits.Depth {
		throw(line, &LimitError{"Depth", in.limits.Depth})
	}
	in.spend(1)
	if x, ok := number(a); ok {
		if y, ok := number(b); ok {
			return compareNumbers(x, y)
		}
	}
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			in.spend(min(len(x), len(y)) / bytesPerStep)
			return strings.Compare(x, y)
		}
	}
	if x, ok := a.(*List); ok {
		if y, ok := b.(*List); ok && x.Tuple == y.Tuple {
			for i := range min(len(x.Items), len(y.Items)) {
				if !in.equal(x.Items[i], y.Items[i], depth+1) {
					return in.compare(line, x.Items[i], y.Items[i], depth+1)
				}
			}
			return len(x.Items) - len(y.Items)
		}
	}
	throwf(line, "%s and %s have no order", typeName(a), typeName(b))
	return 0
}

// length is Python's len().
func length(value any) (int, bool) {
	switch v := value.(type) {
	case string:
		return utf8.RuneCountInString(v), true
	case *List:
		return len(v.Items), true
	case *Dict:
		return v.Len(), true
	case *undefined:
		return 0, true
	}
	return 0, false
}

// items returns what iterating over value gives: characters, items or keys.
func (in *interp) items(line int, value any) []any {
	switch v := value.(type) {
	case *List:
		in.spend(len(v.Items) / itemsPerStep)
		return append([]any(nil), v.Items...)
	case *Dict:
		in.spend(len(v.keys) / itemsPerStep)
		return append([]any(nil), v.keys...)
	case string:
		in.spend(len(v))
		chars := make([]any, 0, len(v))
		for _, r := range v {
			chars = append(chars, string(r))
		}
		return chars
	case *undefined:
		return nil
	}
	throwf(line, "%s cannot be iterated over", typeName(value))
	return nil
}
