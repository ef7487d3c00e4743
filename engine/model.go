// Package engine runs one model: it finds and loads llama.cpp, plans what goes to the
// GPU, and generates tokens under a grammar, one sequence at a time. It knows tokens and
// masks, not chats: package chat turns conversations into prompts and tokens into calls.
package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"

	"github.com/callama/callama/engine/llama"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/grammar/vocab"
)

// Defaults of Config.
const (
	// DefaultContext is the context length where Config does not say, in tokens, if the
	// model was trained for as much: room for some hundred tools, at 0.1 to 1 GB of KV cache
	// for models of 0.5 to 8 billion weights.
	DefaultContext = 8192
	// DefaultBatch is the number of prompt tokens decoded at once: longer batches are no
	// faster on a CPU, and a cancelled prompt stops at the next one.
	DefaultBatch = 512
)

// GPULayers values with a meaning of their own; others are numbers of layers.
const (
	AutoLayers = 0  // as many as fit into the free memory of the GPU
	NoLayers   = -1 // everything on the CPU
)

// Config says how to load a model. The zero value is a good default.
type Config struct {
	// Runtime is libllama, its folder, or the name of an installed variant; empty looks it
	// up as runtimes.Find says.
	Runtime string
	// Context is the context length in tokens; 0 is DefaultContext or what the model was
	// trained for, whichever is less.
	Context int
	// Batch is the number of prompt tokens decoded at once; 0 is DefaultBatch.
	Batch int
	// Threads compute on the CPU; 0 is the number of physical cores.
	Threads int
	// GPULayers is the number of layers offloaded to GPUs, AutoLayers or NoLayers.
	GPULayers int
	// Adapters are LoRA adapters applied to every generation, in GGUF form.
	Adapters []Adapter
	// Logger gets llama.cpp's log and the engine's own; nil drops it.
	Logger *slog.Logger
	// Progress, if not nil, is called with the part of the weights that is loaded, 0 to 1;
	// returning false stops the load.
	Progress func(done float32) bool
}

// Adapter names a LoRA adapter file and its scale; Scale 0 means 1.
type Adapter struct {
	Path  string
	Scale float32
}

// Model is a loaded model with one context. It is safe for concurrent use: generations
// wait for each other. Close it when no generation is running.
type Model struct {
	runtime runtimes.Runtime
	plan    Plan
	lib     *llama.Library
	model   *llama.Model
	vocab   *vocab.Vocab
	// used are the tokens that free text may hold: all but the padding of the vocabulary.
	used     vocab.Mask
	log      *slog.Logger
	adapters []*llama.Adapter

	turn chan struct{} // holds one token: the right to use ctx and batch
	ctx  *llama.Context
	// batch is as long as the context's batch.
	batch *llama.Batch

	closing sync.Once
	closed  error
}

// ErrClosed is returned by a closed Model.
var ErrClosed = errors.New("engine: the model is closed")

// Open loads a model. Errors: no runtime (runtimes.ErrNotFound, with the command that
// installs one), an unknown llama.cpp (*llama.ABIError), or a missing, damaged or
// unsupported file.
func Open(path string, cfg Config) (*Model, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := checkConfig(cfg); err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil { // before llama.cpp is searched and loaded
		return nil, fmt.Errorf("engine: model: %w", err)
	}
	rt, err := runtimes.Find(cfg.Runtime)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	if rt.Warning != "" {
		cfg.Logger.Warn(rt.Warning, "runtime", rt.Name())
	}
	lib, err := llama.Load(rt.Library, llama.LoadOptions{Logger: cfg.Logger})
	if err != nil {
		return nil, fmt.Errorf("engine: runtime %s: %w", rt.Name(), err)
	}
	m := &Model{runtime: rt, lib: lib, log: cfg.Logger, turn: make(chan struct{}, 1)}
	if err := m.load(path, cfg); err != nil {
		m.release()
		return nil, fmt.Errorf("engine: %w", err)
	}
	m.turn <- struct{}{}
	return m, nil
}

func checkConfig(c Config) error {
	switch {
	case c.Context < 0:
		return fmt.Errorf("engine: context of %d tokens", c.Context)
	case c.Batch < 0:
		return fmt.Errorf("engine: batch of %d tokens", c.Batch)
	case c.Threads < 0:
		return fmt.Errorf("engine: %d threads", c.Threads)
	case c.GPULayers < NoLayers:
		return fmt.Errorf("engine: %d GPU layers", c.GPULayers)
	}
	return nil
}

func (m *Model) load(path string, cfg Config) error {
	var err error
	if m.plan, err = planFor(path, m.lib, cfg); err != nil {
		return err
	}
	m.log.Debug("model plan", "gpu_layers", m.plan.GPULayers, "context", m.plan.Context, "threads", m.plan.Threads)
	m.model, err = m.lib.LoadModel(path, llama.ModelParams{GPULayers: m.plan.GPULayers, Progress: cfg.Progress})
	if err != nil {
		return err
	}
	if !m.model.HasVocab() {
		return fmt.Errorf("model %s has no vocabulary", path)
	}
	if m.vocab, m.used, err = readVocab(m.model); err != nil {
		return err
	}
	context := m.plan.Context
	if train := m.model.NCtxTrain(); cfg.Context == 0 && train > 0 {
		context = min(context, train)
	}
	m.ctx, err = m.model.NewContext(llama.ContextParams{NCtx: context, NBatch: m.plan.Batch,
		NUBatch: min(m.plan.Batch, DefaultBatch), Threads: m.plan.Threads, ThreadsBatch: m.plan.Threads})
	if err != nil {
		return err
	}
	m.plan.Context = m.ctx.NCtx()
	if m.batch, err = llama.NewBatch(m.ctx.NBatch()); err != nil {
		return err
	}
	return m.loadAdapters(cfg.Adapters)
}

func (m *Model) loadAdapters(specs []Adapter) error {
	var scales []float32
	for _, a := range specs {
		ad, err := m.model.LoadAdapter(a.Path)
		if err != nil {
			return fmt.Errorf("adapter %s: %w", a.Path, err)
		}
		m.adapters = append(m.adapters, ad)
		scale := a.Scale
		if scale == 0 {
			scale = 1
		}
		scales = append(scales, scale)
	}
	if len(specs) == 0 {
		return nil
	}
	return m.ctx.SetAdapters(m.adapters, scales)
}

// Close waits for the generation that is running, if any, and frees the model. It may be
// called more than once.
func (m *Model) Close() error {
	m.closing.Do(func() {
		<-m.turn // never given back: later generations fail
		m.closed = m.release()
		close(m.turn)
	})
	return m.closed
}

// release frees what load has made, in the reverse order.
func (m *Model) release() error {
	var errs []error
	if m.ctx != nil {
		errs = append(errs, m.ctx.Close())
	}
	if m.batch != nil {
		errs = append(errs, m.batch.Close())
	}
	for _, a := range m.adapters {
		errs = append(errs, a.Close())
	}
	if m.model != nil {
		errs = append(errs, m.model.Close())
	}
	return errors.Join(errs...)
}

// readVocab describes the model's vocabulary to the grammar engine. Models whose output is
// wider than their tokenizer fill the rest with unused tokens, which never mean anything.
func readVocab(lm *llama.Model) (v *vocab.Vocab, used vocab.Mask, err error) {
	n := lm.NTokens()
	c := vocab.Config{Tokens: make([][]byte, n), Special: make([]bool, n), Width: lm.NLogits()}
	used = vocab.NewMask(c.Width)
	const notText = llama.AttrControl | llama.AttrUnknown | llama.AttrUnused
	for i := range c.Tokens {
		t := int32(i)
		c.Tokens[i] = lm.TokenBytes(t)
		c.Special[i] = lm.Attr(t)&notText != 0
		if lm.IsEOG(t) {
			c.EOG = append(c.EOG, t)
		}
		if lm.Attr(t)&llama.AttrUnused == 0 {
			used.Set(t)
		}
	}
	v, err = vocab.New(c)
	return v, used, err
}

// Vocab returns the model's vocabulary.
func (m *Model) Vocab() *vocab.Vocab { return m.vocab }

// Plan returns what was decided at load time.
func (m *Model) Plan() Plan { return m.plan }

// Runtime returns the llama.cpp libraries in use.
func (m *Model) Runtime() runtimes.Runtime { return m.runtime }

// Description is llama.cpp's one-line description, such as "qwen2 1B Q8_0".
func (m *Model) Description() string { return m.model.Desc() }

// ChatTemplate returns the model's chat template (Jinja).
func (m *Model) ChatTemplate() (string, bool) { return m.model.ChatTemplate("") }

// Meta returns a value of the model file's header as text.
func (m *Model) Meta(key string) (string, bool) { return m.model.Meta(key) }

// TokenText returns the text of a token such as BOS, "" for -1.
func (m *Model) TokenText(t int32) string { return m.model.TokenText(t) }

// BOS returns the beginning-of-sequence token, -1 if there is none.
func (m *Model) BOS() int32 { return m.model.BOS() }

// EOS returns the end-of-sequence token, -1 if there is none.
func (m *Model) EOS() int32 { return m.model.EOS() }

// Context returns the context length in tokens.
func (m *Model) Context() int { return m.plan.Context }

// TokenizePrompt turns a rendered chat prompt into tokens: names of control tokens are read
// as these tokens. BOS is put first where the model wants it and the prompt, whose template
// may write it, does not begin with it.
func (m *Model) TokenizePrompt(prompt string) ([]int32, error) {
	tokens, err := m.model.Tokenize(prompt, false, true)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	bos := m.model.BOS()
	if m.model.AddBOS() && bos >= 0 && (len(tokens) == 0 || tokens[0] != bos) {
		tokens = append([]int32{bos}, tokens...)
	}
	return tokens, nil
}

// Tokenize turns plain text into tokens; names of control tokens are text like any other.
func (m *Model) Tokenize(text string) ([]int32, error) {
	tokens, err := m.model.Tokenize(text, false, false)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return tokens, nil
}

// defaultThreads is the number of physical cores this process may use.
func defaultThreads() int {
	return max(1, min(physicalCores(), runtime.GOMAXPROCS(0)))
}
