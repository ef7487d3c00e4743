package slab

// listBlock is the number of elements in a block of a List.
const listBlock = 64

// List is a list of which the elements stay where they are, and which grows without being copied. A list of megabytes
// that append copies stops its user for longer than anything else: pages are faulted in, and the collector charges for
// what is asked for while it marks. The zero List is empty. It is not safe for concurrent use.
type List[T any] struct {
	blocks []*[listBlock]T
	n      int32
}

// Len returns the number of elements.
func (l *List[T]) Len() int32 { return l.n }

// At returns element i, which must be below Len; the pointer stays valid.
func (l *List[T]) At(i int32) *T { return &l.blocks[uint32(i)/listBlock][uint32(i)%listBlock] }

// Add appends an element and returns its number.
func (l *List[T]) Add(v T) int32 {
	i := l.n
	if i%listBlock == 0 {
		l.blocks = append(l.blocks, new([listBlock]T))
	}
	l.n++
	*l.At(i) = v
	return i
}

// Extend appends zero values until the list has more than i elements, and returns element i.
func (l *List[T]) Extend(i int32) *T {
	var zero T
	for l.n <= i {
		l.Add(zero)
	}
	return l.At(i)
}

// Clear makes all elements zero values.
func (l *List[T]) Clear() {
	for _, block := range l.blocks {
		clear(block[:])
	}
}
