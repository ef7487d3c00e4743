package jinja

// expr is an expression node; every node knows its line for error messages.
type expr interface{ at() int }

type pos int

func (p pos) at() int { return int(p) }

type (
	literal struct { // None, booleans, numbers, strings
		pos
		value any
	}
	name struct {
		pos
		name string
	}
	listExpr struct {
		pos
		items []expr
		tuple bool
	}
	dictExpr struct {
		pos
		keys, values []expr
	}
	attrExpr struct { // x.name
		pos
		object expr
		name   string
	}
	itemExpr struct { // x[index]
		pos
		object, index expr
	}
	sliceExpr struct { // x[start:stop:step], each may be nil
		pos
		object, start, stop, step expr
	}
	callExpr struct {
		pos
		fn   expr
		args arguments
	}
	filterExpr struct { // x|name(args); object nil in a filter block
		pos
		object expr
		name   string
		args   arguments
	}
	testExpr struct { // x is name(args)
		pos
		object expr
		name   string
		args   arguments
	}
	unaryExpr struct { // "-", "+" or "not"
		pos
		op      string
		operand expr
	}
	binaryExpr struct {
		pos
		op          string
		left, right expr
	}
	compareExpr struct { // a < b <= c
		pos
		first    expr
		ops      []string
		operands []expr
	}
	condExpr struct { // then if cond else other; other may be nil
		pos
		cond, then, other expr
	}
)

// arguments of a call: positional, by name, and *args and **kwargs.
type arguments struct {
	positional []expr
	names      []string
	named      []expr
	star       expr
	starStar   expr
}

type stmt interface{ at() int }

type (
	dataStmt struct {
		pos
		text string
	}
	outputStmt struct {
		pos
		value expr
	}
	ifStmt struct {
		pos
		conds  []expr
		bodies [][]stmt // one more than conds with an else
	}
	forStmt struct {
		pos
		targets   []string // more than one unpacks the item
		iterable  expr
		filter    expr
		recursive bool
		body      []stmt
		otherwise []stmt
	}
	setStmt struct {
		pos
		targets []expr // name or attrExpr of a namespace
		value   expr
		body    []stmt       // block form
		filters []filterExpr // of the block form
	}
	macroStmt struct {
		pos
		name     string
		params   []string
		defaults []expr // of the last len(defaults) params
		body     []stmt
		// catchesArgs, catchesKwargs: the body uses varargs or kwargs.
		catchesArgs, catchesKwargs bool
	}
	callStmt struct { // {% call(params) f(args) %} body
		pos
		caller *macroStmt
		call   expr
	}
	filterStmt struct {
		pos
		filters []filterExpr
		body    []stmt
	}
	withStmt struct {
		pos
		names  []string
		values []expr
		body   []stmt
	}
	scopeStmt struct { // a body with a scope of its own and no other effect: generation
		pos
		body []stmt
	}
	loopControl struct {
		pos
		signal signal
	}
	exprStmt struct { // {% do x %}
		pos
		value expr
	}
)

// signal is what ends a body early.
type signal uint8

const (
	goOn signal = iota
	breakLoop
	continueLoop
)
