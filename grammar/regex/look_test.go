package regex_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/dlclark/regexp2/v2"

	"github.com/callama/callama/grammar/regex"
)

// randomPattern returns a pattern over a, b and -, with assertions.
func randomPattern(rng *rand.Rand, depth int) string {
	if depth == 0 {
		return []string{"a", "b", "-", "[ab]", ".", `\w`, `\b`, `\B`, "^", "$", "a?", "b*", "[a-]{1,2}"}[rng.IntN(13)]
	}
	sub := func() string { return randomPattern(rng, depth-1) }
	switch rng.IntN(8) {
	case 0:
		return "(?=" + sub() + ")"
	case 1:
		return "(?!" + sub() + ")"
	case 2:
		return "(?<=" + sub() + ")"
	case 3:
		return "(?<!" + sub() + ")"
	case 4:
		return "(?:" + sub() + "|" + sub() + ")"
	case 5:
		return "(?:" + sub() + ")*"
	}
	return sub() + sub()
}

// TestAssertions compares random patterns on every short text with a backtracking engine.
func TestAssertions(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	texts := []string{""}
	for i := 0; len(texts) < 364; i++ { // up to five characters
		for _, c := range "ab-" {
			texts = append(texts, texts[i]+string(c))
		}
	}
	compared, matched := 0, 0
	for range 3000 {
		pattern := randomPattern(rng, 3)
		if !strings.Contains(pattern, "(?=") && !strings.Contains(pattern, "(?!") && !strings.Contains(pattern, "(?<") && !strings.ContainsAny(pattern, "bB") {
			continue
		}
		re, err := regex.Parse(pattern)
		var e *regex.Error
		if errors.As(err, &e) {
			continue
		}
		d, err := re.DFA(regex.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		oracle, err := regexp2.Compile(pattern, regexp2.ECMAScript, regexp2.Unicode)
		if err != nil {
			continue
		}
		oracle.MatchTimeout = time.Second
		compared++
		for _, s := range texts {
			want, err := oracle.MatchString(s)
			if err != nil {
				t.Fatal(err)
			}
			if want {
				matched++
			}
			if got := d.Match(s); got != want {
				t.Errorf("%s on %q: %v, oracle says %v", pattern, s, got, want)
				break
			}
		}
	}
	if compared < 1000 || matched == 0 {
		t.Errorf("only %d patterns compared, %d matches: the test is blind", compared, matched)
	}
}
