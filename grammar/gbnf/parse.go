package gbnf

import (
	"fmt"
	"strings"
)

// Parse reads GBNF text whose start rule is called "root", with the default Limits.
//
// The notation is that of llama.cpp (its src/llama-grammar.cpp is the reference): rules
// "name ::= …", alternates with '|', literals, classes, '.', groups, the repetitions
// ? * + {m} {m,} {m,n}, comments, and the token terminals <name>, <[id]>, !<name>,
// !<[id]>. A rule may go on over several lines: a new one begins only at a line that
// starts with "name ::=". Beyond llama.cpp, names may hold '_'. What llama.cpp takes in
// silence although it can hardly be meant is an error here: a rule defined twice, an
// empty class, a range from high to low, {m,n} with n < m; and a count above 2000, which
// llama.cpp turns into "no bound", is kept exactly.
//
// \xHH, \uHHHH and \UHHHHHHHH are code points, as in llama.cpp, never single bytes.
// Comment lines right above a rule become its Comment. Errors are of type *ParseError.
// Cost: linear in the text.
func Parse(text string) (*Grammar, error) { return Limits{}.Parse(text, "root") }

// ParseRoot is Parse with another name for the start rule.
func ParseRoot(text, root string) (*Grammar, error) { return Limits{}.Parse(text, root) }

// Parse reads GBNF text with the given start rule under the limits l: see the function Parse.
func (l Limits) Parse(text, root string) (*Grammar, error) {
	p := &parser{text: text, limits: l.orDefault(), ids: make(map[string]RuleID)}
	if len(text) > p.limits.TextBytes {
		return nil, p.failLimit(0, "text bytes", p.limits.TextBytes, len(text))
	}
	if err := p.checkText(); err != nil {
		return nil, err
	}
	p.pos = len(text) - len(strings.TrimPrefix(text, "\uFEFF")) // a byte order mark
	p.skipSpace(true)
	for p.pos < len(p.text) {
		if err := p.parseRule(); err != nil {
			return nil, err
		}
	}
	return p.finish(root)
}

// parser is a recursive descent over text. Rules are numbered in the order of their
// definitions; references are resolved at the end.
type parser struct {
	text    string
	pos     int
	limits  Limits
	depth   int
	rules   []Rule
	heads   []int // offset of each rule's name
	ids     map[string]RuleID
	refs    []refUse
	newline bool     // the last skipSpace crossed a line end
	notes   []string // comment lines that the last skipSpace met on lines of their own
}

// refUse is one reference by name, to be resolved.
type refUse struct {
	ref    *Ref
	name   string
	offset int
}

// parseRule reads one "name ::= alternates" and the space behind it.
func (p *parser) parseRule() error {
	start, comment := p.pos, strings.Join(p.notes, "\n")
	name := p.name()
	if name == "" {
		return p.unexpected("a rule: name ::= …")
	}
	if !p.atAssign() {
		p.skipBlanks()
		return p.unexpected("'::=' after the rule name " + quote(name))
	}
	if first, dup := p.ids[name]; dup {
		line, _ := p.position(p.heads[first])
		return p.fail(start, "rule %s is already defined in line %d", quote(name), line)
	}
	if len(p.rules) >= p.limits.Rules {
		return p.failLimit(start, "rules", p.limits.Rules, len(p.rules)+1)
	}
	id := RuleID(len(p.rules))
	p.ids[name] = id
	p.heads = append(p.heads, start)
	p.rules = append(p.rules, Rule{Name: name, Comment: comment})

	p.skipBlanks()
	p.pos += len("::=")
	p.skipSpace(false)
	body, err := p.parseAlternates()
	if err != nil {
		return err
	}
	p.rules[id].Expr = body
	if p.pos < len(p.text) && !p.atHead() {
		return p.unexpected("a terminal, a rule name, '(', '|' or a new line with a rule")
	}
	return nil
}

// parseAlternates reads sequences separated by '|' up to ')' or the next rule.
func (p *parser) parseAlternates() (Expr, error) {
	var items []Expr
	for {
		seq, err := p.parseSequence()
		if err != nil {
			return nil, err
		}
		items = append(items, seq)
		if p.peek() != '|' {
			break
		}
		p.pos++
		p.skipSpace(false)
	}
	if len(items) == 1 {
		return items[0], nil
	}
	return &Alt{Items: items}, nil
}

// parseSequence reads items, each with its repetitions.
func (p *parser) parseSequence() (Expr, error) {
	var items []Expr
	for p.pos < len(p.text) && !p.atHead() {
		start := p.pos
		item, err := p.parseItem()
		if err != nil {
			return nil, err
		}
		if item == nil {
			break
		}
		p.skipSpace(false)
		if item, err = p.parseRepetitions(item, start); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	switch len(items) {
	case 0:
		return &Literal{}, nil
	case 1:
		return items[0], nil
	}
	return &Seq{Items: items}, nil
}

// parseItem reads one terminal, reference or group; nil if none begins here.
func (p *parser) parseItem() (Expr, error) {
	switch c := p.peek(); {
	case c == '"':
		return p.parseLiteral()
	case c == '[':
		return p.parseClass()
	case c == '.':
		p.pos++
		return &Class{Negated: true}, nil
	case c == '<' || c == '!':
		return p.parseToken()
	case c == '(':
		return p.parseGroup()
	case c == '*' || c == '+' || c == '?' || c == '{':
		return nil, p.fail(p.pos, "'%c' repeats what stands before it, but nothing does", c)
	case isNameByte(c):
		ref, start := &Ref{}, p.pos
		p.refs = append(p.refs, refUse{ref, p.name(), start})
		return ref, nil
	}
	return nil, nil
}

func (p *parser) parseGroup() (Expr, error) {
	open := p.pos
	if p.depth >= p.limits.Depth {
		return nil, p.failLimit(open, "nested groups", p.limits.Depth, p.depth+1)
	}
	p.depth++
	p.pos++
	p.skipSpace(false)
	body, err := p.parseAlternates()
	if err != nil {
		return nil, err
	}
	p.depth--
	if p.peek() != ')' {
		line, column := p.position(open)
		return nil, p.unexpected(fmt.Sprintf("')' for the group opened in line %d, column %d", line, column))
	}
	p.pos++
	return body, nil
}

// maxStackedRepeats bounds operators in a row, as in x{2}{3}: each one nests the tree, so
// together with Limits.Depth this bounds its depth.
const maxStackedRepeats = 16

// parseRepetitions applies ? * + {…} to item, which began at offset start. Several in a
// row apply one after the other, as in llama.cpp.
func (p *parser) parseRepetitions(item Expr, start int) (Expr, error) {
	for n := 0; ; n++ {
		low, high := 0, -1
		switch p.peek() {
		case '*':
		case '+':
			low = 1
		case '?':
			high = 1
		case '{':
			var err error
			if low, high, err = p.parseBounds(); err != nil {
				return nil, err
			}
		default:
			return item, nil
		}
		if n >= maxStackedRepeats {
			return nil, p.failLimit(start, "repetitions of one item", maxStackedRepeats, n+1)
		}
		p.pos++ // the operator or '}'
		p.skipSpace(false)
		item = &Repeat{Item: item, Min: low, Max: high}
	}
}

// parseBounds reads {m}, {m,} or {m,n} and stops before the '}'.
func (p *parser) parseBounds() (low, high int, err error) {
	open := p.pos
	p.pos++
	p.skipSpace(false)
	if p.peek() == ',' {
		return 0, 0, p.fail(p.pos, "expecting a number: write {0,n} for at most n")
	}
	if low, err = p.parseCount(); err != nil {
		return 0, 0, err
	}
	high = low
	if p.peek() == ',' {
		p.pos++
		p.skipSpace(false)
		high = -1
		if p.peek() != '}' {
			if high, err = p.parseCount(); err != nil {
				return 0, 0, err
			}
		}
	}
	if p.peek() != '}' {
		return 0, 0, p.unexpected("'}'")
	}
	if high >= 0 && high < low {
		return 0, 0, p.fail(open, "repetition {%d,%d} has its bounds reversed", low, high)
	}
	return low, high, nil
}

// parseCount reads a decimal number and the space behind it.
func (p *parser) parseCount() (int, error) {
	n, start, err := p.digits("repetition count", p.limits.Repeat)
	if err != nil {
		return 0, err
	}
	if start == p.pos {
		return 0, p.unexpected("a number")
	}
	p.skipSpace(false)
	return n, nil
}

// finish resolves the references and picks the start rule.
func (p *parser) finish(root string) (*Grammar, error) {
	for _, use := range p.refs {
		id, ok := p.ids[use.name]
		if !ok {
			return nil, p.fail(use.offset, "rule %s is not defined%s", quote(use.name), p.suggest(use.name))
		}
		use.ref.Rule = id
	}
	id, ok := p.ids[root]
	if !ok {
		if len(p.rules) == 0 {
			return nil, p.fail(len(p.text), "no rules")
		}
		return nil, p.fail(len(p.text), "the start rule %s is not defined%s", quote(root), p.suggest(root))
	}
	return &Grammar{Rules: p.rules, Root: id}, nil
}
