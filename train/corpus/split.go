package corpus

import "hash/fnv"

// Split is one of the two halves of everything that is invented: what a model learns from, and
// what it is examined with. Words, values and phrases belong to one half each, so no
// conversation of one half holds a tool, a parameter's name, an entity or a phrasing of the
// other. Numbers, dates, booleans and the closed classes of words (days, units) belong to both.
type Split uint8

// The halves.
const (
	Train Split = iota
	HeldOut
)

// String returns the half's name on the command line.
func (s Split) String() string { return [...]string{"train", "heldout"}[s] }

// heldOutShare is one in how many values are held out.
const heldOutShare = 7

// splitOf returns the half to which a value belongs, by its hash. Tools, parameters and phrases
// belong to one by a mark in the pools.
func splitOf(text string) Split {
	h := fnv.New64a()
	h.Write([]byte(text))
	x := h.Sum64()
	x ^= x >> 32 // FNV's low bits alone depend on few characters
	if x%heldOutShare == 0 {
		return HeldOut
	}
	return Train
}

// half returns the words that belong to a half.
func half(words []string, s Split) []string {
	var out []string
	for _, word := range words {
		if splitOf(word) == s {
			out = append(out, word)
		}
	}
	return out
}
