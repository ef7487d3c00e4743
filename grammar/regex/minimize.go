package regex

// minimize returns the smallest automaton of the same language: states from which
// nothing is accepted are removed, equivalent ones merged (Hopcroft 1971), unreachable
// ones dropped. Cost: states x symbols x log(states).
func (d *DFA) minimize() *DFA {
	if d.start == dead {
		return &DFA{alphabet: d.alphabet, start: dead}
	}
	p := newPartition(d)
	p.refine()
	return p.quotient()
}

// partition is Hopcroft's state: the states in an array in which each block is a
// contiguous segment. State n is the completing sink.
type partition struct {
	d       *DFA
	n, k    int
	order   []int32 // states, block by block
	where   []int32 // position of each state in order
	block   []int32 // block of each state
	first   []int32 // first position of each block
	size    []int32
	marked  []int32 // states marked in each block, moved to its front
	from    []int32 // [symbol*(n+1)+state] -> where its predecessors begin in sources; one more at the end
	sources []int32 // predecessors
	work    []int32 // blocks to split by
	queued  []bool
}

func newPartition(d *DFA) *partition {
	n, k := len(d.accept), d.alphabet.symbols
	p := &partition{d: d, n: n, k: k, where: make([]int32, n+1), block: make([]int32, n+1)}
	p.index()
	for pass := range 2 {
		from := int32(len(p.order))
		for q := 0; q <= n; q++ {
			if (q < n && d.accept[q]) == (pass == 0) {
				p.where[q] = int32(len(p.order))
				p.block[q] = int32(len(p.first))
				p.order = append(p.order, int32(q))
			}
		}
		if count := int32(len(p.order)) - from; count > 0 {
			p.addBlock(from, count)
			p.push(int32(len(p.first) - 1))
		}
	}
	return p
}

// index collects the predecessors of each state by each symbol, those of one next to each
// other.
func (p *partition) index() {
	n, k := p.n, p.k
	p.from = make([]int32, k*(n+1)+1)
	p.sources = make([]int32, k*(n+1))
	at := func(q, sym int) int {
		if q < n {
			if to := p.d.next[q*k+sym]; to != dead {
				return sym*(n+1) + int(to)
			}
		}
		return sym*(n+1) + n
	}
	for q := 0; q <= n; q++ {
		for sym := range k {
			p.from[at(q, sym)]++
		}
	}
	sum := int32(0)
	for i, count := range p.from {
		sum += count
		p.from[i] = sum // the end, until the list is filled from behind
	}
	for q := n; q >= 0; q-- {
		for sym := range k {
			cell := at(q, sym)
			p.from[cell]--
			p.sources[p.from[cell]] = int32(q)
		}
	}
}

func (p *partition) addBlock(first, size int32) {
	p.first = append(p.first, first)
	p.size = append(p.size, size)
	p.marked = append(p.marked, 0)
	p.queued = append(p.queued, false)
}

func (p *partition) push(b int32) {
	if !p.queued[b] {
		p.queued[b] = true
		p.work = append(p.work, b)
	}
}

func (p *partition) refine() {
	var splitter, touched []int32
	for len(p.work) > 0 {
		b := p.work[len(p.work)-1]
		p.work = p.work[:len(p.work)-1]
		p.queued[b] = false
		splitter = append(splitter[:0], p.order[p.first[b]:p.first[b]+p.size[b]]...)
		for sym := range p.k {
			touched = touched[:0]
			for _, t := range splitter {
				cell := sym*(p.n+1) + int(t)
				for _, q := range p.sources[p.from[cell]:p.from[cell+1]] {
					if p.mark(q) {
						touched = append(touched, p.block[q])
					}
				}
			}
			for _, c := range touched {
				p.split(c)
			}
		}
	}
}

// mark moves a state to the marked front of its block; it reports whether the block had
// no marked state before.
func (p *partition) mark(q int32) bool {
	b := p.block[q]
	border := p.first[b] + p.marked[b]
	at := p.where[q]
	if at < border {
		return false
	}
	other := p.order[border]
	p.order[border], p.order[at] = q, other
	p.where[q], p.where[other] = border, at
	p.marked[b]++
	return p.marked[b] == 1
}

// split makes the marked states of a block a block of their own.
func (p *partition) split(b int32) {
	m := p.marked[b]
	p.marked[b] = 0
	if m == p.size[b] {
		return
	}
	fresh := int32(len(p.first))
	p.addBlock(p.first[b], m)
	p.first[b] += m
	p.size[b] -= m
	for _, q := range p.order[p.first[fresh] : p.first[fresh]+m] {
		p.block[q] = fresh
	}
	if p.queued[b] || m <= p.size[b] {
		p.push(fresh)
	} else {
		p.push(b)
	}
}

// quotient builds the automaton of the blocks reachable from the start, in breadth-first
// order, so that equal languages over equal alphabets give equal automata.
func (p *partition) quotient() *DFA {
	out := &DFA{alphabet: p.d.alphabet, start: dead}
	sink := p.block[p.n]
	id := make(map[int32]int32)
	var queue []int32
	visit := func(q int32) int32 {
		b := p.block[q]
		if b == sink {
			return dead
		}
		at, ok := id[b]
		if !ok {
			at = int32(len(queue))
			id[b] = at
			queue = append(queue, q)
		}
		return at
	}
	out.start = visit(p.d.start)
	for i := 0; i < len(queue); i++ {
		q := int(queue[i])
		out.accept = append(out.accept, p.d.accept[q])
		for sym := range p.k {
			to := p.d.next[q*p.k+sym]
			if to != dead {
				to = visit(to)
			}
			out.next = append(out.next, to)
		}
	}
	return out
}
