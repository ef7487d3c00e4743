package schema

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/internal/ojson"
)

// Markup is a notation in which the arguments of a call are not a JSON object: each stands
// between tags, strings as they are and other values as JSON. An argument is written
//
//	Open name Middle value Close
//
// and After stands behind the last one.
type Markup struct {
	Open, Middle, Close string // none is empty
	Between             string // between arguments
	After               string // behind the last argument, if there is one
	// End is the end of Close by which readers find the end of a string: it does not occur in
	// one.
	End string
}

// ValueText says how the text of an argument is to be read.
type ValueText uint8

const (
	// EitherText is JSON if it reads as a JSON value other than a string, and else a string as
	// it stands. Arguments that a schema does not declare are written so.
	EitherText ValueText = iota
	// RawText is a string as it stands.
	RawText
	// JSONText is JSON.
	JSONText
)

// Arguments says how the texts of a tool's declared arguments are to be read.
type Arguments map[string]ValueText

// ToolMarkup is Tool for a notation other than JSON. The result says how a reader must take the
// texts so that it gets what the schema admits. Strings that hold the end of a value cannot
// be written, and where a value may be a string or something else, neither can strings that
// look like something else: the rules are then narrower than the schema.
func (c *Compiler) ToolMarkup(name string, parameters *ojson.Value, m Markup) (gbnf.Expr, Arguments, error) {
	doc := c.toolDocument(parameters)
	c.tool = name
	defer func() { c.tool = "" }()
	g := c.goal(nil, name, []term{{l: doc.root}, {l: c.objectLoc}})
	if err := c.explore(g); err != nil {
		return nil, nil, inTool(name, err)
	}
	if !g.productive {
		return nil, nil, inTool(name, c.explain(g))
	}
	w := &markupWriter{c: c, m: m, args: Arguments{}}
	e, err := w.arguments(g)
	return e, w.args, inTool(name, err)
}

// ToolTextMarkup is ToolMarkup for parameters given as JSON text; empty means none. Without a
// Markup the arguments are a JSON object, as ToolText writes it.
func (c *Compiler) ToolTextMarkup(name string, parameters json.RawMessage, m *Markup) (gbnf.Expr, Arguments, error) {
	if m == nil {
		e, err := c.ToolText(name, parameters)
		return e, nil, err
	}
	var doc *ojson.Value
	if len(parameters) > 0 {
		var err error
		if doc, err = ojson.Parse(parameters); err != nil {
			return nil, nil, &Error{Code: ErrInvalid, Tool: name, Err: err}
		}
	}
	return c.ToolMarkup(name, doc, *m)
}

// markupWriter writes the arguments of one tool.
type markupWriter struct {
	c    *Compiler
	m    Markup
	args Arguments
}

// join adds how a value is written in one more alternative.
func (a Arguments) join(name string, t ValueText) {
	if known, ok := a[name]; ok && known != t {
		t = EitherText
	}
	a[name] = t
}

// arguments returns the alternatives of a goal of objects.
func (w *markupWriter) arguments(g *goal) (gbnf.Expr, error) {
	objects := 0
	open := false
	for i, j := range g.alts {
		if j.hasEnum {
			for _, v := range j.enum {
				if v.Kind == ojson.Object {
					objects++
					for _, m := range v.Members {
						w.args.join(m.Name, textOf(kindOf(m.Value)))
					}
				}
			}
			continue
		}
		o := g.shapes[i].object
		if o == nil || !o.satisfiable() {
			continue
		}
		objects++
		open = open || len(o.others) > 0 || len(o.demanded) > 0
		for k := range o.members {
			if m := &o.members[k]; m.goal.productive {
				w.args.join(o.names.declared[k], textOf(m.goal.valueKinds()))
			}
		}
	}
	if open && objects > 1 { // a name may be declared here and not there
		for name := range w.args {
			w.args[name] = EitherText
		}
	}
	rule := &gbnf.Ref{Rule: w.c.b.Declare(ruleStem(g.ruleName()))}
	if w.c.opts.Trace {
		w.c.b.SetSource(rule.Rule, g.source(w.c.tool))
	}
	var alts []gbnf.Expr
	for i, j := range g.alts {
		more, err := w.alternative(rule, j, &g.shapes[i])
		if err != nil {
			return nil, err
		}
		alts = append(alts, more...)
	}
	if len(alts) == 0 {
		return nil, g.terms[0].l.fail(ErrUnsupported, "", "no argument object can be written in this notation")
	}
	return w.c.b.Define(rule.Rule, oneOf(alts)), nil
}

func (w *markupWriter) alternative(rule *gbnf.Ref, j *conjunct, s *shape) ([]gbnf.Expr, error) {
	if !j.hasEnum {
		if s.object == nil || !s.object.satisfiable() {
			return nil, nil
		}
		e, err := w.c.object(rule, s.object, w)
		return []gbnf.Expr{e}, err
	}
	var alts []gbnf.Expr
	for _, v := range j.enum {
		if text, ok := w.written(v); ok {
			alts = append(alts, gbnf.Lit(text))
		}
	}
	return alts, nil
}

// written returns the text of fixed arguments, and whether there is one.
func (w *markupWriter) written(v *ojson.Value) (string, bool) {
	var parts []string
	for _, m := range v.Members {
		text := string(m.Value.Append(nil, ojson.Python))
		if m.Value.Kind == ojson.String {
			if text = m.Value.Text; !w.writable(text, w.args[m.Name]) {
				return "", false
			}
		}
		if !w.namable(m.Name) {
			return "", false
		}
		parts = append(parts, w.m.Open+m.Name+w.m.Middle+text+w.m.Close)
	}
	if len(parts) == 0 {
		return "", v.Kind == ojson.Object
	}
	return strings.Join(parts, w.m.Between) + w.m.After, v.Kind == ojson.Object
}

// textOf returns how a value of some kinds is written.
func textOf(k kinds) ValueText {
	switch {
	case k&kindString == 0:
		return JSONText
	case k&^kindString == 0:
		return RawText
	}
	return EitherText
}

// valueKinds returns the kinds of the values that a goal admits.
func (g *goal) valueKinds() kinds {
	var all kinds
	for i, j := range g.alts {
		if j.hasEnum {
			for _, v := range j.enum {
				all |= kindOf(v)
			}
			continue
		}
		k := j.kinds
		if s := &g.shapes[i]; k&kindObject != 0 && (s.object == nil || !s.object.satisfiable()) {
			k &^= kindObject
		} else if k&kindArray != 0 && (s.array == nil || !s.array.satisfiable(j)) {
			k &^= kindArray
		}
		all |= k
	}
	return all
}

// The separator of a list must not be empty, so the first character of Open belongs to it, and
// to what stands before the list.

func (w *markupWriter) separator() gbnf.Expr { return gbnf.Lit(w.m.Between + w.m.Open[:1]) }

func (w *markupWriter) frame(list gbnf.Expr) gbnf.Expr {
	some := func(list gbnf.Expr) gbnf.Expr {
		return join(gbnf.Lit(w.m.Open[:1]), list, gbnf.Lit(w.m.After))
	}
	switch e := list.(type) {
	case *gbnf.Literal:
		if e.Text == "" {
			return e
		}
	case *gbnf.Members:
		required := slices.ContainsFunc(e.Items, func(m gbnf.Member) bool { return m.Required })
		if e.Min > 0 || required {
			return some(e)
		}
		e.Min = 1
		return gbnf.Opt(some(e))
	case *gbnf.Repeat:
		if e.Min == 0 && e.Max == 1 {
			return gbnf.Opt(some(e.Item))
		}
	}
	return some(list)
}

func (w *markupWriter) member(name string, g *goal) (gbnf.Expr, error) {
	if !w.namable(name) {
		l := g.place(w.c)
		return nil, l.fail(ErrUnsupported, "", "the name %q cannot be written in this notation", name)
	}
	value, err := w.value(g, w.args[name])
	return join(gbnf.Lit(w.m.Open[1:]+name+w.m.Middle), value), err
}

// place returns a location to blame.
func (g *goal) place(c *Compiler) *location {
	if len(g.terms) > 0 {
		return g.terms[0].l
	}
	return c.objectLoc
}

// namable reports whether a reader finds the end of the name.
func (w *markupWriter) namable(name string) bool {
	return name != "" && !strings.ContainsAny(name, "<>\n")
}

// other returns an argument that no property declares.
func (w *markupWriter) other(k *classShape) (gbnf.Expr, error) {
	names := k.names.dfa
	if names == nil {
		names = regex.Literals(k.names.except...).Complement()
	}
	names, err := regex.Intersect(names, mustDFA(`[^<>\n]+`), w.c.lim.Pattern)
	if err != nil {
		return nil, &Error{Code: ErrLimit, Err: err}
	}
	name, err := regex.Rules("name", names, regex.RuleOptions{End: gbnf.Lit(w.m.Middle)})
	if err != nil {
		return nil, &Error{Code: ErrLimit, Err: err}
	}
	if name == nil {
		return gbnf.OneOf(), nil
	}
	value, err := w.value(k.goal, EitherText)
	return join(gbnf.Lit(w.m.Open[1:]), name, value), err
}

// value returns the values of a goal with Close behind them, for a reader that takes them as
// t says.
func (w *markupWriter) value(g *goal, t ValueText) (gbnf.Expr, error) {
	end := gbnf.Lit(w.m.Close)
	if g.valueKinds()&kindString == 0 {
		e, err := w.c.emit(g)
		if err != nil {
			return nil, err
		}
		return join(w.c.document(e), end), nil
	}
	rule := &gbnf.Ref{Rule: w.c.b.Declare(ruleStem(g.ruleName()))}
	if w.c.opts.Trace {
		w.c.b.SetSource(rule.Rule, g.source(w.c.tool))
	}
	var alts []gbnf.Expr
	for i, j := range g.alts {
		if j.kinds == 0 {
			continue
		}
		rest := j.clone()
		rest.kinds &^= kindString
		listed := rest.ownValues()
		listed.enum = nil
		for _, v := range j.enum {
			if v.Kind != ojson.String {
				listed.enum = append(listed.enum, v)
			} else if w.writable(v.Text, t) {
				alts = append(alts, gbnf.Lit(v.Text+w.m.Close))
			}
		}
		if rest.kinds != 0 && (!j.hasEnum || len(listed.enum) > 0) {
			more, err := w.c.alternatives(nil, g, rule, rest, &g.shapes[i])
			if err != nil {
				return nil, err
			}
			for _, e := range more {
				alts = append(alts, join(w.c.document(e), end))
			}
		}
		if j.kinds&kindString != 0 && !j.hasEnum {
			e, err := w.raw(g, j, t)
			if err != nil {
				return nil, err
			}
			if e != nil {
				alts = append(alts, e)
			}
		}
	}
	if len(alts) == 0 {
		return nil, g.place(w.c).fail(ErrUnsupported, "", "none of the values can be written in this notation")
	}
	return w.c.b.Define(rule.Rule, oneOf(alts)), nil
}

// looksLikeJSON are the texts that a reader may take for a JSON value other than a string,
// and some more: all that begin as an object or array does.
var looksLikeJSON = sync.OnceValue(func() *regex.DFA {
	return mustDFA(`[ \t\r\n]*(?:null|true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+\-]?[0-9]+)?|[{\[][^]*)[ \t\r\n]*`)
})

// writable reports whether a reader that takes a text as t says gets the string itself.
func (w *markupWriter) writable(s string, t ValueText) bool {
	return !strings.Contains(s, w.m.End) && (t == RawText || !looksLikeJSON().Match(s))
}

// raw returns the strings that a conjunct admits, as they are, with Close behind them; nil if
// there are none.
func (w *markupWriter) raw(g *goal, j *conjunct, t ValueText) (gbnf.Expr, error) {
	window := regex.Window{Min: j.length.min, Max: j.length.max}
	free := window.Min == 0 && window.Max < 0
	if j.text == nil && free && t == RawText {
		return w.anyText()
	}
	fail := func(err error) error {
		var l *regex.LimitError
		if errors.As(err, &l) {
			return g.place(w.c).fail(ErrLimit, "", "strings without %q: %w", w.m.End, err)
		}
		return err
	}
	all, err := w.strings(j)
	if err != nil {
		return nil, fail(err)
	}
	if t != RawText {
		if all, err = regex.Intersect(all, looksLikeJSON().Complement(), w.c.lim.Pattern); err != nil {
			return nil, fail(err)
		}
	}
	e, err := regex.Rules(g.ruleName(), all, regex.RuleOptions{End: gbnf.Lit(w.m.Close), Length: &window})
	if err != nil || e == nil {
		return nil, fail(err)
	}
	return e, nil
}

// strings returns the automaton of the strings that a conjunct admits and that do not hold the end of
// a value, whatever their length.
func (w *markupWriter) strings(j *conjunct) (*regex.DFA, error) {
	without := w.without()
	if j.text == nil {
		return without, nil
	}
	texts, err := w.c.stringAutomaton(j, j.deniedTexts())
	if err != nil {
		return nil, err
	}
	return regex.Intersect(texts, without, w.c.lim.Pattern)
}

// anyText returns the strings of any characters that do not hold the end of a value, with
// Close behind them.
func (w *markupWriter) anyText() (gbnf.Expr, error) {
	if e, ok := w.c.anyText[w.m]; ok {
		return e, nil
	}
	// The end of the text is not ambiguous: one automaton follows both.
	ends := []string{w.m.Close, w.m.End}
	if w.m.Close == w.m.End {
		ends = ends[:1]
	}
	e, err := gbnf.Until(w.c.b, ruleStem("text"), ends[0], ends[1:]...)
	if err != nil {
		return nil, &Error{Code: ErrLimit, Err: err}
	}
	if w.c.anyText == nil {
		w.c.anyText = map[Markup]gbnf.Expr{}
	}
	w.c.anyText[w.m] = w.c.b.Add(ruleStem("text"), e)
	return w.c.anyText[w.m], nil
}

// without returns the strings that do not hold the end of a value.
func (w *markupWriter) without() *regex.DFA {
	key := "without " + w.m.End
	p, ok := w.c.patterns[key]
	if !ok {
		p = &pattern{key: key, dfa: mustDFA(`[^]*` + quoteMeta(w.m.End) + `[^]*`).Complement()}
		w.c.patterns[key] = p
	}
	return p.dfa
}

// quoteMeta writes a text as a pattern.
func quoteMeta(s string) string {
	var sb strings.Builder
	for _, r := range s {
		if strings.ContainsRune(`\^$.|?*+()[]{}/-`, r) {
			sb.WriteByte('\\')
		}
		sb.WriteRune(r)
	}
	return sb.String()
}

// Value reads the text of an argument.
func (a Arguments) Value(name, text string) *ojson.Value {
	t := a[name]
	if t == RawText {
		return &ojson.Value{Kind: ojson.String, Text: text}
	}
	v, err := ojson.Parse([]byte(text))
	if err != nil || t == EitherText && v.Kind == ojson.String {
		return &ojson.Value{Kind: ojson.String, Text: text}
	}
	return v
}
