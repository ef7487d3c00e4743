package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
)

const hello = `{"messages":[{"role":"user","content":"hello"}]}`

// with is hello with more parameters.
func with(parameters string) string { return strings.TrimSuffix(hello, "}") + "," + parameters + "}" }

const twoTools = `"tools":[{"type":"function","function":{"name":"add","parameters":{"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"integer"}}}}},
	{"type":"function","function":{"name":"now","description":"the time"}}]`

func TestDecode(t *testing.T) {
	add := chat.Tool{Name: "add", Parameters: json.RawMessage(`{"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"integer"}}}`)}
	now := chat.Tool{Name: "now", Description: "the time"}
	user := []chat.Message{{Role: chat.User, Content: "hello"}}
	number := func(x float64) *float64 { return &x }
	seed := func(x uint64) *uint64 { return &x }
	tests := []struct {
		name, body string
		want       callama.Request
	}{
		{"the least", hello, callama.Request{}},
		{"null is absent", with(`"tools":null,"tool_choice":null,"n":null,"stop":null,"seed":null,"logit_bias":null,"response_format":null`), callama.Request{}},
		{"unknown and harmless parameters", with(`"user":"me","store":true,"n":1,"logprobs":false,"logit_bias":{},"modalities":["text"],"whatever":[1]`), callama.Request{}},
		{"the model's name", with(`"model":"tiny"`), callama.Request{}},
		{"tools keep their order", with(twoTools), callama.Request{Tools: []chat.Tool{add, now}}},
		{"tool_choice required", with(twoTools + `,"tool_choice":"required"`), callama.Request{Tools: []chat.Tool{add, now}, Choice: chat.Choice{Mode: chat.Required}}},
		{"tool_choice none", with(twoTools + `,"tool_choice":"none"`), callama.Request{Tools: []chat.Tool{add, now}, Choice: chat.Choice{Mode: chat.None}}},
		{"tool_choice named", with(twoTools + `,"tool_choice":{"type":"function","function":{"name":"now"}}`),
			callama.Request{Tools: []chat.Tool{add, now}, Choice: chat.Choice{Mode: chat.Named, Name: "now"}}},
		{"allowed tools", with(twoTools + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"now"}}]}}`),
			callama.Request{Tools: []chat.Tool{now}, Choice: chat.Choice{Mode: chat.Required}}},
		{"one call at most", with(twoTools + `,"parallel_tool_calls":false`), callama.Request{Tools: []chat.Tool{add, now}, MaxCalls: 1}},
		{"format text", with(`"response_format":{"type":"text"}`), callama.Request{}},
		{"format json_object", with(`"response_format":{"type":"json_object"}`), callama.Request{JSONObject: true}},
		{"format json_object with a schema", with(`"response_format":{"type":"json_object","schema":{"type":"object"}}`), callama.Request{ResponseSchema: json.RawMessage(`{"type":"object"}`)}},
		{"format json_schema", with(`"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"array"}}}`),
			callama.Request{ResponseSchema: json.RawMessage(`{"type":"array"}`)}},
		{"format with tools that may not be called", with(twoTools + `,"tool_choice":"none","response_format":{"type":"json_object"}`),
			callama.Request{JSONObject: true, Choice: chat.Choice{Mode: chat.None}}},
		{"grammar", with(`"grammar":"root ::= \"x\""`), callama.Request{GBNF: `root ::= "x"`}},
		{"no grammar", with(`"grammar":""`), callama.Request{}},
		{"json_schema", with(`"json_schema":{"type":"null"}`), callama.Request{ResponseSchema: json.RawMessage(`{"type":"null"}`)}},
		{"guided_json", with(`"guided_json":"{\"type\":\"null\"}"`), callama.Request{ResponseSchema: json.RawMessage(`{"type":"null"}`)}},
		{"guided_regex", with(`"guided_regex":"a+"`), callama.Request{Regex: "a+"}},
		{"guided_choice", with(`"guided_choice":["a","b"]`), callama.Request{Choices: []string{"a", "b"}}},
		{"guided_grammar", with(`"guided_grammar":"root ::= \"x\""`), callama.Request{GBNF: `root ::= "x"`}},
		{"structured outputs", with(`"structured_outputs":{"choice":["a"],"regex":null,"json_object":false,"disable_any_whitespace":false}`), callama.Request{Choices: []string{"a"}}},
		{"structured json", with(`"structured_outputs":{"json":{"type":"null"}}`), callama.Request{ResponseSchema: json.RawMessage(`{"type":"null"}`)}},
		{"template variables", with(`"chat_template_kwargs":{"enable_thinking":false}`), callama.Request{TemplateArgs: map[string]any{"enable_thinking": false}}},
		{"max_tokens", with(`"max_tokens":7`), callama.Request{MaxTokens: 7}},
		{"max_completion_tokens", with(`"max_completion_tokens":8`), callama.Request{MaxTokens: 8}},
		{"one stop", with(`"stop":"x"`), callama.Request{Stop: []string{"x"}}},
		{"stops", with(`"stop":["x","\n"]`), callama.Request{Stop: []string{"x", "\n"}}},
		{"sampling", with(`"temperature":0.5,"top_p":0.9,"seed":-1,"presence_penalty":-1,"frequency_penalty":2,"top_k":40,"min_p":0.1,"repeat_penalty":1.1`),
			callama.Request{Sampling: callama.Sampling{Temperature: number(0.5), TopP: 0.9, Seed: seed(1<<64 - 1), PresencePenalty: -1,
				FrequencyPenalty: 2, TopK: 40, MinP: 0.1, RepeatPenalty: 1.1}}},
		{"temperature 0 is given", with(`"temperature":0,"seed":0,"top_k":-1`), callama.Request{Sampling: callama.Sampling{Temperature: number(0), Seed: seed(0)}}},
		{"a history with calls", `{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\": 1}"}}]},
			{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"2"}]}]}`,
			callama.Request{Messages: []chat.Message{
				{Role: chat.Assistant, Calls: []chat.Call{{ID: "c1", Name: "add", Arguments: json.RawMessage(`{"a":1}`)}}},
				{Role: chat.ToolRole, CallID: "c1", Content: "2"}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got callama.Request
			w := post(script(func(_ context.Context, req callama.Request, _ func(callama.Delta) error) (*callama.Reply, error) {
				got = req
				return &callama.Reply{FinishReason: callama.FinishStop}, nil
			}), testConfig(), test.body)
			if w.Code != http.StatusOK {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			if test.want.Messages == nil {
				test.want.Messages = user
			}
			if !strings.Contains(test.body, `"seed":`) || strings.Contains(test.body, `"seed":null`) {
				if got.Seed == nil || *got.Seed >= maxFreshSeed {
					t.Errorf("seed %v, want a fresh one", got.Seed)
				}
				got.Seed = nil
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("the engine got\n%+v\nwant\n%+v", got, test.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	bad := http.StatusBadRequest
	tests := []struct {
		name, body  string
		status      int
		param, code string
	}{
		{"not JSON", `{"messages":`, bad, "", "invalid_json"},
		{"not an object", `[]`, bad, "", "invalid_json"},
		{"null", `null`, bad, "", "invalid_json"},
		{"no messages", `{}`, bad, "messages", ""},
		{"empty messages", `{"messages":[]}`, bad, "messages", ""},
		{"unknown role", `{"messages":[{"role":"judge","content":"x"}]}`, bad, "messages[0].role", ""},
		{"an image", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}`, bad, "messages[0].content[0].type", ""},
		{"a call with half its arguments", `{"messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{\"a\":"}}]}]}`,
			bad, "messages[0].tool_calls[0].function.arguments", ""},
		{"another model", with(`"model":"gpt-9"`), http.StatusNotFound, "model", "model_not_found"},
		{"model is no string", with(`"model":7`), bad, "model", ""},
		{"two choices", with(`"n":2`), bad, "n", "unsupported_parameter"},
		{"logprobs", with(`"logprobs":true`), bad, "logprobs", "unsupported_parameter"},
		{"logit_bias", with(`"logit_bias":{"1":-100}`), bad, "logit_bias", "unsupported_parameter"},
		{"functions", with(`"functions":[]`), bad, "functions", "unsupported_parameter"},
		{"audio", with(`"modalities":["text","audio"]`), bad, "modalities", "unsupported_parameter"},
		{"lazy grammar", with(`"grammar":"root ::= \"x\"","grammar_lazy":true`), bad, "grammar_lazy", "unsupported_parameter"},
		{"grammar is no string", with(`"grammar":7`), bad, "grammar", ""},
		{"a grammar and a schema", with(`"grammar":"root ::= \"x\"","json_schema":{}`), bad, "grammar", ""},
		{"a regex and a format", with(`"guided_regex":"x","response_format":{"type":"json_object"}`), bad, "guided_regex", ""},
		{"choices and tools", with(twoTools + `,"guided_choice":["a"]`), bad, "guided_choice", ""},
		{"no choice", with(`"guided_choice":[]`), bad, "guided_choice", ""},
		{"structured, nothing", with(`"structured_outputs":{}`), bad, "structured_outputs", ""},
		{"structured, two", with(`"structured_outputs":{"regex":"a","choice":["a"]}`), bad, "structured_outputs.choice", ""},
		{"structured, white space", with(`"structured_outputs":{"json":{},"whitespace_pattern":" "}`), bad, "structured_outputs.whitespace_pattern", "unsupported_parameter"},
		{"a schema in a string that is none", with(`"guided_json":"{"`), bad, "guided_json", ""},
		{"template variables", with(`"chat_template_kwargs":[1]`), bad, "chat_template_kwargs", ""},
		{"tools are no list", with(`"tools":7`), bad, "tools", ""},
		{"a tool without a name", with(`"tools":[{"type":"function","function":{}}]`), bad, "tools[0].function", ""},
		{"a tool of another type", with(`"tools":[{"type":"web_search"}]`), bad, "tools[0].type", ""},
		{"tool_choice names no tool", with(twoTools + `,"tool_choice":{"type":"function","function":{"name":"sub"}}`), bad, "tool_choice", ""},
		{"required without tools", with(`"tool_choice":"required"`), bad, "tool_choice", ""},
		{"unknown tool_choice", with(twoTools + `,"tool_choice":"any"`), bad, "tool_choice", ""},
		{"allowed tools names no tool", with(twoTools + `,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"sub"}}]}}`),
			bad, "tool_choice.allowed_tools.tools[0]", ""},
		{"parallel_tool_calls", with(`"parallel_tool_calls":"no"`), bad, "parallel_tool_calls", ""},
		{"format and tools", with(twoTools + `,"response_format":{"type":"json_object"}`), bad, "response_format", ""},
		{"format without a schema", with(`"response_format":{"type":"json_schema","json_schema":{"name":"x"}}`), bad, "response_format.json_schema.schema", ""},
		{"unknown format", with(`"response_format":{"type":"xml"}`), bad, "response_format.type", ""},
		{"format is no object", with(`"response_format":"json"`), bad, "response_format", ""},
		{"max_tokens 0", with(`"max_tokens":0`), bad, "max_tokens", ""},
		{"max_tokens 1.5", with(`"max_tokens":1.5`), bad, "max_tokens", ""},
		{"both maxima", with(`"max_tokens":1,"max_completion_tokens":1`), bad, "max_completion_tokens", ""},
		{"temperature", with(`"temperature":2.1`), bad, "temperature", ""},
		{"temperature is no number", with(`"temperature":"hot"`), bad, "temperature", ""},
		{"top_p", with(`"top_p":-0.1`), bad, "top_p", ""},
		{"frequency_penalty", with(`"frequency_penalty":3`), bad, "frequency_penalty", ""},
		{"seed", with(`"seed":0.5`), bad, "seed", ""},
		{"stop is no string", with(`"stop":[1]`), bad, "stop", ""},
		{"an empty stop", with(`"stop":""`), bad, "stop", ""},
		{"too many stops", with(`"stop":["` + strings.Repeat(`a","`, maxStops) + `a"]`), bad, "stop", ""},
		{"stream_options without stream", with(`"stream_options":{"include_usage":true}`), bad, "stream_options", ""},
		{"too long", with(`"user":"` + strings.Repeat("x", 5000) + `"`), http.StatusRequestEntityTooLarge, "", "request_too_large"},
	}
	engine := script(func(context.Context, callama.Request, func(callama.Delta) error) (*callama.Reply, error) {
		t.Error("the request reached the engine")
		return nil, errors.New("unreachable")
	})
	cfg := testConfig()
	cfg.MaxBody = 4096
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := post(engine, cfg, test.body)
			e := readError(t, w.Body).Error
			if w.Code != test.status || e.Param != test.param || e.Code != test.code || e.Type != typeRequest || e.Message == "" {
				t.Errorf("status %d, %+v; want status %d, param %q, code %q", w.Code, e, test.status, test.param, test.code)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, body := range []string{hello, with(twoTools), `{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"stop":[""],"n":1e0}`,
		with(`"response_format":{"type":"json_schema","json_schema":{"schema":{}}},"seed":-5,"stream":true,"stream_options":{}`), `{`, `null`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := post(script(sampleEngine), testConfig(), body)
		if w.Code == http.StatusOK {
			return
		}
		if w.Code >= 500 {
			t.Fatalf("status %d for %q: %s", w.Code, body, w.Body)
		}
		if e := readError(t, w.Body).Error; e.Message == "" || e.Type == "" {
			t.Fatalf("a refusal without a reason for %q", body)
		}
	})
}
