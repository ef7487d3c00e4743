package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/callama/callama"
	"github.com/callama/callama/bench/bfcl"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/engine"
	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
	"github.com/callama/callama/internal/ojson"
)

// DefaultEvalTokens bounds a reply that is judged, in tokens: the longest expected calls of
// the leaderboard take about 400.
const DefaultEvalTokens = 512

// EvalItem is one assistant turn that a model has to write: what comes before it, and how
// to judge it.
type EvalItem struct {
	ID, Category string
	Lang         string // "en" or "zh"
	Messages     []chat.Message
	Tools        []chat.Tool
	// WantsCall tells turns with calls from those that must have none.
	WantsCall bool
	// Expected is shown beside what came: calls as JSON, or nil.
	Expected json.RawMessage
	// Judge judges the calls of the reply.
	Judge func(calls []chat.Call) bfcl.Verdict
}

// EvalMode says how replies are generated.
type EvalMode string

// The modes. Free replies are generated without any mask and parsed as the dialect has it.
const (
	EvalGrammar EvalMode = "grammar"
	EvalFree    EvalMode = "free"
)

// EvalConfig says what to evaluate.
type EvalConfig struct {
	Items []EvalItem
	// Modes are run for each item, one after the other; empty is EvalGrammar alone.
	Modes []EvalMode
	// MaxTokens bounds each reply; 0 is DefaultEvalTokens.
	MaxTokens int
	// Progress, if not nil, is called after each item, in all modes.
	Progress func(done, total int)
}

// EvalRow is what became of one item in one mode.
type EvalRow struct {
	ID       string          `json:"id"`
	Category string          `json:"category"`
	Lang     string          `json:"lang"`
	Mode     EvalMode        `json:"mode"`
	Question string          `json:"question"` // the last message before the reply
	Expected json.RawMessage `json:"expected,omitempty"`
	Calls    []chat.Call     `json:"calls"`
	Content  string          `json:"content,omitempty"`
	Fault    string          `json:"fault,omitempty"` // why it is not right

	WantsCall bool `json:"wants_call"`
	Right     bool `json:"right"`
	Names     bool `json:"names_right"` // of turns that want calls: the right tools are called
	// Tried: the reply has calls, or what was begun as one. Valid: all of that are calls
	// of the given tools, and their arguments are valid for the schemas.
	Tried bool `json:"tried"`
	Valid bool `json:"valid"`
	Cut   bool `json:"cut"` // by MaxTokens or the context
	// Refused: there was no reply, because the prompt is too long or a schema cannot be
	// enforced. Such an item is not right.
	Refused bool `json:"refused"`

	PromptTokens int           `json:"prompt_tokens"`
	Tokens       int           `json:"tokens"`
	Prefill      time.Duration `json:"prefill_ns"`
	Decode       time.Duration `json:"decode_ns"`
	MaskWait     time.Duration `json:"mask_wait_ns"`
}

// Evaluate lets a model write every item, greedily and with tool choice auto, and judges
// what it writes. When ctx ends, the report of what was done so far is returned with the
// context's error.
func Evaluate(ctx context.Context, m *callama.Model, cfg EvalConfig) (*EvalReport, error) {
	if len(cfg.Modes) == 0 {
		cfg.Modes = []EvalMode{EvalGrammar}
	}
	if cfg.MaxTokens == 0 {
		cfg.MaxTokens = DefaultEvalTokens
	}
	if cfg.MaxTokens < 0 {
		return nil, fmt.Errorf("bench: eval: %d tokens for a reply", cfg.MaxTokens)
	}
	bytes, err := byteVocab()
	if err != nil {
		return nil, fmt.Errorf("bench: eval: %w", err)
	}
	e := evaluation{m: m, max: cfg.MaxTokens, bytes: bytes}
	rep := &EvalReport{Model: m.Name(), Dialect: m.Dialect().String(), Runtime: m.Engine().Runtime().Name(),
		Threads: m.Engine().Plan().Threads, Context: m.Engine().Context(), MaxTokens: cfg.MaxTokens, Items: len(cfg.Items), Modes: cfg.Modes}
	began := time.Now()
	defer func() {
		rep.Elapsed = time.Since(began)
		for _, mode := range cfg.Modes {
			rep.Tallies = append(rep.Tallies, rep.tally(mode)...)
		}
	}()
	for i := range cfg.Items {
		for _, mode := range cfg.Modes {
			row, err := e.run(ctx, &cfg.Items[i], mode)
			if err != nil {
				return rep, err
			}
			rep.Rows = append(rep.Rows, row)
		}
		if cfg.Progress != nil {
			cfg.Progress(i+1, len(cfg.Items))
		}
	}
	return rep, nil
}

type evaluation struct {
	m     *callama.Model
	max   int
	bytes *vocab.Vocab
}

// run lets the model write one item. The error is one that ends the evaluation.
func (e *evaluation) run(ctx context.Context, item *EvalItem, mode EvalMode) (EvalRow, error) {
	row := EvalRow{ID: item.ID, Category: item.Category, Lang: item.Lang, Mode: mode, Expected: item.Expected, WantsCall: item.WantsCall}
	if n := len(item.Messages); n > 0 {
		row.Question = item.Messages[n-1].Content
	}
	write := e.constrained
	if mode == EvalFree {
		write = e.free
	}
	err := write(ctx, item, &row)
	if row.Calls == nil {
		row.Calls = []chat.Call{} // [] in JSON
	}
	row.Content = strings.ToValidUTF8(row.Content, "\uFFFD")
	if err != nil {
		if !errors.Is(err, callama.ErrRequest) {
			return row, err
		}
		row.Refused, row.Fault = true, err.Error()
		return row, nil
	}
	v := item.Judge(row.Calls)
	row.Right, row.Names, row.Fault = v.Right, v.Names, v.Fault
	if !item.WantsCall && row.Tried && row.Right {
		row.Right, row.Fault = false, "begins a call, want none"
	}
	if row.Tried {
		if fault := e.invalid(item.Tools, row.Calls); fault != "" {
			row.Valid = false
			row.Fault = strings.TrimPrefix(row.Fault+"; "+fault, "; ")
		}
	}
	return row, nil
}

// constrained generates as it is served.
func (e *evaluation) constrained(ctx context.Context, item *EvalItem, row *EvalRow) error {
	seed := uint64(0)
	reply, err := e.m.Chat(ctx, callama.Request{Messages: item.Messages, Tools: item.Tools, MaxTokens: e.max,
		Sampling: callama.Sampling{Seed: &seed}}, nil)
	if err != nil {
		return err
	}
	row.Calls, row.Content, row.Cut = reply.Calls, reply.Content, reply.FinishReason == callama.FinishLength
	row.Tried = len(reply.Calls) > 0
	row.Valid = row.Tried
	row.PromptTokens, row.Tokens = reply.Usage.PromptTokens, reply.Usage.CompletionTokens
	row.Prefill, row.Decode, row.MaskWait = reply.Timings.Prefill, reply.Timings.Decode, reply.Timings.Mask
	return nil
}

// free generates from the same prompt without a mask, until the model ends its turn.
func (e *evaluation) free(ctx context.Context, item *EvalItem, row *EvalRow) error {
	prompt, err := e.m.Prompt(item.Messages, item.Tools)
	if err != nil {
		return fmt.Errorf("%w: %w", callama.ErrRequest, err)
	}
	var text strings.Builder
	res, err := e.m.Engine().Generate(ctx, engine.Request{Prompt: prompt, MaxTokens: e.max}, func(piece []byte) error {
		text.Write(piece)
		return nil
	})
	if errors.Is(err, engine.ErrPromptTooLong) {
		return fmt.Errorf("%w: %w", callama.ErrContextLength, err)
	}
	if err != nil {
		return err
	}
	complete := true
	if len(item.Tools) > 0 {
		p := e.m.Dialect().NewParser()
		p.Write(text.String())
		row.Content, row.Calls, complete = p.Close()
	} else {
		row.Content = text.String()
	}
	row.Cut = res.Finish == engine.FinishLength
	// What was opened as a call and is none is content, or was not complete.
	broken := !complete || len(item.Tools) > 0 && e.m.Dialect().OpensCall(row.Content)
	row.Tried = broken || len(row.Calls) > 0
	row.Valid = row.Tried && !broken
	row.PromptTokens, row.Tokens = len(prompt), len(res.Tokens)
	row.Prefill, row.Decode = res.Timings.Prefill, res.Timings.Decode
	return nil
}

// argumentOptions admit every spelling of arguments that are valid for a tool.
var argumentOptions = schema.Options{Whitespace: schema.Model, Spelling: schema.AnySpelling, PythonNames: true, ClosedObjects: true}

// invalid says which of the calls is not one of a given tool with valid arguments, ""
// if all are.
func (e *evaluation) invalid(tools []chat.Tool, calls []chat.Call) string {
	for _, call := range calls {
		at := 0
		for at < len(tools) && tools[at].Name != call.Name {
			at++
		}
		if at == len(tools) {
			return fmt.Sprintf("there is no tool %q", call.Name)
		}
		arguments, err := ojson.Parse(call.Arguments)
		if err != nil {
			return fmt.Sprintf("%s: arguments: %v", call.Name, err)
		}
		if !e.accepts(tools[at], arguments) {
			return fmt.Sprintf("%s: the arguments are not valid for its schema", call.Name)
		}
	}
	return ""
}

// accepts reports whether arguments are valid for a tool. A schema that cannot be enforced
// takes everything.
func (e *evaluation) accepts(tool chat.Tool, arguments *ojson.Value) bool {
	b := gbnf.NewBuilder()
	text, err := schema.CompileTool(b, tool.Name, tool.Parameters, argumentOptions)
	if err != nil {
		return true
	}
	c, err := grammar.Compile(b.Grammar(b.Add("arguments", text).Rule), e.bytes, grammar.Limits{})
	return err != nil || acceptsText(c, InstanceText(arguments))
}
