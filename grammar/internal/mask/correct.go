package mask

import (
	"bytes"
	"slices"

	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/internal/jsonscan"
	"github.com/callama/callama/grammar/vocab"
)

// crossings lists the tokens of a vocabulary that may hold a separator and then a value, or
// the beginning of one. There are some dozens.
type crossings struct {
	all []int32 // with more of the value than its first byte
	// commas are those with any comma: where values may run out, a separator alone matters.
	commas []int32
	// once are those of commas before which a whole value may stand, twice those of all before and
	// after which one may.
	once, twice []int32
	// quotedAll and quotedCommas are those of them that end a string before the comma.
	quotedAll, quotedCommas []int32
	// blanks are the tokens that begin with white space and go on with a value.
	blanks []int32
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
		if rest := bytes.TrimLeft(b, blanks); v.IsText(t) && len(rest) < len(b) && len(rest) > 0 && bytes.IndexByte(valueBegins, rest[0]) >= 0 {
			x.blanks = append(x.blanks, t)
		}
		last := bytes.LastIndexByte(b, ',')
		if last < 0 || !v.IsText(t) {
			continue
		}
		quoted := bytes.IndexByte(b[:last], '"') >= 0
		x.commas = append(x.commas, t)
		if holdsValue(b[:last]) {
			x.once = append(x.once, t)
		}
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
		for i, y := range b {
			if y == ',' && holdsValue(b[:i]) && holdsValue(b[i+1:]) {
				x.twice = append(x.twice, t)
				break
			}
		}
	}
	return x
}

// holdsValue reports whether a whole JSON value may stand in a text.
func holdsValue(b []byte) bool {
	if bytes.Count(b, []byte(`"`)) > 1 || bytes.ContainsAny(b, "0123456789]}") {
		return true
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if bytes.Contains(b, []byte(word)) {
			return true
		}
	}
	return false
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

// crossingTokens returns the tokens of m that end an item or member and hold more of the next
// than leaves open what it is. whole tells that m is the configuration's mask.
func (e *Engine) crossingTokens(sp *space, id int32, ent *entry, m vocab.Mask, whole bool, s *jsonscan.Scanner) []int32 {
	x := e.crossings()
	list := x.all
	switch {
	case !s.Seen() && !s.Pending() && !sp.cache.InDistinct(id): // only what a token holds itself
		if e.prog.Closed() {
			return x.once
		}
		return x.twice
	case ent.crossed:
		return ent.crossing
	case e.prog.Closed() && s.InString():
		list = x.quotedCommas
	case e.prog.Closed():
		list = x.commas
	case s.InString():
		list = x.quotedAll
	}
	place := s.Mark()
	found := e.crossed[:0]
	for _, t := range list {
		if m.Has(t) {
			if e.crosses(sp.cache, id, e.vocab.Bytes(t), s) {
				found = append(found, t)
			}
			s.Restore(place)
		}
	}
	e.crossed = found
	if whole {
		ent.crossed, ent.crossing = true, slices.Clone(found)
		sp.bytes += 4 * len(found)
	}
	return found
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
		if i < len(token)-1 || !crossed || !c.InDistinct(id) && !e.blankLeadsIn(c, id) {
			continue
		}
		begins := b == ',' || b == ' ' || b == '{' || b == '[' || b == '\n' || b == '\t' || b == '\r'
		open := begins && !s.InString() || b == '"' && s.InString()
		return e.prog.Closed() || !open
	}
	return false
}

// correct takes the tokens that earlier values forbid out of m: the mask of a configuration, or
// those of its tokens that leave at most limit bytes. It reports whether any is left.
func (e *Engine) correct(sp *space, id int32, ent *entry, m vocab.Mask, s *jsonscan.Scanner, limit int32) bool {
	c := sp.cache
	if !c.InDocument(id) || s.Outside() {
		return true
	}
	d := &e.distinct
	d.removed = d.removed[:0]
	w := corrector{Engine: e, c: c, s: s, start: id, m: m, limit: limit}
	for _, t := range e.crossingTokens(sp, id, ent, m, limit == noLimit, s) {
		if m.Has(t) {
			w.token(t)
		}
	}
	if s.Seen() && !c.InDistinct(id) && e.blankLeadsIn(c, id) {
		for _, t := range e.crossings().blanks {
			if m.Has(t) {
				w.token(t)
			}
		}
	}
	if s.Seen() && c.InDistinct(id) {
		d.candidates = s.Candidates(d.candidates[:0])
		if len(d.candidates) > 0 {
			w.walk()
		}
		d.candidates = d.candidates[:0]
	}
	if len(d.removed) == 0 {
		return true
	}
	for _, t := range d.removed {
		m.Unset(t)
		for _, pair := range e.vocab.Trie().Twins(t) {
			m.Unset(pair[1])
		}
	}
	for _, x := range m {
		if x != 0 {
			return true
		}
	}
	return false
}

// blankLeadsIn reports whether a blank, which must come next, leads to where a value begins that
// must differ.
func (e *Engine) blankLeadsIn(c *automaton.Cache, id int32) bool {
	for _, b := range blanks {
		if next := c.Next(id, e.prog.Class(byte(b))); next != automaton.Dead && c.InDistinct(next) {
			return true
		}
	}
	return false
}

// blanks are the white space of JSON.
const blanks = " \n\t\r"

// valueBegins are the bytes that begin a JSON value.
var valueBegins = []byte(`"{[tfn-0123456789`)

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
	v := w.visit(&root)
	for i := 1; i < len(trie.Nodes); i = trie.Nodes[i].End() {
		w.child(trie.Nodes, i, &root, &v)
	}
	w.leave(&v)
	w.s.Restore(root.at)
	for _, t := range trie.Long {
		if w.m.Has(t) {
			w.token(t)
		}
	}
}

// node looks at a node below a place, and at those below it that may differ from the mask.
// Where it is known which candidates remain there, they are those from from to to.
func (w *corrector) node(nodes []vocab.Node, i int, above *place, from, to int) {
	b := nodes[i].Byte()
	here := place{base: w.c.Next(above.base, w.prog.Class(b)), from: from, to: to}
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
	begin := len(d.candidates)
	here.at = w.s.Mark()
	if from == to {
		here.from = begin
		d.candidates = w.s.CandidatesAfter(d.candidates, d.candidates[above.from:above.to], &above.at)
		here.to = len(d.candidates)
	}
	if t := nodes[i].Token(); t >= 0 && w.m.Has(t) && !w.leaves(&here) {
		w.remove(t)
	}
	if here.id != here.base || here.from < here.to {
		v := w.visit(&here)
		for k := i + 1; k < nodes[i].End(); k = nodes[k].End() {
			w.child(nodes, k, &here, &v)
		}
		w.leave(&v)
	}
	d.candidates = d.candidates[:begin]
}

// leaves reports whether a token may end at a place.
func (w *corrector) leaves(here *place) bool {
	if w.c.Dist(here.id) > w.limit {
		return false
	}
	if here.from == here.to || w.c.Free(here.id) || w.c.Endless(here.id) {
		return true
	}
	d := &w.distinct
	from := len(d.candidates)
	d.candidates = append(d.candidates, d.candidates[here.from:here.to]...)
	ok := w.viableFrom(w.c, here.id, w.s, from)
	d.candidates = d.candidates[:from]
	return ok
}

// visit is a visit of the children of a place: which of them matter.
type visit struct {
	all    bool           // all, as the configurations differ already
	stay   jsonscan.Bytes // those by which candidates remain
	groups *groups        // the same, where candidates are many
}

func (w *corrector) visit(here *place) (v visit) {
	d := &w.distinct
	if v.all = here.id != here.base; v.all {
		return v
	}
	w.s.Restore(here.at)
	if v.groups = w.group(here); v.groups == nil {
		w.s.Next(&v.stay, d.candidates[here.from:here.to])
	}
	return v
}

// leave ends a visit.
func (w *corrector) leave(v *visit) {
	if v.groups != nil {
		w.distinct.depth--
	}
}

// child looks at a child of a place if it matters.
func (w *corrector) child(nodes []vocab.Node, i int, here *place, v *visit) {
	b := nodes[i].Byte()
	switch {
	case v.all, v.groups == nil && v.stay.Has(b), v.groups != nil && isMark(b):
		w.node(nodes, i, here, 0, 0)
	case v.groups != nil && v.groups.size[b] > 0:
		w.node(nodes, i, here, int(v.groups.end[b]-v.groups.size[b]), int(v.groups.end[b]))
	}
}

// groups are candidates by the byte with which they go on.
type groups struct{ size, end [256]int32 }

// isMark reports whether a byte within a string or number is more than one of its characters.
func isMark(b byte) bool {
	switch b {
	case '"', '\\', '.', 'e', 'E', '-', '+', ',', ']', '}', ' ', '\n', '\t', '\r':
		return true
	}
	return false
}

// fewCandidates are not worth grouping.
const fewCandidates = 16

// group appends the candidates of a place in groups by the byte with which they go on, so
// that each child need look at its own only. It returns nil where they go on otherwise than
// by the characters of one scalar.
func (w *corrector) group(here *place) *groups {
	d := &w.distinct
	if here.to-here.from <= fewCandidates {
		return nil
	}
	if d.depth == len(d.groups) {
		d.groups = append(d.groups, &groups{})
	}
	g := d.groups[d.depth]
	clear(g.size[:])
	for _, c := range d.candidates[here.from:here.to] {
		b, ok := w.s.NextByte(c)
		if !ok {
			return nil
		}
		g.size[b]++
	}
	d.depth++
	at := int32(len(d.candidates))
	for b, n := range g.size {
		g.end[b] = at
		at += n
	}
	d.candidates = append(d.candidates, d.candidates[here.from:here.to]...)
	for _, c := range d.candidates[here.from:here.to] {
		b, _ := w.s.NextByte(c)
		d.candidates[g.end[b]] = c
		g.end[b]++
	}
	return g
}
