package regex

import (
	"testing"
)

func TestCount(t *testing.T) {
	for pattern, want := range map[string]int{"^a$": 1, "^[a-c]{2}$": 9, "^[ab]?$": 3, "^(a|ab|abc)$": 3, "^a*$": 100, "a": 100, "^[a-z]{5}$": 100, "^[^\\s\\S]$": 0} {
		re, err := Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		d, err := re.DFA(Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Count(100); got != want {
			t.Errorf("%s: %d words, want %d", pattern, got, want)
		}
	}
}
