package automaton

import (
	"errors"
	"fmt"

	"github.com/callama/callama/grammar/gbnf"
)

// Errors of Compile.
var (
	// ErrEmpty is returned for a grammar whose language has no finite text.
	ErrEmpty = errors.New("the grammar matches no text at all")
	// ErrLeftRecursive is returned for a grammar with a rule that can begin with itself.
	ErrLeftRecursive = errors.New("left-recursive")
)

// MaxStates is the default bound on the nondeterministic states of a grammar. A tool
// takes 50 to 500; 2^21 states are about 200 MB, the most that a misbehaving schema should
// cost.
const MaxStates = 1 << 21

// LimitError says which bound of this package a grammar hit.
type LimitError struct {
	Name  string
	Limit int
}

func (e *LimitError) Error() string { return fmt.Sprintf("more than %d %s", e.Limit, e.Name) }

// Options of Compile. The zero value is a good default, except for grammars with named
// token terminals.
type Options struct {
	MaxStates int                             // 0 = MaxStates
	Token     func(name string) (int32, bool) // finds <name>; nil finds none
	// Inspect keeps the frames that Frames shows. It makes texts slower and larger to
	// follow, and changes no language.
	Inspect bool
}

// Compile prepares a grammar, which must have passed gbnf.Check and must not change from
// now on. States are made when a text first reaches their rule. Whatever cannot be part of
// a finite text is cut off, so that every configuration of the result can be completed.
// Errors: *LimitError, ErrEmpty, ErrLeftRecursive, or one that names the rule. Cost: three
// walks over the rules that the root reaches.
func Compile(g *gbnf.Grammar, o Options) (*Program, error) {
	if o.MaxStates == 0 {
		o.MaxStates = MaxStates
	}
	if o.Token == nil {
		o.Token = func(string) (int32, bool) { return 0, false }
	}
	rules := g.Rules
	for {
		f := newFacts(rules, g.Root)
		if f.dist[g.Root] >= infinite {
			return nil, ErrEmpty
		}
		if err := f.leftRecursion(); err != nil {
			return nil, err
		}
		s := &survey{facts: f, lookup: o.Token}
		if err := s.run(); err != nil {
			return nil, err
		}
		if s.rewrite {
			var err error
			if rules, err = normalise(f); err != nil {
				return nil, err
			}
			continue
		}
		if s.size > o.MaxStates {
			return nil, &LimitError{Name: "automaton states", Limit: o.MaxStates}
		}
		p := &Program{builder: newBuilder(f, o.Token), rootDist: f.dist[g.Root]}
		if o.Inspect {
			p.inspect = &inspection{facts: f, loops: map[[2]gbnf.RuleID]bool{}}
		}
		p.classesOf(s)
		p.root = p.ruleStart(g.Root)
		return p, nil
	}
}
