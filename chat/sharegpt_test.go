package chat

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseConversation(t *testing.T) {
	c, err := ParseConversation([]byte(`{
		"conversations": [
			{"from": "human", "value": "q"},
			{"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"b\": 1.50, \"a\": \"x\"}}"},
			{"from": "function_call", "value": "[{\"name\": \"g\", \"arguments\": \"{}\"}, {\"name\": \"f\", \"arguments\": {}}]"},
			{"from": "observation", "value": "1"}, {"from": "observation", "value": "2"}, {"from": "observation", "value": "3"},
			{"from": "observation", "value": "4"},
			{"from": "gpt", "value": "a"}],
		"tools": "[{\"name\": \"f\"}, {\"name\": \"g\"}]", "system": "s", "meta": 5}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range c.Messages {
		line := fmt.Sprintf("%s %q", m.Role, m.Content)
		for _, call := range m.Calls {
			line += fmt.Sprintf(" %s%s", call.Name, call.Arguments)
		}
		if m.Role == ToolRole {
			line += " of " + m.Name
		}
		got = append(got, line)
	}
	want := []string{`system "s"`, `user "q"`, `assistant "" f{"b": 1.50, "a": "x"} g{} f{}`,
		`tool "1" of f`, `tool "2" of g`, `tool "3" of f`, `tool "4" of `, `assistant "a"`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || len(c.Tools) != 2 {
		t.Errorf("%d tools and\n%s\nwant\n%s", len(c.Tools), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	calls := c.Messages[2].Calls
	if calls[0].ID == "" || calls[0].ID == calls[1].ID || c.Messages[4].CallID != calls[1].ID {
		t.Errorf("identifiers %+v, %q", calls, c.Messages[4].CallID)
	}
}

func TestParseConversationRefuses(t *testing.T) {
	turn := func(from, value string) string {
		return `{"conversations": [{"from": "` + from + `", "value": "` + value + `"}]}`
	}
	for _, tc := range []struct{ name, text, want string }{
		{"no JSON", `{`, "conversation: json"},
		{"no object", `[]`, `an array "conversations"`},
		{"turns that are none", `{"conversations": 5}`, `an array "conversations"`},
		{"a turn that is none", `{"conversations": [5]}`, `/conversations/0: want a turn`},
		{"no value", `{"conversations": [{"from": "human"}]}`, `"value"`},
		{"an unknown speaker", turn("robot", ""), `/conversations/0/from: "robot" is not known`},
		{"a call without a name", turn("function_call", "{}"), `want a call with "name"`},
		{"a call without arguments", turn("function_call", `{\"name\": \"f\"}`), `want a call with "name"`},
		{"no calls", turn("function_call", "[]"), "without calls"},
		{"a call that is no JSON", turn("function_call", "x"), "/conversations/0/value"},
		{"arguments that are no JSON", turn("function_call", `{\"name\": \"f\", \"arguments\": \"{\"}`), "arguments: "},
		{"arguments that are a list", turn("function_call", `{\"name\": \"f\", \"arguments\": []}`), `want a call with "name"`},
		{"tools that are none", `{"conversations": [], "tools": "5"}`, "chat: tools: "},
		{"too many turns", `{"conversations": [0` + strings.Repeat(", 0", MaxMessages) + `]}`, "MaxMessages"},
		{"too many calls", turn("function_call", `[{\"name\": \"f\", \"arguments\": {}}`+strings.Repeat(`, {\"name\": \"f\", \"arguments\": {}}`, MaxCallsInTurn)+`]`), "MaxCallsInTurn"},
	} {
		_, err := ParseConversation([]byte(tc.text))
		var input *InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

// FuzzParseConversation checks that whatever is read can be rendered.
func FuzzParseConversation(f *testing.F) {
	f.Add(`{"conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"a\": [1]}}"}, {"from": "observation", "value": "1"}], "tools": "[{\"name\": \"f\"}]"}`)
	f.Add(`{"conversations": [{"from": "function_call", "value": "[{\"name\": \"\", \"arguments\": \"{}\"}]"}, {"from": "tool", "value": ""}], "tools": null, "system": ""}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseConversation([]byte(text))
		if err != nil {
			return
		}
		for i := range c.Messages {
			m := &c.Messages[i]
			if _, err := m.value(false); err != nil {
				t.Errorf("message %d: %v", i, err)
			}
		}
	})
}
