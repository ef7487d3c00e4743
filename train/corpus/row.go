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

// Parse reads the row as a conversation to render. Errors are *chat.InputError.
func (r *Row) Parse() (messages []chat.Message, tools []chat.Tool, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, nil, err
	}
	c, err := chat.ParseConversation(text)
	if err != nil {
		return nil, nil, err
	}
	return c.Messages, c.Tools, nil
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
