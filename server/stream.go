package server

import (
	"net/http"
	"time"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
)

// eventStream writes one reply as server-sent events (WHATWG HTML, 9.2), in OpenAI's order:
// the role, increments, the finish reason, the usage if asked for, [DONE].
type eventStream struct {
	w            http.ResponseWriter
	control      *http.ResponseController
	head         head
	includeUsage bool
	begun        bool
	calls        int   // calls whose name has been sent
	broken       error // why the client cannot be reached, once that is so
}

type chunk struct {
	head
	Choices []chunkChoice `json:"choices"`
	// Usage is absent, or null in all chunks but the last when it was asked for.
	Usage   any      `json:"usage,omitempty"`
	Seed    *int64   `json:"seed,omitempty"`
	Timings *timings `json:"timings,omitempty"`
}

type chunkChoice struct {
	Index        int                   `json:"index"`
	Delta        delta                 `json:"delta"`
	Logprobs     *struct{}             `json:"logprobs"` // always null
	FinishReason *callama.FinishReason `json:"finish_reason"`
}

type delta struct {
	Role      string          `json:"role,omitempty"`
	Content   *string         `json:"content,omitempty"`
	Reasoning string          `json:"reasoning_content,omitempty"`
	ToolCalls []toolCallDelta `json:"tool_calls,omitempty"`
}

type toolCallDelta struct {
	Index    int           `json:"index"`
	ID       string        `json:"id,omitempty"`
	Type     string        `json:"type,omitempty"`
	Function functionDelta `json:"function"`
}

type functionDelta struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

// begin sends the header and the chunk with the role.
func (e *eventStream) begin() error {
	if e.begun {
		return nil
	}
	e.begun = true
	e.head.Object = "chat.completion.chunk"
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx would hold the events back
	return e.send(delta{Role: string(chat.Assistant), Content: new(string)})
}

// delta sends an increment of the reply.
func (e *eventStream) delta(d callama.Delta) error {
	if err := e.begin(); err != nil {
		return err
	}
	if d.Content != "" || d.Reasoning != "" {
		out := delta{Reasoning: d.Reasoning}
		if d.Content != "" {
			out.Content = &d.Content
		}
		if err := e.send(out); err != nil {
			return err
		}
	}
	if d.Call == nil {
		return nil
	}
	// The name of a call comes alone, before its arguments.
	if d.Call.Index >= e.calls {
		e.calls = d.Call.Index + 1
		opened := toolCallDelta{d.Call.Index, callID(d.Call.ID), "function", functionDelta{Name: d.Call.Name}}
		if err := e.send(delta{ToolCalls: []toolCallDelta{opened}}); err != nil {
			return err
		}
	}
	if d.Call.Arguments == "" {
		return nil
	}
	return e.send(delta{ToolCalls: []toolCallDelta{{Index: d.Call.Index, Function: functionDelta{Arguments: d.Call.Arguments}}}})
}

// finish sends what follows the last increment.
func (e *eventStream) finish(reply *callama.Reply) error {
	if err := e.begin(); err != nil {
		return err
	}
	times, seed := encodeTimings(reply), int64(reply.Seed)
	last := e.chunk(delta{})
	last.Choices[0].FinishReason = &reply.FinishReason
	last.Seed, last.Timings = &seed, &times
	if err := e.event("", last); err != nil {
		return err
	}
	if e.includeUsage {
		if err := e.event("", chunk{head: e.head, Choices: []chunkChoice{}, Usage: encodeUsage(reply.Usage)}); err != nil {
			return err
		}
	}
	return e.write("data: [DONE]\n\n")
}

// fail sends an error in place of the rest; [DONE] does not follow. Who cannot be reached is
// not told.
func (e *eventStream) fail(err *apiError) {
	if e.begun {
		_ = e.event("error", errorBody{err})
	}
}

// null is an explicit JSON null that omitempty keeps.
type null struct{}

// MarshalJSON returns null.
func (null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func (e *eventStream) chunk(d delta) chunk {
	c := chunk{head: e.head, Choices: []chunkChoice{{Delta: d}}}
	if e.includeUsage {
		c.Usage = null{}
	}
	return c
}

func (e *eventStream) send(d delta) error { return e.event("", e.chunk(d)) }

func (e *eventStream) event(name string, body any) error {
	data, err := marshal(body)
	if err != nil {
		return err
	}
	if name != "" {
		name = "event: " + name + "\n"
	}
	return e.write(name + "data: " + string(data) + "\n\n")
}

// write sends at once: increments are worth what they come early.
func (e *eventStream) write(event string) error {
	// Errors mean a connection without deadlines, as in tests without a network.
	_ = e.control.SetWriteDeadline(time.Now().Add(writeTime))
	if _, e.broken = e.w.Write([]byte(event)); e.broken == nil {
		e.broken = e.control.Flush()
	}
	return e.broken
}
