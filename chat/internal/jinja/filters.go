package jinja

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filterFunc computes value|name(args).
type filterFunc func(in *interp, line int, value any, args *callArgs) any

func (in *interp) filter(line int, name string, value any, args *callArgs) any {
	f, ok := filters[name]
	if !ok {
		throwf(line, "there is no filter %q", name)
	}
	return f(in, line, in.priced(value), args)
}

var filters map[string]filterFunc

func init() { // map and select look filters up
	filters = map[string]filterFunc{
		"abs": filterAbs, "attr": filterAttr, "batch": filterBatch, "capitalize": onText(capitalize),
		"count": filterLength, "length": filterLength, "d": filterDefault, "default": filterDefault,
		"dictsort": filterDictSort, "e": onText(escapeHTML), "escape": onText(escapeHTML), "forceescape": onText(escapeHTML),
		"first": filterFirst, "last": filterLast, "float": filterFloat, "int": filterInt, "format": filterFormat,
		"from_json": filterFromJSON, "groupby": filterGroupBy, "indent": filterIndent, "items": filterItems,
		"join": filterJoin, "list": filterList, "lower": onText(strings.ToLower), "upper": onText(strings.ToUpper),
		"map": filterMap, "max": extreme(1), "min": extreme(-1), "reject": selecting(false, false),
		"rejectattr": selecting(true, false), "select": selecting(false, true), "selectattr": selecting(true, true),
		"replace": filterReplace, "reverse": filterReverse, "round": filterRound, "safe": filterString, "slice": filterSlice,
		"sort": filterSort, "string": filterString, "sum": filterSum, "title": onText(filterTitle), "tojson": filterToJSON,
		"trim": filterTrim, "truncate": filterTruncate, "unique": filterUnique, "wordcount": filterWordCount,
		"center": func(in *interp, line int, v any, args *callArgs) any {
			return stringMethods["center"](in, line, in.str(v), &callArgs{positional: []any{args.or(0, "width", int64(80))}})
		},
	}
}

func onText(f func(string) string) filterFunc {
	return func(in *interp, line int, value any, args *callArgs) any {
		s := in.str(value)
		in.made(line, len(s))
		s = f(s)
		in.made(line, len(s))
		return s
	}
}

func escapeHTML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(s)
}

// filterTitle capitalizes words between blanks and punctuation, unlike str.title.
func filterTitle(s string) string {
	start := true
	return strings.Map(func(r rune) rune {
		was := start
		start = unicode.IsSpace(r) || strings.ContainsRune("-({[<", r)
		if was {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func filterAbs(in *interp, line int, value any, args *callArgs) any {
	switch n, _ := number(value); n := n.(type) {
	case int64:
		if n == math.MinInt64 {
			overflow(line)
		}
		return max(n, -n)
	case float64:
		return math.Abs(n)
	}
	throwf(line, "abs needs a number, not %s", typeName(value))
	return nil
}

func filterAttr(in *interp, line int, value any, args *callArgs) any {
	name := args.text(line, 0, "name", "")
	if _, ok := value.(*Dict); ok && lookupMethod(value, name) == nil {
		return &undefined{"attribute '" + name + "' of a dict"} // attributes only, not items
	}
	return in.attr(line, value, name)
}

func filterBatch(in *interp, line int, value any, args *callArgs) any {
	n := args.integer(line, 0, "linecount", 0)
	if n <= 0 {
		throwf(line, "batch needs a positive number")
	}
	result := &List{}
	for chunk := range slices.Chunk(in.items(line, value), int(min(n, math.MaxInt32))) {
		row := &List{Items: slices.Clip(chunk)}
		if fill := args.or(1, "fill_with", nil); fill != nil {
			for int64(len(row.Items)) < n {
				in.spend(1)
				row.Items = append(row.Items, fill)
			}
		}
		result.Items = append(result.Items, row)
	}
	return result
}

func filterSlice(in *interp, line int, value any, args *callArgs) any {
	items := in.items(line, value)
	n := args.integer(line, 0, "slices", 0)
	if n <= 0 || n > int64(in.limits.Work) {
		throwf(line, "slice needs a positive number")
	}
	in.spend(int(n))
	size, extra := len(items)/int(n), len(items)%int(n)
	result := &List{}
	for i := range int(n) {
		end := size
		if i < extra {
			end++
		}
		row := &List{Items: slices.Clone(items[:end])}
		if fill := args.or(1, "fill_with", nil); fill != nil && i >= extra {
			row.Items = append(row.Items, fill)
		}
		items = items[end:]
		result.Items = append(result.Items, row)
	}
	return result
}

func filterLength(in *interp, line int, value any, args *callArgs) any {
	n, ok := length(value)
	if !ok {
		throwf(line, "%s has no length", typeName(value))
	}
	return int64(n)
}

func filterDefault(in *interp, line int, value any, args *callArgs) any {
	if _, ok := value.(*undefined); ok || truth(args.or(1, "boolean", false)) && !truth(value) {
		return args.or(0, "default_value", "")
	}
	return value
}

// sortKey returns the value that sorting compares: without case unless asked for.
func (in *interp) sortKey(value any, caseSensitive bool) any {
	if s, ok := value.(string); ok && !caseSensitive {
		in.spend(len(s) / bytesPerStep)
		return strings.ToLower(s)
	}
	return value
}

func filterDictSort(in *interp, line int, value any, args *callArgs) any {
	dict, ok := value.(*Dict)
	if !ok {
		throwf(line, "dictsort needs a dict, not %s", typeName(value))
	}
	pairs := in.pairs(dict)
	by := 0
	switch args.text(line, 1, "by", "key") {
	case "key":
	case "value":
		by = 1
	default:
		throwf(line, `dictsort sorts by "key" or "value"`)
	}
	sensitive := truth(args.or(0, "case_sensitive", false))
	in.sort(line, pairs.Items, truth(args.or(2, "reverse", false)), func(item any) any {
		return in.sortKey(item.(*List).Items[by], sensitive)
	})
	return pairs
}

// sort sorts items stably by key.
func (in *interp) sort(line int, items []any, reverse bool, key func(any) any) {
	keys := make(map[any]any, len(items)) // by the address of a box, to compute each key once
	boxes := make([]*any, len(items))
	for i := range items {
		item := items[i]
		boxes[i] = &item
		keys[boxes[i]] = key(item)
	}
	slices.SortStableFunc(boxes, func(a, b *any) int {
		c := in.compare(line, keys[a], keys[b], 0)
		if c == 2 {
			c = 0
		}
		if reverse {
			return -c
		}
		return c
	})
	for i, box := range boxes {
		items[i] = *box
	}
}

func filterSort(in *interp, line int, value any, args *callArgs) any {
	items := in.items(line, value)
	sensitive := truth(args.or(1, "case_sensitive", false))
	get := in.attributeGetter(line, args.or(2, "attribute", nil), nil)
	in.sort(line, items, truth(args.or(0, "reverse", false)), func(item any) any { return in.sortKey(get(item), sensitive) })
	return &List{Items: items}
}

// attributeGetter returns a function that reads an attribute path ("a.b.0") of an item; nil
// is the item itself. An undefined value becomes otherwise, if that is not nil.
func (in *interp) attributeGetter(line int, attribute, otherwise any) func(any) any {
	var path []any
	switch a := attribute.(type) {
	case nil:
		return func(item any) any { return item }
	case int64:
		path = []any{a}
	case string:
		for _, part := range strings.Split(a, ".") {
			if n, err := strconv.ParseInt(part, 10, 64); err == nil {
				path = append(path, n)
			} else {
				path = append(path, part)
			}
		}
	default:
		throwf(line, "an attribute is a string or an integer, not %s", typeName(a))
	}
	return func(item any) any {
		for _, part := range path {
			in.spend(1)
			item = in.item(line, item, part)
			if _, ok := item.(*undefined); ok && otherwise != nil {
				return otherwise
			}
		}
		return item
	}
}

func filterFirst(in *interp, line int, value any, args *callArgs) any {
	if items := in.items(line, value); len(items) > 0 {
		return items[0]
	}
	return &undefined{"the first item of an empty sequence"}
}

func filterLast(in *interp, line int, value any, args *callArgs) any {
	if items := in.items(line, value); len(items) > 0 {
		return items[len(items)-1]
	}
	return &undefined{"the last item of an empty sequence"}
}

func filterFloat(in *interp, line int, value any, args *callArgs) any {
	if n, ok := number(value); ok {
		return toFloat(n)
	}
	if s, ok := value.(string); ok {
		if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
			return f
		}
	}
	return args.or(0, "default", 0.0)
}

func filterInt(in *interp, line int, value any, args *callArgs) any {
	switch v := value.(type) {
	case bigInt:
		return v
	case string:
		text := strings.ReplaceAll(strings.TrimSpace(v), "_", "")
		base := int(args.integer(line, 1, "base", 10))
		if base == 16 || base == 2 || base == 8 {
			text = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(text, "0x"), "0b"), "0o")
		}
		if base < 2 || base > 36 {
			throwf(line, "int has no base %d", base)
		}
		if n, err := strconv.ParseInt(text, base, 64); err == nil {
			return n
		}
		if f, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(f) < 1<<62 {
			return int64(f)
		}
	default:
		switch n, _ := number(value); n := n.(type) {
		case int64:
			return n
		case float64:
			if math.Abs(n) < 1<<62 {
				return int64(n)
			}
		}
	}
	return args.or(0, "default", int64(0))
}

func filterFormat(in *interp, line int, value any, args *callArgs) any {
	return in.format(line, in.str(value), &List{Items: args.positional, Tuple: true})
}

func filterGroupBy(in *interp, line int, value any, args *callArgs) any {
	get := in.attributeGetter(line, args.or(0, "attribute", nil), args.or(1, "default", nil))
	sensitive := truth(args.or(2, "case_sensitive", false))
	items := in.items(line, value)
	key := func(item any) any { return in.sortKey(get(item), sensitive) }
	in.sort(line, items, false, key)
	result := &List{}
	var group *List
	for i, item := range items {
		if i == 0 || !in.equal(key(items[i-1]), key(item), 0) {
			group = &List{}
			result.Items = append(result.Items, &List{Items: []any{get(item), group}, Tuple: true})
		}
		group.Items = append(group.Items, item)
	}
	return result
}

func filterIndent(in *interp, line int, value any, args *callArgs) any {
	text := in.str(value)
	var indent string
	if s, ok := args.or(0, "width", int64(4)).(string); ok {
		indent = s
	} else {
		n := max(args.integer(line, 0, "width", 4), 0)
		in.made(line, int(min(n, 1<<40)))
		indent = strings.Repeat(" ", int(n))
	}
	in.made(line, len(text)+strings.Count(text, "\n")*len(indent))
	blank := truth(args.or(2, "blank", false))
	lines := splitLines(in, line, text+"\n", &callArgs{}).(*List)
	for i, item := range lines.Items {
		if i > 0 && (item != "" || blank) || i == 0 && truth(args.or(1, "first", false)) {
			lines.Items[i] = indent + item.(string)
		}
	}
	return in.join(line, lines, "\n", true)
}

func filterItems(in *interp, line int, value any, args *callArgs) any {
	switch v := value.(type) {
	case *undefined:
		return &List{}
	case *Dict:
		return in.pairs(v)
	}
	throwf(line, "items needs a dict, not %s", typeName(value))
	return nil
}

func filterJoin(in *interp, line int, value any, args *callArgs) any {
	items := in.items(line, value)
	get := in.attributeGetter(line, args.or(1, "attribute", nil), nil)
	for i := range items {
		items[i] = get(items[i])
	}
	return in.join(line, &List{Items: items}, in.str(args.or(0, "d", "")), false)
}

// join joins the texts of the items; with strict only strings will do, as in str.join.
func (in *interp) join(line int, value any, separator string, strict bool) string {
	var parts []string
	size := 0
	for _, item := range in.items(line, value) {
		if _, ok := item.(string); strict && !ok {
			throwf(line, "join needs strings, not %s", typeName(item))
		}
		part := in.str(item)
		size += len(part) + len(separator)
		in.spend(1)
		parts = append(parts, part)
	}
	in.made(line, size)
	return strings.Join(parts, separator)
}

func filterList(in *interp, line int, value any, args *callArgs) any {
	return &List{Items: in.items(line, value)}
}

// filterMap is map('filter', args…) or map(attribute='name', default=…).
func filterMap(in *interp, line int, value any, args *callArgs) any {
	if !truth(value) {
		return &List{}
	}
	items := in.items(line, value)
	var f func(any) any
	if len(args.positional) == 0 {
		attribute, ok := args.get(-1, "attribute")
		if !ok {
			throwf(line, "map needs a filter or an attribute")
		}
		f = in.attributeGetter(line, attribute, args.or(-1, "default", nil))
	} else {
		name := args.text(line, 0, "filter", "")
		rest := &callArgs{positional: args.positional[1:], names: args.names, named: args.named}
		f = func(item any) any { return in.filter(line, name, item, rest) }
	}
	for i := range items {
		in.spend(1)
		items[i] = f(items[i])
	}
	return &List{Items: items}
}

// selecting makes select, reject, selectattr and rejectattr.
func selecting(byAttribute, keep bool) filterFunc {
	return func(in *interp, line int, value any, args *callArgs) any {
		get := func(item any) any { return item }
		rest := &callArgs{positional: args.positional, names: args.names, named: args.named}
		if byAttribute {
			if len(rest.positional) == 0 {
				throwf(line, "the name of an attribute is missing")
			}
			get = in.attributeGetter(line, rest.positional[0], nil)
			rest.positional = rest.positional[1:]
		}
		test := func(item any) bool { return truth(item) }
		if len(rest.positional) > 0 {
			name := rest.text(line, 0, "test", "")
			rest.positional = rest.positional[1:]
			test = func(item any) bool { return in.test(line, name, item, rest) }
		}
		result := &List{}
		if !truth(value) {
			return result // None too, as in Jinja
		}
		for _, item := range in.items(line, value) {
			in.spend(1)
			if test(get(item)) == keep {
				result.Items = append(result.Items, item)
			}
		}
		return result
	}
}

func extreme(sign int) filterFunc {
	return func(in *interp, line int, value any, args *callArgs) any {
		sensitive := truth(args.or(0, "case_sensitive", false))
		get := in.attributeGetter(line, args.or(1, "attribute", nil), nil)
		var best any = &undefined{"the extreme of an empty sequence"}
		for i, item := range in.items(line, value) {
			if i == 0 || sign*in.compare(line, in.sortKey(get(item), sensitive), in.sortKey(get(best), sensitive), 0) > 0 {
				best = item
			}
		}
		return best
	}
}

func filterReplace(in *interp, line int, value any, args *callArgs) any {
	return in.replace(line, in.str(value), in.str(args.or(0, "old", "")), in.str(args.or(1, "new", "")), args.integer(line, 2, "count", -1))
}

func filterReverse(in *interp, line int, value any, args *callArgs) any {
	items := in.items(line, value)
	slices.Reverse(items)
	if _, ok := value.(string); ok {
		return in.join(line, &List{Items: items}, "", true)
	}
	return &List{Items: items}
}

func filterRound(in *interp, line int, value any, args *callArgs) any {
	n, ok := number(value)
	if !ok {
		throwf(line, "round needs a number, not %s", typeName(value))
	}
	precision := args.integer(line, 0, "precision", 0)
	if precision < -300 || precision > 300 {
		throwf(line, "round: the precision %d is out of range", precision)
	}
	scale := math.Pow(10, float64(precision))
	f := toFloat(n)
	method := args.text(line, 1, "method", "common")
	if i, ok := n.(int64); ok && method == "common" {
		if precision >= 0 {
			return i
		}
		return int64(math.RoundToEven(f*scale) / scale)
	}
	switch method {
	case "ceil":
		return math.Ceil(f*scale) / scale
	case "floor":
		return math.Floor(f*scale) / scale
	}
	if precision >= 0 { // as Python: the decimal digits, correctly rounded
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(precision), 64), 64)
		return f
	}
	return math.RoundToEven(f*scale) / scale
}

func filterString(in *interp, line int, value any, args *callArgs) any { return in.str(value) }

func filterSum(in *interp, line int, value any, args *callArgs) any {
	get := in.attributeGetter(line, args.or(0, "attribute", nil), nil)
	sum := args.or(1, "start", int64(0))
	for _, item := range in.items(line, value) {
		item = get(item)
		if v, ok := in.concat(line, sum, item); ok {
			sum = v
			continue
		}
		a, ok := number(sum)
		b, ok2 := number(item)
		if !ok || !ok2 {
			throwf(line, "sum does not go with %s and %s", typeName(sum), typeName(item))
		}
		sum = arithmetic(line, "+", a, b)
	}
	return sum
}

func filterTrim(in *interp, line int, value any, args *callArgs) any {
	return stringMethods["strip"](in, line, in.str(value), args)
}

func filterTruncate(in *interp, line int, value any, args *callArgs) any {
	text, end := []rune(in.str(value)), in.str(args.or(2, "end", "..."))
	in.spend(len(text))
	n, leeway := args.integer(line, 0, "length", 255), args.integer(line, 3, "leeway", 5)
	if int64(len(text)) <= n+leeway {
		return string(text)
	}
	cut := string(text[:max(n-int64(utf8.RuneCountInString(end)), 0)])
	if !truth(args.or(1, "killwords", false)) {
		if at := strings.LastIndexByte(cut, ' '); at >= 0 {
			cut = cut[:at]
		}
	}
	return cut + end
}

func filterUnique(in *interp, line int, value any, args *callArgs) any {
	sensitive := truth(args.or(0, "case_sensitive", false))
	get := in.attributeGetter(line, args.or(1, "attribute", nil), nil)
	seen := &Dict{}
	result := &List{}
	for _, item := range in.items(line, value) {
		in.spend(1)
		key := in.sortKey(get(item), sensitive)
		if _, ok := seen.Get(key); !ok {
			seen.Set(key, true)
			result.Items = append(result.Items, item)
		}
	}
	return result
}

func filterWordCount(in *interp, line int, value any, args *callArgs) any {
	return int64(len(strings.FieldsFunc(in.str(value), func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r)
	})))
}
