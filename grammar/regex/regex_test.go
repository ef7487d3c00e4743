package regex

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// matchCase is one pattern with strings in which it must and must not match somewhere.
type matchCase struct {
	pattern string
	yes, no []string
}

var matchCases = []matchCase{
	{"", []string{"", "x"}, nil},
	{"abc", []string{"abc", "xabcx"}, []string{"", "ab"}},
	{"^abc$", []string{"abc"}, []string{"", "xabc", "abcx"}},
	{"^a|b$", []string{"a", "ax", "b", "xb"}, []string{"", "xa", "bx"}},
	{"^(a|b)*$", []string{"", "a", "abba"}, []string{"c", "ac"}},
	{"^[a-z]{2,4}$", []string{"ab", "abcd"}, []string{"a", "abcde", "AB"}},
	{"^[a-z]{2,}$", []string{"ab", "abcdefgh"}, []string{"a", ""}},
	{"^[^a-z]+$", []string{"AB", "é\n"}, []string{"a", "", "Ab"}},
	{"^.$", []string{"a", "é", "😀"}, []string{"", "\n", "\r", "\u2028", "ab"}},
	{`^\d{3}-\d{4}$`, []string{"555-1234"}, []string{"5555-123", "٣٣٣-1234"}},
	{`^\w+$`, []string{"a_1"}, []string{"é", "-"}},
	{`^\s$`, []string{" ", "\u00a0", "\ufeff", "\u2029", "\v"}, []string{"\u180e", "x"}},
	{`^\S$`, []string{"x"}, []string{" ", "\u3000"}},
	{`^[\w-.]+$`, []string{"a-b.c"}, []string{"a b"}},
	{`^[a\-z]$`, []string{"a", "-", "z"}, []string{"b"}},
	{`^[]$`, nil, []string{"", "]"}},
	{`^[^]$`, []string{"\n", "x"}, []string{"", "xx"}},
	{`^\u0041\x42\u{1F600}\uD83D\uDE00$`, []string{"AB😀😀"}, []string{"AB😀"}},
	{`^\p{Lu}\p{Script=Greek}\P{L}$`, []string{"Aα1"}, []string{"aα1", "Aa1", "Aαb"}},
	{`^\p{Letter}\p{gc=Nd}\p{digit}\p{Alphabetic}\p{White_Space}$`, []string{"é١2ⅷ "}, []string{"1111 "}},
	{`^(?:a(?<name>b)?)+?$`, []string{"a", "abaab"}, []string{"", "b"}},
	{"a$b", nil, []string{"a", "ab", "a\nb"}},
	{"$^", []string{""}, []string{"a"}},
	{"(^a|b)c", []string{"ac", "xbc", "ac!"}, []string{"xac"}},
	{"(a|$)(b|^)", []string{"", "ab"}, []string{"a", "b", "x"}},
	{"^(^a)*$", []string{"", "a"}, []string{"aa"}},
	{"x*", []string{"", "y"}, nil},
	{"^{a}$", []string{"{a}"}, []string{"a"}},
	{"^a{,3}$", []string{"a{,3}"}, []string{"aaa"}},
	{`^\$\.\/\"$`, []string{`$./"`}, []string{"x"}},
	{`^\cA\0$`, []string{"\x01\x00"}, []string{"A"}},
	{"^(a{2}){3}$", []string{"aaaaaa"}, []string{"aaaaa", "aaaaaaa"}},
	{"^[\\ud800-\\udfff]$", nil, []string{"", "a", "\ufffd"}},
	{"^(?!org\\.bukkit\\.)([a-z]+\\.)*[a-z]+$", []string{"com.a", "org.bukk", "orgs.bukkit.a"}, []string{"org.bukkit.a", "a."}},
	{"^((?!mode)(?!Mode).)*$", []string{"", "mod", "a b"}, []string{"mode", "xMode", "amodeb"}},
	{"^([0-9a-z](?:(?!.*--)[0-9a-z-]*[0-9a-z])?)$", []string{"a", "a-b", "ab"}, []string{"a--b", "-a", "a-", ""}},
	{"^(?!.*://)(?=.{1,20}$)(.{1,6}\\.){1,3}(?![0-9]*$)[a-z0-9-]+$", []string{"a.b", "a.b1"}, []string{"a", "a.1", "a://b.c", "aaaaaa.aaaaaa.aaaaaa.b"}},
	{"((?:[^/]*/)*)(?=\\.(yaml|yml|json))", []string{"a/b.yml", ".json"}, []string{"yml", "a.ym"}},
	{"^(?=.*[0-9])(?=.*[a-z])[0-9a-z]{2,4}$", []string{"a1", "1a", "aa1a"}, []string{"aa", "11", "a", "a1a1a"}},
	{"(?<=a)b", []string{"ab", "xab"}, []string{"b", "bb", "a"}},
	{"(?<!a)b", []string{"b", "bb", "aab b"}, []string{"ab", "a", "aab"}},
	{"^(?:(?<=^|,)x(?=,|$),?)+$", []string{"x", "x,x", "x,"}, []string{"xx", ""}},
	{"\\bcat\\b", []string{"cat", "a cat", "cat!"}, []string{"cats", "scat", "_cat"}},
	{"\\Bat", []string{"cat"}, []string{"at", " at"}},
	{"^\\b$", nil, []string{"", "a"}},
	{"a(?=)b", []string{"ab"}, []string{"a"}}, {"a(?!)b", nil, []string{"ab"}},
	{"^(?=(?!ab)a)..$", []string{"ac", "aa"}, []string{"ab", "bb"}},
}

func compile(t testing.TB, pattern string) *DFA {
	t.Helper()
	r, err := Parse(pattern)
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.DFA(Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestMatch(t *testing.T) {
	for _, c := range matchCases {
		t.Run(c.pattern, func(t *testing.T) {
			d := compile(t, c.pattern)
			for _, s := range c.yes {
				if !d.Match(s) {
					t.Errorf("%q does not match", s)
				}
			}
			for _, s := range c.no {
				if d.Match(s) {
					t.Errorf("%q matches", s)
				}
			}
			if len(c.yes) > 0 && d.Empty() {
				t.Error("empty")
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	cases := []struct {
		pattern     string
		unsupported bool
		part        string
	}{
		{"(", false, "not closed"}, {")", false, "unmatched"}, {"[", false, "not closed"}, {"[a-", false, "not closed"},
		{"[z-a]", false, "out of order"}, {"a{3,2}", false, "out of order"}, {"*", false, "nothing to repeat"},
		{"a++", false, "nothing to repeat"}, {"{2}", false, "nothing to repeat"}, {`\`, false, "backslash"},
		{`[\`, false, "backslash"}, {`\a`, false, "unknown escape"}, {`\Z`, false, "unknown escape"}, {`\x4`, false, `\x`},
		{`\u12`, false, `\u`}, {`\u{110000}`, false, `\u{`}, {`\u{}`, false, `\u{`}, {`\c1`, false, `\c`}, {`\01`, false, "octal"},
		{`\p{Nope}`, false, "unknown property"}, {`\pL`, false, `\p`}, {`\p{L`, false, `\p`}, {"(?P<x>a)", false, "(?<name>"},
		{"(?<>a)", false, "group name"}, {"(?<1>a)", false, "group name"}, {"^*", false, "anchor"},
		{`(a)\1`, true, "backreference"}, {`\k<a>`, true, "backreference"},
		{"(?=^a)", true, "(?=...) with an assertion"}, {"(?!(?<=b)a)", true, "(?!...) with"}, {"(?<=a$)", true, "(?<=...) with"}, {"(?<!a(?=b))", true, "(?<!...) with"},
		{"(?=a", false, "not closed"}, {"(?<=a)*", false, "cannot be repeated"},
		{"(?i:a)", true, "modifier"}, {`\p{scx=Greek}`, true, "Script_Extensions"}, {"\xff", false, "UTF-8"},
		{strings.Repeat("(", 300), false, "nested"}, {strings.Repeat("a", 100_000), false, "longer"},
	}
	for _, c := range cases {
		_, err := Parse(c.pattern)
		var e *Error
		if !errors.As(err, &e) || e.Unsupported != c.unsupported || !strings.Contains(e.Error(), c.part) {
			t.Errorf("%.20q: got %v", c.pattern, err)
		}
	}
}

func TestLimits(t *testing.T) {
	cases := []struct{ pattern, name string }{
		{"^(a{1,999}){1,999}$", "NFAStates"},
		{"^(a|b)*a(a|b){20}$", "States"},
	}
	for _, c := range cases {
		r, err := Parse(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err = r.DFA(Limits{})
		var le *LimitError
		if !errors.As(err, &le) || le.Name != c.name || le.Got <= le.Limit {
			t.Errorf("%s: got %v", c.pattern, err)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("%s: took %v", c.pattern, d)
		}
	}
	r, _ := Parse("^(a|b)*a(a|b){12}$")
	if _, err := r.DFA(Limits{Steps: 1000}); !errors.As(err, new(*LimitError)) {
		t.Errorf("steps: got %v", err)
	}
}

func TestMinimal(t *testing.T) {
	cases := []struct {
		pattern string
		states  int
	}{
		{"^a*$", 1}, {"", 1}, {"abc", 4}, {"^(a|b)c$", 3}, {"^(ab|cb|db)$", 3}, {"^[]$", 0}, {"^(a|aa)*$", 1}, {"^a(a|b)*$", 2},
	}
	for _, c := range cases {
		if got := compile(t, c.pattern).States(); got != c.states {
			t.Errorf("%q: %d states, want %d", c.pattern, got, c.states)
		}
	}
}

func TestLengths(t *testing.T) {
	cases := []struct {
		pattern string
		lo, hi  int
	}{
		{"^a{2,5}$", 2, 5}, {"abc", 3, -1}, {"^$", 0, 0}, {"^a*b$", 1, -1}, {"^(ab|c)$", 1, 2}, {"^[]$", 0, 0},
	}
	for _, c := range cases {
		if lo, hi := compile(t, c.pattern).Lengths(); lo != c.lo || hi != c.hi {
			t.Errorf("%q: %d to %d, want %d to %d", c.pattern, lo, hi, c.lo, c.hi)
		}
	}
}

// TestOperations checks the algebra pointwise: membership in a complement or an
// intersection follows from membership in the operands.
func TestOperations(t *testing.T) {
	words := []string{"", "a", "b", "ab", "abc", "abcd", "1", "a1", "é", "\n", "😀", "aaaa", "zz"}
	for _, x := range matchCases {
		words = append(words, x.yes...)
	}
	lits := Literals("", "abc", "abd", "é")
	for _, x := range matchCases {
		a := compile(t, x.pattern)
		not := a.Complement()
		both, err := Intersect(a, not, Limits{})
		if err != nil || !both.Empty() {
			t.Errorf("%q: intersection with the complement is not empty (%v)", x.pattern, err)
		}
		with, err := Intersect(a, lits, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range words {
			if a.Match(w) == not.Match(w) {
				t.Errorf("%q: complement of %q", x.pattern, w)
			}
			if with.Match(w) != (a.Match(w) && lits.Match(w)) {
				t.Errorf("%q: intersection at %q", x.pattern, w)
			}
		}
		if twice := not.Complement(); twice.States() != a.States() {
			t.Errorf("%q: complement twice has %d states, not %d", x.pattern, twice.States(), a.States())
		}
	}
	if !Literals().Empty() || lits.Empty() || !lits.Match("") || lits.Match("ab") || !Literals().Complement().Match("x") {
		t.Error("literals")
	}
	big, _ := Parse("^(a|b)*a(a|b){9}$")
	other, _ := Parse("^(a|b)*b(a|b){8}$")
	x, _ := big.DFA(Limits{})
	y, _ := other.DFA(Limits{})
	if _, err := Intersect(x, y, Limits{States: 100}); !errors.As(err, new(*LimitError)) {
		t.Errorf("product limit: %v", err)
	}
}

func FuzzMatch(f *testing.F) {
	for _, c := range matchCases {
		for _, s := range append(append([]string{"ab1"}, c.yes...), c.no...) {
			f.Add(c.pattern, s)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 60 || len(s) > 40 {
			return
		}
		r, err := Parse(pattern)
		if err != nil {
			return
		}
		d, err := r.DFA(Limits{NFAStates: 2000, States: 300, Steps: 200_000})
		if err != nil {
			return
		}
		oracle, err := regexp2.Compile(pattern, regexp2.ECMAScript, regexp2.Unicode)
		if err != nil {
			return // annex B spellings that we accept and Unicode mode does not
		}
		oracle.MatchTimeout = time.Second
		want, err := oracle.MatchString(string([]rune(s)))
		if err != nil {
			return
		}
		if got := d.Match(s); got != want {
			t.Errorf("pattern %q on %q: %v, oracle says %v", pattern, s, got, want)
		}
	})
}
