package jinja

import (
	"strconv"
	"strings"
)

// The methods of this file follow jinja2.parser, level by level of precedence.

func (p *parser) tuple() expr { return p.tupleOf(true) }

// tupleOf reads an expression, or several with commas between as a tuple. Without cond, an
// "if" is left to the caller (for x in xs if …).
func (p *parser) tupleOf(cond bool) expr {
	read := p.expression
	if !cond {
		read = func() expr { defer p.enter()(); return p.or() }
	}
	first := read()
	if !p.isOp(",") {
		return first
	}
	tuple := &listExpr{pos: pos(first.at()), items: []expr{first}, tuple: true}
	for p.takeOp(",") {
		if k := p.cur().kind; k == tokVarEnd || k == tokBlockEnd || p.isOp(")") || p.isOp("]") {
			break
		}
		tuple.items = append(tuple.items, read())
	}
	return tuple
}

// expression reads a conditional expression.
func (p *parser) expression() expr {
	defer p.enter()()
	e := p.or()
	for p.isName("if") {
		at := pos(p.next().line)
		c := &condExpr{pos: at, cond: p.or(), then: e}
		if p.takeName("else") {
			c.other = p.expression()
		}
		e = c
	}
	return e
}

func (p *parser) or() expr {
	e := p.and()
	for p.isName("or") {
		at := pos(p.next().line)
		e = &binaryExpr{at, "or", e, p.and()}
	}
	return e
}

func (p *parser) and() expr {
	e := p.not()
	for p.isName("and") {
		at := pos(p.next().line)
		e = &binaryExpr{at, "and", e, p.not()}
	}
	return e
}

func (p *parser) not() expr {
	if !p.isName("not") {
		return p.compare()
	}
	defer p.enter()()
	at := pos(p.next().line)
	return &unaryExpr{at, "not", p.not()}
}

func (p *parser) compare() expr {
	e := p.math1()
	c := &compareExpr{pos: pos(e.at()), first: e}
	for {
		op := ""
		switch t := p.cur(); {
		case t.kind == tokOp && strings.Contains("== != > >= < <=", t.text) && t.text != "=":
			op = t.text
		case p.isName("in"):
			op = "in"
		case p.isName("not") && p.tokens[p.i+1].kind == tokName && p.tokens[p.i+1].text == "in":
			p.i++
			op = "not in"
		}
		if op == "" {
			break
		}
		p.i++
		c.ops = append(c.ops, op)
		c.operands = append(c.operands, p.math1())
	}
	if len(c.ops) == 0 {
		return e
	}
	return c
}

// binary reads a level of left-associative operators.
func (p *parser) binary(operand func() expr, ops ...string) expr {
	e := operand()
	for {
		found := ""
		for _, op := range ops {
			if p.isOp(op) {
				found = op
			}
		}
		if found == "" {
			return e
		}
		at := pos(p.next().line)
		e = &binaryExpr{at, found, e, operand()}
	}
}

func (p *parser) math1() expr  { return p.binary(p.concat, "+", "-") }
func (p *parser) concat() expr { return p.binary(p.math2, "~") }
func (p *parser) math2() expr  { return p.binary(p.power, "*", "/", "//", "%") }
func (p *parser) power() expr {
	return p.binary(func() expr { return p.unary(true) }, "**")
}

func (p *parser) unary(withFilter bool) expr {
	var e expr
	if p.isOp("-") || p.isOp("+") {
		leave := p.enter()
		t := p.next()
		e = &unaryExpr{pos(t.line), t.text, p.unary(false)}
		leave()
	} else {
		e = p.primary()
	}
	e = p.postfix(e)
	if withFilter {
		e = p.filters(e)
	}
	return e
}

func (p *parser) primary() expr {
	t := p.cur()
	at := pos(t.line)
	switch t.kind {
	case tokName:
		p.i++
		switch t.text {
		case "true", "True":
			return &literal{at, true}
		case "false", "False":
			return &literal{at, false}
		case "none", "None":
			return &literal{at, nil}
		}
		if p.macro != nil {
			*p.macro = append(*p.macro, t.text)
		}
		return &name{at, t.text}
	case tokString:
		p.i++
		text := t.text
		for p.cur().kind == tokString {
			text += p.next().text
		}
		return &literal{at, text}
	case tokInt:
		p.i++
		n, err := strconv.ParseInt(octal(t.text), 0, 64)
		if err != nil {
			throwf(t.line, "integer %s is out of range", t.text)
		}
		return &literal{at, n}
	case tokFloat:
		p.i++
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			throwf(t.line, "number %s is out of range", t.text)
		}
		return &literal{at, f}
	case tokOp:
		switch t.text {
		case "(":
			return p.parenthesis(at)
		case "[":
			return p.list(at)
		case "{":
			return p.dict(at)
		}
	}
	p.unexpected("an expression")
	return nil
}

// octal keeps "000" from being read as octal by strconv; it can only be zeros.
func octal(text string) string {
	if strings.Trim(text, "0") == "" {
		return "0"
	}
	return text
}

func (p *parser) parenthesis(at pos) expr {
	defer p.enter()()
	p.i++
	if p.takeOp(")") {
		return &listExpr{pos: at, tuple: true}
	}
	e := p.tuple()
	p.wantOp(")")
	return e
}

func (p *parser) list(at pos) expr {
	defer p.enter()()
	p.i++
	l := &listExpr{pos: at}
	for !p.takeOp("]") {
		if len(l.items) > 0 {
			p.wantOp(",")
			if p.takeOp("]") {
				break
			}
		}
		l.items = append(l.items, p.expression())
	}
	return l
}

func (p *parser) dict(at pos) expr {
	defer p.enter()()
	p.i++
	d := &dictExpr{pos: at}
	for !p.takeOp("}") {
		if len(d.keys) > 0 {
			p.wantOp(",")
			if p.takeOp("}") {
				break
			}
		}
		d.keys = append(d.keys, p.expression())
		p.wantOp(":")
		d.values = append(d.values, p.expression())
	}
	return d
}

// postfix reads attributes, items and calls.
func (p *parser) postfix(e expr) expr {
	for {
		at := pos(p.cur().line)
		switch {
		case p.takeOp("."):
			switch t := p.next(); t.kind {
			case tokName:
				e = &attrExpr{at, e, t.text}
			case tokInt:
				n, _ := strconv.ParseInt(octal(t.text), 0, 64)
				e = &itemExpr{at, e, &literal{at, n}}
			default:
				p.i--
				p.unexpected("a name or number")
			}
		case p.takeOp("["):
			e = p.subscript(at, e)
		case p.takeOp("("):
			e = &callExpr{at, e, p.arguments()}
		default:
			return e
		}
	}
}

func (p *parser) subscript(at pos, object expr) expr {
	var parts [3]expr
	colons := 0
	for colons < 3 {
		if p.takeOp(":") {
			colons++
			continue
		}
		if p.isOp("]") {
			break
		}
		if colons == 0 {
			parts[0] = p.tuple()
		} else {
			parts[colons] = p.expression()
		}
		if !p.isOp(":") {
			break
		}
	}
	if colons > 2 || colons == 0 && parts[0] == nil {
		p.unexpected("an index")
	}
	p.wantOp("]")
	if colons == 0 {
		return &itemExpr{at, object, parts[0]}
	}
	return &sliceExpr{at, object, parts[0], parts[1], parts[2]}
}

// arguments reads a call's arguments behind the opening parenthesis.
func (p *parser) arguments() arguments {
	defer p.enter()()
	var a arguments
	for n := 0; !p.takeOp(")"); n++ {
		if n > 0 {
			p.wantOp(",")
			if p.takeOp(")") {
				break
			}
		}
		switch {
		case p.takeOp("**"):
			a.starStar = p.expression()
		case p.takeOp("*"):
			a.star = p.expression()
		case p.cur().kind == tokName && p.tokens[p.i+1].kind == tokOp && p.tokens[p.i+1].text == "=":
			a.names = append(a.names, p.next().text)
			p.i++
			a.named = append(a.named, p.expression())
		default:
			if len(a.named) > 0 || a.star != nil || a.starStar != nil {
				throwf(p.cur().line, "a positional argument follows one by name")
			}
			a.positional = append(a.positional, p.expression())
		}
	}
	return a
}

// filters reads filters, tests and calls behind an operand.
func (p *parser) filters(e expr) expr {
	for {
		at := pos(p.cur().line)
		switch {
		case p.takeOp("|"):
			f := &filterExpr{pos: at, object: e, name: p.dottedName()}
			if p.takeOp("(") {
				f.args = p.arguments()
			}
			e = f
		case p.takeName("is"):
			e = p.test(at, e)
		case p.takeOp("("):
			e = &callExpr{at, e, p.arguments()}
		default:
			return e
		}
	}
}

func (p *parser) dottedName() string {
	text := p.wantName().text
	for p.takeOp(".") {
		text += "." + p.wantName().text
	}
	return text
}

func (p *parser) test(at pos, object expr) expr {
	negated := p.takeName("not")
	t := &testExpr{pos: at, object: object, name: p.dottedName()}
	switch cur := p.cur(); {
	case p.takeOp("("):
		t.args = p.arguments()
	case cur.kind == tokName && !p.isName("else", "or", "and", "if", "is", "in", "not", "recursive"),
		cur.kind == tokString, cur.kind == tokInt, cur.kind == tokFloat, p.isOp("["), p.isOp("{"):
		t.args.positional = []expr{p.postfix(p.primary())}
	}
	if negated {
		return &unaryExpr{at, "not", t}
	}
	return t
}
