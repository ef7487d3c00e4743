package gbnf

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// dump shows a grammar as it is, nodes and all.
func dump(g *Grammar) string {
	var sb strings.Builder
	for i, rule := range g.Rules {
		mark := " "
		if RuleID(i) == g.Root {
			mark = "*"
		}
		fmt.Fprintf(&sb, "%s%d %s = %s\n", mark, i, rule.Name, dumpExpr(rule.Expr))
	}
	return sb.String()
}

func dumpExpr(e Expr) string {
	list := func(items []Expr) string {
		var parts []string
		for _, item := range items {
			parts = append(parts, dumpExpr(item))
		}
		return "(" + strings.Join(parts, ", ") + ")"
	}
	switch e := e.(type) {
	case *Literal:
		return fmt.Sprintf("%q", e.Text)
	case *Class:
		return fmt.Sprintf("class%v%v", e.Ranges, e.Negated)
	case *Ref:
		return fmt.Sprintf("#%d", e.Rule)
	case *Seq:
		return "seq" + list(e.Items)
	case *Alt:
		return "alt" + list(e.Items)
	case *Repeat:
		return fmt.Sprintf("%s{%d,%d}", dumpExpr(e.Item), e.Min, e.Max)
	case *Token:
		return fmt.Sprintf("token%v", *e)
	case *Members:
		s := "members("
		for _, m := range e.Items {
			s += fmt.Sprintf("%s required=%v repeat=%v, ", dumpExpr(m.Expr), m.Required, m.Repeat)
		}
		return s + fmt.Sprintf("sep=%s ordered=%v)", dumpExpr(e.Sep), e.Ordered)
	}
	return fmt.Sprint(e)
}

// checkPrint holds that the printed text parses, to the same language, and prints again
// as itself.
func checkPrint(t testing.TB, g *Grammar, n int) {
	t.Helper()
	var sb strings.Builder
	if err := g.Print(&sb); err != nil {
		t.Fatalf("print: %v\n%s", err, dump(g))
	}
	text := sb.String()
	back, err := Parse(text)
	if err != nil {
		t.Fatalf("parse printed text: %v\n%s\nfrom\n%s", err, text, dump(g))
	}
	if again := back.String(); again != text {
		t.Fatalf("printed text is not stable:\n%s\nthen\n%s\nfrom\n%s", text, again, dump(g))
	}
	if text2, in, found := difference(g, back, n); found {
		t.Fatalf("%q: in the language before printing: %v\n%s\nfrom\n%s", text2, in, text, dump(g))
	}
	if why := llamaRefuses(back); why != "" {
		t.Fatalf("llama.cpp would refuse: %s\n%s\nfrom\n%s", why, text, dump(g))
	}
}

// llamaRefuses checks what llama.cpp's parser and initialisation refuse beyond Parse.
func llamaRefuses(g *Grammar) string {
	if ids := LeftRecursive(g); len(ids) > 0 {
		return "left recursion in " + g.Rules[ids[0]].Name
	}
	for _, rule := range g.Rules {
		if !isGBNFName(rule.Name) {
			return "name " + rule.Name
		}
		why := ""
		mapExpr(rule.Expr, func(e, _ Expr) Expr {
			if rep, ok := e.(*Repeat); ok {
				switch count := max(rep.Min, rep.Max); {
				case isEmpty(rep.Item):
					why = "nothing to repeat in " + rule.Name
				case itemCost(rep.Item)*count >= llamaRepeats:
					why = fmt.Sprintf("{%d,%d} in %s", rep.Min, rep.Max, rule.Name)
				}
			}
			return e
		})
		if why != "" {
			return why
		}
	}
	return ""
}

func TestPrint(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"precedence", `root ::= ("a" | "b") "c" | ("d" "e")+ ("f")`, `root ::= ("a" | "b") "c" | ("d" "e")+ "f"`},
		{"flattened", `root ::= ("a" ("b" ("c"))) | ("d" | ("e" | "f"))`, `root ::= "a" "b" "c" | "d" | "e" | "f"`},
		{"counts", `root ::= "a"{0,1} "b"{0,} "c"{1,} "d"{1} "e"{2,2} "f"{2,} "g"{0,5} "h"{0}`,
			`root ::= "a"? "b"* "c"+ "d" "e"{2} "f"{2,} "g"{0,5}`},
		{"nested counts", `root ::= "a"{2}{3} "b"?*`, `root ::= ("a"{2}){3} "b"*`},
		{"literal escapes", `root ::= "\"\\[]-^\n\x00\x7F\x85\u200B\uFEFFé日😀\u0301"`,
			`root ::= "\"\\[]-^\n\x00\x7F\x85\u200B\uFEFFé日😀\u0301"`},
		{"class escapes", `root ::= [-a-z^\]\[\\"-] [^^-a] [\x2D-0+]`,
			`root ::= [-a-z\x5E\]\[\\"-] [^\x5E-a] [\x2D-0+]`},
		{"any and tokens", `root ::= . <a b> !<[7]>`, `root ::= . <a b> !<[7]>`},
		{"empty parts", `root ::= ("" | ()) "" | ("a" "")?`, `root ::= "" | "" | "a"?`},
		{"names", "root ::= a_b a-b\na_b ::= \"1\"\na-b ::= \"2\"", "root ::= a-b-2 a-b\na-b-2 ::= \"1\"\na-b ::= \"2\""},
		{"left recursion", `root ::= root "," "a" | "a"`, "root ::= \"a\" root-tail\nroot-tail ::= \",\" \"a\" root-tail | \"\""},
		{"long alternates", `root ::= "` + strings.Repeat("a", 60) + `" | "` + strings.Repeat("b", 60) + `" | "c"`,
			"root ::= \"" + strings.Repeat("a", 60) + "\" |\n    \"" + strings.Repeat("b", 60) + "\" |\n    \"c\""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := mustParse(t, tc.text)
			if got := strings.TrimSuffix(g.String(), "\n"); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			checkPrint(t, g, 4)
		})
	}
}

func TestPrintMembers(t *testing.T) {
	members := func(ordered bool, items ...Member) *Grammar {
		b := NewBuilder()
		b.Declare("root")
		b.Define(0, Concat(Lit("{"), &Members{Items: items, Sep: Lit(","), Ordered: ordered}, Lit("}")))
		return b.Grammar(0)
	}
	req := func(s string) Member { return Member{Expr: Lit(s), Required: true} }
	opt := func(s string) Member { return Member{Expr: Lit(s)} }
	more := func(s string) Member { return Member{Expr: Lit(s), Repeat: true} }
	for _, tc := range []struct {
		name string
		g    *Grammar
		want string
	}{
		{"none", members(true), `root ::= "{" "}"`},
		{"required first", members(true, req("a"), opt("b"), req("c"), more("d")),
			`root ::= "{" "a" ("," "b")? "," "c" ("," "d")* "}"`},
		{"optional first", members(true, opt("a"), opt("b"), req("c"), opt("d")), `
root ::= "{" ("a" root-rest-2 | "b" "," "c" ("," "d")? | "c" ("," "d")?) "}"
root-rest-2 ::= ("," "b")? "," "c" ("," "d")?`},
		{"all optional", members(true, opt("a"), more("b")), `
root ::= "{" ("a" ("," "b")* | "b" ("," "b")* | "") "}"`},
		{"two in any order", members(false, req("a"), opt("b")), `
root ::= "{" ("a" ("," "b" | "") | "b" "," "a") "}"`},
		{"five in any order", members(false, req("a"), req("b"), req("c"), req("d"), opt("e")), `
# Narrower than the engine's grammar: members may come in any order there, here only in this one.
root ::= "{" "a" "," "b" "," "c" "," "d" ("," "e")? "}"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.TrimSuffix(tc.g.String(), "\n")
			if text != strings.TrimPrefix(tc.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", text, tc.want)
			}
			checkMemberTexts(t, tc.g, mustParse(t, text), strings.Contains(text, "Narrower"))
		})
	}
}

// checkMemberTexts compares on all member lists of up to 5 members, each in braces.
func checkMemberTexts(t *testing.T, g, printed *Grammar, narrower bool) {
	t.Helper()
	common := 0
	for _, list := range texts("abcde", 5) {
		text := "{" + strings.Join(strings.Split(list, ""), ",") + "}"
		in, out := accepts(g, text), accepts(printed, text)
		if out && in {
			common++
		}
		if out && !in || in && !out && !narrower {
			t.Fatalf("%q: in the grammar: %v, in the text: %v", text, in, out)
		}
	}
	if common == 0 {
		t.Error("no text in both")
	}
}

func TestPrintErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		expr Expr
		want string
	}{
		{"bytes", Lit("\xFF"), `gbnf: rule "root": literal "\xff" is not UTF-8; GBNF text has code points only`},
		{"token without brackets", &Token{Name: "[TOOL_CALLS]"}, `gbnf: rule "root": token "[TOOL_CALLS]" cannot be named in GBNF text, which takes <name>; give its id`},
		{"token that looks like an id", &Token{Name: "<[1]>"}, `gbnf: rule "root": token "<[1]>" cannot be named in GBNF text, which takes <name>; give its id`},
		{"undefined", nil, `gbnf: rule "root": declared but never defined`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := &Grammar{Rules: []Rule{{Name: "root", Expr: tc.expr}}}
			if err := g.Print(new(strings.Builder)); err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if got, want := g.String(), "# "+tc.want+"\n"; got != want {
				t.Errorf("String: %q, want %q", got, want)
			}
		})
	}
}

func TestSharedNodesAreBounded(t *testing.T) {
	e := Expr(Lit("x"))
	for range 40 { // a graph of 40 nodes, a tree of 2^40
		e = Concat(e, e)
	}
	g := &Grammar{Rules: []Rule{{Name: "root", Expr: e}}}
	var limit *LimitError
	if err := g.Print(new(strings.Builder)); !errors.As(err, &limit) || limit.Limit != maxNodes {
		t.Errorf("error %v, want a *LimitError", err)
	}
	long := Lit(strings.Repeat("x", maxPrintedBytes/8))
	g = &Grammar{Rules: []Rule{{Name: "root", Expr: Concat(long, long, long, long, long, long, long, long, long, long)}}}
	if err := g.Print(new(strings.Builder)); !errors.As(err, &limit) || limit.Limit != maxPrintedBytes {
		t.Errorf("error %v, want a *LimitError", err)
	}
}

// TestSplitCounts compares every count around small limits with its nested form.
func TestSplitCounts(t *testing.T) {
	const limit = 4
	for low := range 14 {
		for high := low - 1; high <= low+14; high++ {
			rep := &Repeat{Item: Lit("a"), Min: low, Max: high}
			if high < low {
				rep.Max = -1
			}
			r := newRewriter(&Grammar{Rules: []Rule{{Name: "root", Expr: rep}}})
			r.splitCounts(limit)
			for _, rule := range r.rules {
				mapExpr(rule.Expr, func(e, _ Expr) Expr {
					if n, ok := e.(*Repeat); ok && max(n.Min, n.Max) >= limit {
						t.Errorf("{%d,%d} left {%d,%d}", low, rep.Max, n.Min, n.Max)
					}
					return e
				})
			}
			for n := range 32 {
				want := n >= low && (rep.Max < 0 || n <= rep.Max)
				if got := accepts(r.grammar(), strings.Repeat("a", n)); got != want {
					t.Fatalf("{%d,%d}: %d times: %v\n%s", low, rep.Max, n, got, dump(r.grammar()))
				}
			}
		}
	}
}

func TestLargeCounts(t *testing.T) {
	for _, text := range []string{
		`root ::= "a"{1999}`, `root ::= "a"{2000}`, `root ::= [a-z]{0,1000000}`, `root ::= ("a" | "b" "c"?){5,100000}`,
		`root ::= "ab"{3000,}`, `root ::= ("a"{0,100} "b"){1500}`, `root ::= (("a"{0,50}){3} "b"){20}`, `root ::= "a"{1073741824}`,
	} {
		g := mustParse(t, text)
		back := mustParse(t, g.String())
		if why := llamaRefuses(back); why != "" {
			t.Errorf("%s: llama.cpp would refuse %s in\n%s", text, why, g)
		}
		if again := back.String(); again != g.String() {
			t.Errorf("%s: not stable:\n%s\nthen\n%s", text, g, again)
		}
	}
}
