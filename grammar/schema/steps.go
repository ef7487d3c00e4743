package schema

import "slices"

// fewerSteps returns steps that the same numbers meet, without those that follow from others, in an
// order that does not depend on that of the schema; ok is false if no number meets them. Each step
// multiplies the states of an automaton, and alternatives of oneOf exclude the same multiples again
// and again.
func fewerSteps(steps []step) (fewer []step, ok bool) {
	if len(steps) < 2 {
		return steps, true
	}
	for i, s := range steps {
		needed := true
		for k, o := range steps {
			if i == k {
				continue
			}
			if !o.not && s.not && o.value.multipleOf(s.value) {
				return nil, false // every multiple of one is excluded by the other
			}
			follows := o.not == s.not && (s.not && s.value.multipleOf(o.value) || !s.not && o.value.multipleOf(s.value))
			needed = needed && !(follows && (k < i || s.value != o.value)) // of equal ones the first stays
		}
		if needed {
			fewer = append(fewer, s)
		}
	}
	slices.SortFunc(fewer, func(a, b step) int {
		switch {
		case a.not != b.not && b.not:
			return -1
		case a.not != b.not:
			return 1
		}
		return a.value.compare(b.value)
	})
	return fewer, true
}
