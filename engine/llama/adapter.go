package llama

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// Adapter is a LoRA adapter loaded for one model. It is immutable and safe for concurrent
// use; contexts of its model may share it.
type Adapter struct {
	model *Model
	c     unsafe.Pointer // llama_adapter_lora
	life  lifetime
}

// LoadAdapter loads a LoRA adapter in GGUF form (general.type "adapter"). Errors are as for
// LoadModel: the operating system's, a *FileError, or an *Error with llama.cpp's reason,
// such as an adapter for another model.
func (m *Model) LoadAdapter(path string) (*Adapter, error) {
	if err := checkText("adapter path", path); err != nil {
		return nil, err
	}
	if m.vocabOnly {
		return nil, fmt.Errorf("llama: load adapter: the model was loaded with VocabOnly")
	}
	if err := checkAdapterFile(path); err != nil {
		return nil, fmt.Errorf("llama: load adapter: %w", err)
	}
	if !m.life.acquire() {
		return nil, ErrClosed
	}
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath)) // unsafe: what C.CString allocates, C frees
	// The library registers the adapter with its model, which it does not lock.
	m.lib.loading.Lock()
	defer m.lib.loading.Unlock()
	mark := m.lib.log.mark()
	c := C.cl_llama_adapter_lora_init(m.lib.c, m.c, cpath)
	if c == nil {
		m.release()
		return nil, &Error{Op: "load adapter " + path, Reason: m.lib.log.since(mark)}
	}
	a := &Adapter{model: m, c: c}
	a.life.refs.Store(1)
	return a, nil
}

// Close frees the adapter once no context has it set.
func (a *Adapter) Close() error {
	if a.life.close() {
		a.release()
	}
	return nil
}

func (a *Adapter) release() {
	if !a.life.release() {
		return
	}
	a.model.lib.loading.Lock()
	C.cl_llama_adapter_lora_free(a.model.lib.c, a.c)
	a.model.lib.loading.Unlock()
	a.model.release()
}

// SetAdapters replaces the context's whole set of adapters; scales[i] belongs to
// adapters[i], nil scales mean 1 for all. None at all removes the set. It acts from the next
// Decode on: what is in the KV cache stays as it was computed. Costs about 10 µs, and the
// next Decode rebuilds its graph.
func (c *Context) SetAdapters(adapters []*Adapter, scales []float32) error {
	if scales == nil {
		scales = slices.Repeat([]float32{1}, len(adapters))
	}
	if len(scales) != len(adapters) {
		return fmt.Errorf("llama: %d adapters but %d scales", len(adapters), len(scales))
	}
	for i, a := range adapters {
		switch {
		case a == nil:
			return fmt.Errorf("llama: adapter %d is nil", i)
		case a.model != c.model:
			return fmt.Errorf("llama: adapter %d was loaded for another model", i)
		case slices.Contains(adapters[:i], a):
			return fmt.Errorf("llama: adapter %d is there twice", i)
		case math.IsNaN(float64(scales[i])) || math.IsInf(float64(scales[i]), 0):
			return fmt.Errorf("llama: the scale of adapter %d is %v", i, scales[i])
		}
	}
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	for i, a := range adapters {
		if !a.life.acquire() {
			for _, b := range adapters[:i] {
				b.release()
			}
			return fmt.Errorf("llama: adapter %d: %w", i, ErrClosed)
		}
	}
	unused := c.adapters
	err := c.setAdapters(adapters, scales)
	if err != nil {
		unused = adapters
	} else {
		c.adapters = slices.Clone(adapters)
	}
	for _, a := range unused {
		a.release()
	}
	return err
}

func (c *Context) setAdapters(adapters []*Adapter, scales []float32) error {
	handles := make([]unsafe.Pointer, len(adapters)+1) // one more: a pointer also to none
	for i, a := range adapters {
		handles[i] = a.c
	}
	factors := append(slices.Clone(scales), 0)
	l := c.model.lib
	mark := l.log.mark()
	// unsafe: C reads both arrays, of C pointers and floats, during the call only.
	status := C.cl_llama_set_adapters_lora(l.c, c.c, &handles[0], C.size_t(len(adapters)), (*C.float)(unsafe.Pointer(&factors[0])))
	if status != 0 {
		return &Error{Op: "set adapters", Code: int(status), Reason: l.log.since(mark)}
	}
	return nil
}
