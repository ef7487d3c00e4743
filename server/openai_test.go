package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/callama/callama"
	"github.com/callama/callama/engine"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/server"
)

// The official OpenAI SDK, unchanged, against the server with a model. The model has random
// weights: whatever it would rather say, what comes out has to hold.

// client starts a server with a synthetic model.
func client(t *testing.T) openai.Client {
	t.Helper()
	if _, err := runtimes.Find(""); err != nil {
		t.Skipf("no llama.cpp here: %v", err)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{}); err != nil {
		t.Fatal(err)
	}
	model, err := callama.Open(path, callama.Options{Context: 2048, Threads: 1, GPULayers: engine.NoLayers})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- server.New(model, server.Config{Model: "tiny", Log: slog.New(slog.DiscardHandler)}).Serve(ctx, l)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := model.Close(); err != nil {
			t.Error(err)
		}
	})
	return openai.NewClient(option.WithBaseURL("http://"+l.Addr().String()+"/v1"), option.WithAPIKey("unused"), option.WithMaxRetries(0))
}

// schemas are the parameters of the tools; every value has an end, so that a random model
// comes to one.
var schemas = map[string]string{
	"add": `{"type":"object","properties":{"a":{"type":"integer","minimum":-99,"maximum":99},"b":{"type":"integer","minimum":-99,"maximum":99}},
		"required":["a","b"],"additionalProperties":false}`,
	"paint": `{"type":"object","properties":{"colour":{"enum":["red","green","blue"]},"glossy":{"type":"boolean"}},"required":["colour"],"additionalProperties":false}`,
}

func tools(t *testing.T) (tools []openai.ChatCompletionToolUnionParam) {
	t.Helper()
	for _, name := range []string{"add", "paint"} {
		var parameters shared.FunctionParameters
		if err := json.Unmarshal([]byte(schemas[name]), &parameters); err != nil {
			t.Fatal(err)
		}
		tools = append(tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: name,
			Description: openai.String("It can " + name + "."), Parameters: parameters}))
	}
	return tools
}

func request(seed int, text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:               "tiny",
		Messages:            []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
		Temperature:         openai.Float(1.5),
		Seed:                openai.Int(int64(seed)),
		MaxCompletionTokens: openai.Int(200),
	}
}

// valid reports whether text is JSON that the schema accepts, by an independent validator.
func valid(t *testing.T, schema, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}

// answer asks for the same reply whole and streamed, and checks that they are the same and
// that every call is valid.
func answer(t *testing.T, c openai.Client, p openai.ChatCompletionNewParams) openai.ChatCompletionChoice {
	t.Helper()
	whole, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := c.Chat.Completions.NewStreaming(t.Context(), p)
	defer stream.Close()
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		if !acc.AddChunk(stream.Current()) {
			t.Fatalf("the accumulator refuses %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	got, streamed := whole.Choices[0], acc.Choices[0]
	if got.FinishReason == "length" {
		// The stream may have begun a call that the budget cut; the whole reply leaves it out.
		streamed.Message.ToolCalls = streamed.Message.ToolCalls[:min(len(got.Message.ToolCalls), len(streamed.Message.ToolCalls))]
	}
	if a, b := plain(got), plain(streamed); !reflect.DeepEqual(a, b) {
		t.Errorf("whole and streamed differ:\n%q\n%q", a, b)
	}
	if u := acc.Usage; u.PromptTokens == 0 || u.CompletionTokens != whole.Usage.CompletionTokens || u.TotalTokens != u.PromptTokens+u.CompletionTokens {
		t.Errorf("usage streamed %+v, whole %+v", u, whole.Usage)
	}
	for _, call := range got.Message.ToolCalls {
		if err := valid(t, schemas[call.Function.Name], call.Function.Arguments); err != nil {
			t.Errorf("%s %s: %v", call.Function.Name, call.Function.Arguments, err)
		}
	}
	if (got.FinishReason == "tool_calls") != (len(got.Message.ToolCalls) > 0) && got.FinishReason != "length" {
		t.Errorf("%d calls, finish reason %s", len(got.Message.ToolCalls), got.FinishReason)
	}
	return got
}

// plain is what two replies to the same request have in common; the ids of calls are not.
func plain(c openai.ChatCompletionChoice) []string {
	out := []string{c.Message.Content, c.FinishReason}
	for _, call := range c.Message.ToolCalls {
		out = append(out, call.Function.Name, call.Function.Arguments)
	}
	return out
}

func TestOpenAIToolChoice(t *testing.T) {
	c := client(t)
	choose := func(mode string) openai.ChatCompletionToolChoiceOptionUnionParam {
		return openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openai.String(mode)}
	}
	allowed := openai.ChatCompletionToolChoiceOptionUnionParam{OfAllowedTools: &openai.ChatCompletionAllowedToolChoiceParam{
		AllowedTools: openai.ChatCompletionAllowedToolsParam{Mode: "required",
			Tools: []map[string]any{{"type": "function", "function": map[string]any{"name": "add"}}}}}}
	tests := []struct {
		name     string
		choice   openai.ChatCompletionToolChoiceOptionUnionParam
		parallel bool
		calls    string // the names that a call may have
		least    int
	}{
		{"auto", choose("auto"), true, "add paint", 0},
		{"auto, one call", choose("auto"), false, "add paint", 0},
		{"none", choose("none"), true, "", 0},
		{"required", choose("required"), true, "add paint", 1},
		{"required, one call", choose("required"), false, "add paint", 1},
		{"named", openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "paint"}), false, "paint", 1},
		{"allowed tools", allowed, false, "add", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for seed := range 4 {
				p := request(seed, "Add 2 and 3, then paint it red.")
				p.Tools, p.ToolChoice = tools(t), test.choice
				p.ParallelToolCalls = openai.Bool(test.parallel)
				got := answer(t, c, p)
				calls := got.Message.ToolCalls
				if len(calls) < test.least || !test.parallel && len(calls) > 1 {
					t.Errorf("seed %d: %d calls", seed, len(calls))
				}
				for _, call := range calls {
					if !strings.Contains(test.calls, call.Function.Name) || call.ID == "" {
						t.Errorf("seed %d: a call %+v", seed, call)
					}
				}
				if test.least == 1 && got.Message.Content != "" {
					t.Errorf("seed %d: text before a forced call: %q", seed, got.Message.Content)
				}
			}
		})
	}
}

func TestOpenAIConversation(t *testing.T) {
	c := client(t)
	p := request(1, "Add 2 and 3.")
	p.Tools = tools(t)
	p.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "add"})
	p.ParallelToolCalls = openai.Bool(false)
	for range 2 { // each turn's call, and its result, is the next turn's history
		got := answer(t, c, p)
		p.Messages = append(p.Messages, got.Message.ToParam(), openai.ToolMessage("5", got.Message.ToolCalls[0].ID))
	}
	p.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openai.String("none")}
	if got := answer(t, c, p); len(got.Message.ToolCalls) > 0 {
		t.Errorf("a call where none is allowed: %+v", got.Message)
	}
}

func TestOpenAIStructuredOutput(t *testing.T) {
	c := client(t)
	const schema = `{"type":"object","properties":{"name":{"enum":["Ada","Alan"]},"born":{"type":"integer","minimum":1800,"maximum":1999},
		"tags":{"type":"array","items":{"type":"string","maxLength":4},"maxItems":2}},"required":["name","born"],"additionalProperties":false}`
	for seed := range 4 {
		p := request(seed, "Who was it?")
		p.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "person", Schema: json.RawMessage(schema), Strict: openai.Bool(seed%2 == 0)}}}
		got := answer(t, c, p)
		if err := valid(t, schema, got.Message.Content); err != nil || got.FinishReason != "stop" {
			t.Errorf("seed %d: %q, finish reason %s: %v", seed, got.Message.Content, got.FinishReason, err)
		}
		p.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONObject: &shared.ResponseFormatJSONObjectParam{}}
		if got := answer(t, c, p); got.FinishReason == "stop" {
			if err := valid(t, `{"type":"object"}`, got.Message.Content); err != nil {
				t.Errorf("seed %d: %q: %v", seed, got.Message.Content, err)
			}
		}
	}
}

func TestOpenAIRefusals(t *testing.T) {
	c := client(t)
	tests := []struct {
		name        string
		change      func(*openai.ChatCompletionNewParams)
		code, param string
		says        string
	}{
		{"a prompt longer than the context", func(p *openai.ChatCompletionNewParams) {
			p.Messages = []openai.ChatCompletionMessageParamUnion{openai.UserMessage(strings.Repeat("one more word ", 2000))}
		}, "context_length_exceeded", "messages", ""},
		{"a pattern that no automaton can match", func(p *openai.ChatCompletionNewParams) {
			p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "f",
				Parameters: shared.FunctionParameters{"type": "object", "properties": map[string]any{"x": map[string]any{
					"type": "string", "pattern": `^(a|b)\1$`}}}})}
		}, "unsupported_schema", "tools", "/properties/x/pattern"},
		{"a tool that is not there", func(p *openai.ChatCompletionNewParams) {
			p.Tools = tools(t)
			p.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "sub"})
		}, "", "tool_choice", `"sub"`},
		{"two choices", func(p *openai.ChatCompletionNewParams) { p.N = openai.Int(2) }, "unsupported_parameter", "n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := request(1, "Hello")
			test.change(&p)
			for _, stream := range []bool{false, true} {
				var err error
				if stream {
					s := c.Chat.Completions.NewStreaming(t.Context(), p)
					for s.Next() {
					}
					err = s.Err()
					s.Close()
				} else {
					_, err = c.Chat.Completions.New(t.Context(), p)
				}
				var told *openai.Error
				if !errors.As(err, &told) || told.StatusCode != 400 || told.Code != test.code || told.Param != test.param ||
					!strings.Contains(told.Message, test.says) {
					t.Errorf("stream %v: %v: %+v", stream, err, told)
				}
			}
		})
	}
}

func TestOpenAICancel(t *testing.T) {
	c := client(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p := request(1, "Tell me everything.")
	p.MaxCompletionTokens = openai.Int(1500)
	leaving, leave := context.WithCancel(ctx)
	stream := c.Chat.Completions.NewStreaming(leaving, p)
	for range 3 {
		if !stream.Next() {
			t.Fatalf("the stream ended early: %v", stream.Err())
		}
	}
	leave()
	stream.Close()
	p.MaxCompletionTokens = openai.Int(1)
	if _, err := c.Chat.Completions.New(ctx, p); err != nil {
		t.Errorf("the next request: %v", err)
	}
}

func ExampleServer() {
	// server.New takes any Engine; a *callama.Model is one.
	var engine server.Engine = (*callama.Model)(nil)
	s := server.New(engine, server.Config{Model: "qwen2.5-0.5b"})
	fmt.Printf("%T\n", s)
	// Output: *server.Server
}
