package regex

import (
	"cmp"
	"slices"
)

// Words returns the strings that d accepts if they are at most limit, in no particular
// order; all tells whether they are. Cost: linear in the length of the words.
func (d *DFA) Words(limit int) (words []string, all bool) {
	if d.Empty() {
		return nil, true
	}
	if _, longest := d.Lengths(); longest < 0 {
		return nil, false
	}
	sets := d.alphabet.sets()
	all = true
	var walk func(q int32, prefix []rune)
	walk = func(q int32, prefix []rune) {
		if d.accept[q] {
			if len(words) == limit {
				all = false
				return
			}
			words = append(words, string(prefix))
		}
		for sym, set := range sets {
			t := d.step(q, int32(sym))
			if t == dead {
				continue
			}
			for _, r := range set {
				for c := r.Lo; c <= r.Hi && all; c++ {
					walk(t, append(prefix[:len(prefix):len(prefix)], c))
				}
			}
		}
	}
	walk(d.start, nil)
	if !all {
		return nil, false
	}
	return words, true
}

// Count returns the number of strings that d accepts, at most limit. Cost: linear in the
// table.
func (d *DFA) Count(limit int) int {
	if d.Empty() {
		return 0
	}
	if d.farthest() < 0 {
		return limit
	}
	longest := d.longest(d.predecessors())
	order := make([]int32, 0, len(d.accept)) // states by the longest string from them: successors first
	for q := range d.accept {
		if longest[q] >= 0 {
			order = append(order, int32(q))
		}
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(longest[a], longest[b]) })
	size := make([]int, 0, d.alphabet.symbols)
	for _, set := range d.alphabet.sets() {
		n := 0
		for _, r := range set {
			n += int(r.Hi-r.Lo) + 1
		}
		size = append(size, n)
	}
	count := make([]int, len(d.accept))
	for _, q := range order {
		n := 0
		if d.accept[q] {
			n = 1
		}
		for sym, of := range size {
			if t := d.step(q, int32(sym)); t != dead && count[t] > 0 {
				if of > limit/count[t] {
					n = limit
					break
				}
				n += of * count[t]
			}
		}
		count[q] = min(n, limit)
	}
	return count[d.start]
}
