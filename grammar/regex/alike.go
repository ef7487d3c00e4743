package regex

import "sync"

// alikes remembers, for texts of up to so many characters, which states stand for which. The zero
// alikes is ready to use; safe for concurrent use.
type alikes struct {
	mu      sync.Mutex
	byReach map[int32][]int32
}

// Bounds of the automata whose states are compared: of states, and of symbols looked at in all, some
// milliseconds.
const (
	maxAlikeStates = 2048
	maxAlikeSteps  = 1 << 20
)

// alike returns for each state the first that no text of up to reach characters tells from it, neither by what
// is accepted nor by the least bytes to the end; nil if all states differ. A pattern of up to a hundred
// words is an automaton of some hundred states, of which all but the last few are alike for a
// token. Moore's refinement, one round for each character.
func (m *machine) alike(reach int32) []int32 {
	if m.n <= reach || m.n > maxAlikeStates { // states of a least automaton differ after as many characters as it has states
		return nil
	}
	a := &m.alikes
	a.mu.Lock()
	defer a.mu.Unlock()
	if first, known := a.byReach[reach]; known {
		return first
	}
	if a.byReach == nil {
		a.byReach = make(map[int32][]int32)
	}
	a.byReach[reach] = m.refine(reach)
	return a.byReach[reach]
}

func (m *machine) refine(rounds int32) []int32 {
	type start struct {
		accept bool
		bytes  int32
	}
	class := make([]int32, m.n)
	starts := make(map[start]int32)
	for q := range class {
		s := start{m.d.accept[q], m.light[q].bytes}
		c, ok := starts[s]
		if !ok {
			c = int32(len(starts))
			starts[s] = c
		}
		class[q] = c
	}
	classes, k := len(starts), m.d.alphabet.symbols
	next := make([]int32, m.n)
	var key []int32
	var found lists
	for steps := 0; rounds > 0; rounds-- {
		if steps += len(m.d.next); steps > maxAlikeSteps {
			return nil
		}
		found.reset()
		for q := range class {
			key = append(key[:0], class[q])
			for _, t := range m.d.next[q*k : q*k+k] {
				if t != dead {
					t = class[t]
				}
				key = append(key, t)
			}
			next[q], _ = found.number(key)
		}
		class, next = next, class
		if len(found.ends) == classes {
			break // nothing was told apart, and so it stays
		}
		if classes = len(found.ends); classes == int(m.n) {
			return nil
		}
	}
	return firsts(class, classes)
}

// firsts returns for each state the first of its class.
func firsts(class []int32, classes int) []int32 {
	first := make([]int32, classes)
	for q := len(class) - 1; q >= 0; q-- {
		first[class[q]] = int32(q)
	}
	out := make([]int32, len(class))
	for q, c := range class {
		out[q] = first[c]
	}
	return out
}
