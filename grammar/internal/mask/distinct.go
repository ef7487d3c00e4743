package mask

import (
	"bytes"

	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/internal/jsonscan"
	"github.com/callama/callama/grammar/vocab"
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
}

// stepText is the step by one byte, with the scanner's.
func (e *Engine) stepText(c *automaton.Cache, id int32, b byte, s *jsonscan.Scanner) int32 {
	class := e.prog.Class(b)
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

// advanceText returns the configuration after a token, Dead if it is not allowed; then the
// scanner stays where it is.
func (e *Engine) advanceText(sp *space, id, t int32, s *jsonscan.Scanner) int32 {
	c, place := sp.cache, s.Mark()
	next := automaton.Dead
	if e.vocab.IsText(t) {
		ok := false
		if s.SkipsAll(e.vocab.Bytes(t)) {
			next, ok = e.ahead(sp, id, t)
		}
		if !ok {
			next = e.runText(c, id, e.vocab.Bytes(t), s)
		}
		if next != automaton.Dead && !e.viable(c, next, s) {
			next = automaton.Dead
		}
		if next == automaton.Dead {
			s.Restore(place)
		}
	}
	return c.NextToken(id, t, next, e.vocab.IsEOG(t))
}

// trimmedText takes the tokens that earlier values forbid out of a trimmed mask. Where none is
// left the text cannot be completed within the limit, and the whole mask is written.
func (e *Engine) trimmedText(sp *space, id int32, ent *entry, dst vocab.Mask, limit int32, s *jsonscan.Scanner) (fits bool) {
	e.correct(sp, id, ent, dst, s, limit)
	for _, w := range dst {
		if w != 0 {
			return true
		}
	}
	ent.write(dst)
	e.correct(sp, id, ent, dst, s, noLimit)
	return false
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

// viable reports whether the text can be completed: not every value that the one under
// way may still become was written before.
func (e *Engine) viable(c *automaton.Cache, id int32, s *jsonscan.Scanner) bool {
	if c.Free(id) || !s.Seen() {
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
	if len(e.distinct.candidates) == from || c.Free(id) {
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
	if x.c.Free(next) {
		return true
	}
	from := len(d.candidates)
	d.candidates = x.s.CandidatesAfter(d.candidates, d.candidates[candidates:from], place)
	ok := len(d.candidates) == from || x.from(next, from)
	d.candidates = d.candidates[:from]
	return ok
}

// crossings lists the tokens of a vocabulary that may hold a separator and then a value, or
// the beginning of one. There are some dozens.
type crossings struct {
	all []int32 // with more of the value than its first byte
	// commas are those with any comma: where values may run out, a separator alone matters.
	commas []int32
	// quotedAll and quotedCommas are those of them that end a string before the comma.
	quotedAll, quotedCommas []int32
}

func (e *Engine) crossings() *crossings {
	if e.crossing == nil {
		e.crossing = e.vocab.Derived("crossings", maxIslands+1, func() any { return newCrossings(e.vocab) }).(*crossings)
	}
	return e.crossing
}

func newCrossings(v *vocab.Vocab) *crossings {
	x := &crossings{}
	for t := range int32(v.Len()) {
		b := v.Bytes(t)
		last := bytes.LastIndexByte(b, ',')
		if last < 0 || !v.IsText(t) {
			continue
		}
		quoted := bytes.IndexByte(b[:last], '"') >= 0
		x.commas = append(x.commas, t)
		if quoted {
			x.quotedCommas = append(x.quotedCommas, t)
		}
		if !valueFollows(b) {
			continue
		}
		x.all = append(x.all, t)
		if quoted {
			x.quotedAll = append(x.quotedAll, t)
		}
	}
	return x
}

// valueFollows reports whether after some comma of a token a value may follow, of which more
// than the first byte is there, or which may end with it.
func valueFollows(b []byte) bool {
	for i, x := range b {
		if x != ',' {
			continue
		}
		rest := bytes.TrimLeft(b[i+1:], " \n\t\r")
		if len(rest) == 0 {
			continue
		}
		switch y := rest[0]; y {
		case '"', '[', '{':
			if len(rest) > 1 {
				return true
			}
		case 't', 'f', 'n':
			for _, word := range [...]string{"true", "false", "null"} {
				n := min(len(word), len(rest))
				if string(rest[:n]) == word[:n] {
					return true
				}
			}
		default:
			if y == '-' || y >= '0' && y <= '9' {
				return true
			}
		}
	}
	return false
}

// crossingTokens returns the tokens of a configuration's mask that end an item or member and
// hold more of the next than leaves open what it is.
func (e *Engine) crossingTokens(sp *space, id int32, ent *entry, s *jsonscan.Scanner) []int32 {
	if ent.crossed {
		return ent.crossing
	}
	ent.crossed = true
	x := e.crossings()
	list := x.all
	switch {
	case e.prog.Closed() && s.InString():
		list = x.quotedCommas
	case e.prog.Closed():
		list = x.commas
	case s.InString():
		list = x.quotedAll
	}
	place := s.Mark()
	whole := e.set.scratch()
	ent.write(whole)
	for _, t := range list {
		if !whole.Has(t) {
			continue
		}
		if e.crosses(sp.cache, id, e.vocab.Bytes(t), s) {
			ent.crossing = append(ent.crossing, t)
			sp.bytes += 4
		}
		s.Restore(place)
	}
	return ent.crossing
}

// crosses reports whether a token ends an item or member and then a value that must differ,
// or holds the beginning of one from which not all is open.
func (e *Engine) crosses(c *automaton.Cache, id int32, token []byte, s *jsonscan.Scanner) bool {
	crossed := false
	for i, b := range token {
		crossed = crossed || b == ',' && !s.InString()
		s.Step(b, false)
		class := e.prog.Class(b)
		next := c.Next(id, class)
		switch {
		case next == automaton.Dead:
			return false
		case crossed && c.Returned(id, class):
			return true
		}
		id = next
		if i < len(token)-1 || !crossed || !c.InDistinct(id) {
			continue
		}
		begins := b == ',' || b == ' ' || b == '{' || b == '[' || b == '\n' || b == '\t' || b == '\r'
		open := begins && !s.InString() || b == '"' && s.InString()
		return e.prog.Closed() || !open
	}
	return false
}

// correct takes the tokens that earlier values forbid out of the mask m of a configuration,
// of those tokens of ent that leave at most limit bytes.
func (e *Engine) correct(sp *space, id int32, ent *entry, m vocab.Mask, s *jsonscan.Scanner, limit int32) {
	c := sp.cache
	if !c.InDocument(id) || s.Outside() {
		return
	}
	d := &e.distinct
	d.removed = d.removed[:0]
	w := corrector{Engine: e, c: c, s: s, start: id, m: m, limit: limit}
	inDistinct := c.InDistinct(id)
	for _, t := range e.crossingTokens(sp, id, ent, s) {
		if m.Has(t) {
			w.token(t)
		}
	}
	if inDistinct && s.Seen() {
		d.candidates = s.Candidates(d.candidates[:0])
		if len(d.candidates) > 0 {
			w.walk()
		}
		d.candidates = d.candidates[:0]
	}
	for _, t := range d.removed {
		m.Unset(t)
		for _, pair := range e.vocab.Trie().Twins(t) {
			m.Unset(pair[1])
		}
	}
}

// corrector finds the tokens of a mask that earlier values forbid.
type corrector struct {
	*Engine
	c     *automaton.Cache
	s     *jsonscan.Scanner
	start int32
	m     vocab.Mask
	limit int32
}

// remove takes a token out, unless a token terminal takes it as a unit.
func (w *corrector) remove(t int32) {
	if !w.m.Has(t) {
		return
	}
	if w.c.HasTokens(w.start) {
		if next := w.c.NextToken(w.start, t, automaton.Dead, w.vocab.IsEOG(t)); next != automaton.Dead && w.c.Dist(next) <= w.limit {
			return
		}
	}
	w.distinct.removed = append(w.distinct.removed, t)
}

// token looks at one token by itself.
func (w *corrector) token(t int32) {
	place := w.s.Mark()
	id := w.runText(w.c, w.start, w.vocab.Bytes(t), w.s)
	if !w.allowed(id) {
		w.remove(t)
	}
	w.s.Restore(place)
}

// allowed reports whether a token may lead to a configuration.
func (w *corrector) allowed(id int32) bool {
	return id != automaton.Dead && w.c.Dist(id) <= w.limit && w.viable(w.c, id, w.s)
}

// place is where a correction stands in the trie: the configuration of the text, the one
// that the mask was made with, the scanner's place, and the candidates.
type place struct {
	id, base int32
	at       jsonscan.State
	from, to int // candidates
}

// walk looks at the tokens by which a value under way comes to equal an earlier one, or may
// still.
func (w *corrector) walk() {
	root := place{w.start, w.start, w.s.Mark(), 0, len(w.distinct.candidates)}
	trie := w.vocab.Trie()
	var stay jsonscan.Bytes
	w.s.Next(&stay, w.distinct.candidates)
	for b := range 256 {
		if i := trie.Roots[b]; i < trie.Roots[b+1] && stay.Has(byte(b)) {
			w.node(trie.Nodes, int(i), &root)
		}
	}
	w.s.Restore(root.at)
	for _, t := range trie.Long {
		if w.m.Has(t) {
			w.token(t)
		}
	}
}

// node looks at a node below a place, and at those below it that may differ from the mask.
func (w *corrector) node(nodes []vocab.Node, i int, above *place) {
	b := nodes[i].Byte()
	class := w.prog.Class(b)
	here := place{base: w.c.Next(above.base, class)}
	if here.base == automaton.Dead {
		return
	}
	w.s.Restore(above.at)
	here.id = w.stepText(w.c, above.id, b, w.s)
	if here.id == automaton.Dead {
		for _, n := range nodes[i:nodes[i].End()] {
			if t := n.Token(); t >= 0 {
				w.remove(t)
			}
		}
		return
	}
	d := &w.distinct
	here.at, here.from = w.s.Mark(), above.to
	d.candidates = w.s.CandidatesAfter(d.candidates[:above.to], d.candidates[above.from:above.to], &above.at)
	here.to = len(d.candidates)
	if t := nodes[i].Token(); t >= 0 && w.m.Has(t) {
		if w.c.Dist(here.id) > w.limit || !w.viableFrom(w.c, here.id, w.s, here.from) {
			w.remove(t)
		}
		d.candidates = d.candidates[:here.to]
	}
	same := here.id == here.base
	if same && here.from == here.to {
		return
	}
	var stay jsonscan.Bytes
	if same {
		w.s.Next(&stay, d.candidates[here.from:here.to])
	}
	for k := i + 1; k < nodes[i].End(); k = nodes[k].End() {
		if !same || stay.Has(nodes[k].Byte()) {
			w.node(nodes, k, &here)
		}
	}
}
