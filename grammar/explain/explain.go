// Package explain walks a text through a grammar for people: at each token it says where the
// text stands, what may come next, and where the text is refused, why. It is made for
// debugging a grammar, not for speed.
//
// The stages are the files: explain (the walk), expected (what may come next, in words) and
// blame (which keyword or option refuses a byte).
package explain

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
	"github.com/callama/callama/internal/ojson"
)

// Subject is what a text is held against.
type Subject struct {
	// Grammar is best compiled with schema.Options.Trace where it comes from schemas: its
	// rules then know their places.
	Grammar *gbnf.Grammar
	// Schemas are the documents that the grammar was made of, and Compile makes it anew of
	// changed ones under changed options: how a refusal finds its cause. Both may be nil.
	Schemas []Schema
	Options schema.Options
	Compile func(schemas []Schema, o schema.Options) (*gbnf.Grammar, error)
}

// Schema is a document; Name is that of its tool, "" where there is one document only.
type Schema struct {
	Name string
	Doc  *ojson.Value
}

// Vocabulary says how a text is cut. Without a Vocab every byte is a token.
type Vocabulary struct {
	Vocab  *vocab.Vocab
	Encode func(text string) []int32 // the tokens of plain text
	Tokens []int32                   // the tokens of the text, if Encode should not find them
}

// Report is a finished walk.
type Report struct {
	Steps   []Step   `json:"steps"`
	Outcome Outcome  `json:"outcome"`
	Refusal *Refusal `json:"refusal,omitempty"` // of a text that is Refused or Incomplete
}

// Outcome says how a walk ended.
type Outcome string

// The outcomes.
const (
	Valid      Outcome = "valid"      // the text is in the language
	Incomplete Outcome = "incomplete" // it begins a text of the language
	Refused    Outcome = "refused"    // no text of the language begins with it
)

// Step is the place before one token of the text, or at its end.
type Step struct {
	Index  int    `json:"index"`
	Offset int    `json:"offset"` // in bytes
	Token  int32  `json:"token"`  // the token taken here; -1 at the end, and where bytes are walked
	Text   string `json:"text"`   // of the token; bytes that are no UTF-8 are escaped as \xff

	State    int      `json:"state"` // equal numbers mean equal futures
	Allowed  int      `json:"allowed"`
	Examples []string `json:"examples"`         // of allowed tokens
	Forced   string   `json:"forced,omitempty"` // the bytes that every continuation begins with
	Least    int      `json:"least_bytes"`      // of the shortest completion
	MayEnd   bool     `json:"may_end,omitempty"`

	Places []Place `json:"places"`
	More   bool    `json:"more_places,omitempty"` // there are more than are listed
}

// Place is one way to read the text so far.
type Place struct {
	// Rules is the stack, the root first. A suffix [n] is the number of the item of a
	// repetition, {n} the number of members.
	Rules    []string `json:"rules"`
	Document string   `json:"document,omitempty"`
	Pointers []string `json:"pointers,omitempty"` // of the innermost rule that knows its place in the schema
	Expected []string `json:"expected,omitempty"` // in a Refusal: what may come next
}

// Refusal says where a text goes wrong, or what it lacks.
type Refusal struct {
	Offset   int      `json:"offset"` // of the byte refused
	Got      string   `json:"got"`    // the character refused; "" at the end
	Token    int32    `json:"token"`
	Places   []Place  `json:"places"`
	Expected []string `json:"expected"` // of all places
	Shortest string   `json:"shortest"` // a shortest completion of what is before the byte
	Causes   []Cause  `json:"causes,omitempty"`
	// Partial means that the search for causes ran out of time.
	Partial bool `json:"partial,omitempty"`
}

// Bounds of what is told.
const (
	maxPlaces   = 6
	maxExamples = 6
	maxForced   = 60 // bytes
	maxShortest = 200
)

// MaxText bounds the texts that are walked, in bytes: a trace spends some hundred bytes on
// each.
const MaxText = 1 << 20

// Walk follows text through the grammar. The error is that of a grammar or text that cannot be
// walked; a text that is refused is a Report.
func Walk(ctx context.Context, s Subject, v Vocabulary, text []byte) (*Report, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("explain: a text of %d bytes, more than the limit of %d (MaxText)", len(text), MaxText)
	}
	w := &walk{subject: s, vocab: v.Vocab, bytes: v.Vocab == nil}
	if w.bytes {
		w.vocab = bytesVocab()
	}
	compiled, err := grammar.Compile(s.Grammar, w.vocab, grammar.Limits{})
	if err != nil {
		return nil, err
	}
	w.matcher = compiled.NewMatcher()
	if w.trace, err = grammar.NewTrace(s.Grammar, w.vocab); err != nil {
		return nil, err
	}
	if v.Tokens != nil {
		return w.run(ctx, v.Tokens)
	}
	return w.run(ctx, w.cut(text, v.Encode))
}

func bytesVocab() *vocab.Vocab {
	c := vocab.Config{Tokens: make([][]byte, 256)}
	for b := range c.Tokens {
		c.Tokens[b] = []byte{byte(b)}
	}
	v, err := vocab.New(c)
	if err != nil {
		panic("explain: " + err.Error()) // 256 tokens of a byte are a vocabulary
	}
	return v
}

type walk struct {
	subject Subject
	vocab   *vocab.Vocab
	bytes   bool
	matcher *grammar.Matcher
	trace   *grammar.Trace
	taken   []op
	offset  int
	report  Report
}

// op is what a trace is given: a byte, or a token as a whole.
type op struct {
	token int32 // -1: a byte
	b     byte
}

func (o op) give(t *grammar.Trace) bool {
	if o.token >= 0 {
		return t.AcceptToken(o.token)
	}
	return t.Accept(o.b)
}

// cut splits the text into tokens. Names of tokens that the grammar takes as a unit are
// these tokens.
func (w *walk) cut(text []byte, encode func(string) []int32) []int32 {
	if w.bytes {
		encode = func(s string) []int32 {
			ids := make([]int32, len(s))
			for i := range len(s) {
				ids[i] = int32(s[i])
			}
			return ids
		}
	}
	terminals := w.terminals()
	var ids []int32
	for rest := string(text); rest != ""; {
		at, token := len(rest), int32(-1)
		for _, t := range terminals {
			if i := strings.Index(rest, string(w.vocab.Bytes(t))); i >= 0 && i < at {
				at, token = i, t
			}
		}
		if at > 0 {
			ids = append(ids, encode(rest[:at])...)
		}
		if rest = rest[at:]; token >= 0 {
			ids = append(ids, token)
			rest = rest[len(w.vocab.Bytes(token)):]
		}
	}
	return ids
}

// terminals returns the tokens that the grammar names, the longest texts first.
func (w *walk) terminals() []int32 {
	var list []int32
	for i := range w.subject.Grammar.Rules {
		gbnf.Walk(w.subject.Grammar.Rules[i].Expr, func(e gbnf.Expr) {
			if t, ok := e.(*gbnf.Token); ok {
				id := t.ID
				if t.Name != "" {
					id, _ = w.vocab.Lookup(t.Name)
				}
				if len(w.vocab.Bytes(id)) > 0 && !slices.Contains(list, id) {
					list = append(list, id)
				}
			}
		})
	}
	slices.SortStableFunc(list, func(a, b int32) int { return len(w.vocab.Bytes(b)) - len(w.vocab.Bytes(a)) })
	return list
}

func (w *walk) run(ctx context.Context, ids []int32) (*Report, error) {
	for i, id := range ids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w.report.Steps = append(w.report.Steps, w.step(i, id))
		if !w.take(id) {
			w.report.Outcome = Refused
			return &w.report, w.refuse(ctx, id)
		}
	}
	w.report.Steps = append(w.report.Steps, w.step(len(ids), -1))
	if w.report.Outcome = Valid; !w.trace.Accepting() {
		w.report.Outcome = Incomplete
		w.report.Refusal = w.refusal("", -1)
	}
	return &w.report, nil
}

// take moves on by a token, or up to the byte of it that is refused.
func (w *walk) take(id int32) bool {
	if w.matcher.Accept(id) == nil && w.trace.AcceptToken(id) {
		w.taken = append(w.taken, op{token: id})
		w.offset += len(w.vocab.Bytes(id))
		return true
	}
	if !w.vocab.IsText(id) {
		return false
	}
	for _, b := range w.vocab.Bytes(id) {
		o := op{-1, b}
		if !o.give(w.trace) {
			break
		}
		w.taken = append(w.taken, o)
		w.offset++
	}
	return false
}

// step describes the place before token id.
func (w *walk) step(index int, id int32) Step {
	mask := w.matcher.Mask()
	s := Step{Index: index, Offset: w.offset, Token: id, Text: printable(w.vocab.Bytes(id)),
		State: w.matcher.State(), Allowed: mask.Count(), Examples: w.examples(mask),
		Forced: printable(w.matcher.Forced(maxForced)), Least: w.trace.MinBytes(), MayEnd: w.trace.Accepting()}
	if w.bytes {
		s.Token = -1
	}
	positions, more := w.trace.Positions(maxPlaces)
	s.More = more
	for _, p := range positions {
		s.Places = append(s.Places, w.place(p))
	}
	return s
}

// examples picks allowed tokens: all if there are few, else the first ones of different
// beginnings, such as have more than a byte before others.
func (w *walk) examples(mask vocab.Mask) []string {
	list := []string{}
	var begun [256]bool
	for _, least := range []int{2, 1} {
		for t := range mask.All {
			b := w.vocab.Bytes(t)
			if len(list) == maxExamples {
				return list
			}
			if w.vocab.IsEOG(t) || len(b) < least || least == 1 && len(b) > 1 || begun[b[0]] && mask.Count() > maxExamples {
				continue
			}
			begun[b[0]] = true
			list = append(list, printable(b))
		}
	}
	return list
}

// place describes one position.
func (w *walk) place(p grammar.Position) Place {
	var out Place
	for _, f := range p.Frames {
		switch f.Kind {
		case grammar.RuleFrame:
			r := w.trace.Rule(f)
			out.Rules = append(out.Rules, r.Name)
			if r.Source != nil && len(r.Source.Pointers) > 0 {
				out.Document, out.Pointers = r.Source.Document, r.Source.Pointers
			}
		case grammar.RepeatFrame:
			out.Rules[len(out.Rules)-1] += fmt.Sprintf("[%d]", f.Count)
		case grammar.MemberFrame, grammar.SeparatorFrame:
			out.Rules[len(out.Rules)-1] += members(f.Count)
		}
	}
	return out
}

func members(n int) string {
	if n == 0 { // not counted
		return "{}"
	}
	return fmt.Sprintf("{%d}", n)
}

// refuse says why the byte at hand is refused.
func (w *walk) refuse(ctx context.Context, id int32) error {
	rest := w.vocab.Bytes(id)
	last := op{token: id}
	if w.vocab.IsText(id) {
		rest = rest[w.offset-w.report.Steps[len(w.report.Steps)-1].Offset:]
		last = op{-1, rest[0]}
	}
	got := rest
	if r, n := utf8.DecodeRune(rest); r != utf8.RuneError && w.vocab.IsText(id) {
		got = rest[:n]
	} else if w.vocab.IsText(id) {
		got = rest[:1]
	}
	w.report.Refusal = w.refusal(printable(got), id)
	var err error
	w.report.Refusal.Causes, w.report.Refusal.Partial, err = w.blame(ctx, last)
	return err
}

func (w *walk) refusal(got string, id int32) *Refusal {
	r := &Refusal{Offset: w.offset, Got: got, Token: id, Shortest: printable(w.trace.Shortest(maxShortest))}
	if w.bytes {
		r.Token = -1
	}
	positions, _ := w.trace.Positions(maxPlaces)
	var all []grammar.Position
	all, _ = w.trace.Positions(maxExpectedPlaces)
	for _, p := range positions {
		place := w.place(p)
		place.Expected = w.expected([]grammar.Position{p}, false)
		r.Places = append(r.Places, place)
	}
	r.Expected = w.expected(all, w.trace.Accepting())
	return r
}

// printable is text for people and JSON: what is no UTF-8 is escaped.
func printable(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out bytes.Buffer
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&out, `\x%02x`, b[0])
		} else {
			out.Write(b[:n])
		}
		b = b[n:]
	}
	return out.String()
}
