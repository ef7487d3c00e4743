package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/demo"
	"github.com/callama/callama/gguf/builtin"
	"github.com/callama/callama/internal/printable"
)

// demoCmd is "callama demo".
type demoCmd struct {
	modelFlags
	Lang      string   `enum:"en,zh," default:"" placeholder:"en|zh" help:"Language of the questions that are asked when none is given (default: both)."`
	MaxTokens int      `name:"max-tokens" default:"256" help:"Most tokens of a step."`
	JSON      bool     `name:"json" help:"Print questions, calls, results and answers as JSON."`
	Question  []string `arg:"" optional:"" help:"A question; without one a few are asked."`
}

// demoQuestions are asked by language when there is no question.
var demoQuestions = map[string][]string{
	"en": {
		"What will the weather be like in Lisbon tomorrow?",
		"Find the sum of a = [1, -1, 2] and b = [3, 0, -4].",
		"What is the price after a 15 percent discount on 80 dollars?",
		"Generate a password with 16 characters.",
		"Find Italian restaurants in Boston with a rating of at least 4.5 and a price between 20 and 60 dollars.",
	},
	"zh": {
		"北京明天天气怎么样？",
		"香蕉皮是什么垃圾？",
		"帮我查一下歌曲《青花瓷》。",
		"帮我查一下动画片《大闹天宫》。",
		"贵州茅台现在的股价是多少？",
	},
}

// demoTrace is one question and what came of it.
type demoTrace struct {
	Question string     `json:"question"`
	Steps    []demoStep `json:"steps"`
	Answer   string     `json:"answer"`
}

// demoStep is one reply of the model with calls, and their results.
type demoStep struct {
	Calls   []printedCall `json:"calls"`
	Results []demoResult  `json:"results"`
	Usage   callama.Usage `json:"usage"`
	Millis  float64       `json:"ms"`
}

type demoResult struct {
	Result json.RawMessage `json:"result"`
	Note   string          `json:"note,omitempty"`
}

func (c *demoCmd) Run(a *app) (err error) {
	if c.MaxTokens < 1 {
		return errors.New("--max-tokens must be positive")
	}
	questions := c.questions()
	m, closeModel, err := c.open(a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeModel()) }()
	choice := chat.Choice{Mode: chat.Auto}
	if _, trained := builtin.Model(); c.Model == tinyModel || c.Model == "" && !trained {
		choice.Mode = chat.Required // noise would rarely begin a call
		fmt.Fprintln(a.stderr, "The model has random weights: its calls are valid, its words are noise.")
	}
	show := c.show(a.stdout)
	for _, q := range questions {
		trace := demoTrace{Question: q}
		if err := c.ask(a.ctx, m, choice, &trace); err != nil {
			return err
		}
		if err := show(&trace); err != nil {
			return err
		}
	}
	return nil
}

func (c *demoCmd) questions() []string {
	switch {
	case len(c.Question) > 0:
		return []string{strings.Join(c.Question, " ")}
	case c.Lang != "":
		return demoQuestions[c.Lang]
	}
	return append(append([]string(nil), demoQuestions["en"]...), demoQuestions["zh"]...)
}

// maxDemoSteps bounds how often a model may call before it has to answer.
const maxDemoSteps = 3

// ask lets the model answer a question: it calls, the sample tools run, it reads their
// results, until it answers in words.
func (c *demoCmd) ask(ctx context.Context, m *callama.Model, choice chat.Choice, trace *demoTrace) error {
	messages := []chat.Message{{Role: chat.User, Content: trace.Question}}
	tools := demo.Tools()
	for range maxDemoSteps {
		began := time.Now()
		reply, err := m.Chat(ctx, callama.Request{Messages: messages, Tools: tools, Choice: choice, MaxTokens: c.MaxTokens}, nil)
		if err != nil {
			return err
		}
		if len(reply.Calls) == 0 {
			trace.Answer = reply.Content
			return nil
		}
		step := demoStep{Usage: reply.Usage, Millis: float64(time.Since(began).Microseconds()) / 1000}
		messages = append(messages, chat.Message{Role: chat.Assistant, Content: reply.Content, Calls: reply.Calls})
		for _, call := range reply.Calls {
			result, err := runDemoTool(call)
			if err != nil {
				return err
			}
			step.Calls = append(step.Calls, printedCall{call.Name, call.Arguments})
			step.Results = append(step.Results, demoResult{result.JSON, result.Note})
			messages = append(messages, chat.Message{Role: chat.ToolRole, Content: string(result.JSON), CallID: call.ID, Name: call.Name})
		}
		trace.Steps = append(trace.Steps, step)
		if choice.Mode != chat.Auto {
			break
		}
	}
	// It has called often enough: now words, and words only.
	reply, err := m.Chat(ctx, callama.Request{Messages: messages, Tools: tools, Choice: chat.Choice{Mode: chat.None}, MaxTokens: c.MaxTokens}, nil)
	if err != nil {
		return err
	}
	trace.Answer = reply.Content
	return nil
}

// runDemoTool runs a call. What the tool refuses although the schema allows it (vectors of
// numbers that are too long, say) is a result that says so.
func runDemoTool(call chat.Call) (demo.Result, error) {
	result, err := demo.Run(call)
	if err == nil {
		return result, nil
	}
	text, err := json.Marshal(map[string]string{"error": err.Error()})
	return demo.Result{JSON: text}, err
}

// show returns how a trace is printed.
func (c *demoCmd) show(w io.Writer) func(*demoTrace) error {
	if c.JSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return func(t *demoTrace) error { return enc.Encode(t) }
	}
	bold, dim, plain := "", "", ""
	if isTerminal(w) {
		bold, dim, plain = "\x1b[1m", "\x1b[2m", "\x1b[0m"
	}
	return func(t *demoTrace) error {
		var sb strings.Builder
		line := func(label, text, note string) {
			fmt.Fprintf(&sb, "%s%-9s%s %s", bold, label, plain, text)
			if note != "" {
				fmt.Fprintf(&sb, "  %s(%s)%s", dim, note, plain)
			}
			sb.WriteByte('\n')
		}
		line("question", printable.Line(t.Question), "")
		for _, s := range t.Steps {
			for i, call := range s.Calls {
				note := ""
				if i == 0 {
					note = fmt.Sprintf("%d prompt tokens, %d generated, %.0f ms", s.Usage.PromptTokens, s.Usage.CompletionTokens, s.Millis)
				}
				line("call", printable.Line(call.Name+" "+string(call.Arguments)), note)
			}
			for _, r := range s.Results {
				line("result", printable.Line(string(r.Result)), r.Note)
			}
		}
		line("answer", printable.Line(t.Answer), "")
		sb.WriteByte('\n')
		_, err := io.WriteString(w, sb.String())
		return err
	}
}
