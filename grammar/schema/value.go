package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/internal/ojson"
)

// equalityKey returns a text that is equal for values that JSON Schema calls equal:
// numbers by value, objects without regard to order.
func equalityKey(v *ojson.Value) string {
	if v.Kind == ojson.String {
		return `"` + v.Text
	}
	var sb strings.Builder
	writeKey(&sb, v)
	return sb.String()
}

// valueSet is a set of values. The zero value is empty.
type valueSet struct {
	few   []*ojson.Value // all, up to maxListed of them
	texts map[string]struct{}
	keys  map[string]struct{} // equalityKeys of what is no string
}

// add reports whether a value is new.
func (s *valueSet) add(v *ojson.Value) bool {
	if s.has(v) {
		return false
	}
	if s.texts == nil && len(s.few) < maxListed {
		s.few = append(s.few, v)
		return true
	}
	if s.texts == nil {
		s.texts, s.keys = make(map[string]struct{}), make(map[string]struct{})
		for _, o := range s.few {
			s.put(o)
		}
	}
	s.put(v)
	return true
}

func (s *valueSet) put(v *ojson.Value) {
	if v.Kind == ojson.String {
		s.texts[v.Text] = struct{}{}
	} else {
		s.keys[equalityKey(v)] = struct{}{}
	}
}

func (s *valueSet) has(v *ojson.Value) (in bool) {
	switch {
	case s.texts == nil:
		return slices.ContainsFunc(s.few, func(o *ojson.Value) bool { return equal(o, v) })
	case v.Kind == ojson.String:
		_, in = s.texts[v.Text]
	default:
		_, in = s.keys[equalityKey(v)]
	}
	return in
}

func writeKey(sb *strings.Builder, v *ojson.Value) {
	switch v.Kind {
	case ojson.Null:
		sb.WriteString("null")
	case ojson.Bool:
		sb.WriteString(strconv.FormatBool(v.Bool))
	case ojson.String:
		sb.WriteString(strconv.Quote(v.Text))
	case ojson.Number:
		if d, err := parseDecimal(v.Text); err == nil {
			sb.WriteString(d.key())
		} else {
			sb.WriteString(v.Text) // beyond maxNumberDigits: equal only as written
		}
	case ojson.Array:
		sb.WriteByte('[')
		for _, item := range v.Items {
			writeKey(sb, item)
			sb.WriteByte(',')
		}
		sb.WriteByte(']')
	case ojson.Object:
		members := slices.Clone(v.Members)
		slices.SortFunc(members, func(a, b ojson.Member) int { return strings.Compare(a.Name, b.Name) })
		sb.WriteByte('{')
		for _, m := range members {
			sb.WriteString(strconv.Quote(m.Name))
			sb.WriteByte(':')
			writeKey(sb, m.Value)
			sb.WriteByte(',')
		}
		sb.WriteByte('}')
	}
}

// value returns the expression of one fixed value in the compiler's spelling.
func (c *Compiler) value(v *ojson.Value) gbnf.Expr {
	if v.Kind == ojson.String {
		return c.literal(v.Text)
	}
	var parts []gbnf.Expr
	c.spell(v, &parts)
	if len(parts) == 1 {
		return parts[0]
	}
	return gbnf.Concat(parts...)
}

// spell appends the parts of a value, joining adjacent literals.
func (c *Compiler) spell(v *ojson.Value, parts *[]gbnf.Expr) {
	add := func(texts ...string) {
		for _, s := range texts {
			if n := len(*parts); n > 0 {
				if lit, ok := (*parts)[n-1].(*gbnf.Literal); ok {
					(*parts)[n-1] = gbnf.Lit(lit.Text + s)
					continue
				}
			}
			*parts = append(*parts, gbnf.Lit(s))
		}
	}
	put := func(e gbnf.Expr) {
		if lit, ok := e.(*gbnf.Literal); ok {
			add(lit.Text)
			return
		}
		*parts = append(*parts, e)
	}
	space := func() {
		if c.opts.Whitespace == Flexible {
			*parts = append(*parts, c.space())
		}
	}
	separate := func() {
		space()
		add(c.comma())
		space()
	}
	switch v.Kind {
	case ojson.Null:
		add("null")
	case ojson.Bool:
		add(strconv.FormatBool(v.Bool))
	case ojson.String:
		put(c.literal(v.Text))
	case ojson.Number:
		put(c.fixedNumber(v.Text))
	case ojson.Array:
		add("[")
		space()
		for i, item := range v.Items {
			if i > 0 {
				separate()
			}
			c.spell(item, parts)
		}
		if len(v.Items) > 0 {
			space()
		}
		add("]")
	case ojson.Object:
		if c.opts.Order == AnyOrder && len(v.Members) > 1 {
			*parts = append(*parts, c.anyOrder(v))
			return
		}
		add("{")
		space()
		for i, m := range v.Members {
			if i > 0 {
				separate()
			}
			put(c.literal(m.Name))
			space()
			add(c.colon())
			space()
			c.spell(m.Value, parts)
		}
		if len(v.Members) > 0 {
			space()
		}
		add("}")
	}
}

// anyOrder returns the expression of a fixed object with its members in any order.
func (c *Compiler) anyOrder(v *ojson.Value) gbnf.Expr {
	members := make([]gbnf.Member, len(v.Members))
	for i, m := range v.Members {
		members[i] = gbnf.Member{Expr: jsonNotation{c}.pair(c.literal(m.Name), c.value(m.Value)), Required: true}
	}
	return c.braces(&gbnf.Members{Items: members, Sep: c.separator()})
}

// spellNumber returns a number in canonical spelling: integers as digits only, where that
// is not longer than a model would write; anything else as it stands.
func spellNumber(text string) string {
	d, err := parseDecimal(text)
	if err != nil || !d.isInteger() || d.point > DefaultIntegerDigits && strings.ContainsAny(text, "eE") {
		return text
	}
	if d.neg {
		return "-" + d.whole()
	}
	return d.whole()
}

func (c *Compiler) comma() string {
	if c.opts.Whitespace == Model {
		return ", "
	}
	return ","
}

func (c *Compiler) colon() string {
	if c.opts.Whitespace == Model {
		return ": "
	}
	return ":"
}
