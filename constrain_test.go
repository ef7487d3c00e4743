package callama_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
)

// openWith opens the tiny model with options.
func openWith(t testing.TB, o callama.Options) *callama.Model {
	t.Helper()
	if _, err := runtimes.Find(""); err != nil {
		t.Skipf("no llama.cpp runtime here (make runtime): %v", err)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	o.Threads = 1
	m, err := callama.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// TestConstraints: whatever shapes a reply holds for what a random model writes.
func TestConstraints(t *testing.T) {
	m := openModel(t, nil)
	version := regexp.MustCompile(`^(?:v\d{1,3}(\.\d){2})$`)
	for _, tt := range []struct {
		name   string
		change func(r *callama.Request)
		check  func(s string) bool
	}{
		{"regex", func(r *callama.Request) { r.Regex = `v\d{1,3}(\.\d){2}` }, version.MatchString},
		{"choices", func(r *callama.Request) { r.Choices = []string{"yes", "no", "yes and no"} },
			func(s string) bool { return slices.Contains([]string{"yes", "no", "yes and no"}, s) }},
		{"gbnf", func(r *callama.Request) { r.GBNF = "root ::= \"(\" root? \")\" " }, func(s string) bool {
			n := len(s) / 2
			return n > 0 && s == strings.Repeat("(", n)+strings.Repeat(")", n)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(15) {
				req := vectorRequest(t, seed)
				req.Tools = nil
				tt.change(&req)
				r, err := m.Chat(t.Context(), req, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !tt.check(r.Content) || r.FinishReason != callama.FinishStop {
					t.Errorf("seed %d: %q, %s", seed, r.Content, r.FinishReason)
				}
			}
		})
	}
}

// thinkTemplate is ChatML whose prompt opens the thoughts if they are asked for.
const thinkTemplate = `{%- for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}{% for c in m.tool_calls %}<tool_call>
{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% for t in tools %}{{ t | tojson }}{% endfor %}{# </think> #}<|im_start|>assistant
{% if thinking == "open" %}<think>
{% elif thinking == "closed" %}<think>

</think>

{% endif %}`

// TestReasoning: thoughts come first and apart, the constraint holds behind them.
func TestReasoning(t *testing.T) {
	m := openWith(t, callama.Options{ChatTemplate: thinkTemplate})
	if m.Dialect() != chat.Hermes {
		t.Fatalf("dialect %v", m.Dialect())
	}
	thought := 0
	for _, thinking := range []string{"open", "closed", ""} {
		for seed := range uint64(12) {
			req := vectorRequest(t, seed)
			req.TemplateArgs = map[string]any{"thinking": thinking}
			req.Choice = chat.Choice{Mode: chat.Required}
			streamed := ""
			r, err := m.Chat(t.Context(), req, func(d callama.Delta) error { streamed += d.Reasoning; return nil })
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Calls) == 0 || r.Content != "" || r.FinishReason != callama.FinishCalls || streamed != r.Reasoning {
				t.Errorf("%q, seed %d: %+v, streamed %q", thinking, seed, r, streamed)
			}
			for _, c := range r.Calls {
				if err := valid(t, req.Tools, c); err != nil {
					t.Errorf("%q, seed %d: %v", thinking, seed, err)
				}
			}
			if thinking == "closed" && r.Reasoning != "" || strings.Contains(r.Reasoning, "</think>") {
				t.Errorf("%q, seed %d: reasoning %q", thinking, seed, r.Reasoning)
			}
			if r.Reasoning != "" {
				thought++
			}
			req.Tools, req.Choice, req.Choices = nil, chat.Choice{}, []string{"yes", "no"}
			if r, err = m.Chat(t.Context(), req, nil); err != nil {
				t.Fatal(err)
			}
			if r.Content != "yes" && r.Content != "no" || r.FinishReason != callama.FinishStop {
				t.Errorf("%q, seed %d: %+v", thinking, seed, r)
			}
			req.Choices = nil
			if r, err = m.Chat(t.Context(), req, nil); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(r.Content, "</think>") && thinking == "open" && r.Reasoning == "" {
				t.Errorf("seed %d: free text %q", seed, r.Content)
			}
		}
	}
	if thought < 10 {
		t.Errorf("only %d replies had thoughts", thought)
	}
}

// TestMarkupDialects: calls between tags are valid, with a published template.
func TestMarkupDialects(t *testing.T) {
	tools, err := chat.ParseTools([]byte(`[{"name": "write_file", "parameters": {"type": "object", "required": ["path", "content"], "properties": {
		"path": {"type": "string", "pattern": "^/[a-z/]{1,20}$"}, "content": {"type": "string", "maxLength": 40}, "mode": {"type": ["integer", "null"], "minimum": 0, "maximum": 511},
		"lines": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 3}}}}, {"name": "list_files"}]`))
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]chat.Dialect{"Qwen3-Coder": chat.Qwen3Coder, "GLM-4.6": chat.GLM45, "GLM-4.7-Flash": chat.GLM47} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(testdata(t, "chat-templates", name+".jinja"))
			if err != nil {
				t.Fatal(err)
			}
			m := openWith(t, callama.Options{ChatTemplate: string(text), Context: 4096})
			if m.Dialect() != d {
				t.Fatalf("dialect %v", m.Dialect())
			}
			calls, files := 0, 0
			for seed := range uint64(16) {
				req := vectorRequest(t, seed)
				req.Tools, req.Choice, req.MaxTokens = tools, chat.Choice{Mode: chat.Required}, 400
				if seed%2 == 0 { // thoughts leave room for the shortest call only
					req.Choice = chat.Choice{Mode: chat.Named, Name: "write_file"}
				}
				r, err := m.Chat(t.Context(), req, nil)
				if err != nil {
					t.Fatal(err)
				}
				if len(r.Calls) == 0 || r.Content != "" || r.FinishReason != callama.FinishCalls {
					t.Errorf("seed %d: %+v", seed, r)
				}
				for _, c := range r.Calls {
					calls++
					if c.Name == "write_file" {
						files++
					}
					if err := valid(t, tools, c); err != nil {
						t.Errorf("seed %d: %s(%s): %v", seed, c.Name, c.Arguments, err)
					}
				}
			}
			if files == 0 {
				t.Errorf("none of %d calls has arguments", calls)
			}
		})
	}
}

// TestLenient: what a lenient model does not enforce is told, a strict one refuses.
func TestLenient(t *testing.T) {
	m := openWith(t, callama.Options{Lenient: true, StrictFormats: true})
	req := vectorRequest(t, 1)
	req.Tools, req.ResponseSchema = nil, json.RawMessage(`{"type": "string", "format": "colour", "maxLength": 5}`)
	for range 2 { // compiled, then cached
		r, err := m.Chat(t.Context(), req, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Dropped) != 1 || r.Dropped[0].Pointer != "/format" || r.Dropped[0].Keyword != "format" {
			t.Errorf("dropped %v", r.Dropped)
		}
	}
	strict := openWith(t, callama.Options{StrictFormats: true})
	if _, err := strict.Chat(t.Context(), req, nil); err == nil || !strings.Contains(err.Error(), `"format"`) {
		t.Errorf("error %v", err)
	}
}
