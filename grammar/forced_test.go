package grammar_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/vocab"
)

// greedy is a tokenizer that always takes the longest token.
func greedy(v *vocab.Vocab) func([]byte) []int32 {
	return func(text []byte) []int32 {
		var ids []int32
		for len(text) > 0 {
			best := int32(-1)
			for t := range int32(v.Len()) {
				b := v.Bytes(t)
				if v.IsText(t) && len(b) <= len(text) && string(text[:len(b)]) == string(b) && (best < 0 || len(b) > len(v.Bytes(best))) {
					best = t
				}
			}
			if best < 0 {
				return nil
			}
			ids = append(ids, best)
			text = text[len(v.Bytes(best)):]
		}
		return ids
	}
}

func TestForcedTokens(t *testing.T) {
	texts := []string{"<end>", "a", "b", "c", "d", "ab", "bc", "cd", "abc", "de", "é"}
	config := vocab.Config{EOG: []int32{0}}
	for _, s := range texts {
		config.Tokens = append(config.Tokens, []byte(s))
	}
	for _, b := range []byte{'e', 0xC3, 0xA9, 0xA8} {
		config.Tokens = append(config.Tokens, []byte{b})
	}
	v, err := vocab.New(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, gbnf, before string
		want               []string
	}{
		{"to the end", `root ::= "abcd"`, "", []string{"abc", "d"}},
		{"nothing forced", `root ::= "a" | "b"`, "", nil},
		{"may end", `root ::= "a" "b"?`, "a", nil},
		{"what follows may join", `root ::= "ab" ("c" | "d")`, "", nil},        // abc
		{"a part may join", `root ::= "ab" ("cd" | "a")`, "", nil},             // abc, bc
		{"nothing joins", `root ::= "ad" ("a" | "b")`, "", []string{"a", "d"}}, // no da, no db
		{"the last may join", `root ::= "ad" ("e" | "b")`, "", []string{"a"}},  // de
		{"after a start", `root ::= "abcab" ("a" | "b")`, "a", []string{"bc", "ab"}},
		{"half a character", `root ::= "a" ("é" | "è")`, "", []string{"a"}},
		{"within a character", `root ::= "é"`, "\xc3", nil},
		{"a token terminal", `root ::= "ab" <[4]>`, "", []string{"ab"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := gbnf.Parse(tt.gbnf)
			if err != nil {
				t.Fatal(err)
			}
			c, err := grammar.Compile(g, v, grammar.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			m := c.NewMatcher()
			for i := range len(tt.before) {
				id := int32(slices.IndexFunc(config.Tokens, func(b []byte) bool { return string(b) == tt.before[i:i+1] }))
				if err := m.Accept(id); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, id := range m.ForcedTokens(100, greedy(v)) {
				got = append(got, texts[id])
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("forced %q, want %q", got, tt.want)
			}
			if m.Len() != len(tt.before) {
				t.Errorf("the matcher moved to %d tokens", m.Len())
			}
		})
	}
}

// TestForcedTokensAreAllowed: forced tokens spell the forced bytes, and are allowed one after
// the other; a tokenizer that spells something else forces nothing.
func TestForcedTokensAreAllowed(t *testing.T) {
	v := smallVocab(t)
	r := rand.New(rand.NewPCG(5, 6))
	some := 0
	for range 400 {
		c, err := grammar.Compile(randomGrammar(r), v, grammar.Limits{})
		if errors.Is(err, grammar.ErrEmpty) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		m := c.NewMatcher()
		for range 6 {
			before, bytes := m.Len(), m.Forced(50)
			tokens := m.ForcedTokens(50, greedy(v))
			if m.ForcedTokens(50, func([]byte) []int32 { return []int32{3, 3, 3} }) != nil && string(bytes) != "aaa" {
				t.Fatal("tokens of another text are forced")
			}
			var text []byte
			for _, id := range tokens {
				some++
				text = append(text, v.Bytes(id)...)
				if !m.Mask().Has(id) {
					t.Fatalf("token %q is forced but not allowed", v.Bytes(id))
				}
				if err := m.Accept(id); err != nil {
					t.Fatal(err)
				}
			}
			if len(text) > len(bytes) || string(text) != string(bytes[:len(text)]) {
				t.Fatalf("forced tokens spell %q, forced bytes are %q", text, bytes)
			}
			if err := m.Rollback(m.Len() - before); err != nil {
				t.Fatal(err)
			}
			allowed := slices.Collect(m.Mask().All)
			if len(allowed) == 0 || m.Accept(allowed[r.IntN(len(allowed))]) != nil {
				break
			}
		}
	}
	if some < 100 {
		t.Errorf("only %d tokens were forced", some)
	}
}

// BenchmarkForcedTokens measures asking at each token of a call: where something is forced and
// where nothing is.
func BenchmarkForcedTokens(b *testing.B) {
	v := publishedVocab(b, "qwen2.5")
	c := benchCompile(b, benchGrammar(b), v)
	ids := longestTokens(v, `{"city": "Lisbon, the capital", "days": 3, "scale": "celsius", "tags": ["a", "warm place"]}`)
	tokenize := func(text []byte) []int32 { return longestTokens(v, string(text)) }
	m := c.NewMatcher()
	forced, calls := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		m.Reset()
		for _, id := range ids {
			forced += len(m.ForcedTokens(256, tokenize))
			calls++
			if err := m.Accept(id); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(calls), "ns/call")
	b.ReportMetric(float64(forced)/float64(calls), "tokens/call")
}
