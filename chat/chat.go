// Package chat turns conversations into prompts and generated text back into calls. It
// renders the chat template that a model carries (Jinja), knows how each model family
// writes a tool call on the wire (its dialect), builds the grammar of that notation and
// parses it, whole or streamed. It knows no model and no logits.
package chat

import "encoding/json"

// Role says who speaks in a Message.
type Role string

// The roles that chat templates know.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
	ToolRole  Role = "tool" // the result of a call
)

// Message is one turn of a conversation.
type Message struct {
	Role    Role
	Content string
	// Reasoning is what the assistant thought before Content, where the model writes it.
	Reasoning string
	// Calls are the calls the assistant made in this turn.
	Calls []Call
	// CallID and Name belong to a ToolRole message: which call it answers.
	CallID string
	Name   string
}

// Tool is a function that the model may call. Parameters is a JSON Schema of type object;
// empty means no parameters.
type Tool struct {
	Name        string
	Description string
	Parameters  json.RawMessage
}

// Call is one function call. Arguments is a JSON object valid for the tool's schema.
type Call struct {
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// Mode is what a Choice asks for.
type Mode uint8

// The modes of tool choice. They hold: Required and Named force a call from the first
// token, None forbids one, Auto leaves the text free until the model opens a call.
const (
	Auto Mode = iota
	Required
	None
	Named
)

// Choice is the caller's tool_choice. The zero value is Auto. Name is set for Named only.
type Choice struct {
	Mode Mode
	Name string
}
