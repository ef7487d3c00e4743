package grammar_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/callama/callama/grammar"
)

// TestMinTokens: the completion that MinTokens counts is one, each of its tokens brings the text
// nearer to its end, and it has no more tokens than the shortest has bytes.
func TestMinTokens(t *testing.T) {
	v := smallVocab(t)
	r := rand.New(rand.NewPCG(8, 1))
	for range 600 {
		g := randomGrammar(r)
		c, err := grammar.Compile(g, v, grammar.Limits{})
		if errors.Is(err, grammar.ErrEmpty) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		m := c.NewMatcher()
		for range 5 {
			n := m.MinTokens()
			if n > m.MinBytes() || (n == 0) != (m.MinBytes() == 0) {
				t.Fatalf("%d tokens, %d bytes\n%s", n, m.MinBytes(), g)
			}
			end := m.Clone()
			for left := n; left > 0; left-- {
				id, ok := end.Closing()
				if !ok || !end.FitsAfter(id, left-1) {
					t.Fatalf("%d of %d tokens left: token %d, %v\n%s", left, n, id, ok, g)
				}
				if err := end.Accept(id); err != nil {
					t.Fatal(err)
				}
				if end.MinTokens() != left-1 {
					t.Fatalf("%d tokens after one of %d\n%s", end.MinTokens(), left, g)
				}
			}
			if !end.Accepting() {
				t.Fatalf("the text may not end after %d tokens\n%s", n, g)
			}
			var allowed []int32
			for id := range m.Mask().All {
				if v.IsText(id) {
					allowed = append(allowed, id)
				}
			}
			if len(allowed) == 0 {
				break
			}
			id := allowed[r.IntN(len(allowed))]
			next := m.Clone()
			if err := next.Accept(id); err != nil {
				t.Fatal(err)
			}
			if least := next.MinTokens(); !m.FitsAfter(id, least) || least > 0 && m.FitsAfter(id, least-1) {
				t.Fatalf("FitsAfter is not MinTokens after the token\n%s", g)
			}
			m = next
		}
	}
}
