package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/demo"
)

// callCmd answers one question with calls.
type callCmd struct {
	modelFlags
	Tools      string   `placeholder:"FILE" help:"Tools: a JSON array of functions (OpenAI's form, or bare name, description, parameters); - reads standard input, none is no tools. Default: the sample tools of callama demo."`
	ToolChoice string   `name:"tool-choice" default:"auto" placeholder:"auto|required|none|NAME" help:"required forces a call, NAME a call of that tool, none forbids calls, auto leaves it to the model."`
	Schema     string   `xor:"shape" placeholder:"FILE" help:"JSON Schema of the reply, which is printed instead of calls."`
	Regex      string   `xor:"shape" placeholder:"PATTERN" help:"Regular expression (ECMA-262) that the whole reply matches."`
	Choice     []string `xor:"shape" placeholder:"TEXT" sep:"none" help:"The reply is one of these texts; repeat for more."`
	Grammar    string   `xor:"shape" placeholder:"FILE" help:"GBNF grammar of the reply."`
	Parallel   int      `placeholder:"N" help:"Most calls in the reply (default: no bound)."`
	System     string   `placeholder:"TEXT" help:"System message."`
	Seed       *uint64  `placeholder:"N" help:"Seed of the random draws (default: a fresh one)."`
	Temp       float64  `default:"0" help:"Temperature; 0 always takes the most likely token."`
	TopK       int      `name:"top-k" placeholder:"N" help:"Keep the N most likely tokens."`
	TopP       float64  `name:"top-p" placeholder:"P" help:"Keep the most likely tokens with probability P together."`
	MinP       float64  `name:"min-p" placeholder:"P" help:"Keep tokens with at least P times the probability of the most likely one."`
	MaxTokens  int      `name:"max-tokens" default:"1024" help:"Most tokens to generate; calls are steered to their end within it."`
	Stop       []string `placeholder:"TEXT" sep:"none" help:"End the reply before this text; may be repeated."`
	Forced     bool     `negatable:"" default:"true" help:"Append the tokens that the grammar forces without asking the model for them."`
	JSON       bool     `name:"json" help:"Print calls, content, finish reason, usage and timings as JSON."`
	Timings    bool     `help:"Print tokens per second and where the time went to standard error."`
	Prompt     []string `arg:"" help:"The question; - reads standard input."`
}

func (c *callCmd) Run(a *app) (err error) {
	req, err := c.request(a)
	if err != nil {
		return err
	}
	started := time.Now()
	m, closeModel, err := c.open(a)
	if err != nil {
		return err
	}
	defer func() {
		if e := closeModel(); err == nil {
			err = e
		}
	}()
	loaded := time.Since(started)
	reply, err := m.Chat(a.ctx, req, nil)
	if err != nil {
		return err
	}
	warnDropped(a, reply.Dropped)
	if err := c.print(a, reply); err != nil {
		return err
	}
	if c.Timings {
		if err := printTimings(a.stderr, reply, loaded); err != nil {
			return err
		}
	}
	forced := req.Choice.Mode == chat.Required || req.Choice.Mode == chat.Named
	if forced && len(reply.Calls) == 0 {
		return fmt.Errorf("no call was complete after %d tokens: raise --max-tokens or --ctx", reply.Usage.CompletionTokens)
	}
	return nil
}

// noTools is the value of --tools for a question without tools.
const noTools = "none"

// request reads the tools and the prompt.
func (c *callCmd) request(a *app) (callama.Request, error) {
	req := callama.Request{MaxCalls: c.Parallel, MaxTokens: c.MaxTokens, Stop: c.Stop, Plain: !c.Forced, Choice: chat.ParseChoice(c.ToolChoice),
		Sampling: callama.Sampling{Temperature: &c.Temp, TopK: c.TopK, TopP: c.TopP, MinP: c.MinP, Seed: c.Seed}}
	prompt := strings.Join(c.Prompt, " ")
	if prompt == "-" && c.Tools == "-" {
		return req, errors.New("tools and prompt cannot both come from standard input")
	}
	switch c.Tools {
	case "":
		if !c.shaped() {
			req.Tools = demo.Tools()
		}
	case noTools:
	default:
		data, err := readInput(a, c.Tools)
		if err != nil {
			return req, fmt.Errorf("tools: %w", err)
		}
		if req.Tools, err = chat.ParseTools(data); err != nil {
			return req, fmt.Errorf("tools %s: %w", c.Tools, err)
		}
	}
	if prompt == "-" {
		data, err := readInput(a, "-")
		if err != nil {
			return req, fmt.Errorf("prompt: %w", err)
		}
		prompt = string(data)
	}
	if err := c.shape(a, &req); err != nil {
		return req, err
	}
	if c.System != "" {
		req.Messages = append(req.Messages, chat.Message{Role: chat.System, Content: c.System})
	}
	req.Messages = append(req.Messages, chat.Message{Role: chat.User, Content: prompt})
	return req, chat.CheckChoice(req.Tools, req.Choice)
}

// shape reads what the reply must look like if it is no calls.
func (c *callCmd) shape(a *app, req *callama.Request) error {
	req.Regex, req.Choices = c.Regex, c.Choice
	if c.Schema != "" {
		data, err := readInput(a, c.Schema)
		if err != nil {
			return fmt.Errorf("schema: %w", err)
		}
		req.ResponseSchema = data
	}
	if c.Grammar != "" {
		data, err := readInput(a, c.Grammar)
		if err != nil {
			return fmt.Errorf("grammar: %w", err)
		}
		req.GBNF = string(data)
	}
	return nil
}

// shaped reports whether the reply's text is what was asked for.
func (c *callCmd) shaped() bool {
	return c.Schema != "" || c.Regex != "" || len(c.Choice) > 0 || c.Grammar != ""
}

// maxInput bounds tools and prompts read from files, in bytes: a thousand tools are about
// 2 MB; a longer text is a mistake.
const maxInput = 64 << 20

func readInput(a *app, path string) ([]byte, error) {
	r := a.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err == nil && len(data) > maxInput {
		err = fmt.Errorf("%s is larger than %d MiB", path, maxInput>>20)
	}
	return data, err
}

// printedCall is a call without its ID, which means nothing on the command line.
type printedCall struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// print writes the calls to standard output, or the text that was asked for, and nothing else
// unless --json asks for it: text and thoughts that the model wrote beside them go to standard error.
func (c *callCmd) print(a *app, r *callama.Reply) error {
	calls := make([]printedCall, len(r.Calls))
	for i, call := range r.Calls {
		calls[i] = printedCall{call.Name, call.Arguments}
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	if !c.JSON {
		if r.Reasoning != "" {
			fmt.Fprintln(a.stderr, r.Reasoning)
		}
		if c.shaped() {
			_, err := fmt.Fprintln(a.stdout, r.Content)
			return err
		}
		if r.Content != "" {
			fmt.Fprintln(a.stderr, r.Content)
		}
		return enc.Encode(calls)
	}
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{
		"calls": calls, "content": r.Content, "reasoning": r.Reasoning, "finish_reason": r.FinishReason, "seed": r.Seed,
		"usage": r.Usage, "timings": timingsJSON(r),
	})
}

// timingsJSON gives durations in milliseconds and the two speeds.
func timingsJSON(r *callama.Reply) map[string]float64 {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	t := r.Timings
	return map[string]float64{
		"queue_ms": ms(t.Queue), "compile_ms": ms(t.Compile), "render_ms": ms(t.Render), "prefill_ms": ms(t.Prefill),
		"decode_ms": ms(t.Decode), "mask_wait_ms": ms(t.Mask), "sample_ms": ms(t.Sample),
		"prefill_tokens_per_second": perSecond(r.Usage.PromptTokens, t.Prefill),
		"decode_tokens_per_second":  perSecond(r.Usage.CompletionTokens, t.Decode),
	}
}

func perSecond(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// printTimings writes where the time went as a table.
func printTimings(w io.Writer, r *callama.Reply, load time.Duration) error {
	t := r.Timings
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what string, d time.Duration, note string) {
		fmt.Fprintf(tw, "  %s\t%9.2f ms\t%s\n", what, float64(d.Microseconds())/1000, note)
	}
	fmt.Fprintf(tw, "%d prompt tokens, %d generated (%d forced by the grammar), finish reason %s\n",
		r.Usage.PromptTokens, r.Usage.CompletionTokens, r.Usage.ForcedTokens, r.FinishReason)
	row("load the model", load, "")
	row("compile the tools", t.Compile, "schemas to an automaton")
	row("render the prompt", t.Render, "chat template and tokenizer")
	row("prefill", t.Prefill, fmt.Sprintf("%.0f tokens/s", perSecond(r.Usage.PromptTokens, t.Prefill)))
	row("decode", t.Decode, fmt.Sprintf("%.0f tokens/s", perSecond(r.Usage.CompletionTokens, t.Decode)))
	row("  waiting for masks", t.Mask, "")
	row("  choosing tokens", t.Sample, "")
	return tw.Flush()
}
