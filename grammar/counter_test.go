package grammar_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/grammar/vocab"
)

// randomPattern draws a pattern over a, b, c, comma and é.
func randomPattern(r *rand.Rand, depth int) string {
	atoms := []string{"a", "b", "c", ",", "é", "[ab]", "[bc]", "[a,é]", "[a-cé]", "ab"}
	if depth == 0 {
		return atoms[r.IntN(len(atoms))]
	}
	sub := func() string { return "(?:" + randomPattern(r, depth-1) + ")" }
	switch r.IntN(6) {
	case 0:
		return atoms[r.IntN(len(atoms))]
	case 1:
		return sub() + "|" + sub()
	case 2:
		return sub() + []string{"*", "+", "?", "{0,9}", "{2,}", "{3}"}[r.IntN(6)]
	}
	var sb strings.Builder
	for range 2 + r.IntN(2) {
		sb.WriteString(sub())
	}
	return sb.String()
}

// counted draws a grammar of strings of a pattern within lengths, alone, repeated or beside
// others; nil where the pattern is none or has no such string.
func counted(t *testing.T, r *rand.Rand) *gbnf.Grammar {
	b := gbnf.NewBuilder()
	root := b.Declare("root")
	one := func() gbnf.Expr {
		re, err := regex.Parse("^(?:" + randomPattern(r, 3) + ")$")
		if err != nil {
			t.Fatal(err)
		}
		d, err := re.DFA(regex.Limits{})
		if err != nil {
			return nil
		}
		o := regex.RuleOptions{End: gbnf.Lit([]string{"", ",", "cc"}[r.IntN(3)])}
		if w := (regex.Window{Min: r.IntN(12), Max: -1}); r.IntN(8) > 0 {
			w.Max = w.Min + r.IntN(50)
			o.Length = &w
		}
		e, err := regex.Rules("text", d, o)
		if err != nil || e == nil {
			return nil
		}
		return e
	}
	e := one()
	if e == nil {
		return nil
	}
	switch f := one(); {
	case f == nil:
	case r.IntN(3) == 0:
		e = gbnf.OneOf(e, f)
	case r.IntN(3) == 0:
		e = gbnf.Concat(e, f)
	case r.IntN(3) == 0:
		e = &gbnf.Repeat{Item: gbnf.Concat(gbnf.Lit("b"), e), Min: 0, Max: 30}
	}
	b.Define(root, e)
	return b.Grammar(root)
}

// checkCounted compares masks along a random text, in which those far from the bounds are
// shared, with those of the states written out as rules and walked.
func checkCounted(t *testing.T, v *vocab.Vocab, r *rand.Rand) {
	t.Helper()
	g := counted(t, r)
	if g == nil {
		return
	}
	rules, err := gbnf.Expand(g)
	if err != nil {
		return
	}
	plain, err := grammar.CompilePlain(rules, v)
	if err != nil {
		if c, other := grammar.Compile(g, v, grammar.Limits{}); other == nil {
			t.Fatalf("compiles (%d bytes), but written out does not: %v\n%s", c.MinBytes(), err, rules)
		}
		return
	}
	for name, compile := range map[string]func() (*grammar.Compiled, error){
		"usual": func() (*grammar.Compiled, error) { return grammar.Compile(g, v, grammar.Limits{}) },
		"eager": func() (*grammar.Compiled, error) { return grammar.CompileEager(g, v) },
		"tight": func() (*grammar.Compiled, error) { return grammar.Compile(g, v, grammar.Limits{CacheBytes: 1}) },
	} {
		c, err := compile()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, rules)
		}
		m, want := c.NewMatcher(), plain.NewMatcher()
		got, exp := vocab.NewMask(v.Width()), vocab.NewMask(v.Width())
		var text []byte
		for range 30 {
			if m.MinBytes() != want.MinBytes() || m.Accepting() != want.Accepting() {
				t.Fatalf("%s: after %q %d bytes to the end, accepting %v, want %d, %v\n%s", name, text, m.MinBytes(), m.Accepting(), want.MinBytes(), want.Accepting(), rules)
			}
			for _, left := range []int{-1, m.MinBytes(), m.MinBytes() + 2} {
				fits, fit := m.FillMaskWithin(got, left), want.FillMaskWithin(exp, left)
				if !got.Equal(exp) || fits != fit {
					t.Fatalf("%s: after %q with %d left: %v, %s\n%s", name, text, left, fits, difference(v, got, exp), rules)
				}
			}
			m.FillMask(got)
			tok := pick(r, got)
			if v.IsEOG(tok) {
				break
			}
			if err := m.Accept(tok); err != nil {
				t.Fatal(err)
			}
			if err := want.Accept(tok); err != nil {
				t.Fatal(err)
			}
			text = append(text, v.Bytes(tok)...)
		}
	}
}

func TestCountedTexts(t *testing.T) {
	v := smallVocab(t)
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { checkCounted(t, v, rand.New(rand.NewPCG(seed, 3))) })
	}
}

func FuzzCountedTexts(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	v := smallVocab(f)
	f.Fuzz(func(t *testing.T, seed uint64) { checkCounted(t, v, rand.New(rand.NewPCG(seed, 5))) })
}
