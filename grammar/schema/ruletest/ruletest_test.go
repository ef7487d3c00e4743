package ruletest

import (
	"testing"

	"github.com/callama/callama/grammar/gbnf"
)

func grammar(e gbnf.Expr) *gbnf.Grammar {
	b := gbnf.NewBuilder()
	return b.Grammar(b.Add("root", e).Rule)
}

// nested is ( root )* in brackets.
func nested() *gbnf.Grammar {
	b := gbnf.NewBuilder()
	root := b.Declare("root")
	b.Define(root, gbnf.Concat(gbnf.Lit("("), gbnf.Star(&gbnf.Ref{Rule: root}), gbnf.Lit(")")))
	return b.Grammar(root)
}

func TestNodes(t *testing.T) {
	a, b, c := gbnf.Lit("a"), gbnf.Lit("b"), gbnf.Lit("c")
	members := func(ordered bool) *gbnf.Members {
		return &gbnf.Members{Items: []gbnf.Member{{Expr: a, Required: true}, {Expr: b}, {Expr: c, Repeat: true}}, Sep: gbnf.Lit(","), Ordered: ordered}
	}
	item := &gbnf.Distinct{Item: gbnf.OneOf(gbnf.Lit(`"a"`), gbnf.Lit(`"\u0061"`), gbnf.Plus(gbnf.Set('0', '1')))}
	list := gbnf.Concat(gbnf.Lit("["), item, gbnf.Star(gbnf.Concat(gbnf.Lit(","), item)), gbnf.Lit("]"))
	cases := []struct {
		name    string
		g       *gbnf.Grammar
		yes, no []string
	}{
		{"literal", grammar(a), []string{"a"}, []string{"", "b", "aa"}},
		{"empty choice", grammar(gbnf.OneOf()), nil, []string{"", "a"}},
		{"class", grammar(gbnf.Set('a', 'c', 'é', 'é')), []string{"b", "é"}, []string{"", "d", "ab", "\xc3"}},
		{"negated class", grammar(&gbnf.Class{Ranges: []gbnf.Range{{Lo: 'a', Hi: 'a'}}, Negated: true}), []string{"b", "😀"}, []string{"a", "\xff", ""}},
		{"ambiguous", grammar(gbnf.Concat(gbnf.Star(a), gbnf.Star(a), b)), []string{"b", "aaab"}, []string{"aaa"}},
		{"counted", grammar(&gbnf.Repeat{Item: a, Min: 2, Max: 3}), []string{"aa", "aaa"}, []string{"a", "aaaa", ""}},
		{"counted without bound", grammar(&gbnf.Repeat{Item: a, Min: 2, Max: -1}), []string{"aa", "aaaaa"}, []string{"a"}},
		{"repeated empty", grammar(&gbnf.Repeat{Item: gbnf.Opt(a), Min: 5, Max: -1}), []string{"", "a", "aaaaaaa"}, []string{"b"}},
		{"recursive", nested(), []string{"()", "(()())"}, []string{"", "(", "())"}},
		{"members", grammar(members(false)), []string{"a", "a,b", "b,a", "c,a,c,b,c"}, []string{"", "b", "a,a", "a,", "a,b,b", "ab"}},
		{"distinct", grammar(&gbnf.Document{Item: list}), []string{`["a"]`, `[1,"a",10]`, `[1,11,111]`}, []string{`["a","a"]`, `["a","\u0061"]`, `[1,10,1]`}},
		{"ordered members", grammar(members(true)), []string{"a", "a,b", "a,c,c", "a,b,c"}, []string{"b,a", "c,a", "a,c,b", "b"}},
	}
	for _, tc := range cases {
		for _, s := range tc.yes {
			if !Accepts(tc.g, s) {
				t.Errorf("%s: rejects %q", tc.name, s)
			}
		}
		for _, s := range tc.no {
			if Accepts(tc.g, s) {
				t.Errorf("%s: accepts %q", tc.name, s)
			}
		}
		w := NewGenerator(tc.g, 1)
		for range 50 {
			s, ok := w.Text(8)
			if ok != (tc.yes != nil) {
				t.Fatalf("%s: generated %q, %v", tc.name, s, ok)
			}
			if ok && !Accepts(tc.g, s) {
				t.Errorf("%s: generates %q, which it rejects", tc.name, s)
			}
		}
	}
}
