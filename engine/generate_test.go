package engine_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/callama/callama/engine"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/sampler"
)

// openTiny loads a tiny synthetic model with one thread, or skips where there is no
// llama.cpp.
func openTiny(t testing.TB, cfg engine.Config) *engine.Model {
	t.Helper()
	if _, err := runtimes.Find(""); err != nil {
		t.Skipf("no llama.cpp runtime here (make runtime): %v", err)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	cfg.Threads = 1
	m, err := engine.Open(path, cfg)
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

const jsonArray = `root ::= "[" ws (value ("," ws value)*)? "]"
value ::= (object | array | string | number | "true" | "false" | "null") ws
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}"
array ::= "[" ws (value ("," ws value)*)? "]"
string ::= "\"" ([^"\\\x00-\x1f] | "\\" ["\\/bfnrt])* "\"" ws
number ::= "-"? ("0" | [1-9] [0-9]*) ("." [0-9]+)?
ws ::= ([ \t\n] ws)?
`

func compile(t testing.TB, m *engine.Model, text string) *grammar.Compiled {
	t.Helper()
	g, err := gbnf.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := grammar.Compile(g, m.Vocab(), grammar.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSmoke(t *testing.T) {
	m := openTiny(t, engine.Config{})
	p, err := m.TokenizePrompt("<|im_start|>user\nhello<|im_end|>\n")
	if err != nil {
		t.Fatal(err)
	}
	var sb strings.Builder
	res, err := m.Generate(t.Context(), engine.Request{Prompt: p, Grammar: compile(t, m, jsonArray), MaxTokens: 300,
		Sampling: sampler.Config{Temperature: 1.5, Seed: 3}}, func(b []byte) error { sb.Write(b); return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v\n%s", res.Timings, sb.String())
	t.Log(res.Finish, len(res.Tokens), m.Plan())
}
