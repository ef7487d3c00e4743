package regex

import (
	"encoding/binary"
	"slices"
	"strings"
)

// look is an assertion about the text around a position: that what follows begins with a
// match, or behind, that what came before ends with one; negative, that it does not. It
// holds the automaton of the texts, after or before, of which it is true.
type look struct {
	behind    bool
	dfa       *DFA
	universal int32 // the state from which everything is accepted, dead without one
	symbol    []int32
}

// newLook makes the automaton of an assertion.
func newLook(n *node, limits Limits) (*look, error) {
	end := &node{op: opBegin}
	subs := []*node{end, n.subs[0]}
	if n.behind {
		subs = []*node{n.subs[0], {op: opEnd}}
	}
	d, err := (&Regex{root: &node{op: opConcat, subs: subs}}).DFA(limits)
	if err != nil {
		return nil, err
	}
	if n.negative {
		d = d.Complement()
	}
	l := &look{behind: n.behind, dfa: d, universal: dead}
	k := d.alphabet.symbols
	for q := range d.accept {
		row := d.next[q*k : q*k+k]
		if d.accept[q] && !slices.ContainsFunc(row, func(t int32) bool { return t != int32(q) }) {
			l.universal = int32(q)
		}
	}
	return l, nil
}

// looker is the subset construction for patterns with assertions. A state of the result
// is where the assertions about what came before stand, and a set of configurations, of
// which one has to come true.
type looker struct {
	n      *nfa
	limits Limits
	out    *DFA
	id     map[string]int32
	states []lookState
	steps  int

	// Most symbols of a state lead to what another led to: seeded holds the states of the
	// result by the configurations right after a character.
	seeded map[string]int32
	behind []int32 // of after
	seeds  []configuration
	key    []byte

	// Of closure.
	seen                   map[configuration]bool
	stack, reached, lights []configuration

	debts map[string]string // what is owed, each text once
	debt  []byte            // of owe
}

// configuration is a state of the automaton of the pattern and what the rest of the text
// owes to assertions passed: pairs of an assertion and a state of its automaton, sorted,
// four bytes each.
type configuration struct {
	state int32
	owed  string
}

type lookState struct {
	behind  []int32 // states of the assertions about what came before
	configs []configuration
}

func (w *looker) run() error {
	sets := slices.Clone(w.n.sets)
	for _, l := range w.n.looks {
		sets = append(sets, l.dfa.alphabet.sets()...)
	}
	a, symbols := newAlphabet(sets)
	w.out = &DFA{alphabet: a}
	first := make([]rune, a.symbols) // a character of each symbol
	for i, sym := range slices.Backward(a.symbol) {
		if sym != dead {
			first[sym] = a.starts[i]
		}
	}
	inSet := make([][]bool, len(w.n.sets))
	for i := range inSet {
		inSet[i] = make([]bool, a.symbols)
		for _, sym := range symbols[i] {
			inSet[i][sym] = true
		}
	}
	start := lookState{behind: make([]int32, len(w.n.looks))}
	for i, l := range w.n.looks {
		l.symbol = make([]int32, a.symbols)
		for sym, r := range first {
			l.symbol[sym] = l.dfa.alphabet.lookup(r)
		}
		if start.behind[i] = dead; l.behind {
			start.behind[i] = l.dfa.start
		}
	}
	w.seeded, w.seen, w.debts = make(map[string]int32), make(map[configuration]bool), make(map[string]string)
	start.configs = w.closure([]configuration{{state: w.n.start}}, start.behind, true, false)
	w.out.start = w.visit(start, true)
	for q := 0; q < len(w.states); q++ {
		if len(w.states) > w.limits.States {
			return &LimitError{Name: "States", Limit: w.limits.States, Got: len(w.states)}
		}
		for sym := range int32(a.symbols) {
			w.out.next = append(w.out.next, w.after(w.states[q], sym, inSet))
			if w.steps > w.limits.Steps {
				return &LimitError{Name: "Steps", Limit: w.limits.Steps, Got: w.steps}
			}
		}
	}
	return nil
}

// after returns the state of the result after a character.
func (w *looker) after(s lookState, sym int32, inSet [][]bool) int32 {
	next := lookState{behind: append(w.behind[:0], s.behind...)}
	w.behind = next.behind
	for i, l := range w.n.looks {
		if next.behind[i] = dead; l.behind {
			next.behind[i] = l.dfa.step(s.behind[i], l.symbol[sym])
		}
	}
	seeds := w.seeds[:0]
	for _, c := range s.configs {
		st := &w.n.states[c.state]
		to := st.out
		switch {
		case st.kind == nfaMatch:
			to = c.state
		case st.kind != nfaChar || !inSet[st.set][sym]:
			continue
		}
		if owed, ok := w.pay(c.owed, sym); ok {
			seeds = append(seeds, configuration{to, owed})
		}
	}
	w.seeds = seeds
	w.key = lookState{next.behind, seeds}.appendKey(w.key[:0])
	to, ok := w.seeded[string(w.key)]
	if !ok {
		key := string(w.key)
		next.configs = w.closure(seeds, next.behind, false, false)
		to = w.visit(next, false)
		w.seeded[key] = to
	}
	return to
}

// appendKey appends bytes that are those of equal states only.
func (s lookState) appendKey(key []byte) []byte {
	for _, q := range s.behind {
		key = binary.BigEndian.AppendUint32(key, uint32(q))
	}
	for _, c := range s.configs {
		key = binary.BigEndian.AppendUint32(key, uint32(c.state))
		key = binary.BigEndian.AppendUint32(key, uint32(len(c.owed)))
		key = append(key, c.owed...)
	}
	return key
}

// pay steps what is owed over a character; ok is false if it cannot be met any more.
func (w *looker) pay(owed string, sym int32) (left string, ok bool) {
	for at := 0; at < len(owed); at += 8 {
		i, q := binary.BigEndian.Uint32([]byte(owed[at:])), binary.BigEndian.Uint32([]byte(owed[at+4:]))
		l := w.n.looks[i]
		t := l.dfa.step(int32(q), l.symbol[sym])
		if t == dead {
			return "", false
		}
		if t != l.universal {
			left = w.owe(left, i, t)
		}
		w.steps++
	}
	return left, true
}

// owe adds a debt, in order.
func (w *looker) owe(owed string, i uint32, q int32) string {
	var debt [8]byte
	binary.BigEndian.PutUint32(debt[:], i)
	binary.BigEndian.PutUint32(debt[4:], uint32(q))
	at := 0
	for at < len(owed) && owed[at:at+8] < string(debt[:]) {
		at += 8
	}
	if at < len(owed) && owed[at:at+8] == string(debt[:]) {
		return owed
	}
	w.debt = append(append(append(w.debt[:0], owed[:at]...), debt[:]...), owed[at:]...)
	known, ok := w.debts[string(w.debt)]
	if !ok {
		known = string(w.debt)
		w.debts[known] = known
	}
	return known
}

// closure returns the configurations at characters, at the match and at end anchors that
// are reached without reading, less those that owe more than another at the same place. They stand in memory
// that the next call uses.
func (w *looker) closure(seeds []configuration, behind []int32, atBegin, atEnd bool) []configuration {
	clear(w.seen)
	out, stack := w.reached[:0], append(w.stack[:0], seeds...)
	for len(stack) > 0 && w.steps <= w.limits.Steps { // beyond, run gives up
		c := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if c.state < 0 || w.seen[c] {
			continue
		}
		w.seen[c] = true
		w.steps++
		st := &w.n.states[c.state]
		to := configuration{st.out, c.owed}
		switch st.kind {
		case nfaMatch, nfaChar:
			out = append(out, c)
		case nfaSplit:
			stack = append(stack, to, configuration{st.out2, c.owed})
		case nfaBegin:
			if atBegin {
				stack = append(stack, to)
			}
		case nfaEnd:
			if out = append(out, c); atEnd {
				stack = append(stack, to)
			}
		case nfaLook:
			if l := w.n.looks[st.set]; l.behind {
				if q := behind[st.set]; q != dead && l.dfa.accept[q] {
					stack = append(stack, to)
				}
			} else if l.dfa.start == l.universal && l.universal != dead {
				stack = append(stack, to)
			} else if l.dfa.start != dead {
				to.owed = w.owe(c.owed, uint32(st.set), l.dfa.start)
				stack = append(stack, to)
			}
		}
	}
	w.reached, w.stack = out, stack
	w.steps += len(out) * len(out) / pairsPerStep
	if w.steps > w.limits.Steps {
		return nil
	}
	return w.lightest(out)
}

// pairsPerStep is how many configurations are compared in the time of a step.
const pairsPerStep = 16

// lightest drops configurations of which another owes a part only.
func (w *looker) lightest(all []configuration) []configuration {
	out := w.lights[:0]
	for _, c := range all {
		if !slices.ContainsFunc(all, func(d configuration) bool {
			return d.owed != c.owed && includes(c.owed, d.owed) && (d.state == c.state || d.state == w.n.match && d.owed == "")
		}) {
			out = append(out, c)
		}
	}
	w.lights = out
	slices.SortFunc(out, func(a, b configuration) int {
		if a.state != b.state {
			return int(a.state - b.state)
		}
		return strings.Compare(a.owed, b.owed)
	})
	return out
}

// includes reports whether all debts of part are among those of owed.
func includes(owed, part string) bool {
	for len(part) > 0 {
		if len(owed) < len(part) {
			return false
		}
		if owed[:8] == part[:8] {
			part = part[8:]
		}
		owed = owed[8:]
	}
	return true
}

// visit returns the state of the result for a state of the construction.
func (w *looker) visit(s lookState, atBegin bool) int32 {
	if len(s.configs) == 0 && !atBegin {
		return dead
	}
	universal := slices.Contains(s.configs, configuration{state: w.n.match})
	if universal { // nothing matters any more
		s = lookState{behind: slices.Repeat([]int32{dead}, len(s.behind)), configs: []configuration{{state: w.n.match}}}
	}
	w.key = w.key[:0]
	if atBegin {
		w.key = append(w.key, 1)
	}
	w.key = s.appendKey(w.key)
	at, ok := w.id[string(w.key)]
	if !ok {
		at = int32(len(w.states))
		w.id[string(w.key)] = at
		s = lookState{behind: slices.Clone(s.behind), configs: slices.Clone(s.configs)}
		w.states = append(w.states, s)
		seeds := s.configs
		if atBegin {
			seeds = []configuration{{state: w.n.start}}
		}
		w.out.accept = append(w.out.accept, universal || slices.ContainsFunc(w.closure(seeds, s.behind, atBegin, true),
			func(c configuration) bool { return c.state == w.n.match && w.paid(c.owed) }))
	}
	return at
}

// paid reports whether what is owed is met by the end of the text.
func (w *looker) paid(owed string) bool {
	for at := 0; at < len(owed); at += 8 {
		i, q := binary.BigEndian.Uint32([]byte(owed[at:])), binary.BigEndian.Uint32([]byte(owed[at+4:]))
		if !w.n.looks[i].dfa.accept[q] {
			return false
		}
	}
	return true
}
