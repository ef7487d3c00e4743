package automaton

import (
	"slices"

	"github.com/callama/callama/grammar/gbnf"
)

// membersOf translates all but the expressions.
func membersOf(e *gbnf.Members) members {
	const most = int(farthest)
	m := members{ordered: e.Ordered, min: int32(min(e.Min, most)), max: int32(min(e.Max, most)),
		items: make([]member, len(e.Items))}
	for i := range e.Items {
		m.items[i] = member{required: e.Items[i].Required, repeat: e.Items[i].Repeat}
		if e.Items[i].Required {
			m.required++
		}
	}
	return m
}

// first returns the least bytes of the list with a member at least.
func (m *members) first() int32 {
	fresh := func(int) bool { return false }
	sum, k := m.need(0, fresh, fresh)
	if k > 0 {
		return plus(sum, times(k-1, m.sepDist))
	}
	least := infinite
	for i := range m.items {
		least = min(least, m.items[i].dist)
	}
	return least
}

// need returns the least bytes of the members that must still be written when count were,
// and their number, without separators: the required ones, and the cheapest others up to
// the minimum. gone says which items can no longer come, seen which have.
// It is infinite where the bounds cannot be met.
func (m *members) need(count int32, gone, seen func(i int) bool) (sum, k int32) {
	if m.required == 0 && count >= m.min && (m.max == 0 || count <= m.max) {
		return 0, 0
	}
	again := infinite // the cheapest item that may repeat
	for i := range m.items {
		it := &m.items[i]
		if it.required && !seen(i) {
			sum = plus(sum, it.dist)
			k++
		} else if !it.repeat || gone(i) {
			continue
		}
		if it.repeat {
			again = min(again, it.dist)
		}
	}
	if m.max > 0 && count+k > m.max {
		return infinite, k
	}
	if count+k >= m.min {
		return sum, k
	}
	var others []int32
	for i := range m.items {
		if it := &m.items[i]; !it.repeat && !it.required && !gone(i) {
			others = append(others, it.dist)
		}
	}
	slices.Sort(others)
	for count+k < m.min {
		d := again
		if len(others) > 0 && others[0] <= again {
			d, others = others[0], others[1:]
		}
		if d >= infinite {
			return infinite, k
		}
		if d == again { // all the rest
			rest := m.min - count - k
			return plus(sum, times(rest, d)), k + rest
		}
		sum = plus(sum, d)
		k++
	}
	return sum, k
}

// memberSet tells which items of a Members node were seen: a bit set behind a header with
// the number of members (as far as it is bounded) and of the last item plus one.
type memberSet []uint64

func (s memberSet) has(i int) bool { return 1+i/64 < len(s) && s[1+i/64]&(1<<(i%64)) != 0 }

func (s memberSet) count() int32 { return int32(uint32(s[0])) }

func (s memberSet) last() int { return int(s[0] >> 32) }

// plain reports whether aux is the number of the last item plus one and nothing else need
// be known. Otherwise aux numbers a memberSet.
func (m *members) plain() bool { return m.ordered && m.min == 0 && m.max == 0 }

// memberSeen reports whether item i is among the members seen, or was passed by.
func (c *Cache) memberSeen(m *members, aux int32, i int) bool {
	switch {
	case m.plain():
		return i < int(aux)
	case m.ordered:
		return i < c.memberSet(aux).last()
	}
	return c.memberSet(aux).has(i)
}

// memberGone reports whether item i can no longer come.
func (c *Cache) memberGone(m *members, aux int32, i int) bool {
	if !m.ordered {
		return c.memberSet(aux).has(i) && !m.items[i].repeat
	}
	last := int(aux)
	if !m.plain() {
		last = c.memberSet(aux).last()
	}
	return i < last && !(i == last-1 && m.items[i].repeat)
}

func (c *Cache) memberCount(m *members, aux int32) int32 {
	if m.plain() {
		return 0
	}
	return c.memberSet(aux).count()
}

// stillNeeded is members.need after the members in aux.
func (c *Cache) stillNeeded(m *members, aux int32) (sum, k int32) {
	return m.need(c.memberCount(m, aux), func(i int) bool { return c.memberGone(m, aux, i) },
		func(i int) bool { return c.memberSeen(m, aux, i) })
}

// candidate reports whether item i may come next such that the rest can be completed.
func (c *Cache) candidate(m *members, aux int32, i int) bool {
	it := &m.items[i]
	if it.dist >= infinite || c.memberGone(m, aux, i) {
		return false
	}
	if m.ordered {
		for k := range i {
			if m.items[k].required && !c.memberSeen(m, aux, k) {
				return false
			}
		}
	}
	if m.max > 0 && c.memberCount(m, aux) >= m.max {
		return false
	}
	switch {
	case m.min == 0 && m.max == 0:
		return true
	case m.ordered: // what is passed by may be missed later
		sum, _ := c.stillNeeded(m, c.with(m, aux, i))
		return sum < infinite
	case m.max == 0 || m.required == 0:
		return true
	}
	count := c.memberCount(m, aux) + 1
	for k := range m.items {
		if m.items[k].required && k != i && !c.memberSeen(m, aux, k) {
			count++
		}
	}
	return count <= m.max
}

// complete reports whether the list may end.
func (c *Cache) complete(m *members, aux int32) bool {
	_, k := c.stillNeeded(m, aux)
	return k == 0
}

// with returns aux after item i. Optional items that may repeat leave no trace in an
// unordered list but their number, if that matters.
func (c *Cache) with(m *members, aux int32, i int) int32 {
	if m.plain() {
		return int32(i) + 1
	}
	s := append(c.step.members[:0], c.memberSet(aux)...)
	if m.ordered {
		s[0] = uint64(uint32(s[0])) | uint64(i+1)<<32
	} else {
		for len(s) < 1+(len(m.items)+63)/64 {
			s = append(s, 0)
		}
		if it := &m.items[i]; !it.repeat || it.required {
			s[1+i/64] |= 1 << (i % 64)
		}
	}
	if m.min > 0 || m.max > 0 {
		if n := s.count() + 1; n <= max(m.min, m.max) {
			s[0] = s[0]&^0xffffffff | uint64(n)
		}
	}
	c.step.members = s
	return c.memberSetID(s)
}

// memberSet returns the set that aux numbers.
func (c *Cache) memberSet(aux int32) memberSet { return c.words.At(*c.seen.At(aux)) }

// memberSetID interns a copy of a set.
func (c *Cache) memberSetID(s memberSet) int32 {
	h := hasher(0)
	for _, w := range s {
		h.add(int32(w))
		h.add(int32(w >> 32))
	}
	for find := c.seenIndex.at(h.sum()); ; find = find.next() {
		x := find.slot()
		if x.id == 0 {
			break
		}
		if x.hash == h.sum() && slices.Equal(c.memberSet(x.id-1), s) {
			return x.id - 1
		}
	}
	id := c.seen.Add(c.words.Put(s...))
	c.seenIndex.add(h.sum(), id)
	c.bytes += memberSetBytes + 8*len(s)
	return id
}
