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
	if !d.minimal {
		return out.minimize()
	}
	s := newScratch()
	defer s.release()
	out = out.trim(s) // only a state that accepts everything can be new to the dead ones
	out.minimal = true
	return out
}

// Intersect returns the automaton of the strings that both accept. It fails with a
// *LimitError when the product has more than Limits.States states.
func Intersect(a, b *DFA, limits Limits) (*DFA, error) {
	limits = limits.withDefaults()
	joint, toA, toB := joinAlphabets(&a.alphabet, &b.alphabet)
	if a.start == dead || b.start == dead {
		return &DFA{alphabet: joint, start: dead, minimal: true}, nil
	}
	s := newScratch()
	defer s.release()
	out := s.automaton(joint)
	p := newProduct(a, b, s)
	out.start = p.visit(a.start, b.start)
	for i := 0; i < len(p.pairs); i++ {
		if len(p.pairs) > limits.States {
			return nil, &LimitError{Name: "States", Limit: limits.States, Got: len(p.pairs)}
		}
		x, y := int(p.pairs[i].a), int(p.pairs[i].b)
		out.accept = append(out.accept, a.accept[x] && b.accept[y])
		rowA := a.next[x*a.alphabet.symbols : (x+1)*a.alphabet.symbols]
		rowB := b.next[y*b.alphabet.symbols : (y+1)*b.alphabet.symbols]
		for sym := range joint.symbols {
			to := dead
			if s, t := rowA[toA[sym]], rowB[toB[sym]]; s != dead && t != dead {
				to = p.visit(s, t)
			}
			out.next = append(out.next, to)
		}
	}
	return out.minimize(), nil
}

// product numbers the pairs of states of two automata as they are met.
type product struct {
	pairs []struct{ a, b int32 }
	width int64           // states of b
	dense []int32         // number of a pair, counted from 1, by a*width+b
	id    map[int64]int32 // the same where there are too many pairs
}

// maxDensePairs bounds the table of pairs: 256 KiB, which is cleared in some microseconds.
const maxDensePairs = 1 << 16

func newProduct(a, b *DFA, s *scratch) *product {
	p := &product{width: int64(len(b.accept))}
	if all := int64(len(a.accept)) * p.width; all <= maxDensePairs {
		p.dense = s.take(int(all))
	} else {
		p.id = make(map[int64]int32)
	}
	return p
}

func (p *product) visit(a, b int32) int32 {
	key := int64(a)*p.width + int64(b)
	if p.dense != nil {
		if at := p.dense[key]; at != 0 {
			return at - 1
		}
	} else if at, ok := p.id[key]; ok {
		return at
	}
	at := int32(len(p.pairs))
	p.pairs = append(p.pairs, struct{ a, b int32 }{a, b})
	if p.dense != nil {
		p.dense[key] = at + 1
	} else {
		p.id[key] = at
	}
	return at
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
