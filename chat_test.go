package callama_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
)

func vectorRequest(t testing.TB, seed uint64) callama.Request {
	t.Helper()
	tools, err := chat.ParseTools([]byte(vectorTools))
	if err != nil {
		t.Fatal(err)
	}
	temp := 1.5
	return callama.Request{Tools: tools, MaxTokens: 150, Sampling: callama.Sampling{Temperature: &temp, Seed: &seed},
		Messages: []chat.Message{{Role: chat.User, Content: "Find the sum of a = [1, -1, 2] and b = [3, 0, -4]."}}}
}

// TestToolChoice checks on many texts of a random model that each choice means what it says.
func TestToolChoice(t *testing.T) {
	m := openModel(t, nil)
	for _, tt := range []struct {
		name     string
		choice   chat.Choice
		maxCalls int
		check    func(r *callama.Reply) string
	}{
		{"required", chat.Choice{Mode: chat.Required}, 0, func(r *callama.Reply) string {
			if len(r.Calls) == 0 || r.Content != "" || r.FinishReason != callama.FinishCalls {
				return "no call, or text beside it"
			}
			return ""
		}},
		{"named", chat.Choice{Mode: chat.Named, Name: "get_dot_product"}, 0, func(r *callama.Reply) string {
			for _, c := range r.Calls {
				if c.Name != "get_dot_product" {
					return "another tool"
				}
			}
			if len(r.Calls) == 0 {
				return "no call"
			}
			return ""
		}},
		{"one call", chat.Choice{Mode: chat.Required}, 1, func(r *callama.Reply) string {
			if len(r.Calls) != 1 {
				return "not one call"
			}
			return ""
		}},
		{"none", chat.Choice{Mode: chat.None}, 0, func(r *callama.Reply) string {
			if len(r.Calls) > 0 || strings.Contains(r.Content, "<tool_call>") || r.FinishReason == callama.FinishCalls {
				return "a call"
			}
			return ""
		}},
		{"auto", chat.Choice{}, 0, func(r *callama.Reply) string {
			if strings.Contains(r.Content, "<tool_call>") {
				return "a call that was not parsed"
			}
			return ""
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(25) {
				req := vectorRequest(t, seed)
				req.Choice, req.MaxCalls = tt.choice, tt.maxCalls
				r, err := m.Chat(t.Context(), req, nil)
				if err != nil {
					t.Fatal(err)
				}
				if fault := tt.check(r); fault != "" {
					t.Errorf("seed %d: %s: %+v", seed, fault, r)
				}
				for _, c := range r.Calls {
					if err := valid(t, req.Tools, c); err != nil {
						t.Errorf("seed %d: %s(%s): %v", seed, c.Name, c.Arguments, err)
					}
				}
				if !utf8.ValidString(r.Content) {
					t.Errorf("seed %d: content is not UTF-8", seed)
				}
			}
		})
	}
}

func TestStructuredOutput(t *testing.T) {
	m := openModel(t, nil)
	for seed := range uint64(20) {
		req := vectorRequest(t, seed)
		req.Tools = nil
		req.ResponseSchema = json.RawMessage(`{"type": "object", "properties": {"name": {"type": "string", "maxLength": 20},
			"age": {"type": "integer", "minimum": 0, "maximum": 150}}, "required": ["name", "age"], "additionalProperties": false}`)
		r, err := m.Chat(t.Context(), req, nil)
		if err != nil {
			t.Fatal(err)
		}
		var person struct {
			Name string
			Age  *int
		}
		if err := json.Unmarshal([]byte(r.Content), &person); err != nil || person.Age == nil || *person.Age < 0 || *person.Age > 150 {
			t.Errorf("seed %d: %q: %v", seed, r.Content, err)
		}
		if i, k := strings.Index(r.Content, `"name"`), strings.LastIndex(r.Content, `"age"`); i > k {
			t.Errorf("seed %d: not in the schema's order: %s", seed, r.Content)
		}
		req.ResponseSchema, req.JSONObject = nil, true
		if r, err = m.Chat(t.Context(), req, nil); err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(r.Content), &object); err != nil {
			t.Errorf("seed %d: %q: %v", seed, r.Content, err)
		}
	}
}

// TestStream checks that the deltas add up to the reply, and that a reply without a reader
// is the same.
func TestStream(t *testing.T) {
	m := openModel(t, nil)
	for seed := range uint64(20) {
		req := vectorRequest(t, seed)
		if seed%2 == 0 {
			req.Choice.Mode = chat.Required
		}
		want, err := m.Chat(t.Context(), req, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := m.Stream(t.Context(), req)
		var content strings.Builder
		var calls []chat.Call
		for d := range s.Deltas() {
			content.WriteString(d.Content)
			if d.Call == nil {
				continue
			}
			if d.Call.Index == len(calls) {
				calls = append(calls, chat.Call{ID: d.Call.ID, Name: d.Call.Name})
			}
			c := &calls[d.Call.Index]
			c.Arguments = append(c.Arguments, d.Call.Arguments...)
		}
		got, err := s.Reply()
		if err != nil {
			t.Fatal(err)
		}
		if got.FinishReason == callama.FinishLength && len(calls) == len(got.Calls)+1 {
			calls = calls[:len(got.Calls)] // the call that was cut
		}
		a, _ := json.Marshal(got.Calls)
		b, _ := json.Marshal(want.Calls)
		c, _ := json.Marshal(calls)
		if got.Content != want.Content || content.String() != want.Content || string(a) != string(b) || len(calls) > 0 && string(c) != string(a) {
			t.Errorf("seed %d: streamed %q %s, reply %q %s, want %q %s", seed, content.String(), c, got.Content, a, want.Content, b)
		}
	}
}

func TestStreamLeft(t *testing.T) {
	m := openModel(t, nil)
	s := m.Stream(t.Context(), vectorRequest(t, 1))
	if _, err := s.Reply(); err == nil {
		t.Error("a reply before the deltas were read")
	}
	for range s.Deltas() {
		break
	}
	if r, err := s.Reply(); err == nil || r != nil {
		t.Errorf("reply %v, error %v of a stream that was left", r, err)
	}
	if _, err := m.Chat(t.Context(), vectorRequest(t, 2), nil); err != nil {
		t.Errorf("the model is not free again: %v", err)
	}
}

func TestBadRequests(t *testing.T) {
	m := openModel(t, nil)
	minus := -1.0
	for _, tt := range []struct {
		name   string
		change func(r *callama.Request)
		want   string
	}{
		{"no messages", func(r *callama.Request) { r.Messages = nil }, "no messages"},
		{"unknown tool", func(r *callama.Request) { r.Choice = chat.Choice{Mode: chat.Named, Name: "x"} }, `"x"`},
		{"required without tools", func(r *callama.Request) { r.Tools, r.Choice.Mode = nil, chat.Required }, "required"},
		{"two tools of one name", func(r *callama.Request) { r.Tools = append(r.Tools, r.Tools[0]) }, "get_vector_sum"},
		{"tools and a schema", func(r *callama.Request) { r.ResponseSchema = json.RawMessage("{}") }, "response schema"},
		{"two shapes", func(r *callama.Request) { r.Tools, r.ResponseSchema, r.JSONObject = nil, json.RawMessage("{}"), true }, "JSON object"},
		{"schema is no JSON", func(r *callama.Request) { r.Tools, r.ResponseSchema = nil, json.RawMessage("{") }, "response schema"},
		{"schema cannot be enforced", func(r *callama.Request) {
			r.Tools[0].Parameters = json.RawMessage(`{"type": "object", "properties": {"a": {"type": "string", "pattern": "(a)\\1"}}}`)
		}, "/properties/a/pattern"},
		{"temperature", func(r *callama.Request) { r.Temperature = &minus }, "temperature"},
		{"max tokens", func(r *callama.Request) { r.MaxTokens = -1 }, "max tokens"},
		{"max calls", func(r *callama.Request) { r.MaxCalls = -1 }, "max calls"},
		{"too long", func(r *callama.Request) { r.Messages[0].Content = strings.Repeat("word ", 20000) }, "longer than the context"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := vectorRequest(t, 1)
			tt.change(&req)
			_, err := m.Chat(t.Context(), req, func(callama.Delta) error {
				t.Error("something was generated")
				return nil
			})
			if !errors.Is(err, callama.ErrRequest) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want an ErrRequest with %q", err, tt.want)
			}
			if tt.name == "too long" && !errors.Is(err, callama.ErrContextLength) {
				t.Errorf("error %v, want ErrContextLength", err)
			}
		})
	}
}

func TestChatCancelled(t *testing.T) {
	m := openModel(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	req := vectorRequest(t, 1)
	req.Choice.Mode = chat.Required
	req.MaxTokens = 0
	_, err := m.Chat(ctx, req, func(callama.Delta) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestCall(t *testing.T) {
	m := openModel(t, nil)
	req := vectorRequest(t, 1)
	tools := req.Tools[:1]
	tools[0].Parameters = json.RawMessage(`{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}`)
	calls, err := m.Call(t.Context(), req.Messages, tools)
	if err != nil && !errors.Is(err, callama.ErrIncomplete) {
		t.Fatal(err)
	}
	for _, c := range calls {
		if err := valid(t, tools, c); err != nil {
			t.Error(err)
		}
	}
	if err := m.Check(tools); err != nil {
		t.Error(err)
	}
}
