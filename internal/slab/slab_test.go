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

// TestReturn gives back what was taken since a mark, in chunks and beyond, and finds it cleared.
func TestReturn(t *testing.T) {
	var s Slab[int]
	kept := s.Take(5)
	for round := range 3 {
		for _, n := range []int{1, firstChunk, Max / 2, Max, 2 * Max} {
			mark := s.Mark()
			for taken := 0; taken < n; taken++ {
				if v := s.One(); *v != 0 {
					t.Fatalf("round %d: a value is %d before it was set", round, *v)
				} else {
					*v = 1
				}
			}
			s.Return(mark)
		}
	}
	for i := range kept {
		kept[i]++
	}
	s.Reset()
	if first := s.Take(5); first[0] != 0 || first[4] != 0 {
		t.Error("something is left")
	}
}

// TestAppend: a list grows in its own memory where it has room, and else in the Slab's, which no other list shares.
func TestAppend(t *testing.T) {
	var s Slab[int]
	var list, other []int
	for i := range 5 * longList {
		list, other = s.Append(list, i), s.Append(other, -i)
	}
	for i := range list {
		if list[i] != i || other[i] != -i {
			t.Fatalf("element %d is %d, and of the other list %d", i, list[i], other[i])
		}
	}
	if fork := s.Append(list[:1:1], 7); fork[1] != 7 || list[1] != 1 {
		t.Error("a list without room is not copied")
	}
}

// TestTrim: a slab that was trimmed keeps no more than it was told, and goes on as before.
func TestTrim(t *testing.T) {
	var s Slab[int]
	for range 3 {
		for range Max {
			if v := s.One(); *v != 0 {
				t.Fatalf("a value is %d before it was set", *v)
			} else {
				*v = 1
			}
		}
		s.Reset()
		if s.Trim(100); s.room > 100 || s.room < 100/3 {
			t.Fatalf("%d values are kept", s.room)
		}
	}
}
