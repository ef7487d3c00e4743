package chat

import (
	"strings"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
)

// TestTextRules compares the rules with strings.Index on every short text.
func TestTextRules(t *testing.T) {
	tests := []struct {
		delimiter, alphabet string
		length              int
	}{
		{"a", "ab", 7},
		{"ab", "abc", 7},
		{"aa", "ab", 9},
		{"aab", "ab", 10},
		{"aba", "ab", 10},
		{"abab", "ab", 11},
		{"aabaa", "ab", 11},
		{"abcab", "abc", 8},
		{"é<", "é<x", 7},
	}
	for _, tt := range tests {
		t.Run(tt.delimiter, func(t *testing.T) {
			until, without, both := gbnf.NewBuilder(), gbnf.NewBuilder(), gbnf.NewBuilder()
			gUntil := until.Grammar(until.Add("root", textUntil(until, tt.delimiter)).Rule)
			gWithout := without.Grammar(without.Add("root", textWithout(without, tt.delimiter)).Rule)
			gBoth := both.Grammar(both.Add("root", textAutomaton(both, "text", tt.delimiter, gbnf.Lit("!"), true)).Rule)
			stringsOver(tt.alphabet, tt.length, func(s string) {
				at := strings.Index(s, tt.delimiter)
				if got, want := recognises(gUntil, s), at >= 0 && at+len(tt.delimiter) == len(s); got != want {
					t.Errorf("until %q: %q is %v, want %v", tt.delimiter, s, got, want)
				}
				if got, want := recognises(gWithout, s), at < 0; got != want {
					t.Errorf("without %q: %q is %v, want %v", tt.delimiter, s, got, want)
				}
				if got, want := recognises(gBoth, s), at < 0; got != want {
					t.Errorf("text %q: %q is %v, want %v", tt.delimiter, s, got, want)
				}
				if got, want := recognises(gBoth, s+"!"), at < 0 || at+len(tt.delimiter) == len(s); got != want {
					t.Errorf("text %q: %q is %v, want %v", tt.delimiter, s+"!", got, want)
				}
			})
		})
	}
}

func TestTextWithoutLead(t *testing.T) {
	b := gbnf.NewBuilder()
	g := b.Grammar(b.Add("root", textWithoutLead(b, []string{"{", "<b>"}, "<b>")).Rule)
	stringsOver(" {<b>x", 5, func(s string) {
		want := !strings.HasPrefix(strings.TrimLeft(s, " "), "{") && !strings.Contains(s, "<b>")
		if got := recognises(g, s); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	})
	b = gbnf.NewBuilder()
	g = b.Grammar(b.Add("root", textWithoutLead(b, []string{"["}, "")).Rule)
	stringsOver("\n[]x", 6, func(s string) {
		if got, want := recognises(g, s), !strings.HasPrefix(strings.TrimLeft(s, "\n"), "["); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	})
}
