package gbnf

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Trigger is what free text is watched for: a text, or a token as a unit.
type Trigger struct {
	// Text is what ends the free text, at its first occurrence. It is not empty and valid
	// UTF-8. Where one trigger's text ends within another's, the one that is complete first
	// counts; of two that are complete at once, the longer.
	Text string
	// Token, instead of Text, is a token of the vocabulary.
	Token *Token
	// After is what must follow the trigger. Nil: the trigger must not occur.
	After Expr
}

// Text says what free text is: any characters, watched for triggers.
type Text struct {
	Triggers []Trigger
	// End lets the text end before a trigger, which may then be begun but not complete.
	End bool
	// Again goes on with free text after a trigger and what follows it; otherwise nothing
	// comes behind that.
	Again bool
	// Avoid are characters that the text does not begin with.
	Avoid []Range
}

// maxTriggerBytes bounds the texts of the triggers together, in bytes: the rules are about
// as many as their characters, 500 bytes each.
const maxTriggerBytes = 1 << 20

// Add adds the rules of the text to b, named after name, and returns the expression. The rules
// are the automaton of Aho and Corasick (1975), one rule for each proper beginning of a
// trigger: a matcher is in one of them at any time, so a text costs the same however many
// triggers there are and however long it has been.
func (t Text) Add(b *Builder, name string) (Expr, error) {
	var a ahoCorasick
	size := 0
	for i, tr := range t.Triggers {
		switch {
		case (tr.Text == "") == (tr.Token == nil):
			return nil, fmt.Errorf("gbnf: trigger %d: either a text or a token", i)
		case !utf8.ValidString(tr.Text):
			return nil, fmt.Errorf("gbnf: trigger %d: %q is not UTF-8", i, tr.Text)
		case tr.Token != nil:
			continue
		}
		if size += len(tr.Text); size > maxTriggerBytes {
			return nil, &LimitError{Name: "bytes of triggers", Limit: maxTriggerBytes, Got: size}
		}
		if !a.insert(tr.Text, i) {
			return nil, fmt.Errorf("gbnf: trigger %d: %q comes twice", i, tr.Text)
		}
	}
	a.link()
	w := textWriter{Text: t, b: b, a: &a, rules: make([]RuleID, len(a.nodes))}
	for i := range a.nodes {
		w.rules[i] = -1
		if i == 0 || a.nodes[i].trigger < 0 {
			w.rules[i] = b.Declare(name)
		}
	}
	for i := range a.nodes {
		if w.rules[i] >= 0 {
			b.Define(w.rules[i], w.state(int32(i)))
		}
	}
	if len(t.Avoid) > 0 {
		return w.entry(), nil
	}
	return &Ref{Rule: w.rules[0]}, nil
}

// ahoCorasick is the automaton of some words over code points.
type ahoCorasick struct{ nodes []acNode }

// acNode stands for a beginning of a word.
type acNode struct {
	next    []acEdge // by code point, to longer beginnings
	fail    int32    // the longest proper end of it that begins a word
	trigger int32    // the word that ends here, -1 for none
}

type acEdge struct {
	r  rune
	to int32
}

func (a *ahoCorasick) insert(word string, trigger int) bool {
	if a.nodes == nil {
		a.nodes = []acNode{{trigger: -1}}
	}
	at := int32(0)
	for _, r := range word {
		i, ok := a.edge(at, r)
		if !ok {
			a.nodes[at].next = slices.Insert(a.nodes[at].next, i, acEdge{r, int32(len(a.nodes))})
			a.nodes = append(a.nodes, acNode{trigger: -1})
		}
		at = a.nodes[at].next[i].to
	}
	if a.nodes[at].trigger >= 0 {
		return false
	}
	a.nodes[at].trigger = int32(trigger)
	return true
}

func (a *ahoCorasick) edge(at int32, r rune) (int, bool) {
	return slices.BinarySearchFunc(a.nodes[at].next, r, func(e acEdge, r rune) int { return cmp.Compare(e.r, r) })
}

// link finds the failure links, breadth first. A word that ends within another is complete
// there too.
func (a *ahoCorasick) link() {
	if a.nodes == nil {
		a.nodes = []acNode{{trigger: -1}}
	}
	queue := []int32{0}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, e := range a.nodes[at].next {
			if at != 0 {
				a.nodes[e.to].fail = a.step(a.nodes[at].fail, e.r)
			}
			if a.nodes[e.to].trigger < 0 {
				a.nodes[e.to].trigger = a.nodes[a.nodes[e.to].fail].trigger
			}
			queue = append(queue, e.to)
		}
	}
}

// step returns the state after a character.
func (a *ahoCorasick) step(at int32, r rune) int32 {
	for {
		if i, ok := a.edge(at, r); ok {
			return a.nodes[at].next[i].to
		}
		if at == 0 {
			return 0
		}
		at = a.nodes[at].fail
	}
}

// moves returns the characters that lead from a state elsewhere than to the start, in
// order: those of the state and of the states that it falls back to.
func (a *ahoCorasick) moves(at int32) []acEdge {
	moves := slices.Clone(a.nodes[at].next)
	for at != 0 {
		at = a.nodes[at].fail
		for _, e := range a.nodes[at].next {
			if i, ok := slices.BinarySearchFunc(moves, e.r, func(x acEdge, r rune) int { return cmp.Compare(x.r, r) }); !ok {
				moves = slices.Insert(moves, i, e)
			}
		}
	}
	return moves
}

// textWriter writes the states as rules.
type textWriter struct {
	Text
	b     *Builder
	a     *ahoCorasick
	rules []RuleID // of states in which no trigger is complete
}

// state returns the right-hand side of one state. Its alternatives begin with disjoint
// characters, so that a matcher never follows two of them. Characters that keep the state,
// in the start nearly all, are a repetition, which engines count instead of calling a rule
// for each.
func (w *textWriter) state(at int32) Expr {
	classes, rest := w.moves(at, nil)
	var loop Expr
	for _, c := range classes {
		if c.to == at {
			loop = Star(c.class)
		} else {
			rest = append(rest, Concat(c.class, &Ref{Rule: w.rules[c.to]}))
		}
	}
	if loop == nil {
		return OneOf(rest...)
	}
	return Concat(loop, OneOf(rest...))
}

// entry returns the start for a text that must not begin with some characters.
func (w *textWriter) entry() Expr {
	classes, rest := w.moves(0, w.Avoid)
	for _, c := range classes {
		rest = append(rest, Concat(c.class, &Ref{Rule: w.rules[c.to]}))
	}
	return OneOf(rest...)
}

// target is a set of characters that lead to a state.
type target struct {
	to    int32
	class *Class
}

// moves returns what leads from a state to others, and to itself, but for the characters to
// avoid; rest is what ends the text or a trigger.
func (w *textWriter) moves(at int32, avoid []Range) (classes []target, rest []Expr) {
	avoided := func(r rune) bool {
		return slices.ContainsFunc(avoid, func(a Range) bool { return a.Lo <= r && r <= a.Hi })
	}
	other := &Class{Negated: true, Ranges: slices.Clone(avoid)} // what leads to the start
	classes = append(classes, target{0, other})
	for _, e := range w.a.moves(at) {
		other.Ranges = append(other.Ranges, Range{e.r, e.r})
		if avoided(e.r) {
			continue
		}
		if n := &w.a.nodes[e.to]; n.trigger >= 0 {
			if after := w.after(int(n.trigger)); after != nil {
				rest = append(rest, Concat(Lit(string(e.r)), after))
			}
			continue
		}
		i := slices.IndexFunc(classes, func(c target) bool { return c.to == e.to })
		if i < 0 {
			i = len(classes)
			classes = append(classes, target{e.to, &Class{}})
		}
		classes[i].class.Ranges = append(classes[i].class.Ranges, Range{e.r, e.r})
	}
	for _, c := range classes {
		slices.SortFunc(c.class.Ranges, func(a, b Range) int { return cmp.Compare(a.Lo, b.Lo) })
		c.class.Ranges = mergeRanges(c.class.Ranges)
	}
	for i, t := range w.Triggers {
		if t.Token != nil && t.After != nil {
			rest = append(rest, Concat(t.Token, w.after(i)))
		}
	}
	if w.End {
		rest = append(rest, Lit(""))
	}
	return classes, rest
}

// after returns what follows a trigger, nil if it must not occur.
func (w *textWriter) after(trigger int) Expr {
	after := w.Triggers[trigger].After
	if after == nil || !w.Again {
		return after
	}
	return Concat(after, &Ref{Rule: w.rules[0]})
}

// mergeRanges joins neighbours of sorted ranges.
func mergeRanges(list []Range) []Range {
	out := list[:0]
	for _, r := range list {
		if n := len(out); n > 0 && out[n-1].Hi+1 >= r.Lo {
			out[n-1].Hi = max(out[n-1].Hi, r.Hi)
			continue
		}
		out = append(out, r)
	}
	return out
}

// Until returns the expression of texts that end with the first occurrence of delimiter.
// None of the banned texts occurs in them.
func Until(b *Builder, name, delimiter string, banned ...string) (Expr, error) {
	t := Text{Triggers: []Trigger{{Text: delimiter, After: Lit("")}}}
	for _, s := range banned {
		t.Triggers = append(t.Triggers, Trigger{Text: s})
	}
	return t.Add(b, name)
}

// Choice returns the expression of some texts, each once.
func Choice(texts ...string) Expr {
	alt := &Alt{}
	seen := make(map[string]bool, len(texts))
	for _, s := range texts {
		if !seen[s] {
			seen[s] = true
			alt.Items = append(alt.Items, Lit(s))
		}
	}
	return alt
}
