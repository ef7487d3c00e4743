package regex

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/callama/callama/grammar/gbnf"
)

// DFA is a deterministic automaton over code points: a regular language that can be
// matched, intersected, complemented and written out as grammar rules. It is immutable
// and safe for concurrent use.
//
// Code points are grouped into symbols that every state treats alike, so the transition
// table has one column per symbol, not per code point.
type DFA struct {
	alphabet alphabet
	next     []int32 // [state*len(symbols)+symbol] -> state, or dead
	accept   []bool  // [state]
	start    int32
	minimal  bool // no smaller automaton accepts the same; its states are in breadth-first order
}

// dead stands for the state from which nothing is accepted; it has no table row.
const dead = int32(-1)

// alphabet maps code points to symbols.
type alphabet struct {
	starts  []rune  // first code point of each interval, ascending, starts[0] = 0
	symbol  []int32 // symbol of each interval; dead for surrogates
	symbols int
}

// LimitError reports that a pattern needs more than a limit allows.
type LimitError struct {
	Name  string // which limit, as named in Limits
	Limit int
	Got   int // what was needed; at least this much where counting stopped early
}

// Error implements error.
func (e *LimitError) Error() string {
	return fmt.Sprintf("regex: %s: %d exceeds the limit of %d", e.Name, e.Got, e.Limit)
}

// Limits bound the work that one pattern may cause. The zero value of a field stands
// for its default.
type Limits struct {
	// NFAStates bounds the automaton that counted repetitions unroll into. Default
	// 20,000: about 1 MB; larger counts come from patterns such as (x{1,999}){1,999}.
	NFAStates int
	// States bounds the states of a DFA, and of its product with a length window.
	// Default 8,192: a state costs a table row and, once written out, about one grammar
	// rule, so this keeps one pattern within a few megabytes.
	States int
	// Steps bounds the work of making a DFA: NFA states visited over all DFA states.
	// Default 4,000,000, some tens of milliseconds.
	Steps int
}

// Defaults of Limits.
const (
	DefaultNFAStates = 20_000
	DefaultStates    = 8_192
	DefaultSteps     = 4_000_000
)

func (l Limits) withDefaults() Limits {
	l.NFAStates = cmp.Or(l.NFAStates, DefaultNFAStates)
	l.States = cmp.Or(l.States, DefaultStates)
	l.Steps = cmp.Or(l.Steps, DefaultSteps)
	return l
}

// newAlphabet groups the code points by the sets that contain them, and returns the
// symbols of each set.
func newAlphabet(sets []Set) (alphabet, [][]int32) {
	cuts := []rune{0, surrogateLo, surrogateHi + 1}
	for _, s := range sets {
		for _, r := range s {
			cuts = append(cuts, r.Lo)
			if r.Hi < maxRune {
				cuts = append(cuts, r.Hi+1)
			}
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	// Intervals with the same membership share a symbol. Membership is refined set by
	// set: (old symbol, in the set?) -> new symbol.
	symbol := make([]int32, len(cuts))
	gap, _ := slices.BinarySearch(cuts, rune(surrogateLo))
	symbol[gap] = dead // a cut stands on both sides, and no set contains surrogates
	count := 1
	split := make([]int32, 2*len(cuts)) // new symbol, counted from 1, by 2*old, one more in the set
	for _, s := range sets {
		clear(split[:2*count])
		count = 0
		at := 0 // of the set's ranges, the first that does not end before the interval
		for i, cut := range cuts {
			if i == gap {
				continue
			}
			for at < len(s) && s[at].Hi < cut {
				at++
			}
			key := 2 * symbol[i]
			if at < len(s) && s[at].Lo <= cut {
				key++
			}
			if split[key] == 0 {
				count++
				split[key] = int32(count)
			}
			symbol[i] = split[key] - 1
		}
	}
	a := alphabet{starts: cuts, symbol: symbol, symbols: count}
	of := make([][]int32, len(sets))
	for i, s := range sets {
		of[i] = a.symbolsOf(s)
	}
	return a, of
}

// symbolsOf returns the symbols that make up a set, sorted. The set must be a union of
// symbols.
func (a *alphabet) symbolsOf(s Set) []int32 {
	var out []int32
	for _, r := range s {
		i, _ := slices.BinarySearch(a.starts, r.Lo)
		for ; i < len(a.starts) && a.starts[i] <= r.Hi; i++ {
			if a.symbol[i] != dead {
				out = append(out, a.symbol[i])
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lookup returns the symbol of a code point, or dead for a surrogate.
func (a *alphabet) lookup(r rune) int32 {
	i, found := slices.BinarySearch(a.starts, r)
	if !found {
		i--
	}
	return a.symbol[i]
}

// sets returns the code points of each symbol.
func (a *alphabet) sets() []Set {
	count := make([]int, a.symbols)
	for _, sym := range a.symbol {
		if sym != dead {
			count[sym]++
		}
	}
	out, all := make([]Set, a.symbols), make(Set, len(a.symbol))
	for sym, n := range count {
		out[sym], all = all[:0:n], all[n:]
	}
	for i, sym := range a.symbol {
		if sym == dead {
			continue
		}
		hi := rune(maxRune)
		if i+1 < len(a.starts) {
			hi = a.starts[i+1] - 1
		}
		s := out[sym]
		if n := len(s); n > 0 && s[n-1].Hi+1 == a.starts[i] {
			s[n-1].Hi = hi
		} else {
			out[sym] = append(s, gbnf.Range{Lo: a.starts[i], Hi: hi})
		}
	}
	return out
}

// States returns the number of states from which something is accepted.
func (d *DFA) States() int { return len(d.accept) }

// Empty reports whether no string at all is accepted.
func (d *DFA) Empty() bool { return d.start == dead }

// Match reports whether the whole string is accepted. Bytes that are not UTF-8 count as
// U+FFFD. Cost: linear in s, logarithmic in the intervals of the alphabet.
func (d *DFA) Match(s string) bool {
	q := d.start
	for _, r := range s {
		if q == dead {
			return false
		}
		q = d.step(q, d.alphabet.lookup(r))
	}
	return q != dead && d.accept[q]
}

func (d *DFA) step(q, symbol int32) int32 {
	if q == dead || symbol == dead {
		return dead
	}
	return d.next[int(q)*d.alphabet.symbols+int(symbol)]
}

// Lengths returns the shortest and the longest accepted string in code points; longest
// is -1 when there is no bound. Both are 0 for the empty language.
func (d *DFA) Lengths() (shortest, longest int) {
	if d.Empty() {
		return 0, 0
	}
	return d.shortest(), d.farthest()
}

// farthest returns the length of the longest string of a language that is not empty, -1 where there is
// no bound: mostly some state leads to itself, and every state is on a way from the start to an end.
func (d *DFA) farthest() int {
	k := d.alphabet.symbols
	for q := range d.accept {
		if slices.Contains(d.next[q*k:q*k+k], int32(q)) {
			return -1
		}
	}
	return int(d.longest(d.predecessors())[d.start])
}

// shortest returns the length of the shortest string of a language that is not empty.
func (d *DFA) shortest() int {
	k := d.alphabet.symbols
	seen := make([]bool, len(d.accept))
	seen[d.start] = true
	for length, level := 0, []int32{d.start}; ; length++ {
		var next []int32
		for _, q := range level {
			if d.accept[q] {
				return length
			}
			for _, t := range d.next[int(q)*k : int(q)*k+k] {
				if t != dead && !seen[t] {
					seen[t] = true
					next = append(next, t)
				}
			}
		}
		level = next
	}
}

// Within reports whether some accepted string has a length of a window, if that is known from the
// lengths of the shortest and the longest.
func (d *DFA) Within(w Window) (some, known bool) {
	if d.Empty() || w.Max >= 0 && w.Max < w.Min {
		return false, true
	}
	if lo := d.shortest(); lo >= w.Min {
		return w.Max < 0 || lo <= w.Max, true
	}
	if longest := d.farthest(); longest >= 0 && longest <= w.Max || w.Max < 0 {
		return longest < 0 || longest >= w.Min, true
	}
	return false, false
}

// longest returns, for each state, the length of the longest string accepted from it (-1: no
// bound). Every state of a DFA accepts something.
func (d *DFA) longest(preds *sources) []int32 {
	n, k := len(d.accept), d.alphabet.symbols
	longest := make([]int32, n)
	// Peel states whose successors are all known; what remains has a cycle ahead.
	left := make([]int, n)
	for q := range n {
		longest[q] = -1
		for _, t := range d.next[q*k : q*k+k] {
			if t != dead {
				left[q]++
			}
		}
	}
	var queue []int32
	for q := range n {
		if left[q] == 0 {
			longest[q] = 0
			queue = append(queue, int32(q))
		}
	}
	for i := 0; i < len(queue); i++ {
		for _, p := range preds.of(queue[i]) {
			row := d.next[int(p)*k : int(p)*k+k]
			for _, t := range row {
				if t == queue[i] {
					left[p]--
				}
			}
			if left[p] == 0 {
				for _, t := range row {
					if t != dead {
						longest[p] = max(longest[p], longest[t]+1)
					}
				}
				queue = append(queue, p)
			}
		}
	}
	return longest
}

// sources lists the predecessors of each state, those of one next to each other.
type sources struct {
	from []int32 // where they begin in list; one more at the end
	list []int32
}

func (s *sources) of(q int32) []int32 { return s.list[s.from[q]:s.from[q+1]] }

// predecessors returns the distinct predecessors of each state, in ascending order.
func (d *DFA) predecessors() *sources {
	n, k := len(d.accept), d.alphabet.symbols
	s := &sources{from: make([]int32, n+1)}
	last := make([]int32, n) // the latest that was noted for each state, counted from 1
	each := func(visit func(q, t int32)) {
		clear(last)
		for q := range n {
			for _, t := range d.next[q*k : q*k+k] {
				if t != dead && last[t] != int32(q+1) {
					last[t] = int32(q + 1)
					visit(int32(q), t)
				}
			}
		}
	}
	each(func(_, t int32) { s.from[t+1]++ })
	for q := range n {
		s.from[q+1] += s.from[q]
	}
	s.list = make([]int32, s.from[n])
	fill := slices.Clone(s.from)
	each(func(q, t int32) {
		s.list[fill[t]] = q
		fill[t]++
	})
	return s
}

// Literals returns the automaton of exactly the given strings: a trie.
func Literals(words ...string) *DFA {
	seen := make(map[rune]bool)
	var sets []Set
	for _, w := range words {
		for _, r := range w {
			if !seen[r] {
				seen[r] = true
				sets = append(sets, Set{{Lo: r, Hi: r}})
			}
		}
	}
	// The characters are disjoint, so the alphabet needs no refinement: with thousands of
	// characters that would be quadratic.
	a := literalAlphabet(sets)
	d := &DFA{alphabet: a}
	grow := func() int32 {
		for range a.symbols {
			d.next = append(d.next, dead)
		}
		d.accept = append(d.accept, false)
		return int32(len(d.accept) - 1)
	}
	d.start = grow()
	for _, w := range words {
		q := d.start
		for _, r := range w {
			cell := int(q)*a.symbols + int(a.lookup(r))
			if d.next[cell] == dead {
				t := grow() // grow may move d.next
				d.next[cell] = t
			}
			q = d.next[cell]
		}
		d.accept[q] = true
	}
	if len(words) == 0 {
		return &DFA{alphabet: a, start: dead}
	}
	return d
}

// literalAlphabet gives each of some disjoint one-character sets its own symbol, and one
// symbol to all other code points.
func literalAlphabet(sets []Set) alphabet {
	chars := make([]rune, len(sets))
	for i, s := range sets {
		chars[i] = s[0].Lo
	}
	slices.Sort(chars)
	cuts := []rune{0, surrogateLo, surrogateHi + 1}
	for _, c := range chars {
		cuts = append(cuts, c)
		if c < maxRune {
			cuts = append(cuts, c+1)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	a := alphabet{starts: cuts, symbol: make([]int32, len(cuts)), symbols: len(chars) + 1}
	for i, c := range cuts {
		if c == surrogateLo {
			a.symbol[i] = dead
			continue
		}
		if at, found := slices.BinarySearch(chars, c); found {
			a.symbol[i] = int32(at) + 1
		}
	}
	return a
}

// Size returns the cells of the automaton's table: what it costs to keep it, in units of
// four bytes.
func (d *DFA) Size() int { return len(d.next) }
