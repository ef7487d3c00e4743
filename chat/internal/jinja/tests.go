package jinja

import "strings"

// test computes value is name(args).
func (in *interp) test(line int, name string, value any, args *callArgs) bool {
	f, ok := tests[name]
	if !ok {
		throwf(line, "there is no test %q", name)
	}
	return f(in, line, in.priced(value), args)
}

type testFunc func(in *interp, line int, value any, args *callArgs) bool

// kind makes a test of the value's type alone.
func kind(f func(value any) bool) testFunc {
	return func(_ *interp, _ int, value any, _ *callArgs) bool { return f(value) }
}

// ordering makes a test by a comparison operator.
func ordering(op string) testFunc {
	return func(in *interp, line int, value any, args *callArgs) bool {
		return in.ordered(line, op, value, args.or(0, "other", nil))
	}
}

func is[T any](value any) bool {
	_, ok := value.(T)
	return ok
}

func isIterable(value any) bool {
	return is[string](value) || is[*List](value) || is[*Dict](value) || is[*undefined](value)
}

func equalTest(in *interp, line int, value any, args *callArgs) bool {
	return in.equal(value, args.or(0, "other", nil), 0)
}

func notEqualTest(in *interp, line int, value any, args *callArgs) bool {
	return !equalTest(in, line, value, args)
}

// divisible makes even, odd and divisibleby.
func divisible(by, remainder int64) testFunc {
	return func(in *interp, line int, value any, args *callArgs) bool {
		n, ok := number(value)
		if !ok {
			throwf(line, "a number is needed, not %s", typeName(value))
		}
		d := by
		if d == 0 {
			d = args.integer(line, 0, "num", 0)
		}
		return in.equal(arithmetic(line, "%", n, d), remainder, 0)
	}
}

var tests map[string]testFunc

func init() { // "is filter" and "is test" look the tables up
	tests = map[string]testFunc{
		"defined":     kind(func(v any) bool { return !is[*undefined](v) }),
		"undefined":   kind(is[*undefined]),
		"none":        kind(func(v any) bool { return v == nil }),
		"boolean":     kind(is[bool]),
		"true":        kind(func(v any) bool { return v == true }),
		"false":       kind(func(v any) bool { return v == false }),
		"string":      kind(is[string]),
		"integer":     kind(func(v any) bool { return is[int64](v) || is[bigInt](v) }),
		"float":       kind(is[float64]),
		"number":      kind(func(v any) bool { return is[int64](v) || is[float64](v) || is[bool](v) || is[bigInt](v) }),
		"mapping":     kind(is[*Dict]),
		"sequence":    kind(isIterable),
		"iterable":    kind(isIterable),
		"callable":    kind(func(v any) bool { return is[*Func](v) || is[*loop](v) || is[*undefined](v) }),
		"escaped":     kind(func(any) bool { return false }),
		"even":        divisible(2, 0),
		"odd":         divisible(2, 1),
		"divisibleby": divisible(0, 0),
		"eq":          equalTest, "==": equalTest, "equalto": equalTest,
		"ne": notEqualTest, "!=": notEqualTest,
		"lt": ordering("<"), "<": ordering("<"), "lessthan": ordering("<"),
		"le": ordering("<="), "<=": ordering("<="),
		"gt": ordering(">"), ">": ordering(">"), "greaterthan": ordering(">"),
		"ge": ordering(">="), ">=": ordering(">="),
		"in": func(in *interp, line int, value any, args *callArgs) bool {
			return in.contains(line, args.or(0, "seq", nil), value)
		},
		"sameas": func(in *interp, line int, value any, args *callArgs) bool {
			other := args.or(0, "other", nil)
			if is[float64](value) != is[float64](other) || is[bool](value) != is[bool](other) {
				return false
			}
			if is[*undefined](value) || is[*undefined](other) {
				return false
			}
			return value == other
		},
		"lower": func(in *interp, line int, value any, args *callArgs) bool {
			s := in.str(value)
			return strings.ToLower(s) == s && strings.ToUpper(s) != s
		},
		"upper": func(in *interp, line int, value any, args *callArgs) bool {
			s := in.str(value)
			return strings.ToUpper(s) == s && strings.ToLower(s) != s
		},
		"filter": func(in *interp, line int, value any, args *callArgs) bool { return filters[in.str(value)] != nil },
		"test":   func(in *interp, line int, value any, args *callArgs) bool { return tests[in.str(value)] != nil },
	}
}
