package jinja

import (
	"fmt"
	"strconv"
	"strings"
)

// maxWidth bounds the width and precision of a format, which templates give as digits.
const maxWidth = 1000

// format is Python's text % values for the conversions s, r, d, i, f, x, X and %.
func (in *interp) format(line int, text string, values any) string {
	args := []any{values}
	if tuple, ok := values.(*List); ok && tuple.Tuple {
		args = tuple.Items
	}
	var sb strings.Builder
	used := 0
	for {
		before, after, found := strings.Cut(text, "%")
		sb.WriteString(before)
		if !found {
			break
		}
		n := strings.IndexFunc(after, func(r rune) bool { return !strings.ContainsRune("0123456789.-+ #", r) })
		if n < 0 {
			throwf(line, "the format ends within a conversion")
		}
		flags, verb := after[:n], after[n]
		text = after[n+1:]
		if verb == '%' {
			sb.WriteByte('%')
			continue
		}
		if used == len(args) {
			throwf(line, "the format has more conversions than there are values")
		}
		sb.WriteString(in.convert(line, flags, verb, args[used]))
		in.made(line, sb.Len())
		used++
	}
	if _, isDict := values.(*Dict); used < len(args) && !isDict {
		throwf(line, "the format has fewer conversions than there are values")
	}
	in.made(line, sb.Len())
	return sb.String()
}

func (in *interp) convert(line int, flags string, verb byte, value any) string {
	for _, digits := range strings.FieldsFunc(flags, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(digits); err != nil || n > maxWidth {
			throwf(line, "the width of a format exceeds %d", maxWidth)
		}
	}
	switch verb {
	case 's':
		return fmt.Sprintf("%"+flags+"s", in.str(value))
	case 'r':
		return fmt.Sprintf("%"+flags+"s", in.repr(value))
	}
	n, ok := number(value)
	if !ok {
		throwf(line, "the conversion %%%c needs a number, not %s", verb, typeName(value))
	}
	switch verb {
	case 'd', 'i', 'x', 'X':
		if f, ok := n.(float64); ok {
			n = int64(f)
		}
		if verb == 'i' {
			verb = 'd'
		}
		return fmt.Sprintf("%"+flags+string(verb), n)
	case 'f', 'g', 'e':
		return fmt.Sprintf("%"+flags+string(verb), toFloat(n))
	}
	throwf(line, "the conversion %%%c is not supported", verb)
	return ""
}

// braceFormat is str.format for {}, {0} and {name}, without format specifications.
func (in *interp) braceFormat(line int, text string, args *callArgs) string {
	var sb strings.Builder
	next := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if (c == '{' || c == '}') && i+1 < len(text) && text[i+1] == c {
			sb.WriteByte(c)
			i++
			continue
		}
		if c == '}' {
			throwf(line, "format: a single '}'")
		}
		if c != '{' {
			sb.WriteByte(c)
			continue
		}
		n := strings.IndexByte(text[i:], '}')
		if n < 0 {
			throwf(line, "format: a '{' is not closed")
		}
		field := text[i+1 : i+n]
		i += n
		at, err := strconv.Atoi(field)
		if field == "" {
			at, next = next, next+1
		} else if err != nil {
			at = -1
		}
		value, ok := args.get(at, field)
		if !ok {
			throwf(line, "format: there is no value for {%s}", field)
		}
		sb.WriteString(in.str(value))
		in.made(line, sb.Len())
	}
	return sb.String()
}
