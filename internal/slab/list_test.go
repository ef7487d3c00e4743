package slab

import "testing"

// TestList: elements stay where they are, and have their numbers.
func TestList(t *testing.T) {
	var l List[int]
	var at []*int
	for i := range 5*listBlock + 1 {
		if n := l.Add(i); int(n) != i || int(l.Len()) != i+1 {
			t.Fatalf("number %d of %d, want %d", n, l.Len(), i)
		}
		at = append(at, l.At(int32(i)))
	}
	for i, p := range at {
		if *p != i || l.At(int32(i)) != p {
			t.Fatalf("element %d has moved or is %d", i, *p)
		}
	}
	*l.Extend(9 * listBlock) = 7
	if n := l.Len(); n != 9*listBlock+1 || *l.At(n - 1) != 7 || *l.At(n - 2) != 0 || *l.Extend(3) != 3 || l.Len() != n {
		t.Errorf("%d elements, the last ones %d and %d", n, *l.At(n - 2), *l.At(n - 1))
	}
	if l.Clear(); *l.At(3) != 0 || *l.At(9 * listBlock) != 0 {
		t.Error("something is left")
	}
}
