package regex

import "slices"

// DFA returns the minimal automaton of the strings in which the pattern matches
// somewhere (the meaning of JSON Schema's "pattern"); anchors bind it to the ends. It
// fails with a *LimitError when the pattern needs more than the limits allow.
func (r *Regex) DFA(limits Limits) (*DFA, error) {
	if r.prebuilt != nil {
		return r.prebuilt, nil
	}
	limits = limits.withDefaults()
	n, err := r.build(limits)
	if err != nil {
		return nil, err
	}
	if len(n.looks) > 0 {
		w := &looker{n: n, limits: limits, id: make(map[string]int32)}
		if err := w.run(); err != nil {
			return nil, err
		}
		return w.out.minimize(), nil
	}
	s := newScratch()
	defer s.release()
	d := &determinizer{n: n, limits: limits, seen: s.take(len(n.states)), out: s.automaton(alphabet{}), sets: makeLists(s), seeds: makeLists(s)}
	if err := d.run(); err != nil {
		return nil, err
	}
	return d.out.minimize(), nil
}

// determinizer is the subset construction. A state of the result is the sorted set of
// the character and match states that can be reached without reading; a set with the
// match state accepts whatever follows and is reduced to that state alone.
type determinizer struct {
	n      *nfa
	limits Limits
	out    *DFA
	sets   lists // NFA states of each DFA state, those of the first behind a mark
	steps  int

	symbols [][]int32 // of each distinct character set
	seen    []int32   // generation in which closure visited a state
	gen     int32
	stack   []int32
	set     []int32 // of visit
	final   []int32 // the same at the end of the text
	// The states that the targets of some characters lead to: most symbols share them.
	seeds  lists
	seeded []int32
}

// startMark stands before the set of the start state, where the begin anchor may be passed: it must not
// be shared with a later state of the same set.
const startMark = -1

func (d *determinizer) run() error {
	d.out.alphabet, d.symbols = newAlphabet(d.n.sets)
	k := d.out.alphabet.symbols
	seeds := []int32{d.n.start}
	d.set = d.closure(append(d.set, startMark), seeds, true, false)
	d.final = d.closure(d.final, seeds, true, true)
	d.out.start = d.visit(d.final)
	reach := make([][]int32, k)
	for q := int32(0); int(q) < len(d.sets.ends); q++ {
		if n := len(d.sets.ends); n > d.limits.States {
			return &LimitError{Name: "States", Limit: d.limits.States, Got: n}
		}
		if d.steps > d.limits.Steps {
			return &LimitError{Name: "Steps", Limit: d.limits.Steps, Got: d.steps}
		}
		for sym := range reach {
			reach[sym] = reach[sym][:0]
		}
		universal := false
		for _, s := range d.sets.at(q) {
			if s == startMark {
				continue
			}
			st := &d.n.states[s]
			if st.kind == nfaMatch {
				universal = true
				break
			}
			if st.kind != nfaChar {
				continue // an end anchor, kept for acceptance only
			}
			for _, sym := range d.symbols[st.set] {
				reach[sym] = append(reach[sym], st.out)
			}
			d.steps += len(d.symbols[st.set])
		}
		to := q
		for sym := range reach {
			if !universal && (sym == 0 || !slices.Equal(reach[sym], reach[sym-1])) {
				to = d.after(reach[sym])
			}
			d.out.next = append(d.out.next, to)
		}
	}
	return nil
}

// after returns the state of the result that characters with these targets lead to.
func (d *determinizer) after(targets []int32) int32 {
	if len(targets) == 0 {
		return dead
	}
	at, fresh := d.seeds.number(targets)
	if fresh {
		d.set = d.closure(d.set[:0], targets, false, false)
		d.seeded = append(d.seeded, d.visit(nil))
	}
	return d.seeded[at]
}

// closure appends the sorted character, match and end-anchor states reachable from
// seeds without reading. atBegin and atEnd say which anchors may be passed.
func (d *determinizer) closure(out, seeds []int32, atBegin, atEnd bool) []int32 {
	d.gen++
	d.stack = append(d.stack[:0], seeds...)
	from := len(out)
	push := func(s int32) {
		if s >= 0 {
			d.stack = append(d.stack, s)
		}
	}
	for len(d.stack) > 0 {
		s := d.stack[len(d.stack)-1]
		d.stack = d.stack[:len(d.stack)-1]
		if d.seen[s] == d.gen {
			continue
		}
		d.seen[s] = d.gen
		d.steps++
		st := &d.n.states[s]
		switch st.kind {
		case nfaMatch:
			if !atEnd {
				return append(out[:from], s)
			}
			out = append(out, s)
		case nfaChar:
			out = append(out, s)
		case nfaSplit:
			push(st.out2)
			push(st.out)
		case nfaBegin:
			if atBegin {
				push(st.out)
			}
		case nfaEnd:
			out = append(out, s)
			if atEnd {
				push(st.out)
			}
		}
	}
	slices.Sort(out[from:])
	return out
}

// visit returns the state of the closure in d.set, or dead for the empty one. final is the closure
// as it is at the end of the text, given for the start state only.
func (d *determinizer) visit(final []int32) int32 {
	if len(d.set) == 0 || d.set[0] == startMark && len(d.set) == 1 && !slices.Contains(final, d.n.match) {
		return dead
	}
	id, fresh := d.sets.number(d.set)
	if fresh {
		if final == nil {
			d.final = d.closure(d.final[:0], d.set, false, true)
			final = d.final
		}
		d.out.accept = append(d.out.accept, slices.Contains(final, d.n.match))
	}
	return id
}
