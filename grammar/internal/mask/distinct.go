package mask

import (
	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/internal/jsonscan"
)

// Values that must differ from earlier ones: see automaton/distinct.go. What a text has
// written is in its Scanner, not in its Pos, so that masks are shared whatever was written.
// The mask of a configuration is that of a text without earlier values; correct takes
// out the tokens that an earlier value forbids. They are found from two sides: by a walk
// along what completes the earlier values, and by a look at the few tokens of the vocabulary
// that hold whole values.

// NewScanner returns what a new text of the grammar remembers, nil if no values must differ.
func (e *Engine) NewScanner() *jsonscan.Scanner {
	if !e.prog.HasDistinct() {
		return nil
	}
	return jsonscan.New()
}

// distinct is the working memory of corrections.
type distinct struct {
	crossing   *crossings           // of the vocabulary, once needed
	candidates []jsonscan.Candidate // of all depths, one after the other
	removed    []int32
	groups     []*groups // of the places on the way, depth of them in use
	depth      int
}

// stepText is the step by one byte, with the scanner's.
func (e *Engine) stepText(c *automaton.Cache, id int32, b byte, s *jsonscan.Scanner) int32 {
	return Step(c, e.prog.Class(b), id, b, s)
}

// Step is the step by byte b, of the given class, with the scanner's.
func Step(c *automaton.Cache, class uint8, id int32, b byte, s *jsonscan.Scanner) int32 {
	if !c.InDocument(id) {
		if !s.Outside() {
			s.Leave()
		}
		return c.Next(id, class)
	}
	dup, ended := s.Step(b, c.InDistinct(id))
	if dup {
		s.Ended(false)
		return c.NextDup(id, class)
	}
	next := c.Next(id, class)
	if ended {
		s.Ended(c.Returned(id, class))
	}
	return next
}

// runText is run with the scanner's steps.
func (e *Engine) runText(c *automaton.Cache, id int32, b []byte, s *jsonscan.Scanner) int32 {
	for _, x := range b {
		if s.Skips(x) {
			id = c.Next(id, e.prog.Class(x))
		} else {
			id = e.stepText(c, id, x, s)
		}
		if id == automaton.Dead {
			break
		}
	}
	return id
}

// followText returns the configuration after a text token, Dead if it is not allowed; then the
// scanner stays where it is.
func (e *Engine) followText(sp *space, id, t int32, s *jsonscan.Scanner) int32 {
	if !e.vocab.IsText(t) {
		return automaton.Dead
	}
	c := sp.cache
	if s.Idle() || !c.InDocument(id) && s.Outside() {
		if next, ok := e.ahead(sp, id, t); ok {
			return next
		}
	}
	place := s.Mark()
	next := e.runText(c, id, e.vocab.Bytes(t), s)
	if next == automaton.Dead || !e.viable(c, next, s) {
		s.Restore(place)
		return automaton.Dead
	}
	return next
}

// forcedText is Forced where earlier values matter.
func (e *Engine) forcedText(dst []byte, c *automaton.Cache, id int32, limit int, s *jsonscan.Scanner) []byte {
	begin := s.Mark()
	defer s.Restore(begin)
	for range limit {
		if c.Accepting(id) || c.HasTokens(id) {
			break
		}
		b, count, place := byte(0), 0, s.Mark()
		for x := 0; x < 256 && count < 2; x++ {
			if c.Next(id, e.prog.Class(byte(x))) == automaton.Dead {
				continue
			}
			if next := e.stepText(c, id, byte(x), s); next != automaton.Dead && e.viable(c, next, s) {
				b, count = byte(x), count+1
			}
			s.Restore(place)
		}
		if count != 1 {
			break
		}
		dst = append(dst, b)
		id = e.stepText(c, id, b, s)
	}
	return dst
}

// Shortest returns the bytes of a completion that is shortest but for detours around duplicates, of
// at most detour bytes more than the shortest of all. It is not whole if none is found.
func (e *Engine) Shortest(p Pos, s *jsonscan.Scanner, detour int) (text []byte, whole bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sp, id := e.enter(p)
	c := sp.cache
	begin := s.Mark()
	defer s.Restore(begin)
	for limit := int(c.Dist(id)) + detour; c.Dist(id) > 0; {
		if len(text) == limit {
			return nil, false
		}
		b, next := e.nearest(c, id, s)
		if next == automaton.Dead {
			return nil, false
		}
		text = append(text, b)
		id = e.stepText(c, id, b, s)
	}
	return text, true
}

// nearest returns the byte that leads nearest to the end of those that may come next.
func (e *Engine) nearest(c *automaton.Cache, id int32, s *jsonscan.Scanner) (best byte, to int32) {
	place := s.Mark()
	to = automaton.Dead
	for k := range e.prog.Classes() {
		next := c.Next(id, uint8(k))
		if next == automaton.Dead || to != automaton.Dead && c.Dist(next) >= c.Dist(to) {
			continue
		}
		lo, hi := e.prog.ClassRange(uint8(k))
		for b := int(lo); b <= int(hi); b++ {
			next := e.stepText(c, id, byte(b), s)
			ok := next != automaton.Dead && e.viable(c, next, s)
			s.Restore(place)
			if ok && (to == automaton.Dead || c.Dist(next) < c.Dist(to)) {
				best, to = byte(b), next
				break
			}
		}
	}
	return best, to
}

// viable reports whether the text can be completed: not every value that the one under
// way may still become was written before.
func (e *Engine) viable(c *automaton.Cache, id int32, s *jsonscan.Scanner) bool {
	if !s.Seen() || c.Free(id) || c.Endless(id) {
		return true
	}
	from := len(e.distinct.candidates)
	e.distinct.candidates = s.Candidates(e.distinct.candidates)
	ok := e.viableFrom(c, id, s, from)
	e.distinct.candidates = e.distinct.candidates[:from]
	return ok
}

// viableFrom is viable where the candidates are those from an index on.
func (e *Engine) viableFrom(c *automaton.Cache, id int32, s *jsonscan.Scanner, from int) bool {
	if len(e.distinct.candidates) == from || c.Free(id) || c.Endless(id) {
		return true
	}
	x := search{e: e, c: c, s: s, left: maxSearch + searchEach*(len(e.distinct.candidates)-from)}
	x.first = x.left
	place := s.Mark()
	ok := x.from(id, from)
	s.Restore(place)
	return ok
}

// maxSearch bounds the places that a search looks at, with searchEach more for each candidate.
// Mostly the first byte leads away from
// all earlier values. Only where texts of one value are many (1, 1.0, 1.00) and no other is left
// might a search not end; then it says that there is a way.
const (
	maxSearch  = 1 << 13
	searchEach = 64
	// quickSearch is how many places are looked at before those seen are noted.
	quickSearch = 8
)

// search looks for a completion of the values under way that none of the earlier ones
// equals.
type search struct {
	e     *Engine
	c     *automaton.Cache
	s     *jsonscan.Scanner
	left  int                      // places that may still be looked at
	first int                      // left at the beginning
	known map[searchPlace]struct{} // places without a way, or that are being looked at
}

type searchPlace struct {
	config int32
	text   uint64
}

// from searches from a configuration; its candidates are those from an index on.
func (x *search) from(id int32, candidates int) bool {
	if x.left--; x.left < 0 {
		return true
	}
	if x.first-x.left > quickSearch {
		at := searchPlace{id, x.s.Hash()}
		if _, ok := x.known[at]; ok {
			return false
		}
		if x.known == nil {
			x.known = map[searchPlace]struct{}{}
		}
		x.known[at] = struct{}{}
	}
	d := &x.e.distinct
	var stay jsonscan.Bytes
	x.s.Next(&stay, d.candidates[candidates:])
	if x.away(id, &stay) {
		return true
	}
	place := x.s.Mark()
	for b := range 256 {
		if stay.Has(byte(b)) && x.by(id, byte(b), candidates, &place) {
			return true
		}
	}
	return false
}

// likely are bytes that mostly lead away from earlier values where any does.
const likely = "e0x\"1,]}"

// away reports whether a byte outside of stay may come next: one that leads away from all
// candidates.
func (x *search) away(id int32, stay *jsonscan.Bytes) bool {
	for i := range len(likely) {
		if b := likely[i]; !stay.Has(b) && x.c.Next(id, x.e.prog.Class(b)) != automaton.Dead {
			return true
		}
	}
	for k := range x.e.prog.Classes() {
		if x.c.Next(id, uint8(k)) == automaton.Dead {
			continue
		}
		lo, hi := x.e.prog.ClassRange(uint8(k))
		for b := int(lo); b <= int(hi); b++ {
			if !stay.Has(byte(b)) {
				return true
			}
		}
	}
	return false
}

// by searches on after one byte.
func (x *search) by(id int32, b byte, candidates int, place *jsonscan.State) bool {
	if x.c.Next(id, x.e.prog.Class(b)) == automaton.Dead {
		return false
	}
	d := &x.e.distinct
	x.s.Restore(*place)
	next := x.e.stepText(x.c, id, b, x.s)
	if next == automaton.Dead {
		return false
	}
	if x.c.Free(next) || x.c.Endless(next) {
		return true
	}
	from := len(d.candidates)
	d.candidates = x.s.CandidatesAfter(d.candidates, d.candidates[candidates:from], place)
	ok := len(d.candidates) == from || x.from(next, from)
	d.candidates = d.candidates[:from]
	return ok
}
