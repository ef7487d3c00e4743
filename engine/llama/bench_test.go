package llama

import "testing"

// BenchmarkCall is the cost of one call through cgo and the function table.
func BenchmarkCall(b *testing.B) {
	m := loadTiny(b)
	for b.Loop() {
		m.IsEOG(1)
	}
}

// BenchmarkLogits is the cost of getting a row of logits, which is not copied.
func BenchmarkLogits(b *testing.B) {
	m := loadTiny(b)
	c := newContext(b, m, ContextParams{NCtx: 256})
	decode(b, c, someTokens(4), 0, 0, 4)
	for b.Loop() {
		if _, err := c.Logits(3); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTokenBytes is the cost per token of reading a vocabulary.
func BenchmarkTokenBytes(b *testing.B) {
	m := loadTiny(b)
	for b.Loop() {
		if m.TokenBytes('a') == nil {
			b.Fatal("no bytes")
		}
	}
}

// BenchmarkCheckBatch is what the checks of a full batch cost beside its decode.
func BenchmarkCheckBatch(b *testing.B) {
	c := newContext(b, loadTiny(b), ContextParams{NCtx: 512})
	batch := newBatch(b, 512)
	for i, token := range someTokens(512) {
		if err := batch.Add(token, i, 0, false); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := c.check(batch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode is one token through the tiny model: the fixed cost of a decode.
func BenchmarkDecode(b *testing.B) {
	c := newContext(b, loadTiny(b), ContextParams{NCtx: 256})
	batch := newBatch(b, 1)
	if err := batch.Add(1, 0, 0, true); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := c.Decode(batch); err != nil {
			b.Fatal(err)
		}
		c.SeqRemove(0, -1, -1)
	}
}
