package schema

import "sync"

// arena holds what a Compiler makes to work with and nothing of the grammar. A large schema takes
// some megabytes of it, which are cheaper to clear and use again than to be given back: what was
// just used is in the processor's caches, and the collector has nothing to look for in it.
type arena struct {
	conjuncts  slab[conjunct]
	goals      slab[goal]
	locations  slab[location]
	partitions slab[partition]
	objects    slab[objectShape]
	shapes     slab[shape]
	members    slab[memberShape]
	classes    slab[classShape]
	properties slab[property]
	terms      slab[term]
	lists      slab[[]term]
}

// arenas are those not in use. The collector frees what is not used between two of its cycles.
var arenas = sync.Pool{New: func() any { return new(arena) }}

// release empties the arena for another Compiler. Nothing that it gave out may be in use.
func (a *arena) release() {
	a.conjuncts.reset()
	a.goals.reset()
	a.locations.reset()
	a.partitions.reset()
	a.objects.reset()
	a.shapes.reset()
	a.members.reset()
	a.classes.reset()
	a.properties.reset()
	a.terms.reset()
	a.lists.reset()
	arenas.Put(a)
}

// slab gives out zero values of a type, and slices of them.
type slab[T any] struct {
	chunks [][]T
	at     int // the chunk that is given out of
	used   int // values of it
	room   int // values of all chunks
}

const (
	firstChunk = 16 // values of a chunk: each is twice as long as the last
	lastChunk  = 512
	// maxSlab bounds the values of a slab: some 6 MB for all slabs. What goes beyond is left to the
	// collector, which can take it back before the Compiler is done: negations make alternatives
	// by the ten thousand, most of which are dropped at once.
	maxSlab = 4096
)

// take returns n values in a slice that cannot grow in place.
func (s *slab[T]) take(n int) []T {
	for s.at < len(s.chunks) && s.used+n > len(s.chunks[s.at]) {
		s.at, s.used = s.at+1, 0
	}
	if s.at == len(s.chunks) {
		size := firstChunk
		if s.at > 0 {
			size = min(2*len(s.chunks[s.at-1]), lastChunk)
		}
		if size = max(size, n); s.room+size > maxSlab {
			return make([]T, n)
		}
		s.room += size
		s.chunks = append(s.chunks, make([]T, size))
	}
	from := s.used
	s.used += n
	return s.chunks[s.at][from:s.used:s.used]
}

func (s *slab[T]) one() *T { return &s.take(1)[0] }

// reset clears what was given out.
func (s *slab[T]) reset() {
	for i, c := range s.chunks {
		if i < s.at {
			clear(c)
		} else if i == s.at {
			clear(c[:s.used])
		}
	}
	s.at, s.used = 0, 0
}
