package grammar

// history holds the places of a text, one after the other. Copies share all but the last
// chunk, which is the only one that is written: a copy costs the same however long the text
// is. It is never empty.
type history[P any] struct {
	last   *chunk[P] // owned
	n      int       // places
	shared int       // chunks that begin before this place may be those of copies too
	spare  *chunk[P] // owned, for the places to come
}

// chunkLen is the number of places in a chunk: of half a kilobyte for those of a Pos, so that neither copies nor
// long texts cost much.
const chunkLen = 32

type chunk[P any] struct {
	before *chunk[P] // full
	first  int       // places before this chunk
	places [chunkLen]P
}

func newHistory[P any](p P) history[P] {
	h := history[P]{last: &chunk[P]{}}
	h.push(p)
	return h
}

func (h *history[P]) top() P { return h.last.places[h.n-1-h.last.first] }

func (h *history[P]) push(p P) {
	if h.n == h.last.first+chunkLen {
		next := h.spare
		if next == nil {
			next = &chunk[P]{}
		} else {
			h.spare = next.before
		}
		next.before, next.first = h.last, h.n
		h.last = next
	}
	h.last.places[h.n-h.last.first] = p
	h.n++
}

// cut keeps the first n places, at least 1.
func (h *history[P]) cut(n int) {
	for h.last.first >= n {
		c := h.last
		h.last = c.before
		if h.last.first < h.shared { // the one before may be read by copies
			own := *h.last
			h.last = &own
			h.shared = own.first
		}
		clear(c.places[:]) // what it held may be large
		c.before, h.spare = h.spare, c
	}
	h.n = n
}

func (h *history[P]) clone() history[P] {
	h.shared = h.last.first
	own := *h.last
	return history[P]{last: &own, n: h.n, shared: h.shared}
}
