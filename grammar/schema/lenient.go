package schema

import "slices"

// Dropped returns what Options.Lenient left out so far, each keyword once: the errors that
// the Compiler would have returned otherwise. The rules admit values that these keywords
// would exclude.
func (c *Compiler) Dropped() []*Error { return slices.Clone(c.dropped) }

// refused returns the error of something that is not supported, or notes it as dropped
// and returns nil.
func (c *Compiler) refused(e *Error) error {
	if !c.opts.Lenient || e.Code != ErrUnsupported {
		return e
	}
	e.Tool = c.tool
	if !slices.ContainsFunc(c.dropped, func(d *Error) bool {
		return d.Tool == e.Tool && d.Pointer == e.Pointer && d.Keyword == e.Keyword
	}) {
		c.dropped = append(c.dropped, e)
	}
	return nil
}
