package grammar

import "github.com/callama/callama/grammar/internal/mask"

// history holds the places of a text, one after the other. Copies share all but the last
// chunk, which is the only one that is written: a copy costs the same however long the text
// is. It is never empty.
type history struct {
	last *chunk // owned
	n    int    // places
}

// chunkLen is the number of places in a chunk: of half a kilobyte, so that neither copies nor
// long texts cost much.
const chunkLen = 32

type chunk struct {
	before *chunk // full and shared
	first  int    // places before this chunk
	places [chunkLen]mask.Pos
}

func newHistory(p mask.Pos) history {
	h := history{last: &chunk{}}
	h.push(p)
	return h
}

func (h *history) top() mask.Pos { return h.last.places[h.n-1-h.last.first] }

func (h *history) push(p mask.Pos) {
	if h.n == h.last.first+chunkLen {
		h.last = &chunk{before: h.last, first: h.n}
	}
	h.last.places[h.n-h.last.first] = p
	h.n++
}

// cut keeps the first n places, at least 1.
func (h *history) cut(n int) {
	c := h.last
	for c.first >= n {
		c = c.before
	}
	if c != h.last {
		own := *c
		h.last = &own
	}
	h.n = n
}

func (h *history) clone() history {
	own := *h.last
	return history{last: &own, n: h.n}
}
