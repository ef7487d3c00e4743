package chat

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/callama/callama/internal/ojson"
)

// String returns the mode in OpenAI's words; Named is "named".
func (m Mode) String() string {
	switch m {
	case Auto:
		return "auto"
	case Required:
		return "required"
	case None:
		return "none"
	case Named:
		return "named"
	}
	return "mode(" + strconv.Itoa(int(m)) + ")"
}

// ParseChoice reads a tool choice as a person writes it on a command line: auto, required,
// none or the name of a tool; the empty string is Auto. Whether the tool exists is
// CheckChoice's business.
func ParseChoice(s string) Choice {
	switch s {
	case "", "auto":
		return Choice{Mode: Auto}
	case "required":
		return Choice{Mode: Required}
	case "none":
		return Choice{Mode: None}
	}
	return Choice{Mode: Named, Name: s}
}

// ParseChoiceJSON reads OpenAI's tool_choice: "auto", "required", "none",
// {"type": "function", "function": {"name": …}} (or the name beside the type), or
// {"type": "allowed_tools", "allowed_tools": {"mode": …, "tools": […]}}. It returns the
// tools that the reply may call: all of them, or for allowed_tools those named, in the order of
// tools. Empty data and null are Auto. The choice is checked as by CheckChoice; errors are
// *InputError.
func ParseChoiceJSON(data []byte, tools []Tool) (Choice, []Tool, error) {
	if len(data) == 0 {
		return Choice{}, tools, nil
	}
	doc, err := ojson.Parse(data)
	if err != nil {
		return Choice{}, nil, &InputError{What: "tool_choice", Err: err}
	}
	var choice Choice
	switch doc.Kind {
	case ojson.Null:
	case ojson.String:
		if choice, err = choiceMode(doc, ""); err != nil {
			return Choice{}, nil, err
		}
	case ojson.Object:
		if choice, tools, err = choiceObject(doc, tools); err != nil {
			return Choice{}, nil, err
		}
	default:
		return Choice{}, nil, choiceError("", "want a string or an object, not %s", doc.Kind)
	}
	if err := CheckChoice(tools, choice); err != nil {
		return Choice{}, nil, err
	}
	return choice, tools, nil
}

func choiceError(pointer, format string, args ...any) error {
	return &InputError{What: "tool_choice", Pointer: pointer, Err: fmt.Errorf(format, args...)}
}

func choiceMode(v *ojson.Value, pointer string) (Choice, error) {
	if v != nil && v.Kind == ojson.String {
		switch v.Text {
		case "auto":
			return Choice{Mode: Auto}, nil
		case "required":
			return Choice{Mode: Required}, nil
		case "none":
			return Choice{Mode: None}, nil
		}
	}
	return Choice{}, choiceError(pointer, `want "auto", "required" or "none", not %s`, v)
}

func choiceObject(v *ojson.Value, tools []Tool) (Choice, []Tool, error) {
	kind := v.Get("type")
	if kind == nil || kind.Kind != ojson.String {
		return Choice{}, nil, choiceError("", `the object needs a "type"`)
	}
	switch kind.Text {
	case "function":
		name, err := choiceName(v, "")
		return Choice{Mode: Named, Name: name}, tools, err
	case "allowed_tools":
		return allowedTools(v, tools)
	}
	return Choice{}, nil, choiceError("/type", `want "function" or "allowed_tools", not %s`, kind)
}

// choiceName reads {"type": "function", "function": {"name": …}} and the flat form.
func choiceName(v *ojson.Value, pointer string) (string, error) {
	if function := v.Get("function"); function != nil {
		v, pointer = function, pointer+"/function"
	}
	name := v.Get("name")
	if name == nil || name.Kind != ojson.String {
		return "", choiceError(pointer+"/name", "want the name of a tool")
	}
	return name.Text, nil
}

func allowedTools(v *ojson.Value, tools []Tool) (Choice, []Tool, error) {
	pointer := ""
	if inner := v.Get("allowed_tools"); inner != nil {
		v, pointer = inner, "/allowed_tools"
	}
	choice, err := choiceMode(v.Get("mode"), pointer+"/mode")
	if err != nil {
		return Choice{}, nil, err
	}
	list := v.Get("tools")
	if list == nil || list.Kind != ojson.Array || len(list.Items) == 0 {
		return Choice{}, nil, choiceError(pointer+"/tools", "want an array of at least one tool")
	}
	allowed := make(map[string]bool, len(list.Items))
	for i, item := range list.Items {
		at := pointer + "/tools/" + strconv.Itoa(i)
		name, err := choiceName(item, at)
		if err != nil {
			return Choice{}, nil, err
		}
		if findTool(tools, name) == nil {
			return Choice{}, nil, choiceError(at, "there is no tool %q", name)
		}
		allowed[name] = true
	}
	var kept []Tool
	for _, tool := range tools {
		if allowed[tool.Name] {
			kept = append(kept, tool)
		}
	}
	return choice, kept, nil
}

// CheckChoice reports whether the choice can be honoured with these tools: Required needs
// one, Named needs its own. The error is an *InputError.
func CheckChoice(tools []Tool, choice Choice) error {
	switch choice.Mode {
	case Auto, None:
		return nil
	case Required:
		if len(tools) == 0 {
			return &InputError{What: "tool_choice", Err: errors.New("a call is required, but there are no tools")}
		}
		return nil
	case Named:
		if findTool(tools, choice.Name) == nil {
			return &InputError{What: "tool_choice", Err: fmt.Errorf("there is no tool %q", choice.Name)}
		}
		return nil
	}
	return &InputError{What: "tool_choice", Err: fmt.Errorf("unknown %v", choice.Mode)}
}

func findTool(tools []Tool, name string) *Tool {
	for i := range tools {
		if tools[i].Name == name {
			return &tools[i]
		}
	}
	return nil
}
