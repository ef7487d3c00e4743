package schema

import (
	"slices"
	"strconv"
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
	c.asking = appendLanguageKey(c.asking[:0], window, j.patterns, denied)
	if l, ok := c.languages[string(c.asking)]; ok {
		return l, nil
	}
	key := string(c.asking)
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

// appendLanguageKey appends a text that stands for strings.
func appendLanguageKey(key []byte, w regex.Window, patterns []patternAt, denied []string) []byte {
	key = strconv.AppendInt(key, int64(w.Min), 10)
	key = strconv.AppendInt(append(key, ' '), int64(w.Max), 10)
	for _, p := range patterns {
		key = appendText(strconv.AppendBool(append(key, ' '), p.not), p.p.key)
	}
	for _, s := range denied {
		key = appendText(key, s)
	}
	return key
}

// appendText appends a text to a key, so that it cannot run into what comes next.
func appendText(key []byte, s string) []byte {
	key = strconv.AppendInt(append(key, ' '), int64(len(s)), 10)
	return append(append(key, ':'), s...)
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

// automaton intersects the automata of all patterns, and leaves out the denied strings. Most proofs
// ask whether there is such a string at all: the last product is made where more is asked for.
func (c *Compiler) automaton(j *conjunct, key string, w regex.Window, denied []string) (*language, error) {
	common := c.lim.Pattern == (regex.Limits{}) && j.common()
	shared := &sharedLanguages[c.opts.Spelling]
	if common {
		if e, ok := shared.find(key); ok {
			return languageOf(e), nil
		}
	}
	at := j.textPlace() // what is kept must not hold j
	all, err := c.stringAutomata(j, denied)
	if err != nil {
		if p := j.patterns; len(p) == 1 && len(denied) == 0 && !p[0].not && p[0].p.re != nil {
			if l, ok := c.tree(p[0].p.re, w); ok {
				return l, nil
			}
		}
		return nil, err
	}
	build := func() (*gbnf.State, int, error) {
		d, err := all.product(c.lim.Pattern)
		if err != nil {
			return nil, 0, err
		}
		e, weight, err := c.newStrings(all.name, d, &w)
		if err != nil {
			err = at.fail(ErrLimit, "%w", err)
		}
		return e, weight, err
	}
	get := func() (e *gbnf.State, err error) {
		if common {
			return shared.get(key, build)
		}
		e, _, err = build()
		return e, err
	}
	switch some, known, err := all.within(w, c.lim.Pattern); {
	case err != nil:
		return nil, err
	case known && !some:
		return nil, nil
	case known:
		return &language{build: func() (gbnf.Expr, error) { return get() }}, nil
	}
	e, err := get()
	return languageOf(e), err
}

// textProduct is a set of strings: those that two automata accept.
type textProduct struct {
	name  string
	a, b  *regex.DFA         // b is nil where a is all
	all   *regex.DFA         // of both, once made
	fails func(error) *Error // says what in the schema a product is too large for
}

// and leaves the strings that another automaton accepts as well.
func (p *textProduct) and(d *regex.DFA, fails func(error) *Error, limits regex.Limits) error {
	if p.a == nil {
		p.a, p.all = d, d
		return nil
	}
	a, err := p.product(limits)
	if err != nil {
		return err
	}
	p.a, p.b, p.all, p.fails = a, d, nil, fails
	return nil
}

// product returns the automaton of the strings.
func (p *textProduct) product(limits regex.Limits) (*regex.DFA, error) {
	if p.all == nil {
		d, err := regex.Intersect(p.a, p.b, limits)
		if err != nil {
			return nil, p.fails(err)
		}
		p.all = d
	}
	return p.all, nil
}

// within reports whether some of the strings has a length of a window, if that is known without a look
// at all lengths.
func (p *textProduct) within(w regex.Window, limits regex.Limits) (some, known bool, err error) {
	if p.all == nil {
		some, err := regex.Meet(p.a, p.b, limits)
		if err != nil {
			return false, false, p.fails(err)
		}
		if !some || w.Min <= 0 && w.Max < 0 {
			return some, true, nil
		}
	}
	d, err := p.product(limits)
	if err != nil {
		return false, false, err
	}
	some, known = d.Within(w)
	return some, known, nil
}

// languageOf returns the language that a rule describes, or nil if there is none.
func languageOf(e *gbnf.State) *language {
	if e == nil {
		return nil
	}
	return &language{expr: e}
}

// stringAutomata returns the automata of the strings that match all patterns of a conjunct and are not
// denied, whatever their length, all but the last in one. There must be some of either.
func (c *Compiler) stringAutomata(j *conjunct, denied []string) (*textProduct, error) {
	all := &textProduct{name: "pattern"}
	for _, p := range j.patterns {
		d, err := p.signed(c)
		if err != nil {
			return nil, p.failed(err)
		}
		if err := all.and(d, p.failed, c.lim.Pattern); err != nil {
			return nil, err
		}
		if format, ok := strings.CutPrefix(p.p.key, formatKey); ok {
			all.name = format
		}
	}
	if len(denied) == 0 {
		return all, nil
	}
	at := j.textPlace()
	fails := func(err error) *Error { return at.fail(ErrLimit, "%w", err) }
	return all, all.and(regex.Literals(denied...).Complement(), fails, c.lim.Pattern)
}

// stringAutomaton returns the automaton of the same strings.
func (c *Compiler) stringAutomaton(j *conjunct, denied []string) (*regex.DFA, error) {
	all, err := c.stringAutomata(j, denied)
	if err != nil {
		return nil, err
	}
	return all.product(c.lim.Pattern)
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
