package gbnf

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// oracle decides membership by the definition: for a fixed text it computes, for every
// rule and start position, the set of end positions, and repeats until nothing is added.
// It handles left recursion and the empty text, at the price of speed. Token terminals
// match nothing: they have no text.
type oracle struct {
	g     *Grammar
	text  string
	ends  [][]uint64 // [rule][start]: bit i is set when the rule matches text[start:i]
	grown bool
}

// accepts reports whether g derives text, of at most 62 bytes.
func accepts(g *Grammar, text string) bool {
	o := &oracle{g: g, text: text, ends: make([][]uint64, len(g.Rules))}
	for i := range o.ends {
		o.ends[i] = make([]uint64, len(text)+1)
	}
	for o.grown = true; o.grown; {
		o.grown = false
		for i := range g.Rules {
			for start := range len(text) + 1 {
				if set := o.ends[i][start] | o.match(g.Rules[i].Expr, start); set != o.ends[i][start] {
					o.ends[i][start] = set
					o.grown = true
				}
			}
		}
	}
	return o.ends[g.Root][0]&(1<<len(text)) != 0
}

func (o *oracle) match(e Expr, start int) uint64 {
	switch e := e.(type) {
	case *Literal:
		if strings.HasPrefix(o.text[start:], e.Text) {
			return 1 << (start + len(e.Text))
		}
	case *Class:
		r, size := utf8.DecodeRuneInString(o.text[start:])
		if size == 0 || r == utf8.RuneError && size == 1 {
			return 0
		}
		in := false
		for _, x := range e.Ranges {
			in = in || x.Lo <= r && r <= x.Hi
		}
		if in != e.Negated {
			return 1 << (start + size)
		}
	case *Ref:
		return o.ends[e.Rule][start]
	case *Seq:
		at := uint64(1) << start
		for _, item := range e.Items {
			at = o.from(at, item)
		}
		return at
	case *Alt:
		var set uint64
		for _, item := range e.Items {
			set |= o.match(item, start)
		}
		return set
	case *Repeat:
		return o.repeat(e, start)
	case *Members:
		return o.members(e, 0, 0, 1<<start)
	}
	return 0
}

// from matches e at each position of the set.
func (o *oracle) from(at uint64, e Expr) uint64 {
	var set uint64
	for i := range len(o.text) + 1 {
		if at&(1<<i) != 0 {
			set |= o.match(e, i)
		}
	}
	return set
}

func (o *oracle) repeat(e *Repeat, start int) uint64 {
	at, set := uint64(1)<<start, uint64(0)
	// Every non-empty repetition moves on, so beyond Min + len(text) nothing is new.
	for n := 0; at != 0 && (e.Max < 0 || n <= e.Max) && n <= e.Min+len(o.text)+1; n++ {
		if n >= e.Min {
			set |= at
		}
		at = o.from(at, e.Item)
	}
	return set
}

// members matches the rest of a list: seen is the set of members already written, count
// their number (bounded, for repeating ones that are empty text).
func (o *oracle) members(m *Members, seen, count int, at uint64) uint64 {
	if at == 0 || count > len(m.Items)+len(o.text)+1 {
		return 0
	}
	set, complete, last := uint64(0), true, -1
	for i, item := range m.Items {
		complete = complete && (!item.Required || seen&(1<<i) != 0)
		if seen&(1<<i) != 0 {
			last = i
		}
	}
	if complete && count >= m.Min {
		set = at
	}
	if m.Max > 0 && count >= m.Max {
		return set
	}
	if count > 0 {
		at = o.from(at, m.Sep)
	}
	for i, item := range m.Items {
		if seen&(1<<i) != 0 && !item.Repeat || m.Ordered && i < last {
			continue
		}
		skipped := false
		for j := range i {
			skipped = skipped || m.Ordered && m.Items[j].Required && seen&(1<<j) == 0
		}
		if !skipped {
			set |= o.members(m, seen|1<<i, count+1, o.from(at, item.Expr))
		}
	}
	return set
}

// texts lists all texts over letters up to n bytes, shortest first.
func texts(letters string, n int) []string {
	all := []string{""}
	for from := 0; n > 0; n-- {
		to := len(all)
		for _, t := range all[from:to] {
			for _, c := range letters {
				all = append(all, t+string(c))
			}
		}
		from = to
	}
	return all
}

// difference returns the first text that one grammar derives and the other does not.
func difference(a, b *Grammar, n int) (text string, inA, found bool) {
	for _, t := range texts("ab", n) {
		if in := accepts(a, t); in != accepts(b, t) {
			return t, in, true
		}
	}
	return "", false, false
}

// randomGrammar makes a small grammar over the letters a and b, rich in recursion and
// empty parts. With shapes it holds Members.
func randomGrammar(rng *rand.Rand, members bool) *Grammar {
	b := NewBuilder()
	n := 1 + rng.IntN(4)
	for i := range n {
		b.Declare([]string{"root", "p", "q", "r"}[i])
	}
	var expr func(depth int) Expr
	items := func(depth int) []Expr {
		list := make([]Expr, rng.IntN(4))
		for i := range list {
			list[i] = expr(depth - 1)
		}
		return list
	}
	expr = func(depth int) Expr {
		kinds := 12
		if depth <= 0 {
			kinds = 6
		}
		switch k := rng.IntN(kinds); k {
		case 0:
			return Lit([]string{"", "a", "b", "ab"}[rng.IntN(4)])
		case 1, 2:
			return Lit([]string{"a", "b"}[rng.IntN(2)])
		case 3:
			return Set('a', rune('a'+rng.IntN(2)))
		case 4, 5:
			return &Ref{Rule: RuleID(rng.IntN(n))}
		case 6, 7, 8:
			return Concat(items(depth)...)
		case 9, 10:
			return OneOf(items(depth)...)
		}
		if members && rng.IntN(2) == 0 {
			m := &Members{Sep: expr(0), Ordered: rng.IntN(2) == 0}
			for range rng.IntN(4) {
				m.Items = append(m.Items, Member{expr(depth - 1), rng.IntN(2) == 0, rng.IntN(3) == 0})
			}
			return m
		}
		low := rng.IntN(3)
		return &Repeat{Item: expr(depth - 1), Min: low, Max: []int{-1, low, low + 1, low + 3}[rng.IntN(4)]}
	}
	for i := range n {
		b.Define(RuleID(i), expr(3))
	}
	return b.Grammar(0)
}
