package grammar_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/vocab"
)

func compileText(t testing.TB, v *vocab.Vocab, text string) *grammar.Compiled {
	t.Helper()
	g, err := gbnf.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := grammar.Compile(g, v, grammar.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// byteVocab has a token for every byte, an end of generation (256), a special token (257)
// and some words.
func byteVocab(t testing.TB, words ...string) *vocab.Vocab {
	t.Helper()
	c := vocab.Config{EOG: []int32{256}}
	for b := range 256 {
		c.Tokens = append(c.Tokens, []byte{byte(b)})
	}
	c.Tokens = append(c.Tokens, []byte("<end>"), []byte("<call>"))
	c.Special = make([]bool, 258+len(words))
	c.Special[256], c.Special[257] = true, true
	for _, w := range words {
		c.Tokens = append(c.Tokens, []byte(w))
	}
	v, err := vocab.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// feed accepts a text byte by byte and reports whether it was allowed.
func feed(m *grammar.Matcher, text string) bool {
	for i := range len(text) {
		if m.Accept(int32(text[i])) != nil {
			return false
		}
	}
	return true
}

func TestLanguages(t *testing.T) {
	v := byteVocab(t)
	for _, tt := range []struct {
		name, gbnf     string
		accept, reject []string
	}{
		{"left recursion", "root ::= root \"+\" num | num\nnum ::= [0-9]+", []string{"1", "1+2+33"}, []string{"", "+", "1+", "1++2"}},
		{"hidden left recursion", "root ::= opt root \"b\" | \"c\"\nopt ::= \"a\"?", []string{"c", "cb", "acb", "aacbb"}, []string{"b", "ac", "ca"}},
		{"ambiguous", "root ::= root root | \"a\"", []string{"a", "aa", strings.Repeat("a", 60)}, []string{"", "b"}},
		{"endless spaces", "root ::= ws \"x\" ws\nws ::= ([ \\t\\n] ws)?", []string{"x", " \n x\t" + strings.Repeat(" ", 500)}, []string{"", "xx"}},
		{"nested", "root ::= \"(\" root \")\" | \"\"", []string{"", "(())", strings.Repeat("(", 3000) + strings.Repeat(")", 3000)}, []string{"(", "())"}},
		{"repeat of a repeat", "root ::= (\"a\"{2,3} \"b\"?){2,2}", []string{"aaaa", "aabaaa", "aaabaaab"}, []string{"aaa", "aabbaa", "aaaaaaa"}},
		{"repeat of what may be empty", "root ::= (\"a\"* \"b\"?){3} \"c\"", []string{"c", "aaac", "ababac"}, []string{"bbbbc", ""}},
		{"large counts", "root ::= \"a\"{1000,100000} \"b\"", []string{strings.Repeat("a", 1000) + "b", strings.Repeat("a", 5000) + "b"}, []string{strings.Repeat("a", 999) + "b"}},
		{"code points", "root ::= [α-ωà\U0001F600-\U0001F64F] .", []string{"αx", "à😀", "😀\u20ac"}, []string{"a", "Ωx", "α\xff", "\xf0\x9f\x98"}},
		{"negated class", "root ::= [^a-z\"]+", []string{"A", "é\n", "\U0010FFFF"}, []string{"a", "\"", "A\xed\xa0\x80"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := compileText(t, v, tt.gbnf)
			for _, s := range tt.accept {
				if m := c.NewMatcher(); !feed(m, s) || !m.Accepting() {
					t.Errorf("%.60q is not accepted", s)
				}
			}
			for _, s := range tt.reject {
				if m := c.NewMatcher(); feed(m, s) && m.Accepting() {
					t.Errorf("%.60q is accepted", s)
				}
			}
		})
	}
}

func TestCompileErrors(t *testing.T) {
	v := byteVocab(t)
	noDigit, err := vocab.New(vocab.Config{Tokens: [][]byte{[]byte("a"), []byte("11")}})
	if err != nil {
		t.Fatal(err)
	}
	endless := gbnf.NewBuilder()
	id := endless.Declare("root")
	endless.Define(id, gbnf.Concat(gbnf.Lit("a"), &gbnf.Ref{Rule: id}))
	for _, tt := range []struct {
		name string
		g    *gbnf.Grammar
		v    *vocab.Vocab
		l    grammar.Limits
		want string
	}{
		{"endless", endless.Grammar(id), v, grammar.Limits{}, "matches no text"},
		{"states", mustParse(t, "root ::= \"abcdefghij\""), v, grammar.Limits{States: 5}, "more than 5 automaton states"},
		{"token", mustParse(t, "root ::= <nope>"), v, grammar.Limits{}, "<nope>"},
		{"byte", mustParse(t, "root ::= \"1\" | \"a\""), noDigit, grammar.Limits{}, "no token for byte 0x31"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := grammar.Compile(tt.g, tt.v, tt.l)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func mustParse(t testing.TB, text string) *gbnf.Grammar {
	t.Helper()
	g, err := gbnf.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestTokenTerminals(t *testing.T) {
	v := byteVocab(t, "ab")
	const end, call, ab = 256, 257, 258
	for _, tt := range []struct {
		name, gbnf string
		prefix     []int32
		allowed    []int32
		forbidden  []int32
	}{
		{"by name", "root ::= <call> \"a\"", nil, []int32{call}, []int32{'<', 'a', end}},
		{"by id", "root ::= <[257]> \"a\"", []int32{call}, []int32{'a'}, []int32{call, end}},
		{"the text of a special token is no such token", "root ::= \"<call>\"", nil, []int32{'<'}, []int32{call}},
		{"negated", "root ::= !<call> \"x\"", nil, []int32{'a', ab}, []int32{call, end}},
		{"beside bytes", "root ::= <[258]> \"x\" | \"ab\"", []int32{ab}, []int32{'x', end}, []int32{'a'}},
		{"end of generation as a terminal", "root ::= \"a\" <[256]> \"b\"", []int32{'a'}, []int32{end}, []int32{'b'}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := compileText(t, v, tt.gbnf).NewMatcher()
			for _, tok := range tt.prefix {
				if err := m.Accept(tok); err != nil {
					t.Fatal(err)
				}
			}
			mask := m.Mask()
			for _, tok := range tt.allowed {
				if !mask.Has(tok) || m.Clone().Accept(tok) != nil {
					t.Errorf("token %d is not allowed", tok)
				}
			}
			for _, tok := range tt.forbidden {
				if mask.Has(tok) || m.Clone().Accept(tok) == nil {
					t.Errorf("token %d is allowed", tok)
				}
			}
		})
	}
}

func TestEndOfGeneration(t *testing.T) {
	v := byteVocab(t)
	m := compileText(t, v, `root ::= "a"+`).NewMatcher()
	if err := m.Accept(256); !errors.Is(err, grammar.ErrToken) {
		t.Errorf("the end is accepted before the text: %v", err)
	}
	if !feed(m, "aa") || m.Done() || m.Accept(256) != nil || !m.Done() || m.Mask().Count() != 0 {
		t.Error("the end is not accepted, or something after it")
	}
	if err := m.Accept('a'); !errors.Is(err, grammar.ErrToken) {
		t.Errorf("a token after the end: %v", err)
	}
	if err := m.Rollback(2); err != nil || m.Len() != 1 || !feed(m, "a") {
		t.Error("no way back from behind the end")
	}
	if m.Rollback(5) == nil || m.Rollback(-1) == nil {
		t.Error("rolled back what was never there")
	}
	m.Reset()
	if m.Len() != 0 || m.Accepting() {
		t.Error("Reset does not go back to the start")
	}
}

func TestForced(t *testing.T) {
	v := byteVocab(t)
	m := compileText(t, v, `root ::= "{\"name\": \"" ("add" | "adder") "\"}" "!"?`).NewMatcher()
	if got := string(m.Forced(100)); got != `{"name": "add` {
		t.Errorf("forced %q", got)
	}
	if got := string(m.Forced(3)); got != `{"n` {
		t.Errorf("forced %q within 3 bytes", got)
	}
	feed(m, `{"name": "adder"}`)
	if got := m.Forced(100); len(got) != 0 {
		t.Errorf("forced %q although the text may end", got)
	}
}

// TestSharedCompiled runs many matchers of one Compiled at once, with a cache that is
// dropped all the time, and expects the masks of a private one.
func TestSharedCompiled(t *testing.T) {
	v := byteVocab(t, "true", "\"a\"", "[[", "]]", "1,")
	g := mustParse(t, "root ::= \"[\" (v (\",\" v)*)? \"]\"\nv ::= root | \"true\" | [0-9]{1,3} | \"\\\"\" [^\"]{0,9} \"\\\"\"")
	shared, err := grammar.Compile(g, v, grammar.Limits{CacheBytes: 1 << 14})
	if err != nil {
		t.Fatal(err)
	}
	private, err := grammar.Compile(g, v, grammar.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for seed := range uint64(8) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 3))
			m, want := shared.NewMatcher(), private.NewMatcher()
			for range 150 {
				mask := m.Mask()
				if !mask.Equal(want.Mask()) {
					t.Errorf("seed %d: masks differ after %d tokens", seed, m.Len())
					return
				}
				tok := pick(r, mask)
				if m.Accept(tok) != nil || want.Accept(tok) != nil {
					t.Errorf("seed %d: token %d of the mask is not accepted", seed, tok)
					return
				}
				if m.Done() {
					m.Reset()
					want.Reset()
				}
			}
		})
	}
	wg.Wait()
	if s := shared.Stats(); s.Resets == 0 {
		t.Error("the cache was never dropped: the test tests nothing")
	}
}

// TestTokenTriggers: a special token ends free text as a text does.
func TestTokenTriggers(t *testing.T) {
	v, err := vocab.New(vocab.Config{Tokens: [][]byte{[]byte("a"), []byte("<"), []byte("x"), []byte("[CALL]"), []byte("</s>")},
		Special: []bool{false, false, false, true, true}, EOG: []int32{4}})
	if err != nil {
		t.Fatal(err)
	}
	b := gbnf.NewBuilder()
	root := b.Declare("root")
	text := gbnf.Text{End: true, Again: true, Avoid: []gbnf.Range{{Lo: 'b', Hi: 'w'}, {Lo: 'y', Hi: 'z'}}, Triggers: []gbnf.Trigger{
		{Token: &gbnf.Token{Name: "[CALL]"}, After: gbnf.Lit("x<")}, {Text: "<x", After: gbnf.Lit("a")}}}
	for i := range text.Triggers { // all other characters have no token
		text.Triggers[i].After = gbnf.Concat(text.Triggers[i].After)
	}
	e, err := text.Add(b, "text")
	if err != nil {
		t.Fatal(err)
	}
	b.Define(root, e)
	tr, err := grammar.NewTrace(b.Grammar(root), v)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		token int32
		ok    bool
	}{{0, true}, {1, true}, {3, true}, {0, false}, {2, true}, {2, false}, {1, true}, {2, true}, {3, true}, {2, true}, {1, true}, {1, true}, {2, true}, {2, false}, {3, false}, {0, true}, {2, true}} {
		if tr.AcceptToken(step.token) != step.ok {
			t.Fatalf("step %d, token %d: want %v", i, step.token, step.ok)
		}
	}
	if !tr.Accepting() {
		t.Error("the text may not end")
	}
}
