package regex_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/grammar/schema/ruletest"
)

// TestNarrow counts the characters of languages that would take too many states.
func TestNarrow(t *testing.T) {
	cases := []struct {
		name, pattern string
		window        regex.Window
		yes, no       []string
	}{
		{"words", `^(?:\S+\s+){0,29}\S+$`, regex.Window{Min: 1, Max: 300},
			[]string{"a", "some words and more", "ab ab ab c", strings.Repeat("x", 300)},
			[]string{"", " a", strings.Repeat("a ", 30) + "b", strings.Repeat("x", 301)}},
		{"a literal that might not fit", `^(?:[a-z.]|%[0-9A-F]{2})*(?:@(?:[0-9]{1,40}|-[0-9]{1,40}))?$`, regex.Window{Max: 60},
			[]string{"", "a.b", "a%20b", "abc@123", strings.Repeat("a", 60)},
			[]string{"@", "a%2", strings.Repeat("a", 61), "a@" + strings.Repeat("1", 41)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			re, err := regex.Parse(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			d, err := re.DFA(regex.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			options := regex.RuleOptions{Length: &c.window, Limits: regex.Limits{States: 1000}}
			var limit *regex.LimitError
			if _, err := regex.Rules(gbnf.NewBuilder(), "x", d, options); !errors.As(err, &limit) {
				t.Fatalf("without narrowing: %v", err)
			}
			c.window.Narrow = true
			b := gbnf.NewBuilder()
			root := b.Declare("root")
			e, err := regex.Rules(b, "x", d, options)
			if err != nil {
				t.Fatal(err)
			}
			b.Define(root, e)
			g := b.Grammar(root)
			for _, s := range c.yes {
				if !ruletest.Accepts(g, s) {
					t.Errorf("rejects %q", s)
				}
			}
			for _, s := range c.no {
				if ruletest.Accepts(g, s) {
					t.Errorf("accepts %q", s)
				}
			}
			w := ruletest.NewGenerator(g, 1)
			for size := range 200 {
				s, ok := w.Text(size)
				if n := utf8.RuneCountInString(s); !ok || !d.Match(s) || n < c.window.Min || n > c.window.Max {
					t.Fatalf("wrote %q", s)
				}
			}
		})
	}
}
