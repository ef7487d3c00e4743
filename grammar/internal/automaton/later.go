package automaton

import (
	"encoding/binary"
	"slices"

	"github.com/callama/callama/grammar/gbnf"
)

// Where an object may have hundreds of members, all their names are entered at its start, and a text goes
// on with one. In any spelling a letter is some ten states, a name some hundred: so of a long sequence the
// beginning is built, and the rest when a text gets there.

// laterParts is the number of parts up to which a rest is built at once: a name of letters that are spelled in
// one way, a colon and a call.
const laterParts = 48

// laterShare is the share of a rest that is built next: to look through what is left each time costs as much as
// sixteen looks at the whole, however long it is.
const laterShare = 16

// Of many words in a list only the first bytes are built; a later costs as much as some eight bytes.
const (
	manyWords = 16
	longWord  = 12 // bytes
	wordStart = 3
)

// later is the rest of a sequence that is not built yet: its state has no moves.
type later struct {
	rest []gbnf.Expr // nil once it is built
	to   int32
}

// isLater tells a state of a later from others, by state.callee.
func isLater(callee int32) bool { return callee <= -2 }

// begin is build for what is entered now: where e is long, it builds its beginning.
func (b *builder) begin(e gbnf.Expr, to int32) int32 {
	if b.inspect != nil { // which notes the rule that it builds
		return b.build(e, to)
	}
	switch e := e.(type) {
	case *gbnf.Seq:
		if len(e.Items) > 0 {
			return b.sequence(e.Items, 1, to)
		}
	case *gbnf.Alt:
		from := make([]int32, len(e.Items))
		for i, it := range e.Items {
			if text, ok := it.(*gbnf.Literal); ok && len(text.Text) > longWord && len(e.Items) >= manyWords {
				from[i] = b.build(&gbnf.Literal{Text: text.Text[:wordStart]}, b.rest([]gbnf.Expr{&gbnf.Literal{Text: text.Text[wordStart:]}}, to))
				continue
			}
			from[i] = b.begin(it, to)
		}
		return b.add(state{eps: b.lists.Put(from...)})
	}
	return b.build(e, to)
}

// sequence builds the first n of some items, and the others if they are few.
func (b *builder) sequence(items []gbnf.Expr, n int, to int32) int32 {
	for inner := inSequence(items[0]); len(inner) > 0; inner = inSequence(items[0]) {
		items = slices.Concat(inner, items[1:])
	}
	if n < len(items) {
		parts := laterParts
		for _, it := range items[n:] {
			parts = b.spend(it, parts)
		}
		if parts < 0 {
			to = b.rest(items[n:], to)
			items = items[:n]
		}
	}
	for i := len(items) - 1; i > 0; i-- {
		to = b.build(items[i], to)
	}
	return b.begin(items[0], to)
}

// inSequence returns the items of a sequence that is written where it stands; nil for other expressions.
func inSequence(e gbnf.Expr) []gbnf.Expr {
	if s, ok := e.(*gbnf.State); ok {
		e = s.InPlace()
	}
	if seq, ok := e.(*gbnf.Seq); ok {
		return seq.Items
	}
	return nil
}

// spend takes the parts of e that are built where it stands from a number of them, as long as that lasts.
func (b *builder) spend(e gbnf.Expr, parts int) int {
	parts--
	if parts < 0 {
		return parts
	}
	var items []gbnf.Expr
	switch e := e.(type) {
	case *gbnf.Literal:
		return parts - len(e.Text)
	case *gbnf.State:
		if place := e.InPlace(); place != nil {
			return b.spend(place, parts)
		}
	case *gbnf.Seq:
		items = e.Items
	case *gbnf.Alt:
		items = e.Items
	}
	for _, it := range items {
		parts = b.spend(it, parts)
	}
	return parts
}

// rest returns the state of a rest: the same for equal ones that go on at the same place.
func (b *builder) rest(items []gbnf.Expr, to int32) int32 {
	key := binary.LittleEndian.AppendUint32(b.key[:0], uint32(to))
	for _, it := range items {
		if text, ok := it.(*gbnf.Literal); ok {
			key = binary.LittleEndian.AppendUint32(append(key, 'l'), uint32(len(text.Text)))
			key = append(key, text.Text...)
			continue
		}
		key = binary.LittleEndian.AppendUint32(append(key, 'n'), uint32(b.numberOf(it)))
	}
	b.key = key
	if s, ok := b.restAt[string(key)]; ok {
		return s
	}
	dist, plain := b.states.At(to).dist, b.states.At(to).plain
	for _, it := range items {
		dist, plain = plus(dist, b.distance(it)), plain && b.isPlain(it)
	}
	s := b.add(state{})
	st := b.states.At(s)
	st.dist, st.plain, st.callee = dist, plain, -2-int32(len(b.laters))
	b.laters = append(b.laters, later{items, to})
	if b.restAt == nil {
		b.restAt = map[string]int32{}
	}
	b.restAt[string(key)] = s
	return s
}

// numberOf numbers expressions: the same one, and states of machines by what they are states of.
func (b *builder) numberOf(e gbnf.Expr) int32 {
	var key any = e
	if s, ok := e.(*gbnf.State); ok {
		key = *s
	}
	n, ok := b.numbered[key]
	if !ok {
		if b.numbered == nil {
			b.numbered = map[any]int32{}
		}
		n = int32(len(b.numbered))
		b.numbered[key] = n
	}
	return n
}

// openLater builds a rest, or its beginning.
func (b *builder) openLater(s int32) {
	l := &b.laters[-2-b.states.At(s).callee]
	if l.rest == nil {
		return
	}
	rest := l.rest
	l.rest = nil
	b.states.At(s).eps = b.lists.Put(b.sequence(rest, max(1, len(rest)/laterShare), l.to))
}
