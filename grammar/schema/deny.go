package schema

import (
	"slices"

	"github.com/callama/callama/internal/ojson"
)

// deny excludes one single value: null, a boolean, a number or a string.
func (j *conjunct) deny(v *ojson.Value, at place) {
	if !j.denies(v) {
		own := j.ownValues()
		own.denied, own.deniedAt = append(own.denied, v), at
	}
}

// equalSingle compares values that are no arrays or objects.
func equalSingle(a, b *ojson.Value) bool {
	switch {
	case a.Kind != b.Kind:
		return false
	case a.Kind == ojson.Number:
		return a.Text == b.Text || equalityKey(a) == equalityKey(b)
	}
	return a.Text == b.Text && a.Bool == b.Bool
}

// equal compares values.
func equal(a, b *ojson.Value) bool {
	if a.Kind != b.Kind || a.Kind != ojson.Array && a.Kind != ojson.Object {
		return equalSingle(a, b)
	}
	return equalityKey(a) == equalityKey(b)
}

// denies reports whether a single value is excluded.
func (j *conjunct) denies(v *ojson.Value) bool {
	if len(j.denied) == 0 || v.Kind == ojson.Array || v.Kind == ojson.Object {
		return false
	}
	return slices.ContainsFunc(j.denied, func(d *ojson.Value) bool { return equalSingle(d, v) })
}

func (j *conjunct) deniesText() bool {
	return slices.ContainsFunc(j.denied, func(v *ojson.Value) bool { return v.Kind == ojson.String })
}

// deniedTexts returns the excluded strings, sorted.
func (j *conjunct) deniedTexts() []string {
	var out []string
	for _, v := range j.denied {
		if v.Kind == ojson.String {
			out = append(out, v.Text)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// deniedNumbers returns the excluded numbers that lie within the bounds, in ascending
// order. Without fractions only integers count.
func (j *conjunct) deniedNumbers() []decimal {
	var out []decimal
	for _, v := range j.denied {
		if v.Kind != ojson.Number {
			continue
		}
		d, err := parseDecimal(v.Text)
		if err == nil && j.admits(d) && (d.isInteger() && j.kinds&kindInteger != 0 || !d.isInteger() && j.kinds&kindFraction != 0) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, decimal.compare)
	return slices.Compact(out)
}

// settleDenied removes the kinds of which every value is excluded.
func (c *Compiler) settleDenied(j *conjunct) {
	if len(j.denied) == 0 {
		return
	}
	why := func() *Error { return j.deniedAt.fail(ErrUnsatisfiable, "every value that is left is excluded") }
	if j.denies(&ojson.Value{Kind: ojson.Null}) {
		j.restrict(^kindNull, why)
	}
	if len(j.bools()) == 0 {
		j.restrict(^kindBool, why)
	}
	if j.kinds&kindNumber != 0 && len(c.numberRanges(j)) == 0 {
		j.restrict(^kindNumber, why)
	}
}

var bothBools = []bool{true, false}

// bools returns the booleans that are not excluded.
func (j *conjunct) bools() []bool {
	if len(j.denied) == 0 {
		return bothBools
	}
	var out []bool
	for _, b := range [...]bool{true, false} {
		if !j.denies(&ojson.Value{Kind: ojson.Bool, Bool: b}) {
			out = append(out, b)
		}
	}
	return out
}

// numberRanges returns conjuncts whose bounds together hold the numbers of j that are not
// excluded: the ranges between them.
func (c *Compiler) numberRanges(j *conjunct) []*conjunct {
	holes := j.deniedNumbers()
	if len(holes) == 0 {
		return j.alone()
	}
	var out []*conjunct
	from := j.lower
	for i := 0; i <= len(holes); i++ {
		r := &conjunct{kinds: j.kinds & kindNumber, valuePart: anyValues, stringPart: anyStrings, arrayPart: anyArrays, restPart: anyRest}
		r.numberPart = &numberPart{lower: from, upper: j.upper, steps: j.steps}
		if i < len(holes) {
			r.upper = bound{set: true, value: holes[i], exclusive: true, at: j.deniedAt}
			from = bound{set: true, value: holes[i], exclusive: true, at: j.deniedAt}
		}
		if !c.emptyRange(r) {
			out = append(out, r)
		}
	}
	return out
}

// emptyRange reports whether no number lies within the bounds of a conjunct.
func (c *Compiler) emptyRange(j *conjunct) bool {
	if j.lower.set && j.upper.set {
		cmp := j.lower.value.compare(j.upper.value)
		if cmp > 0 || (cmp == 0 && (j.lower.exclusive || j.upper.exclusive)) {
			return true
		}
		if j.kinds&kindNumber == kindFraction && cmp == 0 {
			return j.lower.value.isInteger()
		}
	}
	if j.kinds&kindNumber == kindInteger {
		lo, hi := integerBounds(j, c.lim.IntegerDigits)
		return lo.Cmp(hi) > 0
	}
	return false
}
