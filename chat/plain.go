package chat

import (
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// plainMessages rewrites a conversation for a template that knows no tools: the tools are
// described in the system message, calls become the assistant's text in the notation of
// PlainArray, and results become a user's turn. Without tools and calls it changes nothing.
func plainMessages(messages []Message, tools []Tool) ([]Message, error) {
	plain := make([]Message, 0, len(messages)+1)
	if len(tools) > 0 {
		system := Message{Role: System}
		if len(messages) > 0 && messages[0].Role == System {
			system.Content = messages[0].Content + "\n\n"
			messages = messages[1:]
		}
		description, err := describeTools(tools)
		if err != nil {
			return nil, err
		}
		system.Content += description
		plain = append(plain, system)
	}
	results := false // the last message of plain holds results
	for _, m := range messages {
		wasResults := results
		results = m.Role == ToolRole
		switch {
		case m.Role == ToolRole:
			content := "Result:\n" + m.Content
			if m.Name != "" {
				content = "Result of " + m.Name + ":\n" + m.Content
			}
			if wasResults {
				plain[len(plain)-1].Content += "\n\n" + content
				continue
			}
			m = Message{Role: User, Content: content}
		case len(m.Calls) > 0:
			text, err := PlainArray.write(nil, m.Calls)
			if err != nil {
				return nil, err
			}
			m.Content = strings.TrimSpace(m.Content + "\n" + string(text))
			m.Calls = nil
		}
		plain = append(plain, m)
	}
	return plain, nil
}

// describeTools returns the text that tells a model of its tools and how to call them.
func describeTools(tools []Tool) (string, error) {
	var sb strings.Builder
	sb.WriteString("You can call these functions. Each line describes one, with a JSON Schema of its arguments:\n")
	for i := range tools {
		v, err := tools[i].value()
		if err != nil {
			return "", err
		}
		sb.Write(v.Get("function").Append(nil, ojson.Python))
		sb.WriteByte('\n')
	}
	sb.WriteString("\nTo call functions, reply with nothing but a JSON array of calls:\n" +
		`[{"name": "function name", "arguments": {"argument name": "value"}}]` +
		"\nIf no function is needed, reply in plain text.")
	return sb.String(), nil
}

// mergeSystem puts the text of a leading system message before that of the user message
// behind it. ok is false when the conversation does not begin so.
func mergeSystem(messages []Message) (merged []Message, ok bool) {
	if len(messages) < 2 || messages[0].Role != System || messages[1].Role != User {
		return nil, false
	}
	merged = append(merged, messages[1:]...)
	merged[0].Content = messages[0].Content + "\n\n" + merged[0].Content
	return merged, true
}
