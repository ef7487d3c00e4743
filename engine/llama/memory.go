package llama

// #include "shim.h"
import "C"

import "fmt"

// AllSequences stands for every sequence in SeqRemove.
const AllSequences = -1

// posMax returns the last position of a sequence in the KV cache, -1 if it is empty.
func (c *Context) posMax(seq int32) int32 {
	return int32(C.cl_llama_memory_seq_pos_max(c.model.lib.c, c.mem, C.int32_t(seq)))
}

// enterSeq is enter with a check of sequence ids, which llama.cpp would abort on.
func (c *Context) enterSeq(seqs ...int) error {
	for _, s := range seqs {
		if s < 0 || s >= c.nSeqMax {
			return fmt.Errorf("llama: sequence %d: the context has %d (NSeqMax)", s, c.nSeqMax)
		}
	}
	return c.enter()
}

// position turns a bound of a range into llama.cpp's: negative means open.
func position(p int) C.int32_t {
	return C.int32_t(max(-1, min(p, maxInt32)))
}

// Clear empties the KV cache. The logits of the last Decode stay.
func (c *Context) Clear() error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	C.cl_llama_memory_clear(c.model.lib.c, c.mem, true)
	return nil
}

// SeqRemove removes the positions p0 to p1-1 of a sequence (or AllSequences); negative p0
// means from the start, negative p1 to the end. False means that the model's memory cannot
// be cut there (Model.Recurrent), nothing was removed, or that the call was wrong; removing
// a whole sequence always works.
func (c *Context) SeqRemove(seq, p0, p1 int) bool {
	var err error
	if seq == AllSequences {
		err = c.enter()
	} else {
		err = c.enterSeq(seq)
	}
	if err != nil {
		return false
	}
	defer c.leave()
	return bool(C.cl_llama_memory_seq_rm(c.model.lib.c, c.mem, C.int32_t(seq), position(p0), position(p1)))
}

// SeqCopy makes the positions p0 to p1-1 of src part of dst too (negative bounds are open).
// With KVUnified the cells are shared, at no cost; without it the range must be the whole
// sequence, whose data is copied before the next Decode.
func (c *Context) SeqCopy(src, dst, p0, p1 int) error {
	if src == dst {
		return fmt.Errorf("llama: cannot copy sequence %d to itself", src)
	}
	if !c.unified && c.nSeqMax > 1 && (p0 > 0 || p1 >= 0) {
		return fmt.Errorf("llama: cannot copy positions %d to %d: without KVUnified only whole sequences (-1, -1)", p0, p1)
	}
	if err := c.enterSeq(src, dst); err != nil {
		return err
	}
	defer c.leave()
	C.cl_llama_memory_seq_cp(c.model.lib.c, c.mem, C.int32_t(src), C.int32_t(dst), position(p0), position(p1))
	return nil
}

// SeqKeep removes all sequences but seq.
func (c *Context) SeqKeep(seq int) error {
	if err := c.enterSeq(seq); err != nil {
		return err
	}
	defer c.leave()
	C.cl_llama_memory_seq_keep(c.model.lib.c, c.mem, C.int32_t(seq))
	return nil
}

// SeqAdd moves the positions p0 to p1-1 of a sequence by delta, rotating what depends on
// them at the next Decode. It is an error where the model's memory cannot be shifted.
func (c *Context) SeqAdd(seq, p0, p1, delta int) error {
	if delta < -maxInt32 || delta > maxInt32 {
		return fmt.Errorf("llama: cannot move positions by %d", delta)
	}
	if err := c.enterSeq(seq); err != nil {
		return err
	}
	defer c.leave()
	if !C.cl_llama_memory_can_shift(c.model.lib.c, c.mem) {
		return fmt.Errorf("llama: the model's positions cannot be moved")
	}
	C.cl_llama_memory_seq_add(c.model.lib.c, c.mem, C.int32_t(seq), position(p0), position(p1), C.int32_t(delta))
	return nil
}

// SeqPosMin returns the first position of a sequence in the KV cache, -1 if it is empty.
func (c *Context) SeqPosMin(seq int) int {
	if c.enterSeq(seq) != nil {
		return -1
	}
	defer c.leave()
	return int(C.cl_llama_memory_seq_pos_min(c.model.lib.c, c.mem, C.int32_t(seq)))
}

// SeqPosMax returns the last position of a sequence in the KV cache, -1 if it is empty.
func (c *Context) SeqPosMax(seq int) int {
	if c.enterSeq(seq) != nil {
		return -1
	}
	defer c.leave()
	return int(c.posMax(int32(seq)))
}
