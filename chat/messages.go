package chat

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// ParseMessages reads OpenAI's messages array. Content is a string, null, or an array of
// parts of type "text", which are joined. The role "developer" is System; "tool" answers a
// call by tool_call_id. An assistant's tool_calls carry their arguments as a string that
// holds a JSON object ("" stands for {}), or as the object itself; reasoning is read from
// "reasoning_content" or "reasoning". Anything else (other roles, images, audio, arguments
// that are not a JSON object) is refused with an *InputError that points to it.
func ParseMessages(data []byte) ([]Message, error) {
	doc, err := ojson.Parse(data)
	if err != nil {
		return nil, &InputError{What: "messages", Err: err}
	}
	if doc.Kind != ojson.Array {
		return nil, messageError("", "want an array, not %s", doc.Kind)
	}
	if len(doc.Items) > MaxMessages {
		return nil, messageError("", "%d messages, more than the limit of %d (MaxMessages)", len(doc.Items), MaxMessages)
	}
	messages := make([]Message, 0, len(doc.Items))
	for i, item := range doc.Items {
		m, err := parseMessage(item, "/"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, nil
}

func messageError(pointer, format string, args ...any) error {
	return &InputError{What: "messages", Pointer: pointer, Err: fmt.Errorf(format, args...)}
}

func parseMessage(v *ojson.Value, pointer string) (Message, error) {
	if v.Kind != ojson.Object {
		return Message{}, messageError(pointer, "want an object, not %s", v.Kind)
	}
	var m Message
	role, err := stringMember(v, "role", pointer)
	if err != nil {
		return Message{}, err
	}
	switch role {
	case "system", "developer":
		m.Role = System
	case "user", "assistant", "tool":
		m.Role = Role(role)
	default:
		return Message{}, messageError(pointer+"/role", `want "system", "developer", "user", "assistant" or "tool", not %q`, role)
	}
	if m.Content, err = parseContent(v.Get("content"), pointer+"/content"); err != nil {
		return Message{}, err
	}
	if m.Name, err = stringMember(v, "name", pointer); err != nil {
		return Message{}, err
	}
	if m.CallID, err = stringMember(v, "tool_call_id", pointer); err != nil {
		return Message{}, err
	}
	for _, key := range []string{"reasoning_content", "reasoning"} {
		if m.Reasoning != "" {
			break
		}
		if m.Reasoning, err = stringMember(v, key, pointer); err != nil {
			return Message{}, err
		}
	}
	if m.Calls, err = parseCalls(v.Get("tool_calls"), pointer+"/tool_calls"); err != nil {
		return Message{}, err
	}
	if len(m.Calls) > 0 && m.Role != Assistant {
		return Message{}, messageError(pointer+"/tool_calls", "only an assistant message has calls")
	}
	if v.Get("content") == nil && len(m.Calls) == 0 {
		return Message{}, messageError(pointer, "the message has no content")
	}
	return m, nil
}

// stringMember returns the member's text, or "" when it is absent or null.
func stringMember(v *ojson.Value, name, pointer string) (string, error) {
	member := v.Get(name)
	if member == nil || member.Kind == ojson.Null {
		return "", nil
	}
	if member.Kind != ojson.String {
		return "", messageError(pointer+"/"+name, "want a string, not %s", member.Kind)
	}
	return member.Text, nil
}

func parseContent(v *ojson.Value, pointer string) (string, error) {
	if v == nil {
		return "", nil
	}
	switch v.Kind {
	case ojson.Null:
		return "", nil
	case ojson.String:
		return v.Text, nil
	case ojson.Array:
	default:
		return "", messageError(pointer, "want a string or an array of parts, not %s", v.Kind)
	}
	var sb strings.Builder
	for i, part := range v.Items {
		at := pointer + "/" + strconv.Itoa(i)
		kind := part.Get("type")
		if kind == nil || kind.Kind != ojson.String {
			return "", messageError(at, `the part has no "type"`)
		}
		if kind.Text != "text" {
			return "", messageError(at+"/type", `only parts of type "text" can be read, not %q`, kind.Text)
		}
		text := part.Get("text")
		if text == nil || text.Kind != ojson.String {
			return "", messageError(at+"/text", "want a string")
		}
		sb.WriteString(text.Text)
	}
	return sb.String(), nil
}

func parseCalls(v *ojson.Value, pointer string) ([]Call, error) {
	if v == nil || v.Kind == ojson.Null {
		return nil, nil
	}
	if v.Kind != ojson.Array {
		return nil, messageError(pointer, "want an array, not %s", v.Kind)
	}
	if len(v.Items) > MaxCallsInTurn {
		return nil, messageError(pointer, "%d calls, more than the limit of %d (MaxCallsInTurn)", len(v.Items), MaxCallsInTurn)
	}
	var calls []Call
	for i, item := range v.Items {
		call, err := parseCall(item, pointer+"/"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		calls = append(calls, call)
	}
	return calls, nil
}

func parseCall(v *ojson.Value, pointer string) (Call, error) {
	if v.Kind != ojson.Object {
		return Call{}, messageError(pointer, "want an object, not %s", v.Kind)
	}
	kind, err := stringMember(v, "type", pointer)
	if err != nil {
		return Call{}, err
	}
	if kind != "" && kind != "function" {
		return Call{}, messageError(pointer+"/type", `want "function", not %q`, kind)
	}
	var call Call
	if call.ID, err = stringMember(v, "id", pointer); err != nil {
		return Call{}, err
	}
	pointer += "/function"
	function := v.Get("function")
	if function == nil || function.Kind != ojson.Object {
		return Call{}, messageError(pointer, "want an object with name and arguments")
	}
	if call.Name, err = stringMember(function, "name", pointer); err != nil {
		return Call{}, err
	}
	if call.Name == "" {
		return Call{}, messageError(pointer+"/name", "the call has no name")
	}
	arguments, err := parseArguments(function.Get("arguments"))
	if err != nil {
		return Call{}, messageError(pointer+"/arguments", "%w", err)
	}
	call.Arguments = arguments.Append(nil, ojson.Compact)
	return call, nil
}

func parseArguments(v *ojson.Value) (*ojson.Value, error) {
	if v == nil {
		return &ojson.Value{Kind: ojson.Object}, nil
	}
	if v.Kind == ojson.String {
		if strings.TrimSpace(v.Text) == "" {
			return &ojson.Value{Kind: ojson.Object}, nil
		}
		inner, err := ojson.Parse([]byte(v.Text))
		if err != nil {
			return nil, fmt.Errorf("the string does not hold JSON: %w", err)
		}
		v = inner
	}
	if v.Kind != ojson.Object {
		return nil, fmt.Errorf("want a JSON object, not %s", v.Kind)
	}
	return v, nil
}

// arguments returns the call's arguments as a tree. Empty arguments are {}.
func (c *Call) arguments() (*ojson.Value, error) {
	if len(bytes.TrimSpace(c.Arguments)) == 0 {
		return &ojson.Value{Kind: ojson.Object}, nil
	}
	v, err := ojson.Parse(c.Arguments)
	if err != nil {
		return nil, err
	}
	if v.Kind != ojson.Object {
		return nil, errors.New("not an object")
	}
	return v, nil
}
