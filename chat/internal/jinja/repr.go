package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
