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
	// Plain asks the model for every token, also for those that the grammar forces. Without
	// it, tokens that are forced are appended without being sampled, and decoded together
	// with the next one: the same bytes in fewer steps, split as the model's tokenizer
	// splits them. See grammar.Matcher.ForcedTokens.
	Plain bool
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
	Tokens []int32
	// Forced is how many of Tokens were not sampled.
	Forced int
	// Steps is the number of times that the model ran, the prompt aside.
	Steps   int
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
	fed := g.req.Prompt // what the model has read or reads next
	done, forced, err := g.force()
	if err != nil {
		return err
	}
	fed = append(fed[:len(fed):len(fed)], forced...)
	start := time.Now()
	var decode time.Time
	defer func() { g.res.Timings.Decode = time.Since(decode) }()
	var logits []float32
	if !done {
		g.masks.request()
		logits, err = g.feed(ctx, fed, 0)
	}
	decode = time.Now()
	g.res.Timings.Prefill = decode.Sub(start)
	for pos := len(fed); !done && err == nil; pos += len(fed) {
		var tok int32
		if tok, err = g.choose(logits); err != nil {
			return err
		}
		if done, err = g.take(tok); done || err != nil {
			return err
		}
		if done, forced, err = g.force(); done || err != nil {
			return err
		}
		g.masks.request()
		fed = append(fed[:0:0], tok)
		fed = append(fed, forced...)
		g.res.Steps++
		logits, err = g.feed(ctx, fed, pos)
	}
	return err
}

// maxForced bounds the bytes that are forced at once: a tool with a long name and its first
// parameter. More come with the next step.
const maxForced = 256

// force appends the tokens that the grammar forces, and reports whether the text has ended.
func (g *generation) force() (done bool, tokens []int32, err error) {
	if g.masks == nil || g.req.Plain {
		return false, nil, nil
	}
	tokens = g.masks.matcher.ForcedTokens(maxForced, g.tokenize)
	for i, t := range tokens {
		if !g.masks.matcher.FitsAfter(t, g.left-1) {
			return false, tokens[:i], nil // there is a shorter way to split the bytes
		}
		g.res.Forced++
		if done, err = g.take(t); done || err != nil {
			return done, tokens[:i+1], err
		}
	}
	return false, tokens, nil
}

// tokenize turns what follows the text so far into tokens: as they would be if the last
// token stood before it, if its end is an end of a token then.
func (g *generation) tokenize(text []byte) []int32 {
	if n := len(g.res.Tokens); n > 0 && g.m.vocab.IsText(g.res.Tokens[n-1]) {
		last := g.res.Tokens[n-1]
		tokens, err := g.m.Tokenize(string(g.m.vocab.Bytes(last)) + string(text))
		if err == nil && len(tokens) > 1 && tokens[0] == last {
			return tokens[1:]
		}
	}
	tokens, err := g.m.Tokenize(string(text))
	if err != nil {
		return nil // it is left to the model
	}
	return tokens
}

// feed has the model read tokens that begin at a position, in batches, and returns the
// logits after the last.
func (g *generation) feed(ctx context.Context, tokens []int32, pos int) ([]float32, error) {
	m := g.m
	if pos == 0 {
		if err := m.ctx.Clear(); err != nil {
			return nil, err
		}
	}
	for at := 0; at < len(tokens); {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		n := min(m.batch.Cap(), len(tokens)-at)
		m.batch.Reset()
		for i := range n {
			if err := m.batch.Add(tokens[at+i], pos+at+i, 0, at+i == len(tokens)-1); err != nil {
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
	if err == nil && g.masks != nil && !g.masks.matcher.FitsAfter(tok, g.left-1) {
		tok, err = g.steer(logits, mask, tok)
	}
	g.res.Timings.Sample += time.Since(waited)
	return tok, err
}

// maxRedraws is how often another token is drawn in place of one after which the text could not
// be completed within its budget. Drawing from what is left is drawing from the tokens that can be; where
// nearly all tokens cannot, as within a string that must close, it would take long.
const maxRedraws = 8

// steer draws a token after which the text can be completed within the budget, counting the tokens of
// a shortest completion; tok, which was drawn from mask, is none. Where the budget is too small in
// any case, it stays.
func (g *generation) steer(logits []float32, mask vocab.Mask, tok int32) (int32, error) {
	m := g.masks.matcher
	if m.MinTokens() > g.left {
		return tok, nil
	}
	for range maxRedraws {
		mask.Unset(tok)
		if mask.Count() == 0 {
			break
		}
		var err error
		if tok, err = g.smp.Sample(logits, mask); err != nil || m.FitsAfter(tok, g.left-1) {
			return tok, err
		}
	}
	// A token for each byte is enough in any case: that mask holds no token that does not fit.
	if t, ok := m.Closing(); !m.FillMaskWithin(mask, g.left) && ok {
		return t, nil
	}
	return g.smp.Sample(logits, mask)
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
	if g.left--; g.left == 0 {
		g.res.Finish = FinishLength
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
	ask     chan struct{}
	answer  chan vocab.Mask
}

func newMaskWorker(m *grammar.Matcher, width int) *maskWorker {
	w := &maskWorker{matcher: m, mask: vocab.NewMask(width), ask: make(chan struct{}, 1), answer: make(chan vocab.Mask, 1)}
	go func() {
		defer close(w.answer)
		for range w.ask {
			w.matcher.FillMask(w.mask)
			w.answer <- w.mask
		}
	}()
	return w
}

// request starts the next mask.
func (w *maskWorker) request() {
	if w != nil {
		w.ask <- struct{}{}
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
