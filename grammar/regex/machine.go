package regex

import (
	"math"
	"slices"
	"sync/atomic"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
)

// RuleOptions say how Rules writes an automaton. The zero value writes the raw text.
type RuleOptions struct {
	Encoding Encoding  // nil: Raw
	End      gbnf.Expr // what follows the accepted text, such as the closing quote; nil: nothing
	Length   *Window   // only strings of these lengths; nil: all
}

// maxPositions bounds the pairs of a state and a number of characters for which a least
// length has to be worked out one by one: 16 MB of numbers.
const maxPositions = 1 << 22

// Rules returns a state of a machine that matches the strings of an automaton, followed by
// RuleOptions.End; nil if there are none. The machine's states are those of the automaton
// or, where lengths are bounded and still matter, pairs of one and the number of characters
// read, which are made when a text reaches them: wide windows cost nothing. Loops on one
// state are repetitions, and counted ones where the rest of the text is free. Expressions
// that Encoding returns must hold no Ref. Cost: states x symbols, and for a least length
// that some strings do not have, that times states, within a *LimitError.
func Rules(name string, d *DFA, o RuleOptions) (*gbnf.State, error) {
	if d.Empty() {
		return nil, nil
	}
	m := &machine{name: name, d: d, n: int32(len(d.accept)), o: o, window: Window{Max: -1}}
	if m.o.Encoding == nil {
		m.o.Encoding = Raw
	}
	if m.o.End == nil {
		m.o.End = &gbnf.Seq{}
	}
	if o.Length != nil {
		m.counts = o.Length.Min > 0 || o.Length.Max >= 0
	}
	m.group()
	m.measure()
	if m.counts {
		m.window = *o.Length
	}
	if m.n > maxAlikeStates { // the edges say the rest
		m.d = &DFA{accept: d.accept, start: d.start}
	}
	if err := m.bound(); err != nil {
		return nil, err
	}
	start := m.at(d.start, 0)
	if start == dead {
		return nil, nil
	}
	return &gbnf.State{Of: m, N: start}, nil
}

// machine is a gbnf.Counter. State q is that of the automaton if the lengths can no longer
// be missed; (read+1)*n + q is it after read characters, and -(q+2) after any number of which
// no bound is near.
type machine struct {
	name   string
	d      *DFA
	n      int32 // states of d
	o      RuleOptions
	window Window // without the ends that no string misses
	counts bool   // lengths are bounded

	edges  []machineEdge
	from   []int32 // state -> its first edge; one more at the end
	chars  []gbnf.Expr
	called []gbnf.Expr // the same where there are many states, if the machine counts: see add
	weight []int32     // least bytes of chars
	height int
	end    int32 // bytes of the end

	// Paths to the end from each state: that of the fewest bytes, and that of the fewest
	// characters; of each both.
	light, short []measure
	longest      []int32 // most characters, -1: no bound
	farthest     int32   // the most characters of the paths of the fewest bytes
	// least holds, for read characters below the window's minimum, the fewest bytes from
	// each state: that of state q is at read*n + q.
	least []int32

	alikes alikes
	bodies []atomic.Pointer[gbnf.Expr] // by state of d
	notes  gbnf.Notes
}

// machineEdge leads to a state by the characters of a set.
type machineEdge struct{ to, chars int32 }

// measure is the length of a path.
type measure struct{ bytes, chars int32 }

// group makes the edges: the symbols that lead from a state to the same one are one set.
func (m *machine) group() {
	s := newScratch()
	defer s.release()
	k := m.d.alphabet.symbols
	c := m.d.alphabet.collector(s)
	known := makeLists(s)    // of symbols; chars has the same numbers
	slot := s.take(int(m.n)) // target -> its place in led, counted from 1
	var led [][]int32        // the symbols that lead to each target
	m.from = make([]int32, 1, m.n+1)
	m.edges = s.edges[:0]
	for q := range m.n {
		row := m.d.next[int(q)*k : int(q)*k+k]
		used := 0
		first := len(m.edges)
		for sym, t := range row {
			if t == dead {
				continue
			}
			if slot[t] == 0 {
				if used == len(led) {
					led = append(led, nil)
				}
				led[used] = led[used][:0]
				used++
				slot[t] = int32(used)
				m.edges = append(m.edges, machineEdge{to: t})
			}
			led[slot[t]-1] = append(led[slot[t]-1], int32(sym))
		}
		for i := range m.edges[first:] {
			e := &m.edges[first+i]
			slot[e.to] = 0
			var fresh bool
			if e.chars, fresh = known.number(led[i]); fresh {
				m.add(c.set(led[i]))
			}
		}
		m.from = append(m.from, int32(len(m.edges)))
	}
	s.edges, m.edges = m.edges, slices.Clone(m.edges)
	h, _ := gbnf.Corner(m.o.End)
	m.height = max(m.height, h) + 1 // repetitions
	m.end = int32(gbnf.Shortest(m.o.End))
	m.bodies = make([]atomic.Pointer[gbnf.Expr], m.n)
}

// add makes the expression of one character of a set.
func (m *machine) add(set Set) {
	e := m.o.Encoding(set)
	// Characters of several bytes take some ten states before each state that they lead
	// to. Where lengths multiply those, a call has them once; and what is called does not
	// know the count: see Coarse.
	called := e
	h, _ := gbnf.Corner(e)
	if _, one := e.(*gbnf.Class); !one || set[len(set)-1].Hi >= utf8.RuneSelf {
		h++ // with the call
		if m.counts {
			called = gbnf.Called("char", e)
		}
	}
	m.height = max(m.height, h)
	m.chars = append(m.chars, e)
	if m.counts {
		m.called = append(m.called, called)
	}
	m.weight = append(m.weight, int32(gbnf.Shortest(e)))
}

func (m *machine) edgesOf(q int32) []machineEdge { return m.edges[m.from[q]:m.from[q+1]] }

// measure finds the paths to the end.
func (m *machine) measure() {
	into := m.d.predecessors()
	m.longest = m.d.longest(into)
	m.light = m.paths(into, func(a, b measure) bool { return a.bytes < b.bytes || a.bytes == b.bytes && a.chars < b.chars })
	m.short = m.paths(into, func(a, b measure) bool { return a.chars < b.chars || a.chars == b.chars && a.bytes < b.bytes })
	if slices.Equal(m.light, m.short) { // where characters have as many bytes as others
		m.short = m.light
	}
	for _, l := range m.light {
		m.farthest = max(m.farthest, l.chars)
	}
}

// paths returns the least measures of paths to the end, looking again at the states before
// one whose own became less. Every state of an automaton has a way to the end.
func (m *machine) paths(into *sources, less func(a, b measure) bool) []measure {
	const far = math.MaxInt32
	out := make([]measure, m.n)
	queued := make([]bool, m.n)
	var queue []int32
	push := func(q int32) {
		for _, p := range into.of(q) {
			if !queued[p] {
				queued[p] = true
				queue = append(queue, p)
			}
		}
	}
	for q := range out {
		out[q] = measure{far, far}
		if m.d.accept[q] {
			out[q] = measure{m.end, 0}
		}
	}
	for q := range out {
		if m.d.accept[q] {
			push(int32(q))
		}
	}
	for i := 0; i < len(queue); i++ {
		q := queue[i]
		queued[q] = false
		best := out[q]
		for _, e := range m.edgesOf(q) {
			if to := out[e.to]; to.bytes != far {
				if via := (measure{to.bytes + m.weight[e.chars], to.chars + 1}); less(via, best) {
					best = via
				}
			}
		}
		if best != out[q] {
			out[q] = best
			push(q)
		}
	}
	return out
}

// bound prepares the window.
func (m *machine) bound() error {
	start := m.d.start
	if int(m.short[start].chars) >= m.window.Min {
		m.window.Min = 0
	}
	if hi := m.longest[start]; hi >= 0 && m.window.Max >= 0 && int(hi) <= m.window.Max {
		m.window.Max = -1
	}
	if most := math.MaxInt32/int(m.n) - 2; m.window.Max > most || m.window.Min > most {
		return &LimitError{Name: "lengths", Limit: most, Got: max(m.window.Max, m.window.Min)}
	}
	if m.window.Min <= 0 {
		return nil
	}
	if got := m.window.Min * int(m.n); got > maxPositions {
		return &LimitError{Name: "positions within lengths", Limit: maxPositions, Got: got}
	}
	m.least = make([]int32, m.window.Min*int(m.n))
	for read := m.window.Min - 1; read >= 0; read-- {
		row := m.least[read*int(m.n):][:m.n:m.n]
		for q := range row {
			row[q] = gbnf.NoText
			for _, e := range m.edgesOf(int32(q)) {
				row[q] = min(row[q], m.weight[e.chars]+m.bytes(e.to, read+1))
			}
		}
	}
	return nil
}

// bytes returns the length of a path to the end, from a state after so many characters; it
// is at least gbnf.NoText if there is none.
func (m *machine) bytes(q int32, read int) int32 {
	switch {
	case read < m.window.Min:
		return m.least[read*int(m.n)+int(q)]
	case m.window.Max < 0 || read+int(m.light[q].chars) <= m.window.Max:
		return m.light[q].bytes
	case read+int(m.short[q].chars) <= m.window.Max:
		return m.short[q].bytes
	}
	return gbnf.NoText
}

// at returns the machine's state for one of the automaton after so many characters, or
// dead if no string has an accepted length from there.
func (m *machine) at(q int32, read int) int32 {
	if m.window.Max < 0 && m.window.Min <= 0 {
		return q
	}
	hi := m.longest[q]
	if read+int(m.short[q].chars) >= m.window.Min && (m.window.Max < 0 || hi >= 0 && read+int(hi) <= m.window.Max) {
		return q
	}
	if m.bytes(q, read) >= gbnf.NoText {
		return dead
	}
	return int32(read+1)*m.n + q
}

// Values of a count that is none.
const (
	unread = -1 // lengths do not matter
	anyFar = -2 // no bound of the lengths is near
)

// place takes a state of the machine apart.
func (m *machine) place(state int32) (q int32, read int) {
	if state < 0 {
		return -state - 2, anyFar
	}
	return state % m.n, int(state/m.n) - 1
}

// Coarse is that of gbnf.Counter. No text of so many bytes, each a character at most, gets
// where the greatest length decides what is possible or which way to the end is the shortest, nor
// tells states apart that are alike.
func (m *machine) Coarse(state, reach int32) int32 {
	q, read := m.place(state)
	if read >= 0 && (read < m.window.Min || m.window.Max >= 0 && m.window.Max-read <= int(reach)+int(m.farthest)) {
		return state
	}
	if first := m.alike(reach); first != nil {
		q = first[q]
	}
	if read == unread {
		return q
	}
	return -q - 2
}

func (m *machine) Name() string       { return m.name }
func (m *machine) Height() int        { return m.height }
func (m *machine) Notes() *gbnf.Notes { return &m.notes }

func (m *machine) Parts() []gbnf.Expr {
	return append(m.chars[:len(m.chars):len(m.chars)], m.o.End)
}

func (m *machine) Shortest(state int32) int {
	q, read := m.place(state)
	if read < 0 {
		return int(m.light[q].bytes)
	}
	return int(m.bytes(q, read))
}

func (m *machine) Expr(state int32) gbnf.Expr {
	q, read := m.place(state)
	if read != unread {
		return m.counted(q, read)
	}
	if e := m.bodies[q].Load(); e != nil {
		return *e
	}
	e := m.body(q, unread)
	m.bodies[q].CompareAndSwap(nil, &e)
	return *m.bodies[q].Load()
}

// counted is the expression of a state whose characters are counted.
func (m *machine) counted(q int32, read int) gbnf.Expr {
	if e := m.edgesOf(q); read >= 0 && m.d.accept[q] && len(e) == 1 && e[0].to == q {
		most := -1
		if m.window.Max >= 0 {
			most = m.window.Max - read
		}
		return sequence(&gbnf.Repeat{Item: m.chars[e[0].chars], Min: max(0, m.window.Min-read), Max: most}, m.o.End)
	}
	return m.body(q, read)
}

// body is what a state matches after so many characters.
func (m *machine) body(q int32, read int) gbnf.Expr {
	var loop gbnf.Expr
	edges := m.edgesOf(q)
	alts := make([]gbnf.Expr, 0, len(edges)+1)
	for _, e := range edges {
		to, chars := e.to, m.chars[e.chars]
		switch read {
		case unread:
		case anyFar:
			to, chars = -to-2, m.called[e.chars]
		default:
			to, chars = m.at(to, read+1), m.called[e.chars]
		}
		switch {
		case to == dead:
		case to == q && read == unread:
			loop = gbnf.Star(chars)
		default:
			alts = append(alts, sequence(chars, &gbnf.State{Of: m, N: to}))
		}
	}
	if m.d.accept[q] && (read < 0 || read >= m.window.Min) {
		alts = append(alts, m.o.End)
	}
	if loop != nil {
		return sequence(loop, choice(alts))
	}
	return choice(alts)
}
