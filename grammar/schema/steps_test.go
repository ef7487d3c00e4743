package schema

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFewerSteps compares steps with the fewer ones that are to mean the same, on multiples of a
// twentieth, and demands the same ones whatever the order.
func TestFewerSteps(t *testing.T) {
	values := []string{"0.05", "0.25", "0.5", "1", "2", "3", "4", "5", "6", "10", "1.5", "20"}
	parse := func(text string) decimal {
		d, err := parseDecimal(text)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	twentieth, left := parse("0.05"), 0
	admits := func(steps []step, n int) bool {
		d := parse(fmt.Sprintf("%d.%02d", n/20, n%20*5))
		if !d.multipleOf(twentieth) {
			t.Fatalf("%v is no twentieth", d)
		}
		return !slices.ContainsFunc(steps, func(s step) bool { return d.multipleOf(s.value) == s.not })
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		steps := make([]step, 2+rng.IntN(5))
		for i := range steps {
			steps[i] = step{value: parse(values[rng.IntN(len(values))]), not: rng.IntN(2) == 0}
		}
		fewer, ok := fewerSteps(steps)
		for n := range 20 * 61 {
			if got, want := ok && admits(fewer, n), admits(steps, n); got != want {
				t.Fatalf("%v and %v (%t) differ on %d/20", steps, fewer, ok, n)
			}
		}
		rng.Shuffle(len(steps), func(i, k int) { steps[i], steps[k] = steps[k], steps[i] })
		again, okAgain := fewerSteps(steps)
		if ok != okAgain || !slices.Equal(fewer, again) {
			t.Fatalf("%v became %v and, in another order, %v", steps, fewer, again)
		}
		if ok && len(fewer) < len(steps) {
			left++
		}
	}
	if left < 200 {
		t.Errorf("only %d lists became shorter", left)
	}
}
