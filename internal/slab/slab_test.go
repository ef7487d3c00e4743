package slab

import "testing"

// TestSlab takes more than a slab keeps, in all sizes, twice.
func TestSlab(t *testing.T) {
	var s Slab[int]
	for range 2 {
		var all [][]int
		taken := 0
		for n := 0; taken < 3*Max; n = (n + 7) % 600 {
			list := s.Take(n)
			if len(list) != n || cap(list) != n {
				t.Fatalf("asked for %d, got %d with room for %d", n, len(list), cap(list))
			}
			for i := range list {
				if list[i] != 0 {
					t.Fatalf("a value is %d before it was set", list[i])
				}
				list[i] = len(all) + 1
			}
			all = append(all, list)
			taken += n
		}
		for i, list := range all {
			for _, v := range list {
				if v != i+1 {
					t.Fatalf("list %d holds %d, of another list", i, v)
				}
			}
		}
		if s.room > Max {
			t.Errorf("the slab keeps %d values", s.room)
		}
		s.Reset()
	}
}
