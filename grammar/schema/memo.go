package schema

import (
	"sync"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// memo keeps immutable values over compilers, by key: schemas repeat the same few patterns,
// formats and ranges, which take up to some milliseconds to make. When what came since the last
// time reaches half of the limit, what was not asked for since then goes. Safe for concurrent use.
type memo[T any] struct {
	limit int // of the sum of weights

	mu          sync.Mutex
	young, old  map[string]weighed[T]
	youngWeight int
}

type weighed[T any] struct {
	value  T
	weight int
}

// get returns the value of a key, made by build where it is not kept: perhaps twice, if two
// goroutines ask at once. Errors are not kept.
func (m *memo[T]) get(key string, build func() (value T, weight int, err error)) (T, error) {
	if v, ok := m.find(key); ok {
		return v, nil
	}
	v, weight, err := build()
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.young[key]; ok {
		return known.value, nil
	}
	m.add(key, weighed[T]{v, weight})
	return v, nil
}

// find looks a key up, and makes it young again.
func (m *memo[T]) find(key string) (v T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if w, ok := m.young[key]; ok {
		return w.value, true
	}
	w, ok := m.old[key]
	if ok {
		delete(m.old, key)
		m.add(key, w)
	}
	return w.value, ok
}

func (m *memo[T]) add(key string, w weighed[T]) {
	if 2*w.weight > m.limit {
		return
	}
	if m.young == nil || 2*(m.youngWeight+w.weight) > m.limit {
		m.old, m.young, m.youngWeight = m.young, make(map[string]weighed[T]), 0
	}
	m.young[key] = w
	m.youngWeight += w.weight
}

// What is kept for all compilers.
var (
	// sharedRules are the rules of characters, strings and numbers, by spelling. One holds
	// about 2 kB: 2 MB.
	sharedRules = [...]memo[*gbnf.State]{Canonical: {limit: 1024}, AnySpelling: {limit: 1024}}
	// sharedChars are the expressions of one character of a set. One holds some 100 bytes: 100 kB.
	sharedChars = [...]memo[gbnf.Expr]{Canonical: {limit: 1024}, AnySpelling: {limit: 1024}}
	// sharedPatterns are parsed patterns, of some 1.5 kB: 400 kB.
	sharedPatterns = memo[*regex.Regex]{limit: 256}
	// sharedAutomata are those of patterns, of their products, and of numbers, weighed by
	// their tables' cells of four bytes: 1 MB. Four times as much saves hardly anything.
	sharedAutomata = memo[*regex.DFA]{limit: 1 << 18}
	// sharedLanguages are the rules of automata, by spelling, weighed by states: a state
	// holds about 100 bytes, and as much for every lengthsOfState that must be counted: 3 MB.
	sharedLanguages = [...]memo[*gbnf.State]{Canonical: {limit: 1 << 15}, AnySpelling: {limit: 1 << 15}}
)

// lengthsOfState is how many lengths, of four bytes, weigh as much as a state.
const lengthsOfState = 25

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

// stringsOf returns the rule of an automaton's strings, quotes included, or nil if there
// are none. Equal keys, which may be empty, mean equal languages.
func (c *Compiler) stringsOf(name, key string, d *regex.DFA) (*gbnf.State, error) {
	if key == "" {
		e, _, err := c.newStrings(name, d, nil)
		return e, err
	}
	return sharedLanguages[c.opts.Spelling].get(key, func() (*gbnf.State, int, error) { return c.newStrings(name, d, nil) })
}

// newStrings makes the rule of an automaton's strings within a window, and weighs it.
func (c *Compiler) newStrings(name string, d *regex.DFA, w *regex.Window) (*gbnf.State, int, error) {
	e, err := regex.Rules(name, d, regex.RuleOptions{Encoding: c.opts.Spelling.encode, End: quote, Length: w})
	if err != nil || e == nil {
		return nil, 1, err
	}
	weight := d.States() + 1
	if w != nil {
		weight += d.States() * max(0, w.Min) / lengthsOfState
	}
	return gbnf.Fixed(name, gbnf.Concat(quote, e)), weight, nil
}
