package chat

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// checkGolden compares got with testdata/name, or writes it there with -update.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update and look at the difference):\n%s", path, got)
	}
}

func fixedNow() time.Time { return time.Date(2026, 3, 7, 5, 4, 9, 0, time.UTC) }

func readTemplate(t *testing.T, path string) *Template {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := NewTemplate(string(source), TemplateOptions{BOS: "<s>", EOS: "</s>", Now: fixedNow})
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

var (
	weatherTools = []Tool{
		{Name: "get_weather", Description: "Get the weather for a city", Parameters: json.RawMessage(
			`{"type":"object","properties":{"city":{"type":"string","description":"the \"city\" <é>"},"days":{"type":"integer","minimum":1}},"required":["city"]}`)},
		{Name: "now", Description: "Tell the time"},
	}
	weatherCalls = []Call{
		{ID: "abcdefghi", Name: "get_weather", Arguments: json.RawMessage(`{"days":3,"city":"Zürich"}`)},
		{ID: "123456789", Name: "now", Arguments: json.RawMessage(`{}`)},
	}
	system = Message{Role: System, Content: "Be terse."}
	asks   = Message{Role: User, Content: "How is the weather in Zürich?"}
	result = Message{Role: ToolRole, Name: "get_weather", CallID: "abcdefghi", Content: `{"temp": 21.5}`}
)

// conversations are what the golden files show.
var conversations = []struct {
	name  string
	input Input
}{
	{"plain", Input{Messages: []Message{asks}, AddGenerationPrompt: true}},
	{"system", Input{Messages: []Message{system, asks}, AddGenerationPrompt: true}},
	{"tools", Input{Messages: []Message{asks}, Tools: weatherTools, AddGenerationPrompt: true}},
	{"tools and system", Input{Messages: []Message{system, asks}, Tools: weatherTools, AddGenerationPrompt: true}},
	{"call and result", Input{Messages: []Message{asks, {Role: Assistant, Calls: weatherCalls[:1]}, result}, Tools: weatherTools, AddGenerationPrompt: true}},
	{"two calls", Input{Messages: []Message{asks, {Role: Assistant, Content: "Looking.", Calls: weatherCalls}, result,
		{Role: ToolRole, Name: "now", CallID: "123456789", Content: "noon"}}, Tools: weatherTools, AddGenerationPrompt: true}},
	{"answered", Input{Messages: []Message{asks, {Role: Assistant, Calls: weatherCalls[:1]}, result,
		{Role: Assistant, Content: "21.5 degrees."}, {Role: User, Content: "Thanks."}}, Tools: weatherTools, AddGenerationPrompt: true}},
	{"thinking off", Input{Messages: []Message{asks}, AddGenerationPrompt: true, Extra: map[string]any{"enable_thinking": false}}},
}

// TestTemplateGoldens shows the prompts of the main model families. That the interpreter
// renders them as Jinja2 does is tested in internal/jinja.
func TestTemplateGoldens(t *testing.T) {
	for _, name := range []string{
		"Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B", "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
		"meta-llama-Llama-3.1-8B-Instruct", "meta-llama-Llama-3.2-3B-Instruct",
		"mistralai-Mistral-Nemo-Instruct-2407", "google-gemma-2-2b-it", "microsoft-Phi-3.5-mini-instruct",
	} {
		t.Run(name, func(t *testing.T) {
			tmpl := readTemplate(t, testData(t, "chat-templates", name+".jinja"))
			var sb strings.Builder
			fmt.Fprintf(&sb, "dialect %v\n", tmpl.Dialect())
			for _, c := range conversations {
				text, err := tmpl.Render(c.input)
				if err != nil {
					text = "error: " + err.Error()
				}
				fmt.Fprintf(&sb, "\n======== %s\n%s\n", c.name, text)
			}
			checkGolden(t, filepath.Join("prompts", name+".txt"), sb.String())
		})
	}
}

// refusals are the templates that refuse some of the conversations, and why.
var refusals = map[string]string{
	"MiroThinker":                          "sets attributes of messages, which Jinja2 forbids too",
	"fireworks-ai-llama-3-firefunction-v2": "wants the variables functions and datetime (Input.Extra)",
	"meta-llama-Llama-3.1-8B-Instruct":     "one call in a turn",
	"meta-llama-Llama-3.2-3B-Instruct":     "one call in a turn",
	"meta-llama-Llama-3.3-70B-Instruct":    "one call in a turn",
}

// TestAllTemplates renders the conversations with every collected template, and keeps a
// table of each one's dialect and of what it refuses.
func TestAllTemplates(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testData(t, "chat-templates"), "*.jinja"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	var table strings.Builder
	for _, file := range files {
		tmpl := readTemplate(t, file)
		name := strings.TrimSuffix(filepath.Base(file), ".jinja")
		fmt.Fprintf(&table, "%s: %v\n", name, tmpl.Dialect())
		refused := false
		for _, c := range conversations {
			text, err := tmpl.Render(c.input)
			if err != nil {
				fmt.Fprintf(&table, "  %s: %v\n", c.name, err)
				refused = true
				continue
			}
			if !strings.Contains(text, asks.Content) {
				t.Errorf("%s: %s: the prompt lacks the question", filepath.Base(file), c.name)
			}
			if len(c.input.Tools) > 0 && !strings.Contains(text, "get_weather") {
				t.Errorf("%s: %s: the prompt lacks the tools", filepath.Base(file), c.name)
			}
			if again, err := tmpl.Render(c.input); err != nil || again != text {
				t.Errorf("%s: %s: a second rendering differs", filepath.Base(file), c.name)
			}
		}
		if refused != (refusals[name] != "") {
			t.Errorf("%s: refused is %v, the reason on record is %q", name, refused, refusals[name])
		}
	}
	checkGolden(t, "templates.txt", table.String())
}

// writesOtherwise are templates whose calls the parser reads although they are written in
// another way than the dialect's.
var writesOtherwise = map[string]string{
	"Reka-Edge.jinja":                 "no line break between calls, ASCII escapes",
	"StepFun3.5-Flash.jinja":          "no line break between calls",
	"stepfun-ai-Step-3.5-Flash.jinja": "no line break between calls",
}

// TestRenderedCallsParse checks, for every template of a dialect, that the calls it writes
// into a history are what the dialect's grammar writes and its parser reads.
func TestRenderedCallsParse(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testData(t, "chat-templates"), "*.jinja"))
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for _, file := range files {
		tmpl := readTemplate(t, file)
		calls := weatherCalls
		if tmpl.Dialect().Single() {
			calls = calls[:1]
		}
		before, err := tmpl.Render(Input{Messages: []Message{asks}, Tools: weatherTools, AddGenerationPrompt: true})
		if err != nil {
			continue
		}
		after, err := tmpl.Render(Input{Messages: []Message{asks, {Role: Assistant, Calls: calls}}, Tools: weatherTools})
		if err != nil {
			continue
		}
		want, err := tmpl.Dialect().write(nil, calls)
		if err != nil {
			t.Fatal(err)
		}
		turn, ok := strings.CutPrefix(after, strings.TrimSpace(before))
		if !ok {
			// Some histories drop what a generation prompt adds, such as <think>.
			_, turn, _ = strings.Cut(after, asks.Content)
		}
		at := strings.Index(turn, string(want))
		if reason := writesOtherwise[filepath.Base(file)]; reason != "" && at < 0 {
			t.Logf("%s writes calls otherwise: %s", filepath.Base(file), reason)
			at = max(strings.Index(turn, "<tool_call>"), 0)
		} else if at < 0 {
			t.Errorf("%s (%v): the history shows calls as %q, want %q", filepath.Base(file), tmpl.Dialect(), turn, want)
			continue
		}
		p := tmpl.Dialect().NewParser()
		p.Write(turn[at:])
		_, got, _ := p.Close()
		if len(got) != len(calls) || got[0].Name != calls[0].Name || !strings.Contains(string(got[0].Arguments), `"city": "Z`) {
			t.Errorf("%s: %q parses as %v", filepath.Base(file), turn[at:], got)
		}
		tested++
	}
	if tested < 30 {
		t.Errorf("only %d templates were tested", tested)
	}
}

// toolFrame is a small template of the dialect Hermes.
const toolFrame = `{% for t in tools or [] %}{{ t | tojson }}{% endfor %}` +
	`{% for m in messages %}{% for c in m.tool_calls or [] %}<tool_call>
{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}
</tool_call>{% endfor %}{% endfor %}`

func TestTemplateErrors(t *testing.T) {
	if _, err := NewTemplate("{% if %}", TemplateOptions{}); err == nil || !strings.HasPrefix(err.Error(), "chat: template: jinja: line 1: ") {
		t.Errorf("a syntax error gives %v", err)
	}
	if _, err := NewTemplate(strings.Repeat("x", 2<<20), TemplateOptions{}); !errors.Is(err, ErrTemplateLimit) {
		t.Errorf("a long source gives %v", err)
	}
	tests := []struct {
		name, source, want string
		input              Input
	}{
		{"endless", "{% for i in range(10**9) %}{% endfor %}", "limit Work", Input{}},
		{"recursion", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "limit Depth", Input{}},
		{"refusal", "{{ raise_exception('no ' + messages[0].role) }}", "the template refuses: no user", Input{Messages: []Message{asks}}},
		{"file", "{% include '/etc/passwd' %}", `"include" is not supported`, Input{}},
		{"arguments", toolFrame, "message 0: arguments of call 0 (f)", Input{Messages: []Message{{Role: Assistant, Calls: []Call{{Name: "f", Arguments: json.RawMessage(`[]`)}}}}}},
		{"parameters", toolFrame, `parameters of tool "f"`, Input{Tools: []Tool{{Name: "f", Parameters: json.RawMessage(`{`)}}}},
		{"variable", "{{ x }}", "template variable x", Input{Extra: map[string]any{"x": func() {}}}},
		{"clock", "{{ strftime_now('%Q') }}", "%Q is not supported", Input{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := NewTemplate(tt.source, TemplateOptions{})
			if err == nil {
				_, err = tmpl.Render(tt.input)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(tt.want, "limit ") && !errors.Is(err, ErrTemplateLimit) {
				t.Errorf("%v is no ErrTemplateLimit", err)
			}
		})
	}
}

// TestArgumentsAsText checks that templates which print arguments as they are get JSON.
func TestArgumentsAsText(t *testing.T) {
	tests := []struct{ name, body string }{
		{"printed", "{{ c.function.arguments }}"},
		{"concatenated", "{{ '' + c.function.arguments }}"},
		{"tojson", "{{ c.function.arguments | tojson }}"},
		{"items", "{ {%- for k, v in c.function.arguments | items %}{{ k | tojson }}: {{ v | tojson }}{{ ', ' if not loop.last }}{% endfor -%} }"},
		{"either", "{{ c.function.arguments if c.function.arguments is string else c.function.arguments | tojson }}"},
	}
	const want = "<tool_call>\n" + `{"name": "get_weather", "arguments": {"days": 3, "city": "Zürich"}}` + "\n</tool_call>"
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := NewTemplate(strings.Replace(toolFrame, "{{ c.function.arguments | tojson }}", tt.body, 1), TemplateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := tmpl.Render(Input{Messages: []Message{{Role: Assistant, Calls: weatherCalls[:1]}}})
			if err != nil || got != want || tmpl.Dialect() != Hermes {
				t.Errorf("%v: got %q, %v", tmpl.Dialect(), got, err)
			}
		})
	}
}

func TestStrftime(t *testing.T) {
	tests := map[string]string{
		"%Y-%m-%d %H:%M:%S": "2026-03-07 05:04:09", "%d %b %Y": "07 Mar 2026", "%A, %B %-d": "Saturday, March 7", "%e|%j|%y|%p|%I|%-H|%%": " 7|066|26|AM|05|5|%",
		"%F %T": "2026-03-07 05:04:09", "%s": "1772859849", "none": "none", "%f": "000000",
	}
	for format, want := range tests {
		if got, err := strftime(fixedNow(), format); err != nil || got != want {
			t.Errorf("%q gives %q, %v, want %q", format, got, err, want)
		}
	}
	for _, format := range []string{"%", "%-", "%Q"} {
		if _, err := strftime(fixedNow(), format); err == nil {
			t.Errorf("%q gives no error", format)
		}
	}
}
