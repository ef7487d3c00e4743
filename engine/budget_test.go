package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/callama/callama/engine"
	"github.com/callama/callama/sampler"
)

// TestBudgetIsUsed: a text that must end with a long piece is steered to it when its tokens run
// out, not when its bytes would: what may be free before it uses the budget.
func TestBudgetIsUsed(t *testing.T) {
	m := open(t, tinyModel(t), engine.Config{})
	const end = `", "unit": "celsius", "location": "Lisbon", "arguments": {"name": "get_current_weather"}}`
	quoted := strings.ReplaceAll(end, `"`, `\"`)
	g := compile(t, m, `root ::= "{\"text\": \"" [a-zA-Z ]* "`+quoted+`"`)
	used, total := 0, 0
	for seed := range uint64(20) {
		req := engine.Request{Prompt: prompt(t, m, "x"), Grammar: g, MaxTokens: 50 + int(seed)*3,
			Sampling: sampler.Config{Temperature: 2, Seed: seed}}
		text, res := generate(t, m, req)
		if !json.Valid([]byte(text)) || res.Finish != engine.FinishEnd || len(res.Tokens) > req.MaxTokens {
			t.Errorf("seed %d: %q, %d tokens of %d, finish %d", seed, text, len(res.Tokens), req.MaxTokens, res.Finish)
		}
		if n := len(res.Tokens); n > len(end)/2 {
			used, total = used+n, total+req.MaxTokens
		}
	}
	// By bytes, the 88 of the end would be spelled from the first token on.
	if used*10 < total*8 {
		t.Errorf("%d tokens of %d were used", used, total)
	}
}

// TestBudgetBelowBytes: a budget below the bytes of the shortest text suffices if its tokens do.
func TestBudgetBelowBytes(t *testing.T) {
	m := open(t, tinyModel(t), engine.Config{})
	g := compile(t, m, `root ::= ("a" | "b")* "{\"name\": \"get_current_weather\", \"arguments\": {}}"`)
	least := g.NewMatcher().MinTokens()
	if least >= g.MinBytes() || least < 3 {
		t.Fatalf("%d tokens, %d bytes", least, g.MinBytes())
	}
	for _, plain := range []bool{true, false} {
		for seed := range uint64(20) {
			text, res := generate(t, m, engine.Request{Prompt: prompt(t, m, "x"), Grammar: g, MaxTokens: least + int(seed), Plain: plain,
				Sampling: sampler.Config{Temperature: 2, Seed: seed}})
			if res.Finish != engine.FinishEnd || !strings.HasSuffix(text, "{}}") {
				t.Errorf("seed %d: %q, finish %d", seed, text, res.Finish)
			}
		}
		_, res := generate(t, m, engine.Request{Prompt: prompt(t, m, "x"), Grammar: g, MaxTokens: least - 1, Plain: plain})
		if res.Finish != engine.FinishLength {
			t.Errorf("a token too few: finish %d", res.Finish)
		}
	}
}
