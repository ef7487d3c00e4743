package vocab

import (
	"iter"
	"math/bits"
)

// Mask is a set of tokens: bit t%32 of word t/32 is 1 when token t is allowed (least
// significant bit first, as in XGrammar and llguidance). Its width is that of the logits,
// which may be larger than the tokenizer's vocabulary; the bits beyond are 0.
// A Mask is plain memory: the caller owns it and synchronises access.
type Mask []uint32

// NewMask returns an empty Mask for n tokens.
func NewMask(n int) Mask { return make(Mask, (n+31)/32) }

// Has reports whether token t is in the set. Tokens outside the width are not.
func (m Mask) Has(t int32) bool {
	i := uint32(t)
	return int(i/32) < len(m) && m[i/32]&(1<<(i%32)) != 0
}

// Set adds token t, which must be within the width.
func (m Mask) Set(t int32) { m[uint32(t)/32] |= 1 << (uint32(t) % 32) }

// Unset removes token t, which must be within the width.
func (m Mask) Unset(t int32) { m[uint32(t)/32] &^= 1 << (uint32(t) % 32) }

// Flip adds token t if it is not in the set and removes it if it is.
func (m Mask) Flip(t int32) { m[uint32(t)/32] ^= 1 << (uint32(t) % 32) }

// Clear empties the set.
func (m Mask) Clear() { clear(m) }

// Or adds every token of o, which must not be wider than m.
func (m Mask) Or(o Mask) {
	for i, w := range o {
		m[i] |= w
	}
}

// And removes every token that is not in o, which must be as wide as m.
func (m Mask) And(o Mask) {
	for i, w := range o[:len(m)] {
		m[i] &= w
	}
}

// Count returns the number of tokens in the set.
func (m Mask) Count() int {
	n := 0
	for _, w := range m {
		n += bits.OnesCount32(w)
	}
	return n
}

// All yields the tokens of the set in ascending order.
func (m Mask) All(yield func(int32) bool) { m.Without(nil)(yield) }

// Without yields the tokens of the set that are not in o, in ascending order; widths may differ.
func (m Mask) Without(o Mask) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for i, w := range m {
			if i < len(o) {
				w &^= o[i]
			}
			for w != 0 {
				if !yield(int32(i*32 + bits.TrailingZeros32(w))) {
					return
				}
				w &= w - 1
			}
		}
	}
}

// Equal reports whether both sets hold the same tokens; widths may differ.
func (m Mask) Equal(o Mask) bool {
	if len(m) < len(o) {
		m, o = o, m
	}
	for i, w := range m {
		if i < len(o) && w != o[i] || i >= len(o) && w != 0 {
			return false
		}
	}
	return true
}
