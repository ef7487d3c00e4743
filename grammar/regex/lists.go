package regex

import "slices"

// lists numbers lists of numbers in the order in which they are first met. The zero value holds none.
// (A map from texts would take a text for each of them.)
type lists struct {
	data  []int32 // one after the other
	ends  []int32 // of each list in data
	slots []int32 // numbers by hash, counted from 1: at least twice as many as lists
}

// makeLists returns lists whose first memory is borrowed.
func makeLists(s *scratch) lists {
	return lists{data: s.list(512), ends: s.list(firstSlots), slots: s.take(2 * firstSlots)}
}

// firstSlots is the first length of slots.
const firstSlots = 64

// at returns a list by its number, until another one is numbered.
func (l *lists) at(n int32) []int32 {
	from := int32(0)
	if n > 0 {
		from = l.ends[n-1]
	}
	return l.data[from:l.ends[n]]
}

// number returns the number of a list, and whether it is new.
func (l *lists) number(list []int32) (n int32, fresh bool) {
	if 2*len(l.ends) >= len(l.slots) {
		l.grow()
	}
	slot := l.find(list)
	if *slot != 0 {
		return *slot - 1, false
	}
	l.data = append(l.data, list...)
	l.ends = append(l.ends, int32(len(l.data)))
	*slot = int32(len(l.ends))
	return *slot - 1, true
}

// find returns the slot of a list, or that where it belongs.
func (l *lists) find(list []int32) *int32 {
	h := uint64(len(list))
	for _, v := range list {
		h = (h ^ uint64(uint32(v))) * 0x9E3779B97F4A7C15
		h ^= h >> 32
	}
	mask := len(l.slots) - 1
	for at := int(h) & mask; ; at = (at + 1) & mask {
		if n := l.slots[at]; n == 0 || slices.Equal(l.at(n-1), list) {
			return &l.slots[at]
		}
	}
}

func (l *lists) grow() {
	l.slots = make([]int32, max(firstSlots, 2*len(l.slots)))
	for n := range l.ends {
		*l.find(l.at(int32(n))) = int32(n) + 1
	}
}

// reset forgets all lists and keeps the memory.
func (l *lists) reset() {
	l.data, l.ends = l.data[:0], l.ends[:0]
	clear(l.slots)
}
