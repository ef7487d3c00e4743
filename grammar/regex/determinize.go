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
	d := &determinizer{n: n, limits: limits, id: make(map[string]int32), seeded: make(map[string]int32), seen: make([]uint32, len(n.states))}
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
	id     map[string]int32
	sets   [][]int32 // NFA states of each DFA state
	steps  int

	symbols [][]int32 // of each distinct character set
	seen    []uint32  // generation in which closure visited a state
	gen     uint32
	stack   []int32
	key     []byte
	seeded  map[string]int32 // the states that the targets of some characters lead to: most symbols share them
}

func (d *determinizer) run() error {
	d.out = &DFA{}
	d.out.alphabet, d.symbols = newAlphabet(d.n.sets)
	k := d.out.alphabet.symbols
	d.out.start = d.visit(d.closure([]int32{d.n.start}, true, false), d.closure([]int32{d.n.start}, true, true))
	reach := make([][]int32, k)
	for q := 0; q < len(d.sets); q++ {
		if len(d.sets) > d.limits.States {
			return &LimitError{Name: "States", Limit: d.limits.States, Got: len(d.sets)}
		}
		if d.steps > d.limits.Steps {
			return &LimitError{Name: "Steps", Limit: d.limits.Steps, Got: d.steps}
		}
		for sym := range reach {
			reach[sym] = reach[sym][:0]
		}
		universal := false
		for _, s := range d.sets[q] {
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
		for sym := range reach {
			to := int32(q)
			if !universal {
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
	d.key = appendStates(d.key[:0], targets)
	to, ok := d.seeded[string(d.key)]
	if !ok {
		key := string(d.key)
		to = d.visit(d.closure(targets, false, false), nil)
		d.seeded[key] = to
	}
	return to
}

func appendStates(key []byte, states []int32) []byte {
	for _, s := range states {
		key = append(key, byte(s), byte(s>>8), byte(s>>16), byte(s>>24))
	}
	return key
}

// closure returns the sorted character, match and end-anchor states reachable from
// seeds without reading. atBegin and atEnd say which anchors may be passed.
func (d *determinizer) closure(seeds []int32, atBegin, atEnd bool) []int32 {
	d.gen++
	d.stack = append(d.stack[:0], seeds...)
	var out []int32
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
				return []int32{s}
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
	slices.Sort(out)
	return out
}

// visit returns the state of a closure, or dead for the empty one. final is the closure
// as it is at the end of the text, given for the start state only: there the begin anchor
// may be passed as well, so it must not be shared with a later state of the same set.
func (d *determinizer) visit(set, final []int32) int32 {
	if len(set) == 0 && !slices.Contains(final, d.n.match) {
		return dead
	}
	d.key = d.key[:0]
	if final != nil {
		d.key = append(d.key, 1)
	}
	d.key = appendStates(d.key, set)
	id, ok := d.id[string(d.key)]
	if !ok {
		id = int32(len(d.sets))
		d.id[string(d.key)] = id
		d.sets = append(d.sets, set)
		if final == nil {
			final = d.closure(set, false, true)
		}
		d.out.accept = append(d.out.accept, slices.Contains(final, d.n.match))
	}
	return id
}
