package server

import (
	"context"
	"errors"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"github.com/callama/callama"
)

// These tests read the server's replies with OpenAI's own client. The replies are scripted,
// so that they hold everything a reply can hold; openai_test.go uses a model.

func sdk(t *testing.T, engine Engine) openai.Client {
	t.Helper()
	srv := serve(t, New(engine, testConfig()))
	return openai.NewClient(option.WithBaseURL(srv.url+"/v1"), option.WithAPIKey("unused"), option.WithMaxRetries(0))
}

func params() openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: "tiny", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hello")}}
}

// checkSample compares what the client understood with sample.
func checkSample(t *testing.T, got openai.ChatCompletion) {
	t.Helper()
	want, _ := sample()
	if len(got.Choices) != 1 {
		t.Fatalf("%d choices", len(got.Choices))
	}
	c := got.Choices[0]
	if c.Message.Content != want.Content || c.Message.Role != "assistant" || c.FinishReason != string(want.FinishReason) ||
		got.Model != "tiny" || got.ID == "" || got.Created == 0 {
		t.Errorf("understood %+v", got)
	}
	if len(c.Message.ToolCalls) != len(want.Calls) {
		t.Fatalf("understood the calls %+v", c.Message.ToolCalls)
	}
	for i, call := range c.Message.ToolCalls {
		w := want.Calls[i]
		if call.ID != w.ID || call.Type != "function" || call.Function.Name != w.Name || call.Function.Arguments != string(w.Arguments) {
			t.Errorf("call %d: understood %+v, want %+v", i, call, w)
		}
	}
	if got.Usage.PromptTokens != 20 || got.Usage.CompletionTokens != 10 || got.Usage.TotalTokens != 30 {
		t.Errorf("understood the usage %+v", got.Usage)
	}
}

func TestSDKReply(t *testing.T) {
	client := sdk(t, script(sampleEngine))
	got, err := client.Chat.Completions.New(t.Context(), params())
	if err != nil {
		t.Fatal(err)
	}
	checkSample(t, *got)
}

func TestSDKStream(t *testing.T) {
	client := sdk(t, script(sampleEngine))
	p := params()
	p.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := client.Chat.Completions.NewStreaming(t.Context(), p)
	defer stream.Close()
	var acc openai.ChatCompletionAccumulator
	var finished []string
	content := false
	for stream.Next() {
		if !acc.AddChunk(stream.Current()) {
			t.Fatalf("the accumulator refuses %s", stream.Current().RawJSON())
		}
		if call, ok := acc.JustFinishedToolCall(); ok {
			finished = append(finished, call.Name+call.Arguments)
		}
		if text, ok := acc.JustFinishedContent(); ok {
			content = text == "Let me <add>."
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	checkSample(t, acc.ChatCompletion)
	if !content || len(finished) != 2 || finished[0] != `add{"a": 1, "b": 2}` || finished[1] != `now{}` {
		t.Errorf("just finished: content %v, calls %q", content, finished)
	}
}

func TestSDKErrors(t *testing.T) {
	client := sdk(t, script(func(_ context.Context, _ callama.Request, emit func(callama.Delta) error) (*callama.Reply, error) {
		if emit == nil {
			return nil, callama.ErrContextLength
		}
		if err := emit(callama.Delta{Content: "half"}); err != nil {
			return nil, err
		}
		return nil, errors.New("the device is gone")
	}))
	_, err := client.Chat.Completions.New(t.Context(), params())
	var told *openai.Error
	if !errors.As(err, &told) || told.StatusCode != 400 || told.Code != "context_length_exceeded" || told.Param != "messages" ||
		told.Type != "invalid_request_error" || told.Message == "" {
		t.Errorf("a long prompt: %v, %+v", err, told)
	}
	stream := client.Chat.Completions.NewStreaming(t.Context(), params())
	defer stream.Close()
	chunks := 0
	for stream.Next() {
		chunks++
	}
	var broken *ssestream.StreamError
	if !errors.As(stream.Err(), &broken) || chunks != 2 || broken.Event.Type != "error" {
		t.Errorf("within the stream: %v after %d chunks", stream.Err(), chunks)
	}
}

func TestSDKModels(t *testing.T) {
	client := sdk(t, script(nil))
	page, err := client.Models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Data) != 1 || page.Data[0].ID != "tiny" || page.Data[0].OwnedBy != "callama" {
		t.Errorf("models: %+v", page.Data)
	}
	if m, err := client.Models.Get(t.Context(), "tiny"); err != nil || m.Created != 1700000000 {
		t.Errorf("tiny: %+v, %v", m, err)
	}
	_, err = client.Models.Get(t.Context(), "huge")
	var told *openai.Error
	if !errors.As(err, &told) || told.StatusCode != 404 || told.Code != "model_not_found" {
		t.Errorf("huge: %v", err)
	}
}
