package callama_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/internal/ojson"
)

// testdata returns a path in the shared test data, or skips where there is none.
func testdata(t testing.TB, path ...string) string {
	t.Helper()
	dir := os.Getenv("CALLAMA_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "shared", "data")
	}
	p := filepath.Join(append([]string{dir}, path...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("no test data here (CALLAMA_TESTDATA): %v", err)
	}
	return p
}

// question is one row of a function-calling data set.
type question struct {
	id       string
	messages []chat.Message
	tools    json.RawMessage
}

// bfclQuestions reads n rows, evenly over all files that have tools.
func bfclQuestions(t *testing.T, n int) []question {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testdata(t, "bfcl"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no BFCL files: %v", err)
	}
	var all []question
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(data) {
			var row struct {
				ID       string
				Question [][]struct{ Role, Content string }
				Function json.RawMessage
			}
			if err := json.Unmarshal(line, &row); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			if tools := strings.TrimSpace(string(row.Function)); tools == "" || tools == "[]" || len(row.Question) == 0 {
				continue
			}
			q := question{id: row.ID, tools: row.Function}
			for _, m := range row.Question[0] {
				q.messages = append(q.messages, chat.Message{Role: chat.Role(m.Role), Content: m.Content})
			}
			all = append(all, q)
		}
	}
	return spread(all, n)
}

// toolcallQuestions reads n conversations with tools, of both languages.
func toolcallQuestions(t *testing.T, n int) []question {
	t.Helper()
	var all []question
	for _, f := range []string{"glaive_toolcall_en_demo.json", "glaive_toolcall_zh_demo.json"} {
		data, err := os.ReadFile(testdata(t, "toolcall", f))
		if err != nil {
			t.Fatal(err)
		}
		var rows []struct {
			Conversations []struct{ From, Value string }
			Tools         string
		}
		if err := json.Unmarshal(data, &rows); err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			if len(r.Conversations) == 0 || strings.TrimSpace(r.Tools) == "" || strings.TrimSpace(r.Tools) == "[]" {
				continue
			}
			all = append(all, question{id: fmt.Sprintf("%s/%d", f, i), tools: json.RawMessage(r.Tools),
				messages: []chat.Message{{Role: chat.User, Content: r.Conversations[0].Value}}})
		}
	}
	return spread(all, n)
}

// spread takes n of all at equal distances.
func spread(all []question, n int) []question {
	if len(all) <= n {
		return all
	}
	out := make([]question, n)
	for i := range out {
		out[i] = all[i*len(all)/n]
	}
	return out
}

// validator compiles the independent validator's view of a tool's parameters. Python's and
// Java's type names are what our tools mean by them; the rest is the schema as written.
func validator(t *testing.T, tool chat.Tool) *jsonschema.Schema {
	t.Helper()
	if len(tool.Parameters) == 0 {
		return nil
	}
	doc, err := ojson.Parse(tool.Parameters)
	if err != nil {
		t.Fatalf("%s: %v", tool.Name, err)
	}
	doc = schema.Normalize(doc, schema.Options{PythonNames: true})
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc.Append(nil, ojson.Compact)))
	if err != nil {
		t.Fatalf("%s: %v", tool.Name, err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("tool.json", plain); err != nil {
		t.Fatalf("%s: %v", tool.Name, err)
	}
	s, err := c.Compile("tool.json")
	if err != nil {
		t.Fatalf("%s: the validator refuses the schema: %v\n%s", tool.Name, err, tool.Parameters)
	}
	return s
}

// TestGuarantee asks an adversarial model, random weights at temperature 1.5 over the
// Qwen2.5 vocabulary, real questions with their tools, and lets an independent validator
// judge every call.
func TestGuarantee(t *testing.T) {
	bfcl, talks := 500, 100
	if testing.Short() {
		bfcl, talks = 40, 10
	}
	tok, err := gguf.ReadTokenizer(testdata(t, "tokenizers", "qwen2.5", "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	m := openModel(t, tok)
	questions := append(bfclQuestions(t, bfcl), toolcallQuestions(t, talks)...)
	temp := 1.5
	refused := map[string]int{}
	asked, calls, lengths, tokens := 0, 0, 0, 0
	for i, q := range questions {
		tools, err := chat.ParseTools(q.tools)
		if err != nil {
			refused[err.Error()]++
			continue
		}
		seed := uint64(i)
		req := callama.Request{Messages: q.messages, Tools: tools, MaxTokens: 160,
			Choice: chat.Choice{Mode: chat.Required}, Sampling: callama.Sampling{Temperature: &temp, Seed: &seed}}
		r, err := m.Chat(t.Context(), req, nil)
		if errors.Is(err, callama.ErrRequest) {
			refused[err.Error()]++
			continue
		}
		if err != nil { // a dead end among others
			t.Errorf("%s: %v", q.id, err)
			continue
		}
		asked++
		tokens += r.Usage.CompletionTokens
		if r.FinishReason == callama.FinishLength {
			lengths++
		}
		if len(r.Calls) == 0 && r.FinishReason != callama.FinishLength {
			t.Errorf("%s: no call, but finish reason %s", q.id, r.FinishReason)
		}
		for _, c := range r.Calls {
			calls++
			if err := valid(t, tools, c); err != nil {
				t.Errorf("%s: %s(%s): %v", q.id, c.Name, c.Arguments, err)
			}
		}
	}
	t.Logf("%d questions asked, %d calls, %d cut by length, %d tokens, %d refused", asked, calls, lengths, tokens, len(questions)-asked)
	var reasons []string
	for r, n := range refused {
		reasons = append(reasons, fmt.Sprintf("%d x %s", n, r))
	}
	sort.Strings(reasons)
	for _, r := range reasons {
		t.Log("refused: ", r)
	}
}

// valid judges one call.
func valid(t *testing.T, tools []chat.Tool, c chat.Call) error {
	for _, tool := range tools {
		if tool.Name != c.Name {
			continue
		}
		args, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.Arguments))
		if err != nil {
			return err
		}
		if _, ok := args.(map[string]any); !ok {
			return errors.New("arguments are not an object")
		}
		if s := validator(t, tool); s != nil {
			return s.Validate(args)
		}
		return nil
	}
	return errors.New("unknown tool")
}
