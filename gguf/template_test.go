package gguf_test

import (
	"encoding/json"
	"testing"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/gguf"
)

// TestBuiltinTemplate renders the built-in chat template. Without tools the text is, byte
// for byte, what Qwen2.5's own template gives for the same messages; with tools only the
// words of the system message are others.
func TestBuiltinTemplate(t *testing.T) {
	template, err := chat.NewTemplate(gguf.BuiltinTokenizer().ChatTemplate, chat.TemplateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := template.Dialect(); got != chat.Hermes {
		t.Errorf("dialect %s, want %s", got, chat.Hermes)
	}
	call := func(arguments string) chat.Call {
		return chat.Call{Name: "add", Arguments: json.RawMessage(arguments)}
	}
	messages := []chat.Message{
		{Role: chat.System, Content: "Be brief."},
		{Role: chat.User, Content: "1 + 2?"},
		{Role: chat.Assistant, Calls: []chat.Call{call(`{"a": [1, 2]}`), call(`{"a": "é"}`)}},
		{Role: chat.ToolRole, Content: "3"},
		{Role: chat.ToolRole, Content: "4"},
		{Role: chat.Assistant, Content: "3."},
		{Role: chat.User, Content: "Thanks"},
	}
	tools := []chat.Tool{{Name: "add", Description: "Adds.", Parameters: json.RawMessage(`{"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}`)}}
	const turns = "<|im_end|>\n<|im_start|>user\n1 + 2?<|im_end|>\n<|im_start|>assistant\n<tool_call>\n" +
		"{\"name\": \"add\", \"arguments\": {\"a\": [1, 2]}}\n</tool_call>\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": \"é\"}}\n" +
		"</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\n3\n</tool_response>\n<tool_response>\n4\n</tool_response><|im_end|>\n" +
		"<|im_start|>assistant\n3.<|im_end|>\n<|im_start|>user\nThanks<|im_end|>\n<|im_start|>assistant\n"
	const teach = "\n\n# Tools\n\nThese functions can be called. Each line between the <tools> tags is the JSON signature of one:\n<tools>\n" +
		`{"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}}}` +
		"\n</tools>\n\nTo call one, write its name and its arguments as one JSON object between <tool_call> tags:\n<tool_call>\n" +
		"{\"name\": <name of the function>, \"arguments\": <object with its arguments>}\n</tool_call>"
	const system = "<|im_start|>system\nBe brief."
	for _, tc := range []struct {
		name string
		in   chat.Input
		want string
	}{
		{"no tools", chat.Input{Messages: messages, AddGenerationPrompt: true}, system + turns},
		{"tools", chat.Input{Messages: messages, Tools: tools, AddGenerationPrompt: true}, system + teach + turns},
		{"no system message", chat.Input{Messages: messages[1:2]},
			"<|im_start|>system\nYou help people, and you call functions when they need one.<|im_end|>\n<|im_start|>user\n1 + 2?<|im_end|>\n"},
	} {
		got, err := template.Render(tc.in)
		if err != nil || got != tc.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", tc.name, err, got, tc.want)
		}
	}
}
