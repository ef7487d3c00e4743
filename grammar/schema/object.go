package schema

import (
	"fmt"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// object returns the expression of objects. The set of members seen, the demand for the
// required ones and the number of members are the engine's to keep (gbnf.Members), as
// are the names that are not declared, which must differ (gbnf.Distinct). n is how members
// are written.
func (c *Compiler) object(rule *gbnf.Ref, o *objectShape, n notation) (gbnf.Expr, error) {
	list := &gbnf.Members{Sep: n.separator(), Ordered: c.opts.Order == SchemaOrder,
		Items: make([]gbnf.Member, 0, len(o.members)+len(o.demanded)+1)}
	least := 0 // members that must be there by name
	for i := range o.members {
		m := &o.members[i]
		if !m.goal.productive { // optional, as there is such an object
			c.b.Comment(rule.Rule, fmt.Sprintf("never given, as nothing satisfies its schema: %s", regex.Quote(o.names.declared[i])))
			continue
		}
		if m.required != nil {
			least++
		}
		e, err := n.member(o.names.declared[i], m.goal)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, gbnf.Member{Expr: e, Required: m.required != nil})
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
		return n.frame(nothing), nil
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
		return n.frame(nothing), nil
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
	member(name string, value *goal) (gbnf.Expr, error)
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

func (n jsonNotation) separator() gbnf.Expr { return n.c.separator() }

func (n jsonNotation) member(name string, g *goal) (gbnf.Expr, error) {
	value, err := n.c.emit(g)
	if c := n.c; c.opts.Spelling == Canonical && c.opts.Whitespace != Flexible {
		return c.named(name, value), err
	}
	return n.pair(n.c.literal(name), value), err
}

// namedMember is a member, in one block: most of a grammar are members.
type namedMember struct {
	pair  gbnf.Seq
	name  gbnf.Literal
	items [2]gbnf.Expr
}

// memberBlock is how many members are one block of memory.
const memberBlock = 8

// named returns a member under a name in canonical spelling.
func (c *Compiler) named(name string, value gbnf.Expr) gbnf.Expr {
	if len(c.fresh) == 0 {
		c.fresh = make([]namedMember, memberBlock)
	}
	m := &c.fresh[0]
	c.fresh = c.fresh[1:]
	if regex.Plain(name) {
		m.name.Text = c.labels.join(`"`, name, `"`, c.colon())
	} else {
		m.name.Text = regex.Quote(name) + c.colon()
	}
	switch value.(type) {
	case *gbnf.Literal, *gbnf.Seq:
		return join(&m.name, value)
	}
	m.items = [2]gbnf.Expr{&m.name, value}
	m.pair.Items = m.items[:]
	return &m.pair
}

func (n jsonNotation) other(k *classShape) (gbnf.Expr, error) {
	name, err := n.c.emitNames(k.names)
	if err != nil {
		return nil, err
	}
	n.c.distinct = true
	name = &gbnf.Distinct{Item: name, Open: k.names.count(plenty) >= plenty}
	value, err := n.c.emit(k.goal)
	return n.pair(name, value), err
}

// pair returns a name with its value and the white space after it.
func (n jsonNotation) pair(name, value gbnf.Expr) gbnf.Expr {
	return join(name, n.c.space(), gbnf.Lit(n.c.colon()), n.c.space(), value, n.c.space())
}

func (n jsonNotation) frame(list gbnf.Expr) gbnf.Expr { return n.c.braces(list) }

func (c *Compiler) braces(inside gbnf.Expr) gbnf.Expr {
	return join(openBrace, c.space(), inside, closeBrace)
}
