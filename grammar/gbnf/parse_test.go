package gbnf

import (
	"errors"
	"strings"
	"testing"
)

// accepted are texts with the tree that Parse makes of them, as dump shows it.
var accepted = []struct{ name, text, want string }{
	{"literal", `root ::= "ab"`, `*0 root = "ab"`},
	{"escapes", `root ::= "\n\r\t\\\"\[\]\-\x41\u00e9\U0001F600"`, `*0 root = "\n\r\t\\\"[]-Aé😀"`},
	{"x is a code point", `root ::= "\x85"`, `*0 root = "\u0085"`},
	{"raw newline in a literal", "root ::= \"a\nb\"", `*0 root = "a\nb"`},
	{"class", `root ::= [a-z_\]\-0]`, `*0 root = class[{97 122} {95 95} {93 93} {45 45} {48 48}]false`},
	{"negated class", `root ::= [^"\\\x00-\x1F]`, `*0 root = class[{34 34} {92 92} {0 31}]true`},
	{"dash at the end", `root ::= [+-]`, `*0 root = class[{43 43} {45 45}]false`},
	{"dash at the start", `root ::= [-+]`, `*0 root = class[{45 45} {43 43}]false`},
	{"caret inside", `root ::= [a^]`, `*0 root = class[{97 97} {94 94}]false`},
	{"surrogates in a class", `root ::= [\uD800-\uDFFF]`, `*0 root = class[{55296 57343}]false`},
	{"any", `root ::= .`, `*0 root = class[]true`},
	{"sequence", `root ::= "a" "b"`, `*0 root = seq("a", "b")`},
	{"alternates", `root ::= "a" | "b" "c" |`, `*0 root = alt("a", seq("b", "c"), "")`},
	{"empty first alternate", `root ::= | "b"`, `*0 root = alt("", "b")`},
	{"empty rule at the end", `root ::= `, `*0 root = ""`},
	{"empty rule", "root ::=\nb ::= \"b\"", "*0 root = \"\"\n 1 b = \"b\""},
	{"group", `root ::= ("a" | "b") "c"`, `*0 root = seq(alt("a", "b"), "c")`},
	{"repetitions", `root ::= "a"? "b"* "c"+ "d"{2} "e"{2,} "f"{2,3}`,
		`*0 root = seq("a"{0,1}, "b"{0,-1}, "c"{1,-1}, "d"{2,2}, "e"{2,-1}, "f"{2,3})`},
	{"spaces in counts", `root ::= "f" { 2 , 3 }`, `*0 root = "f"{2,3}`},
	{"repetition of a repetition", `root ::= "a"{2}?`, `*0 root = "a"{2,2}{0,1}`},
	{"large counts are kept", `root ::= "a"{0,100000}`, `*0 root = "a"{0,100000}`},
	{"references", "root ::= b a\na ::= \"a\"\nb ::= a", "*0 root = seq(#2, #1)\n 1 a = \"a\"\n 2 b = #1"},
	{"multi-line alternates", "root ::= \"a\" |\n  \"b\"\n  | \"c\" # more\n\n | \"d\"\nx ::= \"x\"",
		"*0 root = alt(\"a\", \"b\", \"c\", \"d\")\n 1 x = \"x\""},
	{"multi-line sequence", "root ::= \"a\"\n  x\nx ::= \"x\"", "*0 root = seq(\"a\", #1)\n 1 x = \"x\""},
	{"multi-line group", "root ::= (\n\"a\" # one\n x\n)\nx ::= \"x\"", "*0 root = seq(\"a\", #1)\n 1 x = \"x\""},
	{"comments and carriage returns", "# top\r\nroot ::= \"a\" # end\r\n", `*0 root = "a"`},
	{"byte order mark", "\uFEFFroot ::= \"a\"", `*0 root = "a"`},
	{"names", "root ::= 0-a A_b\n0-a ::= \"a\"\nA_b ::= \"b\"", "*0 root = seq(#1, #2)\n 1 0-a = \"a\"\n 2 A_b = \"b\""},
	{"tokens", `root ::= <think> !</think>* <[12]> !<[13]>`,
		`*0 root = seq(token{<think> 0 false}, token{</think> 0 true}{0,-1}, token{ 12 false}, token{ 13 true})`},
	{"the white space of JSON grammars", `root ::= ([ \t\n] root)?`,
		`*0 root = seq(class[{32 32} {9 9} {10 10}]false, #0){0,1}`},
}

func TestParse(t *testing.T) {
	for _, tc := range accepted {
		t.Run(tc.name, func(t *testing.T) {
			g, err := Parse(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSuffix(dump(g), "\n"); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// refused are texts with the errors that Parse gives for them.
var refused = []struct{ name, text, want string }{
	{"no text", "", "line 1, column 1: no rules"},
	{"only a comment", "# nothing", "line 1, column 10: no rules"},
	{"no root", "a ::= \"a\"", `line 1, column 10: the start rule "root" is not defined`},
	{"misspelt root", "Root ::= \"a\"", `the start rule "root" is not defined; did you mean "Root"?`},
	{"undefined rule", "root ::= \"a\"\n  vlaue\nvalue ::= \"v\"",
		`line 2, column 3: rule "vlaue" is not defined; did you mean "value"?`},
	{"undefined rule, nothing near", `root ::= other`, `line 1, column 10: rule "other" is not defined`},
	{"duplicate", "root ::= \"a\"\nb ::= \"b\"\n\nb ::= \"c\"", `line 4, column 1: rule "b" is already defined in line 2`},
	{"no assignment", "root = \"a\"", `line 1, column 6: unexpected '='; expecting '::=' after the rule name "root"`},
	{"name alone", "root", `line 1, column 5: the text ends; expecting '::=' after the rule name "root"`},
	{"no name", "::= \"a\"", "line 1, column 1: '::=' here"},
	{"two rules in a line", `root ::= "a" b ::= "b"`, "line 1, column 16: '::=' here; a rule begins on a line of its own"},
	{"open literal", "root ::= \"a", `line 1, column 10: a literal that is not closed by '"'`},
	{"open literal after escape", `root ::= "\"`, `line 1, column 10: a literal that is not closed`},
	{"single quotes", "root ::= 'a'", `line 1, column 10: unexpected '\'' (literals stand in double quotes)`},
	{"unknown escape", `root ::= "a\d"`, `line 1, column 12: unknown escape; there are \n`},
	{"short hex", `root ::= "\x4"`, "line 1, column 11: expecting 2 hexadecimal digits"},
	{"signed hex", `root ::= "\x+4"`, "line 1, column 11: expecting 2 hexadecimal digits"},
	{"hex at the end", `root ::= "\u12`, "line 1, column 11: expecting 4 hexadecimal digits"},
	{"beyond Unicode", `root ::= "\U00110000"`, "line 1, column 11: \\U00110000 is above the last code point"},
	{"surrogate", `root ::= "\uD83D\uDE00"`, "line 1, column 11: \\uD83D is half of a surrogate pair"},
	{"open class", `root ::= [a`, "line 1, column 10: a class that is not closed by ']'"},
	{"empty class", `root ::= []`, "line 1, column 10: an empty class"},
	{"empty negated class", `root ::= [^]`, "line 1, column 10: an empty class"},
	{"reversed range", `root ::= [z-a]`, "line 1, column 11: range z-a has its ends reversed"},
	{"open range", `root ::= [a-`, "line 1, column 10: a class that is not closed"},
	{"open group", "root ::= (\"a\"\nb ::= \"b\"", "line 2, column 3: '::=' here"},
	{"group open at the end", `root ::= ("a"`, "line 1, column 14: the text ends; expecting ')' for the group opened in line 1, column 10"},
	{"closed too often", `root ::= "a")`, "line 1, column 13: unexpected ')' that closes no group"},
	{"nothing to repeat", `root ::= * "a"`, "line 1, column 10: '*' repeats what stands before it"},
	{"nothing to count", `root ::= {2}`, "line 1, column 10: '{' repeats what stands before it"},
	{"no lower count", `root ::= "a"{,3}`, "line 1, column 14: expecting a number: write {0,n}"},
	{"no count", `root ::= "a"{}`, "line 1, column 14: unexpected '}'; expecting a number"},
	{"bad count", `root ::= "a"{2,x}`, "line 1, column 16: unexpected 'x'; expecting a number"},
	{"open count", `root ::= "a"{2`, "line 1, column 15: the text ends; expecting '}'"},
	{"reversed counts", `root ::= "a"{3,2}`, "line 1, column 13: repetition {3,2} has its bounds reversed"},
	{"count too large", `root ::= "a"{9999999999999999999999}`, "line 1, column 14: repetition count: 9223372036854775807 exceeds the limit of 1073741824"},
	{"open token", "root ::= <think\n", "line 1, column 10: a token that is not closed by '>'"},
	{"bad token id", `root ::= <[x]>`, "line 1, column 10: a token by id is written <[123]>"},
	{"token id too large", `root ::= <[4294967296]>`, "token id: 4294967296 exceeds the limit of 2147483647"},
	{"bare negation", `root ::= !think`, "line 1, column 11: unexpected 't'; expecting '<' of a token after '!'"},
	{"invalid UTF-8", "root ::= \"é\xFF\"", "line 1, column 12: byte 0xFF is not UTF-8"},
	{"NUL", "root ::= \"a\x00\"", "line 1, column 12: a NUL byte"},
	{"regular expression", `root ::= /a/`, "line 1, column 10: unexpected '/' (comments begin with '#')"},
	{"column counts code points", `root ::= "éé" ?? 'x'`, "line 1, column 18: unexpected"},
	{"stacked repetitions", `root ::= "a"` + strings.Repeat("?", 17), "repetitions of one item: 17 exceeds the limit of 16"},
}

func TestParseErrors(t *testing.T) {
	for _, tc := range refused {
		t.Run(tc.name, func(t *testing.T) {
			g, err := Parse(tc.text)
			if err == nil {
				t.Fatalf("accepted as\n%s", dump(g))
			}
			var at *ParseError
			if !errors.As(err, &at) {
				t.Fatalf("%T: %v", err, err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
			if at.Offset < 0 || at.Offset > len(tc.text) {
				t.Errorf("offset %d in %d bytes", at.Offset, len(tc.text))
			}
		})
	}
}

func TestLimits(t *testing.T) {
	deep := "root ::= " + strings.Repeat("(", 501) + `"a"` + strings.Repeat(")", 501)
	for _, tc := range []struct {
		name   string
		limits Limits
		text   string
		want   string
	}{
		{"text", Limits{TextBytes: 10}, `root ::= "a"`, "text bytes: 12 exceeds the limit of 10"},
		{"rules", Limits{Rules: 1}, "root ::= \"a\"\nb ::= \"b\"", "rules: 2 exceeds the limit of 1"},
		{"depth", Limits{Depth: 2}, `root ::= ((("a")))`, "nested groups: 3 exceeds the limit of 2"},
		{"default depth", Limits{}, deep, "nested groups: 501 exceeds the limit of 500"},
		{"repeat", Limits{Repeat: 9}, `root ::= "a"{1,10}`, "repetition count: 10 exceeds the limit of 9"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := tc.limits.Parse(tc.text, "root")
			var limit *LimitError
			if !errors.As(err, &limit) {
				t.Fatalf("%v, want a *LimitError", err)
			}
			if !strings.Contains(err.Error(), tc.want) || !strings.Contains(limit.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestParseRoot(t *testing.T) {
	g, err := ParseRoot("root ::= \"a\"\nlist ::= root+", "list")
	if err != nil || g.Root != 1 {
		t.Fatalf("root %v, %v", g, err)
	}
	if got, want := g.String(), "root ::= root-2+\nroot-2 ::= \"a\"\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestComments(t *testing.T) {
	text := "# first\n#\n#  second\nroot ::= \"a\" # gone\n# of b\n\n# too\nb ::= \"b\"\n# gone as well\n"
	g := mustParse(t, text)
	if got, want := g.Rules[0].Comment, "first\n\n second"; got != want {
		t.Errorf("root: %q, want %q", got, want)
	}
	if got, want := g.Rules[1].Comment, "of b\ntoo"; got != want {
		t.Errorf("b: %q, want %q", got, want)
	}
	if got, want := g.String(), "# first\n#\n#  second\nroot ::= \"a\"\n# of b\n# too\nb ::= \"b\"\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// FuzzParse holds that any text is read or refused without a panic, and that what is read
// prints and reads back.
func FuzzParse(f *testing.F) {
	for _, tc := range accepted {
		f.Add(tc.text)
	}
	for _, tc := range refused {
		f.Add(tc.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := Parse(text)
		if err != nil {
			var at *ParseError
			if !errors.As(err, &at) || at.Line < 1 || at.Column < 1 || at.Offset > len(text) {
				t.Fatalf("error %#v", err)
			}
			return
		}
		if err := Check(g); err != nil && !errors.Is(err, ErrEmptyLanguage) {
			t.Fatalf("Parse made what Check refuses: %v", err)
		}
		var sb strings.Builder
		if err := g.Print(&sb); err != nil {
			var limit *LimitError
			if !errors.As(err, &limit) {
				t.Fatalf("Print: %v", err)
			}
			return
		}
		back, err := Parse(sb.String())
		if err != nil {
			t.Fatalf("printed text is refused: %v\n%s", err, sb.String())
		}
		if again := back.String(); again != sb.String() {
			t.Fatalf("printed text is not stable:\n%s\nthen\n%s", sb.String(), again)
		}
		if why := llamaRefuses(back); why != "" {
			t.Fatalf("llama.cpp would refuse: %s\n%s", why, sb.String())
		}
	})
}
