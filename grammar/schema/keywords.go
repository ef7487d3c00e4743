package schema

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/internal/ojson"
)

// keyword applies one keyword of the schema at l, with value v, to a conjunct.
type keyword func(c *Compiler, j *conjunct, at place, v *ojson.Value) *Error

// keywordOf returns what a keyword that constrains values does, in any draft. Any other
// member of a schema is an annotation, as the standard says, and not known. A known
// keyword without a function belongs to another one that reads it (then to if), or is
// expanded in place (anyOf).
func keywordOf(name string) (apply keyword, known bool) {
	switch name {
	case "$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
		"dependentRequired", "dependentSchemas", "dependencies", "minContains", "maxContains", "additionalItems",
		"unevaluatedItems", "unevaluatedProperties":
		return nil, true
	case "type":
		return applyType, true
	case "enum":
		return applyEnum, true
	case "const":
		return applyConst, true
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		return applyBound, true
	case "multipleOf":
		return applyMultipleOf, true
	case "divisibleBy": // draft 3, and written by people who know it
		return applyMultipleOf, true
	case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
		return applySpan, true
	case "pattern":
		return applyPattern, true
	case "format":
		return applyFormat, true
	case "items", "prefixItems":
		return applyArray, true
	case "contains":
		return applyContains, true
	case "uniqueItems":
		return applyUnique, true
	case "properties", "patternProperties", "additionalProperties":
		return applyObject, true
	case "propertyNames":
		return applyNames, true
	case "required":
		return applyRequired, true
	case "extends", "disallow":
		return applyDraft3, true
	}
	return nil, false
}

// applyDraft3 refuses the keywords of draft 3 that later drafts replaced; elsewhere they
// are annotations.
func applyDraft3(_ *Compiler, j *conjunct, at place, _ *ojson.Value) *Error {
	if at.l.dialect() == dialectDraft4 {
		j.block(kindAny, at.unsupported())
	}
	return nil
}

func applyType(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	of, err := typesOf(at, v)
	if err != nil {
		return err
	}
	if at.l.dialect() == dialectDraft4 && of&kindNumber == kindInteger {
		j.ownNumbers().bare = true
	}
	before := j.kinds
	if before&of != 0 {
		j.kinds &= of
		return nil
	}
	j.restrict(of, func() *Error {
		return at.fail(ErrUnsatisfiable, "only %s is left, which the rest of the schema excludes", before)
	})
	return nil
}

// typesOf reads the keyword type.
func typesOf(at place, v *ojson.Value) (kinds, *Error) {
	names := []*ojson.Value{v}
	if v.Kind == ojson.Array {
		names = v.Items
	}
	var of kinds
	for _, n := range names {
		k := typeKind(n.Text)
		switch {
		case n.Kind != ojson.String:
			return 0, at.fail(ErrInvalid, "a type is a name or a list of names, not %s", n.Kind)
		case n.Text == "any" && at.l.dialect() == dialectDraft4: // draft 3
			k = kindAny
		case k == 0:
			return 0, at.fail(ErrInvalid, "unknown type %q", n.Text)
		}
		of |= k
	}
	return of, nil
}

func applyEnum(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	if v.Kind != ojson.Array {
		return at.fail(ErrInvalid, "must be a list, not %s", v.Kind)
	}
	j.intersectEnum(v.Items, at)
	return nil
}

func applyConst(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	j.intersectEnum([]*ojson.Value{v}, at)
	return nil
}

func applyBound(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	lower := at.keyword == "minimum" || at.keyword == "exclusiveMinimum"
	strict := at.keyword == "exclusiveMinimum" || at.keyword == "exclusiveMaximum"
	if strict && v.Kind == ojson.Bool { // draft 4: a flag that belongs to the other keyword
		return nil
	}
	d, fail := number(at, v)
	if fail != nil {
		return fail
	}
	b := bound{set: true, value: d, exclusive: strict, at: at}
	if lower {
		b.exclusive = b.exclusive || flag(at.l, "exclusiveMinimum")
		j.raise(b)
	} else {
		b.exclusive = b.exclusive || flag(at.l, "exclusiveMaximum")
		j.reduce(b)
	}
	return nil
}

func flag(l *location, name string) bool {
	v := l.v.Get(name)
	return v != nil && v.Kind == ojson.Bool && v.Bool
}

func number(at place, v *ojson.Value) (decimal, *Error) {
	if v.Kind != ojson.Number {
		return decimal{}, at.fail(ErrInvalid, "must be a number, not %s", v.Kind)
	}
	d, err := parseDecimal(v.Text)
	if err != nil {
		return decimal{}, at.fail(ErrLimit, "%w", err)
	}
	return d, nil
}

func applyMultipleOf(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	d, fail := number(at, v)
	if fail != nil {
		return fail
	}
	if d.neg || d.isZero() {
		return at.fail(ErrInvalid, "must be greater than 0, not %s", v.Text)
	}
	if d == (decimal{digits: "1", point: 1}) { // the same as a type, which is simpler
		j.restrict(^kindFraction, func() *Error { return at.fail(ErrUnsatisfiable, "only integers are left") })
		return nil
	}
	n := j.ownNumbers()
	n.steps = append(n.steps, step{value: d, at: at})
	return nil
}

func applySpan(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	n, tooBig, fail := count(at, v)
	if fail != nil {
		return fail
	}
	s := j.span(at.keyword)
	if at.keyword[:3] == "max" {
		s.atMost(n, at)
		return nil
	}
	if tooBig {
		return at.fail(ErrLimit, "%w", &LimitError{Name: "count", Limit: maxCount, Got: n})
	}
	s.atLeast(n, at)
	return nil
}

// spanKinds are the keywords that bound a length or a count, with the values they concern.
var spanKinds = map[string]kinds{
	"minLength": kindString, "maxLength": kindString, "minItems": kindArray, "maxItems": kindArray,
	"minProperties": kindObject, "maxProperties": kindObject,
}

// span returns the length or count that a keyword bounds, for changes.
func (j *conjunct) span(keyword string) *span {
	switch spanKinds[keyword] {
	case kindArray:
		return &j.ownArrays().count
	case kindObject:
		return &j.ownRest().members
	}
	return &j.ownStrings().length
}

// count reads a non-negative integer, which may be written 2.0. A number above maxCount
// gives maxCount and tooBig.
func count(at place, v *ojson.Value) (n int, tooBig bool, fail *Error) {
	if v.Kind != ojson.Number {
		return 0, false, at.fail(ErrInvalid, "must be a non-negative integer, not %s", v.Kind)
	}
	d, err := parseDecimal(v.Text)
	if err != nil || d.neg || !d.isInteger() {
		return 0, false, at.fail(ErrInvalid, "must be a non-negative integer, not %s", v.Text)
	}
	n, err = strconv.Atoi(d.whole())
	if err != nil || n > maxCount {
		return maxCount, true, nil
	}
	return n, false, nil
}

func applyPattern(c *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	if v.Kind != ojson.String {
		return at.fail(ErrInvalid, "must be a string, not %s", v.Kind)
	}
	p, unsupported, err := c.pattern(v.Text, at)
	if err != nil {
		return err
	}
	if unsupported != nil {
		j.block(kindString, unsupported)
		return nil
	}
	if !slices.ContainsFunc(j.patterns, func(q patternAt) bool { return q.p == p && !q.not }) {
		s := j.ownStrings()
		s.patterns = append(s.patterns, patternAt{p: p, at: at})
	}
	return nil
}

// pattern returns the pattern that a text stands for, or why it is not supported.
func (c *Compiler) pattern(text string, at place) (p *pattern, unsupported, fail *Error) {
	key := "/" + text
	if p, ok := c.patterns[key]; ok {
		return p, nil, nil
	}
	re, ok := sharedPatterns.find(text)
	var err error
	if !ok {
		text := strings.Clone(text) // what is kept must not hold the document
		re, err = sharedPatterns.get(text, func() (*regex.Regex, int, error) {
			re, err := regex.Parse(text)
			return re, 1, err
		})
	}
	var e *regex.Error
	if errors.As(err, &e) && e.Unsupported {
		return nil, at.fail(ErrUnsupported, "%w", err), nil
	}
	if err != nil {
		return nil, nil, at.fail(ErrInvalid, "%w", err)
	}
	p = &pattern{re: re, key: key}
	c.patterns[key] = p
	return p, nil, nil
}

// firstOf returns the first of some keywords that the schema at l has.
func (l *location) firstOf(keywords ...string) string {
	for _, k := range keywords {
		if l.v.Get(k) != nil {
			return k
		}
	}
	return ""
}

// applyArray reads items, prefixItems and additionalItems together, at the first of the
// two former that stands in the schema.
func applyArray(_ *Compiler, j *conjunct, at place, _ *ojson.Value) *Error {
	if at.keyword != at.l.firstOf("items", "prefixItems") {
		return nil
	}
	f, err := arrayFacetOf(at)
	if err == nil {
		a := j.ownArrays()
		a.arrays = j.mem.items.Append(a.arrays, f)
	}
	return err
}

// arrayFacetOf reads items, prefixItems and additionalItems. A list in items means
// prefixItems, as it did before 2020-12; only beside it additionalItems has a meaning.
func arrayFacetOf(at place) (f arrayFacet, fail *Error) {
	l := at.l
	items, prefix := l.v.Get("items"), l.v.Get("prefixItems")
	prefixName, restName := "prefixItems", "items"
	if items != nil && items.Kind == ojson.Array {
		if prefix != nil {
			return f, l.fail(ErrInvalid, "items", "a list of schemas beside prefixItems")
		}
		prefix, items = items, l.v.Get("additionalItems")
		prefixName, restName = "items", "additionalItems"
	}
	if prefix != nil {
		if prefix.Kind != ojson.Array {
			return f, l.fail(ErrInvalid, prefixName, "must be a list, not %s", prefix.Kind)
		}
		for i, v := range prefix.Items {
			f.prefix = append(f.prefix, term{l: l.at(v, prefixName, strconv.Itoa(i))})
		}
	}
	if items != nil {
		f.items = term{l: l.at(items, restName)}
	}
	return f, nil
}

func applyContains(_ *Compiler, j *conjunct, at place, _ *ojson.Value) *Error {
	f, err := containsFacetOf(at)
	if err == nil {
		j.tally(heldContains{containsFacet: &f})
	}
	return err
}

// containsFacetOf reads contains with minContains and maxContains.
func containsFacetOf(at place) (f containsFacet, fail *Error) {
	f = containsFacet{t: term{l: at.l.at(at.l.v.Get("contains"), "contains")}, min: 1, max: -1, at: at}
	if at.l.dialect() != dialectModern {
		return f, nil
	}
	for _, name := range [...]string{"minContains", "maxContains"} {
		v := at.l.v.Get(name)
		if v == nil {
			continue
		}
		n, tooBig, err := count(place{at.l, name}, v)
		switch {
		case err != nil:
			return f, err
		case name == "minContains":
			f.min = n
		case !tooBig:
			f.max = n
		}
	}
	return f, nil
}

func applyUnique(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	if v.Kind != ojson.Bool {
		return at.fail(ErrInvalid, "must be a boolean, not %s", v.Kind)
	}
	if v.Bool && j.unique == nil {
		j.ownArrays().unique = &at
	}
	return nil
}

// applyObject reads properties, patternProperties and additionalProperties together, at
// the first of them.
func applyObject(c *Compiler, j *conjunct, at place, _ *ojson.Value) *Error {
	if at.keyword != at.l.firstOf("properties", "patternProperties", "additionalProperties") {
		return nil
	}
	f, unsupported, err := c.objectFacet(at)
	if err != nil {
		return err
	}
	if unsupported != nil {
		j.block(kindObject, unsupported)
	}
	j.objects = j.mem.facets.Append(j.objects, heldFacet{objectFacet: f})
	return nil
}

// objectFacet reads properties, patternProperties and additionalProperties. Patterns that
// are not supported are left out and named.
func (c *Compiler) objectFacet(at place) (f *objectFacet, unsupported, fail *Error) {
	l := at.l
	if l.members != nil {
		return l.members, nil, nil
	}
	f = &objectFacet{}
	props, patterns := l.v.Get("properties"), l.v.Get("patternProperties")
	if props != nil {
		if props.Kind != ojson.Object {
			return f, nil, l.fail(ErrInvalid, "properties", "must be an object, not %s", props.Kind)
		}
		f.props = c.mem.properties.Take(len(props.Members))
		for i, m := range props.Members {
			f.props[i] = property{m.Name, term{l: l.at(m.Value, "properties", m.Name)}}
		}
		// An empty list of properties is how no-argument tools are declared; within a
		// tool it is how a free object is.
		f.declares = len(f.props) > 0 || (l.doc.tool && l == l.doc.root)
	}
	if patterns != nil {
		if patterns.Kind != ojson.Object {
			return f, nil, l.fail(ErrInvalid, "patternProperties", "must be an object, not %s", patterns.Kind)
		}
		for _, m := range patterns.Members {
			here := place{l, "patternProperties"}
			p, not, err := c.pattern(m.Name, here)
			if err != nil {
				return f, nil, err
			}
			if not != nil {
				unsupported = not
				continue
			}
			f.patterns = append(f.patterns, patternProperty{p, here, term{l: l.at(m.Value, "patternProperties", m.Name)}})
		}
	}
	f.additional = l.optional("additionalProperties")
	if unsupported == nil {
		l.members = f
	}
	return f, unsupported, nil
}

func applyNames(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	if t := (term{l: at.l.at(v, at.keyword)}); !t.free() {
		r := j.ownRest()
		r.names = append(r.names, t)
	}
	return nil
}

func applyRequired(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	names, err := namesOf(at, v)
	j.required = slices.Grow(j.required, len(names))
	for _, n := range names {
		j.require(n, at)
	}
	return err
}

// namesOf reads the keyword required.
func namesOf(at place, v *ojson.Value) (names []string, fail *Error) {
	if v.Kind == ojson.Bool {
		return nil, at.fail(ErrInvalid, "must be a list of names in the object's schema, not a flag in the property's")
	}
	if v.Kind != ojson.Array {
		return nil, at.fail(ErrInvalid, "must be a list of names, not %s", v.Kind)
	}
	names = make([]string, 0, len(v.Items))
	for _, n := range v.Items {
		if n.Kind != ojson.String {
			return nil, at.fail(ErrInvalid, "must be a list of names, and holds %s", n.Kind)
		}
		names = append(names, n.Text)
	}
	return names, nil
}
