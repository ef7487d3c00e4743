package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/callama/callama/chat/internal/jinja"
	"github.com/callama/callama/internal/ojson"
)

// TemplateOptions are what a chat template needs beside the conversation. The zero value
// is usable.
type TemplateOptions struct {
	// BOS and EOS are the texts of the model's tokens for the beginning and the end of a
	// text; the template reads them as bos_token and eos_token.
	BOS, EOS string
	// Now is the clock behind strftime_now; nil is time.Now. Prompts of some models hold
	// the date, so a reproducible run fixes it.
	Now func() time.Time
}

// Template is a model's chat template (Jinja), ready to render. It is immutable and safe
// for concurrent use. A template is not trusted: see the limits in ErrTemplateLimit.
type Template struct {
	jinja   *jinja.Template
	source  string
	opts    TemplateOptions
	taught  Dialect // what the template itself writes
	dialect Dialect // what is used
	// argumentsAsText: the template prints a call's arguments as they are, so it must get
	// them as JSON text instead of as a dict.
	argumentsAsText bool
}

// ErrTemplateLimit is wrapped by errors of templates that cost too much: more than 1 MiB of
// source, a nesting of 200, 20 million steps of work (a second or two), or 16 MiB of text.
// The error's text names the limit.
var ErrTemplateLimit = errors.New("the chat template exceeds a limit")

// Input is a conversation to render.
type Input struct {
	Messages []Message
	Tools    []Tool
	// AddGenerationPrompt ends the prompt with the opening of the assistant's turn.
	AddGenerationPrompt bool
	// Extra are further variables of the template, such as enable_thinking. Values are
	// whatever encoding/json can write; they hide the variables of the same name.
	Extra map[string]any
}

// NewTemplate parses a chat template and finds its dialect (see DetectDialect), which takes
// up to four renderings of a short conversation. An error means that the template is not
// Jinja as chat templates use it, or is too long or too deep.
func NewTemplate(source string, opts TemplateOptions) (*Template, error) {
	parsed, err := jinja.Parse(source, jinja.Limits{})
	if err != nil {
		return nil, templateError(err)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	t := &Template{jinja: parsed, source: source, opts: opts}
	t.taught, t.argumentsAsText = t.detect()
	t.dialect = t.taught
	return t, nil
}

// Dialect returns the notation of calls that the template teaches its model, or the one
// that WithDialect chose.
func (t *Template) Dialect() Dialect { return t.dialect }

// WithDialect returns the template with another notation of calls, for a model that was
// trained or adapted to it. PlainArray needs nothing of a template and can always be had;
// any other must be the one that the template itself writes.
func (t *Template) WithDialect(d Dialect) (*Template, error) {
	if d == t.dialect {
		return t, nil
	}
	if d != PlainArray && d != t.taught {
		return nil, fmt.Errorf("chat: the template writes calls as dialect %s, not %s", t.taught, d)
	}
	other := *t
	other.dialect = d
	return &other, nil
}

func templateError(err error) error {
	var limit *jinja.LimitError
	if errors.As(err, &limit) {
		return fmt.Errorf("chat: %w: %w", ErrTemplateLimit, err)
	}
	return fmt.Errorf("chat: template: %w", err)
}

// Render returns the prompt text of a conversation. With the dialect PlainArray the tools
// are described in the system message, and calls and their results become plain turns,
// because the template knows none of them. An error is the template's own refusal of the
// conversation, a limit (ErrTemplateLimit), or arguments that are not a JSON object.
func (t *Template) Render(in Input) (string, error) {
	if t.dialect == PlainArray {
		plain, err := plainMessages(in.Messages, in.Tools)
		if err != nil {
			return "", err
		}
		in.Messages, in.Tools = plain, nil
	}
	text, err := t.render(in, t.argumentsAsText)
	var raised *jinja.RaisedError
	if err != nil && errors.As(err, &raised) {
		// Gemma and others refuse a system message; its text then opens the first turn.
		if merged, ok := mergeSystem(in.Messages); ok {
			in.Messages = merged
			if text, again := t.render(in, t.argumentsAsText); again == nil {
				return text, nil
			}
		}
	}
	return text, err
}

// render renders the conversation as it is, and a second time without the variables that
// are None when that fails: templates made for tools alone iterate over them (Hermes 3).
func (t *Template) render(in Input, argumentsAsText bool) (string, error) {
	variables, err := t.variables(in, argumentsAsText)
	if err != nil {
		return "", err
	}
	text, err := t.jinja.Render(variables)
	var raised *jinja.RaisedError
	var limit *jinja.LimitError
	if err != nil && !errors.As(err, &raised) && !errors.As(err, &limit) {
		maps.DeleteFunc(variables, func(_ string, value any) bool { return value == nil })
		if text, again := t.jinja.Render(variables); again == nil {
			return text, nil
		}
	}
	if err != nil {
		return "", templateError(err)
	}
	return text, nil
}

// variables returns what the template reads, as Hugging Face's apply_chat_template gives it.
func (t *Template) variables(in Input, argumentsAsText bool) (map[string]any, error) {
	messages := &ojson.Value{Kind: ojson.Array}
	for i := range in.Messages {
		m, err := in.Messages[i].value(argumentsAsText)
		if err != nil {
			return nil, fmt.Errorf("chat: message %d: %w", i, err)
		}
		messages.Items = append(messages.Items, m)
	}
	variables := map[string]any{
		"messages":              messages,
		"tools":                 nil,
		"documents":             nil,
		"add_generation_prompt": in.AddGenerationPrompt,
		"bos_token":             t.opts.BOS,
		"eos_token":             t.opts.EOS,
		"strftime_now":          jinja.NewFunc("strftime_now", t.strftimeNow),
	}
	if len(in.Tools) > 0 {
		tools := &ojson.Value{Kind: ojson.Array}
		for i := range in.Tools {
			v, err := in.Tools[i].value()
			if err != nil {
				return nil, err
			}
			tools.Items = append(tools.Items, v)
		}
		variables["tools"] = tools
	}
	for name, value := range in.Extra {
		data, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("chat: template variable %s: %w", name, err)
		}
		v, err := ojson.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("chat: template variable %s: %w", name, err)
		}
		variables[name] = v
	}
	return variables, nil
}

// detect finds the template's dialect by rendering a call. The arguments are given as an
// object first: a template that fails on it, or prints it as Python does, wants text.
func (t *Template) detect() (d Dialect, argumentsAsText bool) {
	const needle = "callama probe"
	call := Call{ID: "callama00", Name: "f", Arguments: json.RawMessage(`{"callama": 1}`)}
	probe := Input{
		Messages: []Message{{Role: User, Content: "x"}, {Role: Assistant, Calls: []Call{call}}},
		Tools:    []Tool{{Name: "f", Description: needle}},
	}
	for _, asText := range []bool{false, true} {
		text, err := t.render(probe, asText)
		if errors.Is(err, ErrTemplateLimit) {
			break // it would be hit again
		}
		if err != nil || !strings.Contains(text, needle) {
			continue
		}
		for _, d := range dialects {
			if d == PlainArray {
				continue
			}
			if written, err := d.write(nil, []Call{call}); err == nil && strings.Contains(text, string(written)) {
				return d, asText
			}
		}
	}
	return PlainArray, false
}

func textValue(s string) *ojson.Value { return &ojson.Value{Kind: ojson.String, Text: s} }

// value returns the message as chat templates expect it: OpenAI's form, with the arguments
// of calls as an object or, when asText is set, as JSON text.
func (m *Message) value(asText bool) (*ojson.Value, error) {
	v := &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
		{Name: "role", Value: textValue(string(m.Role))},
		{Name: "content", Value: textValue(m.Content)},
	}}
	add := func(name, text string) {
		if text != "" {
			v.Members = append(v.Members, ojson.Member{Name: name, Value: textValue(text)})
		}
	}
	add("reasoning_content", m.Reasoning)
	add("name", m.Name)
	add("tool_call_id", m.CallID)
	if len(m.Calls) == 0 {
		return v, nil
	}
	calls := &ojson.Value{Kind: ojson.Array}
	for i := range m.Calls {
		call := &m.Calls[i]
		arguments, err := call.arguments()
		if err != nil {
			return nil, fmt.Errorf("arguments of call %d (%s): %w", i, call.Name, err)
		}
		if asText {
			arguments = textValue(string(arguments.Append(nil, ojson.Python)))
		}
		object := &ojson.Value{Kind: ojson.Object}
		if call.ID != "" {
			object.Members = append(object.Members, ojson.Member{Name: "id", Value: textValue(call.ID)})
		}
		object.Members = append(object.Members,
			ojson.Member{Name: "type", Value: textValue("function")},
			ojson.Member{Name: "function", Value: &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
				{Name: "name", Value: textValue(call.Name)},
				{Name: "arguments", Value: arguments},
			}}})
		calls.Items = append(calls.Items, object)
	}
	v.Members = append(v.Members, ojson.Member{Name: "tool_calls", Value: calls})
	return v, nil
}

// value returns the tool as chat templates expect it: OpenAI's {"type": "function",
// "function": {"name", "description", "parameters"}}, in this order of members.
func (t *Tool) value() (*ojson.Value, error) {
	parameters := &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
		{Name: "type", Value: textValue("object")},
		{Name: "properties", Value: &ojson.Value{Kind: ojson.Object}},
	}}
	if len(t.Parameters) > 0 {
		parsed, err := ojson.Parse(t.Parameters)
		if err != nil {
			return nil, fmt.Errorf("chat: parameters of tool %q: %w", t.Name, err)
		}
		parameters = parsed
	}
	return &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
		{Name: "type", Value: textValue("function")},
		{Name: "function", Value: &ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
			{Name: "name", Value: textValue(t.Name)},
			{Name: "description", Value: textValue(t.Description)},
			{Name: "parameters", Value: parameters},
		}}},
	}}, nil
}
