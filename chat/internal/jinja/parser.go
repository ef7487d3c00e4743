package jinja

import (
	"fmt"
	"slices"
)

// parser reads statements; expr.go has its expressions.
type parser struct {
	tokens []token
	i      int
	limits Limits
	depth  int
	loops  int       // for loops around the current statement
	macro  *[]string // names used in the macro being read
}

func (p *parser) cur() token { return p.tokens[p.i] }

func (p *parser) next() token {
	t := p.tokens[p.i]
	if t.kind != tokEOF {
		p.i++
	}
	return t
}

func (p *parser) isOp(op string) bool { return p.cur().kind == tokOp && p.cur().text == op }

func (p *parser) isName(names ...string) bool {
	return p.cur().kind == tokName && slices.Contains(names, p.cur().text)
}

func (p *parser) takeOp(op string) bool {
	if p.isOp(op) {
		p.i++
		return true
	}
	return false
}

func (p *parser) takeName(name string) bool {
	if p.isName(name) {
		p.i++
		return true
	}
	return false
}

func (p *parser) wantOp(op string) {
	if !p.takeOp(op) {
		p.unexpected(fmt.Sprintf("%q", op))
	}
}

func (p *parser) wantName() token {
	if p.cur().kind != tokName {
		p.unexpected("a name")
	}
	return p.next()
}

func (p *parser) want(kind tokenKind, what string) {
	if p.cur().kind != kind {
		p.unexpected(what)
	}
	p.i++
}

func (p *parser) unexpected(want string) {
	throwf(p.cur().line, "want %s, not %s", want, p.cur())
}

// enter counts nesting; the result is deferred.
func (p *parser) enter() func() {
	if p.depth++; p.depth > p.limits.Depth {
		throw(p.cur().line, &LimitError{"Depth", p.limits.Depth})
	}
	return func() { p.depth-- }
}

// block reads statements up to one of the given end tags (without arguments the end of the
// template). It leaves the parser behind the tag's name.
func (p *parser) block(ends ...string) []stmt {
	defer p.enter()()
	body := []stmt{}
	for {
		switch t := p.next(); t.kind {
		case tokData:
			body = append(body, &dataStmt{pos(t.line), t.text})
		case tokVarBegin:
			body = append(body, &outputStmt{pos(t.line), p.tuple()})
			p.want(tokVarEnd, "'}}'")
		case tokBlockBegin:
			if p.isName(ends...) {
				return body
			}
			body = append(body, p.statement())
		case tokEOF:
			if len(ends) > 0 {
				throwf(t.line, "want %q, not the end of the template", ends[len(ends)-1])
			}
			return body
		default:
			throwf(t.line, "unexpected %s", t)
		}
	}
}

func (p *parser) blockEnd() { p.want(tokBlockEnd, "'%}'") }

// bodyUntil reads "%}", a body and its end tag whole.
func (p *parser) bodyUntil(end string) []stmt {
	p.blockEnd()
	body := p.block(end)
	p.next()
	p.blockEnd()
	return body
}

func (p *parser) statement() stmt {
	t := p.wantName()
	at := pos(t.line)
	switch t.text {
	case "if":
		return p.ifStatement(at)
	case "for":
		return p.forStatement(at)
	case "set":
		return p.setStatement(at)
	case "macro":
		return p.macroStatement(at)
	case "call":
		return p.callStatement(at)
	case "filter":
		filters := p.filterChain()
		return &filterStmt{at, filters, p.bodyUntil("endfilter")}
	case "with":
		return p.withStatement(at)
	case "generation":
		return &scopeStmt{at, p.bodyUntil("endgeneration")}
	case "do":
		value := p.tuple()
		p.blockEnd()
		return &exprStmt{at, value}
	case "break", "continue":
		if p.loops == 0 {
			throwf(t.line, "%q stands outside of a loop", t.text)
		}
		p.blockEnd()
		if t.text == "break" {
			return &loopControl{at, breakLoop}
		}
		return &loopControl{at, continueLoop}
	case "include", "import", "from", "extends", "block":
		throwf(t.line, "%q is not supported: a chat template is one file", t.text)
	}
	throwf(t.line, "unknown statement %q", t.text)
	return nil
}

func (p *parser) ifStatement(at pos) stmt {
	s := &ifStmt{pos: at}
	for {
		s.conds = append(s.conds, p.tuple())
		p.blockEnd()
		s.bodies = append(s.bodies, p.block("elif", "else", "endif"))
		switch end := p.next(); end.text {
		case "elif":
			continue
		case "else":
			s.bodies = append(s.bodies, p.bodyUntil("endif"))
		default:
			p.blockEnd()
		}
		return s
	}
}

// targets reads the names that a for or a set assigns to.
func (p *parser) targets() []string {
	paren := p.takeOp("(")
	names := []string{p.wantName().text}
	for p.takeOp(",") {
		if p.cur().kind != tokName || p.isName("in") {
			break
		}
		names = append(names, p.wantName().text)
	}
	if paren {
		p.wantOp(")")
	}
	return names
}

func (p *parser) forStatement(at pos) stmt {
	s := &forStmt{pos: at, targets: p.targets()}
	if !p.takeName("in") {
		p.unexpected(`"in"`)
	}
	s.iterable = p.tupleOf(false)
	if p.takeName("if") {
		s.filter = p.expression()
	}
	s.recursive = p.takeName("recursive")
	p.blockEnd()
	p.loops++
	s.body = p.block("else", "endfor")
	p.loops--
	if p.next().text == "else" {
		s.otherwise = p.bodyUntil("endfor")
	} else {
		p.blockEnd()
	}
	return s
}

func (p *parser) setStatement(at pos) stmt {
	s := &setStmt{pos: at}
	paren := p.takeOp("(")
	for {
		t := p.wantName()
		var target expr = &name{pos(t.line), t.text}
		if p.takeOp(".") {
			target = &attrExpr{pos(t.line), target, p.wantName().text}
		}
		s.targets = append(s.targets, target)
		if !p.takeOp(",") {
			break
		}
	}
	if paren {
		p.wantOp(")")
	}
	if p.takeOp("=") {
		s.value = p.tuple()
		p.blockEnd()
		return s
	}
	if p.isOp("|") {
		p.i++
		s.filters = p.filterChain()
	}
	s.body = p.bodyUntil("endset")
	return s
}

// filterChain reads name(args)|name(args)…
func (p *parser) filterChain() []filterExpr {
	var chain []filterExpr
	for {
		t := p.wantName()
		f := filterExpr{pos: pos(t.line), name: t.text}
		if p.takeOp("(") {
			f.args = p.arguments()
		}
		chain = append(chain, f)
		if !p.takeOp("|") {
			return chain
		}
	}
}

// params reads a macro's parameters behind the opening parenthesis.
func (p *parser) params(m *macroStmt) {
	for !p.takeOp(")") {
		if len(m.params) > 0 {
			p.wantOp(",")
			if p.takeOp(")") {
				return
			}
		}
		m.params = append(m.params, p.wantName().text)
		if p.takeOp("=") {
			m.defaults = append(m.defaults, p.expression())
		} else if len(m.defaults) > 0 {
			throwf(p.cur().line, "a parameter without default follows one with a default")
		}
	}
}

// macroBody reads the body of a macro and notes whether it uses varargs and kwargs.
func (p *parser) macroBody(m *macroStmt, end string) {
	outer, loops := p.macro, p.loops
	var names []string
	p.macro, p.loops = &names, 0
	m.body = p.bodyUntil(end)
	p.macro, p.loops = outer, loops
	m.catchesArgs = slices.Contains(names, "varargs")
	m.catchesKwargs = slices.Contains(names, "kwargs")
	if outer != nil {
		*outer = append(*outer, names...)
	}
}

func (p *parser) macroStatement(at pos) stmt {
	m := &macroStmt{pos: at, name: p.wantName().text}
	p.wantOp("(")
	p.params(m)
	p.macroBody(m, "endmacro")
	return m
}

func (p *parser) callStatement(at pos) stmt {
	s := &callStmt{pos: at, caller: &macroStmt{pos: at, name: "caller"}}
	if p.takeOp("(") {
		p.params(s.caller)
	}
	s.call = p.expression()
	if _, ok := s.call.(*callExpr); !ok {
		throwf(int(at), "a call block needs a call")
	}
	p.macroBody(s.caller, "endcall")
	return s
}

func (p *parser) withStatement(at pos) stmt {
	s := &withStmt{pos: at}
	for p.cur().kind == tokName {
		s.names = append(s.names, p.next().text)
		p.wantOp("=")
		s.values = append(s.values, p.expression())
		if !p.takeOp(",") {
			break
		}
	}
	s.body = p.bodyUntil("endwith")
	return s
}
