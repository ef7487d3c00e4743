package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/callama/callama"
	"github.com/callama/callama/bench/bfcl"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/demo"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf/builtin"
	"github.com/callama/callama/internal/ojson"
)

func needRuntime(t *testing.T) {
	t.Helper()
	if _, err := runtimes.Find(""); err != nil {
		t.Skipf("no llama.cpp here: %v", err)
	}
}

// execute runs a command of the program.
func execute(args ...string) (code int, stdout, stderr string) {
	var out, log strings.Builder
	code = run(args, strings.NewReader(""), &out, &log)
	return code, out.String(), log.String()
}

// TestDemo walks the cycle with the worst model: whatever it writes, its calls run.
func TestDemo(t *testing.T) {
	needRuntime(t)
	code, out, stderr := execute("demo", "-m", tinyModel, "--gpu-layers", "none", "--max-tokens", "120", "What", "now?")
	if code != 0 || !strings.Contains(stderr, "random weights") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"question  What now?\n", "\ncall      ", "\nresult    {", "\nanswer    "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("colours in a file:\n%q", out)
	}
	code, out, _ = execute("demo", "-m", tinyModel, "--gpu-layers", "none", "--max-tokens", "100", "--lang", "zh", "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != len(demoQuestions["zh"]) {
		t.Fatalf("exit code %d, %d lines", code, len(lines))
	}
	for i, line := range lines {
		var trace demoTrace
		if err := json.Unmarshal([]byte(line), &trace); err != nil || trace.Question != demoQuestions["zh"][i] {
			t.Errorf("%v in %s", err, line)
		}
		for _, s := range trace.Steps {
			if len(s.Calls) == 0 || len(s.Calls) != len(s.Results) {
				t.Errorf("%d calls, %d results", len(s.Calls), len(s.Results))
			}
		}
	}
	if code, _, stderr := execute("demo", "--max-tokens", "0"); code != exitFailed || !strings.Contains(stderr, "--max-tokens") {
		t.Errorf("no tokens: exit code %d, %s", code, stderr)
	}
	if code, _, _ := execute("demo", "--lang", "fr"); code != exitUsage {
		t.Errorf("French: exit code %d", code)
	}
}

func TestRunDemoTool(t *testing.T) {
	r, err := runDemoTool(chat.Call{Name: "get_vector_sum", Arguments: json.RawMessage(`{"a": [1e99], "b": [1]}`)})
	if err != nil || !strings.HasPrefix(string(r.JSON), `{"error":`) {
		t.Errorf("%s, %v", r.JSON, err)
	}
}

// TestCallDemoTools asks without tools: the sample ones are used.
func TestCallDemoTools(t *testing.T) {
	c := callCmd{Prompt: []string{"x"}}
	req, err := c.request(&app{})
	if err != nil || len(req.Tools) != len(demo.Tools()) {
		t.Errorf("%d tools, %v", len(req.Tools), err)
	}
	c.Tools = noTools
	if req, err = c.request(&app{}); err != nil || len(req.Tools) != 0 {
		t.Errorf("--tools none: %d tools, %v", len(req.Tools), err)
	}
}

// TestArticles asks the embedded model the questions by which function calling is usually
// shown, all with all sample tools, and judges its calls by BFCL's rules. All of them were right with each of
// llama.cpp's libraries for x86-64, whose sums differ.
func TestArticles(t *testing.T) {
	if _, ok := builtin.Model(); !ok {
		t.Skip("this binary carries no trained model: the synthetic one knows no words")
	}
	needRuntime(t)
	text, err := os.ReadFile("../../demo/testdata/articles.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		ID, Question string
		Truth        json.RawMessage `json:"ground_truth"`
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	m := openBuiltin(t)
	var functions []*bfcl.Function
	for _, tool := range demo.Tools() {
		functions = append(functions, bfcl.NewFunction(tool.Name, parseJSON(t, tool.Parameters)))
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			answers, err := bfcl.ParseAnswers(parseJSON(t, c.Truth))
			if err != nil {
				t.Fatal(err)
			}
			reply, err := m.Chat(t.Context(), callama.Request{Messages: []chat.Message{{Role: chat.User, Content: c.Question}},
				Tools: demo.Tools(), MaxTokens: 256}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if v := bfcl.Check(functions, answers, reply.Calls); !v.Right {
				t.Errorf("%s: %s\ncalls %s, text %q", c.Question, v.Fault, callsText(reply.Calls), reply.Content)
			}
		})
	}
}

// TestBuiltinAnswers asks for the sentence after a result: it names what was found.
func TestBuiltinAnswers(t *testing.T) {
	if _, ok := builtin.Model(); !ok {
		t.Skip("this binary carries no trained model")
	}
	needRuntime(t)
	m := openBuiltin(t)
	for _, tc := range []struct{ question, tool, arguments, result, want string }{
		{"北京明天天气怎么样？", "get_current_weather", `{"location": "北京", "time": "明天"}`, `{"location": "北京", "time": "明天", "condition": "晴", "temperature": 21}`, "21"},
		{"What is the stock price of AAPL?", "get_stock_price", `{"symbol": "AAPL"}`, `{"symbol": "AAPL", "price": 227.5, "currency": "USD"}`, "227.5"},
	} {
		reply, err := m.Chat(t.Context(), callama.Request{Tools: demo.Tools(), MaxTokens: 128, Messages: []chat.Message{
			{Role: chat.User, Content: tc.question},
			{Role: chat.Assistant, Calls: []chat.Call{{ID: "a", Name: tc.tool, Arguments: json.RawMessage(tc.arguments)}}},
			{Role: chat.ToolRole, CallID: "a", Name: tc.tool, Content: tc.result}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(reply.Calls) > 0 || !strings.Contains(reply.Content, tc.want) {
			t.Errorf("%s: calls %s, text %q, want %q in it", tc.question, callsText(reply.Calls), reply.Content, tc.want)
		}
	}
}

func openBuiltin(t *testing.T) *callama.Model {
	t.Helper()
	f := modelFlags{GPULayers: "none"}
	m, closeModel, err := f.open(&app{ctx: context.Background(), stderr: io.Discard, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closeModel(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func parseJSON(t *testing.T, text []byte) *ojson.Value {
	t.Helper()
	v, err := ojson.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func callsText(calls []chat.Call) string {
	var sb strings.Builder
	for _, c := range calls {
		sb.WriteString(c.Name + " " + string(c.Arguments) + "; ")
	}
	return sb.String()
}
