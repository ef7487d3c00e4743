package chat

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/callama/callama/internal/ojson"
)

// Bounds of ParseTools and ParseMessages. They keep a hostile request from costing more
// than its own size; all of them are far above what conversations hold.
const (
	MaxTools         = 4096  // tools in one set
	MaxToolNameBytes = 128   // bytes of a tool's name; OpenAI allows 64
	MaxMessages      = 16384 // messages in one conversation
	MaxCallsInTurn   = 1024  // calls of one assistant message
)

// InputError says what is wrong with tools, messages or a tool choice, and where.
type InputError struct {
	What    string // "tools", "messages" or "tool_choice"
	Pointer string // JSON Pointer (RFC 6901) into the input, "" for all of it
	Err     error
}

func (e *InputError) Error() string {
	if e.Pointer == "" {
		return fmt.Sprintf("chat: %s: %v", e.What, e.Err)
	}
	return fmt.Sprintf("chat: %s: %s: %v", e.What, e.Pointer, e.Err)
}

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// ParseTools reads tools as people write them: a JSON array, one object, an object with a
// member "tools", or a JSON string that holds any of these (LLaMA-Factory's and ShareGPT's
// "tools" column). Each tool is OpenAI's {"type": "function", "function": {…}}, or bare
// {"name", "description", "parameters"}; the schema may also be called "input_schema"
// (Anthropic) or "inputSchema" (MCP). Other members are ignored.
//
// A name is 1 to MaxToolNameBytes bytes of letters, digits, '_', '-', '.', ':' and '/', and
// no two tools share one. Parameters keep their order of members and the text of their
// numbers; they are not checked as a schema here. Errors are *InputError.
func ParseTools(data []byte) ([]Tool, error) {
	doc, err := ojson.Parse(data)
	if err != nil {
		return nil, &InputError{What: "tools", Err: err}
	}
	tools, err := toolList(doc, "", 0)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(tools))
	for _, tool := range tools {
		if seen[tool.Name] {
			return nil, &InputError{What: "tools", Err: fmt.Errorf("two tools are named %q", tool.Name)}
		}
		seen[tool.Name] = true
	}
	return tools, nil
}

// maxToolStrings bounds how often a tools document may hold another as a string: datasets
// do it once, or twice when a record holds the string.
const maxToolStrings = 2

func toolList(v *ojson.Value, pointer string, strings int) ([]Tool, error) {
	switch v.Kind {
	case ojson.Array:
		if len(v.Items) > MaxTools {
			return nil, toolError(pointer, "%d tools, more than the limit of %d (MaxTools)", len(v.Items), MaxTools)
		}
		tools := make([]Tool, 0, len(v.Items))
		for i, item := range v.Items {
			tool, err := parseTool(item, pointer+"/"+strconv.Itoa(i))
			if err != nil {
				return nil, err
			}
			tools = append(tools, tool)
		}
		return tools, nil
	case ojson.Object:
		if list := v.Get("tools"); list != nil {
			return toolList(list, pointer+"/tools", strings)
		}
		tool, err := parseTool(v, pointer)
		if err != nil {
			return nil, err
		}
		return []Tool{tool}, nil
	case ojson.String:
		if strings >= maxToolStrings {
			return nil, toolError(pointer, "a string within a string within a string")
		}
		if v.Text == "" {
			return nil, nil // datasets write rows without tools so
		}
		inner, err := ojson.Parse([]byte(v.Text))
		if err != nil {
			return nil, toolError(pointer, "the string does not hold JSON: %w", err)
		}
		return toolList(inner, pointer, strings+1)
	}
	return nil, toolError(pointer, "want an array of tools, not %s", v.Kind)
}

func toolError(pointer, format string, args ...any) error {
	return &InputError{What: "tools", Pointer: pointer, Err: fmt.Errorf(format, args...)}
}

func parseTool(v *ojson.Value, pointer string) (Tool, error) {
	if v.Kind != ojson.Object {
		return Tool{}, toolError(pointer, "want an object, not %s", v.Kind)
	}
	if kind := v.Get("type"); kind != nil {
		if kind.Kind != ojson.String || kind.Text != "function" {
			return Tool{}, toolError(pointer+"/type", `only tools of type "function" can be called, not %s`, kind)
		}
	}
	if function := v.Get("function"); function != nil {
		v, pointer = function, pointer+"/function"
		if v.Kind != ojson.Object {
			return Tool{}, toolError(pointer, "want an object, not %s", v.Kind)
		}
	}
	name := v.Get("name")
	if name == nil {
		return Tool{}, toolError(pointer, "the tool has no name")
	}
	if name.Kind != ojson.String {
		return Tool{}, toolError(pointer+"/name", "want a string, not %s", name.Kind)
	}
	if err := checkToolName(name.Text); err != nil {
		return Tool{}, toolError(pointer+"/name", "%w", err)
	}
	tool := Tool{Name: name.Text}
	if d := v.Get("description"); d != nil && d.Kind != ojson.Null {
		if d.Kind != ojson.String {
			return Tool{}, toolError(pointer+"/description", "want a string, not %s", d.Kind)
		}
		tool.Description = d.Text
	}
	for _, key := range []string{"parameters", "input_schema", "inputSchema"} {
		schema := v.Get(key)
		if schema == nil || schema.Kind == ojson.Null {
			continue
		}
		if schema.Kind != ojson.Object {
			return Tool{}, toolError(pointer+"/"+key, "want a schema object, not %s", schema.Kind)
		}
		if tool.Parameters != nil {
			return Tool{}, toolError(pointer+"/"+key, "the tool has two schemas")
		}
		tool.Parameters = schema.Append(nil, ojson.Compact)
	}
	return tool, nil
}

func checkToolName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > MaxToolNameBytes:
		return fmt.Errorf("the name has %d bytes, more than the limit of %d (MaxToolNameBytes)", len(name), MaxToolNameBytes)
	case !utf8.ValidString(name):
		return errors.New("the name is not valid UTF-8")
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("_-.:/", r) {
			return fmt.Errorf("the name %q holds %q: only letters, digits, '_', '-', '.', ':' and '/' are allowed", name, r)
		}
	}
	return nil
}
