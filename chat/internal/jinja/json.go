package jinja

import (
	"math"
	"strconv"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

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

// filterFromJSON is not Jinja's; some templates expect it from their host.
func filterFromJSON(in *interp, line int, value any, args *callArgs) any {
	text := in.str(value)
	in.made(line, len(text))
	v, err := ojson.Parse([]byte(text))
	if err != nil {
		throwf(line, "from_json: %w", err)
	}
	return in.fromJSON(v, 0)
}

// filterToJSON is the tojson of chat templates, which is Python's json.dumps with
// ensure_ascii=False, not Jinja's own with its HTML escapes.
func filterToJSON(in *interp, line int, value any, args *callArgs) any {
	args.only(in, line, "tojson", 4, "ensure_ascii", "indent", "separators", "sort_keys")
	style := ojson.Python
	style.ASCII = truth(args.or(0, "ensure_ascii", false))
	style.SortKeys = truth(args.or(3, "sort_keys", false))
	if v := args.or(1, "indent", nil); v != nil {
		style.Indent = int(min(args.integer(line, 1, "indent", 0), int64(in.limits.OutputBytes)))
		if style.Indent <= 0 {
			style.Indent = -1
		}
		style.ItemSep = "," // Python's default behind indent
	}
	if separators, ok := args.or(2, "separators", nil).(*List); ok {
		if len(separators.Items) != 2 {
			throwf(line, "separators are two strings")
		}
		style.ItemSep, style.KeySep = in.str(separators.Items[0]), in.str(separators.Items[1])
	}
	v := in.toJSON(value, line, 0)
	in.made(line, jsonSize(v, &style, 0))
	text := v.Append(nil, style)
	in.made(line, len(text))
	return string(text)
}

// jsonSize estimates the bytes of v as JSON, so that too long a text is refused before it is
// written.
func jsonSize(v *ojson.Value, style *ojson.Style, level int) int {
	n := len(v.Items) + len(v.Members)
	size := n * (len(style.ItemSep) + len(style.KeySep) + 1 + max(style.Indent, 0)*(level+2))
	for _, item := range v.Items {
		size += jsonSize(item, style, level+1)
	}
	for _, m := range v.Members {
		size += jsonSize(m.Value, style, level+1) + len(m.Name)
	}
	return size + len(v.Text)
}
