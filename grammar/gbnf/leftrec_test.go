package gbnf

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func mustParse(t testing.TB, text string) *Grammar {
	t.Helper()
	g, err := Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	return g
}

func TestLeftRecursive(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       []RuleID
	}{
		{"none", `root ::= "a" root | "b"`, nil},
		{"direct", `root ::= root "a" | "b"`, []RuleID{0}},
		{"second alternative", `root ::= "a" | root`, []RuleID{0}},
		{"indirect", "root ::= x\nx ::= y \"b\" | \"a\"\ny ::= x \"a\"", []RuleID{1, 2}},
		{"hidden behind an empty rule", "root ::= e root \"a\" | \"b\"\ne ::= | \"e\"", []RuleID{0}},
		{"hidden behind an option", `root ::= "x"? root "a" | "b"`, []RuleID{0}},
		{"hidden behind {0,3}", `root ::= "x"{0,3} root "a" | "b"`, []RuleID{0}},
		{"inside a repetition", `root ::= (root "a")* "b"`, []RuleID{0}},
		{"repeated zero times", `root ::= (root "a"){0} "b"`, nil},
		{"behind text", `root ::= "x" root? "a"`, nil},
		{"behind the empty literal", `root ::= "" root | "a"`, []RuleID{0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := LeftRecursive(mustParse(t, tc.text)); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestLeftRecursiveThroughMembers(t *testing.T) {
	self, a, b := &Ref{Rule: 0}, Lit("a"), Lit("b")
	grammar := func(m *Members) *Grammar {
		return &Grammar{Rules: []Rule{{Name: "root", Expr: OneOf(m, a)}}}
	}
	for _, tc := range []struct {
		name string
		m    *Members
		want bool
	}{
		{"first", &Members{Items: []Member{{Expr: self}}, Sep: b, Ordered: true}, true},
		{"after an optional one", &Members{Items: []Member{{Expr: a}, {Expr: self}}, Sep: b, Ordered: true}, true},
		{"after a required one", &Members{Items: []Member{{Expr: a, Required: true}, {Expr: self}}, Sep: b, Ordered: true}, false},
		{"in any order", &Members{Items: []Member{{Expr: a, Required: true}, {Expr: self}}, Sep: b}, true},
		{"as separator", &Members{Items: []Member{{Expr: a}, {Expr: b}}, Sep: self}, false},
		{"as separator behind an empty member", &Members{Items: []Member{{Expr: Opt(a)}, {Expr: b}}, Sep: self}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := grammar(tc.m)
			if got := len(LeftRecursive(g)) > 0; got != tc.want {
				t.Errorf("left recursive: %v, want %v", got, tc.want)
			}
			checkElimination(t, g, 5)
		})
	}
}

// checkElimination compares languages before and after on all texts up to n bytes.
func checkElimination(t testing.TB, g *Grammar, n int) {
	t.Helper()
	got, err := EliminateLeftRecursion(g)
	if err != nil {
		t.Fatalf("eliminate: %v\n%+v", err, g)
	}
	if ids := LeftRecursive(got); len(ids) > 0 {
		t.Fatalf("rule %q is still left recursive in\n%s\nfrom\n%s", got.Rules[ids[0]].Name, dump(got), dump(g))
	}
	if repeatsEmpty(got, Nullable(got)) {
		t.Fatalf("an empty item is still repeated in\n%s\nfrom\n%s", dump(got), dump(g))
	}
	if text, in, found := difference(g, got, n); found {
		t.Fatalf("%q: in the language before: %v, after: %v\n%s\nfrom\n%s", text, in, !in, dump(got), dump(g))
	}
}

func TestEliminateLeftRecursion(t *testing.T) {
	for _, tc := range []struct{ name, text string }{
		{"direct", `root ::= root "a" | "b"`},
		{"binary", `root ::= root "a" root | "b"`},
		{"only itself", `root ::= root | "a"`},
		{"square", `root ::= root root | "a" |`},
		{"indirect", "root ::= x \"a\" | \"b\"\nx ::= root \"b\" | \"a\""},
		{"unit cycle", "root ::= x | \"a\"\nx ::= root | \"b\""},
		{"hidden", "root ::= e root \"a\" | \"b\"\ne ::= | \"b\" e"},
		{"cycle that may be empty", "root ::= x root | \"a\"\nx ::= root | \"b\" |"},
		{"star of star", `root ::= (("a"*)* "b"?)*`},
		{"star of an empty rule", "root ::= x*\nx ::= \"a\"* \"b\"?"},
		{"counted empty items", `root ::= ("a"?){2,4} "b"`},
		{"repetition of itself", `root ::= (root "a"){2,3} | "b"`},
		{"no base case", `root ::= root "a"`},
		{"three rules", "root ::= x \"a\" | \"b\"\nx ::= y | x \"b\"\ny ::= root \"a\" | x | \"ab\""},
	} {
		t.Run(tc.name, func(t *testing.T) { checkElimination(t, mustParse(t, tc.text), 7) })
	}
}

// TestEliminateStaysSmall: nested empty repetitions must not double at every level.
func TestEliminateStaysSmall(t *testing.T) {
	const depth = 100
	nest := func(open, close string) string {
		return "root ::= " + strings.Repeat(open, depth) + `"a"` + strings.Repeat(close, depth)
	}
	for _, tc := range []struct{ name, text string }{
		{"item last", nest(`("b"* `, ")*")},
		{"item first", nest("(", ` "b"*)*`)},
		{"item in the middle", nest(`("b"? `, ` "b"?)*`)},
		{"alternatives", nest(`("b"* | "b"? `, ")*")},
		{"counted", nest(`("b"? `, "?){0,3}")},
		{"many empty items", "root ::= (" + strings.Repeat(`"a"? `, 5000) + ")*"},
		{"left recursive", nest(`root? (`, `? "b"?)*`)},
		{"left recursive alternatives", nest(`(root | "b"? root "b"* | "a" `, ")?")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := mustParse(t, tc.text)
			got, err := EliminateLeftRecursion(g)
			if err != nil {
				t.Fatal(err)
			}
			before, after := countNodes(g), countNodes(got)
			if after > before*before {
				t.Errorf("%d nodes became %d", before, after)
			}
			if text := g.String(); len(text) > 100*len(tc.text)*len(tc.text) {
				t.Errorf("%d bytes became %d", len(tc.text), len(text))
			}
		})
	}
}

func countNodes(g *Grammar) int {
	n := 0
	for _, rule := range g.Rules {
		var count func(Expr) bool
		count = func(e Expr) bool {
			n++
			children(e, count)
			return true
		}
		count(rule.Expr)
	}
	return n
}

func TestEliminateLeavesOthersAlone(t *testing.T) {
	g := mustParse(t, `root ::= "a" root? | ("b" "c"?)*`)
	if got, err := EliminateLeftRecursion(g); err != nil || got != g {
		t.Errorf("got %p, %v; want the grammar itself, %p", got, err, g)
	}
	before := mustParse(t, `root ::= root "a" | "b"`)
	text := dump(before)
	if _, err := EliminateLeftRecursion(before); err != nil {
		t.Fatal(err)
	}
	if dump(before) != text {
		t.Error("the input was changed")
	}
}

func TestEliminateLimits(t *testing.T) {
	m := &Members{Sep: Lit(",")}
	for range expandedSubsets + 1 {
		m.Items = append(m.Items, Member{Expr: &Ref{Rule: 0}})
	}
	var limit *LimitError
	_, err := EliminateLeftRecursion(&Grammar{Rules: []Rule{{Name: "root", Expr: OneOf(m, Lit("a"))}}})
	if !errors.As(err, &limit) || limit.Got != expandedSubsets+1 {
		t.Errorf("many members: %v, want a *LimitError", err)
	}
	b := NewBuilder()
	for range maxCycle + 1 {
		b.Declare("r")
	}
	for i := range maxCycle + 1 {
		b.Define(RuleID(i), OneOf(&Ref{Rule: RuleID((i + 1) % (maxCycle + 1))}, Lit("a")))
	}
	if _, err = EliminateLeftRecursion(b.Grammar(0)); !errors.As(err, &limit) || limit.Limit != maxCycle {
		t.Errorf("long cycle: %v, want a *LimitError", err)
	}
	if _, err = EliminateLeftRecursion(&Grammar{Rules: []Rule{{Name: "root"}}}); err == nil {
		t.Error("an undefined rule was taken")
	}
}

// TestRandomGrammars holds every transformation against the oracle.
func TestRandomGrammars(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		checkRandom(t, rng)
	}
}

func FuzzTransformations(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, seed*seed)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) { checkRandom(t, rand.New(rand.NewPCG(a, b))) })
}

func checkRandom(t testing.TB, rng *rand.Rand) {
	t.Helper()
	const n = 4
	g := randomGrammar(rng, rng.IntN(2) == 0)
	checkElimination(t, g, n)
	checkPrint(t, g, n)
	trimmed, err := Trim(g)
	if errors.Is(err, ErrEmptyLanguage) {
		if text, _, found := difference(g, &Grammar{Rules: []Rule{{Name: "root", Expr: nothing}}}, n); found {
			t.Fatalf("%q is in an empty language\n%s", text, dump(g))
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if text, in, found := difference(g, trimmed, n); found {
		t.Fatalf("%q: in the language before Trim: %v\n%s\nfrom\n%s", text, in, dump(trimmed), dump(g))
	}
	for id, lives := range Productive(trimmed) {
		if !lives || !Reachable(trimmed)[id] {
			t.Fatalf("rule %q survives Trim\n%s\nfrom\n%s", trimmed.Rules[id].Name, dump(trimmed), dump(g))
		}
	}
}
