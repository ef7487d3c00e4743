// Package callama runs language models in GGUF format for function calling: it takes a
// conversation and tools, and returns calls that are valid by construction.
package callama

import (
	"encoding/json"
	"time"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/schema"
)

// Request asks for one assistant turn. The zero value of every field but Messages is a
// good default.
type Request struct {
	Messages []chat.Message
	Tools    []chat.Tool
	Choice   chat.Choice
	// MaxCalls bounds the number of calls in the reply: 1 is parallel_tool_calls false,
	// 0 means no bound.
	MaxCalls int
	// ResponseSchema, when set, is a JSON Schema that the reply's content satisfies. It
	// cannot be combined with Tools.
	ResponseSchema json.RawMessage
	// JSONObject asks for any JSON object as content (response_format json_object).
	JSONObject bool
	// Regex is a regular expression (ECMA-262) that the content matches as a whole.
	Regex string
	// Choices are the texts of which the content is one.
	Choices []string
	// GBNF is a grammar in llama.cpp's notation, with a rule "root", for the content. Of
	// ResponseSchema, JSONObject, Regex, Choices and GBNF at most one is set, and none with Tools.
	GBNF string
	// TemplateArgs are further variables of the chat template, such as enable_thinking.
	TemplateArgs map[string]any
	// MaxTokens bounds the generated tokens; 0 means what is left of the context.
	MaxTokens int
	// Stop ends the reply before any of these strings.
	Stop []string
	// Plain asks the model for every token, also for those that the grammar forces. Without
	// it these are appended as the model's tokenizer splits them, and cost no step of the model.
	Plain bool
	Sampling
}

// Sampling says how a token is drawn from the logits, always after the mask.
type Sampling struct {
	// Temperature nil or 0 is greedy: the most likely allowed token.
	Temperature *float64
	TopK        int     // 0 = all
	TopP        float64 // 0 = all
	MinP        float64
	// RepeatPenalty divides the logits of recent tokens; 0 or 1 = off.
	RepeatPenalty    float64
	FrequencyPenalty float64
	PresencePenalty  float64
	// Seed nil draws a fresh seed, which the Reply reports.
	Seed *uint64
}

// FinishReason says why a reply ended, in OpenAI's words.
type FinishReason string

// The finish reasons.
const (
	FinishStop   FinishReason = "stop"
	FinishLength FinishReason = "length" // the budget ended first: Calls holds only complete calls
	FinishCalls  FinishReason = "tool_calls"
)

// Reply is one finished assistant turn.
type Reply struct {
	Content string
	// Reasoning is what the model thought before its reply, without the tags around it.
	Reasoning    string
	Calls        []chat.Call
	FinishReason FinishReason
	Seed         uint64
	Usage        Usage
	Timings      Timings
	// Dropped is what was not enforced because of Options.Lenient.
	Dropped []*schema.Error
}

// Usage counts tokens.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	ForcedTokens     int `json:"forced_tokens"` // of CompletionTokens, those that the grammar forced
}

// Timings says where the time of one reply went.
type Timings struct {
	Queue   time.Duration // waiting for the model
	Render  time.Duration // template and tokenizer
	Compile time.Duration // schema to grammar
	Prefill time.Duration // prompt through the model
	Decode  time.Duration // generated tokens, all of the below included
	Mask    time.Duration // part of Decode spent waiting for masks
	Sample  time.Duration // part of Decode spent choosing tokens
}

// Delta is one increment of a streamed reply: some content, or a piece of a call. The
// pieces of one call share Index; the first piece carries ID and Name, later ones append to
// Arguments.
type Delta struct {
	Content   string
	Reasoning string
	Call      *CallDelta
}

// CallDelta is a piece of the call with the given index.
type CallDelta struct {
	Index     int
	ID, Name  string
	Arguments string
}
