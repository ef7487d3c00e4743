package slab

import (
	"slices"
	"testing"
)

func TestLists(t *testing.T) {
	var l Lists[int]
	if got := l.At(Span{}); got != nil || !(Span{}).Empty() {
		t.Errorf("the zero span is %v, empty: %v", got, (Span{}).Empty())
	}
	var spans []Span
	var want [][]int
	for n := range 300 { // lists of all lengths up to more than a block
		list := make([]int, n*n%1500)
		for i := range list {
			list[i] = n<<16 + i
		}
		spans, want = append(spans, l.Put(list...)), append(want, list)
	}
	for n, s := range spans {
		if got := l.At(s); !slices.Equal(got, want[n]) || s.Len() != len(want[n]) {
			t.Fatalf("list %d has %d elements of %d", n, s.Len(), len(want[n]))
		}
	}
	s, list := l.Take(3)
	list[1] = 7
	if got := l.At(s); !slices.Equal(got, []int{0, 7, 0}) {
		t.Errorf("taken list is %v, want zeros but for what was written", got)
	}
}
