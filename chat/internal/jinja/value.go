package jinja

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/callama/callama/internal/ojson"
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

// adopt turns a value from outside into one of the interpreter's.
func (in *interp) adopt(value any) any {
	switch v := value.(type) {
	case int:
		return int64(v)
	case *ojson.Value:
		return in.fromJSON(v, 0)
	case nil, bool, int64, float64, string, *List, *Dict, *Func:
		return v
	}
	throwf(0, "a template cannot hold a %T", value)
	return nil
}

// fromJSON converts as Python's json.loads does.
func (in *interp) fromJSON(v *ojson.Value, depth int) any {
	if v == nil {
		return nil
	}
	in.spend(1)
	switch v.Kind {
	case ojson.Bool:
		return v.Bool
	case ojson.Number:
		return parseNumber(v.Text)
	case ojson.String:
		return v.Text
	case ojson.Array:
		list := &List{Items: make([]any, len(v.Items))}
		for i, item := range v.Items {
			list.Items[i] = in.fromJSON(item, depth+1)
		}
		return list
	case ojson.Object:
		dict := &Dict{}
		for _, m := range v.Members {
			dict.Set(m.Name, in.fromJSON(m.Value, depth+1))
		}
		return dict
	}
	return nil
}

func parseNumber(text string) any {
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err == nil {
			return n
		}
		return bigInt(text)
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range is ±Inf, as in Python
	return f
}

// toJSON converts as Python's json.dumps does; what cannot be JSON is an error.
func (in *interp) toJSON(value any, line, depth int) *ojson.Value {
	if depth > in.limits.Depth {
		throw(line, &LimitError{"Depth", in.limits.Depth})
	}
	in.spend(1)
	switch v := value.(type) {
	case nil:
		return &ojson.Value{Kind: ojson.Null}
	case bool:
		return &ojson.Value{Kind: ojson.Bool, Bool: v}
	case int64, float64, bigInt:
		text := repr(v, 0)
		if f, ok := v.(float64); ok && math.IsInf(f, 0) {
			text = strings.Replace(text, "inf", "Infinity", 1)
		} else if ok && math.IsNaN(f) {
			text = "NaN"
		}
		return &ojson.Value{Kind: ojson.Number, Text: text}
	case string:
		return &ojson.Value{Kind: ojson.String, Text: v}
	case *List:
		list := &ojson.Value{Kind: ojson.Array}
		for _, item := range v.Items {
			list.Items = append(list.Items, in.toJSON(item, line, depth+1))
		}
		return list
	case *Dict:
		dict := &ojson.Value{Kind: ojson.Object}
		for i, key := range v.keys {
			dict.Members = append(dict.Members, ojson.Member{Name: jsonKey(key, line), Value: in.toJSON(v.values[i], line, depth+1)})
		}
		return dict
	}
	throwf(line, "%s is not JSON serializable", typeName(value))
	return nil
}

func jsonKey(key any, line int) string {
	switch k := key.(type) {
	case string:
		return k
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(k)
	case int64, float64, bigInt:
		return repr(k, 0)
	}
	throwf(line, "%s is not a JSON key", typeName(key))
	return ""
}

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

// str is Python's str().
func (in *interp) str(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case *undefined:
		return ""
	case *List, *Dict:
		return in.repr(v)
	}
	return repr(value, 0)
}

// repr is Python's repr(), with its price and limits.
func (in *interp) repr(value any) string {
	in.made(in.line, in.size(value, 0))
	return repr(value, 0)
}

// size estimates the bytes of value's repr, counts the price of making it, and bounds its
// depth.
func (in *interp) size(value any, depth int) int {
	if depth > in.limits.Depth {
		throw(in.line, &LimitError{"Depth", in.limits.Depth})
	}
	const scalar = 8 // bytes of a number, with the separator
	n := scalar
	in.spend(1)
	switch v := value.(type) {
	case string:
		in.spend(len(v) / reprBytesPerStep)
		n += len(v)
	case *List:
		for _, item := range v.Items {
			n += in.size(item, depth+1)
		}
	case *Dict:
		for i, item := range v.values {
			n += in.size(v.keys[i], depth+1) + in.size(item, depth+1)
		}
	}
	if n > in.limits.OutputBytes {
		throw(in.line, &LimitError{"OutputBytes", in.limits.OutputBytes})
	}
	return n
}

// maxReprDepth bounds repr where no interpreter counts: the keys of dicts.
const maxReprDepth = 1000

// repr is Python's repr().
func repr(value any, depth int) string {
	if depth > maxReprDepth {
		return "..."
	}
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case bigInt:
		return string(v)
	case float64:
		return reprFloat(v)
	case string:
		return reprString(v)
	case *undefined:
		return "Undefined"
	case *List:
		return reprList(v, depth)
	case *Dict:
		return reprDict(v, depth)
	case *Func:
		return "<function " + v.name + ">"
	case *namespace:
		return "<Namespace " + reprDict(&v.Dict, depth) + ">"
	}
	return "<" + typeName(value) + ">"
}

func reprList(v *List, depth int) string {
	var sb strings.Builder
	left, right := byte('['), byte(']')
	if v.Tuple {
		left, right = '(', ')'
	}
	sb.WriteByte(left)
	for i, item := range v.Items {
		if i > 0 {
			sb.WriteString(", ")
		}
		sb.WriteString(repr(item, depth+1))
	}
	if v.Tuple && len(v.Items) == 1 {
		sb.WriteByte(',')
	}
	sb.WriteByte(right)
	return sb.String()
}

func reprDict(v *Dict, depth int) string {
	var sb strings.Builder
	sb.WriteByte('{')
	for i, key := range v.keys {
		if i > 0 {
			sb.WriteString(", ")
		}
		sb.WriteString(repr(key, depth+1) + ": " + repr(v.values[i], depth+1))
	}
	sb.WriteByte('}')
	return sb.String()
}

// reprFloat is Python's repr of a float: the shortest digits that read back, in scientific
// notation below 1e-4 and from 1e16.
func reprFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func reprString(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	out := []byte{quote}
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == rune(quote) || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, '\\', 'n')
		case r == '\r':
			out = append(out, '\\', 'r')
		case r == '\t':
			out = append(out, '\\', 't')
		case r < ' ' || r == 0x7f || r > 0x7f && r <= 0xff && !unicode.IsPrint(r):
			out = fmt.Appendf(out, `\x%02x`, r)
		case r > 0xff && r <= 0xffff && !unicode.IsPrint(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		case r > 0xffff && !unicode.IsPrint(r):
			out = fmt.Appendf(out, `\U%08x`, r)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return string(append(out, quote))
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
