package regex

// Complement returns the automaton of every string that d does not accept.
func (d *DFA) Complement() *DFA {
	n, k := len(d.accept), d.alphabet.symbols
	out := &DFA{alphabet: d.alphabet, start: d.start}
	if out.start == dead {
		out.start = int32(n)
	}
	out.next = make([]int32, (n+1)*k)
	out.accept = make([]bool, n+1)
	for i := range out.next {
		out.next[i] = int32(n)
		if i < n*k && d.next[i] != dead {
			out.next[i] = d.next[i]
		}
	}
	for q := range n {
		out.accept[q] = !d.accept[q]
	}
	out.accept[n] = true
	return out.minimize()
}

// Intersect returns the automaton of the strings that both accept. It fails with a
// *LimitError when the product has more than Limits.States states.
func Intersect(a, b *DFA, limits Limits) (*DFA, error) {
	limits = limits.withDefaults()
	type pair struct{ a, b int32 }
	joint, toA, toB := joinAlphabets(&a.alphabet, &b.alphabet)
	out := &DFA{alphabet: joint, start: dead}
	id := make(map[pair]int32)
	var queue []pair
	visit := func(p pair) int32 {
		if p.a == dead || p.b == dead {
			return dead
		}
		at, ok := id[p]
		if !ok {
			at = int32(len(queue))
			id[p] = at
			queue = append(queue, p)
		}
		return at
	}
	out.start = visit(pair{a.start, b.start})
	for i := 0; i < len(queue); i++ {
		if len(queue) > limits.States {
			return nil, &LimitError{Name: "States", Limit: limits.States, Got: len(queue)}
		}
		p := queue[i]
		out.accept = append(out.accept, a.accept[p.a] && b.accept[p.b])
		for sym := range joint.symbols {
			out.next = append(out.next, visit(pair{a.step(p.a, toA[sym]), b.step(p.b, toB[sym])}))
		}
	}
	return out.minimize(), nil
}

// joinAlphabets returns the coarsest alphabet that refines both, and for each of its
// symbols the symbol of a and of b.
func joinAlphabets(a, b *alphabet) (joint alphabet, toA, toB []int32) {
	type pair struct{ a, b int32 }
	id := make(map[pair]int32)
	for i, j := 0, 0; i < len(a.starts) || j < len(b.starts); {
		var at rune
		switch {
		case j == len(b.starts) || (i < len(a.starts) && a.starts[i] < b.starts[j]):
			at = a.starts[i]
			i++
		case i == len(a.starts) || b.starts[j] < a.starts[i]:
			at = b.starts[j]
			j++
		default:
			at = a.starts[i]
			i++
			j++
		}
		p := pair{a.symbol[i-1], b.symbol[j-1]}
		sym := dead
		if p.a != dead && p.b != dead {
			var ok bool
			if sym, ok = id[p]; !ok {
				sym = int32(len(id))
				id[p] = sym
				toA, toB = append(toA, p.a), append(toB, p.b)
			}
		}
		joint.starts = append(joint.starts, at)
		joint.symbol = append(joint.symbol, sym)
	}
	joint.symbols = len(id)
	return joint, toA, toB
}
