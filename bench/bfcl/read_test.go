package bfcl

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/internal/ojson"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	question = `{"id": "live_simple_3-0-1", "question": [[{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]], ` +
		`"function": [{"name": "a.b", "description": "d", "parameters": {"type": "dict", "properties": {"n": {"type": "float"}}, "required": ["n"]}}]}` + "\n"
	truth = `{"id": "live_simple_3-0-1", "ground_truth": [{"a.b": {"n": [1.5]}}]}`
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "q.json", "\n"+question)
	write(t, dir, "possible_answer/q.json", truth)
	rows, err := Read(path)
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	r := rows[0]
	if r.ID != "live_simple_3-0-1" || r.Category != "live_simple" || len(r.Messages) != 2 || r.Messages[1].Content != "q" || !r.WantsCall() {
		t.Errorf("%+v", r)
	}
	if len(r.Tools) != 1 || string(r.Tools[0].Parameters) != `{"type":"object","properties":{"n":{"type":"number"}},"required":["n"]}` {
		t.Errorf("tools %s", r.Tools[0].Parameters)
	}
	if got := string(r.Expected()); got != `[{"a.b": {"n": [1.5]}}]` {
		t.Errorf("expected %s", got)
	}
	if v := r.Judge([]chat.Call{{Name: "a.b", Arguments: json.RawMessage(`{"n": 1.5}`)}}); !v.Right {
		t.Errorf("%+v", v)
	}
	if v := r.Judge(nil); v.Right {
		t.Errorf("no call: %+v", v)
	}
}

func TestReadRelevance(t *testing.T) {
	call := []chat.Call{{Name: "a.b", Arguments: json.RawMessage(`{}`)}}
	for id, wants := range map[string]bool{"irrelevance_4": false, "live_irrelevance_0-0-0": false, "live_relevance_3-3-0": true} {
		path := write(t, t.TempDir(), "q.json", strings.Replace(question, "live_simple_3-0-1", id, 1))
		rows, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		r := rows[0]
		if r.WantsCall() != wants || r.Judge(call).Right != wants || r.Judge(nil).Right == wants || r.Expected() != nil {
			t.Errorf("%s: %+v", id, r)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tc := range []struct{ name, questions, answers, want string }{
		{"no JSON", "{", truth, "q.json: line 1"},
		{"no question", `{"id": "simple_1"}`, truth, `want an object with "id", "question" and "function"`},
		{"two turns", strings.Replace(question, `"question": [`, `"question": [[], `, 1), truth, "2 turns"},
		{"a message that is none", strings.Replace(question, `"system"`, `"robot"`, 1), truth, "robot"},
		{"a tool that is none", strings.Replace(question, `"a.b"`, `"a b"`, 1), truth, "letters, digits"},
		{"no answer", strings.Replace(question, "3-0-1", "3-0-2", 1), truth, "has no answer"},
		{"an answer that is none", question, `{"id": "live_simple_3-0-1", "ground_truth": [{"a.b": {"n": 1.5}}]}`, "want an array of values"},
		{"answers that are none", question, `{"id": "live_simple_3-0-1", "ground_truth": 5}`, `an array "ground_truth"`},
		{"an answer of two functions", question, `{"id": "live_simple_3-0-1", "ground_truth": [{"a": {}, "b": {}}]}`, "one function"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "possible_answer/q.json", tc.answers)
			if _, err := Read(write(t, dir, "q.json", tc.questions)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a file that is not there was read")
	}
	if _, err := Read(write(t, t.TempDir(), "q.json", question)); err == nil || !strings.Contains(err.Error(), "has no answer") {
		t.Errorf("without answers: %v", err)
	}
}

// firstCalls writes a call for each answer, with the first value of each parameter that may
// not be left out. Objects, and those in a list, have alternatives for each member; deeper
// ones are values.
func firstCalls(answers []Answer) []chat.Call {
	var calls []chat.Call
	for _, a := range answers {
		arguments := chosen(a.parameters)
		for i, m := range arguments.Members {
			switch v := m.Value; {
			case v.Kind == ojson.Object:
				arguments.Members[i].Value = chosen(v.Members)
			case v.Kind == ojson.Array && len(v.Items) > 0 && v.Items[0].Kind == ojson.Object:
				list := &ojson.Value{Kind: ojson.Array}
				for _, item := range v.Items {
					list.Items = append(list.Items, chosen(item.Members))
				}
				arguments.Members[i].Value = list
			}
		}
		calls = append(calls, chat.Call{Name: a.Name, Arguments: arguments.Append(nil, ojson.Python)})
	}
	return calls
}

// chosen takes the first alternative of each member that may not be left out.
func chosen(members []ojson.Member) *ojson.Value {
	out := &ojson.Value{Kind: ojson.Object}
	for _, m := range members {
		if items := m.Value.Items; len(items) > 0 && !slices.ContainsFunc(items, isEmpty) {
			out.Members = append(out.Members, ojson.Member{Name: m.Name, Value: items[0]})
		}
	}
	return out
}

// TestAnswersAreRight reads the leaderboard's files and judges their own answers: all are
// right but for the few that contradict their functions; and none is when a name, a value or
// the number of calls is changed.
func TestAnswersAreRight(t *testing.T) {
	dir := os.Getenv("CALLAMA_TESTDATA")
	if dir == "" {
		t.Skip("CALLAMA_TESTDATA is not set")
	}
	paths, err := filepath.Glob(filepath.Join(dir, "bfcl", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Skipf("no questions in %s", dir)
	}
	judged, faults := 0, 0
	for _, path := range paths {
		rows, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			r := &rows[i]
			if len(r.answers) == 0 {
				continue
			}
			judged++
			calls := firstCalls(r.answers)
			if v := r.Judge(calls); !v.Right {
				faults++
				t.Logf("%s: %s", r.ID, v.Fault)
				continue
			}
			if v := r.Judge(append(calls, calls[0])); v.Right {
				t.Errorf("%s: right with a call too many", r.ID)
			}
			if v := r.Judge(calls[:len(calls)-1]); v.Right {
				t.Errorf("%s: right with a call too few", r.ID)
			}
			renamed := append([]chat.Call{{Name: calls[0].Name + "x", Arguments: calls[0].Arguments}}, calls[1:]...)
			if v := r.Judge(renamed); v.Right || v.Names {
				t.Errorf("%s: right with another name", r.ID)
			}
			extra := strings.Replace(string(calls[0].Arguments), "{", `{"not_declared": 1, `, 1)
			extra = strings.Replace(extra, ", }", "}", 1)
			if v := r.Judge(append([]chat.Call{{Name: calls[0].Name, Arguments: json.RawMessage(extra)}}, calls[1:]...)); v.Right || !v.Names {
				t.Errorf("%s: right with an argument too many: %s", r.ID, extra)
			}
		}
	}
	t.Logf("%d questions judged, %d whose answers contradict their functions", judged, faults)
	if judged < 1000 || faults > judged/50 {
		t.Errorf("%d of %d answers are not right", faults, judged)
	}
}

// FuzzRows reads questions and answers of any shape and judges a call.
func FuzzRows(f *testing.F) {
	f.Add(question, truth)
	f.Add(strings.Replace(question, "live_simple_3-0-1", "relevance_1", 1), truth)
	f.Add(`{"id": "a", "question": [[{"role": "user", "content": ""}]], "function": {"name": "f", "parameters": {"properties": {"x": 1}, "required": "x"}}}`, `{"id": "a", "ground_truth": [{"f": {"x": [1]}}]}`)
	f.Fuzz(func(t *testing.T, questions, answers string) {
		all := make(map[string][]Answer)
		err := eachLine("answers", []byte(answers), func(v *ojson.Value) error { return addAnswers(all, v) })
		if err != nil {
			return
		}
		rows, err := parseRows("questions", []byte(questions), all)
		if err != nil {
			return
		}
		for i := range rows {
			rows[i].Judge([]chat.Call{{Name: "f", Arguments: json.RawMessage(`{"x": [1, {"a": "b"}]}`)}})
			rows[i].Expected()
		}
	})
}
