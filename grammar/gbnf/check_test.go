package gbnf

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	one := func(e Expr) *Grammar { return &Grammar{Rules: []Rule{{Name: "root", Expr: e}}} }
	for _, tc := range []struct {
		name string
		g    *Grammar
		want string // "" for none
	}{
		{"fine", one(Lit("a")), ""},
		{"nil", nil, "a grammar without rules"},
		{"no rules", &Grammar{}, "a grammar without rules"},
		{"root out of range", &Grammar{Rules: []Rule{{Name: "a", Expr: Lit("a")}}, Root: 1}, "the root is rule number 1 of 1"},
		{"undefined", one(nil), `rule "root": declared but never defined`},
		{"nil inside", one(Concat(Lit("a"), nil)), `rule "root": a nil expression`},
		{"dangling", one(&Ref{Rule: 7}), `rule "root": reference to rule number 7 of 1`},
		{"reversed range", one(Set('z', 'a')), `rule "root": class range`},
		{"range beyond Unicode", one(Set('a', 0x110000)), `rule "root": class range`},
		{"reversed counts", one(&Repeat{Item: Lit("a"), Min: 2, Max: 1}), `rule "root": repetition {2,1}`},
		{"negative count", one(&Repeat{Item: Lit("a"), Min: -1, Max: 1}), `rule "root": repetition {-1,1}`},
		{"token id", one(&Token{ID: -1}), `rule "root": token id -1`},
		{"no separator", one(&Members{Items: []Member{{Expr: Lit("a")}}}), `rule "root": members without a separator`},
		{"in an unreachable rule", &Grammar{Rules: []Rule{{Name: "root", Expr: Lit("a")}, {Name: "b", Expr: &Ref{Rule: -1}}}}, `rule "b": reference`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Check(tc.g)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestAnalysis(t *testing.T) {
	b := NewBuilder()
	for _, name := range []string{"root", "loop", "lost", "maybe", "surrogate"} {
		b.Declare(name)
	}
	ref := func(i RuleID) Expr { return &Ref{Rule: i} }
	b.Define(0, OneOf(ref(1), ref(3), Concat(Lit("x"), ref(4))))
	b.Define(1, Concat(Lit("l"), ref(1)))
	b.Define(2, Lit("never"))
	b.Define(3, Opt(ref(1)))
	b.Define(4, Set(0xD800, 0xDFFF))
	g := b.Grammar(0)
	if got, want := Productive(g), []bool{true, false, true, true, false}; !slices.Equal(got, want) {
		t.Errorf("productive %v, want %v", got, want)
	}
	if got, want := Reachable(g), []bool{true, true, false, true, true}; !slices.Equal(got, want) {
		t.Errorf("reachable %v, want %v", got, want)
	}
	if got, want := Nullable(g), []bool{true, false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("nullable %v, want %v", got, want)
	}
	trimmed, err := Trim(g)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dump(trimmed), "*0 root = #1\n 1 maybe = \"\"\n"; got != want {
		t.Errorf("trimmed to\n%s\nwant\n%s", got, want)
	}
	if again, err := Trim(trimmed); err != nil || again != trimmed {
		t.Errorf("a trimmed grammar was changed: %v", err)
	}
	g.Root = 1
	if err := Check(g); !errors.Is(err, ErrEmptyLanguage) {
		t.Errorf("got %v, want ErrEmptyLanguage", err)
	}
}

func TestMatchesAny(t *testing.T) {
	for _, tc := range []struct {
		class string
		want  bool
	}{
		{`[a]`, true}, {`[\uD800-\uDFFF]`, false}, {`[\uD800-\uE000]`, true}, {`.`, true}, {`[^a]`, true},
		{`[^\x00-\U0010FFFF]`, false}, {`[^\uE000-\U0010FFFF\x00-\uD7FF]`, false}, {`[^\x00-\uD7FE\uE000-\U0010FFFF]`, true},
		{`[^\x00-\uD7FF\uE001-\U0010FFFF]`, true},
	} {
		g := mustParse(t, "root ::= "+tc.class)
		if got := matchesAny(g.Rules[0].Expr.(*Class)); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.class, got, tc.want)
		}
	}
}
