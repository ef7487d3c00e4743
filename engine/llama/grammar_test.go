package llama

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// allowed returns the tokens of the whole vocabulary that g allows.
func allowed(t *testing.T, g *GrammarSampler) (tokens []int32) {
	t.Helper()
	all := make([]int32, tinyVocab)
	for i := range all {
		all[i] = int32(i)
	}
	ok, err := g.Allowed(all)
	if err != nil {
		t.Fatal(err)
	}
	for i, is := range ok {
		if is {
			tokens = append(tokens, int32(i))
		}
	}
	return tokens
}

func TestGrammarSampler(t *testing.T) {
	m := loadTiny(t)
	g, err := m.NewGrammarSampler("start ::= word | \"(\" word \")\"  # \"(((\nword ::= \"he\" [x-z]?", "start")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	step := func(g *GrammarSampler, token int32, want ...int32) {
		t.Helper()
		if token >= 0 {
			if err := g.Accept(token); err != nil {
				t.Fatal(err)
			}
		}
		if got := allowed(t, g); !slices.Equal(got, want) {
			t.Fatalf("after token %d allowed are %v, want %v", token, got, want)
		}
	}
	step(g, -1, '(', 'h', tinyHello)
	step(g, 'h', 'e')
	if err := g.Accept('x'); !errors.Is(err, ErrRefused) {
		t.Errorf("a refused token: %v", err)
	}
	fork, err := g.Clone()
	if err != nil {
		t.Fatal(err)
	}
	defer fork.Close()
	step(g, 'e', 'x', 'y', 'z', tinyEndOfText, tinyImEnd)
	step(g, 'z', tinyEndOfText, tinyImEnd)
	step(g, tinyImEnd, tinyEndOfText, tinyImEnd)
	step(fork, -1, 'e')
	for _, bad := range []int32{-1, tinyVocab} {
		if err := fork.Accept(bad); err == nil || errors.Is(err, ErrRefused) {
			t.Errorf("token %d: %v", bad, err)
		}
	}
	if got, err := fork.Allowed(nil); err != nil || len(got) != 0 {
		t.Errorf("no tokens: %v, %v", got, err)
	}
	fork.Close()
	if _, err := fork.Allowed([]int32{1}); !errors.Is(err, ErrClosed) {
		t.Errorf("Allowed after Close: %v", err)
	}
	if _, err := fork.Clone(); !errors.Is(err, ErrClosed) {
		t.Errorf("Clone after Close: %v", err)
	}
}

func TestGrammarErrors(t *testing.T) {
	m := loadTiny(t)
	for _, c := range []struct{ name, gbnf, root, says string }{
		{"empty", "", "root", "empty grammar"},
		{"no root", `a ::= "x"`, "root", "does not contain a 'root' symbol"},
		{"undefined rule", `root ::= other`, "root", "failed to parse grammar"},
		{"left recursion", `root ::= root "x" | "y"`, "root", "left recursion"},
		{"zero byte", "root ::= \"x\x00\"", "root", "zero byte at offset 11"},
		{"too deep", "root ::= " + strings.Repeat("(", MaxGrammarNesting+1), "root", "MaxGrammarNesting"},
		{"too long", "root ::= \"x\"\n#" + strings.Repeat("x", MaxGrammarBytes), "root", "MaxGrammarBytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, err := m.NewGrammarSampler(c.gbnf, c.root)
			if err == nil {
				g.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want %q in it", err, c.says)
			}
		})
	}
	deep := "root ::= " + strings.Repeat("(", MaxGrammarNesting) + `"x"` + strings.Repeat(")", MaxGrammarNesting)
	g, err := m.NewGrammarSampler(deep, "root")
	if err != nil {
		t.Fatalf("a grammar at the limit: %v", err)
	}
	g.Close()
}
