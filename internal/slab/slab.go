// Package slab gives out memory that is used again (Slab), and holds lists that grow without being copied (List) and many
// short ones without a pointer to each (Lists). What one job makes only to work with, some megabytes for a large
// document, is cheaper to clear than to be given back: what was just used is in the processor's caches, and the collector
// has nothing to look for in it.
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

// Append appends a value to a list. Where the list has no room, what is returned is the Slab's.
func (s *Slab[T]) Append(list []T, v T) []T {
	n := len(list)
	if n < cap(list) {
		return append(list, v)
	}
	room := n + 1
	if n >= longList {
		room += n / 2
	}
	out := s.Take(room)[:n+1]
	copy(out, list)
	out[n] = v
	return out
}

// longList is the length from which a list that Append copies gets room for more: most shorter ones get no longer.
const longList = 8

// Reset clears what was given out, which must not be used any more.
func (s *Slab[T]) Reset() { s.Return(Mark{}) }

// Trim gives up memory beyond a number of values, after a Reset, and reports whether there was any.
func (s *Slab[T]) Trim(values int) bool {
	s.room = 0
	for i, c := range s.chunks {
		if s.room+len(c) > values {
			clear(s.chunks[i:])
			s.chunks = s.chunks[:i]
			return true
		}
		s.room += len(c)
	}
	return false
}

// Mark is how much of a Slab is given out.
type Mark struct{ at, used int32 }

// Mark returns how much is given out, for Return.
func (s *Slab[T]) Mark() Mark { return Mark{int32(s.at), int32(s.used)} }

// Return clears what was given out since a mark, which must not be used any more.
func (s *Slab[T]) Return(m Mark) {
	from := int(m.used)
	for i := int(m.at); i <= s.at && i < len(s.chunks); i++ {
		c := s.chunks[i]
		if i == s.at {
			c = c[:s.used]
		}
		clear(c[from:])
		from = 0
	}
	s.at, s.used = int(m.at), int(m.used)
}
