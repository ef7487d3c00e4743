//go:build cgo

package gbnf_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/engine/llama"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
)

// llamaVocabulary returns a vocabulary of llama.cpp, whose grammar engine is the second
// opinion on what Print writes.
func llamaVocabulary(t *testing.T) *llama.Model {
	t.Helper()
	found, err := runtimes.Find("")
	if err != nil {
		t.Skipf("no llama.cpp runtime (make runtime installs one): %v", err)
	}
	lib, err := llama.Load(found.Library, llama.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "vocabulary.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{VocabOnly: true}); err != nil {
		t.Fatal(err)
	}
	m, err := lib.LoadModel(path, llama.ModelParams{VocabOnly: true})
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

// sampler has llama.cpp parse what g prints.
func sampler(t *testing.T, m *llama.Model, g *gbnf.Grammar) *llama.GrammarSampler {
	t.Helper()
	s, err := m.NewGrammarSampler(g.String(), "root")
	if err != nil {
		t.Fatalf("llama.cpp refuses printed text: %v\n%s", err, g)
	}
	return s
}

// TestLlamaAgrees: on random grammars, llama.cpp derives from the printed text what the
// definition derives from the grammar.
func TestLlamaAgrees(t *testing.T) {
	m := llamaVocabulary(t)
	tokens, eog := byteTokens(t, m)
	rounds := 1000
	if testing.Short() {
		rounds = 20
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range rounds {
		g := gbnf.RandomGrammar(rng, true)
		s := sampler(t, m, g)
		// llama.cpp keeps every way to read a text; very ambiguous grammars never finish.
		const mostBytes = 400
		if len(g.String()) > mostBytes {
			s.Close()
			continue
		}
		for _, text := range gbnf.Texts("ab", 4) {
			got := llamaAccepts(t, s, text, tokens, eog)
			if want := gbnf.Accepts(g, text); got != want {
				t.Fatalf("%q: llama.cpp %v, the definition %v\n%s", text, got, want, g)
			}
		}
		s.Close()
	}
}

func llamaAccepts(t *testing.T, s *llama.GrammarSampler, text string, tokens map[byte]int32, eog int32) bool {
	t.Helper()
	s, err := s.Clone()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	allowed := func(token int32) bool {
		ok, err := s.Allowed([]int32{token})
		if err != nil {
			t.Fatal(err)
		}
		return ok[0]
	}
	for i := range len(text) {
		if !allowed(tokens[text[i]]) {
			return false
		}
		if err := s.Accept(tokens[text[i]]); err != nil {
			t.Fatal(err)
		}
	}
	return allowed(eog)
}

// byteTokens returns the tokens of single bytes, and one that ends the generation.
func byteTokens(t *testing.T, m *llama.Model) (tokens map[byte]int32, eog int32) {
	t.Helper()
	tokens, eog = make(map[byte]int32), -1
	for id := range int32(m.NTokens()) {
		if b := m.TokenBytes(id); len(b) == 1 {
			tokens[b[0]] = id
		}
		if m.IsEOG(id) {
			eog = id
		}
	}
	if eog < 0 || len(tokens) < 2 {
		t.Fatalf("vocabulary: %d single bytes, end of generation %d", len(tokens), eog)
	}
	return tokens, eog
}

// verdicts compares llama.cpp's verdicts on texts of a grammar and on damaged ones with those of the
// definition.
type verdicts struct {
	m                            *llama.Model
	tokens                       map[byte]int32
	eog                          int32
	rng                          *rand.Rand
	grammars, accepted, rejected int
}

// compare prints g for llama.cpp, and reads what it printed for the definition: where GBNF is weaker
// than g, a comment says so, and the text is what counts.
func (v *verdicts) compare(t *testing.T, name string, g *gbnf.Grammar, size int) {
	t.Helper()
	printed, err := gbnf.Parse(g.String())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	s := sampler(t, v.m, g)
	defer s.Close()
	v.grammars++
	text, ok := ruletest.NewGenerator(printed, uint64(v.grammars)).Text(size)
	if !ok {
		t.Fatalf("%s: no text", name)
	}
	const most = 600 // bytes: llama.cpp takes them one by one
	if len(text) > most {
		return
	}
	damaged := text
	if len(text) > 0 {
		at := v.rng.IntN(len(text))
		switch v.rng.IntN(3) {
		case 0: // a byte goes
			damaged = text[:at] + text[at+1:]
		case 1: // a byte comes
			damaged = text[:at] + string(rune(' '+v.rng.IntN(95))) + text[at:]
		default: // the end goes
			damaged = text[:at]
		}
	}
	for _, x := range []string{text, damaged} {
		if !utf8.ValidString(x) || strings.Contains(x, "\x00") {
			continue // llama.cpp reads some bytes that are no UTF-8, and never U+0000, which ends its strings
		}
		got, want := llamaAccepts(t, s, x, v.tokens, v.eog), ruletest.Accepts(printed, x)
		if got != want {
			t.Errorf("%s: %q: llama.cpp %v, the definition %v\n%s", name, x, got, want, g)
		}
		if got {
			v.accepted++
		} else {
			v.rejected++
		}
	}
}

func newVerdicts(t *testing.T) *verdicts {
	m := llamaVocabulary(t)
	tokens, eog := byteTokens(t, m)
	return &verdicts{m: m, tokens: tokens, eog: eog, rng: rand.New(rand.NewPCG(5, 6))}
}

// TestLlamaAgreesOnTools: the printed grammars of 1,000 real tool sets, and texts of them, mean
// the same to llama.cpp.
func TestLlamaAgreesOnTools(t *testing.T) {
	sets := toolSets(t)
	v := newVerdicts(t)
	most := 1000
	if testing.Short() {
		most = 60
	}
	refused := 0
	for i := 0; i < len(sets) && v.grammars < most; i++ {
		set := sets[i*len(sets)/most%len(sets)] // evenly over the files
		if len(sets) < most {
			set = sets[i]
		}
		g, err := toolGrammar(set.tools, []chat.Dialect{chat.PlainArray, chat.Hermes, chat.Qwen3Coder, chat.GLM45}[i%4])
		if err != nil {
			refused++
			continue
		}
		v.compare(t, set.name, g, 60)
	}
	t.Logf("%d tool sets, %d refused; texts: %d accepted, %d rejected", v.grammars, refused, v.accepted, v.rejected)
	if v.grammars < most || v.accepted < most/2 || v.rejected < most/3 {
		t.Errorf("%d tool sets are too few to mean anything", v.grammars)
	}
}

// TestLlamaAgreesOnCollections: so do collected grammars, also those that llama.cpp would not take
// as they are.
func TestLlamaAgreesOnCollections(t *testing.T) {
	v := newVerdicts(t)
	err := filepath.WalkDir(gbnf.TestData(t, "gbnf"), func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || ext != ".gbnf" && ext != ".ebnf" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		g, err := gbnf.Parse(string(text))
		if err != nil {
			return err
		}
		sizes := 12
		if testing.Short() {
			sizes = 2
		}
		for size := range sizes {
			v.compare(t, filepath.Base(path), g, size)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("texts: %d accepted, %d rejected", v.accepted, v.rejected)
	if v.accepted < 50 && !testing.Short() {
		t.Error("too few texts")
	}
}

type toolSet struct {
	name  string
	tools []byte
}

// toolSets reads the tools of every row of BFCL and of the tool-call conversations.
func toolSets(t *testing.T) []toolSet {
	t.Helper()
	var sets []toolSet
	files, err := filepath.Glob(filepath.Join(gbnf.TestData(t, "bfcl"), "BFCL_*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var row struct {
				ID       string          `json:"id"`
				Function json.RawMessage `json:"function"`
			}
			if err := json.Unmarshal(line, &row); err != nil {
				t.Fatal(err)
			}
			if len(row.Function) > 2 {
				sets = append(sets, toolSet{row.ID, row.Function})
			}
		}
	}
	conversations, err := filepath.Glob(filepath.Join(gbnf.TestData(t, "toolcall"), "*.json"))
	if err != nil || len(conversations) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, path := range conversations {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var rows []struct{ Tools string }
		if err := json.Unmarshal(text, &rows); err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			if len(row.Tools) > 2 {
				sets = append(sets, toolSet{fmt.Sprintf("%s %d", filepath.Base(path), i), []byte(row.Tools)})
			}
		}
	}
	return sets
}

// toolGrammar is the grammar of calls in a dialect.
func toolGrammar(text []byte, d chat.Dialect) (*gbnf.Grammar, error) {
	tools, err := chat.ParseTools(text)
	if err != nil {
		return nil, err
	}
	b := gbnf.NewBuilder()
	c := schema.New(b, schema.Options{PythonNames: true, ClosedObjects: true})
	var rules []chat.ToolRules
	for _, tool := range tools {
		e, _, err := c.ToolTextMarkup(tool.Name, tool.Parameters, d.Markup())
		if err != nil {
			return nil, err
		}
		rules = append(rules, chat.ToolRules{Name: tool.Name, Arguments: e})
	}
	root, err := d.Grammar(b, rules, chat.Choice{Mode: chat.Required}, 0)
	if err != nil {
		return nil, err
	}
	return b.Grammar(root), nil
}
