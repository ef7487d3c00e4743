// Package jinja renders Jinja2 templates as Hugging Face's chat templates need them: the
// expression language, control structures, filters, tests and methods with Python's
// semantics, with trim_blocks and lstrip_blocks on. A template comes with a model file,
// so it is not trusted: it reaches no files, its nesting, its work and its strings are
// bounded (see Limits), and whatever it does ends in text or in an *Error.
//
// What it leaves out: template inheritance and inclusion (extends, block, include,
// import), autoescaping, and filters whose result is random or HTML (urlize, lipsum,
// xmlattr and the like).
package jinja

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
)

// Limits bound what one template may cost. The zero value of a field means its default.
type Limits struct {
	// SourceBytes bounds the template's text. Default 1 MiB: the longest known chat
	// template has 17 KB.
	SourceBytes int
	// Depth bounds the nesting of the template's syntax and of macro calls, each, and of
	// the values it prints. Default 200: the stack of a goroutine bears it a hundred times.
	Depth int
	// Work bounds the rendering, in steps: one for each node evaluated and for each 32
	// bytes or 16 items that are copied. Default 20 million, which took a second at
	// worst; a conversation of a hundred turns with a hundred tools needs a tenth of it with the
	// costliest of the known templates, and a hundredth with most.
	Work int
	// OutputBytes bounds the rendered text and every string on the way. Default 16 MiB.
	OutputBytes int
}

func (l *Limits) fill() {
	for _, f := range []struct {
		at    *int
		value int
	}{{&l.SourceBytes, 1 << 20}, {&l.Depth, 200}, {&l.Work, 20_000_000}, {&l.OutputBytes, 16 << 20}} {
		if *f.at <= 0 {
			*f.at = f.value
		}
	}
}

// Error is what goes wrong in a template. Line counts from 1; 0 means unknown.
type Error struct {
	Line int
	Err  error
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return "jinja: " + e.Err.Error()
	}
	return fmt.Sprintf("jinja: line %d: %v", e.Line, e.Err)
}

// Unwrap returns the cause: for a template's own raise_exception a *RaisedError, for a
// bound that was hit a *LimitError.
func (e *Error) Unwrap() error { return e.Err }

// RaisedError is the template's own refusal, by raise_exception.
type RaisedError struct{ Message string }

func (e *RaisedError) Error() string { return "the template refuses: " + e.Message }

// LimitError says which of the Limits was hit.
type LimitError struct {
	Name  string // field of Limits
	Limit int
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the template exceeds the limit %s of %d", e.Name, e.Limit)
}

// Template is a parsed template. It is immutable and safe for concurrent use.
type Template struct {
	body   []stmt
	limits Limits
}

// Parse reads a template. Errors are *Error.
func Parse(source string, limits Limits) (t *Template, err error) {
	limits.fill()
	defer catch(&err)
	if len(source) > limits.SourceBytes {
		throw(0, &LimitError{"SourceBytes", limits.SourceBytes})
	}
	p := &parser{tokens: lex(source), limits: limits}
	body := p.block()
	return &Template{body: body, limits: limits}, nil
}

// Render executes the template with the given variables beside the built-in globals. Values
// are nil, bool, int64, int, float64, string, *List, *Dict, *Func and *ojson.Value; lists and
// dicts among them may be changed by the template. Errors are *Error.
func (t *Template) Render(variables map[string]any) (text string, err error) {
	in := &interp{limits: t.limits, out: &strings.Builder{}}
	defer func() {
		if e, ok := err.(*Error); ok && e.Line == 0 {
			e.Line = in.line
		}
	}()
	defer catch(&err)
	in.global = &scope{vars: make(map[string]any)}
	for name, fn := range globals {
		in.global.vars[name] = fn
	}
	for name, value := range variables {
		in.global.vars[name] = in.adopt(value)
	}
	in.run(t.body, &scope{vars: make(map[string]any), parent: in.global})
	return in.out.String(), nil
}

// thrown carries an *Error up the stack to catch, as text/template does it.
type thrown struct{ err *Error }

func throw(line int, err error) { panic(thrown{&Error{Line: line, Err: err}}) }

func throwf(line int, format string, args ...any) { throw(line, fmt.Errorf(format, args...)) }

// catch turns a throw into an error at the package's boundary. Any other panic is a defect
// of this package; it becomes an error too, because a template must not end the process.
func catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case thrown:
		*err = r.err
	case error:
		*err = &Error{Err: fmt.Errorf("internal error: %w at %s", r, firstFrame())}
	default:
		*err = &Error{Err: errors.New("internal error: " + fmt.Sprint(r))}
	}
}

func firstFrame() string {
	const enough = 2 << 10
	stack := debug.Stack()
	return string(stack[:min(len(stack), enough)])
}
