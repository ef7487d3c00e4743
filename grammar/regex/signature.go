package regex

import "slices"

// signatures tells states apart before they are compared: states that accept the same have the same, so
// that an automaton in which all differ is minimal. Most are.
//
// The distance of a state is the length of the shortest string after which it accepts and it did not
// before, or the other way round. What a state accepts determines its distance, and those of the states
// behind it; so it determines a text of what is behind it that goes down in distance, of which the
// signature is a hash. Where two states have one hash by chance they are compared as others are.
type signatures struct {
	class []int32 // number of the signature of each state
	rank  []int32 // by which they were made
	first []int32 // the first state of each
	count int
}

// exact reports whether all states of a signature accept the same: they lead to states of the same
// signatures, and none of another accepts the same.
func (g *signatures) exact(d *DFA) bool {
	k := d.alphabet.symbols
	for q, c := range g.class {
		r := int(g.first[c])
		if r == q {
			continue
		}
		other := d.next[r*k : r*k+k]
		for sym, t := range d.next[q*k : q*k+k] {
			if u := other[sym]; t != u && (t == dead || u == dead || g.class[t] != g.class[u]) {
				return false
			}
		}
	}
	return true
}

// maxSweeps bounds the looks at all states until distances are known: mostly it takes two or three,
// since most states lead to later ones.
const maxSweeps = 6

// signatures returns nil where they would take too long. The automaton is trimmed.
func (d *DFA) signatures(s *scratch) *signatures {
	dist := d.changes(s)
	if dist == nil {
		return nil
	}
	accept := s.take(len(dist))
	for q, yes := range d.accept {
		if yes {
			accept[q] = 1
		}
	}
	return d.sign(accept, dist, s)
}

// higher returns signatures that tell more states apart, those of a height: what such a state leads to has
// a lesser one. It returns g where that would tell none apart.
func (g *signatures) higher(d *DFA, s *scratch) *signatures {
	height := g.heights(d, s)
	if height == nil {
		return g
	}
	return d.sign(g.class, height, s)
}

// heights returns, for each state, how long strings are at most behind which some are accepted and some
// not, more than there are states where there is no bound; nil where none has one. Sets of words have one
// in all states, and so have their complements.
func (g *signatures) heights(d *DFA, s *scratch) []int32 {
	n, k := len(d.accept), d.alphabet.symbols
	const open = -1
	height := s.room(n)
	for q := range height {
		if height[q] = open; int(g.rank[q]) > n {
			height[q] = 0 // everything is accepted
		}
	}
	some, done := false, false
	for range maxSweeps {
		done = true
		for q := n - 1; q >= 0; q-- {
			if height[q] != open {
				continue
			}
			most := int32(0)
			for _, t := range d.next[q*k : q*k+k] {
				if t != dead {
					if height[t] == open {
						most = open
						break
					}
					most = max(most, height[t])
				}
			}
			if most != open {
				height[q] = most + 1
				some, done = true, false
			}
		}
		if done {
			break
		}
	}
	if !some || !done {
		return nil
	}
	for q := range height {
		if height[q] == open {
			height[q] = int32(n + 1)
		}
	}
	return height
}

// sign numbers the signatures of states that have a color and a rank, which what a state accepts
// determines.
func (d *DFA) sign(color, rank []int32, s *scratch) *signatures {
	hash := d.hashes(color, rank, s)
	n := len(rank)
	size := 16
	for size < 2*n {
		size *= 2
	}
	g := &signatures{class: s.room(n), rank: rank, first: s.list(n)}
	slots := s.take(size) // a state of each class, counted from 1
	for q := range n {
		at := int(hash[q]>>7) & (size - 1)
		for ; slots[at] != 0; at = (at + 1) & (size - 1) {
			if r := slots[at] - 1; hash[r] == hash[q] && rank[r] == rank[q] && color[r] == color[q] {
				break
			}
		}
		if slots[at] == 0 {
			slots[at] = int32(q) + 1
			g.class[q] = int32(g.count)
			g.first = append(g.first, int32(q))
			g.count++
		} else {
			g.class[q] = g.class[slots[at]-1]
		}
	}
	return g
}

// changes returns the distance of each state, more than there are states where there is none; nil if that
// takes more than maxSweeps.
func (d *DFA) changes(s *scratch) []int32 {
	n, k := len(d.accept), d.alphabet.symbols
	dist := s.room(n)
	for q := range dist {
		dist[q] = int32(n + 1)
	}
	for range maxSweeps {
		changed := false
		for q := n - 1; q >= 0; q-- {
			best, accept := dist[q], d.accept[q]
			if best == 1 {
				continue
			}
			for _, t := range d.next[q*k : q*k+k] {
				if t == dead && accept || t != dead && d.accept[t] != accept {
					best = 1
					break
				}
				if t != dead {
					best = min(best, dist[t]+1)
				}
			}
			if best < dist[q] {
				dist[q], changed = best, true
			}
		}
		if !changed {
			return dist
		}
	}
	return nil
}

// hashes returns the signature of each state. Those of a rank need those of lesser ones.
func (d *DFA) hashes(color, rank []int32, s *scratch) []uint64 {
	n, k := len(rank), d.alphabet.symbols
	if cap(s.hashes) < n {
		s.hashes = make([]uint64, 2*n)
	}
	hash := s.hashes[:n]
	for _, q := range byRank(rank, s) {
		own := rank[q]
		x := uint64(own)<<32 | uint64(color[q])
		for _, t := range d.next[int(q)*k : int(q)*k+k] {
			y := uint64(1) << 63
			if t != dead {
				if r := rank[t]; r < own {
					y = hash[t]
				} else {
					y = uint64(r)<<32 | uint64(color[t])
				}
			}
			x = (x ^ y) * 0x9E3779B97F4A7C15
			x ^= x >> 32
		}
		hash[q] = x
	}
	return hash
}

// byRank returns the states in the order of their ranks.
func byRank(rank []int32, s *scratch) []int32 {
	from := s.take(int(slices.Max(rank)) + 2)
	for _, v := range rank {
		from[v+1]++
	}
	for i := 1; i < len(from); i++ {
		from[i] += from[i-1]
	}
	order := s.room(len(rank))
	for q, v := range rank {
		order[from[v]] = int32(q)
		from[v]++
	}
	return order
}
