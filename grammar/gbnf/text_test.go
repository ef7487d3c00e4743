package gbnf

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// firstTrigger is the definition: the first place at which a trigger is complete, and of
// those complete there the longest.
func firstTrigger(triggers []Trigger, text string) (which, end int) {
	for end := 1; end <= len(text); end++ {
		which = -1
		for i, tr := range triggers {
			if strings.HasSuffix(text[:end], tr.Text) && (which < 0 || len(tr.Text) > len(triggers[which].Text)) {
				which = i
			}
		}
		if which >= 0 {
			return which, end
		}
	}
	return -1, 0
}

// inText is the definition of Text, with After literals.
func inText(t Text, s string) bool {
	which, end := firstTrigger(t.Triggers, s)
	if which < 0 {
		return t.End
	}
	after, ok := t.Triggers[which].After.(*Literal)
	if !ok || !strings.HasPrefix(s[end:], after.Text) {
		return false
	}
	rest := s[end+len(after.Text):]
	return rest == "" && !t.Again || t.Again && inText(t, rest)
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		name, alphabet string
		length         int
		triggers       []string // a "-" before one bans it
	}{
		{"one letter", "ab", 7, []string{"a"}},
		{"two", "abc", 5, []string{"ab"}},
		{"repeated", "ab", 7, []string{"aa"}},
		{"border", "ab", 7, []string{"aabaa"}},
		{"characters", "é<x", 5, []string{"é<"}},
		{"several", "abc", 5, []string{"ab", "ca", "bb"}},
		{"one within another", "ab", 7, []string{"abab", "ba"}},
		{"one begins another", "ab", 7, []string{"ab", "abb"}},
		{"one ends another", "ab", 7, []string{"bab", "ab"}},
		{"banned", "ab", 7, []string{"aab", "-bb"}},
		{"banned end", "\n<>", 6, []string{"\n<>", "-<>"}},
		{"nothing", "ab", 3, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for variant := range 8 {
				text := Text{End: variant&1 != 0, Again: variant&2 != 0}
				if variant&4 != 0 {
					text.Avoid = []Range{{'b', 'c'}}
				}
				for i, s := range tt.triggers {
					tr := Trigger{Text: strings.TrimPrefix(s, "-")}
					if tr.Text == s {
						tr.After = Lit(strings.Repeat("a", i%2))
					}
					text.Triggers = append(text.Triggers, tr)
				}
				b := NewBuilder()
				root := b.Declare("root")
				e, err := text.Add(b, "text")
				if err != nil {
					t.Fatal(err)
				}
				b.Define(root, e)
				g := b.Grammar(root)
				for _, s := range Texts(tt.alphabet, tt.length) {
					if !utf8.ValidString(s) {
						continue
					}
					want := inText(text, s) && !(variant&4 != 0 && s != "" && (s[0] == 'b' || s[0] == 'c'))
					if got := Accepts(g, s); got != want {
						t.Fatalf("end %v, again %v: %q is %v, want %v\n%s", text.End, text.Again, s, got, want, g)
					}
				}
			}
		})
	}
}

func TestTextErrors(t *testing.T) {
	for _, tt := range []struct {
		name     string
		triggers []Trigger
		want     string
	}{
		{"empty", []Trigger{{}}, "either a text or a token"},
		{"both", []Trigger{{Text: "a", Token: &Token{ID: 1}}}, "either a text or a token"},
		{"twice", []Trigger{{Text: "a"}, {Text: "b"}, {Text: "a"}}, `"a" comes twice`},
		{"not UTF-8", []Trigger{{Text: "\xff"}}, "not UTF-8"},
		{"too long", []Trigger{{Text: strings.Repeat("a", maxTriggerBytes+1)}}, "bytes of triggers"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := (Text{Triggers: tt.triggers}).Add(NewBuilder(), "text"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestChoice(t *testing.T) {
	if alt := Choice("a", "b", "a").(*Alt); len(alt.Items) != 2 {
		t.Errorf("%d choices", len(alt.Items))
	}
}
