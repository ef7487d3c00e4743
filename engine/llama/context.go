package llama

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// FlashAttn says whether attention is computed by the fused kernel.
type FlashAttn int

// The choices; the zero value lets llama.cpp decide by model and device.
const (
	FlashAttnAuto FlashAttn = iota
	FlashAttnOff
	FlashAttnOn
)

// KVType is the type of the KV cache's elements.
type KVType int

// The choices; the quantized ones need flash attention.
const (
	KVF16  KVType = iota // the default
	KVQ8_0               // half the memory of KVF16
	KVQ4_0               // a quarter
	KVF32
)

// ggmlType maps a KVType to ggml_type.
func (t KVType) ggmlType() (int, bool) {
	types := [...]int{KVF16: 1, KVQ8_0: 8, KVQ4_0: 2, KVF32: 0}
	if t < 0 || int(t) >= len(types) {
		return 0, false
	}
	return types[t], true
}

// ContextParams says how to make a context. The zero value of every field is a good default
// for one sequence.
type ContextParams struct {
	NCtx    int // tokens of KV cache, rounded up to 256; 0 = the model's training length
	NBatch  int // most tokens of one Decode; 0 = 2048. Never more than NCtx
	NUBatch int // tokens computed at once; 0 = 512. Never more than NBatch
	NSeqMax int // most sequences at once; 0 = 1
	// Threads decode single tokens, ThreadsBatch longer batches. 0: GOMAXPROCS, and Threads.
	Threads, ThreadsBatch int
	FlashAttn             FlashAttn
	KVType                KVType
	// KVUnified gives all sequences one shared cache of NCtx tokens, so that they can share a
	// prefix. Without it each has a cache of NCtx/NSeqMax tokens of its own.
	KVUnified bool
}

// maxThreads bounds a thread count: GGML_MAX_N_THREADS.
const maxThreads = 512

// Context is a KV cache with everything that decoding needs. It belongs to one goroutine at
// a time: a call while another is running returns ErrBusy. Only Abort and ClearAbort may be
// called at any time.
type Context struct {
	model   *Model
	c       unsafe.Pointer // llama_context; nil after Close
	mem     unsafe.Pointer // its memory
	busy    atomic.Bool
	nCtx    int
	nCtxSeq int
	nBatch  int
	nUBatch int
	nSeqMax int
	unified bool

	outputs  []int8     // of the last Decode: for which tokens there are logits
	next     []int32    // scratch of checkPositions, one per sequence
	adapters []*Adapter // those set

	aborting sync.Mutex // guards flag against Close
	flag     *C.int32_t // what the abort callback reads; C memory
}

// NewContext makes a context. The model stays loaded until the context is closed.
func (m *Model) NewContext(p ContextParams) (*Context, error) {
	if m.vocabOnly {
		return nil, fmt.Errorf("llama: the model was loaded with VocabOnly: it cannot decode")
	}
	if m.nTokens <= 0 {
		return nil, errNoVocab
	}
	if m.HasEncoder() {
		return nil, fmt.Errorf("llama: models with an encoder are not supported")
	}
	if !m.life.acquire() {
		return nil, ErrClosed
	}
	c, err := m.newContext(p)
	if err != nil {
		m.release()
		return nil, err
	}
	return c, nil
}

func (m *Model) newContext(p ContextParams) (*Context, error) {
	l := m.lib
	p = p.withDefaults()
	kvType, ok := p.KVType.ggmlType()
	if !ok {
		return nil, fmt.Errorf("llama: unknown kv type %d", p.KVType)
	}
	if err := p.check(int(C.cl_llama_max_parallel_sequences(l.c))); err != nil {
		return nil, err
	}
	cp := params{record: l.layout.context}
	C.cl_defaults(l.c, C.CL_CONTEXT, cp.pointer())
	cp.setInt("n_ctx", p.NCtx)
	cp.setInt("n_batch", p.NBatch)
	cp.setInt("n_ubatch", p.NUBatch)
	cp.setInt("n_seq_max", p.NSeqMax)
	cp.setInt("n_threads", p.Threads)
	cp.setInt("n_threads_batch", p.ThreadsBatch)
	cp.setInt("flash_attn_type", [...]int{FlashAttnAuto: -1, FlashAttnOff: 0, FlashAttnOn: 1}[p.FlashAttn])
	cp.setInt("type_k", kvType)
	cp.setInt("type_v", kvType)
	cp.setBool("kv_unified", p.KVUnified)

	flag := (*C.int32_t)(C.calloc(1, C.sizeof_int32_t))
	if flag == nil {
		return nil, fmt.Errorf("llama: no memory for a context")
	}
	mark := l.log.mark()
	handle := C.cl_new_context(l.c, m.c, cp.pointer())
	if handle == nil {
		C.free(unsafe.Pointer(flag)) // unsafe: calloc's
		return nil, &Error{Op: "new context", Reason: l.log.since(mark)}
	}
	c := &Context{model: m, c: handle, flag: flag, unified: p.KVUnified,
		mem:     C.cl_llama_get_memory(l.c, handle),
		nCtx:    int(C.cl_llama_n_ctx(l.c, handle)),
		nCtxSeq: int(C.cl_llama_n_ctx_seq(l.c, handle)),
		nBatch:  int(C.cl_llama_n_batch(l.c, handle)),
		nUBatch: int(C.cl_llama_n_ubatch(l.c, handle)),
		nSeqMax: int(C.cl_llama_n_seq_max(l.c, handle)),
	}
	if diffs := c.compare(p); len(diffs) > 0 || c.mem == nil {
		c.free()
		if len(diffs) == 0 {
			return nil, fmt.Errorf("llama: the model keeps no memory of a sequence: it cannot generate")
		}
		return nil, &ABIError{Path: l.path, Version: l.version, Differences: diffs}
	}
	c.next = make([]int32, c.nSeqMax)
	C.cl_watch(l.c, handle, flag)
	return c, nil
}

func (p ContextParams) withDefaults() ContextParams {
	if p.NBatch == 0 {
		p.NBatch = 2048
	}
	if p.NUBatch == 0 {
		p.NUBatch = min(512, p.NBatch)
	}
	if p.NSeqMax == 0 {
		p.NSeqMax = 1
	}
	if p.Threads == 0 {
		p.Threads = min(runtime.GOMAXPROCS(0), maxThreads)
	}
	if p.ThreadsBatch == 0 {
		p.ThreadsBatch = p.Threads
	}
	return p
}

func (p ContextParams) check(maxSeq int) error {
	for _, v := range []struct {
		name       string
		value      int
		least, top int
	}{
		{"NCtx", p.NCtx, 0, math.MaxInt32 - 1<<20}, // room for rounding up
		{"NBatch", p.NBatch, 1, MaxBatch},
		{"NUBatch", p.NUBatch, 1, MaxBatch},
		{"NSeqMax", p.NSeqMax, 1, maxSeq},
		{"Threads", p.Threads, 1, maxThreads},
		{"ThreadsBatch", p.ThreadsBatch, 1, maxThreads},
		{"FlashAttn", int(p.FlashAttn), 0, int(FlashAttnOn)},
	} {
		if v.value < v.least || v.value > v.top {
			return fmt.Errorf("llama: new context: %s is %d: %d to %d", v.name, v.value, v.least, v.top)
		}
	}
	return nil
}

// compare tells what the new context has that was not asked for: a sign that the parameters
// did not arrive where they should.
func (c *Context) compare(p ContextParams) (diffs []string) {
	differ := func(name string, got, want int) {
		if got != want {
			diffs = append(diffs, fmt.Sprintf("new context has %s %d, not %d", name, got, want))
		}
	}
	if p.NCtx == 0 {
		p.NCtx = int(C.cl_llama_model_n_ctx_train(c.model.lib.c, c.model.c))
	}
	// n_ctx is rounded up to 256 for the whole or for each sequence, after it bounded n_batch.
	if c.nCtx < p.NCtx || c.nCtx >= p.NCtx+256*(1+p.NSeqMax) {
		differ("n_ctx", c.nCtx, p.NCtx)
	}
	differ("n_batch", c.nBatch, min(p.NBatch, p.NCtx))
	differ("n_ubatch", c.nUBatch, min(p.NUBatch, c.nBatch))
	differ("n_seq_max", c.nSeqMax, p.NSeqMax)
	differ("n_threads", int(C.cl_llama_n_threads(c.model.lib.c, c.c)), p.Threads)
	differ("n_threads_batch", int(C.cl_llama_n_threads_batch(c.model.lib.c, c.c)), p.ThreadsBatch)
	return diffs
}

// enter marks the context as in use; leave must follow if it returns nil.
func (c *Context) enter() error {
	if c.busy.Swap(true) {
		return ErrBusy
	}
	if c.c == nil {
		c.busy.Store(false)
		return ErrClosed
	}
	return nil
}

func (c *Context) leave() { c.busy.Store(false) }

// Close frees the context; ErrBusy while a call is running.
func (c *Context) Close() error {
	if err := c.enter(); err != nil {
		if err == ErrClosed {
			return nil
		}
		return err
	}
	defer c.leave()
	c.free()
	for _, a := range c.adapters {
		a.release()
	}
	c.adapters = nil
	c.model.release()
	return nil
}

// free frees the C objects.
func (c *Context) free() {
	c.aborting.Lock()
	defer c.aborting.Unlock()
	C.cl_llama_free(c.model.lib.c, c.c)
	c.model.lib.log.aborting.Add(-atomic.LoadInt32((*int32)(unsafe.Pointer(c.flag)))) // unsafe: as in setAbort
	C.free(unsafe.Pointer(c.flag))                                                    // unsafe: calloc's
	c.c, c.mem, c.flag, c.outputs = nil, nil, nil, nil
}

// Model returns the context's model.
func (c *Context) Model() *Model { return c.model }

// NCtx returns the size of the KV cache in tokens, all sequences together.
func (c *Context) NCtx() int { return c.nCtx }

// NCtxSeq returns how many tokens one sequence can have.
func (c *Context) NCtxSeq() int { return c.nCtxSeq }

// NBatch returns the most tokens that one Decode takes.
func (c *Context) NBatch() int { return c.nBatch }

// NUBatch returns how many tokens are computed at once.
func (c *Context) NUBatch() int { return c.nUBatch }

// NSeqMax returns the number of sequences: they are 0 to NSeqMax-1.
func (c *Context) NSeqMax() int { return c.nSeqMax }

// SetThreads changes the number of threads for single tokens and for longer batches.
func (c *Context) SetThreads(threads, threadsBatch int) error {
	if threads < 1 || threadsBatch < 1 || threads > maxThreads || threadsBatch > maxThreads {
		return fmt.Errorf("llama: %d and %d threads: 1 to %d", threads, threadsBatch, maxThreads)
	}
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	C.cl_llama_set_n_threads(c.model.lib.c, c.c, C.int32_t(threads), C.int32_t(threadsBatch))
	return nil
}

// Abort makes a running Decode stop at its next graph node (a few µs to ms) with ErrAborted,
// and later ones refuse, until ClearAbort. Only CPU backends look at the flag: a GPU finishes
// its micro-batch. Any goroutine may call it, at any time.
func (c *Context) Abort() { c.setAbort(1) }

// ClearAbort lets decodes run again.
func (c *Context) ClearAbort() { c.setAbort(0) }

func (c *Context) setAbort(v int32) {
	c.aborting.Lock()
	defer c.aborting.Unlock()
	if c.flag != nil {
		// unsafe: int32 is int32_t, in C memory so that C may keep the pointer; both sides
		// use atomic operations.
		old := atomic.SwapInt32((*int32)(unsafe.Pointer(c.flag)), v)
		c.model.lib.log.aborting.Add(v - old)
	}
}

func (c *Context) aborted() bool {
	return atomic.LoadInt32((*int32)(unsafe.Pointer(c.flag))) != 0 // unsafe: as in setAbort
}

// Decode computes a batch: its tokens enter the KV cache, and the logits asked for can be
// read with Logits. The batch is checked first: every token one of the vocabulary, at most
// NBatch of them, each sequence below NSeqMax and its positions following what it has.
//
// Errors: ErrNoKVSlot, ErrAborted, an *Error for llama.cpp's own failures, and others for a
// wrong batch, after which nothing has changed.
func (c *Context) Decode(b *Batch) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	if err := c.check(b); err != nil {
		return err
	}
	if c.aborted() {
		return ErrAborted
	}
	l := c.model.lib
	c.outputs = c.outputs[:0]
	b.c.n_tokens = C.int32_t(b.n)
	mark := l.log.mark()
	switch status := int(C.cl_decode(l.c, c.c, b.c)); status {
	case 0:
		c.outputs = append(c.outputs, b.logits[:b.n]...)
		return nil
	case 1:
		return ErrNoKVSlot
	case 2:
		return ErrAborted
	default:
		return &Error{Op: "decode", Code: status, Reason: l.log.since(mark)}
	}
}

func (c *Context) check(b *Batch) error {
	switch {
	case b.c == nil:
		return fmt.Errorf("llama: batch: %w", ErrClosed)
	case b.n == 0:
		return fmt.Errorf("llama: batch is empty")
	case b.n > c.nBatch:
		return fmt.Errorf("llama: batch has %d tokens: at most %d (NBatch)", b.n, c.nBatch)
	}
	for i := range c.next {
		c.next[i] = -1
	}
	for i, token := range b.token[:b.n] {
		if token < 0 || int(token) >= c.model.nTokens {
			return fmt.Errorf("llama: batch token %d is %d: not one of the vocabulary's %d", i, token, c.model.nTokens)
		}
		seq, pos := b.seq[i], b.pos[i]
		if int(seq) >= c.nSeqMax {
			return fmt.Errorf("llama: batch token %d is of sequence %d: the context has %d (NSeqMax)", i, seq, c.nSeqMax)
		}
		next := c.next[seq]
		if next < 0 {
			next = c.posMax(seq) + 1
		}
		if pos != next {
			return fmt.Errorf("llama: batch token %d is at position %d: sequence %d goes on at %d", i, pos, seq, next)
		}
		c.next[seq] = pos + 1
	}
	return nil
}

// Logits returns the logits of the last Decode's batch token i, NLogits long. They are
// llama.cpp's own memory, not a copy: valid until the next Decode or Close, and the caller
// may change them. It is an error if they were not asked for. Costs a cgo call (0.1 to 0.2 µs).
func (c *Context) Logits(i int) ([]float32, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	if i < 0 || i >= len(c.outputs) || c.outputs[i] == 0 {
		return nil, fmt.Errorf("llama: no logits for batch token %d: the last decode has them for %v", i, c.outputIndexes())
	}
	p := C.cl_llama_get_logits_ith(c.model.lib.c, c.c, C.int32_t(i))
	if p == nil {
		return nil, &Error{Op: "logits", Reason: "llama.cpp has none for this token"}
	}
	// unsafe: llama.cpp's output buffer holds one row of n_tokens floats per output.
	return unsafe.Slice((*float32)(unsafe.Pointer(p)), c.model.nTokens), nil
}

// outputIndexes lists the batch tokens that have logits, the first few.
func (c *Context) outputIndexes() []int {
	const few = 8
	var indexes []int
	for i, o := range c.outputs {
		if o != 0 && len(indexes) < few {
			indexes = append(indexes, i)
		}
	}
	return slices.Clip(indexes)
}
