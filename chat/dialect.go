package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
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
	// Qwen3Coder is <tool_call>\n<function=f>\n<parameter=k>\nvalue\n</parameter>\n
	// </function>\n</tool_call>, repeated: Qwen3-Coder, Qwen3.5, Nemotron 3, Step 3.5.
	// Values that are strings stand as they are, others as JSON.
	Qwen3Coder = Dialect{&qwen3CoderForm}
	// GLM45 is <tool_call>f\n<arg_key>k</arg_key>\n<arg_value>value</arg_value>\n
	// </tool_call>, repeated: GLM 4.5 and 4.6. Values are as in Qwen3Coder.
	GLM45 = Dialect{&glm45Form}
	// GLM47 is GLM45 without line breaks: GLM 4.7 and 5.
	GLM47 = Dialect{&glm47Form}
)

// form is what the dialects have in common: a call is one JSON object with a name and
// arguments, or markup around them, in a frame. A family with another shape becomes a
// further field, or a kind of its own beside it.
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
	// markup is how a call is written that is no JSON object; nil for those that are.
	markup *markup
}

// markup writes a call as head, the tool's name, named, the arguments, foot.
type markup struct {
	head, named, foot string
	args              schema.Markup
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
	qwen3CoderForm = form{
		name: "qwen3-coder", trigger: "<tool_call>", open: "<tool_call>\n", close: "\n</tool_call>", separator: "\n",
		markup: &markup{head: "<function=", named: ">\n", foot: "</function>", args: schema.Markup{
			Open: "<parameter=", Middle: ">\n", Close: "\n</parameter>", Between: "\n", After: "\n", End: "</parameter>"}},
	}
	glm45Form = form{
		name: "glm-4.5", trigger: "<tool_call>", open: "<tool_call>", separator: "\n",
		markup: &markup{named: "\n", foot: "</tool_call>", args: schema.Markup{
			Open: "<arg_key>", Middle: "</arg_key>\n<arg_value>", Close: "</arg_value>", Between: "\n", After: "\n", End: "</arg_value>"}},
	}
	glm47Form = form{
		name: "glm-4.7", trigger: "<tool_call>", open: "<tool_call>",
		markup: &markup{foot: "</tool_call>", args: schema.Markup{
			Open: "<arg_key>", Middle: "</arg_key><arg_value>", Close: "</arg_value>", End: "</arg_value>"}},
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

// Markup returns how arguments are written between tags, nil where they are a JSON object. It
// is what ToolRules.Arguments must be written in (schema.Compiler.ToolMarkup).
func (d Dialect) Markup() *schema.Markup {
	if m := d.shape().markup; m != nil {
		return &m.args
	}
	return nil
}

// String returns the dialect's name, such as plain-array or hermes.
func (d Dialect) String() string { return d.shape().name }

// dialects are all that there are, in the order in which detection tries them.
var dialects = []Dialect{Hermes, Llama3, Qwen3Coder, GLM45, GLM47, PlainArray}

// ParseDialect returns the dialect with the given name: see Dialect.String.
func ParseDialect(name string) (Dialect, error) {
	for _, d := range dialects {
		if d.String() == name {
			return d, nil
		}
	}
	return Dialect{}, fmt.Errorf("chat: there is no dialect %q, only %s", name, strings.Join(DialectNames(), ", "))
}

// DialectNames lists the names of all dialects.
func DialectNames() []string {
	names := make([]string, len(dialects))
	for i, d := range dialects {
		names[i] = d.String()
	}
	return names
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
// exactly the texts allowed as arguments, a JSON object with its braces, or what Markup says.
// It may refer to rules of the Builder that Grammar gets.
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
//   - Auto: free text until a call is opened, then the call, then free text again; the
//     last call that maxCalls allows ends the reply. For a dialect whose calls are the whole
//     reply (PlainArray, Llama3), the reply is either free text or calls.
//
// Free text is any sequence of characters that does not contain the dialect's trigger
// ("<tool_call>"); for PlainArray and Llama3, whose calls start the reply, it is any text whose
// first character other than white space does not open a call ("[" or "{"), and for Llama3 it
// contains no "<|python_tag|>". JSON is written with ", " and ": ", as in training data.
//
// An error is returned for an unknown tool name, and for calls without tools. Auto without
// tools is free text.
func (d Dialect) Grammar(b *gbnf.Builder, tools []ToolRules, choice Choice, maxCalls int) (gbnf.RuleID, error) {
	return d.GrammarAfter(b, Reasoning{}, tools, choice, maxCalls)
}

// GrammarAfter is Grammar for a reply that begins with thoughts, or may. Free text then does
// not open them again.
func (d Dialect) GrammarAfter(b *gbnf.Builder, r Reasoning, tools []ToolRules, choice Choice, maxCalls int) (gbnf.RuleID, error) {
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
	var banned []string
	if f.banned != "" {
		banned = append(banned, f.banned)
	}
	if r.Open != "" && !r.Begun {
		banned = append(banned, r.Open)
	}
	root := b.Declare("root")
	var reply gbnf.Expr
	var err error
	switch {
	case free:
		reply, err = f.text(b, banned, nil, 0)
	case choice.Mode == Auto:
		reply, err = f.text(b, banned, tools, maxCalls)
	default:
		reply = gbnf.Concat(gbnf.Lit(f.firstOpen()), f.calls(b.Add("call", f.call(tools)), maxCalls))
	}
	if err == nil {
		reply, err = r.Before(b, reply)
	}
	if err != nil {
		return 0, fmt.Errorf("chat: dialect %s: %w", f.name, err)
	}
	b.Define(root, reply)
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

// unrolledCalls is the number of calls up to which free text between them is written out, once
// for each; with more, it is counted.
const unrolledCalls = 8

// text returns the rule of free text in which none of the banned texts occurs. With tools, it
// may hold calls, at most so many (0: no bound), or they may stand in its place.
func (f *form) text(b *gbnf.Builder, banned []string, tools []ToolRules, maxCalls int) (gbnf.Expr, error) {
	if f.trigger == "" {
		free, err := textWithoutLead(b, f.leads, banned)
		if err != nil || tools == nil {
			return free, err
		}
		calls := f.calls(b.Add("call", f.call(tools)), maxCalls)
		return gbnf.OneOf(free, gbnf.Concat(gbnf.Lit(f.leads[0]), calls)), nil
	}
	add := func(after gbnf.Expr, end, again bool) (gbnf.Expr, error) {
		t := gbnf.Text{Triggers: []gbnf.Trigger{{Text: f.trigger, After: after}}, End: end, Again: again}
		for _, s := range banned {
			t.Triggers = append(t.Triggers, gbnf.Trigger{Text: s})
		}
		return t.Add(b, "text")
	}
	if tools == nil {
		return add(nil, true, false)
	}
	call := f.calls(b.Add("call", f.call(tools)), 1)
	switch {
	case maxCalls <= 0:
		return add(call, true, true)
	case maxCalls > unrolledCalls:
		before, err := add(call, false, false)
		if err != nil {
			return nil, err
		}
		last, err := add(call, true, false)
		return gbnf.Concat(&gbnf.Repeat{Item: before, Min: 0, Max: maxCalls - 1}, last), err
	}
	text, err := add(call, true, false)
	for range maxCalls - 1 {
		if err != nil {
			return nil, err
		}
		text, err = add(gbnf.Concat(call, text), true, false)
	}
	return text, err
}

// calls returns the rule of one or more calls, without the text of firstOpen before the
// first of them. body is a call without its frame.
func (f *form) calls(body gbnf.Expr, maxCalls int) gbnf.Expr {
	if f.single {
		maxCalls = 1
	}
	if f.open == "" {
		return body // the lead was the call's own brace
	}
	brace := "{"
	if f.markup != nil {
		brace = ""
	}
	parts := []gbnf.Expr{gbnf.Lit(f.open[len(f.firstOpen()):] + brace), body}
	again := []gbnf.Expr{gbnf.Lit(f.separator + f.open + brace), body, gbnf.Lit(f.close)}
	if f.array {
		again = []gbnf.Expr{gbnf.Lit(f.separator + brace), body}
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

// call returns the rule of one call without its frame, and without the opening brace of a
// JSON object. The part that all tools share stands once, so that a large set of tools branches
// at the name.
func (f *form) call(tools []ToolRules) gbnf.Expr {
	alternatives := make([]gbnf.Expr, len(tools))
	if m := f.markup; m != nil {
		for i, tool := range tools {
			alternatives[i] = gbnf.Concat(gbnf.Lit(tool.Name+m.named), tool.Arguments)
		}
		return gbnf.Concat(gbnf.Lit(m.head), gbnf.OneOf(alternatives...), gbnf.Lit(m.foot))
	}
	for i, tool := range tools {
		head := ojson.AppendString(nil, tool.Name, false)[1:] // the opening quote is shared
		head = append(head, `, "`...)
		head = append(head, f.argumentsKey...)
		head = append(head, `": `...)
		alternatives[i] = gbnf.Concat(gbnf.Lit(string(head)), tool.Arguments)
	}
	return gbnf.Concat(gbnf.Lit(`"name": "`), gbnf.OneOf(alternatives...), gbnf.Lit("}"))
}

// write appends a call without its frame.
func (m *markup) write(dst []byte, name string, arguments *ojson.Value) []byte {
	dst = append(append(append(dst, m.head...), name...), m.named...)
	for i, a := range arguments.Members {
		if i > 0 {
			dst = append(dst, m.args.Between...)
		}
		dst = append(append(append(dst, m.args.Open...), a.Name...), m.args.Middle...)
		if a.Value.Kind == ojson.String {
			dst = append(dst, a.Value.Text...)
		} else {
			dst = a.Value.Append(dst, ojson.Python)
		}
		dst = append(dst, m.args.Close...)
	}
	if len(arguments.Members) > 0 {
		dst = append(dst, m.args.After...)
	}
	return append(dst, m.foot...)
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
		if f.markup != nil {
			dst = append(f.markup.write(dst, calls[i].Name, arguments), f.close...)
			continue
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
