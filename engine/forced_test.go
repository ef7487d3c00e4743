package engine_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/engine"
	"github.com/callama/callama/sampler"
)

// lonely returns n ASCII characters that no token of several bytes holds.
func lonely(t *testing.T, m *engine.Model, n int) string {
	t.Helper()
	v := m.Vocab()
	held := map[byte]bool{}
	for id := range int32(v.Len()) {
		if b := v.Bytes(id); len(b) > 1 {
			for _, c := range b {
				held[c] = true
			}
		}
	}
	var sb strings.Builder
	for c := byte('!'); c <= '~' && sb.Len() < n; c++ {
		if !held[c] && !strings.ContainsRune(`"\-]^[`, rune(c)) {
			sb.WriteByte(c)
		}
	}
	if sb.Len() < n {
		t.Fatalf("only %q are in no longer token", sb.String())
	}
	return sb.String()
}

// TestForcedIsPlain: where the grammar leaves one way to split the forced bytes, what is
// generated is token for token what the plain loop generates, in fewer steps.
func TestForcedIsPlain(t *testing.T) {
	m := open(t, tinyModel(t), engine.Config{})
	c := lonely(t, m, 5)
	g := compile(t, m, fmt.Sprintf(`root ::= ("%s" [%s] "%s"){12}`, c[:2], c[2:], c[:2]+c[1:3]))
	req := engine.Request{Prompt: prompt(t, m, "x"), Grammar: g}
	for seed := range uint64(8) {
		req.Prompt = append(req.Prompt, int32(seed)+5)
		req.Plain = true
		_, plain := generate(t, m, req)
		req.Plain = false
		_, forced := generate(t, m, req)
		if !slices.Equal(plain.Tokens, forced.Tokens) {
			t.Errorf("seed %d: tokens %v, the plain loop gives %v", seed, forced.Tokens, plain.Tokens)
		}
		if plain.Forced != 0 || plain.Steps != 12*7-1 {
			t.Errorf("plain: %d forced, %d steps", plain.Forced, plain.Steps)
		}
		if forced.Forced != 12*6 || forced.Steps != 11 {
			t.Errorf("%d forced in %d steps, want %d in 11", forced.Forced, forced.Steps, 12*6)
		}
	}
}

// TestForcedText: forced tokens leave the text in the language, within its budget and before
// its stop strings, and the same seed gives the same text.
func TestForcedText(t *testing.T) {
	m := open(t, tinyModel(t), engine.Config{})
	g := compile(t, m, `root ::= "{\"name\": \"get_current_weather\", \"arguments\": {\"unit\": \"" ("celsius" | "fahrenheit") "\", \"location\": \"" [a-z]{2,8} "\"}}"`)
	for seed := range uint64(20) {
		req := engine.Request{Prompt: prompt(t, m, "weather"), Grammar: g, Sampling: sampler.Config{Temperature: 1.2, Seed: seed}}
		text, res := generate(t, m, req)
		if !strings.HasPrefix(text, `{"name": "get_current_weather"`) || !strings.HasSuffix(text, `"}}`) || res.Finish != engine.FinishEnd {
			t.Errorf("seed %d: %q, finish %d", seed, text, res.Finish)
		}
		if res.Forced < 5 || res.Steps >= len(res.Tokens)-res.Forced+1 {
			t.Errorf("seed %d: %d tokens, %d of them forced, in %d steps", seed, len(res.Tokens), res.Forced, res.Steps)
		}
		if again, _ := generate(t, m, req); again != text {
			t.Errorf("seed %d: %q, then %q", seed, text, again)
		}
		req.Stop = []string{`"arguments"`}
		if cut, res := generate(t, m, req); cut != `{"name": "get_current_weather", ` || res.Finish != engine.FinishStop {
			t.Errorf("seed %d: stopped as %q, finish %d", seed, cut, res.Finish)
		}
		req.Stop, req.MaxTokens = nil, 3
		if _, res := generate(t, m, req); len(res.Tokens) != 3 || res.Finish != engine.FinishLength {
			t.Errorf("seed %d: %d tokens of 3, finish %d", seed, len(res.Tokens), res.Finish)
		}
	}
}

// TestForcedToTheEnd: a text that is forced as a whole takes no step of the model.
func TestForcedToTheEnd(t *testing.T) {
	m := open(t, tinyModel(t), engine.Config{})
	g := compile(t, m, `root ::= "one, and nothing else"`)
	var out bytes.Buffer
	res, err := m.Generate(t.Context(), engine.Request{Prompt: prompt(t, m, "x"), Grammar: g}, func(b []byte) error { out.Write(b); return nil })
	if err != nil || out.String() != "one, and nothing else" || res.Steps != 0 || res.Forced != len(res.Tokens) || res.Finish != engine.FinishEnd {
		t.Errorf("%q, %+v, %v", out.String(), res, err)
	}
}
