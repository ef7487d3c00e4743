package schema

import (
	"errors"
	"fmt"
	"strings"
)

// Code classifies an Error. Codes are errors themselves, so that
// errors.Is(err, ErrUnsatisfiable) tells what happened.
type Code uint8

const (
	// ErrInvalid: the schema is malformed: a keyword has a value that no draft allows.
	ErrInvalid Code = iota + 1
	// ErrUnsupported: a keyword, or a use of it, that this package does not enforce.
	ErrUnsupported
	// ErrReference: a $ref that leads nowhere, out of the document, or round in a loop.
	ErrReference
	// ErrUnsatisfiable: no value is valid under the schema.
	ErrUnsatisfiable
	// ErrLimit: a bound of Limits was hit; the cause is a *LimitError.
	ErrLimit
)

// Error implements error.
func (c Code) Error() string {
	switch c {
	case ErrInvalid:
		return "invalid schema"
	case ErrUnsupported:
		return "not supported"
	case ErrReference:
		return "unresolved reference"
	case ErrUnsatisfiable:
		return "nothing satisfies the schema"
	case ErrLimit:
		return "limit exceeded"
	}
	return fmt.Sprintf("schema error %d", uint8(c))
}

// Error is a schema that cannot be compiled. It wraps its Code and its cause.
type Error struct {
	Code    Code
	Tool    string // the tool whose parameters are meant, if any
	Pointer string // JSON Pointer to the keyword, or to the schema if no keyword is to blame
	Keyword string // the keyword, if one is to blame
	Err     error  // what is wrong
}

// Error implements error.
func (e *Error) Error() string {
	var sb strings.Builder
	sb.WriteString("schema: ")
	if e.Tool != "" {
		fmt.Fprintf(&sb, "tools/%s: ", e.Tool)
	}
	if e.Pointer != "" {
		fmt.Fprintf(&sb, "%s: ", e.Pointer)
	}
	if e.Keyword != "" {
		fmt.Fprintf(&sb, "keyword %q: ", e.Keyword)
	}
	sb.WriteString(e.Code.Error())
	if e.Err != nil {
		fmt.Fprintf(&sb, ": %v", e.Err)
	}
	return sb.String()
}

// Unwrap returns the code and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// LimitError reports that a schema needs more than a limit allows.
type LimitError struct {
	Name  string // which limit, as named in Limits
	Limit int
	Got   int // what was needed; at least this much where counting stopped early
}

// Error implements error.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: %d exceeds the limit of %d", e.Name, e.Got, e.Limit)
}

// inTool adds a tool's name to an error.
func inTool(name string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		named := *e
		named.Tool = name
		return &named
	}
	return err
}
