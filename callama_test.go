package callama_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/engine"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
)

// openModel opens a tiny synthetic model with one thread, or skips where there is no
// llama.cpp.
func openModel(t testing.TB, tokenizer *gguf.Tokenizer) *callama.Model {
	t.Helper()
	if _, err := runtimes.Find(""); err != nil {
		t.Skipf("no llama.cpp runtime here (make runtime): %v", err)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{Seed: 1, Tokenizer: tokenizer}); err != nil {
		t.Fatal(err)
	}
	m, err := callama.Open(path, callama.Options{Threads: 1})
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

const vectorTools = `[
 {"name": "get_vector_sum", "description": "Get the sum of two vectors", "parameters": {"type": "object",
  "properties": {"a": {"type": "list", "description": "First vector"}, "b": {"type": "list", "description": "Second vector"}},
  "required": ["a", "b"]}},
 {"name": "get_dot_product", "description": "Get the dot product of two vectors", "parameters": {"type": "object",
  "properties": {"a": {"type": "list", "description": "First vector"}, "b": {"type": "list", "description": "Second vector"}},
  "required": ["a", "b"]}}]`

func TestVectors(t *testing.T) {
	m := openModel(t, nil)
	tools, err := chat.ParseTools([]byte(vectorTools))
	if err != nil {
		t.Fatal(err)
	}
	temp := 1.5
	for seed := range uint64(20) {
		r, err := m.Chat(t.Context(), callama.Request{
			Messages: []chat.Message{{Role: chat.User, Content: "Find the sum of a = [1, -1, 2] and b = [3, 0, -4]."}},
			Tools:    tools, Choice: chat.Choice{Mode: chat.Required}, MaxTokens: 200,
			Sampling: callama.Sampling{Temperature: &temp, Seed: &seed},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Calls) == 0 || r.FinishReason != callama.FinishCalls || r.Content != "" {
			t.Fatalf("seed %d: %+v", seed, r)
		}
		for _, c := range r.Calls {
			var args map[string][]any
			if err := json.Unmarshal(c.Arguments, &args); err != nil {
				t.Fatalf("seed %d: %s: %v", seed, c.Arguments, err)
			}
			if c.Name != "get_vector_sum" && c.Name != "get_dot_product" || args["a"] == nil || args["b"] == nil || len(args) != 2 {
				t.Errorf("seed %d: %s(%s)", seed, c.Name, c.Arguments)
			}
		}
	}
}

// TestDialect opens a model whose template writes one dialect to be used in another: its
// calls come as that one has them.
func TestDialect(t *testing.T) {
	if _, err := runtimes.Find(""); err != nil {
		t.Skipf("no llama.cpp runtime here (make runtime): %v", err)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"latin": `no dialect "latin"`, "llama3-json": "hermes, not llama3-json"} {
		if m, err := callama.Open(path, callama.Options{Threads: 1, Dialect: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	m, err := callama.Open(path, callama.Options{Threads: 1, Dialect: "plain-array"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	tools, err := chat.ParseTools([]byte(vectorTools))
	if err != nil {
		t.Fatal(err)
	}
	req := callama.Request{Messages: []chat.Message{{Role: chat.User, Content: "x"}}, Tools: tools,
		Choice: chat.Choice{Mode: chat.Required}, MaxTokens: 100}
	compiled, err := m.CompileTools(tools, req.Choice, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	prompt, err := m.Prompt(req.Messages, tools)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Engine().Generate(t.Context(), engine.Request{Prompt: prompt, Grammar: compiled, MaxTokens: 100}, func(b []byte) error {
		text.Write(b)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := text.String(); !strings.HasPrefix(got, `[{"name": "`) || !strings.HasSuffix(got, "}]") {
		t.Errorf("the reply is %s", got)
	}
	if r, err := m.Chat(t.Context(), req, nil); err != nil || len(r.Calls) == 0 || r.Content != "" || m.Dialect() != chat.PlainArray {
		t.Errorf("%+v, %v", r, err)
	}
}
