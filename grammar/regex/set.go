package regex

import (
	"slices"
	"unicode"

	"github.com/callama/callama/grammar/gbnf"
)

// Set is a set of code points: sorted, disjoint, non-adjacent ranges. Surrogates are
// never members: JSON text that is valid UTF-8 cannot contain them. The zero value is
// the empty set. A Set is not modified once made and may be shared.
type Set []gbnf.Range

// The surrogate gap splits the code points into two blocks.
const (
	surrogateLo = 0xD800
	surrogateHi = 0xDFFF
	maxRune     = unicode.MaxRune
)

// AllRunes is the set of every Unicode scalar value.
var AllRunes = Set{{Lo: 0, Hi: surrogateLo - 1}, {Lo: surrogateHi + 1, Hi: maxRune}}

// NewSet returns the set of the given ranges, in any order and overlapping or not.
func NewSet(ranges ...gbnf.Range) Set {
	rs := slices.Clone(ranges)
	slices.SortFunc(rs, func(a, b gbnf.Range) int { return int(a.Lo) - int(b.Lo) })
	var out Set
	for _, r := range rs {
		if r.Lo > r.Hi {
			continue
		}
		if n := len(out); n > 0 && r.Lo <= out[n-1].Hi+1 {
			out[n-1].Hi = max(out[n-1].Hi, r.Hi)
			continue
		}
		out = append(out, r)
	}
	return out.clip()
}

// clip removes surrogates and values outside Unicode.
func (s Set) clip() Set {
	clean := true
	for _, r := range s {
		if r.Lo < 0 || r.Hi > maxRune || (r.Lo <= surrogateHi && r.Hi >= surrogateLo) {
			clean = false
		}
	}
	if clean {
		return s
	}
	var out Set
	for _, r := range s {
		r.Lo, r.Hi = max(r.Lo, 0), min(r.Hi, maxRune)
		if below := (gbnf.Range{Lo: r.Lo, Hi: min(r.Hi, surrogateLo-1)}); below.Lo <= below.Hi {
			out = append(out, below)
		}
		if above := (gbnf.Range{Lo: max(r.Lo, surrogateHi+1), Hi: r.Hi}); above.Lo <= above.Hi {
			out = append(out, above)
		}
	}
	return out
}

// Union returns the members of either set.
func (s Set) Union(t Set) Set { return NewSet(append(slices.Clone(s), t...)...) }

// Negate returns every scalar value that is not a member.
func (s Set) Negate() Set {
	var out Set
	next := rune(0)
	for _, r := range s {
		if r.Lo > next {
			out = append(out, gbnf.Range{Lo: next, Hi: r.Lo - 1})
		}
		next = r.Hi + 1
	}
	if next <= maxRune {
		out = append(out, gbnf.Range{Lo: next, Hi: maxRune})
	}
	return out.clip()
}

// Intersect returns the members of both sets.
func (s Set) Intersect(t Set) Set {
	var out Set
	for i, j := 0, 0; i < len(s) && j < len(t); {
		lo, hi := max(s[i].Lo, t[j].Lo), min(s[i].Hi, t[j].Hi)
		if lo <= hi {
			out = append(out, gbnf.Range{Lo: lo, Hi: hi})
		}
		if s[i].Hi < t[j].Hi {
			i++
		} else {
			j++
		}
	}
	return out
}

// Contains reports whether r is a member. Cost: logarithmic in the ranges.
func (s Set) Contains(r rune) bool {
	i, found := slices.BinarySearchFunc(s, r, func(x gbnf.Range, r rune) int { return int(x.Lo) - int(r) })
	return found || (i > 0 && r <= s[i-1].Hi)
}

// fromTable converts one of package unicode's tables.
func fromTable(t *unicode.RangeTable) Set {
	var rs []gbnf.Range
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			rs = append(rs, gbnf.Range{Lo: lo, Hi: hi})
			return
		}
		for r := lo; r <= hi; r += stride {
			rs = append(rs, gbnf.Range{Lo: r, Hi: r})
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return NewSet(rs...)
}
