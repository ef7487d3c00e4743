package gbnf

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPrintedBytes bounds printed text: expressions may share nodes, and a small graph of
// them can be text without end.
const maxPrintedBytes = 64 << 20

// lineWidth is the width beyond which alternates are put on lines of their own, in bytes.
const lineWidth = 100

// Print writes g as GBNF text that llama.cpp's parser accepts and that Parse reads back
// to a grammar of the same language, the start rule first and called "root". Printing
// what Parse read from printed text gives the same text.
//
// GBNF, or llama.cpp's reading of it, lacks some of what a Grammar can say. Members are
// written out as rules; where their order is free and there are more than four of them, in
// one order only, and a comment says that the text is narrower. Distinct nodes are left out, and
// a comment says that it is wider. Left recursion and
// repeated items that may be empty are eliminated (see EliminateLeftRecursion), counts
// above llama.cpp's bound of 2000 are split over several rules, and names are adapted. A
// literal that is not UTF-8, or a token name without angle brackets, cannot be written: a
// *RuleError. Cost: linear in the text.
func (g *Grammar) Print(w io.Writer) error {
	text, err := g.text()
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// String returns what Print writes, or a comment with the error.
func (g *Grammar) String() string {
	text, err := g.text()
	if err != nil {
		return "# " + strings.ReplaceAll(err.Error(), "\n", " ") + "\n"
	}
	return text
}

func (g *Grammar) text() (string, error) {
	if err := Check(g); err != nil && !errors.Is(err, ErrEmptyLanguage) {
		return "", err
	}
	g, err := Expand(g)
	if err != nil {
		return "", err
	}
	r := newRewriter(g)
	r.expandForText()
	plain, err := EliminateLeftRecursion(r.grammar())
	if err != nil {
		return "", err
	}
	r = newRewriter(plain)
	r.simplify()
	r.splitCounts(llamaRepeats)
	p := &printer{rules: r.rules, names: textNames(r)}
	p.rule(int(r.root))
	for id := range r.rules {
		if id != int(r.root) {
			p.rule(id)
		}
	}
	if p.err != nil {
		return "", p.err
	}
	return p.done.String(), nil
}

// textNames gives every rule a name of letters, digits and '-', the start rule "root".
func textNames(r *rewriter) []string {
	names := make([]string, len(r.rules))
	taken := &rewriter{names: map[string]bool{"root": true}}
	names[r.root] = "root"
	for id := range r.rules { // names that can stay come first, so that they do
		name := r.rules[id].Name
		if id != int(r.root) && isGBNFName(name) && !taken.names[name] {
			names[id] = taken.unique(name)
		}
	}
	for id := range r.rules {
		if names[id] == "" {
			names[id] = taken.unique(RuleName(r.rules[id].Name))
		}
	}
	return names
}

func isGBNFName(name string) bool {
	for i := range len(name) {
		if !isGBNFNameByte(name[i]) {
			return false
		}
	}
	return name != ""
}

// simplify flattens sequences and choices and drops empty parts, so that what is printed
// needs the fewest brackets, and llama.cpp is not asked to repeat the empty literal, which
// it refuses.
func (r *rewriter) simplify() {
	for id := range r.rules {
		r.rules[id].Expr = mapExpr(r.rules[id].Expr, func(_, e Expr) Expr {
			switch n := e.(type) {
			case *Seq:
				return sequence(n.Items...)
			case *Alt:
				return choice(n.Items...)
			case *Repeat:
				return repeat(n.Item, n.Min, n.Max)
			}
			return e
		})
	}
}

// printer writes simplified rules without Members.
type printer struct {
	rules []Rule
	names []string
	done  strings.Builder // the text so far
	out   strings.Builder // the right-hand side being written
	id    int             // the rule being written
	err   error
}

func (p *printer) fail(format string, args ...any) {
	if p.err == nil {
		p.err = &RuleError{Rule: p.rules[p.id].Name, Msg: fmt.Sprintf(format, args...)}
	}
}

// rule writes the comment and the definition of one rule.
func (p *printer) rule(id int) {
	p.id = id
	rule := &p.rules[id]
	if rule.Comment != "" {
		p.comment(rule.Comment)
	}
	p.done.WriteString(p.names[id])
	p.done.WriteString(" ::= ")
	p.out.Reset()
	p.alternates(rule.Expr, " | ")
	if _, several := rule.Expr.(*Alt); several && p.out.Len() > lineWidth {
		p.out.Reset()
		p.alternates(rule.Expr, " |\n    ")
	}
	p.done.WriteString(p.out.String())
	p.done.WriteByte('\n')
}

// comment writes one line for each line of text.
func (p *printer) comment(text string) {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.NewReplacer("\r", "\n", "\x00", "\uFFFD").Replace(text)
	for line := range strings.SplitSeq(text, "\n") {
		p.done.WriteByte('#')
		if line != "" {
			p.done.WriteByte(' ')
			p.done.WriteString(line)
		}
		p.done.WriteByte('\n')
	}
}

// alternates writes e as it may stand in a rule or group.
func (p *printer) alternates(e Expr, between string) {
	alt, ok := e.(*Alt)
	if !ok || len(alt.Items) == 0 {
		p.sequence(e)
		return
	}
	for i, item := range alt.Items {
		if i > 0 {
			p.out.WriteString(between)
		}
		p.sequence(item)
	}
}

// sequence writes e as it may stand between two '|'.
func (p *printer) sequence(e Expr) {
	seq, ok := e.(*Seq)
	if !ok {
		p.item(e)
		return
	}
	for i, item := range seq.Items {
		if i > 0 {
			p.out.WriteByte(' ')
		}
		p.item(item)
	}
}

// item writes e as it may stand before a repetition: one terminal, name or group, or one
// repetition.
func (p *printer) item(e Expr) {
	if size := p.done.Len() + p.out.Len(); p.err == nil && size > maxPrintedBytes {
		p.err = &LimitError{Name: "printed bytes", Limit: maxPrintedBytes, Got: size}
	}
	if p.err != nil {
		return
	}
	switch e := e.(type) {
	case *Literal:
		p.literal(e.Text)
	case *Class:
		p.class(e)
	case *Ref:
		p.out.WriteString(p.names[e.Rule])
	case *Token:
		p.token(e)
	case *Repeat:
		p.repeat(e)
	case *Seq:
		p.group(e)
	case *Alt:
		if len(e.Items) == 0 {
			p.class(&Class{})
			return
		}
		p.group(e)
	}
}

func (p *printer) group(e Expr) {
	p.out.WriteByte('(')
	p.alternates(e, " | ")
	p.out.WriteByte(')')
}

// repeat writes an item and its counts.
func (p *printer) repeat(e *Repeat) {
	if _, again := e.Item.(*Repeat); again {
		p.group(e.Item)
	} else {
		p.item(e.Item)
	}
	switch {
	case e.Min == 0 && e.Max == 1:
		p.out.WriteByte('?')
	case e.Min == 0 && e.Max < 0:
		p.out.WriteByte('*')
	case e.Min == 1 && e.Max < 0:
		p.out.WriteByte('+')
	case e.Min == e.Max:
		fmt.Fprintf(&p.out, "{%d}", e.Min)
	case e.Max < 0:
		fmt.Fprintf(&p.out, "{%d,}", e.Min)
	default:
		fmt.Fprintf(&p.out, "{%d,%d}", e.Min, e.Max)
	}
}

func (p *printer) literal(text string) {
	if !utf8.ValidString(text) {
		p.fail("literal %q is not UTF-8; GBNF text has code points only", text)
		return
	}
	p.out.WriteByte('"')
	for _, r := range text {
		if r == '"' || r == '\\' {
			p.out.WriteByte('\\')
			p.out.WriteRune(r)
			continue
		}
		p.char(r)
	}
	p.out.WriteByte('"')
}

func (p *printer) class(c *Class) {
	if len(c.Ranges) == 0 && c.Negated {
		p.out.WriteByte('.')
		return
	}
	if len(c.Ranges) == 0 { // nothing: GBNF's [] would be the empty text
		p.out.WriteString(`[^\x00-\U0010FFFF]`)
		return
	}
	p.out.WriteByte('[')
	if c.Negated {
		p.out.WriteByte('^')
	}
	for i, r := range c.Ranges {
		if r.Lo == '-' && r.Hi == '-' && (i == 0 || i == len(c.Ranges)-1) {
			p.out.WriteByte('-') // plain where it cannot make a range
			continue
		}
		p.classChar(r.Lo)
		if r.Hi != r.Lo {
			p.out.WriteByte('-')
			p.classChar(r.Hi)
		}
	}
	p.out.WriteByte(']')
}

func (p *printer) classChar(r rune) {
	switch r {
	case '\\', '[', ']':
		p.out.WriteByte('\\')
		p.out.WriteRune(r)
	case '-', '^':
		fmt.Fprintf(&p.out, `\x%02X`, r)
	default:
		p.char(r)
	}
}

// char writes a code point that has no meaning of its own, escaped if it does not show.
func (p *printer) char(r rune) {
	switch {
	case r == '\n':
		p.out.WriteString(`\n`)
	case r == '\r':
		p.out.WriteString(`\r`)
	case r == '\t':
		p.out.WriteString(`\t`)
	case r == ' ' || unicode.IsPrint(r) && !unicode.IsMark(r):
		p.out.WriteRune(r)
	case r < 0x100:
		fmt.Fprintf(&p.out, `\x%02X`, r)
	case r < 0x10000:
		fmt.Fprintf(&p.out, `\u%04X`, r)
	default:
		fmt.Fprintf(&p.out, `\U%08X`, r)
	}
}

func (p *printer) token(t *Token) {
	text := t.Name
	switch {
	case text == "":
		text = "<[" + strconv.Itoa(int(t.ID)) + "]>"
	case !isTokenName(text):
		p.fail("token %q cannot be named in GBNF text, which takes <name>; give its id", text)
		return
	}
	if t.Negated {
		p.out.WriteByte('!')
	}
	p.out.WriteString(text)
}

// isTokenName reports whether text can stand as <name>: it has the brackets, no other '>',
// and is not taken for an id.
func isTokenName(text string) bool {
	return len(text) > 1 && utf8.ValidString(text) && text[0] == '<' && text[1] != '[' &&
		strings.IndexByte(text, '>') == len(text)-1 && !strings.ContainsAny(text, "\r\n\x00")
}
