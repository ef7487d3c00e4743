package regex

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
