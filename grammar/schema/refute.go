package schema

import (
	"slices"
	"strconv"

	"github.com/callama/callama/internal/ojson"
)

// refute adds to each alternative that the schema at l does not hold: that one of its
// keywords does not.
func (x *expansion) refute(alts []*conjunct, l *location) ([]*conjunct, *Error) {
	t := term{l, true}
	if l.union != nil {
		var err *Error
		for _, u := range l.union {
			if alts, err = x.apply(alts, u.negated()); err != nil {
				return nil, err
			}
		}
		return alts, nil
	}
	if l.v.Kind == ojson.Bool && !l.v.Bool {
		return alts, nil
	}
	if l.v.Kind != ojson.Bool && l.v.Kind != ojson.Object {
		return nil, l.fail(ErrInvalid, "", "a schema is an object or a boolean, not %s", l.v.Kind)
	}
	if err := x.enter(t); err != nil {
		return nil, err
	}
	defer x.leave()
	x.silent++
	defer func() { x.silent-- }()
	var out []*conjunct
	for _, j := range alts {
		if j.kinds == 0 {
			out = append(out, j)
			continue
		}
		if j.hasEnum && !l.free { // the listed values are tried one by one
			v := j.ownValues()
			v.must = append(v.must, t)
			j.pick(x.way(t.key()))
			out = append(out, j)
			continue
		}
		more, err := x.refuteOne(j, l)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			dead := j.clone()
			dead.restrict(0, func() *Error {
				return l.fail(ErrUnsatisfiable, "", "every value that is left is excluded, as it is valid under this schema")
			})
			more = dead.alone()
		}
		out = append(out, more...)
		if _, err := x.bounded(out, place{l, ""}); err != nil {
			return nil, err
		}
	}
	return live(out), nil
}

// refuteOne returns the alternatives in which one keyword of the schema at l fails.
func (x *expansion) refuteOne(j *conjunct, l *location) ([]*conjunct, *Error) {
	if ref := l.v.Get("$ref"); ref != nil && l.dialect() != dialectModern {
		return x.refuteKeyword(j, place{l, "$ref"}, ref)
	}
	c := x.c
	before := len(c.pile)
	defer func() { c.pile = c.pile[:before] }()
	for _, m := range l.v.Members {
		more, err := x.refuteKeyword(j, place{l, m.Name}, m.Value)
		if err != nil {
			return nil, err
		}
		for i, k := range more {
			if k == j { // fails whatever the rest says
				return j.alone(), nil
			}
			if x.absorb {
				x.pick(k, place{l, m.Name}, m.Value, i)
			}
			if k.kinds != 0 {
				c.pile = append(c.pile, k)
			}
		}
		if _, err := x.bounded(c.pile[before:], place{l, m.Name}); err != nil {
			return nil, err
		}
	}
	return j.mem.alternatives.Copy(c.pile[before:]), nil
}

// failing returns a copy of j of these kinds only with more added, or nothing if there is
// no such value.
func failing(j *conjunct, k kinds, add func(*conjunct)) []*conjunct {
	if j.kinds&k == 0 {
		return nil
	}
	d := j.clone()
	d.kinds &= k
	add(d)
	if d.kinds == 0 {
		return nil
	}
	return d.alone()
}

// alone returns a list of one.
func (j *conjunct) alone() []*conjunct {
	list := j.mem.alternatives.Take(1)
	list[0] = j
	return list
}

// refuteKeyword returns the alternatives in which a keyword fails: none if it cannot, and
// j itself if it must.
func (x *expansion) refuteKeyword(j *conjunct, at place, v *ojson.Value) ([]*conjunct, *Error) {
	switch at.keyword {
	case "type":
		of, err := typesOf(at, v)
		switch {
		case err != nil:
			return nil, err
		case j.kinds&of == 0:
			return j.alone(), nil
		}
		return failing(j, ^of, func(*conjunct) {}), nil
	case "enum":
		if v.Kind != ojson.Array {
			return nil, at.fail(ErrInvalid, "must be a list, not %s", v.Kind)
		}
		return x.refuteValues(j, at, v.Items)
	case "const":
		return x.refuteValues(j, at, []*ojson.Value{v})
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		return refuteBound(j, at, v)
	case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
		return refuteSpan(j, at, v)
	case "pattern":
		return x.refutePattern(j, at, v)
	case "format":
		return x.refuteFormat(j, at, v)
	case "required":
		return x.refuteRequired(j, at, v)
	case "properties", "patternProperties", "additionalProperties":
		return x.refuteMembers(j, at)
	case "propertyNames":
		return failing(j, kindObject, func(d *conjunct) {
			d.witnesses = append(d.witnesses, witness{name: term{at.l.at(v, at.keyword), true}, at: at})
		}), nil
	case "items", "prefixItems", "additionalItems":
		return x.refuteItems(j, at)
	case "contains":
		return x.refuteContains(j, at)
	}
	if out, done, err := x.refuteApplicator(j, at, v); done || err != nil {
		return out, err
	}
	return x.refuteOther(j, at, v)
}

// refuteOther handles keywords whose failure cannot be written, and some that can.
func (x *expansion) refuteOther(j *conjunct, at place, v *ojson.Value) ([]*conjunct, *Error) {
	refuse := func(k kinds) []*conjunct {
		return failing(j, k, func(d *conjunct) { d.block(k, at.unsupported()) })
	}
	switch at.keyword {
	case "uniqueItems":
		if flag(at.l, at.keyword) {
			return refuse(kindArray), nil
		}
	case "unevaluatedItems", "unevaluatedProperties":
		if !glanceAt(v).free {
			return refuse(kindArray | kindObject), nil
		}
	case "multipleOf", "divisibleBy":
		d, err := number(at, v)
		if err != nil {
			return nil, err
		}
		if d == (decimal{digits: "1", point: 1}) {
			return failing(j, kindFraction, func(*conjunct) {}), nil
		}
		if d.neg || d.isZero() {
			return nil, at.fail(ErrInvalid, "must be greater than 0, not %s", v.Text)
		}
		return failing(j, kindNumber, func(k *conjunct) {
			n := k.ownNumbers()
			n.steps = append(n.steps, step{value: d, not: true, at: at})
		}), nil
	case "extends", "disallow":
		if at.l.dialect() == dialectDraft4 {
			return refuse(kindAny), nil
		}
	}
	return nil, nil
}

// refuteApplicator handles keywords with schemas for the same value.
func (x *expansion) refuteApplicator(j *conjunct, at place, v *ojson.Value) (out []*conjunct, done bool, err *Error) {
	apply := func(from *conjunct, terms ...term) {
		alts := from.clone().alone()
		for _, t := range terms {
			if err == nil {
				alts, err = x.apply(alts, t)
			}
		}
		if err == nil {
			out = append(out, alts...)
		}
	}
	l := at.l
	switch at.keyword {
	case "$ref", "$dynamicRef", "$recursiveRef":
		target, err := l.target(at.keyword, v)
		if err != nil {
			return nil, true, err
		}
		out, err := x.refute(j.clone().alone(), target)
		return out, true, err
	case "allOf", "anyOf", "oneOf":
		branches, fail := at.branches(v)
		if fail != nil {
			return nil, true, fail
		}
		none := make([]term, len(branches))
		for i, b := range branches {
			none[i] = b.negated()
		}
		if at.keyword == "allOf" {
			for _, t := range none {
				apply(j, t)
			}
			break
		}
		out, err = x.applyAll(j.clone().alone(), none)
		if at.keyword == "oneOf" {
			sketches := x.c.sketches(branches)
			for i, a := range branches {
				for k, b := range branches[:i] {
					if apart(sketches[i], sketches[k]) {
						continue
					}
					apply(j, a, b)
				}
			}
		}
	case "not":
		apply(j, term{l: l.at(v, "not")})
	case "if":
		if l.dialect() == dialectDraft4 {
			break
		}
		test, then, otherwise := term{l: l.at(v, "if")}, l.optional("then"), l.optional("else")
		if !then.free() {
			apply(j, test, then.negated())
		}
		if !otherwise.free() {
			apply(j, test.negated(), otherwise.negated())
		}
	case "dependentRequired", "dependentSchemas", "dependencies":
		list, fail := at.dependencyList(v)
		if fail != nil {
			return nil, true, fail
		}
		for _, d := range list {
			for _, n := range d.names {
				out = append(out, failing(j, kindObject, func(k *conjunct) { k.require(d.name, at); k.lack(n, at) })...)
			}
			if !d.schema.free() {
				for _, k := range failing(j, kindObject, func(k *conjunct) { k.require(d.name, at) }) {
					apply(k, d.schema.negated())
				}
			}
		}
	default:
		return nil, false, nil
	}
	return out, true, err
}

// refuteValues excludes values: single ones at once, arrays and objects as structures that
// fail somewhere.
func (x *expansion) refuteValues(j *conjunct, at place, values []*ojson.Value) ([]*conjunct, *Error) {
	alts := j.clone().alone()
	for _, v := range values {
		if v.Kind != ojson.Array && v.Kind != ojson.Object {
			for _, k := range alts {
				k.deny(v, at)
			}
			continue
		}
		same := at.l.synthetic("structure "+equalityKey(v), func() *ojson.Value { return structure(v) })
		var err *Error
		if alts, err = x.refute(alts, same); err != nil {
			return nil, err
		}
	}
	return alts, nil
}

func refuteBound(j *conjunct, at place, v *ojson.Value) ([]*conjunct, *Error) {
	strict := at.keyword == "exclusiveMinimum" || at.keyword == "exclusiveMaximum"
	if strict && v.Kind == ojson.Bool { // draft 4: a flag that belongs to the other keyword
		return nil, nil
	}
	d, err := number(at, v)
	if err != nil {
		return nil, err
	}
	lower := at.keyword == "minimum" || at.keyword == "exclusiveMinimum"
	if lower {
		strict = strict || flag(at.l, "exclusiveMinimum")
	} else {
		strict = strict || flag(at.l, "exclusiveMaximum")
	}
	b := bound{set: true, value: d, exclusive: !strict, at: at}
	return failing(j, kindNumber, func(k *conjunct) {
		if lower {
			k.reduce(b)
		} else {
			k.raise(b)
		}
	}), nil
}

func refuteSpan(j *conjunct, at place, v *ojson.Value) ([]*conjunct, *Error) {
	n, tooBig, err := count(at, v)
	if err != nil {
		return nil, err
	}
	k, lower := spanKinds[at.keyword], at.keyword[:3] == "min"
	if lower && n == 0 || !lower && tooBig {
		return nil, nil
	}
	return failing(j, k, func(d *conjunct) {
		if s := d.span(at.keyword); lower {
			s.atMost(n-1, at)
		} else {
			s.atLeast(n+1, at)
		}
	}), nil
}

func (x *expansion) refutePattern(j *conjunct, at place, v *ojson.Value) ([]*conjunct, *Error) {
	if v.Kind != ojson.String {
		return nil, at.fail(ErrInvalid, "must be a string, not %s", v.Kind)
	}
	p, unsupported, err := x.c.pattern(v.Text, at)
	if err != nil {
		return nil, err
	}
	return failing(j, kindString, func(d *conjunct) {
		if unsupported != nil {
			d.block(kindString, unsupported)
		} else if p != nil {
			s := d.ownStrings()
			s.patterns = append(s.patterns, patternAt{p: p, at: at, not: true})
		}
	}), nil
}

func (x *expansion) refuteRequired(j *conjunct, at place, v *ojson.Value) ([]*conjunct, *Error) {
	names, err := namesOf(at, v)
	if err != nil {
		return nil, err
	}
	var out []*conjunct
	for _, n := range names {
		if j.kinds == kindObject && slices.Contains(j.absent, n) {
			return j.alone(), nil
		}
		out = append(out, failing(j, kindObject, func(d *conjunct) {
			d.lack(n, at)
			if x.absorb {
				d.pick(x.way("lack " + n))
			}
		})...)
	}
	return out, nil
}

// refuteMembers makes a member fail: a declared one, one whose name matches a pattern, or
// another.
func (x *expansion) refuteMembers(j *conjunct, at place) ([]*conjunct, *Error) {
	if at.keyword != at.l.firstOf("properties", "patternProperties", "additionalProperties") {
		return nil, nil
	}
	f, unsupported, err := x.c.objectFacet(at)
	if err != nil {
		return nil, err
	}
	var out []*conjunct
	for _, p := range f.props {
		if p.t.free() || slices.Contains(j.absent, p.name) {
			continue
		}
		if x.absorb && j.kinds == kindObject {
			can, must, err := x.failureOf(j, p)
			if err != nil {
				return nil, err
			}
			if must {
				return j.alone(), nil
			}
			if !can {
				continue
			}
		}
		out = append(out, failing(j, kindObject, func(d *conjunct) {
			if x.absorb {
				d.pick(x.way("has " + p.name))
				d.pick(x.way("fails " + strconv.Quote(p.name) + contentKey(p.t.l)))
				d.failed = true
			}
			d.require(p.name, at)
			d.demand(p.name, p.t.negated())
		})...)
	}
	need := func(w witness) {
		w.at = at
		out = append(out, failing(j, kindObject, func(d *conjunct) { d.witnesses = d.mem.witnesses.Append(d.witnesses, w) })...)
	}
	for _, p := range f.patterns {
		if !p.t.free() {
			need(witness{pattern: p.p, value: p.t.negated()})
		}
	}
	if !f.additional.free() {
		need(witness{except: f, value: f.additional.negated()})
	}
	if unsupported != nil {
		out = append(out, failing(j, kindObject, func(d *conjunct) { d.block(kindObject, unsupported) })...)
	}
	return out, nil
}

// refuteItems makes an item fail.
func (x *expansion) refuteItems(j *conjunct, at place) ([]*conjunct, *Error) {
	if at.keyword != at.l.firstOf("items", "prefixItems") {
		return nil, nil
	}
	f, err := arrayFacetOf(at)
	if err != nil {
		return nil, err
	}
	var out []*conjunct
	for i, t := range f.prefix {
		if t.free() {
			continue
		}
		out = append(out, failing(j, kindArray, func(d *conjunct) {
			a := d.ownArrays()
			a.count.atLeast(i+1, at)
			prefix := make([]term, i+1)
			prefix[i] = t.negated()
			a.arrays = j.mem.items.Append(a.arrays, arrayFacet{prefix: prefix, silent: true})
		})...)
	}
	if !f.items.free() {
		out = append(out, failing(j, kindArray, func(d *conjunct) {
			d.tally(heldContains{&containsFacet{t: f.items.negated(), from: len(f.prefix), min: 1, max: -1, at: at}, true})
		})...)
	}
	return out, nil
}

// refuteContains makes too few or too many items meet the schema of contains.
func (x *expansion) refuteContains(j *conjunct, at place) ([]*conjunct, *Error) {
	f, err := containsFacetOf(at)
	if err != nil {
		return nil, err
	}
	var out []*conjunct
	add := func(least, most int) {
		f := f
		f.min, f.max = least, most
		out = append(out, failing(j, kindArray, func(d *conjunct) { d.tally(heldContains{&f, true}) })...)
	}
	if f.min > 0 {
		add(0, f.min-1)
	}
	if f.max >= 0 {
		add(f.max+1, -1)
	}
	return out, nil
}
