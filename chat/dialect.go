package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/internal/ojson"
)

// Dialect is how a model family writes calls on the wire: the shape that its grammar
// forces and its parser reads. Dialects are comparable; the zero value is PlainArray.
type Dialect struct{ form *form }

// The dialects.
var (
	// PlainArray is [{"name": …, "arguments": {…}}, …] as the whole reply. It is for
	// models whose template knows no tools: Template.Render then shows the tools itself.
	PlainArray = Dialect{}
	// Hermes is <tool_call>\n{"name": …, "arguments": {…}}\n</tool_call>, repeated with
	// "\n" between: Hermes 2 and 3, Qwen2.5, Qwen3 and many more.
	Hermes = Dialect{&hermesForm}
	// Llama3 is {"name": …, "parameters": {…}} as the whole reply, one call: Llama 3.1 to
	// 3.3 with JSON tools. A <|python_tag|> may stand before it.
	Llama3 = Dialect{&llama3Form}
)

// form is what the dialects that write a call as one JSON object with a name and arguments
// have in common. A family with another shape becomes a further form field, or a kind of
// its own beside it.
type form struct {
	name string
	// trigger is the text that opens a call anywhere in a reply. A form with leads has
	// calls at the start of the reply only.
	trigger string
	// leads are the texts that open a call when the reply starts with one, after white
	// space; no other reply may start so, and the first of them is what the grammar writes.
	leads []string
	// banned never occurs in free text: a marker that opens a call of any kind.
	banned string
	// open and close stand around one call (or around the array of calls), open
	// beginning with the trigger.
	open, close string
	// separator stands between two calls: between their blocks, or in the array.
	separator string
	// argumentsKey names the arguments beside "name".
	argumentsKey string
	array        bool // open and close stand around all calls together
	single       bool // there is never more than one call
}

var (
	plainForm = form{
		name: "plain-array", leads: []string{"["},
		open: "[", close: "]", separator: ", ", argumentsKey: "arguments", array: true,
	}
	hermesForm = form{
		name: "hermes", trigger: "<tool_call>",
		open: "<tool_call>\n", close: "\n</tool_call>", separator: "\n", argumentsKey: "arguments",
	}
	llama3Form = form{
		name: "llama3-json", leads: []string{"{", pythonTag}, banned: pythonTag,
		argumentsKey: "parameters", single: true,
	}
)

// pythonTag is Llama 3's marker of a reply for the tool environment.
const pythonTag = "<|python_tag|>"

func (d Dialect) shape() *form {
	if d.form == nil {
		return &plainForm
	}
	return d.form
}

// String returns the dialect's name: plain-array, hermes or llama3-json.
func (d Dialect) String() string { return d.shape().name }

// ParseDialect returns the dialect with the given name: see Dialect.String.
func ParseDialect(name string) (Dialect, error) {
	dialects := []Dialect{Hermes, Llama3, PlainArray}
	names := make([]string, len(dialects))
	for i, d := range dialects {
		if names[i] = d.String(); names[i] == name {
			return d, nil
		}
	}
	return Dialect{}, fmt.Errorf("chat: there is no dialect %q, only %s", name, strings.Join(names, ", "))
}

// Single reports whether the dialect never writes more than one call in a reply.
func (d Dialect) Single() bool { return d.shape().single }

// DetectDialect returns the dialect that a chat template teaches its model, which it finds
// out by rendering a call: the template must show the tools and write the call as the
// dialect does. A template without tools, with another notation, or that is not Jinja gives
// PlainArray. See Template.Dialect.
func DetectDialect(template string) Dialect {
	t, err := NewTemplate(template, TemplateOptions{})
	if err != nil {
		return PlainArray
	}
	return t.dialect
}

// OpensCall reports whether a reply's text begins a call somewhere, complete or not: it
// holds the dialect's trigger, or starts with one of its leads where calls are the whole
// reply. In content that a Parser returns, it is a call that was written wrongly.
func (d Dialect) OpensCall(text string) bool {
	f := d.shape()
	if f.trigger != "" {
		return strings.Contains(text, f.trigger)
	}
	text = strings.TrimLeft(text, " \n\t\r")
	return slices.ContainsFunc(f.leads, func(lead string) bool { return strings.HasPrefix(text, lead) })
}

// ToolRules are a tool's name and the rule of its arguments: an expression that matches
// exactly the JSON texts allowed as arguments, an object with its braces. It may refer to
// rules of the Builder that Grammar gets.
type ToolRules struct {
	Name      string
	Arguments gbnf.Expr
}

// Grammar adds the rules of a reply in this dialect to b and returns the start rule.
// maxCalls bounds the calls in one reply; 0 or less means no bound.
//
//   - Required and Named: calls from the first token on, at least one and nothing else;
//     Named calls only that tool.
//   - None: free text in which no call can be opened. It needs no tools.
//   - Auto: free text until a call is opened, and from there calls to the end. For a
//     dialect whose calls are the whole reply (PlainArray, Llama3), the reply is either free
//     text or calls.
//
// Free text is any sequence of characters that does not contain the dialect's trigger
// ("<tool_call>"); for PlainArray and Llama3, whose calls start the reply, it is any text whose
// first character other than white space does not open a call ("[" or "{"), and for Llama3 it
// contains no "<|python_tag|>". JSON is written with ", " and ": ", as in training data.
//
// An error is returned for an unknown tool name, and for calls without tools. Auto without
// tools is free text.
func (d Dialect) Grammar(b *gbnf.Builder, tools []ToolRules, choice Choice, maxCalls int) (gbnf.RuleID, error) {
	f := d.shape()
	if choice.Mode == Named {
		named, err := onlyTool(tools, choice.Name)
		if err != nil {
			return 0, err
		}
		tools = named
	}
	free := choice.Mode == None || choice.Mode == Auto && len(tools) == 0
	if !free && len(tools) == 0 {
		return 0, &InputError{What: "tool_choice", Err: errors.New("a call is required, but there are no tools")}
	}
	for _, tool := range tools {
		if tool.Arguments == nil && !free {
			return 0, &InputError{What: "tools", Err: fmt.Errorf("tool %q has no rule for its arguments", tool.Name)}
		}
	}
	root := b.Declare("root")
	switch {
	case free:
		b.Define(root, f.text(b, nil))
	case choice.Mode == Auto:
		b.Define(root, f.text(b, f.calls(b, tools, maxCalls)))
	default:
		b.Define(root, gbnf.Concat(gbnf.Lit(f.firstOpen()), f.calls(b, tools, maxCalls)))
	}
	return root, nil
}

func onlyTool(tools []ToolRules, name string) ([]ToolRules, error) {
	for _, tool := range tools {
		if tool.Name == name {
			return []ToolRules{tool}, nil
		}
	}
	return nil, &InputError{What: "tool_choice", Err: fmt.Errorf("there is no tool %q", name)}
}

// firstOpen is the text that a reply with calls begins with, as far as it serves to tell
// calls from free text.
func (f *form) firstOpen() string {
	if f.trigger != "" {
		return f.trigger
	}
	return f.leads[0]
}

// text returns the rule of free text. When calls is not nil, the text may go over into
// calls, which follow the trigger (or stand at the start).
func (f *form) text(b *gbnf.Builder, calls gbnf.Expr) gbnf.Expr {
	if f.trigger != "" {
		return textAutomaton(b, "text", f.trigger, calls, true)
	}
	free := textWithoutLead(b, f.leads, f.banned)
	if calls == nil {
		return free
	}
	return gbnf.OneOf(free, gbnf.Concat(gbnf.Lit(f.leads[0]), calls))
}

// calls returns the rule of one or more calls, without the text of firstOpen before the
// first of them.
func (f *form) calls(b *gbnf.Builder, tools []ToolRules, maxCalls int) gbnf.Expr {
	body := b.Add("call", f.call(tools))
	if f.single {
		maxCalls = 1
	}
	if f.open == "" {
		return body // the lead was the call's own brace
	}
	parts := []gbnf.Expr{gbnf.Lit(f.open[len(f.firstOpen()):] + "{"), body}
	again := []gbnf.Expr{gbnf.Lit(f.separator + f.open + "{"), body, gbnf.Lit(f.close)}
	if f.array {
		again = []gbnf.Expr{gbnf.Lit(f.separator + "{"), body}
	} else {
		parts = append(parts, gbnf.Lit(f.close))
	}
	if maxCalls != 1 {
		parts = append(parts, &gbnf.Repeat{Item: gbnf.Concat(again...), Min: 0, Max: max(maxCalls-1, -1)})
	}
	if f.array {
		parts = append(parts, gbnf.Lit(f.close))
	}
	return gbnf.Concat(parts...)
}

// call returns the rule of one call object without its opening brace. The part that all tools
// share stands once, so that a large set of tools branches at the name.
func (f *form) call(tools []ToolRules) gbnf.Expr {
	alternatives := make([]gbnf.Expr, len(tools))
	for i, tool := range tools {
		head := ojson.AppendString(nil, tool.Name, false)[1:] // the opening quote is shared
		head = append(head, `, "`...)
		head = append(head, f.argumentsKey...)
		head = append(head, `": `...)
		alternatives[i] = gbnf.Concat(gbnf.Lit(string(head)), tool.Arguments)
	}
	return gbnf.Concat(gbnf.Lit(`"name": "`), gbnf.OneOf(alternatives...), gbnf.Lit("}"))
}

// write appends calls as a model of this dialect would write them: the exact text that
// Grammar allows for them when their arguments are in Python's style.
func (d Dialect) write(dst []byte, calls []Call) ([]byte, error) {
	f := d.shape()
	if f.single && len(calls) > 1 {
		return nil, fmt.Errorf("chat: dialect %s writes one call, not %d", f.name, len(calls))
	}
	for i := range calls {
		arguments, err := calls[i].arguments()
		if err != nil {
			return nil, fmt.Errorf("chat: arguments of call %d (%s): %w", i, calls[i].Name, err)
		}
		if i > 0 {
			dst = append(dst, f.separator...)
		}
		if i == 0 || !f.array {
			dst = append(dst, f.open...)
		}
		object := ojson.Value{Kind: ojson.Object, Members: []ojson.Member{
			{Name: "name", Value: textValue(calls[i].Name)},
			{Name: f.argumentsKey, Value: arguments},
		}}
		dst = object.Append(dst, ojson.Python)
		if !f.array || i == len(calls)-1 {
			dst = append(dst, f.close...)
		}
	}
	return dst, nil
}
