package chat

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
)

// markupTools have arguments of each kind.
var markupTools = []Tool{
	{Name: "send", Parameters: json.RawMessage(`{"type":"object","required":["to"],"properties":{
		"to":{"type":"string","pattern":"^[a-z]+@[a-z]+$"},"text":{"type":"string"},"urgent":{"type":"boolean"},
		"copies":{"type":"array","items":{"type":"string"},"maxItems":2},"when":{"type":["string","null"]}}}`)},
	{Name: "send_all", Parameters: json.RawMessage(`{"type":"object","properties":{"mode":{"enum":["slow","fast",3]}}}`)},
	{Name: "now"},
}

// markupGrammar compiles them for a dialect.
func markupGrammar(t testing.TB, d Dialect, r Reasoning, choice Choice, maxCalls int) (*gbnf.Grammar, map[string]schema.Arguments) {
	t.Helper()
	b := gbnf.NewBuilder()
	c := schema.New(b, schema.Options{Whitespace: schema.Model, ClosedObjects: true})
	var rules []ToolRules
	arguments := map[string]schema.Arguments{}
	for _, tool := range markupTools {
		e, args, err := c.ToolTextMarkup(tool.Name, tool.Parameters, d.Markup())
		if err != nil {
			t.Fatal(err)
		}
		arguments[tool.Name] = args
		rules = append(rules, ToolRules{tool.Name, e})
	}
	root, err := d.GrammarAfter(b, r, rules, choice, maxCalls)
	if err != nil {
		t.Fatal(err)
	}
	return b.Grammar(root), arguments
}

// TestDialectsRoundTrip: what a grammar writes, of any dialect and with thoughts before it, parses
// as calls of the tools; written again, they are in the grammar and parse as the same.
func TestDialectsRoundTrip(t *testing.T) {
	for _, d := range dialects {
		for _, r := range []Reasoning{{}, {Open: "<think>", Close: "</think>"}, {Open: "<think>", Close: "</think>", Begun: true}} {
			for _, choice := range []Choice{{Mode: Required}, {Mode: Auto}} {
				g, arguments := markupGrammar(t, d, r, choice, 0)
				required, _ := markupGrammar(t, d, Reasoning{}, Choice{Mode: Required}, 0)
				calls := 0
				for seed := range uint64(60) {
					text, ok := ruletest.NewGenerator(g, seed).Text(int(seed) * 4)
					if !ok {
						t.Fatal("no text")
					}
					p := d.NewParser()
					p.Reasoning, p.Arguments = r, arguments
					p.Write(text)
					content, got, complete := p.Close()
					if !complete || choice.Mode == Required && (content != "" || len(got) == 0) {
						t.Fatalf("%v, %v: %q parses as %q, %v, complete %v", d, choice.Mode, text, content, got, complete)
					}
					if strings.Contains(content, d.shape().firstOpen()) && d.shape().trigger != "" {
						t.Fatalf("%v: the content of %q holds a call: %q", d, text, content)
					}
					calls += len(got)
					if len(got) == 0 {
						continue
					}
					again, err := d.write(nil, got)
					if err != nil {
						t.Fatal(err)
					}
					if !ruletest.Accepts(required, string(again)) {
						t.Errorf("%v: written again, %q is not in the grammar", d, again)
					}
					q := d.NewParser()
					q.Arguments = arguments
					q.Write(string(again))
					if _, same, _ := q.Close(); !equalCalls(same, got) {
						t.Errorf("%v: %v, written again and parsed: %v", d, got, same)
					}
				}
				if choice.Mode == Required && calls < 60 { // others rarely hit on a trigger
					t.Errorf("%v, %v: only %d calls", d, choice.Mode, calls)
				}
			}
		}
	}
}

// TestMarkupStreams: a string between tags is reported while it comes, and however it is cut its
// pieces are those of the whole.
func TestMarkupStreams(t *testing.T) {
	arguments := map[string]schema.Arguments{"f": {"s": schema.RawText, "n": schema.JSONText}}
	for _, tt := range []struct {
		d          Dialect
		text, want string
	}{
		{Qwen3Coder, "<tool_call>\n<function=f>\n<parameter=s>\nline \"1\"\n\n</para é😀\n\n</parameter>\n<parameter=n>\n[1]\n</parameter>\n</function>\n</tool_call>",
			`{"s": "line \"1\"\n\n</para é😀\n", "n": [1]}`},
		{Qwen3Coder, "<tool_call><function=f><parameter=s></parameter></function></tool_call>", `{"s": ""}`},
		{Qwen3Coder, "<tool_call><function=f><parameter=s>\n</parameter></function></tool_call>", `{"s": ""}`},
		{Qwen3Coder, "<tool_call><function=f><parameter=s>\n\n</parameter></function></tool_call>", `{"s": ""}`},
		{Qwen3Coder, "<tool_call><function=f><parameter=s>\n\n\n</parameter></function></tool_call>", `{"s": "\n"}`},
		{GLM45, "<tool_call>f\n<arg_key>n</arg_key>\n<arg_value>{\"a\": \"</arg_value>\"}</arg_value>\n<arg_key>s</arg_key>\n<arg_value>\n1</arg</arg_value>\n</tool_call>",
			`{"n": {"a": "</arg_value>"}, "s": "\n1</arg"}`},
	} {
		for i := range len(tt.text) + 1 {
			p := tt.d.NewParser()
			p.Arguments = arguments
			got := parsePieces(t, p, tt.text[:i], tt.text[i:])
			if got.calls != "f"+tt.want || got.content != "" {
				t.Fatalf("%q cut at %d: %+v, want %s", tt.text, i, got, tt.want)
			}
		}
		p := tt.d.NewParser()
		p.Arguments = arguments
		if got := parsePieces(t, p, strings.Split(tt.text, "")...); got.calls != "f"+tt.want {
			t.Errorf("%q: %+v, want %s", tt.text, got, tt.want)
		}
	}
	p := Qwen3Coder.NewParser()
	p.Arguments = arguments
	text := ""
	for _, e := range p.Write("<tool_call><function=f><parameter=s>\nhello wor") {
		text += e.Text
	}
	if text != `{"s": "hello wor` {
		t.Errorf("in the middle of a string the events say %q", text)
	}
}

// TestGrammarAfter: thoughts come first, once, and what looks like a call in them is none.
func TestGrammarAfter(t *testing.T) {
	optional, begun := Reasoning{Open: "<think>", Close: "</think>"}, Reasoning{Open: "<think>", Close: "</think>", Begun: true}
	call := "<tool_call>\n<function=now>\n</function>\n</tool_call>"
	for _, tt := range []struct {
		name             string
		r                Reasoning
		choice           Choice
		accepts, refuses []string
	}{
		{"required", optional, Choice{Mode: Required}, []string{call, "<think>a<tool_call>b</think>\n\n" + call, "<think></think>" + call},
			[]string{"", "<think>a</think>", "<think>a" + call, "a</think>" + call, "<think>a</think>b" + call}},
		{"required, begun", begun, Choice{Mode: Required}, []string{"a</think>" + call, "<think></think>\n" + call}, []string{call, "</think>"}},
		{"auto", optional, Choice{}, []string{"", "a", "<think>a</think>\n\nb", "<think>a</think>" + call + "b", "</think>"},
			[]string{"<think>", "<think>a", "a<think>b</think>"}},
		{"auto, begun", begun, Choice{}, []string{"a</think>", "a</think>b" + call, "a</think><think>"}, []string{"", "a", call}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := markupGrammar(t, Qwen3Coder, tt.r, tt.choice, 0)
			for _, s := range tt.accepts {
				if !ruletest.Accepts(g, s) {
					t.Errorf("refuses %q", s)
				}
			}
			for _, s := range tt.refuses {
				if ruletest.Accepts(g, s) {
					t.Errorf("accepts %q", s)
				}
			}
		})
	}
}

func TestReasoningOfPrompt(t *testing.T) {
	const thinks = `{{ messages[0].content }}{# <think> #}{{ "</think>" if false }}`
	for _, tt := range []struct {
		source, prompt string
		want           Reasoning
	}{
		{thinks, "<|im_start|>assistant\n", Reasoning{Open: "<think>", Close: "</think>"}},
		{thinks, "<|im_start|>assistant\n<think>\n", Reasoning{Open: "<think>", Close: "</think>", Begun: true}},
		{thinks, "<|im_start|>assistant\n<think>\n\n</think>\n\n", Reasoning{}},
		{"{{ x }}", "<|im_start|>assistant\n", Reasoning{}},
		{"{{ x }}", "assistant: <seed:think>", Reasoning{Open: "<seed:think>", Close: "</seed:think>", Begun: true}},
	} {
		tpl, err := NewTemplate(tt.source, TemplateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := tpl.Reasoning(tt.prompt); got != tt.want {
			t.Errorf("%q after %q: %+v, want %+v", tt.prompt, tt.source, got, tt.want)
		}
	}
}
