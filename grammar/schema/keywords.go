package schema

import (
	"errors"
	"slices"
	"strconv"

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
	case "$ref", "allOf", "anyOf", "oneOf", "then", "else", "minContains", "maxContains", "additionalItems":
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
	case "minLength", "maxLength", "minItems", "maxItems":
		return applySpan, true
	case "pattern":
		return applyPattern, true
	case "items", "prefixItems":
		return applyArray, true
	case "properties", "additionalProperties":
		return applyObject, true
	case "required":
		return applyRequired, true
	case "minProperties":
		return applyMinProperties, true
	case "if":
		return applyIf, true
	}
	apply = refusal(name)
	return apply, apply != nil
}

// refusal returns the refusal of a keyword that is not supported, or nil if the name is
// not a keyword at all.
func refusal(name string) keyword {
	never := func(*ojson.Value) bool { return false }
	isFalse := func(v *ojson.Value) bool { return v.Kind == ojson.Bool && !v.Bool }
	isEmpty := func(v *ojson.Value) bool { return v.Kind == ojson.Object && len(v.Members) == 0 }
	switch name {
	case "not":
		return refuse(kindAny, isFalse)
	case "$dynamicRef", "$recursiveRef", "extends", "disallow":
		return refuse(kindAny, never)
	case "uniqueItems":
		return refuse(kindArray, isFalse)
	case "contains":
		return refuse(kindArray, never)
	case "unevaluatedItems":
		return refuse(kindArray, constrainsNothing)
	case "maxProperties":
		return refuse(kindObject, never)
	case "patternProperties", "dependencies", "dependentRequired", "dependentSchemas":
		return refuse(kindObject, isEmpty)
	case "propertyNames", "unevaluatedProperties":
		return refuse(kindObject, constrainsNothing)
	}
	return nil
}

// refuse makes an unsupported keyword: an error if values of these kinds are left in the
// end, unless the keyword's value has no effect.
func refuse(k kinds, harmless func(*ojson.Value) bool) keyword {
	return func(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
		if !harmless(v) {
			j.blocked = append(j.blocked, blocked{k, at.unsupported()})
		}
		return nil
	}
}

func applyIf(c *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	if at.l.v.Get("then") == nil && at.l.v.Get("else") == nil {
		return nil
	}
	return refuse(kindAny, func(*ojson.Value) bool { return false })(c, j, at, v)
}

func applyType(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	names := []*ojson.Value{v}
	if v.Kind == ojson.Array {
		names = v.Items
	}
	var of kinds
	for _, n := range names {
		k, ok := typeKinds[n.Text]
		switch {
		case n.Kind != ojson.String:
			return at.fail(ErrInvalid, "a type is a name or a list of names, not %s", n.Kind)
		case n.Text == "any" && at.l.dialect() == dialectDraft4: // draft 3
			k = kindAny
		case !ok:
			return at.fail(ErrInvalid, "unknown type %q", n.Text)
		}
		of |= k
	}
	before := j.kinds
	j.restrict(of, func() *Error {
		return at.fail(ErrUnsatisfiable, "only %s is left, which the rest of the schema excludes", before)
	})
	return nil
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
	j.steps = append(j.steps, step{value: d, at: at})
	return nil
}

func applySpan(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	n, tooBig, fail := count(at, v)
	if fail != nil {
		return fail
	}
	s := &j.length
	if at.keyword == "minItems" || at.keyword == "maxItems" {
		s = &j.count
	}
	if at.keyword == "maxLength" || at.keyword == "maxItems" {
		s.atMost(n, at)
		return nil
	}
	if tooBig {
		return at.fail(ErrLimit, "%w", &LimitError{Name: "count", Limit: maxCount, Got: n})
	}
	s.atLeast(n, at)
	return nil
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
	p, ok := c.patterns[v.Text]
	if !ok {
		re, err := regex.Parse(v.Text)
		var e *regex.Error
		if errors.As(err, &e) && e.Unsupported {
			j.blocked = append(j.blocked, blocked{kindString, at.fail(ErrUnsupported, "%w", err)})
			return nil
		}
		if err != nil {
			return at.fail(ErrInvalid, "%w", err)
		}
		p = &pattern{re: re}
		c.patterns[v.Text] = p
	}
	if !slices.ContainsFunc(j.patterns, func(q patternAt) bool { return q.p == p }) {
		j.patterns = append(j.patterns, patternAt{p, at})
	}
	return nil
}

// applyArray reads items, prefixItems and additionalItems together, at the first of the
// two former that stands in the schema. A list in items means prefixItems, as it did
// before 2020-12; only beside it additionalItems has a meaning.
func applyArray(_ *Compiler, j *conjunct, at place, _ *ojson.Value) *Error {
	l := at.l
	items, prefix := l.v.Get("items"), l.v.Get("prefixItems")
	if at.keyword == "prefixItems" && items != nil {
		return nil // read at items
	}
	var f arrayFacet
	prefixName, restName := "prefixItems", "items"
	if items != nil && items.Kind == ojson.Array {
		if prefix != nil {
			return l.fail(ErrInvalid, "items", "a list of schemas beside prefixItems")
		}
		prefix, items = items, l.v.Get("additionalItems")
		prefixName, restName = "items", "additionalItems"
	}
	if prefix != nil {
		if prefix.Kind != ojson.Array {
			return l.fail(ErrInvalid, prefixName, "must be a list, not %s", prefix.Kind)
		}
		for i, v := range prefix.Items {
			f.prefix = append(f.prefix, l.at(v, prefixName, strconv.Itoa(i)))
		}
	}
	if items != nil {
		f.items = l.at(items, restName)
	}
	j.arrays = append(j.arrays, f)
	return nil
}

// applyObject reads properties and additionalProperties together, at the first of them.
func applyObject(_ *Compiler, j *conjunct, at place, _ *ojson.Value) *Error {
	l := at.l
	props, additional := l.v.Get("properties"), l.v.Get("additionalProperties")
	if at.keyword == "additionalProperties" && props != nil {
		return nil // read at properties
	}
	var f objectFacet
	if props != nil {
		if props.Kind != ojson.Object {
			return l.fail(ErrInvalid, "properties", "must be an object, not %s", props.Kind)
		}
		for _, m := range props.Members {
			f.props = append(f.props, property{m.Name, l.at(m.Value, "properties", m.Name)})
		}
		// An empty list of properties is how no-argument tools are declared; within a
		// tool it is how a free object is.
		f.declares = len(f.props) > 0 || (l.doc.tool && l == l.doc.root)
	}
	if additional != nil {
		f.additional = l.at(additional, "additionalProperties")
	}
	j.objects = append(j.objects, f)
	return nil
}

func applyRequired(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	if v.Kind == ojson.Bool {
		return at.fail(ErrInvalid, "must be a list of names in the object's schema, not a flag in the property's")
	}
	if v.Kind != ojson.Array {
		return at.fail(ErrInvalid, "must be a list of names, not %s", v.Kind)
	}
	for _, n := range v.Items {
		if n.Kind != ojson.String {
			return at.fail(ErrInvalid, "must be a list of names, and holds %s", n.Kind)
		}
		if !slices.ContainsFunc(j.required, func(r requiredAt) bool { return r.name == n.Text }) {
			j.required = append(j.required, requiredAt{n.Text, at})
		}
	}
	return nil
}

func applyMinProperties(_ *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	n, _, fail := count(at, v)
	if fail == nil && n > j.minProps {
		j.minProps, j.minNames = n, &at
	}
	return fail
}
