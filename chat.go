package callama

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/engine"
	"github.com/callama/callama/grammar"
	"github.com/callama/callama/sampler"
)

// Chat computes the assistant's turn. emit, if not nil, gets the reply as it is generated;
// an error from it ends the generation and is returned. Cancelling ctx stops within one
// step of the model. Errors that the request causes wrap ErrRequest and come before the
// first token. Concurrent calls wait for each other.
func (m *Model) Chat(ctx context.Context, req Request, emit func(Delta) error) (*Reply, error) {
	r, err := m.prepare(req)
	if err != nil {
		return nil, err
	}
	if emit == nil {
		emit = func(Delta) error { return nil }
	}
	r.emit = emit
	res, err := m.engine.Generate(ctx, engine.Request{Prompt: r.prompt, Grammar: r.grammar, Sampling: r.sampling,
		MaxTokens: req.MaxTokens, Stop: req.Stop, Plain: req.Plain}, r.write)
	if err != nil {
		return nil, fmt.Errorf("callama: %w", err)
	}
	return r.finish(res)
}

// run is one Chat on its way.
type run struct {
	prompt   []int32
	grammar  *grammar.Compiled
	sampling sampler.Config
	reply    Reply
	emit     func(Delta) error
	parser   *chat.Parser // nil where neither calls nor thoughts can come: everything is content
	held     []byte       // the start of a character, without a parser
}

// prepare does all that can fail because of the request.
func (m *Model) prepare(req Request) (*run, error) {
	bad := func(err error) error { return fmt.Errorf("callama: %w: %w", ErrRequest, err) }
	if err := check(req); err != nil {
		return nil, bad(err)
	}
	r := &run{sampling: samplingOf(req.Sampling)}
	r.reply.Seed = r.sampling.Seed
	if err := r.sampling.Check(); err != nil {
		return nil, bad(err)
	}
	start := time.Now()
	tools := req.Tools
	if req.Choice.Mode == chat.None {
		tools = nil // what must not be used is not offered either
	}
	text, prompt, err := m.render(chat.Input{Messages: req.Messages, Tools: tools, Extra: req.TemplateArgs})
	if err != nil {
		return nil, bad(err)
	}
	r.prompt = prompt
	rendered := time.Now()
	r.reply.Timings.Render = rendered.Sub(start)
	reasoning := m.reasoning(text)
	out, err := m.grammar(req, reasoning)
	if err != nil {
		return nil, bad(err)
	}
	r.reply.Timings.Compile = time.Since(rendered)
	if n, most := len(r.prompt), m.engine.Context(); n >= most {
		return nil, fmt.Errorf("callama: %w: %d tokens, the context has %d", ErrContextLength, n, most)
	}
	if out != nil {
		r.grammar, r.reply.Dropped = out.grammar, out.dropped
	}
	switch {
	case len(tools) > 0:
		r.parser = m.dialect.NewParser()
		r.parser.IDs, r.parser.Arguments = chat.NewCallIDs(r.sampling.Seed), out.arguments
	case reasoning.Close != "":
		r.parser = chat.NewContentParser()
	}
	if r.parser != nil {
		r.parser.Reasoning = reasoning
	}
	return r, nil
}

// check refuses requests that contradict themselves.
func check(req Request) error {
	shapes := shapesOf(req)
	switch {
	case len(req.Messages) == 0:
		return errors.New("there are no messages")
	case len(shapes) > 1:
		return fmt.Errorf("%s and %s cannot both shape the reply", shapes[0], shapes[1])
	case len(req.Choices) > maxChoices:
		return fmt.Errorf("%d choices, more than the limit of %d", len(req.Choices), maxChoices)
	case req.MaxTokens < 0:
		return fmt.Errorf("max tokens is %d", req.MaxTokens)
	case req.MaxCalls < 0:
		return fmt.Errorf("max calls is %d", req.MaxCalls)
	}
	names := make(map[string]bool, len(req.Tools))
	for _, t := range req.Tools {
		if names[t.Name] {
			return fmt.Errorf("two tools are called %q", t.Name)
		}
		names[t.Name] = true
	}
	return chat.CheckChoice(req.Tools, req.Choice)
}

// maxChoices bounds Request.Choices; more are a mistake, or a schema with an enum.
const maxChoices = 10_000

// shapesOf names all that a request wants of the reply's form.
func shapesOf(req Request) []string {
	var shapes []string
	for _, s := range []struct {
		name  string
		given bool
	}{
		{"tools", len(req.Tools) > 0},
		{"a response schema", len(req.ResponseSchema) > 0},
		{"a plain JSON object", req.JSONObject},
		{"a regular expression", req.Regex != ""},
		{"choices", len(req.Choices) > 0},
		{"a grammar", req.GBNF != ""},
	} {
		if s.given {
			shapes = append(shapes, s.name)
		}
	}
	return shapes
}

func samplingOf(s Sampling) sampler.Config {
	c := sampler.Config{TopK: s.TopK, TopP: s.TopP, MinP: s.MinP, RepeatPenalty: s.RepeatPenalty,
		FrequencyPenalty: s.FrequencyPenalty, PresencePenalty: s.PresencePenalty}
	if s.Temperature != nil {
		c.Temperature = *s.Temperature
	}
	if s.Seed != nil {
		c.Seed = *s.Seed
	} else {
		c.Seed = rand.Uint64()
	}
	return c
}

// write turns generated text into deltas.
func (r *run) write(text []byte) error {
	if r.parser == nil {
		r.held = append(r.held, text...)
		n := wholeCharacters(r.held)
		if n == 0 {
			return nil
		}
		s := strings.ToValidUTF8(string(r.held[:n]), string(utf8.RuneError))
		r.held = append(r.held[:0], r.held[n:]...)
		r.reply.Content += s
		return r.emit(Delta{Content: s})
	}
	for _, e := range r.parser.Write(string(text)) {
		if err := r.event(e); err != nil {
			return err
		}
	}
	return nil
}

// event passes one of the parser's events on.
func (r *run) event(e chat.Event) error {
	switch e.Kind {
	case chat.ReasoningText:
		return r.emit(Delta{Reasoning: e.Text})
	case chat.ContentText:
		return r.emit(Delta{Content: e.Text})
	case chat.CallStart:
		return r.emit(Delta{Call: &CallDelta{Index: e.Index, ID: e.ID, Name: e.Name}})
	case chat.CallArguments:
		return r.emit(Delta{Call: &CallDelta{Index: e.Index, Arguments: e.Text}})
	}
	return nil
}

// wholeCharacters returns the length of b without a character that is cut at its end.
// Bytes that are no UTF-8 count as characters.
func wholeCharacters(b []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		if c := b[len(b)-back]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-back:]) {
				return len(b) - back
			}
			break
		}
	}
	return len(b)
}

// finish completes the reply.
func (r *run) finish(res engine.Result) (*Reply, error) {
	reply := &r.reply
	complete := true
	if r.parser != nil {
		reply.Content, reply.Calls, complete = r.parser.Close()
		reply.Reasoning = r.parser.Thoughts()
		if rest := r.parser.RestThoughts(); rest != "" {
			if err := r.emit(Delta{Reasoning: rest}); err != nil {
				return nil, err
			}
		}
		if rest := r.parser.Rest(); rest != "" {
			if err := r.emit(Delta{Content: rest}); err != nil {
				return nil, err
			}
		}
	} else if len(r.held) > 0 { // a character that the end of the text has cut
		s := string(utf8.RuneError)
		reply.Content += s
		if err := r.emit(Delta{Content: s}); err != nil {
			return nil, err
		}
	}
	switch {
	case len(reply.Calls) > 0 && (complete || res.Finish != engine.FinishLength):
		reply.FinishReason = FinishCalls
	case res.Finish == engine.FinishLength:
		reply.FinishReason = FinishLength
	default:
		reply.FinishReason = FinishStop
	}
	reply.Usage = Usage{PromptTokens: len(r.prompt), CompletionTokens: len(res.Tokens), ForcedTokens: res.Forced}
	t := &reply.Timings
	t.Queue, t.Prefill, t.Decode = res.Timings.Queue, res.Timings.Prefill, res.Timings.Decode
	t.Mask, t.Sample = res.Timings.Mask, res.Timings.Sample
	return reply, nil
}

// Stream is a reply that is read while it is generated:
//
//	s := model.Stream(ctx, req)
//	for d := range s.Deltas() {
//		fmt.Print(d.Content)
//	}
//	reply, err := s.Reply()
//
// It is owned by one goroutine.
type Stream struct {
	start func(emit func(Delta) error) (*Reply, error)
	reply *Reply
	err   error
}

// Stream prepares a reply; generation begins when Deltas is ranged over.
func (m *Model) Stream(ctx context.Context, req Request) *Stream {
	return &Stream{err: errNotRead, start: func(emit func(Delta) error) (*Reply, error) {
		return m.Chat(ctx, req, emit)
	}}
}

var (
	errNotRead = errors.New("callama: the stream has not been read")
	errBroken  = errors.New("callama: the stream was not read to its end")
)

// Deltas generates the reply and yields its increments. Leaving the loop stops the
// generation. It can be ranged over once.
func (s *Stream) Deltas() iter.Seq[Delta] {
	return func(yield func(Delta) bool) {
		start := s.start
		if start == nil {
			return
		}
		s.start = nil
		s.reply, s.err = start(func(d Delta) error {
			if !yield(d) {
				return errBroken
			}
			return nil
		})
	}
}

// Reply returns the finished reply, or why there is none.
func (s *Stream) Reply() (*Reply, error) { return s.reply, s.err }
