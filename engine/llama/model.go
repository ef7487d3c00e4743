package llama

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime/cgo"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// ModelParams says how to load a model. The zero value loads all of it for the CPU.
type ModelParams struct {
	// GPULayers is the number of layers that GPUs compute; -1 means all.
	GPULayers int
	// VocabOnly loads no weights: for tokenizing.
	VocabOnly bool
	// NoMmap reads the file into memory instead of mapping it.
	NoMmap bool
	// Progress, if not nil, is called on the loading goroutine with the part that is loaded,
	// 0 to 1; returning false stops the load.
	Progress func(done float32) bool
}

// Model is a loaded model with its vocabulary. It is immutable and safe for concurrent use.
// After Close its methods return zero values or ErrClosed.
type Model struct {
	lib       *Library
	c         unsafe.Pointer // llama_model
	vocab     unsafe.Pointer // const llama_vocab, owned by the model
	life      lifetime
	vocabOnly bool
	vocabType int
	nTokens   int
	specials  [3]int32 // bos, eos, eot
	addBOS    bool
	bytesOnce sync.Once // checkBytes
	bytesErr  error
}

// A lifetime counts what keeps a C object alive: its owner until Close, and its users.
type lifetime struct {
	refs   atomic.Int64
	closed atomic.Bool
}

// acquire adds a user; false after close.
func (l *lifetime) acquire() bool {
	for {
		n := l.refs.Load()
		if n == 0 || l.closed.Load() {
			return false
		}
		if l.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release drops a user and tells whether it was the last: the caller then frees.
func (l *lifetime) release() bool { return l.refs.Add(-1) == 0 }

// close drops the owner; false if that was done before.
func (l *lifetime) close() bool { return !l.closed.Swap(true) }

// LoadModel loads a GGUF file. The error is the operating system's if the file cannot be
// read, a *FileError if its header is damaged, and an *Error with llama.cpp's reason for
// everything that it refuses.
func (l *Library) LoadModel(path string, p ModelParams) (*Model, error) {
	if strings.ContainsRune(path, 0) {
		return nil, fmt.Errorf("llama: model path %q holds a zero byte", path)
	}
	if err := checkModelFile(path); err != nil {
		return nil, fmt.Errorf("llama: load model: %w", err)
	}
	if p.GPULayers < -1 || p.GPULayers > maxInt32 {
		return nil, fmt.Errorf("llama: %d gpu layers: -1 (all) or more", p.GPULayers)
	}
	mp := params{record: l.layout.model}
	C.cl_defaults(l.c, C.CL_MODEL, mp.pointer())
	mp.setInt("n_gpu_layers", p.GPULayers)
	mp.setBool("vocab_only", p.VocabOnly)
	if p.NoMmap {
		mp.setInt("load_mode", 0)
	}
	stopped := false
	if p.Progress != nil {
		h := cgo.NewHandle(func(done float32) bool {
			stopped = stopped || !p.Progress(done)
			return !stopped
		})
		defer h.Delete()
		mp.set("progress_callback", uint64(C.cl_progress()))
		mp.set("progress_callback_user_data", uint64(h))
	}
	cpath := C.CString(path)
	defer C.free(unsafe.Pointer(cpath)) // unsafe: what C.CString allocates, C frees

	l.loading.Lock()
	defer l.loading.Unlock()
	mark := l.log.mark()
	c := C.cl_load_model(l.c, cpath, mp.pointer())
	if c == nil {
		if stopped {
			return nil, fmt.Errorf("llama: load model %s: %w", path, errStopped)
		}
		return nil, &Error{Op: "load model " + path, Reason: l.log.since(mark)}
	}
	return newModel(l, c, p.VocabOnly), nil
}

var errStopped = errors.New("stopped by the progress function")

func newModel(l *Library, c unsafe.Pointer, vocabOnly bool) *Model {
	v := C.cl_llama_model_get_vocab(l.c, c)
	m := &Model{lib: l, c: c, vocab: v, vocabOnly: vocabOnly,
		vocabType: int(C.cl_llama_vocab_type(l.c, v)),
		nTokens:   int(C.cl_llama_vocab_n_tokens(l.c, v)),
		specials:  [3]int32{-1, -1, -1},
	}
	m.life.refs.Store(1)
	if m.vocabType != vocabNone {
		m.specials = [3]int32{
			int32(C.cl_llama_vocab_bos(l.c, v)),
			int32(C.cl_llama_vocab_eos(l.c, v)),
			int32(C.cl_llama_vocab_eot(l.c, v)),
		}
		m.addBOS = bool(C.cl_llama_vocab_get_add_bos(l.c, v))
	}
	return m
}

// callamaProgress is llama.cpp's progress callback; it runs on the loading thread.
//
//export callamaProgress
func callamaProgress(done C.float, user C.uintptr_t) (goOn C.int) {
	// A panic must not unwind through the C++ frames below; it stops the load instead.
	defer func() {
		if recover() != nil {
			goOn = 0
		}
	}()
	if cgo.Handle(user).Value().(func(float32) bool)(float32(done)) {
		return 1
	}
	return 0
}

// Close frees the model once its last Context, Adapter and GrammarSampler is closed.
func (m *Model) Close() error {
	if m.life.close() {
		m.release()
	}
	return nil
}

func (m *Model) release() {
	if m.life.release() {
		C.cl_llama_model_free(m.lib.c, m.c)
	}
}

// Library returns the library that loaded the model.
func (m *Model) Library() *Library { return m.lib }

// Desc returns llama.cpp's one-line description, such as "qwen2 1B Q8_0".
func (m *Model) Desc() string {
	if !m.life.acquire() {
		return ""
	}
	defer m.release()
	var buf [256]C.char
	C.cl_llama_model_desc(m.lib.c, m.c, &buf[0], C.size_t(len(buf)))
	return C.GoString(&buf[0])
}

// SizeBytes returns the size of all tensors in bytes.
func (m *Model) SizeBytes() uint64 {
	if !m.life.acquire() {
		return 0
	}
	defer m.release()
	return uint64(C.cl_llama_model_size(m.lib.c, m.c))
}

// NParams returns the number of weights.
func (m *Model) NParams() uint64 {
	if !m.life.acquire() {
		return 0
	}
	defer m.release()
	return uint64(C.cl_llama_model_n_params(m.lib.c, m.c))
}

// NCtxTrain returns the context length that the model was trained for, in tokens.
func (m *Model) NCtxTrain() int {
	if !m.life.acquire() {
		return 0
	}
	defer m.release()
	return int(C.cl_llama_model_n_ctx_train(m.lib.c, m.c))
}

// NLayer returns the number of layers.
func (m *Model) NLayer() int {
	if !m.life.acquire() {
		return 0
	}
	defer m.release()
	return int(C.cl_llama_model_n_layer(m.lib.c, m.c))
}

// NEmbd returns the width of the hidden state.
func (m *Model) NEmbd() int {
	if !m.life.acquire() {
		return 0
	}
	defer m.release()
	return int(C.cl_llama_model_n_embd(m.lib.c, m.c))
}

// HasEncoder tells whether the model has an encoder; such models cannot make a Context here.
func (m *Model) HasEncoder() bool {
	if !m.life.acquire() {
		return false
	}
	defer m.release()
	return bool(C.cl_llama_model_has_encoder(m.lib.c, m.c))
}

// Recurrent tells whether some layers keep a running state instead of a KV cache (Mamba,
// RWKV, hybrids): their sequences cannot be cut at a position (Context.SeqRemove).
func (m *Model) Recurrent() bool {
	if !m.life.acquire() {
		return false
	}
	defer m.release()
	return bool(C.cl_llama_model_is_recurrent(m.lib.c, m.c)) || bool(C.cl_llama_model_is_hybrid(m.lib.c, m.c))
}

// Meta returns a value of the GGUF header as llama.cpp prints it; arrays are not kept.
func (m *Model) Meta(key string) (string, bool) {
	if strings.ContainsRune(key, 0) || !m.life.acquire() {
		return "", false
	}
	defer m.release()
	ckey := C.CString(key)
	defer C.free(unsafe.Pointer(ckey)) // unsafe: what C.CString allocates, C frees
	buf := make([]byte, 256)
	for {
		// The result is snprintf's: the full length, however much fitted.
		n := int(C.cl_llama_model_meta_val_str(m.lib.c, m.c, ckey, bytesPointer(buf), C.size_t(len(buf))))
		if n < 0 {
			return "", false
		}
		if n < len(buf) {
			return string(buf[:n]), true
		}
		buf = make([]byte, n+1)
	}
}

// ChatTemplate returns the model's chat template (Jinja) of that name; "" is the default one.
func (m *Model) ChatTemplate(name string) (string, bool) {
	if strings.ContainsRune(name, 0) || !m.life.acquire() {
		return "", false
	}
	defer m.release()
	var cname *C.char
	if name != "" {
		cname = C.CString(name)
		defer C.free(unsafe.Pointer(cname)) // unsafe: what C.CString allocates, C frees
	}
	text := C.cl_llama_model_chat_template(m.lib.c, m.c, cname)
	if text == nil {
		return "", false
	}
	return C.GoString(text), true
}

// bytesPointer returns the start of b for C to fill during one call.
// unsafe: the slice stays referenced by the caller, and C keeps no pointer to it.
func bytesPointer(b []byte) *C.char { return (*C.char)(unsafe.Pointer(unsafe.SliceData(b))) }
