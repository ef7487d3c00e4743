package automaton

// index finds interned things by their hash: open addressing with linear probing. What is
// equal is the caller's to say. A large index is in parts that grow one after the other: a table of megabytes
// that is made at once stops a mask for longer than anything else does, as the collector charges for it. The zero index
// is empty.
type index struct {
	parts [][]slot // one, or indexParts; by the high bits of the hash
	used  []int32  // slots of each
}

type slot struct {
	hash uint32
	id   int32 // number plus one, 0 for an empty slot
}

const (
	// indexMin is the first size of an index, which a small grammar does not outgrow.
	indexMin = 64
	// indexWhole is the size from which an index is in parts.
	indexWhole = 1 << 12
	// indexBits of the hash choose a part.
	indexBits  = 6
	indexParts = 1 << indexBits
)

// part returns the part of a hash.
func (x *index) part(hash uint32) uint32 {
	if len(x.parts) <= 1 {
		return 0
	}
	return hash >> (32 - indexBits)
}

// probe is a place in the search for a hash. The search goes on with next until a slot is empty.
type probe struct {
	slots []slot
	at    uint32
}

// at returns the first place to look into for a hash.
func (x *index) at(hash uint32) probe {
	if len(x.parts) == 0 {
		return probe{slots: noSlots}
	}
	slots := x.parts[x.part(hash)]
	return probe{slots, hash & uint32(len(slots)-1)}
}

// noSlots are those of an empty index. They stay empty.
var noSlots = make([]slot, 1)

func (p probe) slot() slot { return p.slots[p.at] }

func (p probe) next() probe { return probe{p.slots, (p.at + 1) & uint32(len(p.slots)-1)} }

// add files number id under a hash that it is not filed under.
func (x *index) add(hash uint32, id int32) {
	if len(x.parts) == 0 {
		*x = index{parts: [][]slot{make([]slot, indexMin)}, used: make([]int32, 1)}
	}
	if n := x.part(hash); 2*(int(x.used[n])+1) > len(x.parts[n]) {
		x.grow(n)
	}
	n := x.part(hash)
	x.used[n]++
	putSlot(x.parts[n], slot{hash, id + 1})
}

// grow doubles a part, or cuts an index in parts that was whole.
func (x *index) grow(n uint32) {
	old := x.parts[n]
	if len(x.parts) > 1 || len(old) < indexWhole {
		x.parts[n] = make([]slot, 2*len(old))
		for _, s := range old {
			if s.id != 0 {
				putSlot(x.parts[n], s)
			}
		}
		return
	}
	x.parts, x.used = make([][]slot, indexParts), make([]int32, indexParts)
	for n := range x.parts {
		x.parts[n] = make([]slot, 4*indexWhole/indexParts)
	}
	for _, s := range old {
		if s.id != 0 {
			n := x.part(s.hash)
			x.used[n]++
			putSlot(x.parts[n], s)
		}
	}
}

func putSlot(slots []slot, s slot) {
	i := s.hash & uint32(len(slots)-1)
	for slots[i].id != 0 {
		i = (i + 1) & uint32(len(slots)-1)
	}
	slots[i] = s
}

// hasher hashes a few numbers by multiplication (Knuth's constant of the golden ratio).
type hasher uint64

func (h *hasher) add(n int32) {
	x := (uint64(*h) ^ uint64(uint32(n))) * 0x9E3779B97F4A7C15
	*h = hasher(x ^ x>>29)
}

func (h hasher) sum() uint32 { return uint32(h ^ h>>32) }
