package bench

import (
	"math"
	"math/bits"
	"time"
)

// stepBits is the resolution of a Histogram: 2^stepBits buckets for each power of two, so
// that a bucket is at most 0.4 % wide.
const stepBits = 8

// blockBits says how many buckets are held together, 2^blockBits: few, as the hundred samples of a
// small data set lie in as many places.
const blockBits = 5

// Histogram counts durations in buckets whose width grows with them, so that millions of
// samples cost some 10 KB and any percentile is exact to 0.4 %; sum and maximum are exact. The
// zero value is empty and ready.
type Histogram struct {
	blocks []*[1 << blockBits]int64 // of the counts of the buckets; nil where there are no samples
	n      int64
	sum    time.Duration
	max    time.Duration
}

// bucket returns the index of the bucket of d.
func bucket(d time.Duration) int {
	x := uint64(max(d, 0))
	if x < 1<<stepBits {
		return int(x)
	}
	shift := bits.Len64(x) - 1 - stepBits
	return (shift+1)<<stepBits + int(x>>shift)&(1<<stepBits-1)
}

// upper returns the largest duration of a bucket.
func upper(i int) time.Duration {
	if i < 1<<stepBits {
		return time.Duration(i)
	}
	shift := i>>stepBits - 1
	return time.Duration((uint64(1<<stepBits|i&(1<<stepBits-1))+1)<<shift - 1)
}

// Add counts one sample.
func (h *Histogram) Add(d time.Duration) {
	i := bucket(d)
	at := i >> blockBits
	if at >= len(h.blocks) {
		h.blocks = append(h.blocks, make([]*[1 << blockBits]int64, at+1-len(h.blocks))...)
	}
	if h.blocks[at] == nil {
		h.blocks[at] = new([1 << blockBits]int64)
	}
	h.blocks[at][i&(1<<blockBits-1)]++
	h.n++
	h.sum += d
	h.max = max(h.max, d)
}

// N is the number of samples.
func (h *Histogram) N() int64 { return h.n }

// Max is the greatest sample, 0 without samples.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean is the mean of the samples, 0 without samples.
func (h *Histogram) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return h.sum / time.Duration(h.n)
}

// Quantile returns the sample below which the part q of all samples lies, 0 <= q <= 1, as
// MaskBench's script does: the one with index floor(n·q) in ascending order.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	index := min(int64(math.Floor(float64(h.n)*q)), h.n-1)
	if index == h.n-1 {
		return h.max
	}
	for i, c := range h.counts {
		if index < c {
			return min(upper(i), h.max)
		}
		index -= c
	}
	return h.max
}

// counts yields the buckets that have samples, in ascending order, each with their number.
func (h *Histogram) counts(yield func(bucket int, n int64) bool) {
	for at, block := range h.blocks {
		if block == nil {
			continue
		}
		for i, n := range block {
			if n != 0 && !yield(at<<blockBits+i, n) {
				return
			}
		}
	}
}

// Steps yields the cumulative distribution: durations in ascending order, each with the
// part of the samples that are not greater.
func (h *Histogram) Steps(yield func(d time.Duration, part float64) bool) {
	var below int64
	for i, c := range h.counts {
		below += c
		if !yield(min(upper(i), h.max), float64(below)/float64(h.n)) {
			return
		}
	}
}
