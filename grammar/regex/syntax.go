// Package regex turns regular expressions of ECMA-262 (the dialect of JSON Schema's
// "pattern") into deterministic automata over code points and those into grammar rules.
// It exists beside Go's regexp because a mask needs the automaton itself: to know every
// continuation, to intersect it with length bounds and other patterns, and to write it
// as text inside a JSON string.
//
// The stages are Parse (pattern -> Regex), Regex.DFA (unroll, determinise, minimise), the
// operations on DFA, and Rules (DFA -> grammar/gbnf). Patterns are read in Unicode mode:
// a character is a code point. Languages are exact; what cannot be decided by a finite
// automaton (backreferences) and assertions within assertions that look the other way are
// errors that name the construct.
package regex

import "fmt"

// Regex is a parsed pattern. It is immutable and safe for concurrent use.
type Regex struct {
	source string
	root   *node

	prebuilt *DFA // instead of root
}

// String returns the pattern as it was written.
func (r *Regex) String() string { return r.source }

// Error is a pattern that cannot be used.
type Error struct {
	Pattern     string
	Offset      int  // byte offset in Pattern
	Unsupported bool // a construct of ECMA-262 that this package does not handle; otherwise the pattern is malformed
	Msg         string
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("regex: %q at byte %d: %s", e.Pattern, e.Offset, e.Msg)
}

// op is the kind of a syntax node.
type op uint8

const (
	opEmpty  op = iota // the empty string
	opSet              // one character of set
	opConcat           // subs in order
	opAlt              // any of subs
	opRepeat           // subs[0], min to max times (max < 0: no bound)
	opBegin            // ^: only at the start of the string
	opEnd              // $: only at the end of the string
	opLook             // where subs[0] matches ahead or behind, or does not
)

type node struct {
	op       op
	set      Set
	subs     []*node
	min, max int

	behind, negative bool // of opLook
}

// OneClass reports whether the pattern is one set of characters repeated between two
// anchors, as in ^[a-z]{1,40}$: the strings whose characters are all in set and whose
// length is in window. Such a pattern needs no automaton, however large its counts.
func (r *Regex) OneClass() (set Set, window Window, ok bool) {
	if r.prebuilt != nil {
		return nil, Window{}, false
	}
	body, begin, end := r.root.anchors()
	if !begin || !end || len(body) != 1 {
		return nil, Window{}, false
	}
	n := body[0]
	window = Window{Min: 1, Max: 1}
	if n.op == opRepeat {
		window = Window{Min: n.min, Max: n.max}
		n = n.subs[0]
	}
	return n.set, window, n.op == opSet && len(n.set) > 0
}

// anchors splits a sequence into its leading and trailing anchor and what stands between.
func (n *node) anchors() (body []*node, begin, end bool) {
	body = []*node{n}
	if n.op == opConcat {
		body = n.subs
	}
	if len(body) > 0 && body[0].op == opBegin {
		body, begin = body[1:], true
	}
	if last := len(body) - 1; last >= 0 && body[last].op == opEnd {
		body, end = body[:last], true
	}
	return body, begin, end
}

// alternatives returns the alternatives at the top of the pattern.
func (r *Regex) alternatives() []*node {
	if r.root.op == opAlt {
		return r.root.subs
	}
	return []*node{r.root}
}
