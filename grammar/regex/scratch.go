package regex

import "sync"

// scratch gives out numbers to work with, for as long as one automaton is made. Most of what that
// takes is thrown away at its end, and memory that was just used costs the least.
type scratch struct {
	numbers []int32
	used    int
	draft   DFA           // see scratch.automaton
	edges   []machineEdge // of machine.group
	hashes  []uint64      // of DFA.hashes
}

const (
	minScratch = 1 << 12 // numbers: 16 kB
	// maxScratch bounds what is kept for the next automaton: 4 MB.
	maxScratch = 1 << 20
)

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func newScratch() *scratch { return scratches.Get().(*scratch) }

// release takes back everything that was given out.
func (s *scratch) release() {
	if s.used = 0; len(s.numbers) <= maxScratch && cap(s.draft.next) <= maxScratch && cap(s.edges) <= maxScratch/2 && cap(s.hashes) <= maxScratch/2 {
		scratches.Put(s)
	}
}

// take returns n zeros, in a slice that cannot grow in place.
func (s *scratch) take(n int) []int32 {
	out := s.room(n)
	clear(out)
	return out
}

// room is take for what is written before it is read: its numbers may be any.
func (s *scratch) room(n int) []int32 {
	if s.used+n > len(s.numbers) { // what was given out before stays where it is
		s.numbers, s.used = make([]int32, max(n, min(2*len(s.numbers), maxScratch), minScratch)), 0
	}
	out := s.numbers[s.used : s.used+n : s.used+n]
	s.used += n
	return out
}

// list returns an empty slice with room for n.
func (s *scratch) list(n int) []int32 { return s.room(n)[:0] }

// automaton returns one without states, to which some are added before it is minimised.
func (s *scratch) automaton(a alphabet) *DFA {
	s.draft = DFA{alphabet: a, next: s.draft.next[:0], accept: s.draft.accept[:0]}
	return &s.draft
}
