package sampler

import (
	"cmp"
	"slices"
)

// history holds the most recent tokens, and applies the penalties for them.
type history struct {
	repeat              float32 // 1: off
	frequency, presence float32

	ring   []int32 // the last tokens, as a ring; nil when no penalty is set
	next   int     // where the next token goes in the ring
	filled int     // tokens in the ring
	seen   []seen  // the distinct tokens of the ring, by id

	saved []float32 // logits before apply, for the tokens of seen
}

type seen struct {
	token, count int32
}

func (h *history) init(cfg Config) {
	h.repeat = 1
	if cfg.RepeatPenalty != 0 {
		h.repeat = float32(cfg.RepeatPenalty)
	}
	h.frequency, h.presence = float32(cfg.FrequencyPenalty), float32(cfg.PresencePenalty)
	if h.repeat == 1 && h.frequency == 0 && h.presence == 0 {
		return
	}
	window := cfg.PenaltyWindow
	if window == 0 {
		window = DefaultPenaltyWindow
	}
	h.ring = make([]int32, window)
	h.seen = make([]seen, 0, window)
	h.saved = make([]float32, 0, window)
}

func (h *history) reset() {
	h.next, h.filled, h.seen = 0, 0, h.seen[:0]
}

func (h *history) clone() history {
	c := *h
	c.ring = slices.Clone(h.ring)
	c.seen = append(make([]seen, 0, cap(h.seen)), h.seen...)
	c.saved = make([]float32, 0, cap(h.saved))
	return c
}

// accept puts token into the ring, in place of the oldest when it is full.
func (h *history) accept(token int32) {
	if h.ring == nil {
		return
	}
	if h.filled == len(h.ring) {
		i, _ := h.find(h.ring[h.next])
		if h.seen[i].count--; h.seen[i].count == 0 {
			h.seen = slices.Delete(h.seen, i, i+1)
		}
	} else {
		h.filled++
	}
	h.ring[h.next] = token
	h.next = (h.next + 1) % len(h.ring)
	if i, ok := h.find(token); ok {
		h.seen[i].count++
	} else {
		h.seen = slices.Insert(h.seen, i, seen{token, 1})
	}
}

func (h *history) find(token int32) (int, bool) {
	return slices.BinarySearchFunc(h.seen, token, func(s seen, token int32) int {
		return cmp.Compare(s.token, token)
	})
}

// apply changes the logits of the seen tokens, and saves what they were. Dividing a negative
// logit would make its token more likely, so those are multiplied (as llama.cpp does).
func (h *history) apply(logits []float32) {
	h.saved = h.saved[:0]
	for _, s := range h.seen {
		if s.token < 0 || int(s.token) >= len(logits) {
			continue
		}
		x := logits[s.token]
		h.saved = append(h.saved, x)
		if x > 0 {
			x /= h.repeat
		} else {
			x *= h.repeat
		}
		logits[s.token] = x - (float32(s.count)*h.frequency + h.presence)
	}
}

// restore undoes apply.
func (h *history) restore(logits []float32) {
	i := 0
	for _, s := range h.seen {
		if s.token < 0 || int(s.token) >= len(logits) {
			continue
		}
		logits[s.token] = h.saved[i]
		i++
	}
}
