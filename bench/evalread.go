package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/callama/callama/bench/bfcl"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/internal/ojson"
)

// EvalItems reads a file, or all .json and .jsonl files of a folder: questions of BFCL with
// their answers, or conversations in ShareGPT's form, one for each line or as one array.
// Of a conversation, each turn of the assistant that answers a person or a result is an
// item. Errors name the file.
func EvalItems(path string) ([]EvalItem, error) {
	paths := []string{path}
	if isDir(path) {
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, fmt.Errorf("bench: eval: %w", err)
		}
		paths = nil
		for _, e := range entries {
			if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".json" || ext == ".jsonl") {
				paths = append(paths, filepath.Join(path, e.Name()))
			}
		}
	}
	var items []EvalItem
	for _, p := range paths {
		more, err := evalFile(p)
		if err != nil {
			return nil, fmt.Errorf("bench: eval: %w", err)
		}
		items = append(items, more...)
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("bench: eval: no questions in %s", path)
	}
	return items, nil
}

func evalFile(path string) ([]EvalItem, error) {
	docs, err := readDocuments(path)
	if err != nil {
		return nil, err
	}
	if len(docs) > 0 && docs[0].Get("conversations") == nil {
		return bfclItems(path)
	}
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	var items []EvalItem
	for i, doc := range docs {
		more, err := conversationItems(doc, stem, i)
		if err != nil {
			return nil, fmt.Errorf("%s: conversation %d: %w", path, i+1, err)
		}
		items = append(items, more...)
	}
	return items, nil
}

// readDocuments reads JSON documents, one for each line, or the items of one array.
func readDocuments(path string) ([]*ojson.Value, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > bfcl.MaxFileBytes {
		err = fmt.Errorf("%s has %d bytes, more than the limit of %d (bfcl.MaxFileBytes)", path, info.Size(), bfcl.MaxFileBytes)
	}
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '[' {
		doc, err := ojson.Parse(trimmed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return doc.Items, nil
	}
	var docs []*ojson.Value
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		doc, err := ojson.Parse(line)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

func bfclItems(path string) ([]EvalItem, error) {
	rows, err := bfcl.Read(path)
	if err != nil {
		return nil, err
	}
	items := make([]EvalItem, len(rows))
	for i := range rows {
		r := &rows[i]
		items[i] = EvalItem{ID: r.ID, Category: r.Category, Lang: langOf(r.Messages), Messages: r.Messages, Tools: r.Tools,
			WantsCall: r.WantsCall(), Expected: r.Expected(), Judge: r.Judge}
	}
	return items, nil
}

// langOf tells Chinese conversations from others by the users' characters.
func langOf(messages []chat.Message) string {
	for _, m := range messages {
		if m.Role == chat.User && strings.ContainsFunc(m.Content, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			return "zh"
		}
	}
	return "en"
}

// conversationItems returns the items of one conversation in ShareGPT's form.
func conversationItems(doc *ojson.Value, file string, n int) ([]EvalItem, error) {
	c, err := chat.ParseConversation(doc.Append(nil, ojson.Compact))
	if err != nil {
		return nil, err
	}
	about := conversationMeta(doc, file)
	if about.lang == "" {
		about.lang = langOf(c.Messages)
	}
	var items []EvalItem
	replies := 0
	for i, m := range c.Messages {
		if m.Role != chat.Assistant {
			continue
		}
		replies++
		if i == 0 || c.Messages[i-1].Role != chat.User && c.Messages[i-1].Role != chat.ToolRole {
			continue
		}
		item := EvalItem{ID: fmt.Sprintf("%s-%d-%d", file, n+1, len(items)+1), Category: about.category(replies - 1), Lang: about.lang,
			Messages: c.Messages[:i:i], Tools: c.Tools, WantsCall: len(m.Calls) > 0}
		if item.Judge, item.Expected, err = exactly(m.Calls); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// evalMeta says what the replies of a conversation are about.
type evalMeta struct {
	lang  string
	all   string
	turns []*ojson.Value // of each of the assistant's turns; may be short
}

// conversationMeta reads the member "meta", where there is one.
func conversationMeta(doc *ojson.Value, file string) evalMeta {
	about := evalMeta{all: file}
	meta := doc.Get("meta")
	if v := meta.Get("category"); v != nil && v.Text != "" {
		about.all = v.Text
	}
	if v := meta.Get("lang"); v != nil {
		about.lang = v.Text
	}
	if v := meta.Get("turns"); v != nil {
		about.turns = v.Items
	}
	return about
}

// category is that of the assistant's turn with the given index.
func (m evalMeta) category(turn int) string {
	if turn < len(m.turns) && m.turns[turn].Text != "" {
		return m.turns[turn].Text
	}
	return m.all
}

// exactly judges calls against those expected: the same names and arguments, in any order.
// Without expected calls, no call is right.
func exactly(want []chat.Call) (judge func([]chat.Call) bfcl.Verdict, shown json.RawMessage, err error) {
	list := &ojson.Value{Kind: ojson.Array}
	arguments := make([]*ojson.Value, len(want))
	for i, call := range want {
		if arguments[i], err = ojson.Parse(call.Arguments); err != nil {
			return nil, nil, err
		}
		list.Items = append(list.Items, &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
			{Name: "name", Value: &ojson.Value{Kind: ojson.String, Text: call.Name}}, {Name: "arguments", Value: arguments[i]}}})
	}
	if len(want) > 0 {
		shown = list.Append(nil, ojson.Python)
	}
	return func(calls []chat.Call) bfcl.Verdict {
		if len(want) == 0 {
			if len(calls) > 0 {
				return bfcl.Verdict{Fault: fmt.Sprintf("calls %q, want no call", calls[0].Name)}
			}
			return bfcl.Verdict{Right: true, Names: true}
		}
		if !sameCallNames(want, calls) {
			return bfcl.Verdict{Fault: "calls " + callNames(calls) + ", want " + callNames(want)}
		}
		left := slices.Clone(calls)
		for i, call := range want {
			at := slices.IndexFunc(left, func(c chat.Call) bool {
				got, err := ojson.Parse(c.Arguments)
				return c.Name == call.Name && err == nil && jsonEqual(got, arguments[i])
			})
			if at < 0 {
				return bfcl.Verdict{Names: true, Fault: fmt.Sprintf("%s: no call with arguments %.200s", call.Name, arguments[i])}
			}
			left = slices.Delete(left, at, at+1)
		}
		return bfcl.Verdict{Right: true, Names: true}
	}, shown, nil
}

func sameCallNames(a, b []chat.Call) bool { return callNames(a) == callNames(b) }

// callNames lists names in order.
func callNames(calls []chat.Call) string {
	if len(calls) == 0 {
		return "nothing"
	}
	names := make([]string, len(calls))
	for i, c := range calls {
		names[i] = c.Name
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// jsonEqual reports whether two values are the same JSON value: numbers by value, members
// in any order, and true is not 1.
func jsonEqual(a, b *ojson.Value) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case ojson.Bool:
		return a.Bool == b.Bool
	case ojson.Array:
		return slices.EqualFunc(a.Items, b.Items, jsonEqual)
	case ojson.Object:
		return len(a.Members) == len(b.Members) && !slices.ContainsFunc(a.Members, func(m ojson.Member) bool {
			other := b.Get(m.Name)
			return other == nil || !jsonEqual(m.Value, other)
		})
	}
	return bfcl.Equal(a, b)
}
