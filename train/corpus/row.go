package corpus

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/internal/inorder"
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

// ReadRows reads rows, one JSON object in each line, calls work with each, and each with the results
// in the order of the lines, until one fails. Lines are read and each runs in the caller's goroutine;
// rows are parsed and worked on by all processor cores, a few ahead: work owns its row and must be safe
// for concurrent use. It ends with the error of the first line that fails, or with the context's.
func ReadRows[T any](ctx context.Context, r io.Reader, work func(*Row) (T, error), each func(T) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxRowBytes)
	err := inorder.Each(ctx, numberedLines(lines), func(l numbered[[]byte]) (numbered[T], error) {
		result, err := workOnRow(l.of, work)
		return numbered[T]{l.n, result}, l.failed(err)
	}, func(l numbered[T]) error { return l.failed(each(l.of)) })
	if err != nil {
		return err
	}
	return lines.Err()
}

// workOnRow parses a row and calls work with it.
func workOnRow[T any](text []byte, work func(*Row) (T, error)) (result T, err error) {
	var row Row
	if err := json.Unmarshal(text, &row); err != nil {
		return result, err
	}
	return work(&row)
}

// numbered is the n-th line of a file, or what came of it.
type numbered[T any] struct {
	n  int
	of T
}

// failed says which line an error is about; nil stays nil.
func (l numbered[T]) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("corpus: line %d: %w", l.n, err)
}

// numberedLines yields copies of the lines that are not empty. What ends it early is the scanner's
// error.
func numberedLines(lines *bufio.Scanner) iter.Seq[numbered[[]byte]] {
	return func(yield func(numbered[[]byte]) bool) {
		for n := 1; lines.Scan(); n++ {
			if text := lines.Bytes(); len(text) > 0 && !yield(numbered[[]byte]{n, bytes.Clone(text)}) {
				return
			}
		}
	}
}
