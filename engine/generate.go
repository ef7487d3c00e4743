package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/callama/callama/engine/llama"
	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/vocab"
	"github.com/callama/callama/sampler"
)

// ErrPromptTooLong is wrapped by Generate when the prompt leaves no room in the context.
var ErrPromptTooLong = errors.New("the prompt is longer than the context")

// Request asks for one generation.
type Request struct {
	Prompt []int32
	// Grammar constrains every token; nil leaves the text free until the model ends it.
	Grammar *grammar.Compiled
	// Sampling says how tokens are drawn, always after the mask.
	Sampling sampler.Config
	// MaxTokens bounds the generated tokens; 0 is what the context has room for. Under a
	// grammar the text is steered to its end within it where that is possible.
	MaxTokens int
	// Stop ends the text before the first occurrence of any of these strings.
	Stop []string
	// IgnoreEnd goes on after end-of-generation tokens, for timing; only without Grammar.
	IgnoreEnd bool
}

// Finish says why a generation ended.
type Finish uint8

// The reasons.
const (
	FinishEnd    Finish = iota // the model ended it, or the grammar allows nothing more
	FinishLength               // MaxTokens or the context ran out
	FinishStop                 // a stop string
)

// Result is a finished generation. Text is what was emitted; it has no stop string and no
// end-of-generation token.
type Result struct {
	Tokens  []int32
	Finish  Finish
	Timings Timings
}

// Timings says where the time went.
type Timings struct {
	Queue   time.Duration // waiting for other generations
	Prefill time.Duration // the prompt, up to its logits
	Decode  time.Duration // everything after that
	Mask    time.Duration // part of Decode spent waiting for masks
	Sample  time.Duration // part of Decode spent choosing tokens
}

// Generate runs one generation; others wait until it has ended. emit, if not nil, gets
// the text piece by piece as raw bytes, which may end within a character; an error from it
// ends the generation. Cancelling ctx stops within one step of the model.
//
// The mask for the next token is computed while the model computes its logits.
func (m *Model) Generate(ctx context.Context, req Request, emit func(text []byte) error) (Result, error) {
	var res Result
	if err := m.check(req); err != nil {
		return res, err
	}
	smp, err := sampler.New(req.Sampling)
	if err != nil {
		return res, fmt.Errorf("engine: %w", err)
	}
	began := time.Now()
	select {
	case _, open := <-m.turn:
		if !open {
			return res, ErrClosed
		}
	case <-ctx.Done():
		return res, ctx.Err()
	}
	defer func() { m.turn <- struct{}{} }()
	res.Timings.Queue = time.Since(began)

	defer m.abortOn(ctx)()
	if emit == nil {
		emit = func([]byte) error { return nil }
	}
	g := &generation{m: m, req: req, smp: smp, res: &res, out: newStopper(req.Stop, emit),
		left: min(positive(req.MaxTokens), m.plan.Context-len(req.Prompt))}
	if req.Grammar != nil {
		g.masks = newMaskWorker(req.Grammar.NewMatcher(), m.vocab.Width())
		defer g.masks.close()
	}
	if err := g.run(ctx); err != nil {
		if ctx.Err() != nil && (errors.Is(err, llama.ErrAborted) || errors.Is(err, ctx.Err())) {
			return res, context.Cause(ctx)
		}
		return res, fmt.Errorf("engine: %w", err)
	}
	return res, nil
}

// abortOn makes the end of ctx abort the running step. The returned function undoes it
// and leaves no late abort for the next generation.
func (m *Model) abortOn(ctx context.Context) (undo func()) {
	aborted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		m.ctx.Abort()
		close(aborted)
	})
	return func() {
		if !stop() {
			<-aborted
		}
		m.ctx.ClearAbort()
	}
}

// positive reads 0 as no bound.
func positive(n int) int {
	if n <= 0 {
		return int(^uint(0) >> 1)
	}
	return n
}

func (m *Model) check(req Request) error {
	switch {
	case len(req.Prompt) == 0:
		return errors.New("engine: the prompt is empty")
	case len(req.Prompt) >= m.plan.Context:
		return fmt.Errorf("engine: %w: %d tokens, the context has %d", ErrPromptTooLong, len(req.Prompt), m.plan.Context)
	case req.Grammar != nil && req.Grammar.Vocab() != m.vocab:
		return errors.New("engine: the grammar was compiled for another vocabulary")
	case req.Grammar != nil && req.IgnoreEnd:
		return errors.New("engine: a grammar ends the text, IgnoreEnd cannot hold")
	}
	return nil
}

// generation is the state of one Generate.
type generation struct {
	m     *Model
	req   Request
	smp   *sampler.Sampler
	masks *maskWorker // nil without a grammar
	out   *stopper
	res   *Result
	left  int // tokens that may still be generated
}

func (g *generation) run(ctx context.Context) error {
	g.masks.request(g.left)
	start := time.Now()
	logits, err := g.prefill(ctx)
	if err != nil {
		return err
	}
	decode := time.Now()
	g.res.Timings.Prefill = decode.Sub(start)
	defer func() { g.res.Timings.Decode = time.Since(decode) }()
	for pos := len(g.req.Prompt); ; pos++ {
		tok, err := g.choose(logits)
		if err != nil {
			return err
		}
		done, err := g.take(tok)
		if done || err != nil {
			return err
		}
		if g.left--; g.left == 0 {
			g.res.Finish = FinishLength
			return g.out.flush()
		}
		g.masks.request(g.left)
		if logits, err = g.step(ctx, tok, pos); err != nil {
			return err
		}
	}
}

// prefill computes the prompt in batches and returns the logits after its last token.
func (g *generation) prefill(ctx context.Context) ([]float32, error) {
	m, prompt := g.m, g.req.Prompt
	if err := m.ctx.Clear(); err != nil {
		return nil, err
	}
	for at := 0; at < len(prompt); {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		n := min(m.batch.Cap(), len(prompt)-at)
		m.batch.Reset()
		for i := range n {
			if err := m.batch.Add(prompt[at+i], at+i, 0, at+i == len(prompt)-1); err != nil {
				return nil, err
			}
		}
		if err := m.ctx.Decode(m.batch); err != nil {
			return nil, err
		}
		at += n
	}
	return m.ctx.Logits(m.batch.Len() - 1)
}

// step decodes one token and returns the logits after it.
func (g *generation) step(ctx context.Context, tok int32, pos int) ([]float32, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	b := g.m.batch
	b.Reset()
	if err := b.Add(tok, pos, 0, true); err != nil {
		return nil, err
	}
	if err := g.m.ctx.Decode(b); err != nil {
		return nil, err
	}
	return g.m.ctx.Logits(0)
}

// choose waits for the mask and draws the next token.
func (g *generation) choose(logits []float32) (int32, error) {
	start := time.Now()
	mask := g.masks.wait()
	if mask == nil && !g.req.IgnoreEnd {
		mask = g.m.used
	}
	waited := time.Now()
	g.res.Timings.Mask += waited.Sub(start)
	tok, err := g.smp.Sample(logits, mask)
	g.res.Timings.Sample += time.Since(waited)
	return tok, err
}

// take appends a token to the text and reports whether the text has ended.
func (g *generation) take(tok int32) (done bool, err error) {
	g.smp.Accept(tok)
	if g.masks != nil {
		if err := g.masks.matcher.Accept(tok); err != nil {
			return true, err // the mask allowed it: an engine fault, never passed on as text
		}
	}
	v := g.m.vocab
	if v.IsEOG(tok) && !g.req.IgnoreEnd {
		g.res.Finish = FinishEnd
		return true, g.out.flush()
	}
	g.res.Tokens = append(g.res.Tokens, tok)
	if v.IsText(tok) {
		stopped, err := g.out.write(v.Bytes(tok))
		if stopped || err != nil {
			g.res.Finish = FinishStop
			return true, err
		}
	}
	if g.masks != nil && g.masks.matcher.Done() {
		g.res.Finish = FinishEnd
		return true, g.out.flush()
	}
	return false, nil
}

// maskWorker computes masks on a goroutine of its own while the model runs. Between
// request and wait the matcher and the mask belong to that goroutine, otherwise to the
// caller. A nil worker gives nil masks.
type maskWorker struct {
	matcher *grammar.Matcher
	mask    vocab.Mask
	ask     chan int
	answer  chan vocab.Mask
}

func newMaskWorker(m *grammar.Matcher, width int) *maskWorker {
	w := &maskWorker{matcher: m, mask: vocab.NewMask(width), ask: make(chan int, 1), answer: make(chan vocab.Mask, 1)}
	go func() {
		defer close(w.answer)
		for left := range w.ask {
			w.matcher.FillMaskWithin(w.mask, left)
			w.answer <- w.mask
		}
	}()
	return w
}

// request starts the next mask; the text may take at most left tokens more.
func (w *maskWorker) request(left int) {
	if w != nil {
		w.ask <- left
	}
}

// wait returns the mask asked for; it stays as it is until the next request.
func (w *maskWorker) wait() vocab.Mask {
	if w == nil {
		return nil
	}
	return <-w.answer
}

// close ends the goroutine and waits for it.
func (w *maskWorker) close() {
	close(w.ask)
	for range w.answer { // at most one mask that nobody waited for
	}
}
