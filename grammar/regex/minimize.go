package regex

import "slices"

// minimize returns the smallest automaton of the same language: states from which nothing is
// accepted and states that are not reached are removed, equivalent ones merged (Hopcroft 1971, in
// the form for partial automata of Valmari, Fast brief practical DFA minimization, 2012). Cost:
// transitions x log(transitions); transitions to the dead state are none.
func (d *DFA) minimize() *DFA {
	s := newScratch()
	defer s.release()
	given := d
	if d = d.trim(s); d.start == dead {
		d.minimal = true
		return d
	}
	g := d.signatures(s)
	if g != nil && g.count == len(d.accept) {
		if d == given { // which may be borrowed
			d = &DFA{alphabet: d.alphabet, next: slices.Clone(d.next), accept: slices.Clone(d.accept)}
		}
		d.minimal = true
		return d
	}
	if g != nil && !g.exact(d) {
		g = g.higher(d, s)
	}
	if g != nil && g.exact(d) {
		return d.quotient(g.class, g.count, s)
	}
	m := newMinimizer(d, g, s)
	m.refine()
	return d.quotient(m.states.block, len(m.states.start), s)
}

// trim returns the automaton of the states that are reached and from which something is accepted,
// in breadth-first order: d itself if it is that.
func (d *DFA) trim(s *scratch) *DFA {
	n, k := len(d.accept), d.alphabet.symbols
	useful := d.useful()
	if d.start == dead || !useful[d.start] {
		return &DFA{alphabet: d.alphabet, start: dead}
	}
	id := s.take(n) // counted from 1
	queue := append(s.list(n), d.start)
	id[d.start] = 1
	ordered := d.start == 0
	for i := 0; i < len(queue); i++ {
		q := int(queue[i])
		ordered = ordered && q == i
		for _, t := range d.next[q*k : q*k+k] {
			if t != dead && useful[t] && id[t] == 0 {
				queue = append(queue, t)
				id[t] = int32(len(queue))
			}
		}
	}
	if ordered && len(queue) == n {
		return d
	}
	out := &DFA{alphabet: d.alphabet, next: make([]int32, len(queue)*k), accept: make([]bool, len(queue))}
	for i, q := range queue {
		out.accept[i] = d.accept[q]
		row := out.next[i*k : i*k+k]
		for sym, t := range d.next[int(q)*k : int(q)*k+k] {
			row[sym] = dead
			if t != dead {
				row[sym] = id[t] - 1 // dead, too, where t is not useful
			}
		}
	}
	return out
}

// useful tells the states from which something is accepted.
func (d *DFA) useful() []bool {
	useful := slices.Clone(d.accept)
	d.spread(useful)
	return useful
}

// full tells the states from which everything is accepted.
func (d *DFA) full() []bool {
	k := d.alphabet.symbols
	out := make([]bool, len(d.accept)) // the others at first: those that lead to a refusal
	for q := range out {
		out[q] = !d.accept[q] || slices.Contains(d.next[q*k:q*k+k], dead)
	}
	d.spread(out)
	for q := range out {
		out[q] = !out[q]
	}
	return out
}

// spread adds to a set of states those that lead to it.
func (d *DFA) spread(in []bool) {
	k := d.alphabet.symbols
	// Most states that do lead there by themselves or a later one.
	left := 0
	for q := len(in) - 1; q >= 0; q-- {
		for _, t := range d.next[q*k : q*k+k] {
			if in[q] {
				break
			}
			in[q] = t != dead && in[t]
		}
		if !in[q] {
			left++
		}
	}
	if left == 0 || !d.leave(in) {
		return
	}
	preds := d.predecessors()
	var queue []int32
	for q := range in {
		if in[q] {
			queue = append(queue, int32(q))
		}
	}
	for i := 0; i < len(queue); i++ {
		for _, p := range preds.of(queue[i]) {
			if !in[p] {
				in[p] = true
				queue = append(queue, p)
			}
		}
	}
}

// leave reports whether some state that is not in a set leads to it.
func (d *DFA) leave(in []bool) bool {
	k := d.alphabet.symbols
	for q := range in {
		if in[q] {
			continue
		}
		for _, t := range d.next[q*k : q*k+k] {
			if t != dead && in[t] {
				return true
			}
		}
	}
	return false
}

// minimizer refines two partitions by each other: that of the states, and that of the transitions,
// which at first are told apart by their symbols. Transitions to the dead state are left out, or, where
// they are more, as in complements, those to the states from which everything is accepted: either is a
// block by itself, which no other block is equivalent to.
type minimizer struct {
	d      *DFA
	full   []bool // the states from which everything is accepted, if they are left out
	states partition
	edges  partition
	tail   []int32 // of each transition, where it comes from
	into   []int32 // transitions, those to state q at into[first[q]:first[q+1]]
	first  []int32
}

// partition holds numbers in an array in which each block is a contiguous segment.
type partition struct {
	order   []int32 // numbers, block by block
	where   []int32 // position of each number in order
	block   []int32 // block of each number
	start   []int32 // of each block in order
	end     []int32
	marked  []int32 // numbers marked in each block, moved to its front
	touched []int32 // blocks with marked numbers
}

// makePartition returns the partition of the numbers below n of no block yet.
func makePartition(n int, s *scratch) partition {
	p := partition{order: s.room(n), where: s.room(n), block: s.room(n), start: s.list(n), end: s.list(n), marked: s.list(n), touched: s.list(n)}
	for i := range p.order {
		p.order[i], p.where[i] = int32(i), int32(i)
	}
	return p
}

// add makes a block of the numbers at some positions.
func (p *partition) add(from, to int32) {
	if from == to {
		return
	}
	fresh := int32(len(p.start))
	p.start, p.end, p.marked = append(p.start, from), append(p.end, to), append(p.marked, 0)
	for _, i := range p.order[from:to] {
		p.block[i] = fresh
	}
}

// mark moves a number to the marked front of its block.
func (p *partition) mark(i int32) {
	b := p.block[i]
	at, border := p.where[i], p.start[b]+p.marked[b]
	if at < border {
		return
	}
	other := p.order[border]
	p.order[border], p.order[at] = i, other
	p.where[i], p.where[other] = border, at
	if p.marked[b]++; p.marked[b] == 1 {
		p.touched = append(p.touched, b)
	}
}

// split makes a block of its own of the marked numbers of each block, or of the others, whichever
// are fewer.
func (p *partition) split() {
	for _, b := range p.touched {
		from, border, to := p.start[b], p.start[b]+p.marked[b], p.end[b]
		p.marked[b] = 0
		if border == to {
			continue
		}
		if border-from <= to-border {
			p.start[b], to = border, border
		} else {
			p.end[b], from = border, border
		}
		p.add(from, to)
	}
	p.touched = p.touched[:0]
}

func newMinimizer(d *DFA, g *signatures, s *scratch) *minimizer {
	n := len(d.accept)
	m := &minimizer{d: d}
	count := m.leaveOut()
	total := n // of states, the dead one behind them if transitions to it count
	if m.full != nil {
		total++
	}
	m.states, m.edges = makePartition(total, s), makePartition(count, s)
	m.tail, m.into, m.first = s.list(count), s.room(count), s.take(total+1)
	if g != nil {
		m.begin(g, total, s)
	} else {
		m.divide(total)
	}
	head := m.number(s.list(count))
	sum := int32(0)
	for q, c := range m.first {
		sum += c
		m.first[q] = sum // the end, until the list is filled from behind
	}
	for e := count - 1; e >= 0; e-- {
		m.first[head[e]]--
		m.into[m.first[head[e]]] = int32(e)
	}
	return m
}

// leaveOut decides which transitions are left out, and returns how many there are of the others.
func (m *minimizer) leaveOut() int {
	toDead := 0
	for _, t := range m.d.next {
		if t == dead {
			toDead++
		}
	}
	count := len(m.d.next) - toDead
	if toDead >= count {
		return count
	}
	full, toFull, k := m.d.full(), 0, m.d.alphabet.symbols
	for i, t := range m.d.next {
		if t != dead && full[t] || full[i/k] {
			toFull++
		}
	}
	if toFull <= toDead {
		return count
	}
	m.full = full
	return len(m.d.next) - toFull
}

// begin makes the first blocks of states by their signatures, which tell those apart that divide does.
func (m *minimizer) begin(g *signatures, total int, s *scratch) {
	ends := s.take(g.count + 1)
	for _, c := range g.class {
		ends[c+1]++
	}
	for i := 1; i < len(ends); i++ {
		ends[i] += ends[i-1]
	}
	at := s.room(g.count)
	copy(at, ends)
	p := &m.states
	for q, c := range g.class {
		p.order[at[c]], p.where[q] = int32(q), at[c]
		at[c]++
	}
	for c := range g.count {
		p.add(ends[c], ends[c+1])
	}
	p.add(int32(len(g.class)), int32(total)) // the dead state
}

// divide makes the first blocks of states: those that accept, and those that have none of the
// transitions.
func (m *minimizer) divide(total int) {
	m.states.add(0, int32(total))
	for q, accept := range m.d.accept {
		if accept {
			m.states.mark(int32(q))
		}
	}
	m.states.split()
	if m.full == nil {
		return
	}
	m.states.mark(int32(total - 1))
	for q, full := range m.full {
		if full {
			m.states.mark(int32(q))
		}
	}
	m.states.split()
}

// number numbers the transitions by their symbol, so that those of one are a block as they stand, counts
// them by the states that they lead to, and returns those states.
func (m *minimizer) number(head []int32) []int32 {
	n, k := len(m.d.accept), m.d.alphabet.symbols
	for sym := range k {
		from := int32(len(head))
		for q := range n {
			t := m.d.next[q*k+sym]
			switch {
			case m.full == nil && t == dead, m.full != nil && (m.full[q] || t != dead && m.full[t]):
				continue
			case t == dead:
				t = int32(n)
			}
			m.tail, head = append(m.tail, int32(q)), append(head, t)
			m.first[t]++
		}
		m.edges.add(from, int32(len(head)))
	}
	return head
}

// refine splits states by the transitions that leave them, and transitions by the states that they
// lead to, until nothing is left to split: most automata are as small as can be, which shows before all
// of their transitions were looked at.
func (m *minimizer) refine() {
	for b, c := 1, 0; c < len(m.edges.start) && len(m.states.start) < len(m.states.order); c++ {
		for _, e := range m.edges.order[m.edges.start[c]:m.edges.end[c]] {
			m.states.mark(m.tail[e])
		}
		m.states.split()
		for ; b < len(m.states.start); b++ {
			for _, q := range m.states.order[m.states.start[b]:m.states.end[b]] {
				for _, e := range m.into[m.first[q]:m.first[q+1]] {
					m.edges.mark(e)
				}
			}
			m.edges.split()
		}
	}
}

// quotient builds the automaton of the blocks in breadth-first order, so that equal languages over
// equal alphabets give equal automata.
func (d *DFA) quotient(block []int32, n int, s *scratch) *DFA {
	k := d.alphabet.symbols
	out := &DFA{alphabet: d.alphabet, next: make([]int32, 0, n*k), accept: make([]bool, 0, n), minimal: true}
	id := s.take(n) // of each block, counted from 1
	queue := append(s.list(n), d.start)
	id[block[d.start]] = 1
	for i := 0; i < len(queue); i++ {
		q := int(queue[i])
		out.accept = append(out.accept, d.accept[q])
		for _, t := range d.next[q*k : q*k+k] {
			if t != dead {
				at := &id[block[t]]
				if *at == 0 {
					queue = append(queue, t)
					*at = int32(len(queue))
				}
				t = *at - 1
			}
			out.next = append(out.next, t)
		}
	}
	return out
}
