package server

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
)

// head is what all parts of one reply have in common.
type head struct {
	ID          string `json:"id"`
	Object      string `json:"object"`
	Created     int64  `json:"created"`
	Model       string `json:"model"`
	Fingerprint string `json:"system_fingerprint,omitempty"`
}

func (s *Server) newHead() head {
	return head{"chatcmpl-" + newID(), "chat.completion", time.Now().Unix(), s.cfg.Model, s.cfg.Fingerprint}
}

// newID returns 26 random characters of base32.
func newID() string { return strings.ToLower(rand.Text()) }

type completion struct {
	head
	Choices []choice `json:"choices"`
	Usage   usage    `json:"usage"`
	// Seed and Timings are extensions.
	Seed    int64   `json:"seed"` // as the request's parameter: the same bits
	Timings timings `json:"timings"`
}

type choice struct {
	Index        int                  `json:"index"`
	Message      message              `json:"message"`
	Logprobs     *struct{}            `json:"logprobs"` // always null
	FinishReason callama.FinishReason `json:"finish_reason"`
}

type message struct {
	Role      string     `json:"role"`
	Content   *string    `json:"content"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	Refusal   *string    `json:"refusal"` // always null
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

type toolCall struct {
	ID       string   `json:"id"`
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// timings says where the time went, in milliseconds and tokens. The first six fields are
// llama-server's.
type timings struct {
	PromptN            int     `json:"prompt_n"`
	PromptMS           float64 `json:"prompt_ms"`
	PromptPerSecond    float64 `json:"prompt_per_second"`
	PredictedN         int     `json:"predicted_n"`
	PredictedMS        float64 `json:"predicted_ms"`
	PredictedPerSecond float64 `json:"predicted_per_second"`
	ForcedN            int     `json:"forced_n"`
	QueueMS            float64 `json:"queue_ms"`
	RenderMS           float64 `json:"render_ms"`
	CompileMS          float64 `json:"compile_ms"`
	MaskMS             float64 `json:"mask_ms"`
	SampleMS           float64 `json:"sample_ms"`
}

// encodeReply is the body of a reply that is not streamed.
func encodeReply(h head, reply *callama.Reply) completion {
	m := message{Role: string(chat.Assistant), Content: &reply.Content, Reasoning: reply.Reasoning}
	for _, call := range reply.Calls {
		m.ToolCalls = append(m.ToolCalls, toolCall{callID(call.ID), "function", function{call.Name, string(call.Arguments)}})
	}
	if reply.Content == "" && len(m.ToolCalls) > 0 {
		m.Content = nil
	}
	return completion{
		head:    h,
		Choices: []choice{{Message: m, FinishReason: reply.FinishReason}},
		Usage:   encodeUsage(reply.Usage),
		Seed:    int64(reply.Seed),
		Timings: encodeTimings(reply),
	}
}

// callID keeps the id that the model gave to a call, or makes one.
func callID(id string) string {
	if id == "" {
		return "call_" + newID()
	}
	return id
}

func encodeUsage(u callama.Usage) usage {
	return usage{u.PromptTokens, u.CompletionTokens, u.PromptTokens + u.CompletionTokens}
}

func encodeTimings(reply *callama.Reply) timings {
	t := &reply.Timings
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	rate := func(n int, d time.Duration) float64 {
		if d <= 0 {
			return 0
		}
		return float64(n) / d.Seconds()
	}
	return timings{
		reply.Usage.PromptTokens, ms(t.Prefill), rate(reply.Usage.PromptTokens, t.Prefill),
		reply.Usage.CompletionTokens, ms(t.Decode), rate(reply.Usage.CompletionTokens, t.Decode),
		reply.Usage.ForcedTokens, ms(t.Queue), ms(t.Render), ms(t.Compile), ms(t.Mask), ms(t.Sample),
	}
}

// writeJSON writes a whole reply.
func writeJSON(w http.ResponseWriter, status int, body any) error {
	data, err := marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	// Errors mean a connection without deadlines, as in tests without a network.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
	w.WriteHeader(status)
	_, err = w.Write(data)
	return err
}

// marshal is json.Marshal without the escapes for HTML, which only lengthen code and
// arguments.
func marshal(body any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
