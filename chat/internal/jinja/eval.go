package jinja

import (
	"math"
	"strings"
)

func (in *interp) eval(e expr, s *scope) any {
	in.enter(e.at())
	value := in.evaluate(e, s)
	in.depth--
	return value
}

func (in *interp) evaluate(e expr, s *scope) any {
	switch e := e.(type) {
	case *literal:
		return e.value
	case *name:
		if v, ok := s.lookup(e.name); ok {
			return v
		}
		return &undefined{"'" + e.name + "'"}
	case *listExpr:
		list := &List{Tuple: e.tuple}
		for _, item := range e.items {
			list.Items = append(list.Items, in.eval(item, s))
		}
		return list
	case *dictExpr:
		dict := &Dict{}
		for i, key := range e.keys {
			k := in.priced(in.eval(key, s))
			dict.Set(k, in.eval(e.values[i], s))
		}
		return dict
	case *attrExpr:
		return in.attr(e.at(), in.eval(e.object, s), e.name)
	case *itemExpr:
		object := in.eval(e.object, s)
		return in.item(e.at(), object, in.priced(in.eval(e.index, s)))
	case *sliceExpr:
		return in.slice(e, s)
	case *callExpr:
		fn := in.eval(e.fn, s)
		return in.call(e.at(), fn, in.evalArgs(&e.args, s))
	case *filterExpr:
		object := in.eval(e.object, s)
		return in.filter(e.at(), e.name, object, in.evalArgs(&e.args, s))
	case *testExpr:
		object := in.eval(e.object, s)
		return in.test(e.at(), e.name, object, in.evalArgs(&e.args, s))
	case *unaryExpr:
		return in.unary(e, s)
	case *binaryExpr:
		return in.binary(e, s)
	case *compareExpr:
		return in.compareChain(e, s)
	case *condExpr:
		if truth(in.eval(e.cond, s)) {
			return in.eval(e.then, s)
		}
		if e.other == nil {
			return &undefined{"the value of an 'if' without 'else'"}
		}
		return in.eval(e.other, s)
	}
	throwf(e.at(), "unknown expression")
	return nil
}

// attr is Jinja's x.name: an attribute, and where there is none the item.
func (in *interp) attr(line int, object any, name string) any {
	switch o := object.(type) {
	case *undefined:
		throwf(line, "cannot read %q of %s", name, o)
	case *namespace:
		if v, ok := o.Get(name); ok {
			return v
		}
		return &undefined{"attribute '" + name + "' of a namespace"}
	case *loop:
		if v, ok := o.attr(name); ok {
			return v
		}
	case *Func:
		if name == "name" {
			return o.name
		}
	}
	if method := lookupMethod(object, name); method != nil {
		return method
	}
	if dict, ok := object.(*Dict); ok {
		if v, ok := dict.Get(name); ok {
			return v
		}
	}
	return &undefined{"attribute '" + name + "' of " + typeName(object)}
}

// item is Jinja's x[key]: the item, and where there is none the attribute.
func (in *interp) item(line int, object, key any) any {
	if u, ok := object.(*undefined); ok {
		throwf(line, "cannot read an item of %s", u)
	}
	missing := &undefined{"an item of " + typeName(object)}
	if k, ok := number(key); ok {
		if i, ok := k.(int64); ok {
			switch o := object.(type) {
			case *List:
				if at, ok := index(i, len(o.Items)); ok {
					return o.Items[at]
				}
				return missing
			case string:
				in.spend(len(o) / bytesPerStep)
				if c, ok := runeAt(o, i); ok {
					return c
				}
				return missing
			}
		}
	}
	if dict, ok := object.(*Dict); ok {
		switch key.(type) {
		case nil, bool, int64, float64, bigInt, string, *List:
			if v, ok := dict.Get(key); ok {
				return v
			}
		default:
			return missing
		}
	}
	if name, ok := key.(string); ok {
		if v := in.attr(line, object, name); v != nil {
			return v
		}
	}
	return missing
}

func (in *interp) unary(e *unaryExpr, s *scope) any {
	value := in.eval(e.operand, s)
	if e.op == "not" {
		return !truth(value)
	}
	n, ok := number(value)
	if !ok {
		throwf(e.at(), "%s has no sign", typeName(value))
	}
	if e.op == "+" {
		return n
	}
	if i, ok := n.(int64); ok {
		if i == math.MinInt64 {
			overflow(e.at())
		}
		return -i
	}
	return -n.(float64)
}

func overflow(line int) { throwf(line, "an integer leaves the range of 64 bits") }

func (in *interp) compareChain(e *compareExpr, s *scope) any {
	left := in.eval(e.first, s)
	for i, op := range e.ops {
		right := in.eval(e.operands[i], s)
		holds := false
		switch op {
		case "==":
			holds = in.equal(left, right, 0)
		case "!=":
			holds = !in.equal(left, right, 0)
		case "in":
			holds = in.contains(e.at(), right, left)
		case "not in":
			holds = !in.contains(e.at(), right, left)
		default:
			holds = in.ordered(e.at(), op, left, right)
		}
		if !holds {
			return false
		}
		left = right
	}
	return true
}

func (in *interp) ordered(line int, op string, left, right any) bool {
	c := in.compare(line, left, right, 0)
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0 && c != 2
	}
	return c >= 0 && c != 2
}

// contains is Python's "item in container".
func (in *interp) contains(line int, container, item any) bool {
	switch c := container.(type) {
	case string:
		text, ok := item.(string)
		if !ok {
			throwf(line, "'in' on a string needs a string, not %s", typeName(item))
		}
		in.spend(len(c) / bytesPerStep)
		return strings.Contains(c, text)
	case *List:
		for _, v := range c.Items {
			if in.equal(v, item, 0) {
				return true
			}
		}
		return false
	case *Dict:
		if _, ok := item.(*undefined); ok {
			return false
		}
		_, ok := c.Get(in.priced(item))
		return ok
	case *undefined:
		return false
	}
	throwf(line, "'in' needs a container, not %s", typeName(container))
	return false
}

func (in *interp) binary(e *binaryExpr, s *scope) any {
	left := in.eval(e.left, s)
	switch e.op {
	case "and":
		if !truth(left) {
			return left
		}
		return in.eval(e.right, s)
	case "or":
		if truth(left) {
			return left
		}
		return in.eval(e.right, s)
	}
	right := in.eval(e.right, s)
	switch e.op {
	case "~":
		a, b := in.str(left), in.str(right)
		in.made(e.at(), len(a)+len(b))
		return a + b
	case "+":
		if v, ok := in.concat(e.at(), left, right); ok {
			return v
		}
	case "*":
		if v, ok := in.repeat(e.at(), left, right); ok {
			return v
		}
	case "%":
		if format, ok := left.(string); ok {
			return in.format(e.at(), format, right)
		}
	}
	a, ok := number(left)
	b, ok2 := number(right)
	if !ok || !ok2 {
		throwf(e.at(), "%q does not go with %s and %s", e.op, typeName(left), typeName(right))
	}
	return arithmetic(e.at(), e.op, a, b)
}

// concat adds two strings or two lists.
func (in *interp) concat(line int, left, right any) (any, bool) {
	switch a := left.(type) {
	case string:
		if b, ok := right.(string); ok {
			in.made(line, len(a)+len(b))
			return a + b, true
		}
	case *List:
		if b, ok := right.(*List); ok && a.Tuple == b.Tuple {
			in.spend(len(a.Items) + len(b.Items))
			return &List{Items: append(append([]any(nil), a.Items...), b.Items...), Tuple: a.Tuple}, true
		}
	}
	return nil, false
}

// repeat multiplies a string or a list by an integer.
func (in *interp) repeat(line int, left, right any) (any, bool) {
	if _, ok := number(left); ok {
		left, right = right, left
	}
	k, ok := number(right)
	n, ok2 := k.(int64)
	if !ok || !ok2 {
		return nil, false
	}
	n = max(n, 0)
	switch v := left.(type) {
	case string:
		if len(v) > 0 && n > int64(in.limits.OutputBytes/len(v)) {
			throw(line, &LimitError{"OutputBytes", in.limits.OutputBytes})
		}
		in.made(line, len(v)*int(n))
		return strings.Repeat(v, int(n)), true
	case *List:
		if len(v.Items) > 0 && n > int64(in.limits.Work/len(v.Items)) {
			throw(line, &LimitError{"Work", in.limits.Work})
		}
		in.spend(len(v.Items) * int(n))
		list := &List{Tuple: v.Tuple}
		for range n {
			list.Items = append(list.Items, v.Items...)
		}
		return list, true
	}
	return nil, false
}

func arithmetic(line int, op string, a, b any) any {
	x, ok := a.(int64)
	y, ok2 := b.(int64)
	if ok && ok2 && op != "/" {
		return integerArithmetic(line, op, x, y)
	}
	f, g := toFloat(a), toFloat(b)
	switch op {
	case "+":
		return f + g
	case "-":
		return f - g
	case "*":
		return f * g
	case "**":
		return math.Pow(f, g)
	}
	if g == 0 {
		throwf(line, "division by zero")
	}
	switch op {
	case "/":
		return f / g
	case "//":
		return math.Floor(f / g)
	}
	m := math.Mod(f, g)
	if m != 0 && (m < 0) != (g < 0) {
		m += g
	}
	return m
}

func integerArithmetic(line int, op string, x, y int64) any {
	switch op {
	case "+":
		if sum := x + y; (sum > x) == (y > 0) {
			return sum
		}
		overflow(line)
	case "-":
		if d := x - y; (d < x) == (y > 0) {
			return d
		}
		overflow(line)
	case "*":
		return multiply(line, x, y)
	case "**":
		return power(line, x, y)
	}
	if y == 0 {
		throwf(line, "division by zero")
	}
	if x == math.MinInt64 && y == -1 {
		overflow(line)
	}
	q, m := x/y, x%y
	if m != 0 && (m < 0) != (y < 0) {
		q, m = q-1, m+y
	}
	if op == "//" {
		return q
	}
	return m
}

func multiply(line int, x, y int64) int64 {
	p := x * y
	if x != 0 && (p/x != y || x == -1 && y == math.MinInt64) {
		overflow(line)
	}
	return p
}

func power(line int, x, y int64) any {
	if y < 0 {
		if x == 0 {
			throwf(line, "division by zero")
		}
		return math.Pow(float64(x), float64(y))
	}
	p := int64(1)
	if x >= -1 && x <= 1 {
		y = min(y, 2-y%2) // for 0, 1 and -1 only even or odd matters
	}
	for range y {
		p = multiply(line, p, x)
	}
	return p
}
