// Package grammar answers one question, exactly: which tokens may come next? It compiles
// grammars (rule trees of grammar/gbnf, to which JSON Schemas, regular expressions and
// tool sets are translated) and computes token masks for them.
//
// Compile makes a Compiled, immutable and shared; each generated text has a Matcher of its
// own. Token t is allowed after a prefix if and only if some text of the language begins
// with the prefix followed by t's bytes; the end-of-generation tokens are allowed if and
// only if the prefix itself is in the language. From every reachable state the end can be
// reached.
//
// The package uses no cgo, reads no clock and logs nothing.
package grammar

import (
	"errors"
	"fmt"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/internal/mask"
	"github.com/callama/callama/grammar/vocab"
)

// ErrEmpty is returned by Compile for a grammar that matches no text at all.
var ErrEmpty = automaton.ErrEmpty

// LimitError says which bound a grammar hit: Name is what was counted, Limit how much of
// it is allowed.
type LimitError = automaton.LimitError

// Limits bounds what one grammar may cost. Zero fields take the defaults.
type Limits struct {
	// States bounds the automaton: about 100 bytes each. Default 2^21, some thousand tools.
	States int
	// CacheBytes bounds the memory for explored configurations and their masks; when it is
	// exceeded the cache is dropped and filled anew. Default 64 MiB: at 19 KB a mask, more
	// than the distinct masks of a hundred tools.
	CacheBytes int
}

// Compiled is a grammar ready to run with one vocabulary. It is immutable to its users and
// safe for concurrent use; what one Matcher explores, all Matchers of it profit from.
type Compiled struct {
	prog   *automaton.Program
	engine *mask.Engine
	vocab  *vocab.Vocab
}

// Compile prepares a grammar. Left-recursive rules are rewritten first; the language stays
// the same. g must not change afterwards: its rules are made into states when a text first
// reaches them. Errors: ErrEmpty, *LimitError, a token terminal or byte that the vocabulary
// lacks, or a malformed rule tree. Cost: linear in the grammar, some 20 µs for a tool.
func Compile(g *gbnf.Grammar, v *vocab.Vocab, l Limits) (*Compiled, error) {
	return compile(g, v, l, mask.Options{CacheBytes: l.CacheBytes})
}

func compile(g *gbnf.Grammar, v *vocab.Vocab, l Limits, o mask.Options) (*Compiled, error) {
	if err := gbnf.CheckRules(g); err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	opts := automaton.Options{MaxStates: l.States, Token: v.Lookup}
	prog, err := automaton.Compile(g, opts)
	if errors.Is(err, automaton.ErrLeftRecursive) {
		if g, err = gbnf.EliminateLeftRecursion(g); err != nil {
			return nil, fmt.Errorf("grammar: %w", err)
		}
		prog, err = automaton.Compile(g, opts)
	}
	if err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	if b, found := prog.Missing(v.Spells); found {
		return nil, fmt.Errorf("grammar: the vocabulary has no token for byte 0x%02x, which the grammar may need", b)
	}
	return &Compiled{prog: prog, engine: mask.NewEngine(prog, v, o), vocab: v}, nil
}

// Vocab returns the vocabulary the grammar was compiled for.
func (c *Compiled) Vocab() *vocab.Vocab { return c.vocab }

// MinBytes returns the length of the shortest text of the language: a budget of as many
// tokens always suffices.
func (c *Compiled) MinBytes() int { return c.prog.MinBytes() }

// Stats counts the work done so far by all Matchers.
type Stats = mask.Stats

// Stats returns the counters.
func (c *Compiled) Stats() Stats { return c.engine.Stats() }
