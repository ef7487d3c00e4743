package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// language is the set of strings that match some patterns and have a length in a window: not empty.
type language struct {
	expr  gbnf.Expr
	build func() (gbnf.Expr, error) // of expr, where it is not made yet: proofs need none
}

// rule returns the expression of the strings, quotes included.
func (l *language) rule() (gbnf.Expr, error) {
	if l.expr == nil {
		var err error
		if l.expr, err = l.build(); err != nil {
			return nil, err
		}
	}
	return l.expr, nil
}

// language returns the strings that a conjunct with patterns admits, or nil if there are
// none.
func (c *Compiler) language(j *conjunct) (*language, error) {
	window := regex.Window{Min: j.length.min, Max: j.length.max}
	denied := j.deniedTexts()
	key := fmt.Sprint(window.Min, " ", window.Max)
	for _, p := range j.patterns {
		key += fmt.Sprintf(" %t %d:%s", p.not, len(p.p.key), p.p.key)
	}
	for _, s := range denied {
		key += fmt.Sprintf(" %d:%s", len(s), s)
	}
	if l, ok := c.languages[key]; ok {
		return l, nil
	}
	l, ok := c.classText(j, window)
	if !ok || len(denied) > 0 {
		var err error
		if l, err = c.automaton(j, key, window, denied); err != nil {
			return nil, err
		}
	}
	c.languages[key] = l
	return l, nil
}

// classText handles patterns that only say which characters there are and how many.
func (c *Compiler) classText(j *conjunct, w regex.Window) (*language, bool) {
	class, w, ok := j.oneClass(w)
	if !ok {
		return nil, false
	}
	if w.Max >= 0 && w.Min > w.Max {
		return nil, true
	}
	return &language{expr: stringOf(c.opts.Spelling.encode(class), w)}, true
}

// oneClass returns the characters and lengths of strings within a window if patterns say
// nothing else of them.
func (j *conjunct) oneClass(w regex.Window) (class regex.Set, within regex.Window, ok bool) {
	class = regex.AllRunes
	for _, p := range j.patterns {
		if p.not || p.p.re == nil {
			return nil, w, false
		}
		set, window, ok := p.p.re.OneClass()
		if !ok {
			return nil, w, false
		}
		class = class.Intersect(set)
		w.Min = max(w.Min, window.Min)
		if window.Max >= 0 && (w.Max < 0 || window.Max < w.Max) {
			w.Max = window.Max
		}
	}
	if len(class) == 0 {
		class, w.Max = regex.AllRunes, 0 // only the empty string can be left
	}
	return class, w, true
}

// automaton intersects the automata of all patterns, and leaves out the denied strings.
func (c *Compiler) automaton(j *conjunct, key string, w regex.Window, denied []string) (*language, error) {
	common := c.lim.Pattern == (regex.Limits{}) && j.common()
	shared := &sharedLanguages[c.opts.Spelling]
	if common {
		if e, ok := shared.find(key); ok {
			return languageOf(e), nil
		}
	}
	all, name, err := c.stringAutomaton(j, denied)
	if err != nil {
		if p := j.patterns; len(p) == 1 && len(denied) == 0 && !p[0].not && p[0].p.re != nil {
			if l, ok := c.tree(p[0].p.re, w); ok {
				return l, nil
			}
		}
		return nil, err
	}
	at := j.textPlace()
	build := func() (*gbnf.State, int, error) {
		e, err := c.stringsOf(name, "", all, &w)
		if err != nil {
			err = at.fail(ErrLimit, "%w", err)
		}
		return e, all.States(), err
	}
	get := func() (e *gbnf.State, err error) {
		if common {
			return shared.get(key, build)
		}
		e, _, err = build()
		return e, err
	}
	switch some, known := all.Within(w); {
	case known && !some:
		return nil, nil
	case known:
		return &language{build: func() (gbnf.Expr, error) { return get() }}, nil
	}
	e, err := get()
	return languageOf(e), err
}

// languageOf returns the language that a rule describes, or nil if there is none.
func languageOf(e *gbnf.State) *language {
	if e == nil {
		return nil
	}
	return &language{expr: e}
}

// stringAutomaton returns the automaton of the strings that match all patterns of a conjunct and are
// not denied, whatever their length, and a name for it. There must be some of either.
func (c *Compiler) stringAutomaton(j *conjunct, denied []string) (all *regex.DFA, name string, err error) {
	name = "pattern"
	for _, p := range j.patterns {
		d, err := p.signed(c)
		if err == nil && all != nil {
			d, err = regex.Intersect(all, d, c.lim.Pattern)
		}
		if err != nil {
			return nil, "", p.failed(err)
		}
		all = d
		if format, ok := strings.CutPrefix(p.p.key, formatKey); ok {
			name = format
		}
	}
	if len(denied) == 0 {
		return all, name, nil
	}
	others := regex.Literals(denied...).Complement()
	if all == nil {
		return others, name, nil
	}
	if all, err = regex.Intersect(all, others, c.lim.Pattern); err != nil {
		return nil, "", j.textPlace().fail(ErrLimit, "%w", err)
	}
	return all, name, nil
}

// common reports whether the keys of a conjunct's patterns mean the same to all compilers.
func (j *conjunct) common() bool {
	return !slices.ContainsFunc(j.patterns, func(p patternAt) bool { return p.p.local })
}

// textPlace returns a keyword to blame for an automaton of strings.
func (j *conjunct) textPlace() place {
	if len(j.patterns) > 0 {
		return j.patterns[0].at
	}
	return j.deniedAt
}

// tree falls back to the pattern's own structure where its lengths need no check. The
// language is nil if the pattern matches nothing.
func (c *Compiler) tree(re *regex.Regex, w regex.Window) (l *language, ok bool) {
	lo, hi := re.Lengths()
	e, ok := re.Expr(c.opts.Spelling.encode)
	if !ok || lo < w.Min || (w.Max >= 0 && (hi < 0 || hi > w.Max)) {
		return nil, false
	}
	if alt, ok := e.(*gbnf.Alt); ok && len(alt.Items) == 0 {
		return nil, true
	}
	return &language{expr: gbnf.Fixed("pattern", gbnf.Concat(gbnf.Lit(`"`), e, gbnf.Lit(`"`)))}, true
}
