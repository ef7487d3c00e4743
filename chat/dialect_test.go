package chat

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
)

// numberTools are two tools whose arguments are {"n": 0} and {"n": 1}, or any of {} and
// {"n": 0}: small enough to enumerate.
func numberTools() []ToolRules {
	return []ToolRules{
		{Name: "f", Arguments: gbnf.OneOf(gbnf.Lit(`{"n": 0}`), gbnf.Lit(`{"n": 1}`))},
		{Name: `qu"ote`, Arguments: gbnf.OneOf(gbnf.Lit(`{}`), gbnf.Lit(`{"n": 0}`))},
	}
}

const (
	hermesF = "<tool_call>\n" + `{"name": "f", "arguments": {"n": 0}}` + "\n</tool_call>"
	hermesQ = "<tool_call>\n" + `{"name": "qu\"ote", "arguments": {}}` + "\n</tool_call>"
	llamaF  = `{"name": "f", "parameters": {"n": 1}}`
	arrayF  = `{"name": "f", "arguments": {"n": 1}}`
)

func TestGrammar(t *testing.T) {
	auto, required, none := Choice{}, Choice{Mode: Required}, Choice{Mode: None}
	onlyF := Choice{Mode: Named, Name: "f"}
	tests := []struct {
		name     string
		dialect  Dialect
		choice   Choice
		maxCalls int
		accepts  []string
		refuses  []string
	}{
		{"hermes required", Hermes, required, 0,
			[]string{hermesF, hermesQ, hermesF + "\n" + hermesQ + "\n" + hermesF},
			[]string{"", "x", "x" + hermesF, hermesF + "\n", hermesF + hermesF, hermesF[:len(hermesF)-1], hermesF + "\nx",
				strings.Replace(hermesF, `"n": 0`, `"n": 2`, 1), strings.Replace(hermesF, `"f"`, `"g"`, 1), strings.Replace(hermesF, `": 0`, `":0`, 1)}},
		{"hermes required, two calls", Hermes, required, 2,
			[]string{hermesF, hermesF + "\n" + hermesQ}, []string{hermesF + "\n" + hermesQ + "\n" + hermesF}},
		{"hermes required, one call", Hermes, required, 1, []string{hermesF}, []string{hermesF + "\n" + hermesQ}},
		{"hermes named", Hermes, onlyF, 0, []string{hermesF, hermesF + "\n" + hermesF}, []string{"", hermesQ, hermesF + "\n" + hermesQ}},
		{"hermes none", Hermes, none, 0,
			[]string{"", "x", "<tool_call", "</tool_call>", "<<tool_cal", "{}"}, []string{"<tool_call>", "a<tool_call>b", hermesF}},
		{"hermes auto", Hermes, auto, 1,
			[]string{"", "x <tool_cal\nl>", hermesF, "Sure.\n" + hermesF, "<<tool_" + hermesF},
			[]string{"<tool_call>", "x<tool_call>\n", hermesF + "x", hermesF + "\n" + hermesF, "a<tool_call>b" + hermesF}},
		{"hermes auto, two calls", Hermes, auto, 2,
			[]string{"", "x", hermesF + "x", hermesF + "\n" + hermesQ, "a" + hermesF + " b " + hermesF},
			[]string{hermesF + hermesF + "x", hermesF + hermesF + hermesF, hermesF + "<tool_call>"}},
		{"hermes auto, ten calls", Hermes, auto, 10,
			[]string{"", "x", strings.Repeat("a"+hermesF, 10), strings.Repeat(hermesF, 9) + "x"},
			[]string{strings.Repeat(hermesF, 10) + "x", strings.Repeat(hermesF, 11)}},
		{"hermes auto, any number of calls", Hermes, auto, 0,
			[]string{"", "x", hermesF + "x" + hermesQ + "\n" + hermesF + "y"}, []string{"<tool_call>", hermesF + "<tool_call>\n{"}},
		{"llama required", Llama3, required, 0,
			[]string{llamaF}, []string{"", llamaF + llamaF, llamaF + "; " + llamaF, "x", pythonTag + llamaF}},
		{"llama none", Llama3, none, 0,
			[]string{"", "x {", " ", "[1]", "<|python_tag|", "<"}, []string{"{", " {", llamaF, pythonTag, "x" + pythonTag}},
		{"llama auto", Llama3, auto, 0,
			[]string{"", "x", llamaF, "a " + llamaF}, []string{"{", " " + llamaF, llamaF + " ", pythonTag + llamaF}},
		{"array required", PlainArray, required, 0,
			[]string{"[" + arrayF + "]", "[" + arrayF + ", " + arrayF + "]"},
			[]string{"", "[]", "[" + arrayF, arrayF, "[" + arrayF + "," + arrayF + "]", "[" + arrayF + "]x"}},
		{"array required, one call", PlainArray, required, 1, []string{"[" + arrayF + "]"}, []string{"[" + arrayF + ", " + arrayF + "]"}},
		{"array none", PlainArray, none, 0, []string{"", "x[", "{"}, []string{"[", "\n[", "[" + arrayF + "]"}},
		{"array auto", PlainArray, auto, 0, []string{"", "x[]", "[" + arrayF + "]"}, []string{"[", "[]", "[" + arrayF + "]x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := gbnf.NewBuilder()
			root, err := tt.dialect.Grammar(b, numberTools(), tt.choice, tt.maxCalls)
			if err != nil {
				t.Fatal(err)
			}
			g := b.Grammar(root)
			for _, s := range tt.accepts {
				if !recognises(g, s) {
					t.Errorf("refuses %q", s)
				}
			}
			for _, s := range tt.refuses {
				if recognises(g, s) {
					t.Errorf("accepts %q", s)
				}
			}
		})
	}
}

func TestGrammarErrors(t *testing.T) {
	tests := []struct {
		name   string
		tools  []ToolRules
		choice Choice
		want   string
	}{
		{"required without tools", nil, Choice{Mode: Required}, "no tools"},
		{"named without tools", nil, Choice{Mode: Named, Name: "f"}, `no tool "f"`},
		{"unknown name", numberTools(), Choice{Mode: Named, Name: "g"}, `no tool "g"`},
		{"no rule", []ToolRules{{Name: "f"}}, Choice{}, "no rule"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Hermes.Grammar(gbnf.NewBuilder(), tt.tools, tt.choice, 0)
			var input *InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an InputError with %q", err, tt.want)
			}
		})
	}
	b := gbnf.NewBuilder()
	root, err := Hermes.Grammar(b, nil, Choice{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if g := b.Grammar(root); !recognises(g, "text") || recognises(g, "<tool_call>") {
		t.Error("auto without tools is not free text")
	}
}

// TestWriteParse checks that what a dialect writes is in its grammar and parses back.
func TestWriteParse(t *testing.T) {
	calls := []Call{
		{Name: "f", Arguments: json.RawMessage(`{"n": 0}`)},
		{Name: `qu"ote`, Arguments: json.RawMessage(`{}`)},
		{Name: "f", Arguments: json.RawMessage(`{"n": 1}`)},
	}
	for _, d := range []Dialect{Hermes, Llama3, PlainArray} {
		for n := 1; n <= len(calls); n++ {
			text, err := d.write(nil, calls[:n])
			if d.Single() && n > 1 {
				if err == nil {
					t.Errorf("%v writes %d calls", d, n)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			b := gbnf.NewBuilder()
			root, err := d.Grammar(b, numberTools(), Choice{Mode: Required}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if !recognises(b.Grammar(root), string(text)) {
				t.Errorf("%v: the grammar refuses %q", d, text)
			}
			p := d.NewParser()
			p.Write(string(text))
			content, got, complete := p.Close()
			if content != "" || !complete || !equalCalls(got, calls[:n]) {
				t.Errorf("%v: %q parses as %q, %v, %v", d, text, content, got, complete)
			}
		}
	}
}

func equalCalls(a, b []Call) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || string(a[i].Arguments) != string(b[i].Arguments) {
			return false
		}
	}
	return true
}
