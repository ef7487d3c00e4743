package grammar_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
)

// freeText is what a model writes around calls, with much that begins like one.
const freeText = "Sure, let me look. If a < b, then <b>bold</b> text is <function of=\"x\">; 日本語も書けます, naïvely.\n\n" +
	"```html\n<function>\n<func\n</function>\n```\nNext I call the function: <functio <fun <<< {\"a\": [1, 2]} and go on "

// triggerGrammar is free text with n tools, each with a trigger of its own; what follows it
// are the tool's arguments, then free text again.
func triggerGrammar(tb testing.TB, n int) *gbnf.Grammar {
	tb.Helper()
	b := gbnf.NewBuilder()
	root := b.Declare("root")
	c := schema.New(b, benchOptions)
	text := gbnf.Text{End: true, Again: true}
	for i := range n {
		e, err := c.ToolText(fmt.Sprint("tool", i), []byte(benchTool))
		if err != nil {
			tb.Fatal(err)
		}
		text.Triggers = append(text.Triggers, gbnf.Trigger{Text: fmt.Sprintf("<function=get_%03d_%d>", i, i*7919), After: gbnf.Concat(e, gbnf.Lit("</function>"))})
	}
	e, err := text.Add(b, "text")
	if err != nil {
		tb.Fatal(err)
	}
	b.Define(root, e)
	return b.Grammar(root)
}

// longestTokens splits text into the longest tokens.
func longestTokens(v *vocab.Vocab, text string) []int32 {
	var ids []int32
	trie := v.Trie()
	for len(text) > 0 {
		best, size := int32(-1), 0
		for n := 1; n <= len(text) && n <= 40; n++ {
			node, ok := trie.Find([]byte(text[:n]))
			if !ok {
				break
			}
			if t := trie.Nodes[node].Token(); t >= 0 {
				best, size = t, n
			}
		}
		ids = append(ids, best)
		text = text[size:]
	}
	return ids
}

// follow asks for the mask and takes the token, as a generation does.
func follow(tb testing.TB, m *grammar.Matcher, ids []int32) {
	for _, id := range ids {
		if !m.Mask().Has(id) {
			tb.Fatalf("token %d is not allowed after %d tokens", id, m.Len())
		}
		if err := m.Accept(id); err != nil {
			tb.Fatal(err)
		}
	}
}

// TestFreeTextCosts: masks of free text are those of one trigger whatever the number of
// triggers, nothing grows with the length of the text, and calls leave no trace behind them.
func TestFreeTextCosts(t *testing.T) {
	v := publishedVocab(t, "qwen2.5")
	ids := longestTokens(v, freeText)
	call := longestTokens(v, `<function=get_000_0>{"city": "Lisbon", "days": 1}</function>`)
	work := map[int]grammar.Stats{}
	for _, n := range []int{1, 500} {
		c := benchCompile(t, triggerGrammar(t, n), v)
		m := c.NewMatcher()
		follow(t, m, ids)
		work[n] = c.Stats()
		follow(t, m, call)
		follow(t, m, ids)
		after := c.Stats()
		for range 50 {
			follow(t, m, ids)
			follow(t, m, call)
		}
		if s := c.Stats(); s.Walks != after.Walks || s.Nodes != after.Nodes || s.Configs > after.Configs+2 {
			t.Errorf("%d triggers: a long text costs more than a short one: %+v, then %+v", n, after, s)
		}
	}
	one, many := work[1], work[500]
	t.Logf("one trigger: %d nodes, %d configurations; 500: %d nodes, %d configurations", one.Nodes, one.Configs, many.Nodes, many.Configs)
	if many.Nodes > one.Nodes*3/2 || many.Configs > one.Configs*3/2 {
		t.Errorf("500 triggers: %+v, one: %+v", many, one)
	}
}

// BenchmarkFreeText measures a token of free text, mask and step, by the number of triggers:
// in a text that was seen before, and with a grammar that no text has explored.
func BenchmarkFreeText(b *testing.B) {
	v := publishedVocab(b, "qwen2.5")
	ids := longestTokens(v, freeText)
	for _, n := range []int{1, 10, 500} {
		g := triggerGrammar(b, n)
		b.Run(fmt.Sprintf("state=seen/triggers=%d", n), func(b *testing.B) {
			m := benchCompile(b, g, v).NewMatcher()
			follow(b, m, ids)
			b.ReportAllocs()
			for b.Loop() {
				m.Reset()
				follow(b, m, ids)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(ids)), "ns/token")
		})
		b.Run(fmt.Sprintf("state=new/triggers=%d", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				m := benchCompile(b, g, v).NewMatcher()
				b.StartTimer()
				follow(b, m, ids)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(ids)), "ns/token")
		})
	}
}

// BenchmarkClone measures drafts: a clone that tries four tokens, and the same by rollback.
func BenchmarkClone(b *testing.B) {
	v := publishedVocab(b, "qwen2.5")
	ids := longestTokens(v, freeText)
	for _, length := range []int{100, 10_000} {
		m := benchCompile(b, triggerGrammar(b, 1), v).NewMatcher()
		for m.Len() < length {
			follow(b, m, ids)
		}
		b.Run(fmt.Sprintf("way=clone/tokens=%d", length), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				follow(b, m.Clone(), ids[:4])
			}
		})
		b.Run(fmt.Sprintf("way=rollback/tokens=%d", length), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				follow(b, m, ids[:4])
				if err := m.Rollback(4); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestHistories: clones and rollbacks across many tokens do not touch each other, and a token
// that is refused changes nothing.
func TestHistories(t *testing.T) {
	v := smallVocab(t)
	g, err := gbnf.Parse(`root ::= ("a" "b"* "," | "c" [a-c] ",")*`)
	if err != nil {
		t.Fatal(err)
	}
	c, err := grammar.Compile(g, v, grammar.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 9))
	type text struct {
		m   *grammar.Matcher
		ids []int32
	}
	texts := []text{{m: c.NewMatcher()}}
	for range 20000 {
		i := r.IntN(len(texts))
		x := &texts[i]
		switch r.IntN(12) {
		case 0:
			if len(texts) < 20 {
				texts = append(texts, text{x.m.Clone(), slices.Clone(x.ids)})
			}
		case 1:
			n := r.IntN(min(len(x.ids), 10) + 1)
			if r.IntN(200) == 0 {
				n = len(x.ids) / 2
			}
			if err := x.m.Rollback(n); err != nil {
				t.Fatal(err)
			}
			x.ids = x.ids[:len(x.ids)-n]
		case 2:
			before, refused := x.m.Mask(), int32(-1)
			for id := range int32(v.Len()) {
				if !before.Has(id) {
					refused = id
				}
			}
			if err := x.m.Accept(refused); !errors.Is(err, grammar.ErrToken) || x.m.Len() != len(x.ids) || !x.m.Mask().Equal(before) {
				t.Fatalf("a refused token: %v, %d tokens of %d", err, x.m.Len(), len(x.ids))
			}
		default:
			var allowed []int32
			for id := range x.m.Mask().All {
				if !v.IsEOG(id) {
					allowed = append(allowed, id)
				}
			}
			id := allowed[r.IntN(len(allowed))]
			if err := x.m.Accept(id); err != nil {
				t.Fatal(err)
			}
			x.ids = append(slices.Clip(x.ids), id)
		}
	}
	most := 0
	for _, x := range texts {
		most = max(most, len(x.ids))
		again := c.NewMatcher()
		for _, id := range x.ids {
			if err := again.Accept(id); err != nil {
				t.Fatal(err)
			}
		}
		if x.m.Len() != len(x.ids) || !x.m.Mask().Equal(again.Mask()) || x.m.Rollback(len(x.ids)+1) == nil {
			t.Fatalf("%d tokens, %d given", x.m.Len(), len(x.ids))
		}
		for n := len(x.ids); n > 0; n-- {
			if err := errors.Join(x.m.Rollback(1), again.Rollback(1)); err != nil || !x.m.Mask().Equal(again.Mask()) {
				t.Fatalf("%d tokens back: %v", len(x.ids)-n+1, err)
			}
		}
	}
	if most < 100 {
		t.Errorf("no text has more than %d tokens", most)
	}
}
