package jinja

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// interp is one rendering.
type interp struct {
	limits Limits
	out    *strings.Builder
	global *scope
	line   int // of the node being evaluated
	work   int // steps spent
	depth  int // nested evaluations
	calls  int // nested macro calls
}

// scope holds the variables of one level; a name is looked up outwards.
type scope struct {
	vars   map[string]any
	parent *scope
}

func (s *scope) lookup(name string) (any, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

func (s *scope) inner() *scope { return &scope{vars: make(map[string]any), parent: s} }

// spend counts work done, and ends the rendering when it is too much.
func (in *interp) spend(steps int) {
	if in.work += steps; in.work > in.limits.Work || steps < 0 {
		throw(in.line, &LimitError{"Work", in.limits.Work})
	}
}

// priced counts what an operation that reads all of a text costs, or all texts of a tuple
// (it may become a key), and returns the value.
func (in *interp) priced(value any) any {
	switch v := value.(type) {
	case string:
		in.spend(len(v) / bytesPerStep)
	case *List:
		if v.Tuple {
			for _, item := range v.Items {
				in.spend(1)
				if text, ok := item.(string); ok {
					in.spend(len(text) / reprBytesPerStep)
				}
			}
		}
	}
	return value
}

// made checks the length of a string that is about to be built and counts its price.
func (in *interp) made(line, bytes int) {
	if bytes > in.limits.OutputBytes || bytes < 0 {
		throw(line, &LimitError{"OutputBytes", in.limits.OutputBytes})
	}
	in.spend(bytes / bytesPerStep)
}

// evalsPerDepth is how many evaluations may nest for each unit of Limits.Depth: within one
// level of syntax a chain of operators or filters nests too.
const evalsPerDepth = 50

func (in *interp) enter(line int) {
	in.line = line
	in.spend(1)
	if in.depth++; in.depth > in.limits.Depth*evalsPerDepth {
		throw(line, &LimitError{"Depth", in.limits.Depth})
	}
}

// run executes statements until one of them ends the body early.
func (in *interp) run(body []stmt, s *scope) signal {
	for _, st := range body {
		in.enter(st.at())
		sig := in.exec(st, s)
		in.depth--
		if sig != goOn {
			return sig
		}
	}
	return goOn
}

func (in *interp) write(line int, text string) {
	if in.out.Len()+len(text) > in.limits.OutputBytes {
		throw(line, &LimitError{"OutputBytes", in.limits.OutputBytes})
	}
	in.spend(len(text) / bytesPerStep)
	in.out.WriteString(text)
}

// capture runs a body and returns what it writes instead of writing it.
func (in *interp) capture(body []stmt, s *scope) (string, signal) {
	outer := in.out
	in.out = &strings.Builder{}
	sig := in.run(body, s)
	text := in.out.String()
	in.out = outer
	return text, sig
}

func (in *interp) exec(st stmt, s *scope) signal {
	switch st := st.(type) {
	case *dataStmt:
		in.write(st.at(), st.text)
	case *outputStmt:
		in.write(st.at(), in.str(in.eval(st.value, s)))
	case *ifStmt:
		for i, cond := range st.conds {
			if truth(in.eval(cond, s)) {
				return in.run(st.bodies[i], s)
			}
		}
		if len(st.bodies) > len(st.conds) {
			return in.run(st.bodies[len(st.conds)], s)
		}
	case *forStmt:
		in.execFor(st, s, in.items(st.at(), in.eval(st.iterable, s)), 1)
	case *setStmt:
		in.execSet(st, s)
	case *macroStmt:
		s.vars[st.name] = in.macro(st, s)
	case *callStmt:
		call := st.call.(*callExpr)
		args := in.evalArgs(&call.args, s)
		args.caller = in.macro(st.caller, s)
		in.write(st.at(), in.str(in.call(st.at(), in.eval(call.fn, s), args)))
	case *filterStmt:
		text, sig := in.capture(st.body, s.inner())
		in.write(st.at(), in.str(in.applyFilters(text, st.filters, s)))
		return sig
	case *withStmt:
		inner := s.inner()
		for i, n := range st.names {
			inner.vars[n] = in.eval(st.values[i], s)
		}
		return in.run(st.body, inner)
	case *scopeStmt:
		return in.run(st.body, s.inner())
	case *exprStmt:
		in.eval(st.value, s)
	case *loopControl:
		return st.signal
	}
	return goOn
}

func (in *interp) applyFilters(value any, chain []filterExpr, s *scope) any {
	for i := range chain {
		f := &chain[i]
		value = in.filter(f.at(), f.name, value, in.evalArgs(&f.args, s))
	}
	return value
}

func (in *interp) execSet(st *setStmt, s *scope) {
	var value any
	if st.body != nil {
		text, _ := in.capture(st.body, s.inner())
		value = in.applyFilters(text, st.filters, s)
	} else {
		value = in.eval(st.value, s)
	}
	if len(st.targets) == 1 {
		in.assign(st.targets[0], value, s)
		return
	}
	values := in.items(st.at(), value)
	if len(values) != len(st.targets) {
		throwf(st.at(), "cannot unpack %d values into %d names", len(values), len(st.targets))
	}
	for i, target := range st.targets {
		in.assign(target, values[i], s)
	}
}

func (in *interp) assign(target expr, value any, s *scope) {
	switch t := target.(type) {
	case *name:
		s.vars[t.name] = value
	case *attrExpr:
		ns, ok := in.eval(t.object, s).(*namespace)
		if !ok {
			throwf(t.at(), "only attributes of a namespace can be set")
		}
		ns.Set(t.name, value)
	}
}

// loop is the object "loop" within a for.
type loop struct {
	st           *forStmt
	scope        *scope // around the loop
	items        []any
	index, depth int
	changed      []any
	hasChanged   bool
}

func (in *interp) execFor(st *forStmt, s *scope, items []any, depth int) {
	if st.filter != nil {
		kept := items[:0]
		for _, item := range items {
			inner := s.inner()
			in.bind(st, inner, item)
			if truth(in.eval(st.filter, inner)) {
				kept = append(kept, item)
			}
		}
		items = kept
	}
	if len(items) == 0 {
		in.run(st.otherwise, s.inner())
		return
	}
	l := &loop{st: st, scope: s, items: items, depth: depth}
	for i, item := range items {
		in.spend(iterationPrice)
		l.index = i
		inner := s.inner()
		in.bind(st, inner, item)
		inner.vars["loop"] = l
		if in.run(st.body, inner) == breakLoop {
			return
		}
	}
}

// The prices of work beyond the evaluation of a node: a round of a loop makes a scope,
// copying text and lists is cheap for each byte or item.
const (
	iterationPrice   = 8
	bytesPerStep     = 32
	reprBytesPerStep = 4
	itemsPerStep     = 16
)

// bind assigns an item of a loop to its names.
func (in *interp) bind(st *forStmt, s *scope, item any) {
	if len(st.targets) == 1 {
		s.vars[st.targets[0]] = item
		return
	}
	values := in.items(st.at(), item)
	if len(values) != len(st.targets) {
		throwf(st.at(), "cannot unpack %d values into %d names", len(values), len(st.targets))
	}
	for i, n := range st.targets {
		s.vars[n] = values[i]
	}
}

func (l *loop) attr(name string) (any, bool) {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.index + 1), true
	case "index0":
		return int64(l.index), true
	case "revindex":
		return int64(n - l.index), true
	case "revindex0":
		return int64(n - l.index - 1), true
	case "first":
		return l.index == 0, true
	case "last":
		return l.index == n-1, true
	case "length":
		return int64(n), true
	case "depth":
		return int64(l.depth), true
	case "depth0":
		return int64(l.depth - 1), true
	case "previtem":
		if l.index == 0 {
			return &undefined{"the item before the first"}, true
		}
		return l.items[l.index-1], true
	case "nextitem":
		if l.index == n-1 {
			return &undefined{"the item after the last"}, true
		}
		return l.items[l.index+1], true
	case "cycle":
		return &Func{"cycle", func(in *interp, line int, args *callArgs) any {
			if len(args.positional) == 0 {
				throwf(line, "loop.cycle needs arguments")
			}
			return args.positional[l.index%len(args.positional)]
		}}, true
	case "changed":
		return &Func{"changed", func(in *interp, line int, args *callArgs) any {
			same := l.hasChanged && in.equal(&List{Items: l.changed}, &List{Items: args.positional}, 0)
			l.changed, l.hasChanged = args.positional, true
			return !same
		}}, true
	}
	return nil, false
}

// macro returns the function that a macro statement defines in s.
func (in *interp) macro(m *macroStmt, s *scope) *Func {
	return &Func{m.name, func(in *interp, line int, args *callArgs) any {
		if in.calls++; in.calls > in.limits.Depth {
			throw(line, &LimitError{"Depth", in.limits.Depth})
		}
		inner := s.inner()
		in.bindArgs(m, line, inner, args)
		text, _ := in.capture(m.body, inner)
		in.calls--
		return text
	}}
}

func (in *interp) bindArgs(m *macroStmt, line int, s *scope, args *callArgs) {
	extra := max(len(args.positional)-len(m.params), 0)
	if extra > 0 && !m.catchesArgs {
		throwf(line, "macro %s takes %d arguments, not %d", m.name, len(m.params), len(args.positional))
	}
	rest := &Dict{}
	for i, n := range args.names {
		if !slices.Contains(m.params, n) {
			if !m.catchesKwargs {
				throwf(line, "macro %s has no parameter %q", m.name, n)
			}
			rest.Set(n, args.named[i])
		}
	}
	for i, param := range m.params {
		value, given := args.get(i, param)
		if d := i - (len(m.params) - len(m.defaults)); !given && d >= 0 {
			value = in.eval(m.defaults[d], s)
		} else if !given {
			value = &undefined{"parameter " + param}
		}
		s.vars[param] = value
	}
	if m.catchesArgs {
		s.vars["varargs"] = &List{Items: args.positional[len(args.positional)-extra:], Tuple: true}
	}
	if m.catchesKwargs {
		s.vars["kwargs"] = rest
	}
	if args.caller != nil {
		s.vars["caller"] = args.caller
	} else if _, ok := s.vars["caller"]; !ok {
		s.vars["caller"] = &undefined{"caller"}
	}
}

// callArgs are evaluated arguments.
type callArgs struct {
	positional []any
	names      []string
	named      []any
	caller     *Func
}

// get returns the argument at a place or of a name.
func (a *callArgs) get(i int, name string) (any, bool) {
	if i >= 0 && i < len(a.positional) {
		return a.positional[i], true
	}
	if at := slices.Index(a.names, name); at >= 0 {
		return a.named[at], true
	}
	return nil, false
}

// or returns the argument or its default.
func (a *callArgs) or(i int, name string, otherwise any) any {
	if v, ok := a.get(i, name); ok {
		return v
	}
	return otherwise
}

// only refuses more than max positional arguments (max < 0: any number) and names other
// than these.
func (a *callArgs) only(in *interp, line int, what string, max int, names ...string) {
	if max >= 0 && len(a.positional) > max {
		throwf(line, "%s takes at most %d arguments, not %d", what, max, len(a.positional))
	}
	for _, n := range a.names {
		if !slices.Contains(names, n) {
			throwf(line, "%s has no parameter %q", what, n)
		}
	}
}

func (in *interp) evalArgs(a *arguments, s *scope) *callArgs {
	args := &callArgs{}
	for _, e := range a.positional {
		args.positional = append(args.positional, in.priced(in.eval(e, s)))
	}
	if a.star != nil {
		args.positional = append(args.positional, in.items(a.star.at(), in.eval(a.star, s))...)
	}
	for i, n := range a.names {
		args.names, args.named = append(args.names, n), append(args.named, in.priced(in.eval(a.named[i], s)))
	}
	if a.starStar != nil {
		dict, ok := in.eval(a.starStar, s).(*Dict)
		if !ok {
			throwf(a.starStar.at(), "** needs a dict")
		}
		in.spend(dict.Len())
		for i, key := range dict.keys {
			args.names, args.named = append(args.names, in.str(key)), append(args.named, dict.values[i])
		}
	}
	return args
}

func (in *interp) call(line int, fn any, args *callArgs) any {
	switch f := fn.(type) {
	case *Func:
		return f.call(in, line, args)
	case *loop:
		if !f.st.recursive || len(args.positional) != 1 {
			throwf(line, "the loop is not recursive")
		}
		if in.calls++; in.calls > in.limits.Depth {
			throw(line, &LimitError{"Depth", in.limits.Depth})
		}
		outer := in.out
		in.out = &strings.Builder{}
		in.execFor(f.st, f.scope, in.items(line, args.positional[0]), f.depth+1)
		text := in.out.String()
		in.out = outer
		in.calls--
		return text
	}
	throwf(line, "%s cannot be called", typeName(fn))
	return nil
}

// index resolves a Python index, which may count from the end.
func index(i int64, n int) (int, bool) {
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}

// slice cuts value[start:stop:step] as Python does.
func (in *interp) slice(e *sliceExpr, s *scope) any {
	value := in.eval(e.object, s)
	bound := func(x expr, otherwise int64) int64 {
		if x == nil {
			return otherwise
		}
		switch v := in.eval(x, s).(type) {
		case nil:
			return otherwise
		case int64:
			return v
		default:
			throwf(e.at(), "a slice needs integers, not %s", typeName(v))
		}
		return 0
	}
	var items []any
	text, isText := value.(string)
	if list, ok := value.(*List); ok {
		items = list.Items
	} else if isText {
		items = in.items(e.at(), text)
	} else if u, ok := value.(*undefined); ok {
		throwf(e.at(), "cannot slice %s", u)
	} else {
		throwf(e.at(), "cannot slice %s", typeName(value))
	}
	step := bound(e.step, 1)
	if step == 0 {
		throwf(e.at(), "the step of a slice is zero")
	}
	n := int64(len(items))
	first, last := int64(0), n
	if step < 0 {
		first, last = n-1, -n-1
	}
	start, stop := clampIndex(bound(e.start, first), n, step), clampIndex(bound(e.stop, last), n, step)
	var kept []any
	for i := start; step > 0 && i < stop || step < 0 && i > stop; {
		in.spend(1)
		kept = append(kept, items[i])
		if step > math.MaxInt32 || step < math.MinInt32 {
			break // the next index is outside; adding could overflow
		}
		i += step
	}
	if !isText {
		return &List{Items: kept, Tuple: value.(*List).Tuple}
	}
	var sb strings.Builder
	for _, c := range kept {
		sb.WriteString(c.(string))
	}
	return sb.String()
}

func clampIndex(i, n, step int64) int64 {
	if i < 0 {
		i += n
	}
	if step > 0 {
		return min(max(i, 0), n)
	}
	return min(max(i, -1), n-1)
}

func runeAt(s string, i int64) (string, bool) {
	at, ok := index(i, utf8.RuneCountInString(s))
	if !ok {
		return "", false
	}
	for _, r := range s {
		if at == 0 {
			return string(r), true
		}
		at--
	}
	return "", false
}
