package explain

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/internal/ojson"
)

// Cause is what refuses a byte: without it the byte would be allowed.
type Cause struct {
	// Option is what stands in the way beside the schema, in words; empty for a keyword.
	Option string `json:"option,omitempty"`
	// Document, Pointer and Keyword name a keyword; Value is its value, shortened.
	Document string `json:"document,omitempty"`
	Pointer  string `json:"pointer,omitempty"`
	Keyword  string `json:"keyword,omitempty"`
	Value    string `json:"value,omitempty"`
}

// blameTime bounds the search for causes: a person waits for it.
const blameTime = 3 * time.Second

// maxValue shortens Cause.Value, in bytes.
const maxValue = 120

// blame finds what refuses the byte or token last, by taking away one thing after the
// other: an option of the compiler, then a keyword, then all options and a keyword. What
// makes last possible is a cause. partial means that time ran out.
func (w *walk) blame(ctx context.Context, last op) (causes []Cause, partial bool, err error) {
	if w.subject.Compile == nil {
		return nil, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, blameTime)
	defer cancel()
	b := blamer{walk: w, ctx: ctx, last: last}
	o := w.subject.Options
	o.Trace, o.Lenient = false, true // a part without its neighbour may be unsupported
	all := o
	for _, r := range relaxations {
		if changed := o; r.relax(&changed) {
			r.relax(&all)
			if b.allows(w.subject.Schemas, changed) {
				causes = append(causes, Cause{Option: r.words})
			}
		}
	}
	if len(causes) == 0 {
		causes = b.keywords(o)
	}
	if len(causes) == 0 {
		causes = b.keywords(all)
	}
	if err := ctx.Err(); err != nil && context.Cause(ctx) != context.DeadlineExceeded {
		return nil, false, err
	}
	return causes, ctx.Err() != nil, nil
}

// relaxations are the options that admit less than JSON Schema does; relax reports whether
// it changed anything.
var relaxations = []struct {
	words string
	relax func(*schema.Options) bool
}{
	{"properties come in the schema's order (--order any lifts it)", func(o *schema.Options) bool {
		was := o.Order
		o.Order = schema.AnyOrder
		return was != o.Order
	}},
	{"white space is fixed (--whitespace flexible lifts it)", func(o *schema.Options) bool {
		was := o.Whitespace
		o.Whitespace = schema.Flexible
		return was != o.Whitespace
	}},
	{"values have one spelling: no escapes that are not needed, integers without fraction or exponent", func(o *schema.Options) bool {
		was := o.Spelling
		o.Spelling = schema.AnySpelling
		return was != o.Spelling
	}},
	{"objects of tools have the properties that they declare, and no others", func(o *schema.Options) bool {
		was := o.ClosedObjects
		o.ClosedObjects = false
		return was
	}},
	{"the digits of numbers are bounded", func(o *schema.Options) bool {
		const many = 300
		o.Limits.IntegerDigits, o.Limits.FractionDigits = many, many
		return true
	}},
}

// blamer tries changed schemas.
type blamer struct {
	*walk
	ctx  context.Context
	last op
}

// allows reports whether the text so far and then last begin a text of the changed grammar.
func (b *blamer) allows(schemas []Schema, o schema.Options) bool {
	if b.ctx.Err() != nil {
		return false
	}
	g, err := b.subject.Compile(schemas, o)
	if err != nil {
		return false
	}
	t, err := grammar.NewTrace(g, b.vocab)
	if err != nil {
		return false
	}
	for _, x := range b.taken {
		if !x.give(t) {
			return false
		}
	}
	return b.last.give(t)
}

// keywords returns the keywords without which last is allowed. Those that refuse values
// themselves come before those that apply schemas; of nested ones the inner.
func (b *blamer) keywords(o schema.Options) []Cause {
	type found struct {
		schema int
		schema.Constraint
	}
	near, document := b.here()
	var candidates []found
	for i, s := range b.subject.Schemas {
		if document != "" && s.Name != document {
			continue
		}
		for _, c := range schema.Constraints(s.Doc) {
			candidates = append(candidates, found{i, c})
		}
	}
	slices.SortStableFunc(candidates, func(x, y found) int { return near(y.Schema) - near(x.Schema) })
	var hits []found
	direct := false
	for _, c := range candidates {
		if direct && c.Applies {
			continue
		}
		changed := slices.Clone(b.subject.Schemas)
		changed[c.schema].Doc = schema.Without(changed[c.schema].Doc, c.Constraint)
		if b.allows(changed, o) {
			hits = append(hits, c)
			direct = direct || !c.Applies
		}
	}
	var causes []Cause
	for _, c := range hits {
		outer := slices.ContainsFunc(hits, func(x found) bool {
			return x.schema == c.schema && strings.HasPrefix(x.Schema+"/", c.Pointer()+"/")
		})
		if outer || direct && c.Applies {
			continue
		}
		causes = append(causes, Cause{Document: b.subject.Schemas[c.schema].Name, Pointer: c.Pointer(),
			Keyword: c.Keyword, Value: short(c.Value)})
	}
	return causes
}

// here tells how near a schema is to where the text stands, and the document that all places
// are in, if there is one.
func (b *blamer) here() (near func(pointer string) int, document string) {
	var pointers []string
	positions, _ := b.trace.Positions(maxExpectedPlaces)
	for i, p := range positions {
		place := b.place(p)
		pointers = append(pointers, place.Pointers...)
		if i == 0 {
			document = place.Document
		} else if place.Document != document {
			document = ""
		}
	}
	return func(pointer string) int {
		best := 0
		for _, p := range pointers {
			switch {
			case p == pointer:
				best = max(best, 2)
			case strings.HasPrefix(p, pointer) || strings.HasPrefix(pointer, p):
				best = max(best, 1)
			}
		}
		return best
	}, document
}

func short(v *ojson.Value) string {
	s := v.String()
	if len(s) <= maxValue {
		return s
	}
	return strings.ToValidUTF8(s[:maxValue], "") + "…"
}
