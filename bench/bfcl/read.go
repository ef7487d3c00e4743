// Package bfcl reads the files of the Berkeley Function Calling Leaderboard and judges
// calls by the rules of its AST checker: names exactly, the types of arguments with the
// few conversions that Python makes, values against lists of those that are right, strings
// without regard to case and punctuation.
//
// Where the leaderboard expects arguments of Java and JavaScript functions as source text,
// this package expects JSON values, like those of all others.
package bfcl

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/internal/ojson"
)

// MaxFileBytes bounds a file that is read, in bytes: the largest of the leaderboard has
// 5 MB.
const MaxFileBytes = 256 << 20

// answersFolder holds the answers, in files named as those of the questions.
const answersFolder = "possible_answer"

// Row is one question.
type Row struct {
	ID string
	// Category is the leaderboard's, such as "live_multiple".
	Category string
	Messages []chat.Message
	Tools    []chat.Tool // with the type names of JSON Schema

	functions []*Function
	answers   []Answer
	anyCall   bool // the category asks for some call, without saying which
}

// WantsCall reports whether a call is expected.
func (r *Row) WantsCall() bool { return r.anyCall || len(r.answers) > 0 }

// Expected returns the answers as JSON; nil where no call is expected.
func (r *Row) Expected() []byte {
	if len(r.answers) == 0 {
		return nil
	}
	list := &ojson.Value{Kind: ojson.Array}
	for _, a := range r.answers {
		list.Items = append(list.Items, &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
			{Name: a.Name, Value: &ojson.Value{Kind: ojson.Object, Members: a.parameters}}}})
	}
	return list.Append(nil, ojson.Python)
}

// Judge judges the calls of a reply to the question.
func (r *Row) Judge(calls []chat.Call) Verdict {
	switch {
	case r.anyCall:
		if len(calls) == 0 {
			return wrong(false, "no call, want one")
		}
		return Verdict{Right: true, Names: true}
	case len(r.answers) == 0:
		if len(calls) > 0 {
			return wrong(false, "calls %q, want no call", calls[0].Name)
		}
		return Verdict{Right: true, Names: true}
	}
	return Check(r.functions, r.answers, calls)
}

// Read reads a file of questions and its answers: the file of the same name in the folder
// possible_answer beside it. Irrelevance and relevance have none. Errors name file and
// line; a question of several turns is one.
func Read(path string) ([]Row, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	answers, err := readAnswers(filepath.Join(filepath.Dir(path), answersFolder, filepath.Base(path)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return parseRows(filepath.Base(path), data, answers)
}

func parseRows(name string, data []byte, answers map[string][]Answer) ([]Row, error) {
	var rows []Row
	err := eachLine(name, data, func(v *ojson.Value) error {
		row, err := parseRow(v)
		if err != nil {
			return err
		}
		row.anyCall = strings.HasSuffix(row.Category, "relevance") && !strings.HasSuffix(row.Category, "irrelevance")
		if !strings.HasSuffix(row.Category, "relevance") {
			if row.answers = answers[row.ID]; len(row.answers) == 0 {
				return fmt.Errorf("%s has no answer in the folder %s", row.ID, answersFolder)
			}
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > MaxFileBytes {
		err = fmt.Errorf("%s has %d bytes, more than the limit of %d (MaxFileBytes)", path, info.Size(), MaxFileBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("bfcl: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("bfcl: %w", err)
	}
	return data, nil
}

// eachLine calls f with the JSON document of each line.
func eachLine(name string, data []byte, f func(*ojson.Value) error) error {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		v, err := ojson.Parse(line)
		if err == nil {
			err = f(v)
		}
		if err != nil {
			return fmt.Errorf("bfcl: %s: line %d: %w", name, n, err)
		}
	}
	return nil
}

func readAnswers(path string) (map[string][]Answer, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]Answer)
	err = eachLine(answersFolder+"/"+filepath.Base(path), data, func(v *ojson.Value) error { return addAnswers(out, v) })
	return out, err
}

// addAnswers reads the answers of one question.
func addAnswers(to map[string][]Answer, v *ojson.Value) error {
	id, truth := v.Get("id"), v.Get("ground_truth")
	if id == nil || truth == nil || truth.Kind != ojson.Array {
		return errors.New(`want an object with "id" and an array "ground_truth"`)
	}
	answers, err := ParseAnswers(truth)
	to[id.Text] = answers
	return err
}

// ParseAnswers reads a "ground_truth": an array of answers.
func ParseAnswers(v *ojson.Value) ([]Answer, error) {
	if v.Kind != ojson.Array {
		return nil, fmt.Errorf("want an array of answers, not %s", v.Kind)
	}
	var out []Answer
	for _, item := range v.Items {
		a, err := ParseAnswer(item)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// numbered is the end of an id, behind its category.
var numbered = regexp.MustCompile(`_\d+(-\d+)*$`)

func parseRow(v *ojson.Value) (Row, error) {
	var row Row
	id, question, function := v.Get("id"), v.Get("question"), v.Get("function")
	if id == nil || id.Text == "" || question == nil || question.Kind != ojson.Array || function == nil {
		return row, errors.New(`want an object with "id", "question" and "function"`)
	}
	row.ID, row.Category = id.Text, numbered.ReplaceAllString(id.Text, "")
	if len(question.Items) != 1 {
		return row, fmt.Errorf("%s has %d turns: only questions of one turn can be judged", row.ID, len(question.Items))
	}
	var err error
	if row.Messages, err = chat.ParseMessages(question.Items[0].Append(nil, ojson.Compact)); err != nil {
		return row, fmt.Errorf("%s: %w", row.ID, err)
	}
	if row.Tools, err = chat.ParseTools(function.Append(nil, ojson.Compact)); err != nil {
		return row, fmt.Errorf("%s: %w", row.ID, err)
	}
	for i := range row.Tools {
		tool := &row.Tools[i]
		parameters := &ojson.Value{Kind: ojson.Object}
		if len(tool.Parameters) > 0 {
			if parameters, err = ojson.Parse(tool.Parameters); err != nil {
				return row, fmt.Errorf("%s: %s: %w", row.ID, tool.Name, err)
			}
			tool.Parameters = schema.Normalize(parameters, schema.Options{PythonNames: true}).Append(nil, ojson.Compact)
		}
		row.functions = append(row.functions, NewFunction(tool.Name, parameters))
	}
	return row, nil
}
