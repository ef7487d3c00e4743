package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// object returns the expression of objects. The set of members seen, the demand for the
// required ones and the number of members are the engine's to keep (gbnf.Members). Names
// that are not declared may repeat: their distinctness is not tracked, so a count of
// members counts what is written. n is how members are written.
func (c *Compiler) object(rule *gbnf.Ref, o *objectShape, n notation) (gbnf.Expr, error) {
	list := &gbnf.Members{Sep: n.separator(), Ordered: c.opts.Order == SchemaOrder}
	least := 0 // members that must be there by name
	for i := range o.members {
		m := &o.members[i]
		if !m.goal.productive { // optional, as there is such an object
			c.b.Comment(rule.Rule, fmt.Sprintf("never given, as nothing satisfies its schema: %s", regex.Quote(m.name)))
			continue
		}
		if m.required {
			least++
		}
		e, err := n.member(m)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, gbnf.Member{Expr: e, Required: m.required})
	}
	others, err := otherMembers(o.others, n)
	if err != nil {
		return nil, err
	}
	again := func() {
		if others != nil {
			list.Items = append(list.Items, gbnf.Member{Expr: others, Repeat: true})
		}
	}
	if o.max == 0 {
		return n.frame(gbnf.Lit("")), nil
	}
	if others != nil && len(list.Items) == 0 && len(o.demanded) == 0 {
		return n.frame(listTail(others, list.Sep, o.min, o.max, true)), nil
	}
	again()
	for _, d := range o.demanded {
		e, err := otherMembers(d, n)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, gbnf.Member{Expr: e, Required: true})
		least++
		if list.Ordered {
			again()
		}
	}
	if len(list.Items) == 0 {
		return n.frame(gbnf.Lit("")), nil
	}
	if o.min > least {
		list.Min = o.min
	}
	if o.max >= 0 && (others != nil || o.max < len(list.Items)) {
		list.Max = o.max
	}
	return n.frame(list), nil
}

// notation is how the members of an object are written.
type notation interface {
	separator() gbnf.Expr // not empty
	member(m *memberShape) (gbnf.Expr, error)
	other(k *classShape) (gbnf.Expr, error) // a member under a name of a class
	frame(list gbnf.Expr) gbnf.Expr
}

// otherMembers returns the expression of one member under a name of some classes, or nil
// if there can be none.
func otherMembers(list []classShape, n notation) (gbnf.Expr, error) {
	var alts []gbnf.Expr
	for i := range list {
		if !list[i].goal.productive {
			continue
		}
		e, err := n.other(&list[i])
		if err != nil {
			return nil, err
		}
		alts = append(alts, e)
	}
	return oneOfOrNil(alts), nil
}

// jsonNotation writes JSON objects.
type jsonNotation struct{ c *Compiler }

func (n jsonNotation) separator() gbnf.Expr { return join(gbnf.Lit(n.c.comma()), n.c.space()) }

func (n jsonNotation) member(m *memberShape) (gbnf.Expr, error) {
	value, err := n.c.emit(m.goal)
	return n.pair(n.c.literal(m.name), value), err
}

func (n jsonNotation) other(k *classShape) (gbnf.Expr, error) {
	name, err := n.c.emitNames(k.names)
	if err != nil {
		return nil, err
	}
	value, err := n.c.emit(k.goal)
	return n.pair(name, value), err
}

// pair returns a name with its value and the white space after it.
func (n jsonNotation) pair(name, value gbnf.Expr) gbnf.Expr {
	return join(name, n.c.space(), gbnf.Lit(n.c.colon()), n.c.space(), value, n.c.space())
}

func (n jsonNotation) frame(list gbnf.Expr) gbnf.Expr { return n.c.braces(list) }

func (c *Compiler) braces(inside gbnf.Expr) gbnf.Expr {
	return join(gbnf.Lit("{"), c.space(), inside, gbnf.Lit("}"))
}

// nameExcept returns any string but the given ones, in quotes. It sorts names.
func (c *Compiler) nameExcept(names []string) gbnf.Expr {
	anyString := func() gbnf.Expr { return c.stringOf(c.char(), regex.Window{Max: -1}) }
	if len(names) == 0 {
		return c.rule("string", anyString)
	}
	for i, n := range names {
		names[i] = strings.ToValidUTF8(n, "\uFFFD")
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var sb strings.Builder
	for _, n := range names {
		fmt.Fprintf(&sb, "%d:%s", len(n), n)
	}
	key := "name-except " + sb.String()
	ref, ok := c.shared[key]
	if !ok {
		words := make([][]rune, len(names))
		for i, n := range names {
			words[i] = []rune(n) // sorted still: UTF-8 keeps the order of code points
		}
		ref = c.b.Add(c.unique("name-except"), gbnf.Concat(gbnf.Lit(`"`), c.except(words, 0, 0)))
		c.shared[key] = ref
	}
	return ref
}

// maxExceptNesting bounds how deep the trie of names is nested into one rule.
const maxExceptNesting = 32

// except returns the rest of a string that is none of the words, its closing quote
// included. The words are sorted, distinct, and agree in their first depth characters,
// which have been read: a trie, in which leaving a word's path frees the rest.
func (c *Compiler) except(words [][]rune, depth, nesting int) gbnf.Expr {
	var alts []gbnf.Expr
	if len(words[0]) == depth {
		words = words[1:] // ends here, so the string must not
	} else {
		alts = append(alts, gbnf.Lit(`"`))
	}
	// Characters that continue no word: none of next, nor what needs an escape.
	next := []gbnf.Range{{Lo: 0, Hi: 0x1F}, {Lo: '"', Hi: '"'}, {Lo: '\\', Hi: '\\'}}
	plain := len(next)
	for len(words) > 0 {
		first := words[0][depth]
		n := 1
		for n < len(words) && words[n][depth] == first {
			n++
		}
		rest := c.exceptRest(words[:n], depth+1, nesting+1)
		alts = append(alts, join(c.encode(regex.Set{{Lo: first, Hi: first}}), rest))
		next = append(next, gbnf.Range{Lo: first, Hi: first})
		words = words[n:]
	}
	others := gbnf.OneOf(&gbnf.Class{Ranges: next, Negated: true}, c.escape())
	if c.opts.Spelling != Canonical || slices.ContainsFunc(next[plain:], func(r gbnf.Range) bool { return r.Lo < 0x20 || r.Lo == '"' || r.Lo == '\\' }) {
		others = c.encodeOthers(regex.NewSet(next[plain:]...))
	}
	return gbnf.OneOf(append(alts, gbnf.Concat(others, c.stringTail()))...)
}

// escape is one character of a JSON string that must be escaped.
func (c *Compiler) escape() gbnf.Expr {
	return c.rule("escape", func() gbnf.Expr {
		return regex.JSONString(regex.NewSet(gbnf.Range{Lo: 0, Hi: 0x1F}, gbnf.Range{Lo: '"', Hi: '"'}, gbnf.Range{Lo: '\\', Hi: '\\'}))
	})
}

func (c *Compiler) exceptRest(words [][]rune, depth, nesting int) gbnf.Expr {
	if nesting < maxExceptNesting {
		return c.except(words, depth, nesting)
	}
	return c.b.Add(c.unique("name-except"), c.except(words, depth, 0))
}

// stringTail is the rest of any string, its closing quote included.
func (c *Compiler) stringTail() gbnf.Expr {
	return c.rule("string-tail", func() gbnf.Expr { return gbnf.Concat(gbnf.Star(c.char()), gbnf.Lit(`"`)) })
}
