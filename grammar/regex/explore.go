package regex

// Machine describes a deterministic automaton by what it does: a state is any comparable
// value. It is how languages are made that counts and products define better than a
// pattern: dates, numbers within bounds, lengths inside of parts.
type Machine[S comparable] struct {
	Alphabet []Set // disjoint and not empty; no accepted string holds another code point
	Start    S
	// Step returns the state after a character of Alphabet[symbol], and false if nothing
	// that begins so is accepted.
	Step   func(s S, symbol int) (S, bool)
	Accept func(S) bool
}

// Explore returns the minimal automaton of a machine. It fails with a *LimitError when
// more than Limits.States states are reached. Cost: one Step for each state and symbol.
func Explore[S comparable](m Machine[S], limits Limits) (*DFA, error) {
	limits = limits.withDefaults()
	a, symbols := newAlphabet(m.Alphabet)
	column := make([]int, a.symbols) // of the machine's alphabet, -1 for other code points
	for i := range column {
		column[i] = -1
	}
	for i, of := range symbols {
		for _, sym := range of {
			column[sym] = i
		}
	}
	scratch := newScratch()
	defer scratch.release()
	d := scratch.automaton(a)
	id := map[S]int32{m.Start: 0}
	order := []S{m.Start}
	for i := 0; i < len(order); i++ {
		if len(order) > limits.States {
			return nil, &LimitError{Name: "States", Limit: limits.States, Got: len(order)}
		}
		s := order[i]
		d.accept = append(d.accept, m.Accept(s))
		last, lastTo := s, int32(i) // characters next to each other often lead to one state
		for _, symbol := range column {
			to := dead
			if symbol >= 0 {
				if t, ok := m.Step(s, symbol); ok && t == last {
					to = lastTo
				} else if ok {
					at, seen := id[t]
					if !seen {
						at = int32(len(order))
						id[t] = at
						order = append(order, t)
					}
					to, last, lastTo = at, t, at
				}
			}
			d.next = append(d.next, to)
		}
	}
	return d.minimize(), nil
}

// Prebuilt returns an automaton as a Regex, so that it can be used where a pattern is;
// name stands for it in messages and keys.
func Prebuilt(name string, d *DFA) *Regex { return &Regex{source: name, prebuilt: d} }
