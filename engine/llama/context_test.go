package llama

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

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

func newBatch(t testing.TB, capacity int) *Batch {
	t.Helper()
	b, err := NewBatch(capacity)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// decode decodes tokens of a sequence from position pos in batches of at most chunk, and
// returns a copy of the last token's logits.
func decode(t testing.TB, c *Context, tokens []int32, seq, pos, chunk int) []float32 {
	t.Helper()
	b := newBatch(t, chunk)
	for part := range slices.Chunk(tokens, chunk) {
		b.Reset()
		for i, token := range part {
			if err := b.Add(token, pos+i, seq, i == len(part)-1); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Decode(b); err != nil {
			t.Fatal(err)
		}
		pos += len(part)
	}
	logits, err := c.Logits(b.Len() - 1)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(logits)
}

// someTokens returns n ordinary tokens.
func someTokens(n int) []int32 {
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = int32((i*31 + 7) % 256)
	}
	return tokens
}

func argmax(v []float32) int { return slices.Index(v, slices.Max(v)) }

// near tells whether two rows of logits agree but for the order of additions, of 16-bit
// values in the cache. Other tokens make differences of several units.
func near(a, b []float32) bool {
	for i := range a {
		if math.Abs(float64(a[i]-b[i])) > 0.1 {
			return false
		}
	}
	return len(a) == len(b)
}

func TestDecodeGivesFiniteLogits(t *testing.T) {
	m := loadTiny(t)
	c := newContext(t, m, ContextParams{NCtx: 512})
	logits := decode(t, c, someTokens(12), 0, 0, 12)
	if len(logits) != m.NLogits() {
		t.Fatalf("%d logits, want %d", len(logits), m.NLogits())
	}
	for i, v := range logits {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatalf("logit %d is %v", i, v)
		}
	}
	distinct := slices.Clone(logits)
	slices.Sort(distinct)
	if n := len(slices.Compact(distinct)); n < len(logits)/2 {
		t.Errorf("only %d distinct values of %d logits", n, len(logits))
	}
}

func TestChunkedPrefillGivesTheSameToken(t *testing.T) {
	m := loadTiny(t)
	tokens := someTokens(200)
	c := newContext(t, m, ContextParams{NCtx: 512})
	want := decode(t, c, tokens, 0, 0, len(tokens))
	for _, chunk := range []int{1, 7, 64, 199} {
		if err := c.Clear(); err != nil {
			t.Fatal(err)
		}
		got := decode(t, c, tokens, 0, 0, chunk)
		if argmax(got) != argmax(want) || !near(got, want) {
			t.Errorf("chunks of %d: token %d, want %d", chunk, argmax(got), argmax(want))
		}
	}
	small := newContext(t, m, ContextParams{NCtx: 512, NBatch: 256, NUBatch: 32})
	if got := decode(t, small, tokens, 0, 0, len(tokens)); argmax(got) != argmax(want) {
		t.Errorf("micro-batches of 32: token %d, want %d", argmax(got), argmax(want))
	}
}

func TestContextParams(t *testing.T) {
	m := loadTiny(t)
	type sizes struct{ ctx, ctxSeq, batch, ubatch, seq int }
	for _, c := range []struct {
		name string
		p    ContextParams
		want sizes
	}{
		{"zero value", ContextParams{}, sizes{tinyContext, tinyContext, tinyContext, 512, 1}},
		{"rounded up", ContextParams{NCtx: 300}, sizes{512, 512, 300, 300, 1}},
		{"small batches", ContextParams{NCtx: 512, NBatch: 64, NUBatch: 16}, sizes{512, 512, 64, 16, 1}},
		{"sequences apart", ContextParams{NCtx: 1024, NSeqMax: 4}, sizes{1024, 256, 1024, 512, 4}},
		{"sequences together", ContextParams{NCtx: 1024, NSeqMax: 4, KVUnified: true}, sizes{1024, 1024, 1024, 512, 4}},
		{"quantized cache", ContextParams{NCtx: 256, KVType: KVQ8_0, FlashAttn: FlashAttnOn}, sizes{256, 256, 256, 256, 1}},
		{"no flash attention", ContextParams{NCtx: 256, KVType: KVF32, FlashAttn: FlashAttnOff}, sizes{256, 256, 256, 256, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := newContext(t, m, c.p)
			if got := (sizes{ctx.NCtx(), ctx.NCtxSeq(), ctx.NBatch(), ctx.NUBatch(), ctx.NSeqMax()}); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			decode(t, ctx, someTokens(3), 0, 0, 3)
		})
	}
	for _, c := range []struct {
		name, says string
		p          ContextParams
	}{
		{"negative size", "NCtx is -1", ContextParams{NCtx: -1}},
		{"size beyond 31 bits", "NCtx is", ContextParams{NCtx: math.MaxInt32}},
		{"too many sequences", "NSeqMax is 100000", ContextParams{NSeqMax: 100000}},
		{"negative threads", "Threads is -1", ContextParams{Threads: -1}},
		{"negative batch", "NBatch is -5", ContextParams{NBatch: -5}},
		{"unknown kv type", "kv type 9", ContextParams{KVType: 9}},
		{"unknown flash attention", "FlashAttn is 3", ContextParams{FlashAttn: 3}},
		{"quantized cache without flash attention", "new context: ", ContextParams{NCtx: 256, KVType: KVQ8_0, FlashAttn: FlashAttnOff}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, err := m.NewContext(c.p)
			if err == nil {
				ctx.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want %q in it", err, c.says)
			}
		})
	}
}

type entry struct {
	token    int32
	pos, seq int
}

func TestBadBatchesAreRefused(t *testing.T) {
	m := loadTiny(t)
	c := newContext(t, m, ContextParams{NCtx: 256, NBatch: 4, NSeqMax: 2, KVUnified: true})
	decode(t, c, someTokens(2), 0, 0, 2)
	for _, bad := range []struct {
		name, says string
		entries    []entry
	}{
		{"empty", "empty", nil},
		{"too long", "at most 4", []entry{{1, 2, 0}, {1, 3, 0}, {1, 4, 0}, {1, 5, 0}, {1, 6, 0}}},
		{"negative token", "is -1", []entry{{-1, 2, 0}}},
		{"token out of range", "not one of the vocabulary's", []entry{{1, 2, 0}, {tinyVocab, 3, 0}}},
		{"sequence out of range", "sequence 2", []entry{{1, 2, 2}}},
		{"position again", "goes on at 2", []entry{{1, 1, 0}}},
		{"position left out", "goes on at 2", []entry{{1, 3, 0}}},
		{"position twice", "goes on at 3", []entry{{1, 2, 0}, {1, 2, 0}}},
		{"going back", "goes on at 3", []entry{{1, 2, 0}, {1, 1, 0}}},
		{"new sequence not at 0", "goes on at 0", []entry{{1, 2, 1}}},
	} {
		t.Run(bad.name, func(t *testing.T) {
			b := newBatch(t, 8)
			for _, e := range bad.entries {
				if err := b.Add(e.token, e.pos, e.seq, true); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Decode(b); err == nil || !strings.Contains(err.Error(), bad.says) {
				t.Errorf("error is %v, want %q in it", err, bad.says)
			}
			if got := c.SeqPosMax(0); got != 1 {
				t.Errorf("the sequence now ends at %d, not 1", got)
			}
		})
	}
	b := newBatch(t, 1)
	for _, e := range []entry{{1, -1, 0}, {1, 0, -1}, {1, math.MaxInt32 + 1, 0}, {1, 0, math.MaxInt32 + 1}} {
		if err := b.Add(e.token, e.pos, e.seq, false); err == nil {
			t.Errorf("a batch took position %d of sequence %d", e.pos, e.seq)
		}
	}
	if err := b.Add(1, 2, 0, false); err != nil {
		t.Fatal(err)
	}
	if err := b.Add(1, 3, 0, false); !errors.Is(err, errBatchFull) {
		t.Errorf("a full batch: %v", err)
	}
	if err := c.Decode(b); err != nil {
		t.Errorf("a good batch after bad ones: %v", err)
	}
	b.Close()
	if err := c.Decode(b); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed batch: %v", err)
	}
	if err := b.Add(1, 0, 0, false); !errors.Is(err, ErrClosed) {
		t.Errorf("adding to a closed batch: %v", err)
	}
	for _, n := range []int{0, -1, MaxBatch + 1} {
		if _, err := NewBatch(n); err == nil {
			t.Errorf("a batch for %d tokens was made", n)
		}
	}
}

func TestLogitsAreOnlyThoseAskedFor(t *testing.T) {
	m := loadTiny(t)
	c := newContext(t, m, ContextParams{NCtx: 256})
	if _, err := c.Logits(0); err == nil {
		t.Error("there are logits before the first decode")
	}
	b := newBatch(t, 4)
	for i := range 4 {
		if err := b.Add(int32(i), i, 0, i%2 == 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Decode(b); err != nil {
		t.Fatal(err)
	}
	one, err1 := c.Logits(1)
	three, err3 := c.Logits(3)
	if err1 != nil || err3 != nil || slices.Equal(one, three) {
		t.Errorf("two rows: errors %v, %v, equal %t", err1, err3, slices.Equal(one, three))
	}
	for _, i := range []int{-1, 0, 2, 4} {
		if _, err := c.Logits(i); err == nil || !strings.Contains(err.Error(), "[1 3]") {
			t.Errorf("logits %d: error %v", i, err)
		}
	}
	again := newContext(t, m, ContextParams{NCtx: 256})
	if got := decode(t, again, []int32{0, 1}, 0, 0, 2); !near(got, one) {
		t.Error("row 1 is not what two tokens give")
	}
}

func TestFullCache(t *testing.T) {
	m := loadTiny(t)
	c := newContext(t, m, ContextParams{NCtx: 256})
	decode(t, c, someTokens(256), 0, 0, 256)
	b := newBatch(t, 1)
	if err := b.Add(1, 256, 0, true); err != nil {
		t.Fatal(err)
	}
	if err := c.Decode(b); !errors.Is(err, ErrNoKVSlot) {
		t.Fatalf("error is %v, want ErrNoKVSlot", err)
	}
	if _, err := c.Logits(0); err == nil {
		t.Error("there are logits after a failed decode")
	}
	if !c.SeqRemove(0, 200, -1) {
		t.Fatal("the end of the sequence cannot be removed")
	}
	decode(t, c, someTokens(1), 0, 200, 1)
}

func TestAbort(t *testing.T) {
	m := loadTiny(t)
	c := newContext(t, m, ContextParams{NCtx: 1024, NUBatch: 16})
	b := newBatch(t, 1024)
	for i, token := range someTokens(1024) {
		if err := b.Add(token, i, 0, i == 1023); err != nil {
			t.Fatal(err)
		}
	}
	c.Abort()
	if err := c.Decode(b); !errors.Is(err, ErrAborted) {
		t.Fatalf("aborted before: %v", err)
	}
	c.ClearAbort()
	started := time.Now()
	if err := c.Decode(b); err != nil {
		t.Fatalf("after ClearAbort: %v", err)
	}
	whole := time.Since(started)
	// The abort must come while the decode runs: try at different times until one does.
	for try := range 200 {
		if err := c.Clear(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(whole*time.Duration(try%10)/10, c.Abort)
		err := c.Decode(b)
		timer.Stop()
		last := c.SeqPosMax(0)
		c.ClearAbort()
		if err != nil && !errors.Is(err, ErrAborted) {
			t.Fatal(err)
		}
		if err != nil && last >= 0 && last < 1023 {
			if _, err := c.Logits(1023); err == nil {
				t.Error("there are logits after an aborted decode")
			}
			return
		}
	}
	t.Error("no abort stopped a decode half way in 200 tries")
}

func TestSetThreads(t *testing.T) {
	c := newContext(t, loadTiny(t), ContextParams{NCtx: 256})
	want := decode(t, c, someTokens(5), 0, 0, 5)
	if err := c.SetThreads(2, 2); err != nil {
		t.Fatal(err)
	}
	if err := c.Clear(); err != nil {
		t.Fatal(err)
	}
	if got := decode(t, c, someTokens(5), 0, 0, 5); !near(got, want) {
		t.Error("other logits with two threads")
	}
	for _, n := range []int{0, -1, maxThreads + 1} {
		if c.SetThreads(n, 1) == nil || c.SetThreads(1, n) == nil {
			t.Errorf("%d threads were accepted", n)
		}
	}
}

func TestSequences(t *testing.T) {
	m := loadTiny(t)
	c := newContext(t, m, ContextParams{NCtx: 512, NSeqMax: 3, KVUnified: true})
	tokens := someTokens(20)
	decode(t, c, tokens[:19], 0, 0, 19)
	if err := c.SeqCopy(0, 1, -1, -1); err != nil {
		t.Fatal(err)
	}
	if got := [3]int{c.SeqPosMax(0), c.SeqPosMax(1), c.SeqPosMax(2)}; got != [3]int{18, 18, -1} {
		t.Fatalf("ends are %v", got)
	}
	want := decode(t, c, tokens[19:], 0, 19, 1)
	if got := decode(t, c, tokens[19:], 1, 19, 1); !near(got, want) {
		t.Error("a copied sequence goes on differently")
	}
	// Two sequences in one batch are computed apart from each other.
	b := newBatch(t, 2)
	for seq := range 2 {
		if err := b.Add(int32(40+seq), 20, seq, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Decode(b); err != nil {
		t.Fatal(err)
	}
	first, _ := c.Logits(0)
	second, _ := c.Logits(1)
	if near(first, second) {
		t.Error("different tokens of two sequences give the same logits")
	}
	if !c.SeqRemove(1, 10, -1) || c.SeqPosMax(1) != 9 {
		t.Errorf("after the removal sequence 1 ends at %d, want 9", c.SeqPosMax(1))
	}
	if err := c.SeqAdd(1, 0, -1, 5); err != nil {
		t.Fatal(err)
	}
	if got := [2]int{c.SeqPosMin(1), c.SeqPosMax(1)}; got != [2]int{5, 14} {
		t.Errorf("after the move sequence 1 is %v, want [5 14]", got)
	}
	if err := c.SeqKeep(1); err != nil {
		t.Fatal(err)
	}
	if got := [2]int{c.SeqPosMax(0), c.SeqPosMax(1)}; got != [2]int{-1, 14} {
		t.Errorf("after SeqKeep the ends are %v, want [-1 14]", got)
	}
	if !c.SeqRemove(AllSequences, -1, -1) || c.SeqPosMax(1) != -1 {
		t.Error("not all sequences were removed")
	}
}

func TestSequenceErrors(t *testing.T) {
	c := newContext(t, loadTiny(t), ContextParams{NCtx: 512, NSeqMax: 2})
	decode(t, c, someTokens(4), 0, 0, 4)
	for _, seq := range []int{-2, 2, 1 << 40} {
		if c.SeqRemove(seq, -1, -1) || c.SeqPosMax(seq) != -1 || c.SeqPosMin(seq) != -1 {
			t.Errorf("sequence %d is known", seq)
		}
		if c.SeqKeep(seq) == nil || c.SeqAdd(seq, 0, -1, 1) == nil || c.SeqCopy(0, seq, -1, -1) == nil || c.SeqCopy(seq, 1, -1, -1) == nil {
			t.Errorf("sequence %d was accepted", seq)
		}
	}
	if err := c.SeqCopy(0, 0, -1, -1); err == nil {
		t.Error("a sequence was copied to itself")
	}
	if err := c.SeqCopy(0, 1, 1, 3); err == nil {
		t.Error("a part was copied between separate caches")
	}
	if err := c.SeqAdd(0, 0, -1, math.MaxInt); err == nil {
		t.Error("positions were moved beyond 31 bits")
	}
	if err := c.SeqCopy(0, 1, -1, -1); err != nil {
		t.Fatal(err)
	}
	decode(t, c, someTokens(1), 1, 4, 1)
}

func TestBusyAndClosedContexts(t *testing.T) {
	m := loadTiny(t)
	c, err := m.NewContext(ContextParams{NCtx: 256, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	b := newBatch(t, 1)
	if err := b.Add(1, 0, 0, true); err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"Decode":      func() error { return c.Decode(b) },
		"Logits":      func() error { _, err := c.Logits(0); return err },
		"Clear":       c.Clear,
		"SeqKeep":     func() error { return c.SeqKeep(0) },
		"SetThreads":  func() error { return c.SetThreads(1, 1) },
		"SetAdapters": func() error { return c.SetAdapters(nil, nil) },
	}
	if err := c.enter(); err != nil {
		t.Fatal(err)
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, ErrBusy) {
			t.Errorf("%s during another call: %v, want ErrBusy", name, err)
		}
	}
	if err := c.Close(); !errors.Is(err, ErrBusy) {
		t.Errorf("Close during another call: %v, want ErrBusy", err)
	}
	c.leave()
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
	c.Abort()
	c.ClearAbort()
}
