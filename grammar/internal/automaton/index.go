package automaton

// index finds interned things by their hash: open addressing with linear probing. What is
// equal is the caller's to say.
type index struct {
	slots []slot
	used  int
}

type slot struct {
	hash uint32
	id   int32 // number plus one, 0 for an empty slot
}

// indexMin is the first size of an index, which a small grammar does not outgrow.
const indexMin = 64

// newIndex returns an empty index.
func newIndex() index { return index{slots: make([]slot, indexMin)} }

// at returns the first slot to look into for a hash. The search goes on with next until a
// slot is empty.
func (x *index) at(hash uint32) uint32 { return hash & uint32(len(x.slots)-1) }

func (x *index) next(i uint32) uint32 { return (i + 1) & uint32(len(x.slots)-1) }

// add files number id under a hash that it is not filed under.
func (x *index) add(hash uint32, id int32) {
	if 2*(x.used+1) > len(x.slots) {
		old := x.slots
		x.slots = make([]slot, max(indexMin, 2*len(old)))
		for _, s := range old {
			if s.id != 0 {
				x.put(s)
			}
		}
	}
	x.used++
	x.put(slot{hash, id + 1})
}

func (x *index) put(s slot) {
	i := x.at(s.hash)
	for x.slots[i].id != 0 {
		i = x.next(i)
	}
	x.slots[i] = s
}

// hasher hashes a few numbers by multiplication (Knuth's constant of the golden ratio).
type hasher uint64

func (h *hasher) add(n int32) {
	x := (uint64(*h) ^ uint64(uint32(n))) * 0x9E3779B97F4A7C15
	*h = hasher(x ^ x>>29)
}

func (h hasher) sum() uint32 { return uint32(h ^ h>>32) }

// arena hands out parts of large blocks, so that many small lists are few allocations.
type arena[T any] struct{ free []T }

// take returns a zeroed list of n with room for no more.
func (a *arena[T]) take(n, block int) []T {
	if len(a.free) < n {
		a.free = make([]T, max(n, block))
	}
	list := a.free[:n:n]
	a.free = a.free[n:]
	return list
}

// copyOf returns a copy of a list.
func (a *arena[T]) copyOf(list []T, block int) []T {
	if len(list) == 0 {
		return nil
	}
	kept := a.take(len(list), block)
	copy(kept, list)
	return kept
}
