package schema

import (
	"slices"
	"strconv"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/internal/ojson"
)

// ruleStem returns a rule name that leaves room for the number by which a Builder tells it from others.
func ruleStem(name string) string {
	name = gbnf.RuleName(name)
	if len(name) > maxNameStem {
		name = name[:maxNameStem]
	}
	return name
}

// maxNameStem leaves room for a number within the names that a Builder makes.
const maxNameStem = 38

// space is the run of white space at a gap under Flexible; elsewhere there is none.
func (c *Compiler) space() gbnf.Expr {
	if c.opts.Whitespace != Flexible {
		return nothing
	}
	return c.opts.Spelling.rule("ws", func() gbnf.Expr {
		return &gbnf.Repeat{Item: gbnf.Set(' ', ' ', '\t', '\t', '\n', '\n', '\r', '\r'), Min: 0, Max: FlexibleSpace}
	})
}

// Texts that stand in most rules.
var (
	nothing                 = gbnf.Lit("")
	quote                   = gbnf.Lit(`"`)
	openBrace, closeBrace   = gbnf.Lit("{"), gbnf.Lit("}")
	openSquare, closeSquare = gbnf.Lit("["), gbnf.Lit("]")
)

// separator stands between members, and between items. It is not empty.
func (c *Compiler) separator() gbnf.Expr {
	if c.between == nil {
		c.between = join(gbnf.Lit(c.comma()), c.space())
	}
	return c.between
}

// emit returns the expression of a productive goal. Values with parts get a rule, which
// recursion comes back to; others stand in place.
func (c *Compiler) emit(g *goal) (gbnf.Expr, error) {
	if g.expr != nil {
		return g.expr, nil
	}
	if added := c.b.Len() - c.firstRule; added > c.lim.Rules {
		return nil, &Error{Code: ErrLimit, Err: &LimitError{Name: "Rules", Limit: c.lim.Rules, Got: added}}
	}
	var ref *gbnf.Ref
	if c.opts.Trace || g.composite() {
		ref = &gbnf.Ref{Rule: c.b.Declare(ruleStem(g.ruleName()))}
		g.expr = ref
	}
	if c.opts.Trace {
		c.b.SetSource(ref.Rule, g.source(c.tool))
	}
	alts := make([]gbnf.Expr, 0, 1)
	for i, j := range g.alts {
		if j.kinds == 0 {
			continue
		}
		var err error
		if alts, err = c.alternatives(alts, g, ref, j, &g.shapes[i]); err != nil {
			return nil, err
		}
	}
	if len(g.alts) != 1 || !g.alts[0].hasEnum { // listed values differ
		alts = dedupe(alts)
	}
	e := oneOf(alts)
	if ref != nil {
		c.b.Define(ref.Rule, e)
		return ref, nil
	}
	g.expr = e
	return e, nil
}

// source lists the places that a goal combines.
func (g *goal) source(document string) *gbnf.Source {
	s := &gbnf.Source{Document: document}
	for _, t := range g.terms {
		if p := t.l.pointer(); !slices.Contains(s.Pointers, p) {
			s.Pointers = append(s.Pointers, p)
		}
	}
	return s
}

func (g *goal) ruleName() string {
	if len(g.terms) == 0 {
		return "value"
	}
	return g.stem()
}

// stem returns the part of a goal's name that rule names show.
func (g *goal) stem() string {
	if g.parent == nil {
		return g.part
	}
	if g.name == "" {
		if g.name = g.parent.stem(); len(g.name) < maxNameStem {
			g.name += "-" + g.part
		}
	}
	return g.name
}

// composite reports whether a goal needs a rule of its own: it has parts that may lead
// back to it, or is long.
func (g *goal) composite() bool {
	scalars := 0
	for _, j := range g.alts {
		if !j.hasEnum && j.kinds&(kindArray|kindObject) != 0 {
			return true
		}
		scalars += len(j.enum) + 1
	}
	return scalars > maxInlineValues
}

// maxInlineValues is how many alternatives stand in place before they get a rule.
const maxInlineValues = 3

// dedupe drops references that occur again: unions often repeat a type.
func dedupe(alts []gbnf.Expr) []gbnf.Expr {
	if len(alts) <= maxListed {
		out := alts[:0]
		for _, e := range alts {
			if !slices.ContainsFunc(out, func(o gbnf.Expr) bool { return again(o, e) }) {
				out = append(out, e)
			}
		}
		return out
	}
	seen := make(map[gbnf.RuleID]bool)
	texts := make(map[string]bool)
	states := make(map[gbnf.State]bool)
	return slices.DeleteFunc(alts, func(e gbnf.Expr) bool {
		switch e := e.(type) {
		case *gbnf.State:
			again := states[*e]
			states[*e] = true
			return again
		case *gbnf.Ref:
			again := seen[e.Rule]
			seen[e.Rule] = true
			return again
		case *gbnf.Literal:
			again := texts[e.Text]
			texts[e.Text] = true
			return again
		}
		return false
	})
}

// again reports whether two expressions are the same reference, state or text.
func again(a, b gbnf.Expr) bool {
	switch a := a.(type) {
	case *gbnf.State:
		b, ok := b.(*gbnf.State)
		return ok && *a == *b
	case *gbnf.Ref:
		b, ok := b.(*gbnf.Ref)
		return ok && a.Rule == b.Rule
	case *gbnf.Literal:
		b, ok := b.(*gbnf.Literal)
		return ok && a.Text == b.Text
	}
	return false
}

// alternatives appends the expressions of one conjunct, one for each kind of value.
func (c *Compiler) alternatives(alts []gbnf.Expr, g *goal, rule *gbnf.Ref, j *conjunct, s *shape) ([]gbnf.Expr, error) {
	if j.hasEnum {
		alts = slices.Grow(alts, len(j.enum))
		for _, v := range j.enum {
			if v.Kind == ojson.Number && j.bare {
				alts = append(alts, gbnf.Lit(spellNumber(v.Text)))
				continue
			}
			alts = append(alts, c.value(v))
		}
		return alts, nil
	}
	if s.object != nil && s.object.satisfiable() {
		e, err := c.object(rule, s.object, jsonNotation{c})
		if err != nil {
			return nil, err
		}
		alts = append(alts, e)
	}
	if s.array != nil && s.array.satisfiable(j) {
		e, err := c.array(g, j, s.array)
		if err != nil {
			return nil, err
		}
		alts = append(alts, e)
	}
	if j.kinds&kindString != 0 {
		e, err := c.text(j)
		if err != nil {
			return nil, err
		}
		alts = append(alts, e)
	}
	if j.kinds&kindNumber != 0 {
		for _, r := range c.numberRanges(j) {
			e, err := c.number(r)
			if err != nil {
				return nil, err
			}
			alts = append(alts, e)
		}
	}
	if bools := j.bools(); j.kinds&kindBool != 0 && len(bools) == 1 {
		alts = append(alts, gbnf.Lit(strconv.FormatBool(bools[0])))
	} else if j.kinds&kindBool != 0 {
		alts = append(alts, c.opts.Spelling.rule("boolean", func() gbnf.Expr { return gbnf.OneOf(gbnf.Lit("true"), gbnf.Lit("false")) }))
	}
	if j.kinds&kindNull != 0 {
		alts = append(alts, gbnf.Lit("null"))
	}
	return alts, nil
}

func (c *Compiler) text(j *conjunct) (gbnf.Expr, error) {
	w := regex.Window{Min: j.length.min, Max: j.length.max}
	switch {
	case j.text != nil:
		return j.text.rule()
	case w.Min == 0 && w.Max < 0:
		return c.opts.Spelling.anyString(), nil
	}
	return stringOf(c.opts.Spelling.char(), w), nil
}

// array returns the expression of arrays. Counts are counters; only the prefix is
// written out.
func (c *Compiler) array(g *goal, j *conjunct, a *arrayShape) (gbnf.Expr, error) {
	comma := c.separator()
	if a.distinct && !c.enough(j, a) {
		if err := c.undecided(j); err != nil {
			return nil, err
		}
		a.distinct = false
	}
	if a.values != nil {
		return c.emitDistinct(a.values, comma), nil
	}
	if a.chain != nil {
		items, err := c.emitChain(g, a, comma)
		return join(openSquare, c.space(), items, closeSquare), err
	}
	least, most := j.count.min, j.count.max
	for i, g := range a.prefix {
		if !g.productive && (most < 0 || i < most) {
			most = i
		}
	}
	prefix := len(a.prefix)
	if !a.rest.productive && (most < 0 || most > prefix) {
		most = prefix
	}
	if most >= 0 {
		prefix = min(prefix, most)
	}
	items := make([]gbnf.Expr, prefix)
	for i := range items {
		e, err := c.item(a, a.prefix[i])
		if err != nil {
			return nil, err
		}
		items[i] = join(e, c.space())
	}
	var tail gbnf.Expr = nothing // what follows the prefix
	if most < 0 || most > prefix {
		e, err := c.item(a, a.rest)
		if err != nil {
			return nil, err
		}
		e = join(e, c.space())
		left := -1
		if most >= 0 {
			left = most - prefix
		}
		tail = listTail(e, comma, max(0, least-prefix), left, prefix == 0)
	}
	for i := prefix - 1; i >= 0; i-- {
		e := join(items[i], tail)
		if i > 0 {
			e = join(comma, e)
		}
		if i >= least {
			e = gbnf.Opt(e)
		}
		tail = e
	}
	return join(openSquare, c.space(), tail, closeSquare), nil
}

// item returns the expression of an item of an array.
func (c *Compiler) item(a *arrayShape, g *goal) (gbnf.Expr, error) {
	e, err := c.emit(g)
	if err != nil || !a.distinct {
		return e, err
	}
	return c.distinctItem(g, e), nil
}

// listTail returns least to most items (most < 0: no bound), each after a comma; the
// first without one if it is the first of all.
func listTail(item, comma gbnf.Expr, least, most int, first bool) gbnf.Expr {
	next := join(comma, item)
	if !first {
		return &gbnf.Repeat{Item: next, Min: least, Max: most}
	}
	rest := &gbnf.Repeat{Item: next, Min: max(0, least-1), Max: max(-1, most-1)}
	if most == 1 {
		rest.Max = 0
	}
	list := join(item, rest)
	if rest.Max == 0 {
		list = item
	}
	if least == 0 {
		return gbnf.Opt(list)
	}
	return list
}
