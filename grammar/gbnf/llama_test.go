//go:build cgo

package gbnf_test

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/engine/llama"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
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

// TestLlamaReadsCollections: llama.cpp takes the printed form of every collected grammar,
// also of those that it would not take as they are.
func TestLlamaReadsCollections(t *testing.T) {
	dir := gbnf.TestData(t, "gbnf")
	m := llamaVocabulary(t)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || ext != ".gbnf" && ext != ".ebnf" {
			return err
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			g, err := gbnf.Parse(string(text))
			if err != nil {
				t.Fatal(err)
			}
			sampler(t, m, g).Close()
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestLlamaAgrees: on random grammars, llama.cpp derives from the printed text what the
// definition derives from the grammar.
func TestLlamaAgrees(t *testing.T) {
	m := llamaVocabulary(t)
	tokens := make(map[byte]int32)
	eog := int32(-1)
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

// TestLlamaReadsTools: llama.cpp takes the printed grammars of real tool sets.
func TestLlamaReadsTools(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(gbnf.TestData(t, "bfcl"), "BFCL_*_multiple.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	m := llamaVocabulary(t)
	const perFile = 40
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			lines := bufio.NewScanner(f)
			lines.Buffer(nil, 1<<20)
			read := 0
			for read < perFile && lines.Scan() {
				var row struct {
					ID       string          `json:"id"`
					Function json.RawMessage `json:"function"`
				}
				if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
					t.Fatal(err)
				}
				g, err := toolGrammar(row.Function)
				if err != nil {
					t.Logf("%s is refused: %v", row.ID, err)
					continue
				}
				sampler(t, m, g).Close()
				read++
			}
			if err := lines.Err(); err != nil {
				t.Fatal(err)
			}
			if read == 0 {
				t.Error("no row was read")
			}
		})
	}
}

// toolGrammar is the grammar of an array of calls.
func toolGrammar(text []byte) (*gbnf.Grammar, error) {
	tools, err := chat.ParseTools(text)
	if err != nil {
		return nil, err
	}
	b := gbnf.NewBuilder()
	var rules []chat.ToolRules
	for _, tool := range tools {
		e, err := schema.CompileTool(b, tool.Name, tool.Parameters, schema.Options{PythonNames: true, ClosedObjects: true})
		if err != nil {
			return nil, err
		}
		rules = append(rules, chat.ToolRules{Name: tool.Name, Arguments: e})
	}
	root, err := chat.PlainArray.Grammar(b, rules, chat.Choice{Mode: chat.Required}, 0)
	if err != nil {
		return nil, err
	}
	return b.Grammar(root), nil
}
