// Package corpus invents conversations with function calls, for training and examining small
// models: tools with names, descriptions and schemas, questions in English and Chinese, calls,
// results and what is said about them. What is invented is put together from pools of words
// and from random names, so that a model can only win by reading the tools and copying.
//
// The stages are the files: pools.go and domain.go read the pools; compose.go invents tools of
// words, tool.go gives them names and schemas; values.go and words.go draw values, argument.go
// puts them into calls, phrase.go into questions; task.go plays the turns of a conversation;
// result.go invents results; check.go holds every call against the compiled schema of its
// tool; row.go is the form on disk.
package corpus

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/callama/callama/internal/inorder"
)

// Stage is how much of the corpus a model sees. Copying is learned first and fastest from short
// conversations; what comes later builds on it.
type Stage uint8

// The stages.
const (
	Full   Stage = iota // everything
	Copy                // one or two small tools, a value or two, no results
	Short               // up to three tools, no objects, few turns
	Choose              // two to five tools of a parameter or two, and many questions for them
)

// ParseStage reads copy, short, choose or full.
func ParseStage(name string) (Stage, error) {
	for i, s := range []string{"full", "copy", "short", "choose"} {
		if s == name {
			return Stage(i), nil
		}
	}
	return Full, fmt.Errorf("corpus: stage %q: want copy, short, choose or full", name)
}

// Config says what to write.
type Config struct {
	Seed  uint64
	Split Split
	Stage Stage
	// Tasks bounds the tasks of a conversation; 0 is 1 for what is held out, so that a row has
	// one category, and a few for training, so that one prompt with its tools serves several
	// answers.
	Tasks int
}

// seedMix keeps the streams of a seed's conversations apart.
const seedMix = 0x9e3779b97f4a7c15

// Generate calls each with n conversations, in order. The i-th depends on the Config and on i alone:
// they are invented on all processor cores, a few ahead of each, which runs in the caller's goroutine
// and owns the row. It ends with the first error of each, or with the context's.
func Generate(ctx context.Context, cfg Config, n int, each func(*Row) error) error {
	numbers := func(yield func(int) bool) {
		for i := 0; i < n && yield(i); i++ {
		}
	}
	return inorder.Each(ctx, numbers, func(i int) (*Row, error) {
		row, err := cfg.Row(uint64(i))
		if err != nil {
			return nil, fmt.Errorf("corpus: conversation %d: %w", i, err)
		}
		return row, nil
	}, each)
}

// Row invents the conversation of a number. An error means that a call does not fit its
// tool's schema, or that a pool is broken: a defect of the package. It is safe for concurrent use.
func (cfg Config) Row(i uint64) (*Row, error) {
	all, err := pools()
	if err != nil {
		return nil, err
	}
	s := &source{Rand: rand.New(rand.NewPCG(cfg.Seed^uint64(cfg.Split)<<40^uint64(cfg.Stage)<<48, i*seedMix+1)),
		split: cfg.Split, pools: all[cfg.Split]}
	share := 0.48
	if cfg.Split == Train { // the harder language of the two, for a model of this size
		share = 0.55
	}
	if s.chance(share) {
		s.lang = chinese
	}
	c := newConversation(s, cfg)
	if err := c.play(); err != nil {
		return nil, err
	}
	return c.row(), nil
}
