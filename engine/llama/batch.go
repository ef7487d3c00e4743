package llama

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// MaxBatch bounds the capacity of a batch, in tokens: 25 bytes each, far more than any
// context decodes at once.
const MaxBatch = 1 << 24

// Batch is the input of a Decode: tokens with their positions and sequences. Its memory is
// C's; reuse one Batch for many decodes. It belongs to one goroutine at a time.
type Batch struct {
	c *C.cl_batch // nil after Close
	// unsafe: views of the C arrays, capacity long, dropped by Close.
	token, pos, seq []int32
	logits          []int8
	n               int
}

// NewBatch returns an empty batch with room for capacity tokens.
func NewBatch(capacity int) (*Batch, error) {
	if capacity < 1 || capacity > MaxBatch {
		return nil, fmt.Errorf("llama: batch for %d tokens: 1 to %d (MaxBatch)", capacity, MaxBatch)
	}
	c := C.cl_batch_new(C.int32_t(capacity))
	if c == nil {
		return nil, fmt.Errorf("llama: no memory for a batch of %d tokens", capacity)
	}
	// unsafe: the arrays have room for capacity elements and live until Close; the
	// sequence ids lie in one array, to whose elements seq_id points in order.
	return &Batch{c: c,
		token:  unsafe.Slice((*int32)(unsafe.Pointer(c.token)), capacity),
		pos:    unsafe.Slice((*int32)(unsafe.Pointer(c.pos)), capacity),
		seq:    unsafe.Slice((*int32)(unsafe.Pointer(*c.seq_id)), capacity),
		logits: unsafe.Slice((*int8)(unsafe.Pointer(c.logits)), capacity),
	}, nil
}

var errBatchFull = errors.New("llama: batch is full")

// Add appends a token of a sequence at a position; wantLogits asks for its logits: only
// where they are used, because each costs a row of the output matrix. What the values may
// be is checked by Decode, which knows the context.
func (b *Batch) Add(token int32, pos int, seq int, wantLogits bool) error {
	if b.c == nil {
		return ErrClosed
	}
	if b.n == len(b.token) {
		return fmt.Errorf("%w: %d tokens", errBatchFull, b.n)
	}
	if pos < 0 || pos > maxInt32 || seq < 0 || seq > maxInt32 {
		return fmt.Errorf("llama: position %d of sequence %d: both must fit 31 bits", pos, seq)
	}
	b.token[b.n], b.pos[b.n], b.seq[b.n], b.logits[b.n] = token, int32(pos), int32(seq), 0
	if wantLogits {
		b.logits[b.n] = 1
	}
	b.n++
	return nil
}

// Len returns the number of tokens added since the last Reset.
func (b *Batch) Len() int { return b.n }

// Cap returns the number of tokens that fit.
func (b *Batch) Cap() int { return len(b.token) }

// Reset empties the batch.
func (b *Batch) Reset() { b.n = 0 }

// Close frees the batch.
func (b *Batch) Close() error {
	if b.c != nil {
		C.free(unsafe.Pointer(b.c)) // unsafe: cl_batch_new's single allocation
		*b = Batch{}
	}
	return nil
}
