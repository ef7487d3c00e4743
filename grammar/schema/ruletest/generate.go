package ruletest

import (
	"math"
	"math/rand/v2"
	"slices"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
)

// Generator writes random texts of a grammar. The grammar must not hold Token nodes.
type Generator struct {
	g      *gbnf.Grammar
	rng    *rand.Rand
	height []int // of each rule: levels of rules that the shortest derivation needs
	budget int   // references left before the walk takes the shortest way out
	doc    int   // where the document begins
	stuck  bool  // no value was found that differs from the earlier ones
}

// NewGenerator returns a Generator with its own source of randomness.
func NewGenerator(g *gbnf.Grammar, seed uint64) *Generator {
	w := &Generator{g: g, rng: rand.New(rand.NewPCG(seed, 1)), height: make([]int, len(g.Rules))}
	for i := range w.height {
		w.height[i] = unknown
	}
	for changed := true; changed; {
		changed = false
		for i := range g.Rules {
			if h := w.heightOf(g.Rules[i].Expr); h < unknown && h+1 < w.height[i] {
				w.height[i], changed = h+1, true
			}
		}
	}
	return w
}

const unknown = math.MaxInt32

// Text returns one random text; size is about the number of rules that it may use. A
// grammar without any text gives ok false, as does one of which no text is found because
// values that must differ are few.
func (w *Generator) Text(size int) (text string, ok bool) {
	if w.height[w.g.Root] == unknown {
		return "", false
	}
	for range maxTries {
		w.budget, w.stuck = size, false
		var sb []byte
		if w.write(&sb, &gbnf.Ref{Rule: w.g.Root}); !w.stuck {
			return string(sb), true
		}
		size++
	}
	return "", false
}

// maxTries bounds the texts, and the values within a text, that are written in the hope
// that values differ.
const maxTries = 100

// differing writes a value that differs from the earlier ones.
func (w *Generator) differing(sb *[]byte, item gbnf.Expr) {
	at, budget := len(*sb), w.budget
	for range maxTries {
		w.write(sb, item)
		if w.stuck || !Repeats(string(*sb), w.doc, at, len(*sb)) {
			return
		}
		*sb = (*sb)[:at]
		w.budget = max(budget, 8) // the shortest way out may be one only
	}
	w.stuck = true
}

// heightOf returns the height of an expression, unknown while no derivation is known.
func (w *Generator) heightOf(e gbnf.Expr) int {
	switch e := e.(type) {
	case *gbnf.Ref:
		return w.height[e.Rule]
	case *gbnf.State: // each byte leads to a lesser one
		if n := e.Of.Shortest(e.N); n < gbnf.NoText {
			return n + 1
		}
		return unknown
	case *gbnf.Seq:
		h := 0
		for _, item := range e.Items {
			h = max(h, w.heightOf(item))
		}
		return h
	case *gbnf.Alt:
		h := unknown
		for _, item := range e.Items {
			h = min(h, w.heightOf(item))
		}
		return h
	case *gbnf.Repeat:
		if e.Min == 0 {
			return 0
		}
		return w.heightOf(e.Item)
	case *gbnf.Members:
		h := 0
		for _, m := range e.Items {
			if m.Required {
				h = max(h, w.heightOf(m.Expr))
			}
		}
		return max(h, w.heightOfMin(e))
	case *gbnf.Token:
		return unknown
	case *gbnf.Distinct:
		return w.heightOf(e.Item)
	case *gbnf.Document:
		return w.heightOf(e.Item)
	}
	return 0
}

// heightOfMin returns the height that the least number of members needs.
func (w *Generator) heightOfMin(e *gbnf.Members) int {
	need := e.Min
	var optional []int
	least := unknown // of repeating members
	for _, m := range e.Items {
		h := w.heightOf(m.Expr)
		if m.Repeat {
			least = min(least, h)
		}
		if m.Required {
			need--
		} else {
			optional = append(optional, h)
		}
	}
	if need <= 0 {
		return 0
	}
	slices.Sort(optional)
	if need > len(optional) {
		return max(least, slices.Max(append(optional, 0)))
	}
	return optional[need-1]
}

func (w *Generator) write(sb *[]byte, e gbnf.Expr) {
	if w.stuck {
		return
	}
	switch e := e.(type) {
	case *gbnf.Literal:
		*sb = append(*sb, e.Text...)
	case *gbnf.Class:
		*sb = utf8.AppendRune(*sb, w.char(e))
	case *gbnf.State:
		w.budget--
		w.write(sb, e.Expr())
	case *gbnf.Ref:
		w.budget--
		w.write(sb, w.g.Rules[e.Rule].Expr)
	case *gbnf.Seq:
		for _, item := range e.Items {
			w.write(sb, item)
		}
	case *gbnf.Alt:
		w.write(sb, w.choose(e.Items))
	case *gbnf.Repeat:
		n := e.Min
		if w.budget > 0 && w.heightOf(e.Item) < unknown {
			extra := w.rng.IntN(4)
			if e.Max >= 0 && w.rng.IntN(8) == 0 {
				extra = min(e.Max-e.Min, 40) // try the upper bound as well
			}
			n += extra
			if e.Max >= 0 {
				n = min(n, e.Max)
			}
		}
		for range n {
			w.write(sb, e.Item)
		}
	case *gbnf.Members:
		w.members(sb, e)
	case *gbnf.Document:
		w.doc = len(*sb)
		w.write(sb, e.Item)
	case *gbnf.Distinct:
		w.differing(sb, e.Item)
	}
}

// choose takes any alternative within the budget, else one with the least height.
func (w *Generator) choose(items []gbnf.Expr) gbnf.Expr {
	var open []gbnf.Expr
	least := unknown
	for _, item := range items {
		least = min(least, w.heightOf(item))
	}
	for _, item := range items {
		if h := w.heightOf(item); h < unknown && (w.budget > 0 || h == least) {
			open = append(open, item)
		}
	}
	return open[w.rng.IntN(len(open))]
}

func (w *Generator) members(sb *[]byte, e *gbnf.Members) {
	var picked []int
	required := 0
	for _, m := range e.Items {
		if m.Required {
			required++
		}
	}
	for at, m := range e.Items {
		times := 0
		switch {
		case m.Required:
			times = 1
			required--
		case w.budget > 0 && w.heightOf(m.Expr) < unknown:
			times = w.rng.IntN(2)
		}
		if m.Repeat && times > 0 {
			times += w.rng.IntN(2)
		}
		for i := range times {
			if must := m.Required && i == 0; must || e.Max == 0 || len(picked)+required < e.Max {
				picked = append(picked, at)
			}
		}
	}
	picked = w.fill(picked, e)
	if !e.Ordered {
		w.rng.Shuffle(len(picked), func(i, j int) { picked[i], picked[j] = picked[j], picked[i] })
	}
	for i, at := range picked {
		if i > 0 {
			w.write(sb, e.Sep)
		}
		w.write(sb, e.Items[at].Expr)
	}
}

// fill adds members until there are enough of them: those of the least height that are
// not there yet, then repeating ones.
func (w *Generator) fill(picked []int, e *gbnf.Members) []int {
	if len(picked) >= e.Min {
		return picked
	}
	byHeight := make([]int, len(e.Items))
	for i := range byHeight {
		byHeight[i] = i
	}
	slices.SortStableFunc(byHeight, func(a, b int) int { return w.heightOf(e.Items[a].Expr) - w.heightOf(e.Items[b].Expr) })
	for _, again := range [...]bool{false, true} {
		for _, at := range byHeight {
			for len(picked) < e.Min && (!slices.Contains(picked, at) || (again && e.Items[at].Repeat)) {
				picked = append(picked, at)
			}
		}
	}
	slices.Sort(picked)
	return picked
}

// char returns a random member of a class, mostly ASCII where there is a choice.
func (w *Generator) char(c *gbnf.Class) rune {
	in := func(r rune) bool {
		if r >= 0xD800 && r <= 0xDFFF {
			return false
		}
		for _, x := range c.Ranges {
			if x.Lo <= r && r <= x.Hi {
				return !c.Negated
			}
		}
		return c.Negated
	}
	for range 20 {
		if r := rune(w.rng.IntN(0x80)); in(r) {
			return r
		}
	}
	for range 40 {
		if r := rune(w.rng.IntN(0x11_0000)); in(r) {
			return r
		}
	}
	if !c.Negated {
		for {
			x := c.Ranges[w.rng.IntN(len(c.Ranges))]
			if r := x.Lo + rune(w.rng.IntN(int(x.Hi-x.Lo)+1)); in(r) {
				return r
			}
		}
	}
	for r := rune(0); ; r++ {
		if in(r) {
			return r
		}
	}
}
