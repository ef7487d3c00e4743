package regex_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/grammar/schema/ruletest"
)

// TestLengths counts the characters of languages of which the pairs of a state and a length
// are many.
func TestLengths(t *testing.T) {
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
			g, err := grammarOf(d, regex.RuleOptions{Length: &c.window})
			if err != nil {
				t.Fatal(err)
			}
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
