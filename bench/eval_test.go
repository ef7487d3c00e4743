package bench

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama"
	"github.com/callama/callama/bench/bfcl"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/engine"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/internal/ojson"
)

// conversation has two questions over one tool: a call, its result in words, and a question
// that wants no call.
const conversation = `{"conversations": [
  {"from": "human", "value": "Add 1 and 2."},
  {"from": "function_call", "value": "{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}"},
  {"from": "observation", "value": "{\"sum\": 3}"},
  {"from": "gpt", "value": "It is 3."},
  {"from": "human", "value": "Thanks."},
  {"from": "gpt", "value": "You are welcome."}],
 "tools": "[{\"name\": \"add\", \"description\": \"Add.\", \"parameters\": {\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"number\"}, \"b\": {\"type\": \"number\"}}, \"required\": [\"a\", \"b\"]}}]",
 "system": "You add.", "meta": {"category": "sums", "lang": "en"}}`

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "") + "\n" }

func TestEvalItems(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("a.jsonl", oneLine(conversation)+"\n")
	write("b.json", `[{"conversations": [{"from": "human", "value": "你好"}, {"from": "gpt", "value": "您好"}], "tools": "[]"}]`)
	write("c.json", `{"id": "irrelevance_0", "question": [[{"role": "user", "content": "Hello"}]], "function": []}`)
	write("notes.txt", "not data")
	write("d.jsonl", oneLine(strings.Replace(conversation, `"lang": "en"`, `"lang": "en", "turns": ["call", "answer"]`, 1)))
	items, err := EvalItems(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, item := range items {
		got = append(got, strings.Join([]string{item.ID, item.Category, item.Lang, string(item.Expected), item.Messages[len(item.Messages)-1].Content}, " | "))
	}
	want := []string{
		`a-1-1 | sums | en | [{"name": "add", "arguments": {"a": 1, "b": 2}}] | Add 1 and 2.`,
		`a-1-2 | sums | en |  | {"sum": 3}`,
		`a-1-3 | sums | en |  | Thanks.`,
		`b-1-1 | b | zh |  | 你好`,
		`irrelevance_0 | irrelevance | en |  | Hello`,
		`d-1-1 | call | en | [{"name": "add", "arguments": {"a": 1, "b": 2}}] | Add 1 and 2.`,
		`d-1-2 | answer | en |  | {"sum": 3}`,
		`d-1-3 | sums | en |  | Thanks.`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("items\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	second := items[1]
	if n := len(second.Messages); n != 4 || second.Messages[0].Role != chat.System || second.Messages[3].Role != chat.ToolRole ||
		second.Messages[3].CallID == "" || second.Messages[3].CallID != second.Messages[2].Calls[0].ID || second.WantsCall {
		t.Errorf("the second item is %+v", second)
	}
	if one, err := EvalItems(filepath.Join(dir, "a.jsonl")); err != nil || len(one) != 3 {
		t.Errorf("one file: %d items, %v", len(one), err)
	}
}

func TestEvalItemsRefuses(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"no JSON", "{", "line 1"},
		{"broken array", "[1", "q.json"},
		{"nothing", "", "no questions"},
		{"turns that are none", `{"conversations": 5}`, `an array "conversations"`},
		{"an unknown speaker", `{"conversations": [{"from": "robot", "value": ""}]}`, `conversation 1`},
		{"neither form", `{"messages": []}`, `"question"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "q.json")
			if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := EvalItems(path); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// TestExactly judges calls against those of a conversation.
func TestExactly(t *testing.T) {
	call := func(name, arguments string) chat.Call { return chat.Call{Name: name, Arguments: []byte(arguments)} }
	f, g := call("f", `{"x": 1, "y": ["a"]}`), call("g", `{"x": true}`)
	for _, tc := range []struct {
		name      string
		want, got []chat.Call
		names     bool
		fault     string
	}{
		{"the same", []chat.Call{f, g}, []chat.Call{f, g}, true, ""},
		{"another order", []chat.Call{f, g}, []chat.Call{g, f}, true, ""},
		{"another spelling", []chat.Call{f}, []chat.Call{call("f", `{"y":["\u0061"],"x":1.0}`)}, true, ""},
		{"an argument", []chat.Call{f}, []chat.Call{call("f", `{"x": 2, "y": ["a"]}`)}, true, "no call with arguments"},
		{"an argument too many", []chat.Call{f}, []chat.Call{call("f", `{"x": 1, "y": ["a"], "z": 1}`)}, true, "no call with arguments"},
		{"case counts", []chat.Call{f}, []chat.Call{call("f", `{"x": 1, "y": ["A"]}`)}, true, "no call with arguments"},
		{"true is not 1", []chat.Call{g}, []chat.Call{call("g", `{"x": 1}`)}, true, "no call with arguments"},
		{"the same call twice", []chat.Call{f, call("f", `{}`)}, []chat.Call{f, f}, true, "no call with arguments"},
		{"another tool", []chat.Call{f}, []chat.Call{g}, false, "calls g, want f"},
		{"a call too few", []chat.Call{f, g}, []chat.Call{f}, false, "calls f, want f, g"},
		{"no call", []chat.Call{f}, nil, false, "calls nothing, want f"},
		{"none wanted, none there", nil, nil, true, ""},
		{"none wanted, one there", nil, []chat.Call{f}, false, `calls "f", want no call`},
	} {
		judge, _, err := exactly(tc.want)
		if err != nil {
			t.Fatal(err)
		}
		if v := judge(tc.got); v.Right != (tc.fault == "") || v.Names != tc.names || !strings.Contains(v.Fault, tc.fault) {
			t.Errorf("%s: %+v, want names %v and the fault %q", tc.name, v, tc.names, tc.fault)
		}
	}
}

// tinyModel opens the synthetic model.
func tinyModel(t *testing.T) *callama.Model {
	t.Helper()
	if _, err := runtimes.Find(""); err != nil {
		t.Skipf("no llama.cpp here: %v", err)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{}); err != nil {
		t.Fatal(err)
	}
	m, err := callama.Open(path, callama.Options{Threads: 1, Context: 1024, GPULayers: engine.NoLayers})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestEvaluate(t *testing.T) {
	m := tinyModel(t)
	path := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, []byte(oneLine(conversation)), 0o600); err != nil {
		t.Fatal(err)
	}
	items, err := EvalItems(path)
	if err != nil {
		t.Fatal(err)
	}
	long := items[0]
	long.ID, long.Messages = "long", []chat.Message{{Role: chat.User, Content: strings.Repeat("word ", 2000)}}
	refused := items[0]
	refused.ID, refused.Tools = "refused", []chat.Tool{{Name: "f", Parameters: []byte(`{"type": "object", "properties": {"x": {"type": "string", "pattern": "(a)\\1"}}}`)}}
	items = append(items, long, refused)
	var steps []int
	rep, err := Evaluate(t.Context(), m, EvalConfig{Items: items, Modes: []EvalMode{EvalGrammar, EvalFree}, MaxTokens: 20,
		Progress: func(done, _ int) { steps = append(steps, done) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Rows) != 10 || !slices.Equal(steps, []int{1, 2, 3, 4, 5}) {
		t.Fatalf("%d rows, progress %v", len(rep.Rows), steps)
	}
	for i, row := range rep.Rows {
		wantRefused := row.ID == "long" || row.ID == "refused" && row.Mode == EvalGrammar
		if row.Refused != wantRefused || row.Refused != (row.Tokens == 0) || row.Mode != rep.Modes[i%2] {
			t.Errorf("row %d is %+v", i, row)
		}
		if row.Mode == EvalGrammar && row.Tried && !row.Valid {
			t.Errorf("the grammar let an invalid call through: %+v", row)
		}
	}
	free := rep.of(EvalFree)
	if all := free[len(free)-1]; all.Items != 5 || all.Refused != 1 || all.Calls != 3 || all.NoCall != 2 || all.Lang != "" {
		t.Errorf("tally %+v", all)
	}
	var out strings.Builder
	if err := errors.Join(rep.Print(&out), rep.PrintWrong(&out, 1)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"with the grammar", "without the grammar", "| sums ", "5 of 5 items", "question  Add 1 and 2."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if data, err := json.Marshal(rep); err != nil || !json.Valid(data) {
		t.Errorf("json: %v", err)
	}
	var csv strings.Builder
	if err := rep.WriteCSV(&csv); err != nil || !strings.HasPrefix(csv.String(), "id,category,") {
		t.Errorf("csv: %v: %s", err, csv.String())
	}
	for _, name := range []string{"p.svg", "p.png"} {
		path := filepath.Join(t.TempDir(), name)
		if err := rep.Plot(path); err != nil {
			t.Errorf("plot: %v", err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() < 1000 {
			t.Errorf("plot %s: %v", name, err)
		}
	}
}

// TestEvaluateStops ends the context after the first item: what was done is there.
func TestEvaluateStops(t *testing.T) {
	m := tinyModel(t)
	ctx, cancel := context.WithCancel(t.Context())
	item := EvalItem{Messages: []chat.Message{{Role: chat.User, Content: "x"}}, Judge: func([]chat.Call) bfcl.Verdict { return bfcl.Verdict{Right: true} }}
	rep, err := Evaluate(ctx, m, EvalConfig{Items: []EvalItem{item, item, item}, MaxTokens: 5, Progress: func(int, int) { cancel() }})
	if !errors.Is(err, context.Canceled) || rep == nil || len(rep.Rows) != 1 || rep.Items != 3 || len(rep.Tallies) == 0 {
		t.Errorf("%v, %+v", err, rep)
	}
	if err := (&EvalReport{Modes: []EvalMode{EvalGrammar}}).Plot(filepath.Join(t.TempDir(), "p.png")); err == nil {
		t.Error("a plot of nothing")
	}
}

// TestInvalid judges calls that were written without a grammar.
func TestInvalid(t *testing.T) {
	bytes, err := byteVocab()
	if err != nil {
		t.Fatal(err)
	}
	e := evaluation{bytes: bytes}
	tools := []chat.Tool{
		{Name: "f", Parameters: []byte(`{"type": "dict", "properties": {"n": {"type": "float"}, "s": {"enum": ["é"]}}, "required": ["n"]}`)},
		{Name: "refused", Parameters: []byte(`{"type": "object", "properties": {"x": {"type": "string", "pattern": "(a)\\1"}}}`)},
	}
	for _, tc := range []struct{ name, arguments, want string }{
		{"f", `{"n": 1}`, ""},
		{"f", `{"s":"\u00e9","n":1e0}`, ""},
		{"f", `{"n": "1"}`, "not valid"},
		{"f", `{"n": 1, "x": 2}`, "not valid"},
		{"f", `{}`, "not valid"},
		{"f", `{"n": 1`, "arguments"},
		{"g", `{}`, `no tool "g"`},
		{"refused", `{"x": 5}`, ""},
	} {
		got := e.invalid(tools, []chat.Call{{Name: tc.name, Arguments: []byte(tc.arguments)}})
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s %s: %q, want %q", tc.name, tc.arguments, got, tc.want)
		}
	}
}

// TestEvalToolcall reads the public conversations.
func TestEvalToolcall(t *testing.T) {
	dir := os.Getenv("CALLAMA_TESTDATA")
	if dir == "" {
		t.Skip("CALLAMA_TESTDATA is not set")
	}
	dir = filepath.Join(dir, "toolcall")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no test data (see CALLAMA_TESTDATA): %v", err)
	}
	items, err := EvalItems(dir)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, item := range items {
		if !item.WantsCall {
			continue
		}
		calls++
		want, err := chat.ParseCalls(item.Expected)
		if err != nil {
			t.Fatal(err)
		}
		if v := item.Judge(want); !v.Right {
			t.Errorf("%s: its own calls are %+v", item.ID, v)
		}
	}
	if len(items) < 1800 || calls < 400 {
		t.Errorf("%d items, %d with calls", len(items), calls)
	}
}

// FuzzConversation reads conversations of any shape: no panic, every item can be judged,
// and its own calls are right.
func FuzzConversation(f *testing.F) {
	f.Add(conversation)
	f.Add(`{"conversations": [{"from": "human", "value": ""}, {"from": "function_call", "value": "[]"}, {"from": "function_call", "value": "{\"name\": \"\", \"arguments\": \"{}\"}"}]}`)
	f.Add(`{"conversations": [{"from": "observation", "value": "x"}, {"from": "gpt", "value": ""}], "tools": [], "meta": {"turns": [5], "lang": 1, "category": []}}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := ojson.Parse([]byte(text))
		if err != nil {
			return
		}
		items, err := conversationItems(doc, "f", 0)
		if err != nil {
			return
		}
		for _, item := range items {
			var own []chat.Call
			if item.WantsCall {
				if own, err = chat.ParseCalls(item.Expected); err != nil {
					t.Fatal(err)
				}
			}
			if v := item.Judge(own); !v.Right {
				t.Errorf("its own calls are %+v", v)
			}
		}
	})
}
