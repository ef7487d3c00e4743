package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// method is a method of a Python type, called with its object.
type method[T any] func(in *interp, line int, self T, args *callArgs) any

// lookupMethod returns the method of a value, or nil when its type has none of that name.
// Unlike in Hugging Face's sandbox lists and dicts can be changed (append, pop, update):
// some templates do.
func lookupMethod(object any, name string) any {
	switch o := object.(type) {
	case string:
		return bindMethod(stringMethods, o, name)
	case *List:
		return bindMethod(listMethods, o, name)
	case *Dict:
		return bindMethod(dictMethods, o, name)
	}
	return nil
}

func bindMethod[T any](methods map[string]method[T], self T, name string) any {
	m, ok := methods[name]
	if !ok {
		return nil
	}
	return &Func{name, func(in *interp, line int, args *callArgs) any {
		in.priced(any(self))
		return m(in, line, self, args)
	}}
}

// text returns an argument that must be a string.
func (a *callArgs) text(line, i int, name, otherwise string) string {
	switch v := a.or(i, name, otherwise).(type) {
	case string:
		return v
	case nil:
		return otherwise
	default:
		throwf(line, "%q must be a string, not %s", name, typeName(v))
	}
	return ""
}

// integer returns an argument that must be an integer.
func (a *callArgs) integer(line, i int, name string, otherwise int64) int64 {
	v := a.or(i, name, otherwise)
	if n, ok := number(v); ok {
		if n, ok := n.(int64); ok {
			return n
		}
	}
	if v != nil {
		throwf(line, "%q must be an integer, not %s", name, typeName(v))
	}
	return otherwise
}

func pythonSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// stripMethod makes strip, lstrip and rstrip.
func stripMethod(left, right bool) method[string] {
	return func(in *interp, line int, s string, args *callArgs) any {
		in.made(line, len(s))
		cut := pythonSpace
		if v := args.or(0, "chars", nil); v != nil {
			chars := args.text(line, 0, "chars", "")
			cut = func(r rune) bool { return strings.ContainsRune(chars, r) }
		}
		if left {
			s = strings.TrimLeftFunc(s, cut)
		}
		if right {
			s = strings.TrimRightFunc(s, cut)
		}
		return s
	}
}

// affixMethod makes startswith and endswith, which also take a tuple.
func affixMethod(has func(s, affix string) bool) method[string] {
	return func(in *interp, line int, s string, args *callArgs) any {
		v := args.or(0, "affix", nil)
		if list, ok := v.(*List); ok {
			for _, item := range list.Items {
				if affix, ok := item.(string); ok && has(s, affix) {
					return true
				}
			}
			return false
		}
		affix, ok := v.(string)
		if !ok {
			throwf(line, "the affix must be a string, not %s", typeName(v))
		}
		return has(s, affix)
	}
}

// mapMethod makes a method without arguments of a string.
func mapMethod(f func(string) string) method[string] {
	return func(in *interp, line int, s string, args *callArgs) any {
		in.made(line, len(s))
		return f(s)
	}
}

// classMethod makes isdigit and its like: not empty and all characters in a class.
func classMethod(in func(rune) bool) method[string] {
	return func(_ *interp, line int, s string, args *callArgs) any {
		return s != "" && strings.IndexFunc(s, func(r rune) bool { return !in(r) }) < 0
	}
}

// findMethod makes find, rfind and index; positions count characters.
func findMethod(find func(s, sub string) int, must bool) method[string] {
	return func(in *interp, line int, s string, args *callArgs) any {
		in.made(line, len(s))
		at := find(s, args.text(line, 0, "sub", ""))
		if at < 0 {
			if must {
				throwf(line, "substring not found")
			}
			return int64(-1)
		}
		return int64(utf8.RuneCountInString(s[:at]))
	}
}

// padMethod makes ljust, rjust and center.
func padMethod(pad func(s string, n int, fill string) string) method[string] {
	return func(in *interp, line int, s string, args *callArgs) any {
		width := args.integer(line, 0, "width", 0)
		fill := args.text(line, 1, "fillchar", " ")
		n := width - int64(utf8.RuneCountInString(s))
		if n <= 0 {
			return s
		}
		in.made(line, int(min(width, 1<<40))*len(fill))
		return pad(s, int(n), fill)
	}
}

var stringMethods map[string]method[string]

func init() { // the methods refer to filters, which refer to methods
	stringMethods = map[string]method[string]{
		"strip": stripMethod(true, true), "lstrip": stripMethod(true, false), "rstrip": stripMethod(false, true),
		"startswith": affixMethod(strings.HasPrefix), "endswith": affixMethod(strings.HasSuffix),
		"upper": mapMethod(strings.ToUpper), "lower": mapMethod(strings.ToLower), "casefold": mapMethod(strings.ToLower),
		"title": mapMethod(title), "capitalize": mapMethod(capitalize), "swapcase": mapMethod(swapCase),
		"isdigit": classMethod(unicode.IsDigit), "isnumeric": classMethod(unicode.IsNumber), "isdecimal": classMethod(unicode.IsDigit),
		"isalpha": classMethod(unicode.IsLetter), "isspace": classMethod(pythonSpace),
		"isalnum": classMethod(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),
		"isupper": func(_ *interp, _ int, s string, _ *callArgs) any {
			return strings.ToUpper(s) == s && strings.ToLower(s) != s
		},
		"islower": func(_ *interp, _ int, s string, _ *callArgs) any {
			return strings.ToLower(s) == s && strings.ToUpper(s) != s
		},
		"find": findMethod(strings.Index, false), "rfind": findMethod(strings.LastIndex, false),
		"index": findMethod(strings.Index, true), "rindex": findMethod(strings.LastIndex, true),
		"count": func(_ *interp, line int, s string, args *callArgs) any {
			return int64(strings.Count(s, args.text(line, 0, "sub", "")))
		},
		"ljust": padMethod(func(s string, n int, fill string) string { return s + strings.Repeat(fill, n) }),
		"rjust": padMethod(func(s string, n int, fill string) string { return strings.Repeat(fill, n) + s }),
		"center": padMethod(func(s string, n int, fill string) string {
			left := n/2 + n&(n+utf8.RuneCountInString(s))&1 // as CPython rounds
			return strings.Repeat(fill, left) + s + strings.Repeat(fill, n-left)
		}),
		"zfill": func(in *interp, line int, s string, args *callArgs) any {
			n := args.integer(line, 0, "width", 0) - int64(utf8.RuneCountInString(s))
			if n <= 0 {
				return s
			}
			in.made(line, len(s)+int(min(n, 1<<40)))
			sign := ""
			if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
				sign, s = s[:1], s[1:]
			}
			return sign + strings.Repeat("0", int(n)) + s
		},
		"replace": func(in *interp, line int, s string, args *callArgs) any {
			return in.replace(line, s, args.text(line, 0, "old", ""), args.text(line, 1, "new", ""), args.integer(line, 2, "count", -1))
		},
		"join": func(in *interp, line int, s string, args *callArgs) any {
			return in.join(line, args.or(0, "iterable", nil), s, true)
		},
		"split":      splitMethod(split),
		"rsplit":     splitMethod(rsplit),
		"splitlines": splitLines,
		"partition": func(_ *interp, line int, s string, args *callArgs) any {
			sep := separator(line, args)
			before, after, found := strings.Cut(s, sep)
			if !found {
				return &List{Items: []any{s, "", ""}, Tuple: true}
			}
			return &List{Items: []any{before, sep, after}, Tuple: true}
		},
		"rpartition": func(_ *interp, line int, s string, args *callArgs) any {
			sep := separator(line, args)
			at := strings.LastIndex(s, sep)
			if at < 0 {
				return &List{Items: []any{"", "", s}, Tuple: true}
			}
			return &List{Items: []any{s[:at], sep, s[at+len(sep):]}, Tuple: true}
		},
		"removeprefix": func(_ *interp, line int, s string, args *callArgs) any {
			return strings.TrimPrefix(s, args.text(line, 0, "prefix", ""))
		},
		"removesuffix": func(_ *interp, line int, s string, args *callArgs) any {
			return strings.TrimSuffix(s, args.text(line, 0, "suffix", ""))
		},
		"format": func(in *interp, line int, s string, args *callArgs) any { return in.braceFormat(line, s, args) },
	}
}

// separator returns the argument of partition and rpartition, which Python wants not to be empty.
func separator(line int, args *callArgs) string {
	sep := args.text(line, 0, "sep", "")
	if sep == "" {
		throwf(line, "empty separator")
	}
	return sep
}

func (in *interp) replace(line int, s, old, with string, count int64) string {
	n := strings.Count(s, old)
	if count >= 0 {
		n = int(min(int64(n), count))
	}
	in.made(line, len(s)+n*max(len(with)-len(old), 0))
	return strings.Replace(s, old, with, n)
}

// splitMethod makes split and rsplit: without separator at runs of white space.
func splitMethod(f func(s string, sep *string, max int) []string) method[string] {
	return func(in *interp, line int, s string, args *callArgs) any {
		in.spend(len(s))
		var sep *string
		if args.or(0, "sep", nil) != nil {
			text := args.text(line, 0, "sep", "")
			if text == "" {
				throwf(line, "split needs a separator that is not empty")
			}
			sep = &text
		}
		limit := args.integer(line, 1, "maxsplit", -1)
		if limit < 0 || limit > int64(len(s)) {
			limit = int64(len(s)) + 1
		}
		list := &List{}
		for _, part := range f(s, sep, int(limit)) {
			list.Items = append(list.Items, part)
		}
		return list
	}
}

func split(s string, sep *string, max int) []string {
	if sep != nil {
		return strings.SplitN(s, *sep, max+1)
	}
	var parts []string
	for s = strings.TrimLeftFunc(s, pythonSpace); s != ""; s = strings.TrimLeftFunc(s, pythonSpace) {
		end := strings.IndexFunc(s, pythonSpace)
		if len(parts) == max {
			return append(parts, s)
		}
		if end < 0 {
			return append(parts, s)
		}
		parts = append(parts, s[:end])
		s = s[end:]
	}
	return parts
}

func rsplit(s string, sep *string, max int) []string {
	var parts []string
	if sep == nil {
		s = strings.TrimRightFunc(s, pythonSpace)
	}
	for len(parts) < max {
		at, width := -1, 0
		if sep != nil {
			at, width = strings.LastIndex(s, *sep), len(*sep)
		} else if at = strings.LastIndexFunc(s, pythonSpace); at >= 0 {
			_, width = utf8.DecodeRuneInString(s[at:])
		}
		if at < 0 {
			break
		}
		parts = append(parts, s[at+width:])
		s = s[:at]
		if sep == nil {
			s = strings.TrimRightFunc(s, pythonSpace)
		}
	}
	if sep != nil || s != "" {
		parts = append(parts, s)
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return parts
}

func splitLines(in *interp, line int, s string, args *callArgs) any {
	in.spend(len(s))
	keep := truth(args.or(0, "keepends", false))
	list := &List{}
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool {
			return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
		})
		if end < 0 {
			list.Items = append(list.Items, s)
			break
		}
		_, width := utf8.DecodeRuneInString(s[end:])
		if strings.HasPrefix(s[end:], "\r\n") {
			width = 2
		}
		if keep {
			list.Items = append(list.Items, s[:end+width])
		} else {
			list.Items = append(list.Items, s[:end])
		}
		s = s[end+width:]
	}
	return list
}

// title is str.title(): every run of letters begins with a capital.
func title(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		letter := unicode.IsLetter(r)
		defer func() { inWord = letter }()
		if inWord {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, s)
}

func capitalize(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	return string(unicode.ToTitle(r)) + strings.ToLower(s[size:])
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

var listMethods = map[string]method[*List]{
	"append": func(in *interp, line int, l *List, args *callArgs) any {
		in.changeable(line, l)
		l.Items = append(l.Items, args.or(0, "object", nil))
		return nil
	},
	"extend": func(in *interp, line int, l *List, args *callArgs) any {
		in.changeable(line, l)
		more := in.items(line, args.or(0, "iterable", nil))
		in.spend(len(more))
		l.Items = append(l.Items, more...)
		return nil
	},
	"insert": func(in *interp, line int, l *List, args *callArgs) any {
		in.changeable(line, l)
		in.spend(len(l.Items) / itemsPerStep)
		at := clampIndex(args.integer(line, 0, "index", 0), int64(len(l.Items)), 1)
		l.Items = append(l.Items[:at:at], append([]any{args.or(1, "object", nil)}, l.Items[at:]...)...)
		return nil
	},
	"pop": func(in *interp, line int, l *List, args *callArgs) any {
		in.changeable(line, l)
		in.spend(len(l.Items) / itemsPerStep)
		at, ok := index(args.integer(line, 0, "index", -1), len(l.Items))
		if !ok {
			throwf(line, "pop: the list has no such item")
		}
		value := l.Items[at]
		l.Items = append(l.Items[:at:at], l.Items[at+1:]...)
		return value
	},
	"copy": func(in *interp, line int, l *List, args *callArgs) any { return &List{Items: in.items(line, l)} },
	"index": func(in *interp, line int, l *List, args *callArgs) any {
		for i, item := range l.Items {
			if in.equal(item, args.or(0, "value", nil), 0) {
				return int64(i)
			}
		}
		throwf(line, "index: the value is not in the list")
		return nil
	},
	"count": func(in *interp, line int, l *List, args *callArgs) any {
		n := int64(0)
		for _, item := range l.Items {
			if in.equal(item, args.or(0, "value", nil), 0) {
				n++
			}
		}
		return n
	},
}

func (in *interp) changeable(line int, l *List) {
	in.spend(1)
	if l.Tuple {
		throwf(line, "a tuple cannot be changed")
	}
}

var dictMethods = map[string]method[*Dict]{
	"get": func(in *interp, line int, d *Dict, args *callArgs) any {
		if v, ok := d.Get(args.or(0, "key", nil)); ok {
			return v
		}
		return args.or(1, "default", nil)
	},
	"items": func(in *interp, line int, d *Dict, args *callArgs) any { return in.pairs(d) },
	"keys":  func(in *interp, line int, d *Dict, args *callArgs) any { return &List{Items: in.items(line, d)} },
	"values": func(in *interp, line int, d *Dict, args *callArgs) any {
		in.spend(d.Len() / itemsPerStep)
		return &List{Items: append([]any(nil), d.values...)}
	},
	"copy": func(in *interp, line int, d *Dict, args *callArgs) any {
		c := &Dict{}
		in.update(c, d)
		return c
	},
	"pop": func(in *interp, line int, d *Dict, args *callArgs) any {
		key := args.or(0, "key", nil)
		v, ok := d.Get(key)
		if !ok {
			if v, ok = args.get(1, "default"); !ok {
				throwf(line, "pop: the dict has no key %s", repr(key, 0))
			}
			return v
		}
		in.spend(d.Len())
		d.remove(key)
		return v
	},
	"setdefault": func(in *interp, line int, d *Dict, args *callArgs) any {
		key := args.or(0, "key", nil)
		if v, ok := d.Get(key); ok {
			return v
		}
		v := args.or(1, "default", nil)
		d.Set(key, v)
		return v
	},
	"update": func(in *interp, line int, d *Dict, args *callArgs) any {
		if other, ok := args.or(0, "", &Dict{}).(*Dict); ok {
			in.update(d, other)
		} else {
			throwf(line, "update needs a dict")
		}
		for i, n := range args.names {
			d.Set(n, args.named[i])
		}
		return nil
	},
}

func (in *interp) update(d, other *Dict) {
	in.spend(other.Len())
	for i, key := range other.keys {
		d.Set(in.priced(key), other.values[i])
	}
}

// pairs returns the (key, value) tuples of a dict.
func (in *interp) pairs(d *Dict) *List {
	in.spend(d.Len())
	list := &List{Items: make([]any, d.Len())}
	for i, key := range d.keys {
		list.Items[i] = &List{Items: []any{key, d.values[i]}, Tuple: true}
	}
	return list
}
