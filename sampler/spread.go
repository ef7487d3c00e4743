package sampler

import (
	"math"
	"math/bits"
	"slices"
)

// Where thousands of tokens are likely, sorting them to walk down their probabilities would
// cost milliseconds. Instead they are summed into narrow bins by logit, highest first: the
// bin in which a running sum crosses its target is found from the sums, and only that bin's
// tokens are sorted and walked. The result is that of the full sort.
const (
	// binsPerNat bins share one natural-log unit of probability. With 64, a bin of the
	// flattest distribution holds a few thousand of 151,936 tokens, and the cubic
	// below errs by less than 1e-8.
	binsPerNat = 64
	// binCount bins reach 32 nats down; the last one takes all below. 16 KiB: they stay in
	// the first-level cache.
	binCount = 32 * binsPerNat
)

// drawSpread applies top-p, min-p and temperature to all allowed tokens and draws by u.
func (s *Sampler) drawSpread(a allowed, top candidate, u float64) int32 {
	last := candidate{float32(math.Inf(-1)), math.MaxInt32} // the last token kept
	if p := s.cfg.TopP; p > 0 && p < 1 {
		last = s.cross(a, top, last, 1, p, false)
	}
	if s.cfg.MinP > 0 {
		if least := (candidate{minLogit(top, s.cfg.MinP), math.MaxInt32}); compare(least, last) < 0 {
			last = least
		}
	}
	return s.cross(a, top, last, s.cfg.Temperature, u, true).id
}

// cross walks down the tokens, most likely first, to the one at which the sum of their
// probabilities reaches (or, with beyond, exceeds) share of the whole. Tokens after last do
// not count.
func (s *Sampler) cross(a allowed, top, last candidate, temperature, share float64, beyond bool) candidate {
	scale := binsPerNat / temperature
	s.fillBins(a, top, last, scale)
	total := 0.0
	for b := range s.bins {
		if b < binCount-1 {
			s.bins[b] *= math.Exp(-float64(b) / binsPerNat)
		}
		total += s.bins[b]
	}
	target, before, bin := share*total, 0.0, 0
	for b, sum := range s.bins {
		if sum == 0 {
			continue
		}
		bin = b
		if before+sum > target || before+sum == target && !beyond {
			break
		}
		before += sum
	}
	s.gatherBin(a, top, last, scale, bin)
	found := s.list[0]
	for _, c := range s.list {
		w := weight(c, top, temperature)
		if w == 0 {
			break
		}
		found = c
		if before += w; before > target || before == target && !beyond {
			break
		}
	}
	return found
}

// binOf returns the bin of a logit and how far it lies into the bin, in nats.
func binOf(logit, top float32, scale float64) (bin int, r float64) {
	y := (float64(top) - float64(logit)) * scale
	if y >= binCount-1 {
		return binCount - 1, 0
	}
	b := int(y)
	return b, (y - float64(b)) / binsPerNat
}

// fillBins sums exp(-r) of every bin's tokens, r being the distance from the bin's upper
// edge; the common factor of a bin is for the caller. The last bin gets whole probabilities.
func (s *Sampler) fillBins(a allowed, top, last candidate, scale float64) {
	if s.bins == nil {
		s.bins = make([]float64, binCount)
	}
	clear(s.bins)
	for i := range a.words {
		base := i * wordBits
		for w := a.word(i); w != 0; w &= w - 1 {
			j := base + bits.TrailingZeros32(w)
			x := a.logits[j]
			if !(x >= last.logit) || x == last.logit && int32(j) > last.id { // NaN included
				continue
			}
			b, r := binOf(x, top.logit, scale)
			if b == binCount-1 {
				s.bins[b] += math.Exp((float64(x) - float64(top.logit)) * scale / binsPerNat)
				continue
			}
			s.bins[b] += 1 - r*(1-r*(0.5-r*(1.0/6)))
		}
	}
}

// gatherBin sets the list to the tokens of one bin up to last, sorted.
func (s *Sampler) gatherBin(a allowed, top, last candidate, scale float64, bin int) {
	// One bin of slack below: the rounding of the floor must not lose a token.
	floor := float32(float64(top.logit) - float64(bin+2)/scale)
	if bin == binCount-1 {
		floor = float32(math.Inf(-1))
	}
	s.list = s.list[:0]
	a.scan(floor, func(c candidate) float32 {
		if b, _ := binOf(c.logit, top.logit, scale); b == bin && compare(c, last) <= 0 {
			s.list = append(s.list, c)
		}
		return floor
	})
	slices.SortFunc(s.list, compare)
}
