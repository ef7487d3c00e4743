package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testData returns the path of a test data file or folder and skips the test where there
// is none. CALLAMA_TESTDATA names the folder; a relative path counts from the repository's
// root.
func testData(t *testing.T, elem ...string) string {
	t.Helper()
	dir := os.Getenv("CALLAMA_TESTDATA")
	if dir == "" {
		dir = "../shared/data"
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join("..", dir)
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no test data: %v (set CALLAMA_TESTDATA)", err)
	}
	return path
}

func TestParseTools(t *testing.T) {
	tests := []struct {
		name, data string
		want       string // name|description|parameters, one tool per line
	}{
		{"openai", `[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"b":{},"a":{}}},"strict":true}}]`,
			`f|d|{"type":"object","properties":{"b":{},"a":{}}}`},
		{"responses", `[{"type":"function","name":"f","parameters":{"x":1.0}}]`, `f||{"x":1.0}`},
		{"bare", `[{"name":"f","description":"d","parameters":{}},{"name":"g"}]`, "f|d|{}\ng||"},
		{"anthropic", `{"name":"f","input_schema":{"type":"object"}}`, `f||{"type":"object"}`},
		{"mcp", `{"tools":[{"name":"ns/f.g:h-1","title":"t","inputSchema":{"type":"object"},"annotations":{}}]}`, `ns/f.g:h-1||{"type":"object"}`},
		{"string", `"[{\"name\":\"f\"}]"`, "f||"},
		{"record", `{"conversations":[],"tools":"[{\"name\":\"f\",\"description\":null,\"parameters\":null}]"}`, "f||"},
		{"empty string", `{"tools":""}`, ""},
		{"none", `[]`, ""},
		{"letters", `[{"name":"天气_é"}]`, "天气_é||"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tools, err := ParseTools([]byte(tt.data))
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, tool := range tools {
				lines = append(lines, tool.Name+"|"+tool.Description+"|"+string(tool.Parameters))
			}
			if got := strings.Join(lines, "\n"); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

var badTools = []struct{ name, data, pointer, want string }{
	{"not JSON", `[{]`, "", "invalid character"},
	{"empty", ``, "", "unexpected EOF"},
	{"number", `3`, "", "not number"},
	{"item", `[{"name":"f"},3]`, "/1", "not number"},
	{"no name", `[{"type":"function","function":{"description":"x"}}]`, "/0/function", "no name"},
	{"name", `{"name":3}`, "/name", "not number"},
	{"empty name", `{"name":""}`, "/name", "empty"},
	{"blank in name", `[{"name":"a b"}]`, "/0/name", "holds ' '"},
	{"quote in name", `[{"name":"a\"b"}]`, "/0/name", "holds"},
	{"long name", `[{"name":"` + strings.Repeat("a", MaxToolNameBytes+1) + `"}]`, "/0/name", "MaxToolNameBytes"},
	{"kind", `[{"type":"web_search"}]`, "/0/type", "web_search"},
	{"function", `[{"type":"function","function":"f"}]`, "/0/function", "not string"},
	{"description", `[{"name":"f","description":1}]`, "/0/description", "not number"},
	{"parameters", `{"tools":[{"name":"f","parameters":[]}]}`, "/tools/0/parameters", "not array"},
	{"two schemas", `[{"name":"f","parameters":{},"input_schema":{}}]`, "/0/input_schema", "two schemas"},
	{"duplicate", `[{"name":"f"},{"name":"f"}]`, "", `two tools are named "f"`},
	{"string", `"[{"`, "", "does not hold JSON"},
	{"strings", `"\"\\\"[]\\\"\""`, "", "string within"},
	{"too many", "[" + strings.Repeat("{},", MaxTools) + "{}]", "", "MaxTools"},
}

func TestParseToolsErrors(t *testing.T) {
	for _, tt := range badTools {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseTools([]byte(tt.data))
			checkInputError(t, err, "tools", tt.pointer, tt.want)
		})
	}
}

func checkInputError(t *testing.T, err error, what, pointer, want string) {
	t.Helper()
	var input *InputError
	if !errors.As(err, &input) {
		t.Fatalf("got %v, want an *InputError", err)
	}
	if input.What != what || input.Pointer != pointer || !strings.Contains(err.Error(), want) {
		t.Errorf("got %q at %q in %s, want %q at %q in %s", err, input.Pointer, input.What, want, pointer, what)
	}
}

// TestParseToolsData reads every tool set of the function-calling data sets.
func TestParseToolsData(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testData(t, "bfcl"), "BFCL*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	sets := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
			var row struct{ Function json.RawMessage }
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			// A few rows of the data repeat a function; that is refused on purpose.
			if _, err := ParseTools(row.Function); err != nil && !strings.Contains(err.Error(), "two tools are named") {
				t.Errorf("%s:%d: %v", filepath.Base(file), i+1, err)
			}
			sets++
		}
	}
	for _, name := range []string{"glaive_toolcall_en_demo.json", "glaive_toolcall_zh_demo.json"} {
		data, err := os.ReadFile(testData(t, "toolcall", name))
		if err != nil {
			t.Fatal(err)
		}
		var rows []json.RawMessage
		if err := json.Unmarshal(data, &rows); err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			if _, err := ParseTools(row); err != nil && !strings.Contains(err.Error(), "two tools are named") {
				t.Errorf("%s: row %d: %v", name, i, err)
			}
			sets++
		}
	}
	t.Logf("%d tool sets", sets)
}

func TestParseChoice(t *testing.T) {
	for s, want := range map[string]Choice{
		"": {}, "auto": {}, "required": {Mode: Required}, "none": {Mode: None}, "f": {Mode: Named, Name: "f"},
	} {
		if got := ParseChoice(s); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	}
}

func TestParseChoiceJSON(t *testing.T) {
	tools := []Tool{{Name: "f"}, {Name: "g"}, {Name: "h"}}
	tests := []struct {
		name, data string
		want       Choice
		tools      string
	}{
		{"absent", ``, Choice{}, "fgh"},
		{"null", `null`, Choice{}, "fgh"},
		{"auto", `"auto"`, Choice{}, "fgh"},
		{"required", `"required"`, Choice{Mode: Required}, "fgh"},
		{"none", `"none"`, Choice{Mode: None}, "fgh"},
		{"named", `{"type":"function","function":{"name":"g"}}`, Choice{Mode: Named, Name: "g"}, "fgh"},
		{"named flat", `{"type":"function","name":"g"}`, Choice{Mode: Named, Name: "g"}, "fgh"},
		{"allowed", `{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"h"}},{"type":"function","name":"f"}]}}`,
			Choice{Mode: Required}, "fh"},
		{"allowed flat", `{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]}`, Choice{}, "f"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, kept, err := ParseChoiceJSON([]byte(tt.data), tools)
			if err != nil {
				t.Fatal(err)
			}
			var names strings.Builder
			for _, tool := range kept {
				names.WriteString(tool.Name)
			}
			if got != tt.want || names.String() != tt.tools {
				t.Errorf("got %v with %s, want %v with %s", got, names.String(), tt.want, tt.tools)
			}
		})
	}
}

var badChoices = []struct{ name, data, pointer, want string }{
	{"not JSON", `auto`, "", "invalid character"},
	{"word", `"any"`, "", `not "any"`},
	{"number", `1`, "", "not number"},
	{"no type", `{}`, "", "type"},
	{"type", `{"type":"custom"}`, "/type", "custom"},
	{"no name", `{"type":"function","function":{}}`, "/function/name", "name of a tool"},
	{"unknown", `{"type":"function","function":{"name":"x"}}`, "", `no tool "x"`},
	{"allowed mode", `{"type":"allowed_tools","allowed_tools":{"tools":[]}}`, "/allowed_tools/mode", "not null"},
	{"allowed empty", `{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}}`, "/allowed_tools/tools", "at least one"},
	{"allowed unknown", `{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"name":"x"}]}}`, "/allowed_tools/tools/0", `no tool "x"`},
}

func TestParseChoiceJSONErrors(t *testing.T) {
	for _, tt := range badChoices {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := ParseChoiceJSON([]byte(tt.data), []Tool{{Name: "f"}})
			checkInputError(t, err, "tool_choice", tt.pointer, tt.want)
		})
	}
	if err := CheckChoice(nil, Choice{Mode: Required}); err == nil {
		t.Error("a call without tools can be required")
	}
	if err := CheckChoice(nil, Choice{Mode: Mode(9)}); err == nil || !strings.Contains(err.Error(), "mode(9)") {
		t.Errorf("an unknown mode gives %v", err)
	}
}

func TestParseMessages(t *testing.T) {
	const data = `[
		{"role":"developer","content":"be brief"},
		{"role":"user","name":"ann","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
		{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[
			{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"b\": 1, \"a\": 2.0}"}},
			{"function":{"name":"g","arguments":{"x":[]}}},
			{"function":{"name":"h","arguments":""}}]},
		{"role":"tool","tool_call_id":"c1","content":"ok"},
		{"role":"assistant","content":"done","reasoning":"r"}]`
	want := []string{
		`{system be brief  []  }`,
		`{user ab  []  ann}`,
		`{assistant  hm [{c1 f {"b":1,"a":2.0}} { g {"x":[]}} { h {}}]  }`,
		`{tool ok  [] c1 }`,
		`{assistant done r []  }`,
	}
	messages, err := ParseMessages([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range messages {
		if got := fmt.Sprintf("%s", m); got != want[i] {
			t.Errorf("message %d: got %s, want %s", i, got, want[i])
		}
	}
}

var badMessages = []struct{ name, data, pointer, want string }{
	{"not JSON", `[`, "", "EOF"},
	{"object", `{}`, "", "not object"},
	{"item", `[1]`, "/0", "not number"},
	{"role", `[{"role":"function","content":""}]`, "/0/role", `not "function"`},
	{"no role", `[{"content":""}]`, "/0/role", `not ""`},
	{"no content", `[{"role":"user"}]`, "/0", "no content"},
	{"content", `[{"role":"user","content":1}]`, "/0/content", "not number"},
	{"image", `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{}}]}]`, "/0/content/1/type", "image_url"},
	{"part", `[{"role":"user","content":["a"]}]`, "/0/content/0", "no \"type\""},
	{"text", `[{"role":"user","content":[{"type":"text"}]}]`, "/0/content/0/text", "string"},
	{"user calls", `[{"role":"user","content":"","tool_calls":[{"function":{"name":"f"}}]}]`, "/0/tool_calls", "only an assistant"},
	{"calls", `[{"role":"assistant","content":"","tool_calls":{}}]`, "/0/tool_calls", "not object"},
	{"call", `[{"role":"assistant","tool_calls":[1]}]`, "/0/tool_calls/0", "not number"},
	{"call type", `[{"role":"assistant","tool_calls":[{"type":"custom"}]}]`, "/0/tool_calls/0/type", "custom"},
	{"call function", `[{"role":"assistant","tool_calls":[{}]}]`, "/0/tool_calls/0/function", "want an object"},
	{"call name", `[{"role":"assistant","tool_calls":[{"function":{}}]}]`, "/0/tool_calls/0/function/name", "no name"},
	{"cut arguments", `[{"role":"user","content":""},{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{\"a\": "}}]}]`, "/1/tool_calls/0/function/arguments", "does not hold JSON"},
	{"arguments", `[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"[]"}}]}]`, "/0/tool_calls/0/function/arguments", "not array"},
	{"too many", "[" + strings.Repeat("{},", MaxMessages) + "{}]", "", "MaxMessages"},
}

func TestParseMessagesErrors(t *testing.T) {
	for _, tt := range badMessages {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseMessages([]byte(tt.data))
			checkInputError(t, err, "messages", tt.pointer, tt.want)
		})
	}
}

// FuzzInput checks that no input panics and that every error is an *InputError.
func FuzzInput(f *testing.F) {
	for _, tt := range badTools {
		if len(tt.data) < 1<<10 {
			f.Add([]byte(tt.data))
		}
	}
	for _, tt := range badChoices {
		f.Add([]byte(tt.data))
	}
	for _, tt := range badMessages {
		if len(tt.data) < 1<<10 {
			f.Add([]byte(tt.data))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var input *InputError
		tools, err := ParseTools(data)
		if err != nil && !errors.As(err, &input) {
			t.Errorf("tools: %v", err)
		}
		for _, tool := range tools {
			if checkToolName(tool.Name) != nil || tool.Parameters != nil && !json.Valid(tool.Parameters) {
				t.Errorf("tool %+v", tool)
			}
		}
		if _, _, err := ParseChoiceJSON(data, tools); err != nil && !errors.As(err, &input) {
			t.Errorf("choice: %v", err)
		}
		if _, err := ParseMessages(data); err != nil && !errors.As(err, &input) {
			t.Errorf("messages: %v", err)
		}
	})
}
