package regex

import (
	"fmt"
	"slices"

	"github.com/callama/callama/grammar/gbnf"
)

// Encoding says how one character of a set is written in the constrained text: it
// returns the expression that matches the spelling of any one member. The set is never
// empty.
type Encoding func(Set) gbnf.Expr

// Raw writes characters as themselves (UTF-8).
func Raw(s Set) gbnf.Expr {
	if len(s) == 1 && s[0].Lo == s[0].Hi {
		return gbnf.Lit(string(s[0].Lo))
	}
	// The complement is shorter for sets such as "anything but a quote".
	if neg := s.Negate(); len(neg) < len(s) {
		return &gbnf.Class{Ranges: neg, Negated: true}
	}
	return &gbnf.Class{Ranges: s}
}

// jsonPlain are the characters that a JSON string holds as themselves; the others are
// written with an escape (RFC 8259, section 7), each in one canonical way.
var jsonPlain = NewSet(gbnf.Range{Lo: 0, Hi: 0x1F}, gbnf.Range{Lo: '"', Hi: '"'}, gbnf.Range{Lo: '\\', Hi: '\\'}).Negate()

// JSONString writes characters as the inside of a JSON string: themselves, except the
// quote, the backslash and controls, which take their short escape where there is one
// and \u00xx with lower-case digits otherwise.
func JSONString(s Set) gbnf.Expr {
	plain := s.Intersect(jsonPlain)
	escaped := s.Intersect(jsonPlain.Negate())
	if len(escaped) == 0 {
		return Raw(plain)
	}
	escapes := jsonEscapes(escaped)
	if len(plain) == 0 {
		return escapes
	}
	return gbnf.OneOf(Raw(plain), escapes)
}

// jsonEscapes returns the expression of the escapes of a set of characters that need one.
func jsonEscapes(s Set) gbnf.Expr {
	var short []gbnf.Range
	var low, high []gbnf.Range // last digit of \u000x and \u001x
	for _, r := range s {
		for c := r.Lo; c <= r.Hi; c++ {
			esc := jsonEscape(c)
			last := rune(esc[len(esc)-1])
			switch {
			case len(esc) == 2:
				short = append(short, gbnf.Range{Lo: last, Hi: last})
			case c < 0x10:
				low = append(low, gbnf.Range{Lo: last, Hi: last})
			default:
				high = append(high, gbnf.Range{Lo: last, Hi: last})
			}
		}
	}
	var alts []gbnf.Expr
	if len(short) > 0 {
		alts = append(alts, Raw(NewSet(short...)))
	}
	if len(low) > 0 {
		alts = append(alts, sequence(gbnf.Lit("u000"), Raw(NewSet(low...))))
	}
	if len(high) > 0 {
		alts = append(alts, sequence(gbnf.Lit("u001"), Raw(NewSet(high...))))
	}
	return sequence(gbnf.Lit(`\`), choice(alts))
}

// jsonEscape returns the canonical escape of a quote, a backslash or a control.
func jsonEscape(c rune) string {
	switch c {
	case '"', '\\':
		return `\` + string(c)
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	return fmt.Sprintf(`\u%04x`, c)
}

// Quote returns a string as a JSON string in the spelling of JSONString.
func Quote(s string) string {
	out := []byte{'"'}
	for _, r := range s {
		if jsonPlain.Contains(r) {
			out = append(out, string(r)...)
		} else {
			out = append(out, jsonEscape(r)...)
		}
	}
	return string(append(out, '"'))
}

// Window is a range of lengths in code points, both ends included. A negative Max means
// no upper bound.
type Window struct {
	Min, Max int
	// Narrow admits fewer strings where counting the characters of all would take more
	// states than the limit: in the beginning everything is counted, further on only runs
	// of characters that the automaton does not tell apart, and no part is begun near the
	// end that might not fit. No string is admitted that should not be.
	Narrow bool
}

// RuleOptions say how Rules writes an automaton. The zero value writes the raw text.
type RuleOptions struct {
	Encoding Encoding  // nil: Raw
	End      gbnf.Expr // what follows the accepted text, such as the closing quote; nil: nothing
	Length   *Window   // only strings of these lengths; nil: all
	Limits   Limits    // States bounds the product of automaton and window
}

// Rules writes an automaton into b as right-linear rules named after name and returns
// the expression of its strings, followed by RuleOptions.End. A state's rule ends in a
// reference to the next state's, so an engine that replaces the frame of a rule at its
// last reference needs no stack for them. Straight runs of states become one rule, loops
// on one state become repetitions, and lengths are counted by Repeat wherever the rest
// of the text is free, so that wide windows do not unroll. A language with no string in
// the window gives the empty Alt.
func Rules(b *gbnf.Builder, name string, d *DFA, o RuleOptions) (gbnf.Expr, error) {
	o.Limits = o.Limits.withDefaults()
	if o.Encoding == nil {
		o.Encoding = Raw
	}
	if o.End == nil {
		o.End = &gbnf.Seq{}
	}
	g, err := newGraph(d, o.Length, o.Limits)
	if err != nil {
		return nil, err
	}
	if g.start < 0 {
		return &gbnf.Alt{}, nil
	}
	w := &writer{b: b, name: name, g: g, o: o, sets: d.alphabet.sets(), rule: make(map[int32]*gbnf.Ref), set: make(map[string]gbnf.Expr)}
	return w.write(), nil
}

// writer turns a graph into rules.
type writer struct {
	b    *gbnf.Builder
	name string
	g    *graph
	o    RuleOptions
	sets []Set
	rule map[int32]*gbnf.Ref // nodes that have a rule of their own
	todo []int32
	set  map[string]gbnf.Expr // the expression of each set of symbols
}

// maxInline bounds how many nodes are nested into one rule: passes over the rule tree
// recurse over expressions.
const maxInline = 64

func (w *writer) write() gbnf.Expr {
	start := w.node(w.g.start, 0)
	for len(w.todo) > 0 {
		n := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		w.b.Define(w.rule[n].Rule, w.body(n, 0))
	}
	return start
}

// node returns the expression of a node: inline where it has one predecessor only.
func (w *writer) node(n int32, nesting int) gbnf.Expr {
	if ref, ok := w.rule[n]; ok {
		return ref
	}
	if w.g.nodes[n].entries <= 1 && nesting < maxInline {
		return w.body(n, nesting+1)
	}
	ref := &gbnf.Ref{Rule: w.b.Declare(fmt.Sprintf("%s-s%d", w.name, n))}
	w.rule[n] = ref
	w.todo = append(w.todo, n)
	return ref
}

func (w *writer) body(n int32, nesting int) gbnf.Expr {
	node := &w.g.nodes[n]
	var loop gbnf.Expr
	var alts []gbnf.Expr
	for _, e := range node.edges {
		chars := w.chars(e.symbols)
		if e.to == n {
			loop = gbnf.Star(chars)
			continue
		}
		alts = append(alts, sequence(chars, w.node(e.to, nesting)))
	}
	if node.counted != nil {
		chars := w.chars(node.counted)
		return sequence(&gbnf.Repeat{Item: chars, Min: node.window.Min, Max: node.window.Max}, w.o.End)
	}
	if node.accept {
		alts = append(alts, w.o.End)
	}
	if loop != nil {
		return sequence(loop, choice(alts))
	}
	return choice(alts)
}

// chars returns the expression of one character of some symbols.
func (w *writer) chars(symbols []int32) gbnf.Expr {
	key := make([]byte, 0, 4*len(symbols))
	for _, s := range symbols {
		key = append(key, byte(s), byte(s>>8), byte(s>>16), byte(s>>24))
	}
	e, ok := w.set[string(key)]
	if !ok {
		set := w.sets[symbols[0]]
		if len(symbols) > 1 {
			var all []gbnf.Range
			for _, s := range symbols {
				all = append(all, w.sets[s]...)
			}
			set = NewSet(all...)
		}
		e = w.o.Encoding(set)
		w.set[string(key)] = e
	}
	return e
}

// sequence concatenates two expressions, flat, joining adjacent literals.
func sequence(a, b gbnf.Expr) gbnf.Expr {
	var items []gbnf.Expr
	for _, e := range [...]gbnf.Expr{a, b} {
		if s, ok := e.(*gbnf.Seq); ok {
			items = append(items, s.Items...)
		} else {
			items = append(items, e)
		}
	}
	out := items[:0:0]
	for _, e := range items {
		if lit, ok := e.(*gbnf.Literal); ok && len(out) > 0 {
			if last, ok := out[len(out)-1].(*gbnf.Literal); ok {
				out[len(out)-1] = gbnf.Lit(last.Text + lit.Text)
				continue
			}
		}
		out = append(out, e)
	}
	if len(out) == 1 {
		return out[0]
	}
	return &gbnf.Seq{Items: slices.Clip(out)}
}

func choice(alts []gbnf.Expr) gbnf.Expr {
	if len(alts) == 1 {
		return alts[0]
	}
	return &gbnf.Alt{Items: alts}
}
