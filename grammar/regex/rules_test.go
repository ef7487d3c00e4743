package regex_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/grammar/schema/ruletest"
)

// ruleCases are patterns whose rules are compared with the automaton on ruleTexts.
var ruleCases = []string{
	"", "abc", "^abc$", "^a*b*$", "^(a|b)*c$", "^[^a]+$", `^\d{3}-\d{4}$`, "^a|b$", "^(aa)*$", "^[]$", `^"\\$`, "^[\x00-\x1f]$",
	"a.*b", "^(ab|ba|\"a)*$", "^.{2,3}$", "^(a(b(c)?)?)?$", `^\S+( \S+)*$`, "b$", "^a",
}

var ruleTexts = []string{
	"", "a", "b", "c", "ab", "ba", "abc", "aab", "abb", "abab", "555-1234", "x", "aa", "aaa", "aaaa", "abcabc", `"\`, `"a`, `"aab`,
	"\n", "\x00", "\x1f", "é", "😀b", "a b", "a  b", "acccb", "ccab",
}

// rulesOf returns the grammar of a pattern's rules and the automaton.
func rulesOf(t testing.TB, pattern string, o regex.RuleOptions) (*gbnf.Grammar, *regex.DFA, error) {
	t.Helper()
	re, err := regex.Parse(pattern)
	if err != nil {
		t.Fatal(err)
	}
	d, err := re.DFA(regex.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := grammarOf(d, o)
	return g, d, err
}

// grammarOf returns the grammar of an automaton's rules, of nothing where it has none.
func grammarOf(d *regex.DFA, o regex.RuleOptions) (*gbnf.Grammar, error) {
	e, err := regex.Rules("p", d, o)
	if err != nil {
		return nil, err
	}
	b := gbnf.NewBuilder()
	if e == nil {
		return b.Grammar(b.Add("root", gbnf.OneOf()).Rule), nil
	}
	return b.Grammar(b.Add("root", e).Rule), nil
}

func TestRules(t *testing.T) {
	windows := []*regex.Window{nil, {Min: 0, Max: -1}, {Min: 2, Max: -1}, {Min: 0, Max: 3}, {Min: 2, Max: 3}, {Min: 3, Max: 3}, {Min: 0, Max: 0}}
	for _, pattern := range ruleCases {
		for _, w := range windows {
			raw, d, err := rulesOf(t, pattern, regex.RuleOptions{Length: w})
			if err != nil {
				t.Fatal(err)
			}
			quoted, _, err := rulesOf(t, pattern, regex.RuleOptions{Length: w, Encoding: regex.JSONString, End: gbnf.Lit(`"`)})
			if err != nil {
				t.Fatal(err)
			}
			some := false
			for _, s := range ruleTexts {
				n := utf8.RuneCountInString(s)
				want := d.Match(s) && (w == nil || (n >= w.Min && (w.Max < 0 || n <= w.Max)))
				some = some || want
				if got := ruletest.Accepts(raw, s); got != want {
					t.Errorf("%q in %v: raw %q: %v", pattern, w, s, got)
				}
				if got := ruletest.Accepts(quoted, regex.Quote(s)[1:]); got != want {
					t.Errorf("%q in %v: quoted %q: %v", pattern, w, s, got)
				}
			}
			if has := gbnf.Productive(raw)[raw.Root]; some && !has {
				t.Errorf("%q in %v: there is no string", pattern, w)
			}
			plain, err := gbnf.Expand(quoted)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range ruleTexts {
				if text := regex.Quote(s)[1:]; ruletest.Accepts(plain, text) != ruletest.Accepts(quoted, text) {
					t.Errorf("%q in %v: %q: written out the rules say something else", pattern, w, s)
				}
			}
		}
	}
}

// TestWideWindows checks that lengths are counted, not unrolled, where the text is free, and
// that they cost nothing until a text comes there elsewhere.
func TestWideWindows(t *testing.T) {
	for _, pattern := range []string{"^[a-z]+$", "^[a-z][a-z0-9_]*$", "^x-.*$", "^a?b?c?[0-9]*$"} {
		g, _, err := rulesOf(t, pattern, regex.RuleOptions{Length: &regex.Window{Min: 10, Max: 1_000_000}})
		if err == nil {
			g, err = gbnf.Expand(g)
		}
		if err != nil {
			t.Errorf("%q: %v", pattern, err)
		} else if len(g.Rules) > 6 {
			t.Errorf("%q: %d rules", pattern, len(g.Rules))
		}
	}
	g, _, err := rulesOf(t, "^(ab|c)*$", regex.RuleOptions{Length: &regex.Window{Min: 0, Max: 1_000_000}})
	if err != nil {
		t.Fatal(err)
	}
	var le *gbnf.LimitError
	if _, err := gbnf.Expand(g); !errors.As(err, &le) {
		t.Errorf("written out: %v", err)
	}
	var limit *regex.LimitError
	for _, w := range []regex.Window{{Min: 2_000_000, Max: -1}, {Max: 1 << 30}} {
		if _, _, err := rulesOf(t, "^(ab|c)*(dddd)*$", regex.RuleOptions{Length: &w}); !errors.As(err, &limit) {
			t.Errorf("%v: got %v", w, err)
		}
	}
}

// TestExpr compares the structural expression with the automaton.
func TestExpr(t *testing.T) {
	for _, pattern := range append(ruleCases, "^$|^a{2,3}$", "(^a$)|b", "a[]|b", "a([]|b)", "a([]x)*", "(a[]){2}") {
		re, err := regex.Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		e, ok := re.Expr(regex.Raw)
		if !ok {
			t.Errorf("%q: no expression", pattern)
			continue
		}
		b := gbnf.NewBuilder()
		g := b.Grammar(b.Add("root", e).Rule)
		d, err := re.DFA(regex.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		lo, hi := re.Lengths()
		for _, s := range ruleTexts {
			if got := ruletest.Accepts(g, s); got != d.Match(s) {
				t.Errorf("%q: %q: %v", pattern, s, got)
			}
			if n := utf8.RuneCountInString(s); d.Match(s) && (n < lo || (hi >= 0 && n > hi)) {
				t.Errorf("%q: %q is outside of lengths %d to %d", pattern, s, lo, hi)
			}
		}
	}
	re, _ := regex.Parse("(^a|b)c")
	if _, ok := re.Expr(regex.Raw); ok {
		t.Error("an inner anchor has no expression")
	}
	huge, _ := regex.Parse("^(a{0,2000000000}){0,2000000000}$")
	if lo, hi := huge.Lengths(); lo != 0 || hi != -1 {
		t.Errorf("lengths %d to %d", lo, hi)
	}
}

func TestOneClass(t *testing.T) {
	cases := []struct {
		pattern string
		window  regex.Window
		ok      bool
	}{
		{"^[a-z]{2,9}$", regex.Window{Min: 2, Max: 9}, true}, {"^.$", regex.Window{Min: 1, Max: 1}, true},
		{`^(\d)*$`, regex.Window{Min: 0, Max: -1}, true}, {"^[a-z]+", regex.Window{}, false}, {"^ab$", regex.Window{}, false},
	}
	for _, c := range cases {
		re, err := regex.Parse(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if _, w, ok := re.OneClass(); ok != c.ok || (ok && w != c.window) {
			t.Errorf("%q: %v, %v", c.pattern, w, ok)
		}
	}
}

// FuzzRules checks that rules say what the automaton says, in any window.
func FuzzRules(f *testing.F) {
	for i, p := range ruleCases {
		f.Add(p, ruleTexts[i%len(ruleTexts)], uint8(i%4), uint8(i))
	}
	f.Fuzz(func(t *testing.T, pattern, s string, lo, hi uint8) {
		if len(pattern) > 40 || len(s) > 20 || !utf8.ValidString(s) {
			return
		}
		re, err := regex.Parse(pattern)
		if err != nil {
			return
		}
		limits := regex.Limits{NFAStates: 1000, States: 200, Steps: 100_000}
		d, err := re.DFA(limits)
		if err != nil {
			return
		}
		w := regex.Window{Min: int(lo % 8), Max: int(hi%12) - 1}
		g, err := grammarOf(d, regex.RuleOptions{Encoding: regex.JSONString, End: gbnf.Lit(`"`), Length: &w})
		if err != nil {
			return
		}
		n := utf8.RuneCountInString(s)
		want := d.Match(s) && n >= w.Min && (w.Max < 0 || n <= w.Max)
		if got := ruletest.Accepts(g, regex.Quote(s)[1:]); got != want {
			t.Errorf("%q in %v on %q: %v", pattern, w, s, got)
		}
	})
}

func Example() {
	re, err := regex.Parse(`^v\d+(\.\d+)*$`)
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := re.DFA(regex.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.States(), d.Match("v1.20"), d.Match("v1."))
	short, err := regex.Intersect(d, d.Complement(), regex.Limits{})
	fmt.Println(short.Empty(), err)
	_, err = regex.Parse(`(.)\1`)
	fmt.Println(strings.TrimPrefix(err.Error(), "regex: "))
	// Output:
	// 3 true false
	// true <nil>
	// "(.)\\1" at byte 3: backreference \1 is not supported
}
