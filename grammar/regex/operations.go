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
	s := newScratch()
	defer s.release()
	joint, toA, toB := joinAlphabets(&a.alphabet, &b.alphabet, s)
	if a.start == dead || b.start == dead {
		return &DFA{alphabet: joint, start: dead, minimal: true}, nil
	}
	out := s.automaton(joint)
	p := newPairs(len(b.accept), len(a.accept), s)
	out.start = p.visit(a.start, b.start)
	for i := 0; i < len(p.list); i++ {
		if len(p.list) > limits.States {
			return nil, &LimitError{Name: "States", Limit: limits.States, Got: len(p.list)}
		}
		x, y := int(p.list[i].a), int(p.list[i].b)
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

// Meet reports whether some string is accepted by both, as soon as the shortest is found, and makes no
// automaton of all of them. It fails as Intersect does.
func Meet(a, b *DFA, limits Limits) (bool, error) {
	limits = limits.withDefaults()
	if a.start == dead || b.start == dead {
		return false, nil
	}
	s := newScratch()
	defer s.release()
	_, toA, toB := joinAlphabets(&a.alphabet, &b.alphabet, s)
	p := newPairs(len(b.accept), len(a.accept), s)
	p.visit(a.start, b.start)
	for i := 0; i < len(p.list); i++ {
		x, y := int(p.list[i].a), int(p.list[i].b)
		if a.accept[x] && b.accept[y] {
			return true, nil
		}
		if len(p.list) > limits.States {
			return false, &LimitError{Name: "States", Limit: limits.States, Got: len(p.list)}
		}
		rowA := a.next[x*a.alphabet.symbols : (x+1)*a.alphabet.symbols]
		rowB := b.next[y*b.alphabet.symbols : (y+1)*b.alphabet.symbols]
		for sym, of := range toA {
			if m, n := rowA[of], rowB[toB[sym]]; m != dead && n != dead {
				p.visit(m, n)
			}
		}
	}
	return false, nil
}

// pairs numbers the pairs of two lists of numbers as they are met.
type pairs struct {
	list  []pair
	width int64           // of the second list
	dense []int32         // number of a pair, counted from 1, by a*width+b
	id    map[int64]int32 // the same where there may be too many
}

type pair struct{ a, b int32 }

// somePairs is what most lists do not outgrow.
const somePairs = 32

// maxDensePairs bounds the table of pairs: 256 KiB, which is cleared in some microseconds.
const maxDensePairs = 1 << 16

func newPairs(width, height int, s *scratch) *pairs {
	p := &pairs{width: int64(width), list: make([]pair, 0, somePairs)}
	if all := int64(height) * p.width; all <= maxDensePairs {
		p.dense = s.take(int(all))
	} else {
		p.id = make(map[int64]int32)
	}
	return p
}

func (p *pairs) visit(a, b int32) int32 {
	key := int64(a)*p.width + int64(b)
	if p.dense != nil {
		if at := p.dense[key]; at != 0 {
			return at - 1
		}
	} else if at, ok := p.id[key]; ok {
		return at
	}
	at := int32(len(p.list))
	p.list = append(p.list, pair{a, b})
	if p.dense != nil {
		p.dense[key] = at + 1
	} else {
		p.id[key] = at
	}
	return at
}

// joinAlphabets returns the coarsest alphabet that refines both, and for each of its
// symbols the symbol of a and of b.
func joinAlphabets(a, b *alphabet, s *scratch) (joint alphabet, toA, toB []int32) {
	most := len(a.starts) + len(b.starts)
	joint = alphabet{starts: make([]rune, 0, most), symbol: make([]int32, 0, most)}
	id := newPairs(b.symbols, a.symbols, s)
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
		sym := dead
		if x, y := a.symbol[i-1], b.symbol[j-1]; x != dead && y != dead {
			sym = id.visit(x, y)
		}
		joint.starts = append(joint.starts, at)
		joint.symbol = append(joint.symbol, sym)
	}
	joint.symbols = len(id.list)
	toA, toB = s.list(joint.symbols), s.list(joint.symbols)
	for _, p := range id.list {
		toA, toB = append(toA, p.a), append(toB, p.b)
	}
	return joint, toA, toB
}
