package sampler

import (
	"math"
	"slices"
)

// Bounds of the list of likely tokens, beyond which a draw sums over all tokens. They are
// matters of speed: results do not depend on them.
const (
	// maxListed is the number of tokens to sort: up to about 100 µs.
	maxListed = 1024
	// listedNats is how far below the top, in natural-log units of the probability drawn
	// from, the list reaches: all of 151,936 tokens below it weigh less than 0.02 of the top.
	listedNats = 16
)

// rest is what is known of the tokens that are not in the list: how many, and that no logit
// of theirs is above logit.
type rest struct {
	count int
	logit float32
}

// gather sets the list to the allowed tokens above floor, sorted. It gives up and returns
// false when there are more than limit.
func (s *Sampler) gather(a allowed, floor float32, limit int) bool {
	s.list = s.list[:0]
	complete := true
	a.scan(floor, func(c candidate) float32 {
		if len(s.list) >= limit {
			complete = false
			return float32(math.Inf(1)) // nothing is above: the scan runs out
		}
		s.list = append(s.list, c)
		return floor
	})
	if complete {
		slices.SortFunc(s.list, compare)
	}
	return complete
}

// selectTop sets the list to the k most likely allowed tokens, sorted. One pass: whenever
// twice as many tokens as needed have passed the threshold, the better half stays and its
// last one is the new threshold. A later token that equals it has a higher id and loses.
func (s *Sampler) selectTop(a allowed, k int) {
	s.list = s.list[:0]
	threshold := float32(math.Inf(-1))
	a.scan(threshold, func(c candidate) float32 {
		s.list = append(s.list, c)
		if len(s.list) == 2*k {
			keepBest(s.list, k)
			s.list = s.list[:k]
			threshold = s.list[k-1].logit
		}
		return threshold
	})
	slices.SortFunc(s.list, compare)
	if len(s.list) > k {
		s.list = s.list[:k]
	}
}

// keepBest reorders c so that its first k are the best k, the worst of them last: Hoare's
// selection with the median of three as pivot.
func keepBest(c []candidate, k int) {
	lo, hi, last := 0, len(c)-1, k-1
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if compare(c[mid], c[lo]) < 0 {
			c[mid], c[lo] = c[lo], c[mid]
		}
		if compare(c[hi], c[lo]) < 0 {
			c[hi], c[lo] = c[lo], c[hi]
		}
		if compare(c[hi], c[mid]) < 0 {
			c[hi], c[mid] = c[mid], c[hi]
		}
		pivot, i, j := c[mid], lo, hi
		for i <= j {
			for compare(c[i], pivot) < 0 {
				i++
			}
			for compare(pivot, c[j]) < 0 {
				j--
			}
			if i <= j {
				c[i], c[j] = c[j], c[i]
				i++
				j--
			}
		}
		switch {
		case last <= j:
			hi = j
		case last >= i:
			lo = i
		default:
			return
		}
	}
}

// drawListed applies top-p, min-p and temperature to the sorted list and draws from it by u.
// It returns -1 when the tokens left out of the list could change the result.
func (s *Sampler) drawListed(top candidate, left rest, u float64) int32 {
	list := s.list
	if p := s.cfg.TopP; p > 0 && p < 1 {
		low, high := s.weigh(list, top, left, 1)
		n := crossing(s.weights, p*low, false)
		if n != crossing(s.weights, p*high, false) {
			return -1
		}
		if n < len(list) {
			list, left = list[:n+1], rest{}
		}
	}
	if s.cfg.MinP > 0 {
		least := minLogit(top, s.cfg.MinP)
		n := len(list)
		for n > 1 && list[n-1].logit < least {
			n--
		}
		if n < len(list) || left.logit < least {
			list, left = list[:n], rest{}
		}
	}
	low, high := s.weigh(list, top, left, s.cfg.Temperature)
	n := crossing(s.weights, u*low, true)
	if n != crossing(s.weights, u*high, true) || n == len(list) && left.count > 0 {
		return -1
	}
	return list[min(n, len(list)-1)].id
}

// minLogit is the least logit that min-p keeps.
func minLogit(top candidate, p float64) float32 {
	return float32(float64(top.logit) + math.Log(p))
}

// weigh sets weights to the running sums of the list's probabilities relative to the top
// token's, and returns the least and the greatest sum over all tokens.
func (s *Sampler) weigh(list []candidate, top candidate, left rest, temperature float64) (low, high float64) {
	s.weights = s.weights[:0]
	for _, c := range list {
		low += weight(c, top, temperature)
		s.weights = append(s.weights, low)
	}
	high = low
	if left.count > 0 {
		high += float64(left.count) * weight(candidate{logit: left.logit}, top, temperature)
	}
	return low, high
}

// weight is the probability of c relative to that of top, whose logit is not less.
func weight(c, top candidate, temperature float64) float64 {
	if c.logit == top.logit { // also where both are infinite
		return 1
	}
	return math.Exp((float64(c.logit) - float64(top.logit)) / temperature)
}

// crossing returns the index of the first running sum that reaches target, or exceeds it
// when beyond is set; the number of sums when none does.
func crossing(sums []float64, target float64, beyond bool) int {
	n, _ := slices.BinarySearchFunc(sums, target, func(sum, target float64) int {
		if sum > target || sum == target && !beyond {
			return 1
		}
		return -1
	})
	return n
}
