package regex

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestLists numbers lists, many of them again and again, and reads them back.
func TestLists(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var l lists
	for range 3 {
		known := make(map[string]int32)
		var all [][]int32
		for range 3000 {
			list := make([]int32, rng.IntN(6))
			for i := range list {
				list[i] = rng.Int32N(9) - 1
			}
			n, fresh := l.number(list)
			want, ok := known[fmt.Sprint(list)]
			if fresh == ok || ok && n != want || !ok && int(n) != len(all) {
				t.Fatalf("%v is number %d, new: %t", list, n, fresh)
			}
			if fresh {
				known[fmt.Sprint(list)] = n
				all = append(all, list)
			}
		}
		for n, list := range all {
			if got := l.at(int32(n)); !slices.Equal(got, list) {
				t.Fatalf("number %d is %v, not %v", n, got, list)
			}
		}
		l.reset()
	}
}
