package automaton

import "testing"

// TestIndexInParts: everything that is filed is found, under its hash alone, before and after an index is cut in
// parts, and no table is large.
func TestIndexInParts(t *testing.T) {
	const things = 200_000
	var x index
	find := func(hash uint32, id int32) (found bool, looked int) {
		for p := x.at(hash); p.slot().id != 0; p = p.next() {
			looked++
			if s := p.slot(); s.hash == hash && s.id == id+1 {
				return true, looked
			}
		}
		return false, looked
	}
	hash := func(id int32) uint32 { // two of each
		h := hasher(0)
		h.add(id / 2)
		return h.sum()
	}
	looked := 0
	for id := range int32(things) {
		if found, _ := find(hash(id), id); found {
			t.Fatalf("%d is found before it is filed", id)
		}
		x.add(hash(id), id)
		for _, known := range []int32{id, id / 2, 0} {
			found, n := find(hash(known), known)
			if looked += n; !found {
				t.Fatalf("%d is not found among %d", known, id+1)
			}
		}
	}
	if len(x.parts) != indexParts {
		t.Errorf("%d parts", len(x.parts))
	}
	for n, part := range x.parts {
		if most := 8 * things / indexParts; len(part) > most {
			t.Errorf("part %d has %d slots, want at most %d", n, len(part), most)
		}
	}
	if most := 4 * 3 * things; looked > most {
		t.Errorf("%d slots were looked at, want at most %d", looked, most)
	}
}
