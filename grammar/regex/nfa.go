package regex

import "slices"

// nfa is Thompson's automaton of a pattern, with the anchors as edges that may be taken
// only at the ends of the text.
type nfa struct {
	states []nfaState
	sets   []Set // distinct character sets, referred to by nfaState.set
	start  int32
	match  int32
	looks  []*look // referred to by nfaState.set of nfaLook
}

// nfaState has either one edge on a set of characters, or up to two edges on nothing.
type nfaState struct {
	kind nfaKind
	set  int32 // for nfaChar
	out  int32
	out2 int32 // second edge of nfaSplit; -1 without
}

type nfaKind uint8

const (
	nfaSplit nfaKind = iota
	nfaChar
	nfaBegin
	nfaEnd
	nfaMatch
	nfaLook // an edge on nothing where an assertion holds
)

// nfaBuilder unrolls a syntax tree.
type nfaBuilder struct {
	n      *nfa
	limit  int
	limits Limits // of the assertions' automata
	setIDs map[string]int32
	looks  map[*node]int32
}

// build makes the automaton of the texts in which the pattern matches somewhere: any
// text before and after, unless an anchor forbids it.
func (r *Regex) build(limits Limits) (*nfa, error) {
	b := &nfaBuilder{n: &nfa{}, limit: limits.NFAStates, limits: limits, looks: make(map[*node]int32), setIDs: make(map[string]int32)}
	// The match state loops on everything: once matched, whatever follows is accepted.
	b.n.match = b.add(nfaState{kind: nfaMatch, out: -1, out2: -1})
	start, err := b.compile(r.root, b.n.match)
	if err != nil {
		return nil, err
	}
	skip := b.add(nfaState{kind: nfaChar, set: b.setID(AllRunes)})
	b.n.start = b.add(nfaState{kind: nfaSplit, out: start, out2: skip})
	b.n.states[skip].out = b.n.start
	return b.n, nil
}

func (b *nfaBuilder) add(s nfaState) int32 {
	b.n.states = append(b.n.states, s)
	return int32(len(b.n.states) - 1)
}

func (b *nfaBuilder) setID(s Set) int32 {
	key := make([]byte, 0, len(s)*6)
	for _, r := range s {
		key = append(key, byte(r.Lo), byte(r.Lo>>8), byte(r.Lo>>16), byte(r.Hi), byte(r.Hi>>8), byte(r.Hi>>16))
	}
	id, ok := b.setIDs[string(key)]
	if !ok {
		id = int32(len(b.n.sets))
		b.n.sets = append(b.n.sets, s)
		b.setIDs[string(key)] = id
	}
	return id
}

// compile adds the states of a node that continues at out, and returns its first state.
func (b *nfaBuilder) compile(n *node, out int32) (int32, error) {
	if len(b.n.states) > b.limit {
		return 0, &LimitError{Name: "NFAStates", Limit: b.limit, Got: len(b.n.states)}
	}
	var err error
	switch n.op {
	case opSet:
		return b.add(nfaState{kind: nfaChar, set: b.setID(n.set), out: out, out2: -1}), nil
	case opBegin:
		return b.add(nfaState{kind: nfaBegin, out: out, out2: -1}), nil
	case opEnd:
		return b.add(nfaState{kind: nfaEnd, out: out, out2: -1}), nil
	case opConcat:
		for _, sub := range slices.Backward(n.subs) {
			if out, err = b.compile(sub, out); err != nil {
				return 0, err
			}
		}
	case opAlt:
		first := int32(-1)
		for _, sub := range n.subs {
			at, err := b.compile(sub, out)
			if err != nil {
				return 0, err
			}
			if first >= 0 {
				at = b.add(nfaState{kind: nfaSplit, out: first, out2: at})
			}
			first = at
		}
		return first, nil
	case opRepeat:
		return b.repeat(n, out)
	case opLook:
		at, ok := b.looks[n] // repetitions hold copies
		if !ok {
			l, err := newLook(n, b.limits)
			if err != nil {
				return 0, err
			}
			at = int32(len(b.n.looks))
			b.n.looks = append(b.n.looks, l)
			b.looks[n] = at
		}
		return b.add(nfaState{kind: nfaLook, set: at, out: out, out2: -1}), nil
	}
	return out, nil
}

// repeat unrolls a counted repetition: min copies, then optional ones or a loop.
func (b *nfaBuilder) repeat(n *node, out int32) (int32, error) {
	sub := n.subs[0]
	var err error
	if n.max < 0 {
		loop := b.add(nfaState{kind: nfaSplit, out2: out})
		body, err := b.compile(sub, loop)
		if err != nil {
			return 0, err
		}
		b.n.states[loop].out = body
		out = loop
	} else {
		end := out
		for range n.max - n.min {
			if out, err = b.compile(sub, out); err != nil {
				return 0, err
			}
			out = b.add(nfaState{kind: nfaSplit, out: out, out2: end})
		}
	}
	for range n.min {
		before := len(b.n.states)
		if out, err = b.compile(sub, out); err != nil {
			return 0, err
		}
		if len(b.n.states) == before {
			break // a body without states matches nothing but the empty string
		}
	}
	return out, nil
}
