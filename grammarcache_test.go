package callama

import (
	"fmt"
	"testing"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/vocab"
)

// byteVocab has a token for each byte.
func byteVocab(t *testing.T) *vocab.Vocab {
	t.Helper()
	c := vocab.Config{Width: 256}
	for b := range 256 {
		c.Tokens = append(c.Tokens, []byte{byte(b)})
	}
	v, err := vocab.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// parsed returns tools in objects of their own.
func parsed(t *testing.T, text string) []chat.Tool {
	t.Helper()
	tools, err := chat.ParseTools([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return tools
}

// TestGrammarCache checks that a grammar is found again by what it is made of, and that
// nothing else is taken for it.
func TestGrammarCache(t *testing.T) {
	const tool = `{"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}`
	request := func(change func(*Request)) Request {
		req := Request{Tools: parsed(t, `[`+tool+`]`), Choice: chat.Choice{Mode: chat.Required}}
		if change != nil {
			change(&req)
		}
		return req
	}
	v := byteVocab(t)
	model := &Model{dialect: chat.Hermes}
	var cache grammarCache
	first, err := cache.get(model.constraintOf(request(nil), chat.Reasoning{}), v)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		change func(*Request)
		same   bool
	}{
		{"equal tools in new objects", nil, true},
		{"other messages", func(r *Request) { r.Messages = []chat.Message{{Content: "hello"}} }, true},
		{"another name", func(r *Request) { r.Tools[0].Name = "g" }, false},
		{"other parameters", func(r *Request) { r.Tools[0].Parameters = []byte(`{"type": "object"}`) }, false},
		{"a tool more", func(r *Request) { r.Tools = append(r.Tools, parsed(t, `[{"name": "g"}]`)...) }, false},
		{"another choice", func(r *Request) { r.Choice.Mode = chat.Auto }, false},
		{"a bound on calls", func(r *Request) { r.MaxCalls = 1 }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := cache.get(model.constraintOf(request(c.change), chat.Reasoning{}), v)
			if err != nil {
				t.Fatal(err)
			}
			if (got == first) != c.same {
				t.Errorf("the same grammar: %v", got == first)
			}
		})
	}
	for i := range maxGrammars {
		req := request(func(r *Request) { r.Tools[0].Name = fmt.Sprint("other", i) })
		if _, err := cache.get(model.constraintOf(req, chat.Reasoning{}), v); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := cache.get(model.constraintOf(request(nil), chat.Reasoning{}), v); err != nil || again == first {
		t.Errorf("kept among more than %d grammars, %v", maxGrammars, err)
	}
	if n := cache.order.Len(); n != maxGrammars || len(cache.byKey) != n {
		t.Errorf("%d grammars are kept, %d by key", n, len(cache.byKey))
	}
}

// BenchmarkGrammarCache finds the grammar of 500 tools again.
func BenchmarkGrammarCache(b *testing.B) {
	req := Request{Choice: chat.Choice{Mode: chat.Required}}
	for i := range 500 {
		req.Tools = append(req.Tools, chat.Tool{Name: fmt.Sprint("tool", i), Parameters: []byte(`{"type": "object", "properties": {
			"query": {"type": "string", "description": "what to look for"}, "limit": {"type": "integer", "minimum": 1, "maximum": 100}, "verbose": {"type": "boolean"}}}`)})
	}
	c := vocab.Config{Width: 256}
	for i := range 256 {
		c.Tokens = append(c.Tokens, []byte{byte(i)})
	}
	v, err := vocab.New(c)
	if err != nil {
		b.Fatal(err)
	}
	model := &Model{dialect: chat.Hermes}
	var cache grammarCache
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cache.get(model.constraintOf(req, chat.Reasoning{}), v); err != nil {
			b.Fatal(err)
		}
	}
}
