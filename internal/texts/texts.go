// Package texts keeps many short texts without a pointer to each: a hundred thousand tokens in a few blocks of
// memory, in which the garbage collector has nothing to look for.
package texts

import (
	"hash/maphash"
	"math"
)

// List holds texts by number, in the order in which they were added. The zero List is empty. It is safe for
// concurrent use once nothing is added any more.
type List struct {
	data []byte
	ends []uint32
}

// MaxBytes bounds the texts of a List together, in bytes: their places are numbers of 32 bits.
const MaxBytes = math.MaxUint32

// Add appends a copy of a text. It reports false, and adds nothing, where all texts together would be longer than
// MaxBytes.
func (l *List) Add(text []byte) bool {
	if len(text) > MaxBytes-len(l.data) {
		return false
	}
	l.data = append(l.data, text...)
	l.ends = append(l.ends, uint32(len(l.data)))
	return true
}

// Len returns the number of texts.
func (l *List) Len() int { return len(l.ends) }

// At returns text i, nil for an empty one. It must not be changed.
func (l *List) At(i int) []byte {
	begin := uint32(0)
	if i > 0 {
		begin = l.ends[i-1]
	}
	end := l.ends[i]
	if begin == end {
		return nil
	}
	return l.data[begin:end:end]
}

// Clip gives back the room for more texts.
func (l *List) Clip() {
	l.data = append(make([]byte, 0, len(l.data)), l.data...)
	l.ends = append(make([]uint32, 0, len(l.ends)), l.ends...)
}

// Index finds texts of a List. It is safe for concurrent use once nothing is put into it any more.
type Index struct {
	list  *List
	slots []int32 // numbers plus one, 0 where there is none, from the place that the text's hash says onwards
	seed  maphash.Seed
}

// NewIndex returns an Index for up to n texts of a list.
func NewIndex(list *List, n int) *Index {
	size := 8
	for size < 2*n {
		size *= 2
	}
	return &Index{list: list, slots: make([]int32, size), seed: maphash.MakeSeed()}
}

// Put files text i. Of equal texts the one that was put last is found.
func (x *Index) Put(i int) {
	text := string(x.list.At(i))
	x.slots[x.slot(text)] = int32(i) + 1
}

// Find returns the number of a text.
func (x *Index) Find(text string) (i int32, ok bool) {
	i = x.slots[x.slot(text)] - 1
	return i, i >= 0
}

// slot returns the place of a text, or the free one where it belongs.
func (x *Index) slot(text string) int {
	mask := len(x.slots) - 1
	at := int(maphash.String(x.seed, text)) & mask
	for x.slots[at] != 0 && string(x.list.At(int(x.slots[at]-1))) != text {
		at = (at + 1) & mask
	}
	return at
}
