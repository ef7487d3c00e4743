package slab

// Lists holds many short lists of one type in blocks, and tells where each is in eight bytes: a slice takes three times as
// much, and the collector looks into whatever holds one. Blocks stay where they are. The zero Lists is empty. It is
// not safe for concurrent use.
type Lists[T any] struct {
	blocks [][]T
	used   int // elements of the last block
	n      int // elements of all lists
}

// Span tells where a list is: where it begins, and where it would end if a block had no end. The zero Span is
// that of an empty list.
type Span struct{ from, to int32 }

// Len returns the number of elements.
func (s Span) Len() int { return int(s.to - s.from) }

// Empty reports whether there are none.
func (s Span) Empty() bool { return s.from == s.to }

// Blocks of Lists begin small, for small grammars, and double. A longer list gets a block of its own.
const (
	firstLists = 32 // elements
	listsBits  = 10
	lastLists  = 1 << listsBits // elements
)

// Len returns the number of elements of all lists.
func (l *Lists[T]) Len() int { return l.n }

// Take returns a new list of n zero values, n at least 1, and where it is.
func (l *Lists[T]) Take(n int) (Span, []T) {
	last := len(l.blocks) - 1
	if last < 0 || l.used+n > len(l.blocks[last]) {
		last++
		l.blocks, l.used = append(l.blocks, make([]T, max(min(firstLists<<min(last, listsBits), lastLists), n))), 0
	}
	from := int32(last<<listsBits + l.used)
	list := l.blocks[last][l.used : l.used+n : l.used+n]
	l.used, l.n = l.used+n, l.n+n
	return Span{from, from + int32(n)}, list
}

// Put keeps a copy of a list.
func (l *Lists[T]) Put(list ...T) Span {
	if len(list) == 0 {
		return Span{}
	}
	s, kept := l.Take(len(list))
	copy(kept, list)
	return s
}

// At returns a list, which stays where it is and must not be appended to.
func (l *Lists[T]) At(s Span) []T {
	if s.from == s.to {
		return nil
	}
	from := s.from & (lastLists - 1)
	return l.blocks[uint32(s.from)>>listsBits][from : from+s.to-s.from]
}
