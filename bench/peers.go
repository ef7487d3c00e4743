package bench

import (
	"math"
	"time"
)

// peer holds the published percentiles of another engine, for reference lines.
type peer struct {
	name      string
	tbm, ttfm []quantile
}

// quantile says that the part q of the samples took at most d; 1 is the maximum.
type quantile struct {
	q float64
	d time.Duration
}

// peers are the engines that the plot compares with, all with the Llama 3.1 vocabulary on
// one thread. llguidance ran all 11,305 files, XGrammar a sample of 1,024 of them, with
// compilations cut off at 20 s, both in 2026 on two cores of an EPYC (Zen 4). llama.cpp's
// figures are from the table in MaskBench's README of March 2025 (guidance-ai/jsonschemabench,
// maskbench/README.md), from another machine.
var peers = []peer{
	{"llguidance 1.8",
		micro(.25, 3.7, .5, 11.5, .75, 29, .9, 55, .95, 92, .99, 430, .999, 1_600, 1, 220_000),
		micro(.25, 525, .5, 640, .75, 940, .9, 1_740, .99, 10_500, 1, 410_000)},
	{"XGrammar 0.2",
		micro(.25, 2.1, .5, 13.9, .75, 38, .9, 52, .95, 85, .99, 565, .999, 2_100, 1, 12_100),
		micro(.25, 6_500, .5, 160_000, .75, 714_000, .9, 2_500_000, .99, 20_000_000)},
	{"llama.cpp (MaskBench, 2025)", micro(.5, 17_021, .99, 60_371), nil},
}

// micro reads pairs of a part and microseconds.
func micro(pairs ...float64) []quantile {
	var out []quantile
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, quantile{pairs[i], time.Duration(math.Round(pairs[i+1] * 1e3))})
	}
	return out
}
