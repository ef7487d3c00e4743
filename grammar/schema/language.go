package schema

import (
	"errors"
	"strconv"
	"strings"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// language is the set of strings that match some patterns and have a length in a window.
// Exactly one of class, dfa and tree says how it is written.
type language struct {
	key    string // equal for equal languages only
	window regex.Window
	class  regex.Set    // every character is one of these
	dfa    *regex.DFA   // the patterns' automaton, still to be cut to the window
	tree   *regex.Regex // a pattern too large for an automaton, with lengths in the window
}

// language returns the strings that a conjunct with patterns admits, or nil if there are
// none.
func (c *Compiler) language(j *conjunct) (*language, error) {
	window := regex.Window{Min: j.length.min, Max: j.length.max, Narrow: true}
	parts := []string{strconv.Itoa(window.Min), strconv.Itoa(window.Max)}
	for _, p := range j.patterns {
		if p.not {
			parts = append(parts, "not")
		}
		parts = append(parts, p.p.key)
	}
	denied := j.deniedTexts()
	for _, s := range denied {
		parts = append(parts, "denied", s)
	}
	key := strings.Join(parts, "\x00")
	if l, ok := c.languages[key]; ok {
		return l, nil
	}
	l, ok := oneClass(j, window)
	if !ok || len(denied) > 0 {
		var err error
		if l, err = c.automaton(j, window, denied); err != nil {
			return nil, err
		}
	}
	if l != nil {
		l.key = key
	}
	c.languages[key] = l
	return l, nil
}

// oneClass handles patterns that only say which characters there are and how many.
func oneClass(j *conjunct, w regex.Window) (*language, bool) {
	class := regex.AllRunes
	for _, p := range j.patterns {
		if p.not || p.p.re == nil {
			return nil, false
		}
		set, window, ok := p.p.re.OneClass()
		if !ok {
			return nil, false
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
	if w.Max >= 0 && w.Min > w.Max {
		return nil, true
	}
	return &language{window: w, class: class}, true
}

// automaton intersects the automata of all patterns, and leaves out the denied strings.
func (c *Compiler) automaton(j *conjunct, w regex.Window, denied []string) (*language, error) {
	var all *regex.DFA
	for _, p := range j.patterns {
		d, err := p.signed(c.lim.Pattern)
		if p.p.short != nil && !p.not && (w.Min > 0 || w.Max >= 0) {
			d = p.p.short
		}
		if err != nil && len(j.patterns) == 1 && len(denied) == 0 && !p.not && p.p.re != nil {
			if l, ok := tree(p.p.re, w); ok {
				return l, nil
			}
		}
		if err == nil && all != nil {
			d, err = regex.Intersect(all, d, c.lim.Pattern)
		}
		if err != nil {
			return nil, p.failed(err)
		}
		all = d
	}
	if len(denied) > 0 {
		others := regex.Literals(denied...).Complement()
		if all == nil {
			all = others
		} else {
			var err error
			if all, err = regex.Intersect(all, others, c.lim.Pattern); err != nil {
				return nil, j.textPlace().fail(ErrLimit, "%w", err)
			}
		}
	}
	ok, err := all.HasLength(w, c.lim.Pattern)
	if err != nil {
		return nil, j.textPlace().fail(ErrLimit, "%w", err)
	}
	if !ok {
		return nil, nil
	}
	return &language{window: w, dfa: all}, nil
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
func tree(re *regex.Regex, w regex.Window) (l *language, ok bool) {
	lo, hi := re.Lengths()
	e, ok := re.Expr(regex.JSONString)
	if !ok || lo < w.Min || (w.Max >= 0 && (hi < 0 || hi > w.Max)) {
		return nil, false
	}
	if alt, ok := e.(*gbnf.Alt); ok && len(alt.Items) == 0 {
		return nil, true
	}
	return &language{window: w, tree: re}, true
}

// emitLanguage returns the expression of a language's strings, quotes included.
func (c *Compiler) emitLanguage(name string, l *language) (gbnf.Expr, error) {
	if l.dfa == nil && l.tree == nil {
		return c.stringOf(c.encode(l.class), l.window), nil
	}
	if ref, ok := c.shared["pattern "+l.key]; ok {
		return ref, nil
	}
	var body gbnf.Expr
	if l.tree != nil {
		e, _ := l.tree.Expr(c.encode)
		body = gbnf.Concat(gbnf.Lit(`"`), e, gbnf.Lit(`"`))
	} else {
		e, err := regex.Rules(c.b, c.unique(name), l.dfa, regex.RuleOptions{
			Encoding: c.encode, End: gbnf.Lit(`"`), Length: &l.window, Limits: c.lim.Pattern})
		var le *regex.LimitError
		if errors.As(err, &le) {
			return nil, &Error{Code: ErrLimit, Keyword: "pattern", Err: err}
		}
		body = gbnf.Concat(gbnf.Lit(`"`), e)
	}
	ref := c.b.Add(c.unique(name), body)
	c.shared["pattern "+l.key] = ref
	return ref, nil
}

// stringOf returns a string of so many characters, each written by char.
func (c *Compiler) stringOf(char gbnf.Expr, w regex.Window) gbnf.Expr {
	return gbnf.Concat(gbnf.Lit(`"`), &gbnf.Repeat{Item: char, Min: w.Min, Max: w.Max}, gbnf.Lit(`"`))
}
