package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestHistogram compares with the sorted samples.
func TestHistogram(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var h Histogram
	var samples []time.Duration
	var sum time.Duration
	for range 20_000 {
		d := time.Duration(math.Exp(r.Float64() * 25))
		h.Add(d)
		samples = append(samples, d)
		sum += d
	}
	slices.Sort(samples)
	if h.N() != int64(len(samples)) || h.Max() != samples[len(samples)-1] || h.Mean() != sum/time.Duration(len(samples)) {
		t.Errorf("n %d, max %d, mean %d", h.N(), h.Max(), h.Mean())
	}
	for _, q := range []float64{0, .25, .5, .9, .99, .999, 1} {
		want := samples[min(int(float64(len(samples))*q), len(samples)-1)]
		if got := h.Quantile(q); got < want || float64(got) > float64(want)*1.005+1 {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
	last, n := 0.0, time.Duration(-1)
	for d, part := range h.Steps {
		if part <= last || d <= n {
			t.Fatalf("step to %v at %d after %v at %d", part, d, last, n)
		}
		last, n = part, d
	}
	if last != 1 || n != h.Max() {
		t.Errorf("the last step is %v at %d", last, n)
	}
}

func TestHistogramEdges(t *testing.T) {
	var h Histogram
	if h.Mean() != 0 || h.Quantile(.5) != 0 || h.Max() != 0 {
		t.Error("an empty histogram has samples")
	}
	for _, d := range []time.Duration{-1, 0, 1, 255, 256, 257, 511, 512, 1 << 40, math.MaxInt64} {
		i := bucket(d)
		if up := upper(i); up < d && up >= 0 || i > 0 && upper(i-1) >= max(d, 1) {
			t.Errorf("%d is in bucket %d up to %d, after %d", d, i, up, upper(i-1))
		}
		h.Add(d)
	}
	if h.Quantile(1) != math.MaxInt64 || h.N() != 10 {
		t.Errorf("maximum %d of %d", h.Quantile(1), h.N())
	}
}
