package chat

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/callama/callama/internal/ojson"
)

// Conversation is a recorded conversation with the tools that were there.
type Conversation struct {
	Messages []Message // a system message first, if there is one
	Tools    []Tool
}

// ParseConversation reads a conversation as public data sets of function calling have it
// (ShareGPT's form, with LLaMA-Factory's names): {"conversations": [{"from", "value"}, …],
// "tools": …, "system": …}. From is human, gpt, function_call, observation or system. The
// value of a function_call is a call {"name", "arguments"} or an array of them, the arguments
// an object or a string that holds one; calls that follow each other are one turn. Tools are
// whatever ParseTools reads. Calls get identifiers, and their results name them, in order.
// Other members are ignored. Errors are *InputError.
func ParseConversation(data []byte) (*Conversation, error) {
	doc, err := ojson.Parse(data)
	if err != nil {
		return nil, &InputError{What: "conversation", Err: err}
	}
	turns := doc.Get("conversations")
	if turns == nil || turns.Kind != ojson.Array {
		return nil, &InputError{What: "conversation", Err: errors.New(`want an object with an array "conversations"`)}
	}
	if len(turns.Items) > MaxMessages {
		return nil, turnError("", "%d turns, more than the limit of %d (MaxMessages)", len(turns.Items), MaxMessages)
	}
	c := new(Conversation)
	if tools := doc.Get("tools"); tools != nil && tools.Kind != ojson.Null {
		if c.Tools, err = ParseTools(tools.Append(nil, ojson.Compact)); err != nil {
			return nil, err
		}
	}
	if system := doc.Get("system"); system != nil && system.Kind == ojson.String && system.Text != "" {
		c.Messages = append(c.Messages, Message{Role: System, Content: system.Text})
	}
	for i, turn := range turns.Items {
		if err := c.addTurn(turn, "/conversations/"+strconv.Itoa(i)); err != nil {
			return nil, err
		}
	}
	c.nameCalls()
	return c, nil
}

func turnError(pointer, format string, args ...any) error {
	return &InputError{What: "conversation", Pointer: pointer, Err: fmt.Errorf(format, args...)}
}

// turnRoles are the speakers of turns without calls.
var turnRoles = map[string]Role{
	"system": System, "human": User, "user": User, "gpt": Assistant, "assistant": Assistant, "observation": ToolRole, "tool": ToolRole,
}

func (c *Conversation) addTurn(turn *ojson.Value, pointer string) error {
	from, value := turn.Get("from"), turn.Get("value")
	if from == nil || from.Kind != ojson.String || value == nil || value.Kind != ojson.String {
		return turnError(pointer, `want a turn with strings "from" and "value"`)
	}
	if from.Text != "function_call" {
		role, ok := turnRoles[from.Text]
		if !ok {
			return turnError(pointer+"/from", "%q is not known: want human, gpt, function_call, observation or system", from.Text)
		}
		c.Messages = append(c.Messages, Message{Role: role, Content: value.Text})
		return nil
	}
	calls, err := ParseCalls([]byte(value.Text))
	if err != nil {
		return turnError(pointer+"/value", "%w", err)
	}
	last := len(c.Messages) - 1
	if last < 0 || len(c.Messages[last].Calls) == 0 {
		c.Messages = append(c.Messages, Message{Role: Assistant})
		last++
	}
	if c.Messages[last].Calls = append(c.Messages[last].Calls, calls...); len(c.Messages[last].Calls) > MaxCallsInTurn {
		return turnError(pointer, "more than %d calls in one turn (MaxCallsInTurn)", MaxCallsInTurn)
	}
	return nil
}

// nameCalls gives calls identifiers, and their results the identifier and the name.
func (c *Conversation) nameCalls() {
	ids := NewCallIDs(0)
	var open []Call // without a result so far
	for i := range c.Messages {
		m := &c.Messages[i]
		switch {
		case len(m.Calls) > 0:
			for j := range m.Calls {
				m.Calls[j].ID = ids.Next()
			}
			open = m.Calls
		case m.Role == ToolRole && len(open) > 0:
			m.CallID, m.Name = open[0].ID, open[0].Name
			open = open[1:]
		}
	}
}

// ParseCalls reads a call, or an array of at least one: {"name": …, "arguments": …}, the
// arguments an object or a string that holds one. Arguments keep their order and the text of
// their numbers.
func ParseCalls(data []byte) ([]Call, error) {
	doc, err := ojson.Parse(data)
	if err != nil {
		return nil, err
	}
	list := []*ojson.Value{doc}
	if doc.Kind == ojson.Array {
		list = doc.Items
	}
	if len(list) == 0 {
		return nil, errors.New("an array without calls")
	}
	calls := make([]Call, len(list))
	for i, v := range list {
		name, arguments := v.Get("name"), v.Get("arguments")
		if arguments != nil && arguments.Kind == ojson.String {
			if arguments, err = ojson.Parse([]byte(arguments.Text)); err != nil {
				return nil, fmt.Errorf("arguments: %w", err)
			}
		}
		if name == nil || name.Kind != ojson.String || arguments == nil || arguments.Kind != ojson.Object {
			return nil, fmt.Errorf(`want a call with "name" and "arguments", not %.80s`, v)
		}
		calls[i] = Call{Name: name.Text, Arguments: arguments.Append(nil, ojson.Python)}
	}
	return calls, nil
}
