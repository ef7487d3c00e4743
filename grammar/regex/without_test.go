package regex

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestWithout holds an automaton without words against the product with all other strings: both are
// minimal and in the same order, so that they are the same.
func TestWithout(t *testing.T) {
	all := texts()
	r := rand.New(rand.NewPCG(5, 6))
	empty, fewer := 0, 0
	for round := range 600 {
		d := randomDFA(r).minimize()
		if round%3 == 0 {
			d = d.Complement()
		}
		words := make([]string, 1+r.IntN(12))
		for i := range words {
			words[i] = all[r.IntN(1+r.IntN(len(all)))] // short ones more often
		}
		if round%5 == 0 {
			words = append(words, "ä", "bä", "\x7f")
		}
		want, err := Intersect(d, Literals(words...).Complement(), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Without(words, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got.start != want.start || !slices.Equal(got.next, want.next) || !slices.Equal(got.accept, want.accept) || !got.minimal ||
			!slices.Equal(got.alphabet.starts, want.alphabet.starts) || !slices.Equal(got.alphabet.symbol, want.alphabet.symbol) {
			t.Fatalf("round %d: without %q: %v, want %v", round, words, got, want)
		}
		if got.Empty() && !d.Empty() {
			empty++
		}
		if got.States() < d.States() {
			fewer++
		}
	}
	if empty == 0 || fewer == 0 {
		t.Errorf("%d became empty, %d smaller", empty, fewer)
	}
	if _, err := Literals("abc").minimize().Without([]string{"x"}, Limits{States: 2}); err == nil {
		t.Error("no limit")
	}
}
