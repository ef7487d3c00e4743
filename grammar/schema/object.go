package schema

import (
	"fmt"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// object returns the expression of objects. The set of members seen, the demand for the
// required ones and the number of members are the engine's to keep (gbnf.Members). Names
// that are not declared may repeat: their distinctness is not tracked, so a count of
// members counts what is written.
func (c *Compiler) object(rule *gbnf.Ref, o *objectShape) (gbnf.Expr, error) {
	list := &gbnf.Members{Sep: join(gbnf.Lit(c.comma()), c.space()), Ordered: c.opts.Order == SchemaOrder}
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
		value, err := c.emit(m.goal)
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, gbnf.Member{Expr: c.member(m.name, value), Required: m.required})
	}
	others, err := c.otherMembers(o.others)
	if err != nil {
		return nil, err
	}
	again := func() {
		if others != nil {
			list.Items = append(list.Items, gbnf.Member{Expr: others, Repeat: true})
		}
	}
	if o.max == 0 {
		return c.braces(gbnf.Lit("")), nil
	}
	if others != nil && len(list.Items) == 0 && len(o.demanded) == 0 {
		return c.braces(listTail(others, list.Sep, o.min, o.max, true)), nil
	}
	again()
	for _, d := range o.demanded {
		e, err := c.otherMembers(d)
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
		return c.braces(gbnf.Lit("")), nil
	}
	if o.min > least {
		list.Min = o.min
	}
	if o.max >= 0 && (others != nil || o.max < len(list.Items)) {
		list.Max = o.max
	}
	return c.braces(list), nil
}

// otherMembers returns the expression of one member under a name of some classes, or nil
// if there can be none.
func (c *Compiler) otherMembers(list []classShape) (gbnf.Expr, error) {
	var alts []gbnf.Expr
	for _, k := range list {
		if !k.goal.productive {
			continue
		}
		name, err := c.emitNames(k.names)
		if err != nil {
			return nil, err
		}
		value, err := c.emit(k.goal)
		if err != nil {
			return nil, err
		}
		alts = append(alts, join(name, c.space(), gbnf.Lit(c.colon()), c.space(), value, c.space()))
	}
	return oneOfOrNil(alts), nil
}

// member returns a name with its value and the white space after it.
func (c *Compiler) member(name string, value gbnf.Expr) gbnf.Expr {
	if c.opts.Spelling == Canonical && c.opts.Whitespace != Flexible {
		return join(gbnf.Lit(regex.Quote(name)+c.colon()), value)
	}
	return join(c.literal(name), c.space(), gbnf.Lit(c.colon()), c.space(), value, c.space())
}

func (c *Compiler) braces(inside gbnf.Expr) gbnf.Expr {
	return join(gbnf.Lit("{"), c.space(), inside, gbnf.Lit("}"))
}
