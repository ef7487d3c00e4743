package gbnf

import (
	"errors"
	"fmt"
)

// ParseError says where GBNF text is wrong.
type ParseError struct {
	Line   int    // from 1
	Column int    // in code points, from 1
	Offset int    // in bytes, from 0
	Msg    string // lower case, without the position
	Err    error  // the cause where there is one: a *LimitError
}

// Error returns the message after its position.
func (e *ParseError) Error() string {
	return fmt.Sprintf("gbnf: line %d, column %d: %s", e.Line, e.Column, e.Msg)
}

// Unwrap returns the cause, a *LimitError or nil.
func (e *ParseError) Unwrap() error { return e.Err }

// LimitError says that a bound of this package was hit.
type LimitError struct {
	Name  string // the field of Limits, or what is bounded
	Limit int
	Got   int // the value that exceeds Limit; where counting stopped early, the first one
}

// Error names the bound, its value and what was found.
func (e *LimitError) Error() string {
	return fmt.Sprintf("gbnf: %s: %d exceeds the limit of %d", e.Name, e.Got, e.Limit)
}

// ErrEmptyLanguage is what Check returns for a grammar whose root derives no finite text:
// nothing that a model writes could ever satisfy it.
var ErrEmptyLanguage = errors.New("gbnf: the root rule derives no finite text")

// RuleError says which rule of a grammar is wrong.
type RuleError struct {
	Rule string // the rule's name
	Msg  string
	Err  error // the cause where there is one
}

// Error returns the message after the rule's name.
func (e *RuleError) Error() string { return fmt.Sprintf("gbnf: rule %q: %s", e.Rule, e.Msg) }

// Unwrap returns the cause or nil.
func (e *RuleError) Unwrap() error { return e.Err }

// Limits bounds what Parse takes. A zero field means its default.
type Limits struct {
	// TextBytes bounds the text, in bytes. Default 8 MiB: printed tool sets of a thousand
	// tools stay below one.
	TextBytes int
	// Rules bounds the number of rules. Default 100,000.
	Rules int
	// Depth bounds the nesting of groups, because every consumer of the tree recurses
	// over it. Default 500.
	Depth int
	// Repeat bounds the counts in {m,n}. Default 1<<30: engines count in 32 bits.
	Repeat int
}

const (
	defaultTextBytes = 8 << 20
	defaultRules     = 100_000
	defaultDepth     = 500
	defaultRepeat    = 1 << 30
)

// orDefault fills the zero fields.
func (l Limits) orDefault() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.TextBytes, defaultTextBytes},
		{&l.Rules, defaultRules},
		{&l.Depth, defaultDepth},
		{&l.Repeat, defaultRepeat},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return l
}
