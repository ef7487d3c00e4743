package corpus

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/callama/callama/chat"
)

// Row is one conversation in the form of ShareGPT, as public data sets of function calling have
// it. Tools holds a JSON array of OpenAI's tools as text.
type Row struct {
	Conversations []Turn `json:"conversations"`
	Tools         string `json:"tools"`
	System        string `json:"system,omitempty"`
	Meta          Meta   `json:"meta"`
}

// Turn is one turn: From is human, gpt, function_call or observation. The value of a
// function_call is a call {"name", "arguments"}, or an array of several; their results follow as
// one observation each, in order.
type Turn struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

// Meta says what a conversation shows: the task's name, or "mixed" for several, and the task that
// each turn of the assistant belongs to, in order.
type Meta struct {
	Category string   `json:"category"`
	Lang     string   `json:"lang"`
	Turns    []string `json:"turns"`
}

// The values of Turn.From.
const (
	fromHuman       = "human"
	fromAssistant   = "gpt"
	fromCall        = "function_call"
	fromObservation = "observation"
)

// Parse reads the row as a conversation to render. Errors are those of the row's JSON.
func (r *Row) Parse() (messages []chat.Message, tools []chat.Tool, err error) {
	if r.Tools != "" {
		if tools, err = chat.ParseTools([]byte(r.Tools)); err != nil {
			return nil, nil, err
		}
	}
	if r.System != "" {
		messages = append(messages, chat.Message{Role: chat.System, Content: r.System})
	}
	var open []chat.Call // calls without a result so far
	for i, turn := range r.Conversations {
		m := chat.Message{Content: turn.Value}
		switch turn.From {
		case fromHuman:
			m.Role = chat.User
		case fromAssistant:
			m.Role = chat.Assistant
		case fromObservation:
			m.Role = chat.ToolRole
			if len(open) > 0 {
				m.Name, open = open[0].Name, open[1:]
			}
		case fromCall:
			calls, err := parseCalls(turn.Value)
			if err != nil {
				return nil, nil, fmt.Errorf("corpus: turn %d: %w", i, err)
			}
			m = chat.Message{Role: chat.Assistant, Calls: calls}
			open = calls
		default:
			return nil, nil, fmt.Errorf("corpus: turn %d is from %q, want human, gpt, function_call or observation", i, turn.From)
		}
		messages = append(messages, m)
	}
	return messages, tools, nil
}

// parseCalls reads one call or an array of them.
func parseCalls(text string) (calls []chat.Call, err error) {
	if len(text) > 0 && text[0] == '[' {
		err = json.Unmarshal([]byte(text), &calls)
		return calls, err
	}
	calls = make([]chat.Call, 1)
	return calls, json.Unmarshal([]byte(text), &calls[0])
}

// maxRowBytes bounds a line of a file of rows; public data sets stay below 100 KiB.
const maxRowBytes = 16 << 20

// ReadRows reads rows, one JSON object in each line, and calls each with them until it fails.
func ReadRows(r io.Reader, each func(*Row) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxRowBytes)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var row Row
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return fmt.Errorf("corpus: line %d: %w", n, err)
		}
		if err := each(&row); err != nil {
			return fmt.Errorf("corpus: line %d: %w", n, err)
		}
	}
	return lines.Err()
}
