package grammar_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/vocab"
)

const eog = int32(1)

// smallVocab has a hole, an end of generation, a special token and all texts of up to
// length three over a few bytes, parts of a two-byte code point among them.
func smallVocab(t testing.TB) *vocab.Vocab {
	t.Helper()
	alphabet := []string{"a", "b", "c", ",", "\xc3", "\xa9"}
	tokens := [][]byte{nil, []byte("</s>"), []byte("<call>")}
	words := []string{""}
	for range 3 {
		var longer []string
		for _, w := range words {
			for _, x := range alphabet {
				longer = append(longer, w+x)
			}
		}
		for _, w := range longer {
			tokens = append(tokens, []byte(w))
		}
		words = longer
	}
	tokens = append(tokens, []byte("ab"), []byte("abcabc")) // a duplicate and a long one
	special := make([]bool, len(tokens))
	special[1], special[2] = true, true
	v, err := vocab.New(vocab.Config{Tokens: tokens, Special: special, EOG: []int32{eog}, Width: len(tokens) + 40})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// randomGrammar draws a grammar over a, b, c, comma and é. Rules refer only to later ones
// at their left edge, so that none is left-recursive.
func randomGrammar(r *rand.Rand) *gbnf.Grammar {
	b := gbnf.NewBuilder()
	n := 2 + r.IntN(4)
	for i := range n {
		b.Declare(fmt.Sprint("r", i))
	}
	for i := range n {
		b.Define(gbnf.RuleID(i), randomExpr(r, 3, i, n, true))
	}
	return b.Grammar(0)
}

func randomExpr(r *rand.Rand, depth, rule, rules int, left bool) gbnf.Expr {
	letters := []string{"a", "b", "c", ",", "é", "ab", "", "ca"}
	if depth == 0 {
		return gbnf.Lit(letters[r.IntN(len(letters))])
	}
	sub := func(left bool) gbnf.Expr { return randomExpr(r, depth-1, rule, rules, left) }
	switch r.IntN(8) {
	case 0:
		return gbnf.Lit(letters[r.IntN(len(letters))])
	case 1:
		return &gbnf.Class{Ranges: []gbnf.Range{{Lo: 'a', Hi: 'a' + rune(r.IntN(3))}, {Lo: 'é', Hi: 'é'}}}
	case 2:
		if left && rule+1 < rules {
			return &gbnf.Ref{Rule: gbnf.RuleID(rule + 1 + r.IntN(rules-rule-1))}
		}
		// A byte before it keeps a reference to any rule off the left edge.
		return gbnf.Concat(gbnf.Lit("a"), &gbnf.Ref{Rule: gbnf.RuleID(r.IntN(rules))})
	case 3, 4:
		s := &gbnf.Seq{}
		for range 1 + r.IntN(3) {
			s.Items = append(s.Items, sub(left))
		}
		return s
	case 5:
		a := &gbnf.Alt{}
		for range r.IntN(4) {
			a.Items = append(a.Items, sub(left))
		}
		return a
	case 6:
		low := r.IntN(4)
		return &gbnf.Repeat{Item: sub(left), Min: low, Max: []int{-1, low, low + 1, low + 5}[r.IntN(4)]}
	}
	m := &gbnf.Members{Sep: gbnf.Lit(","), Ordered: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		m.Min = r.IntN(4)
		m.Max = []int{0, max(1, m.Min), m.Min + 1}[r.IntN(3)]
	}
	for range 1 + r.IntN(3) {
		item := gbnf.Concat(gbnf.Lit(letters[r.IntN(3)]), sub(false))
		m.Items = append(m.Items, gbnf.Member{Expr: item, Required: r.IntN(2) == 0, Repeat: r.IntN(3) == 0})
	}
	return m
}

// checkWalk follows one random text and compares every mask with the oracle's, with the
// cache at its usual size and dropped at every step, with and without ways around the walk,
// and with a clone and a rollback.
func checkWalk(t *testing.T, g *gbnf.Grammar, v *vocab.Vocab, r *rand.Rand) {
	t.Helper()
	c, err := grammar.Compile(g, v, grammar.Limits{})
	if err != nil {
		if errors.Is(err, grammar.ErrEmpty) {
			if newOracle(g).rule[g.Root] {
				t.Fatalf("refused as empty, but it is not:\n%s", g)
			}
			return
		}
		t.Fatalf("compile: %v\n%s", err, g)
	}
	tight, err := grammar.Compile(g, v, grammar.Limits{CacheBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	eager, err := grammar.CompileEager(g, v)
	if err != nil {
		t.Fatal(err)
	}
	o := newOracle(g)
	m, n, k := c.NewMatcher(), tight.NewMatcher(), eager.NewMatcher()
	text := ""
	for range 5 {
		want := o.mask(v, text)
		got := m.Mask()
		if !got.Equal(want) {
			t.Fatalf("after %q: mask %v, want %v\n%s", text, texts(v, got), texts(v, want), g)
		}
		if tm := n.Mask(); !tm.Equal(want) {
			t.Fatalf("after %q: mask without cache %v, want %v\n%s", text, texts(v, tm), texts(v, want), g)
		}
		if em := k.Mask(); !em.Equal(want) {
			t.Fatalf("after %q: mask without walks %v, want %v\n%s", text, texts(v, em), texts(v, want), g)
		}
		if member, _ := o.check(text); member != m.Accepting() {
			t.Fatalf("after %q: accepting %v, want %v\n%s", text, m.Accepting(), member, g)
		}
		if got.Count() == 0 {
			t.Fatalf("after %q: dead end\n%s", text, g)
		}
		if f := m.Forced(8); len(f) > 0 {
			checkForced(t, o, text, string(f))
		}
		for tok := range int32(v.Len()) {
			if !want.Has(tok) {
				if err := m.Accept(tok); !errors.Is(err, grammar.ErrToken) {
					t.Fatalf("after %q: token %d outside the mask gives %v", text, tok, err)
				}
			}
		}
		tok := pick(r, got)
		if tok == eog {
			break
		}
		for _, x := range []*grammar.Matcher{m, n, k} {
			if err := x.Accept(tok); err != nil {
				t.Fatal(err)
			}
		}
		twin := m.Clone()
		twin.Mask()
		if err := m.Rollback(1); err != nil {
			t.Fatal(err)
		}
		if back := m.Mask(); !back.Equal(want) {
			t.Fatalf("after %q: rollback changed the mask\n%s", text, g)
		}
		m = twin
		text += string(v.Bytes(tok))
	}
	checkBudget(t, c, r)
	checkBudget(t, eager, r)
	checkTrimmed(t, c, eager, r)
}

// checkTrimmed compares the masks of small budgets with and without walks.
func checkTrimmed(t *testing.T, c, eager *grammar.Compiled, r *rand.Rand) {
	t.Helper()
	m, k := c.NewMatcher(), eager.NewMatcher()
	for range 4 {
		for left := range 12 {
			want, got := vocab.NewMask(c.Vocab().Width()), vocab.NewMask(c.Vocab().Width())
			m.FillMaskWithin(want, left)
			if k.FillMaskWithin(got, left); !got.Equal(want) {
				t.Fatalf("after %d tokens with %d left: %v, want %v", m.Len(), left, texts(c.Vocab(), got), texts(c.Vocab(), want))
			}
		}
		tok := pick(r, m.Mask())
		if m.Accept(tok) != nil || k.Accept(tok) != nil || m.Done() {
			return
		}
	}
}

func checkForced(t *testing.T, o *oracle, text, forced string) {
	t.Helper()
	for i := range forced {
		for b := range 256 {
			_, viable := o.check(text + forced[:i] + string([]byte{byte(b)}))
			if viable != (byte(b) == forced[i]) {
				t.Fatalf("after %q: forced %q, but byte %d is %q: %v", text, forced, i, byte(b), viable)
			}
		}
		if member, _ := o.check(text + forced[:i]); member {
			t.Fatalf("after %q: forced %q, but the text may end before", text, forced)
		}
	}
}

// checkBudget generates with every budget from the least and expects an end within it.
func checkBudget(t *testing.T, c *grammar.Compiled, r *rand.Rand) {
	t.Helper()
	for budget := c.MinBytes(); budget < c.MinBytes()+6; budget++ {
		m := c.NewMatcher()
		left := budget
		for !m.Done() {
			set := vocab.NewMask(c.Vocab().Width())
			if !m.FillMaskWithin(set, left) {
				t.Fatalf("budget %d of at least %d: %d left do not suffice", budget, c.MinBytes(), left)
			}
			if left == 0 && m.Accepting() {
				break
			}
			tok := pick(r, set)
			if err := m.Accept(tok); err != nil {
				t.Fatal(err)
			}
			if !c.Vocab().IsEOG(tok) {
				left--
			}
		}
	}
}

func pick(r *rand.Rand, m vocab.Mask) int32 {
	k := r.IntN(m.Count())
	for tok := range m.All {
		if k == 0 {
			return tok
		}
		k--
	}
	return -1
}

func texts(v *vocab.Vocab, m vocab.Mask) []string {
	var out []string
	for tok := range m.All {
		out = append(out, string(v.Bytes(tok)))
	}
	return out
}

func TestMasksEqualTheDefinition(t *testing.T) {
	v := smallVocab(t)
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 7))
		checkWalk(t, randomGrammar(r), v, r)
	}
}

func FuzzMasksEqualTheDefinition(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	v := smallVocab(f)
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 11))
		checkWalk(t, randomGrammar(r), v, r)
	})
}
