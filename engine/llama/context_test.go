package llama

import (
	"math"
	"testing"
)

// decodeText decodes tokens as sequence 0 from position pos in batches of at most chunk, and
// returns a copy of the last token's logits.
func decodeText(t testing.TB, c *Context, tokens []int32, pos, chunk int) []float32 {
	t.Helper()
	b, err := NewBatch(chunk)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for start := 0; start < len(tokens); start += chunk {
		b.Reset()
		end := min(start+chunk, len(tokens))
		for i := start; i < end; i++ {
			if err := b.Add(tokens[i], pos+i, 0, i == len(tokens)-1); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Decode(b); err != nil {
			t.Fatal(err)
		}
	}
	logits, err := c.Logits((len(tokens) - 1) % chunk)
	if err != nil {
		t.Fatal(err)
	}
	return append([]float32(nil), logits...)
}

func TestDecodeGivesFiniteLogits(t *testing.T) {
	m := loadTiny(t)
	c := newContext(t, m, ContextParams{NCtx: 512})
	tokens, err := m.Tokenize("hello wörld", true, true)
	if err != nil {
		t.Fatal(err)
	}
	logits := decodeText(t, c, tokens, 0, len(tokens))
	if len(logits) != m.NLogits() {
		t.Fatalf("%d logits, want %d", len(logits), m.NLogits())
	}
	distinct := map[float32]bool{}
	for i, v := range logits {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatalf("logit %d is %v", i, v)
		}
		distinct[v] = true
	}
	if len(distinct) < len(logits)/2 {
		t.Errorf("only %d distinct values of %d logits", len(distinct), len(logits))
	}
}

func newContext(t testing.TB, m *Model, p ContextParams) *Context {
	t.Helper()
	p.Threads = 1
	c, err := m.NewContext(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}
