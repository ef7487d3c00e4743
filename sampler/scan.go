package sampler

import (
	"cmp"
	"math"
	"math/bits"

	"github.com/callama/callama/grammar/vocab"
)

// candidate is a token with its logit.
type candidate struct {
	logit float32
	id    int32
}

// compare orders candidates: the higher logit first, the lower id among equals. Logits are
// not NaN.
func compare(a, b candidate) int {
	switch {
	case a.logit > b.logit:
		return -1
	case a.logit < b.logit:
		return 1
	}
	return cmp.Compare(a.id, b.id)
}

// allowed is what a Sample may choose from: logits behind a mask.
type allowed struct {
	logits []float32
	mask   vocab.Mask // nil: all
	words  int        // 32-bit words of the mask that have logits
}

const wordBits = 32

func view(logits []float32, mask vocab.Mask) allowed {
	a := allowed{logits: logits, mask: mask, words: (len(logits) + wordBits - 1) / wordBits}
	if mask != nil {
		a.words = min(a.words, len(mask))
	}
	return a
}

// word returns the bits of the 32 tokens from 32*i on that are allowed and have a logit.
func (a *allowed) word(i int) uint32 {
	w := ^uint32(0)
	if a.mask != nil {
		w = a.mask[i]
	}
	if over := (i+1)*wordBits - len(a.logits); over > 0 {
		w &= ^uint32(0) >> over
	}
	return w
}

// count returns the number of allowed tokens.
func (a *allowed) count() int {
	if a.mask == nil {
		return len(a.logits)
	}
	n := 0
	for i := range a.words {
		n += bits.OnesCount32(a.word(i))
	}
	return n
}

// sparseWord is the number of allowed tokens in a word up to which walking its bits is
// faster than comparing all its 32 logits (measured; the balance is flat around it).
const sparseWord = 12

// scan visits, in ascending order of id, the allowed tokens whose logit is above the
// threshold; visit returns the threshold from there on. NaN is above nothing. Visits should
// be rare: their cost apart, the scan is about one comparison per logit.
func (a *allowed) scan(threshold float32, visit func(candidate) float32) {
	for i := range a.words {
		w := a.word(i)
		if w == 0 {
			continue
		}
		base := i * wordBits
		if base+wordBits > len(a.logits) || bits.OnesCount32(w) <= sparseWord {
			for ; w != 0; w &= w - 1 {
				j := base + bits.TrailingZeros32(w)
				if x := a.logits[j]; x > threshold {
					threshold = visit(candidate{x, int32(j)})
				}
			}
			continue
		}
		// Eight at a time: the threshold seldom moves, so the branches predict well.
		for o := 0; o < wordBits; o += 8 {
			b := (*[8]float32)(a.logits[base+o:])
			if !(b[0] > threshold || b[1] > threshold || b[2] > threshold || b[3] > threshold ||
				b[4] > threshold || b[5] > threshold || b[6] > threshold || b[7] > threshold) {
				continue
			}
			for j, x := range b {
				if x > threshold && w>>(o+j)&1 != 0 {
					threshold = visit(candidate{x, int32(base + o + j)})
				}
			}
		}
	}
}

// max returns the first of the most likely allowed tokens; false when all are -Inf or NaN,
// or none is allowed.
func (a *allowed) max() (candidate, bool) {
	top := candidate{float32(math.Inf(-1)), -1}
	a.scan(top.logit, func(c candidate) float32 {
		top = c
		return c.logit
	})
	return top, top.id >= 0
}

// hopeless chooses where max found nothing: the first token at -Inf, if there is one.
func (a *allowed) hopeless() (int32, error) {
	err := ErrEmptyMask
	for i := range a.words {
		for w := a.word(i); w != 0; w &= w - 1 {
			j := i*wordBits + bits.TrailingZeros32(w)
			if x := a.logits[j]; x == x {
				return int32(j), nil
			}
			err = ErrNaN
		}
	}
	return -1, err
}
