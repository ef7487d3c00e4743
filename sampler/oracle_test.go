package sampler

import (
	"math"
	"slices"

	"github.com/callama/callama/grammar/vocab"
)

// oracle is the definition: the whole vocabulary in float64, sorted, no short cuts. It
// returns the tokens that may be drawn, most likely first, with their probabilities.
func oracle(cfg Config, logits []float32, mask vocab.Mask, recent []int32) (tokens []int32, p []float64) {
	x := slices.Clone(logits)
	penalise(cfg, x, recent)
	for i := range x {
		if (mask == nil || mask.Has(int32(i))) && x[i] == x[i] {
			tokens = append(tokens, int32(i))
		}
	}
	slices.SortFunc(tokens, func(a, b int32) int { return compare(candidate{x[a], a}, candidate{x[b], b}) })
	if len(tokens) == 0 {
		return nil, nil
	}
	if math.IsInf(float64(x[tokens[0]]), -1) || cfg.Temperature == 0 {
		return tokens[:1], []float64{1}
	}
	if cfg.TopK > 0 {
		tokens = tokens[:min(cfg.TopK, len(tokens))]
	}
	if cfg.TopP > 0 && cfg.TopP < 1 {
		sum := 0.0
		for i, pi := range softmax(x, tokens, 1) {
			if sum += pi; sum >= cfg.TopP {
				tokens = tokens[:i+1]
				break
			}
		}
	}
	if cfg.MinP > 0 {
		p := softmax(x, tokens, 1)
		for i := range p {
			// The border is that of float32 logits, not of probabilities.
			if x[tokens[i]] < float32(float64(x[tokens[0]])+math.Log(cfg.MinP)) {
				tokens = tokens[:i]
				break
			}
		}
	}
	return tokens, softmax(x, tokens, cfg.Temperature)
}

func penalise(cfg Config, x []float32, recent []int32) {
	window := cfg.PenaltyWindow
	if window == 0 {
		window = DefaultPenaltyWindow
	}
	counts := map[int32]int{}
	for _, t := range recent[max(0, len(recent)-window):] {
		counts[t]++
	}
	for t, n := range counts {
		if t < 0 || int(t) >= len(x) {
			continue
		}
		if r := float32(cfg.RepeatPenalty); r != 0 && x[t] > 0 {
			x[t] /= r
		} else if r != 0 {
			x[t] *= r
		}
		x[t] -= float32(n)*float32(cfg.FrequencyPenalty) + float32(cfg.PresencePenalty)
	}
}

func softmax(x []float32, tokens []int32, temperature float64) []float64 {
	p := make([]float64, len(tokens))
	sum := 0.0
	for i, t := range tokens {
		if p[i] = 1; x[t] != x[tokens[0]] {
			p[i] = math.Exp((float64(x[t]) - float64(x[tokens[0]])) / temperature)
		}
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// oracleDraw is the token at u of the cumulated probabilities.
func oracleDraw(tokens []int32, p []float64, u float64) int32 {
	sum := 0.0
	for i := range tokens {
		if sum += p[i]; sum > u {
			return tokens[i]
		}
	}
	return tokens[len(tokens)-1]
}
