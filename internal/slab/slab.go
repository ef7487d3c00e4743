// Package slab gives out memory that is used again, and holds lists that grow without being copied. What one job makes
// only to work with, some megabytes for a large document, is cheaper to clear than to be given back: what was just used is in
// the processor's caches, and the collector has nothing to look for in it.
package slab

// Max bounds the values that a Slab keeps. What goes beyond is left to the collector, which can take
// it back before the job is done.
const Max = 4096

// Values of a chunk: each is twice as long as the last, up to a bound.
const (
	firstChunk = 16
	lastChunk  = 512
)

// Slab gives out zero values of a type, and slices of them. The zero Slab is ready to use. It is not
// safe for concurrent use.
type Slab[T any] struct {
	chunks [][]T
	at     int // the chunk that is given out of
	used   int // values of it
	room   int // values of all chunks
}

// Take returns n values in a slice that cannot grow in place.
func (s *Slab[T]) Take(n int) []T {
	for s.at < len(s.chunks) && s.used+n > len(s.chunks[s.at]) {
		s.at, s.used = s.at+1, 0
	}
	if s.at == len(s.chunks) {
		size := firstChunk
		if s.at > 0 {
			size = min(2*len(s.chunks[s.at-1]), lastChunk)
		}
		if size = max(size, n); s.room+size > Max {
			return make([]T, n)
		}
		s.room += size
		s.chunks = append(s.chunks, make([]T, size))
	}
	from := s.used
	s.used += n
	return s.chunks[s.at][from:s.used:s.used]
}

// One returns one value.
func (s *Slab[T]) One() *T { return &s.Take(1)[0] }

// Copy returns a copy of a list, nil for an empty one.
func (s *Slab[T]) Copy(list []T) []T {
	if len(list) == 0 {
		return nil
	}
	out := s.Take(len(list))
	copy(out, list)
	return out
}

// Reset clears what was given out, which must not be used any more.
func (s *Slab[T]) Reset() {
	for i, c := range s.chunks {
		if i < s.at {
			clear(c)
		} else if i == s.at {
			clear(c[:s.used])
		}
	}
	s.at, s.used = 0, 0
}
