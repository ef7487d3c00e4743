package gguf

import (
	"math"
	"slices"
)

// symbol is a token of a piece under construction, in a list linked by indices.
type symbol struct {
	token      int32 // -1: merged into the one before
	prev, next int32
}

// candidate is a merge that may be done: of the symbol at index at and the one after it.
type candidate struct {
	merge
	at          int32
	left, right int32 // their tokens when it was found; it is void if they have changed
}

// before reports whether a merge comes before another: that of the lower rank, and the leftmost of
// equal ones.
func (c *candidate) before(d *candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.at < d.at
}

// merging is the memory in which the tokens of a piece are merged.
type merging struct {
	symbols []symbol
	queue   []candidate // a heap, as those of container/heap, which boxes what goes through it
}

// encodePiece appends the tokens of one piece: the merge of the lowest rank first, and
// the leftmost of equal ones.
func (e *Encoder) encodePiece(out []int32, text string, w *merging) []int32 {
	if e.whole != nil {
		if id, ok := e.whole(text); ok {
			return append(out, id)
		}
	}
	if len(text) >= math.MaxInt32 {
		panic("gguf: text of 2 GiB")
	}
	w.symbols = slices.Grow(w.symbols[:0], len(text))[:len(text)]
	for i := range len(text) {
		w.symbols[i] = symbol{e.bytes[text[i]], int32(i - 1), int32(i + 1)}
	}
	w.symbols[len(text)-1].next = -1
	for i := range len(text) - 1 {
		e.consider(w, int32(i))
	}
	for len(w.queue) > 0 {
		c := w.pop()
		left := &w.symbols[c.at]
		if left.token != c.left || left.next < 0 || w.symbols[left.next].token != c.right {
			continue
		}
		right := &w.symbols[left.next]
		left.token, right.token = c.token, -1
		if left.next = right.next; left.next >= 0 {
			w.symbols[left.next].prev = c.at
		}
		e.consider(w, left.prev)
		e.consider(w, c.at)
	}
	for at := int32(0); at >= 0; at = w.symbols[at].next {
		out = append(out, w.symbols[at].token)
	}
	return out
}

// consider queues the merge of the symbol at index at with the next one, if there is one.
func (e *Encoder) consider(w *merging, at int32) {
	if at < 0 || w.symbols[at].next < 0 {
		return
	}
	left, right := w.symbols[at].token, w.symbols[w.symbols[at].next].token
	if m, ok := e.merges.find(left, right); ok {
		w.push(candidate{m, at, left, right})
	}
}

// push puts a candidate into the queue.
func (w *merging) push(c candidate) {
	w.queue = append(w.queue, c)
	q := w.queue
	for i := len(q) - 1; i > 0; {
		parent := (i - 1) / 2
		if !q[i].before(&q[parent]) {
			break
		}
		q[i], q[parent] = q[parent], q[i]
		i = parent
	}
}

// pop takes the first candidate out of the queue.
func (w *merging) pop() candidate {
	first := w.queue[0]
	n := len(w.queue) - 1
	w.queue[0] = w.queue[n]
	q := w.queue[:n]
	w.queue = q
	for i := 0; ; {
		least := 2*i + 1
		if least >= n {
			break
		}
		if right := least + 1; right < n && q[right].before(&q[least]) {
			least = right
		}
		if !q[least].before(&q[i]) {
			break
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
	return first
}
