package schema

import (
	"sync"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// memo keeps immutable values over compilers, by key: schemas repeat the same few patterns,
// formats and ranges, which take up to some milliseconds to make. When it outgrows its
// limit it is emptied. Safe for concurrent use.
type memo[T any] struct {
	limit int // of the sum of weights

	mu     sync.RWMutex
	of     map[string]T
	weight int
}

// get returns the value of a key, made by build where it is not kept: perhaps twice, if two
// goroutines ask at once. Errors are not kept.
func (m *memo[T]) get(key string, build func() (value T, weight int, err error)) (T, error) {
	m.mu.RLock()
	v, ok := m.of[key]
	m.mu.RUnlock()
	if ok {
		return v, nil
	}
	v, weight, err := build()
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.of[key]; ok {
		return known, nil
	}
	if m.of == nil || m.weight+weight > m.limit {
		m.of, m.weight = make(map[string]T), 0
	}
	m.of[key] = v
	m.weight += weight
	return v, nil
}

// What is kept for all compilers.
var (
	// sharedRules are the rules of characters, strings and numbers, by spelling. One holds
	// about 2 kB.
	sharedRules = [...]memo[*gbnf.State]{Canonical: {limit: 4096}, AnySpelling: {limit: 4096}}
	// sharedChars are the expressions of one character of a set. One holds some 100 bytes.
	sharedChars = [...]memo[gbnf.Expr]{Canonical: {limit: 4096}, AnySpelling: {limit: 4096}}
	// sharedPatterns are parsed patterns.
	sharedPatterns = memo[*regex.Regex]{limit: 4096}
	// sharedAutomata are those of patterns, of their products, and of numbers, weighed by
	// their tables' cells of four bytes: 32 MB.
	sharedAutomata = memo[*regex.DFA]{limit: 8 << 20}
	// sharedLanguages are the rules of automata, by spelling, weighed by states: a state
	// holds about 100 bytes.
	sharedLanguages = [...]memo[*gbnf.State]{Canonical: {limit: 1 << 18}, AnySpelling: {limit: 1 << 18}}
)

// automaton returns one of sharedAutomata, or makes it, where bounds that the caller chose
// may decide whether it can be made.
func (c *Compiler) automatonOf(key string, build func() (*regex.DFA, error)) (*regex.DFA, error) {
	if key == "" || c.lim.Pattern != (regex.Limits{}) {
		return build()
	}
	return sharedAutomata.get(key, func() (*regex.DFA, int, error) {
		d, err := build()
		if err != nil {
			return nil, 0, err
		}
		return d, d.Size(), nil
	})
}

// stringsOf returns the rule of an automaton's strings within a window, quotes included,
// or nil if there are none. Equal keys, which may be empty, mean equal languages.
func (c *Compiler) stringsOf(name, key string, d *regex.DFA, w *regex.Window) (*gbnf.State, error) {
	build := func() (*gbnf.State, int, error) {
		e, err := regex.Rules(name, d, regex.RuleOptions{Encoding: c.opts.Spelling.encode, End: gbnf.Lit(`"`), Length: w})
		if err != nil || e == nil {
			return nil, 1, err
		}
		return gbnf.Fixed(name, gbnf.Concat(gbnf.Lit(`"`), e)), d.States() + 1, nil
	}
	if key == "" {
		e, _, err := build()
		return e, err
	}
	return sharedLanguages[c.opts.Spelling].get(key, build)
}
