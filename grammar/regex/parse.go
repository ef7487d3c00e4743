package regex

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of the parser. They keep recursion and memory small for hostile patterns.
const (
	// maxPatternBytes bounds the source text. Patterns of schemas are at most a few
	// kilobytes.
	maxPatternBytes = 64 << 10
	// maxNesting bounds groups within groups.
	maxNesting = 250
	// maxCount bounds the numbers in {m,n}: larger ones are cut to it, as they cannot be
	// unrolled anyway and only lengths that no text reaches are affected.
	maxCount = math.MaxInt32
)

// Parse reads an ECMA-262 pattern in Unicode mode. Where Unicode mode forbids what
// everybody writes and whose meaning is clear (an escaped '-' or '_', a '{' or ']' that
// stands for itself, a class escape at the end of a range), the meaning of the language's
// web-compatible grammar (annex B) is taken. Errors are of type *Error.
func Parse(pattern string) (*Regex, error) {
	p := &parser{src: pattern}
	if len(pattern) > maxPatternBytes {
		return nil, p.fail(maxPatternBytes, "pattern is longer than %d bytes", maxPatternBytes)
	}
	if !utf8.ValidString(pattern) {
		return nil, p.fail(0, "pattern is not UTF-8")
	}
	root, err := p.alternation(0)
	if err != nil {
		return nil, err
	}
	if p.pos < len(p.src) {
		return nil, p.fail(p.pos, "unmatched ')'")
	}
	return &Regex{source: pattern, root: root}, nil
}

type parser struct {
	src string
	pos int
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &Error{Pattern: p.src, Offset: at, Msg: fmt.Sprintf(format, args...)}
}

func (p *parser) unsupported(at int, what string) error {
	return &Error{Pattern: p.src, Offset: at, Unsupported: true, Msg: what + " is not supported"}
}

func (p *parser) more() bool { return p.pos < len(p.src) }

// take consumes text if it comes next.
func (p *parser) take(text string) bool {
	if strings.HasPrefix(p.src[p.pos:], text) {
		p.pos += len(text)
		return true
	}
	return false
}

// next consumes one character.
func (p *parser) next() rune {
	r, size := utf8.DecodeRuneInString(p.src[p.pos:])
	p.pos += size
	return r
}

func (p *parser) alternation(depth int) (*node, error) {
	if depth > maxNesting {
		return nil, p.fail(p.pos, "groups nested deeper than %d", maxNesting)
	}
	var alts []*node
	for {
		n, err := p.sequence(depth)
		if err != nil {
			return nil, err
		}
		alts = append(alts, n)
		if !p.take("|") {
			break
		}
	}
	if len(alts) == 1 {
		return alts[0], nil
	}
	return &node{op: opAlt, subs: alts}, nil
}

func (p *parser) sequence(depth int) (*node, error) {
	var subs []*node
	for p.more() && p.src[p.pos] != '|' && p.src[p.pos] != ')' {
		at := p.pos
		n, err := p.atom(depth)
		if err != nil {
			return nil, err
		}
		if n, err = p.quantified(n, at); err != nil {
			return nil, err
		}
		if n.op == opConcat {
			subs = append(subs, n.subs...)
		} else if n.op != opEmpty {
			subs = append(subs, n)
		}
	}
	switch len(subs) {
	case 0:
		return &node{op: opEmpty}, nil
	case 1:
		return subs[0], nil
	}
	return &node{op: opConcat, subs: subs}, nil
}

func (p *parser) atom(depth int) (*node, error) {
	at := p.pos
	switch c := p.next(); c {
	case '^':
		return &node{op: opBegin}, nil
	case '$':
		return &node{op: opEnd}, nil
	case '.':
		return setNode(lineTerminators.Negate()), nil
	case '(':
		return p.group(depth, at)
	case '[':
		s, err := p.class(at)
		if err != nil {
			return nil, err
		}
		return setNode(s), nil
	case '\\':
		return p.atomEscape(at)
	case '*', '+', '?':
		return nil, p.fail(at, "nothing to repeat before %q", c)
	case '{':
		if _, _, ok, _ := p.counts(); ok {
			return nil, p.fail(at, "nothing to repeat before a count")
		}
		return runeNode(c), nil
	default:
		return runeNode(c), nil
	}
}

func (p *parser) group(depth, at int) (*node, error) {
	if p.take("?") {
		switch {
		case p.take(":"):
		case p.take("="), p.take("!"), p.take("<="), p.take("<!"):
			return p.assertion(depth, at)
		case p.take("<"):
			if err := p.groupName(); err != nil {
				return nil, err
			}
		case p.take("P"):
			return nil, p.fail(at, "(?P is not ECMA-262; write (?<name>...)")
		default:
			return nil, p.unsupported(at, "group modifier (?")
		}
	}
	n, err := p.alternation(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.fail(at, "group is not closed")
	}
	return n, nil
}

// assertion reads what stands in a group that looks ahead or behind.
func (p *parser) assertion(depth, at int) (*node, error) {
	opened := p.src[at:p.pos]
	n, err := p.alternation(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.fail(at, "group is not closed")
	}
	l := &node{op: opLook, subs: []*node{n}, behind: strings.Contains(opened, "<"), negative: strings.HasSuffix(opened, "!")}
	// What is ahead says nothing of where the text begins, what came before of its end.
	if l.behind && n.has(func(n *node) bool { return n.op == opEnd || n.op == opLook && !n.behind }) ||
		!l.behind && n.has(func(n *node) bool { return n.op == opBegin || n.op == opLook && n.behind }) {
		return nil, p.unsupported(at, opened+"...) with an assertion that looks the other way")
	}
	return l, nil
}

// boundary returns \b, or negated \B: exactly one, or not, of the characters before and
// after is part of a word.
func boundary(negative bool) *node {
	side := func(behind, word bool) *node {
		return &node{op: opLook, subs: []*node{setNode(wordSet)}, behind: behind, negative: !word}
	}
	both := func(before, after bool) *node {
		return &node{op: opConcat, subs: []*node{side(true, before), side(false, after)}}
	}
	return &node{op: opAlt, subs: []*node{both(true, negative), both(false, !negative)}}
}

// has reports whether some node has a property.
func (n *node) has(property func(*node) bool) bool {
	return property(n) || slices.ContainsFunc(n.subs, func(sub *node) bool { return sub.has(property) })
}

func (p *parser) groupName() error {
	at := p.pos
	end := strings.IndexByte(p.src[p.pos:], '>')
	if end <= 0 {
		return p.fail(at, "malformed group name")
	}
	for i, r := range p.src[p.pos : p.pos+end] {
		if r != '_' && r != '$' && !wordSet.Contains(r) && r < utf8.RuneSelf || (i == 0 && r >= '0' && r <= '9') {
			return p.fail(at, "malformed group name")
		}
	}
	p.pos += end + 1
	return nil
}

// quantified reads the quantifier after an atom, if there is one.
func (p *parser) quantified(n *node, at int) (*node, error) {
	if !p.more() {
		return n, nil
	}
	start := p.pos
	lo, hi := 0, -1
	switch p.src[p.pos] {
	case '*':
		p.pos++
	case '+':
		p.pos++
		lo = 1
	case '?':
		p.pos++
		hi = 1
	case '{':
		p.pos++
		var ok bool
		var err error
		if lo, hi, ok, err = p.counts(); err != nil {
			return nil, err
		} else if !ok {
			p.pos = start // a '{' that stands for itself
			return n, nil
		}
	default:
		return n, nil
	}
	p.take("?") // lazy: the same language
	if p.more() && strings.IndexByte("*+?", p.src[p.pos]) >= 0 {
		return nil, p.fail(p.pos, "nothing to repeat before %q", p.src[p.pos])
	}
	if n.op == opBegin || n.op == opEnd || n.op == opLook && n.behind {
		return nil, p.fail(at, "an anchor cannot be repeated")
	}
	return repeatNode(n, lo, hi), nil
}

// counts reads "m}", "m,}" or "m,n}" after a '{'. If something else stands there it
// consumes nothing and ok is false.
func (p *parser) counts() (lo, hi int, ok bool, err error) {
	start := p.pos
	lo, ok = p.number()
	hi = lo
	if ok && p.take(",") {
		if hi, ok = p.number(); !ok {
			hi, ok = -1, true
		}
	}
	if !ok || !p.take("}") {
		p.pos = start
		return 0, 0, false, nil
	}
	if hi >= 0 && hi < lo {
		return 0, 0, false, p.fail(start, "repetition {%d,%d} is out of order", lo, hi)
	}
	return lo, hi, true, nil
}

func (p *parser) number() (n int, ok bool) {
	for ; p.more() && p.src[p.pos] >= '0' && p.src[p.pos] <= '9'; p.pos++ {
		n = min(n*10+int(p.src[p.pos]-'0'), maxCount)
		ok = true
	}
	return n, ok
}

func setNode(s Set) *node   { return &node{op: opSet, set: s} }
func runeNode(r rune) *node { return setNode(NewSet(gbnfRange(r, r))) }

// repeatNode simplifies the trivial repetitions.
func repeatNode(n *node, lo, hi int) *node {
	if hi == 0 || n.op == opEmpty {
		return &node{op: opEmpty}
	}
	if lo == 1 && hi == 1 {
		return n
	}
	return &node{op: opRepeat, subs: []*node{n}, min: lo, max: hi}
}
