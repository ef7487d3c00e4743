package chat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/callama/callama/grammar/schema"
)

// parserCases are replies with what they must parse to; they also seed the fuzz targets.
var parserCases = []struct {
	name     string
	dialect  Dialect
	text     string
	content  string
	calls    string // name+arguments, one per line
	complete bool
	pending  string
}{
	{"text", Hermes, "Hello <tool_call and more", "Hello <tool_call and more", "", true, ""},
	{"white space only", Hermes, " \n", " \n", "", true, ""},
	{"one call", Hermes, hermesF, "", `f{"n": 0}`, true, ""},
	{"content, calls", Hermes, "Sure.\n" + hermesF + "\n" + hermesQ + "\n", "Sure.", "f{\"n\": 0}\nqu\"ote{}", true, ""},
	{"content between and after", Hermes, "a " + hermesF + " b " + hermesF + " c ", "a b c ", "f{\"n\": 0}\nf{\"n\": 0}", true, ""},
	{"other white space and members", Hermes, "<tool_call>{ \"id\" :1.5e+3,\"arguments\":{\"n\" :[ 1,-0.5,true,null,{}]} , \"name\":\"f\"\t}</tool_call>", "", `f{"n" :[ 1,-0.5,true,null,{}]}`, true, ""},
	{"escapes in the name", Hermes, `<tool_call>{"name": "\u0066\"", "arguments": {}}</tool_call>`, "", `f"{}`, true, ""},
	{"tag in a string", Hermes, `<tool_call>{"name": "f", "arguments": {"s": "</tool_call><tool_call>"}}</tool_call>`, "", `f{"s": "</tool_call><tool_call>"}`, true, ""},
	{"cut in the arguments", Hermes, "Sure. " + hermesF[:40], "Sure.", "", false, " " + hermesF[:40]},
	{"cut in the closing tag", Hermes, hermesF[:len(hermesF)-2], "", "", false, hermesF[:len(hermesF)-2]},
	{"cut behind the tag", Hermes, "a<tool_call>", "a", "", false, "<tool_call>"},
	{"cut in the second call", Hermes, hermesF + "\n" + hermesQ[:30], "", `f{"n": 0}`, false, "\n" + hermesQ[:30]},
	{"start of a tag at the end", Hermes, "a <tool", "a <tool", "", true, ""},
	{"start of a tag after a call", Hermes, hermesF + " <tool", " <tool", `f{"n": 0}`, true, ""},
	{"broken tags", Hermes, "<to<tool_call" + hermesF, "<to<tool_call", `f{"n": 0}`, true, ""},
	{"not JSON", Hermes, "<tool_call>call f</tool_call>", "<tool_call>call f</tool_call>", "", true, ""},
	{"broken JSON, then a call", Hermes, `<tool_call>{"name": "f", "arguments": {,}` + hermesF, `<tool_call>{"name": "f", "arguments": {,}`, `f{"n": 0}`, true, ""},
	{"tag for a closing tag", Hermes, "<tool_call>" + `{"name": "f", "arguments": {}}` + "\n" + hermesF, "<tool_call>" + `{"name": "f", "arguments": {}}`, `f{"n": 0}`, true, ""},
	{"no name", Hermes, `<tool_call>{"arguments": {}}</tool_call>`, `<tool_call>{"arguments": {}}</tool_call>`, "", true, ""},
	{"empty name", Hermes, `<tool_call>{"name": "", "arguments": {}}</tool_call>`, `<tool_call>{"name": "", "arguments": {}}</tool_call>`, "", true, ""},
	{"no arguments", Hermes, `<tool_call>{"name": "f"}</tool_call>`, `<tool_call>{"name": "f"}</tool_call>`, "", true, ""},
	{"arguments not an object", Hermes, `<tool_call>{"name": "f", "arguments": "{}"}</tool_call>`, `<tool_call>{"name": "f", "arguments": "{}"}</tool_call>`, "", true, ""},
	{"two names", Hermes, `<tool_call>{"name": "f", "name": "g", "arguments": {}}</tool_call>`, `<tool_call>{"name": "f", "name": "g", "arguments": {}}</tool_call>`, "", true, ""},
	{"control character", Hermes, "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"\n\"}}</tool_call>", "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"\n\"}}</tool_call>", "", true, ""},
	{"leading zero", Hermes, `<tool_call>{"name": "f", "arguments": {"a": 01}}`, `<tool_call>{"name": "f", "arguments": {"a": 01}}`, "", true, ""},
	{"bad UTF-8 in arguments", Hermes, "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"\xff\"}}</tool_call>", "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"\xff\"}}</tool_call>", "", true, ""},
	{"characters", Hermes, "héllo 😀<tool_call>{\"name\": \"é\", \"arguments\": {\"😀\": \"é\"}}</tool_call>é", "héllo 😀é", `é{"😀": "é"}`, true, ""},
	{"coder", Qwen3Coder, "Sure.\n<tool_call>\n<function=f>\n<parameter=s>\na\n</parameter>\n<parameter=n>\n1\n</parameter>\n</function>\n</tool_call>", "Sure.", `f{"s": "a", "n": 1}`, true, ""},
	{"coder, no arguments, two calls", Qwen3Coder, "<tool_call>\n<function=f>\n</function>\n</tool_call>\n<tool_call>\n<function=g>\n</function>\n</tool_call>", "", "f{}\ng{}", true, ""},
	{"coder, text with lines and tags", Qwen3Coder, "<tool_call><function=f><parameter=s>\n\n</function>\n<b>\n\n</parameter></function></tool_call>", "", `f{"s": "\n</function>\n<b>\n"}`, true, ""},
	{"coder, other white space", Qwen3Coder, "<tool_call> <function=f><parameter=a>x</parameter> </function></tool_call>", "", `f{"a": "x"}`, true, ""},
	{"coder, JSON", Qwen3Coder, "<tool_call>\n<function=f>\n<parameter=a>\n[1, {\"b\": null}]\n</parameter>\n</function>\n</tool_call>", "", `f{"a": [1, {"b": null}]}`, true, ""},
	{"coder, no name", Qwen3Coder, "<tool_call>\n<function=>\n</function>\n</tool_call>", "<tool_call>\n<function=>\n</function>\n</tool_call>", "", true, ""},
	{"coder, JSON call", Qwen3Coder, hermesF, hermesF, "", true, ""},
	{"coder, twice the same argument", Qwen3Coder, "<tool_call><function=f><parameter=a>1</parameter><parameter=a>", "<tool_call><function=f><parameter=a>1</parameter><parameter=a>", "", true, ""},
	{"coder, broken, then a call", Qwen3Coder, "<tool_call>\n<tool_call>\n<function=f>\n</function>\n</tool_call>", "<tool_call>\n", "f{}", true, ""},
	{"coder, a call within a tag", Qwen3Coder, "<tool_call><function=f><para<tool_call><function=f></function></tool_call>", "<tool_call><function=f><para", "f{}", true, ""},
	{"coder, cut", Qwen3Coder, "a <tool_call>\n<function=f>\n<parameter=s>\nx", "a", "", false, " <tool_call>\n<function=f>\n<parameter=s>\nx"},
	{"coder, bad UTF-8", Qwen3Coder, "<tool_call><function=f><parameter=a>\xff</parameter></function></tool_call>", "", "f{\"a\": \"\uFFFD\"}", true, ""},
	{"glm", GLM45, "<think></think>\n<tool_call>f\n<arg_key>s</arg_key>\n<arg_value>a b</arg_value>\n<arg_key>n</arg_key>\n<arg_value>1.50</arg_value>\n</tool_call>", "<think></think>", `f{"s": "a b", "n": 1.50}`, true, ""},
	{"glm, no arguments", GLM45, "<tool_call>f\n</tool_call>", "", "f{}", true, ""},
	{"glm, line breaks are the value's", GLM45, "<tool_call>f\n<arg_key>s</arg_key>\n<arg_value>\na\n</arg_value>\n</tool_call>", "", `f{"s": "\na\n"}`, true, ""},
	{"glm, in one line", GLM47, "<tool_call>f<arg_key>s</arg_key><arg_value>a</arg_value></tool_call><tool_call>g</tool_call>", "", "f{\"s\": \"a\"}\ng{}", true, ""},
	{"glm, broken", GLM47, "<tool_call>f<arg_value>", "<tool_call>f<arg_value>", "", true, ""},
	{"llama call", Llama3, llamaF, "", `f{"n": 1}`, true, ""},
	{"llama white space", Llama3, "\n" + llamaF + "\n", "", `f{"n": 1}`, true, ""},
	{"llama python tag", Llama3, pythonTag + llamaF, "", `f{"n": 1}`, true, ""},
	{"llama python", Llama3, pythonTag + "print(1)", pythonTag + "print(1)", "", true, ""},
	{"llama text", Llama3, "see " + llamaF, "see " + llamaF, "", true, ""},
	{"llama JSON that is no call", Llama3, ` {"a": 1}`, ` {"a": 1}`, "", true, ""},
	{"llama cut", Llama3, llamaF[:20], "", "", false, llamaF[:20]},
	{"llama start of a tag", Llama3, "<|pyth", "<|pyth", "", true, ""},
	{"llama two objects", Llama3, llamaF + " " + llamaF, " " + llamaF, `f{"n": 1}`, true, ""},
	{"array", PlainArray, " [" + arrayF + " , " + arrayF + "] ", "", "f{\"n\": 1}\nf{\"n\": 1}", true, ""},
	{"array cut", PlainArray, "[" + arrayF + ", " + arrayF[:9], "", `f{"n": 1}`, false, ", " + arrayF[:9]},
	{"array cut before the bracket", PlainArray, "[" + arrayF, "", `f{"n": 1}`, false, ""},
	{"array of numbers", PlainArray, "[1, 2]", "[1, 2]", "", true, ""},
	{"empty array", PlainArray, "[]", "[]", "", true, ""},
	{"array later", PlainArray, "x [" + arrayF + "]", "x [" + arrayF + "]", "", true, ""},
}

// parsed is the outcome of a parse, with what its events say.
type parsed struct {
	content, calls, pending string
	complete                bool
	events                  string // concatenated and without dropped calls
}

func parseSplit(t *testing.T, d Dialect, pieces ...string) parsed {
	t.Helper()
	return parsePieces(t, d.NewParser(), pieces...)
}

func parsePieces(t *testing.T, p *Parser, pieces ...string) parsed {
	t.Helper()
	var thoughts strings.Builder
	var content strings.Builder
	var arguments, names []string
	var ended []bool
	for _, piece := range pieces {
		for _, e := range p.Write(piece) {
			switch e.Kind {
			case ReasoningText:
				if content.Len() > 0 || len(names) > 0 {
					t.Fatal("thoughts after the reply has begun")
				}
				thoughts.WriteString(e.Text)
			case ContentText:
				content.WriteString(e.Text)
			case CallStart:
				if e.Index != len(names) {
					t.Fatalf("call %d starts after %d calls", e.Index, len(names))
				}
				names, arguments, ended = append(names, e.Name), append(arguments, ""), append(ended, false)
			case CallArguments:
				arguments[e.Index] += e.Text
			case CallEnd:
				ended[e.Index] = true
			case CallDropped:
				if ended[e.Index] {
					t.Fatal("a finished call was dropped")
				}
				names, arguments, ended = names[:e.Index], arguments[:e.Index], ended[:e.Index]
			}
		}
	}
	got, calls, complete := p.Close()
	content.WriteString(p.Rest())
	thoughts.WriteString(p.RestThoughts())
	if thoughts.String() != p.Thoughts() {
		t.Fatalf("events say thoughts %q, Thoughts says %q", thoughts.String(), p.Thoughts())
	}
	if content.String() != got {
		t.Fatalf("events say content %q, Close says %q", content.String(), got)
	}
	var lines []string
	for i, call := range calls {
		if names[i] != call.Name || arguments[i] != string(call.Arguments) || !ended[i] {
			t.Fatalf("events say %s%s, Close says %s%s", names[i], arguments[i], call.Name, call.Arguments)
		}
		if !json.Valid(call.Arguments) || call.Arguments[0] != '{' {
			t.Fatalf("arguments %q are not a JSON object", call.Arguments)
		}
		lines = append(lines, call.Name+string(call.Arguments))
	}
	if complete && len(names) > len(calls) {
		t.Fatal("a complete reply leaves a call open")
	}
	return parsed{content: got, calls: strings.Join(lines, "\n"), pending: p.Pending(), complete: complete,
		events: fmt.Sprint(names, arguments, ended)}
}

func TestParser(t *testing.T) {
	for _, tt := range parserCases {
		t.Run(tt.name, func(t *testing.T) {
			got := parseSplit(t, tt.dialect, tt.text)
			if got.content != tt.content || got.calls != tt.calls || got.complete != tt.complete || got.pending != tt.pending {
				t.Errorf("%q\n got %q, %q, %v, pending %q\nwant %q, %q, %v, pending %q", tt.text,
					got.content, got.calls, got.complete, got.pending, tt.content, tt.calls, tt.complete, tt.pending)
			}
			for i := range len(tt.text) + 1 {
				if split := parseSplit(t, tt.dialect, tt.text[:i], tt.text[i:]); split.content != got.content || split != got && split.complete {
					t.Errorf("cut at %d: got %+v, want %+v", i, split, got)
				}
			}
			if bytes := parseSplit(t, tt.dialect, strings.Split(tt.text, "")...); bytes.content != got.content || bytes.calls != got.calls {
				t.Errorf("by characters: got %+v, want %+v", bytes, got)
			}
		})
	}
}

// TestParserReasoning: thoughts before a reply are told from it, however it is cut.
func TestParserReasoning(t *testing.T) {
	optional, begun := Reasoning{Open: "<think>", Close: "</think>"}, Reasoning{Open: "<think>", Close: "</think>", Begun: true}
	for _, tt := range []struct {
		name                     string
		d                        Dialect
		r                        Reasoning
		text                     string
		thoughts, content, calls string
	}{
		{"none", Hermes, optional, "Hello <think>", "", "Hello <think>", ""},
		{"thoughts and text", Hermes, optional, "<think>\nWell é.\n\nYes.\n</think>\n\nHello", "Well é.\n\nYes.", "Hello", ""},
		{"thoughts and a call", Hermes, optional, "<think>x <tool_call></think>\n" + hermesF, "x <tool_call>", "", `f{"n": 0}`},
		{"begun", Hermes, begun, "\nx</thin</think>\n\n" + hermesF, "x</thin", "", `f{"n": 0}`},
		{"never closed", Hermes, begun, "x </thin", "x </thin", "", ""},
		{"cut open", Hermes, optional, "<thin", "", "<thin", ""},
		{"empty", Hermes, optional, "<think>\n\n</think>\n\nHello", "", "Hello", ""},
		{"array", PlainArray, begun, "x</think>\n[" + arrayF + "]", "x", "", `f{"n": 1}`},
		{"llama", Llama3, optional, " <think>x</think>" + llamaF, "x", "", `f{"n": 1}`},
		{"later", Hermes, optional, "a<think>b</think>", "", "a<think>b</think>", ""},
		{"coder", Qwen3Coder, begun, "a\n</think>\n\n<tool_call>\n<function=f>\n</function>\n</tool_call>", "a", "", "f{}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check := func(pieces ...string) {
				t.Helper()
				p := tt.d.NewParser()
				p.Reasoning = tt.r
				got := parsePieces(t, p, pieces...)
				if p.Thoughts() != tt.thoughts || got.content != tt.content || got.calls != tt.calls {
					t.Errorf("%q: thoughts %q, content %q, calls %q; want %q, %q, %q", pieces,
						p.Thoughts(), got.content, got.calls, tt.thoughts, tt.content, tt.calls)
				}
			}
			for i := range len(tt.text) + 1 {
				check(tt.text[:i], tt.text[i:])
			}
			check(strings.Split(tt.text, "")...)
		})
	}
	p := NewContentParser()
	p.Reasoning = optional
	if got := parsePieces(t, p, "<think>x</think>", "<tool_call>y"); got.content != "<tool_call>y" || p.Thoughts() != "x" {
		t.Errorf("%+v, %q", got, p.Thoughts())
	}
}

// TestParserStreams checks that content and arguments are reported while they come, and
// never half a character.
func TestParserStreams(t *testing.T) {
	text := "Sure é.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"s\": \"é😀\"}}\n</tool_call>"
	p := Hermes.NewParser()
	p.IDs = NewCallIDs(1)
	var log []string
	for i := range len(text) {
		for _, e := range p.Write(text[i : i+1]) {
			if !utf8.ValidString(e.Text) {
				t.Errorf("event with half a character: %q", e.Text)
			}
			log = append(log, fmt.Sprintf("%d%s%s", e.Kind, e.Name, e.Text))
		}
	}
	want := []string{"0S", "0u", "0r", "0e", "0 ", "0é", "0.", "1f", "2{", `2"`, "2s", `2"`, "2:", "2 ", `2"`, "2é", "2😀", `2"`, "2}", "3"}
	if !slices.Equal(log, want) {
		t.Errorf("got  %q\nwant %q", log, want)
	}
	_, calls, _ := p.Close()
	if id := NewCallIDs(1).Next(); calls[0].ID != id || !strings.HasPrefix(id, "call_") || len(id) != 29 {
		t.Errorf("the call has id %q, the seed gives %q", calls[0].ID, id)
	}
	if NewCallIDs(1).Next() == NewCallIDs(2).Next() {
		t.Error("two seeds give one id")
	}
}

// FuzzParser checks that no text panics the parser and that its result does not depend on
// how the text is cut.
func FuzzParser(f *testing.F) {
	for _, tt := range parserCases {
		f.Add(tt.text, uint8(3), uint8(7))
	}
	f.Fuzz(func(t *testing.T, text string, a, b uint8) {
		arguments := map[string]schema.Arguments{"f": {"s": schema.RawText, "n": schema.JSONText}}
		for k := range 2 * len(dialects) {
			d := dialects[k/2]
			parseSplit := func(t *testing.T, d Dialect, pieces ...string) parsed {
				p := d.NewParser()
				if k%2 == 1 {
					p.Arguments = arguments
				}
				return parsePieces(t, p, pieces...)
			}
			whole := parseSplit(t, d, text)
			i, j := min(int(a), len(text)), min(int(a)+int(b), len(text))
			split := parseSplit(t, d, text[:i], text[i:j], text[j:])
			var bytes []string
			for k := range len(text) {
				bytes = append(bytes, text[k:k+1])
			}
			single := parseSplit(t, d, bytes...)
			for _, other := range []parsed{split, single} {
				if other.content != whole.content || other.calls != whole.calls || other.complete != whole.complete || other.pending != whole.pending {
					t.Fatalf("%v %q: whole %+v, split %+v", d, text, whole, other)
				}
			}
		}
	})
}
