package chat

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/callama/callama/gguf"
)

func TestParseDialect(t *testing.T) {
	for _, want := range dialects {
		if got, err := ParseDialect(want.String()); err != nil || got != want {
			t.Errorf("%s: %v, %v", want, got, err)
		}
	}
	if _, err := ParseDialect("latin"); err == nil || !strings.Contains(err.Error(), "hermes, llama3-json, ") {
		t.Errorf("latin: %v", err)
	}
}

// TestWithDialect renders a template of one dialect in another: the tools and calls are
// described as for a template that knows none, and nothing of its own notation is left.
func TestWithDialect(t *testing.T) {
	own, err := NewTemplate(gguf.BuiltinTokenizer().ChatTemplate, TemplateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if same, err := own.WithDialect(Hermes); err != nil || same != own {
		t.Errorf("its own dialect: %v", err)
	}
	if _, err := own.WithDialect(Llama3); err == nil || !strings.Contains(err.Error(), "hermes, not llama3-json") {
		t.Errorf("a dialect that it does not teach: %v", err)
	}
	plain, err := own.WithDialect(PlainArray)
	if err != nil || plain.Dialect() != PlainArray || own.Dialect() != Hermes {
		t.Fatalf("%v, %v", plain, err)
	}
	in := Input{
		Messages: []Message{{Role: User, Content: "q"},
			{Role: Assistant, Calls: []Call{{Name: "f", Arguments: json.RawMessage(`{"a": 1}`)}}}, {Role: ToolRole, Name: "f", Content: "7"}},
		Tools: []Tool{{Name: "f", Description: "needle"}}, AddGenerationPrompt: true,
	}
	text, err := plain.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"needle", `[{"name": "f", "arguments": {"a": 1}}]`, "Result of f:\n7"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "<tool") {
		t.Errorf("the template's own notation is left in\n%s", text)
	}
	if again, err := plain.WithDialect(Hermes); err != nil || again.Dialect() != Hermes {
		t.Errorf("back again: %v", err)
	}
}

func TestOpensCall(t *testing.T) {
	for _, tc := range []struct {
		d    Dialect
		text string
		want bool
	}{
		{Hermes, `Well. <tool_call>{"name"`, true}, {Hermes, `Well. <tool_`, false}, {Hermes, `{"name": 1}`, false},
		{PlainArray, ` [{"name"`, true}, {PlainArray, `Well. [1]`, false}, {PlainArray, ``, false},
		{Llama3, "\n{", true}, {Llama3, `<|python_tag|>x`, true}, {Llama3, `a {`, false},
	} {
		if got := tc.d.OpensCall(tc.text); got != tc.want {
			t.Errorf("%s: %q: %v, want %v", tc.d, tc.text, got, tc.want)
		}
	}
}
