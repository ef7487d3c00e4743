package regex

// Without returns the automaton of the strings that d accepts, less some words. It fails with a
// *LimitError when that has more than Limits.States states.
func (d *DFA) Without(words []string, limits Limits) (*DFA, error) {
	trie := Literals(words...)
	if !d.minimal || d.start == dead || trie.start == dead || len(d.accept)+len(trie.accept) > limits.withDefaults().States {
		return Intersect(d, trie.Complement(), limits)
	}
	s := newScratch()
	defer s.release()
	joint, toD, toTrie := joinAlphabets(&d.alphabet, &trie.alphabet, s)
	w := &remover{d: d, trie: trie, toD: toD, toTrie: toTrie, out: s.automaton(joint)}
	w.follow(s)
	start := w.settle(s)
	return w.out.from(start, s), nil
}

// remover takes words out of a minimal automaton. States that a beginning of a word leads to are
// replaced by copies that know the word; where a text leaves all words the automaton goes on as it
// was. The copies form a tree, and the states of the automaton differ already, so that it is enough to
// compare the copies, the last ones first, with what is known (as Carrasco and Forcada do, Incremental
// construction and maintenance of minimal finite-state automata, 2002).
type remover struct {
	d, trie     *DFA
	toD, toTrie []int32 // for each symbol of out
	copies      *pairs  // of a state of d and a node
	out         *DFA    // the states of d, and behind them the copies that differ from them
}

// follow finds the copies.
func (w *remover) follow(s *scratch) {
	w.copies = newPairs(len(w.trie.accept), len(w.d.accept), s)
	w.copies.visit(w.d.start, w.trie.start)
	for i := 0; i < len(w.copies.list); i++ {
		q, node := w.copies.list[i].a, w.copies.list[i].b
		for sym, x := range w.toD {
			if t, next := w.d.step(q, x), w.trie.step(node, w.toTrie[sym]); t != dead && next != dead {
				w.copies.visit(t, next)
			}
		}
	}
}

// settle makes the states of out, and returns the first.
func (w *remover) settle(s *scratch) int32 {
	known := makeLists(s) // rows, behind 1 where the state accepts
	row := s.take(len(w.toD) + 1)
	state := func(accept bool) int32 {
		row[0] = 0
		if accept {
			row[0] = 1
		}
		n, fresh := known.number(row)
		if fresh {
			w.out.accept = append(w.out.accept, accept)
			w.out.next = append(w.out.next, row[1:]...)
		}
		return n
	}
	for q, accept := range w.d.accept {
		for sym, x := range w.toD {
			row[sym+1] = w.d.step(int32(q), x)
		}
		state(accept)
	}
	settled := s.take(len(w.copies.list))
	for i := len(settled) - 1; i >= 0; i-- {
		q, node := w.copies.list[i].a, w.copies.list[i].b
		accept := w.d.accept[q] && !w.trie.accept[node]
		lives := accept
		for sym, x := range w.toD {
			t := w.d.step(q, x)
			if next := w.trie.step(node, w.toTrie[sym]); t != dead && next != dead {
				t = settled[w.copies.visit(t, next)]
			}
			row[sym+1] = t
			lives = lives || t != dead
		}
		if settled[i] = dead; lives {
			settled[i] = state(accept)
		}
	}
	return settled[0]
}

// from returns the part of an automaton that a state leads to, in breadth-first order. All states must
// differ, and lead to some that accept.
func (d *DFA) from(start int32, s *scratch) *DFA {
	out := &DFA{alphabet: d.alphabet, start: dead, minimal: true}
	if start == dead {
		return out
	}
	out.start = 0
	k := d.alphabet.symbols
	id := s.take(len(d.accept)) // counted from 1
	id[start] = 1
	queue := append(s.list(len(d.accept)), start)
	for i := 0; i < len(queue); i++ {
		q := int(queue[i])
		for _, t := range d.next[q*k : q*k+k] {
			if t != dead && id[t] == 0 {
				queue = append(queue, t)
				id[t] = int32(len(queue))
			}
		}
	}
	out.next, out.accept = make([]int32, len(queue)*k), make([]bool, len(queue))
	for i, q := range queue {
		out.accept[i] = d.accept[q]
		row := out.next[i*k : i*k+k]
		for sym, t := range d.next[int(q)*k : int(q)*k+k] {
			if row[sym] = dead; t != dead {
				row[sym] = id[t] - 1
			}
		}
	}
	return out
}
