package automaton

import (
	"slices"

	"github.com/callama/callama/grammar/gbnf"
)

// Programs made with Options.Inspect can say where a text stands in terms of the rules.
// Others cannot: a call in last place makes no frame there, and rules share states.

// inspection is what the builder notes for it.
type inspection struct {
	*facts
	current gbnf.RuleID             // the rule being built
	owners  []gbnf.RuleID           // callee -> its rule, or the rule that it is a part of
	loops   map[[2]gbnf.RuleID]bool // caller and callee in last place -> the call may come back
}

// enter makes r the rule being built, until the returned function is called.
func (n *inspection) enter(r gbnf.RuleID) (leave func()) {
	before := n.current
	n.current = r
	return func() { n.current = before }
}

// keeps reports whether a call of r in last place makes a frame: unless it may come back
// to the rule being built by such calls alone. Rules of free text do, once for each
// character, and their frames would pile up.
func (n *inspection) keeps(r gbnf.RuleID) bool {
	key := [2]gbnf.RuleID{n.current, r}
	loop, known := n.loops[key]
	if !known {
		seen := map[gbnf.RuleID]bool{}
		var visit func(gbnf.RuleID) bool
		visit = func(x gbnf.RuleID) bool {
			if x == n.current {
				return true
			}
			if seen[x] {
				return false
			}
			seen[x] = true
			return slices.ContainsFunc(lastCalls(n.rules[x].Expr, nil), visit)
		}
		loop = visit(r)
		n.loops[key] = loop
	}
	return !loop
}

// lastCalls appends the rules that e calls in last place.
func lastCalls(e gbnf.Expr, dst []gbnf.RuleID) []gbnf.RuleID {
	switch e := e.(type) {
	case *gbnf.Ref:
		return append(dst, e.Rule)
	case *gbnf.Seq:
		if n := len(e.Items); n > 0 {
			return lastCalls(e.Items[n-1], dst)
		}
	case *gbnf.Alt:
		for _, it := range e.Items {
			dst = lastCalls(it, dst)
		}
	case *gbnf.Repeat:
		if e.Max == 1 {
			return lastCalls(e.Item, dst)
		}
	}
	return dst
}

// Frame is one frame of a parser stack.
type Frame struct {
	Kind FrameKind
	Rule gbnf.RuleID // the rule called, or the one that a repetition or member list is in
	// Count is the number of the item of a repetition, from 1, or of the members of a list
	// so far, as far as it is kept.
	Count    int
	Min, Max int // of a repetition; Max is negative where there is no bound
}

// FrameKind says what a Frame stands for.
type FrameKind uint8

// The kinds of frames.
const (
	RuleFrame      FrameKind = iota // within a rule
	RepeatFrame                     // within an item of a counted repetition
	MemberFrame                     // within a member
	SeparatorFrame                  // within the separator after a member
)

// Thread is one place where the text may stand: a stack, and what may come next there.
type Thread struct {
	Frames []Frame // the root rule first
	Steps  []Continuation
	Tokens []TokenTerminal
}

// Continuation is a range of bytes that may come next. Text is empty for more than one byte; else
// that byte and those that are bound to follow it within the rule.
type Continuation struct {
	Lo, Hi byte
	Text   []byte
}

// TokenTerminal is a token, or with Negated any other, that may come next.
type TokenTerminal struct {
	ID      int32
	Negated bool
}

// maxContinuation bounds Continuation.Text, in bytes: longer texts are not read.
const maxContinuation = 64

// Rule returns a rule as it was compiled, which may be a variant that normalising made.
func (p *Program) Rule(r gbnf.RuleID) *gbnf.Rule { return &p.rules[r] }

// Threads returns up to limit places of a configuration, and whether there are more. The
// program must have been made with Options.Inspect.
func (c *Cache) Threads(id int32, limit int) (threads []Thread, more bool) {
	for _, it := range c.itemsOf(id) {
		steps, tokens := c.continuations(it.core)
		c.stacks(it.set, nil, func(frames []Frame) bool {
			if len(threads) == limit {
				more = true
				return false
			}
			threads = append(threads, Thread{Frames: frames, Steps: steps, Tokens: tokens})
			return true
		})
	}
	return threads, more
}

// stacks yields the stacks of a node set, above being the frames over it, the top first.
func (c *Cache) stacks(set int32, above []Frame, yield func([]Frame) bool) bool {
	for _, n := range c.nodesOf(set) {
		if n == 0 {
			root := c.p.inspect.owners[c.p.states.At(c.p.root).callee]
			frames := append(slices.Clone(above), Frame{Kind: RuleFrame, Rule: root})
			slices.Reverse(frames)
			if !yield(frames) {
				return false
			}
			continue
		}
		k := c.nodes.At(n).nodeKey
		frames := above
		if !c.unnamed(k.site) {
			frames = append(slices.Clip(above), c.frame(k))
		}
		if !c.stacks(k.below, frames, yield) {
			return false
		}
	}
	return true
}

// unnamed reports whether a call is that of a machine's state or of a part in place, which
// belong to the rule that calls them.
func (c *Cache) unnamed(site int32) bool {
	st := &c.p.sites[site]
	switch st.kind {
	case siteRule, siteDistinct, siteDocument:
		return c.p.starts[c.owner(st.start)] != st.start
	}
	return false
}

func (c *Cache) frame(k nodeKey) Frame {
	st := &c.p.sites[k.site]
	switch st.kind {
	case siteRepeat:
		r := &c.p.repeats[st.index]
		return Frame{Kind: RepeatFrame, Rule: c.owner(r.body), Count: int(k.aux) + 1, Min: int(r.min), Max: int(r.max)}
	case siteMember, siteSep:
		m := &c.p.members[st.index]
		f := Frame{Kind: MemberFrame, Rule: c.owner(m.sep), Count: int(c.memberCount(m, k.aux))}
		if st.kind == siteSep {
			f.Kind = SeparatorFrame
		}
		return f
	}
	return Frame{Kind: RuleFrame, Rule: c.owner(st.start)}
}

// owner returns the rule that a callee is or belongs to.
func (c *Cache) owner(start int32) gbnf.RuleID {
	return c.p.inspect.owners[c.p.states.At(start).callee]
}

// continuations describes the edges of a core.
func (c *Cache) continuations(core int32) (steps []Continuation, tokens []TokenTerminal) {
	for _, e := range c.p.edgesOf(core) {
		s := Continuation{Lo: e.lo, Hi: e.hi}
		if e.lo == e.hi {
			s.Text = []byte{e.lo}
			for to := e.to; len(s.Text) < maxContinuation; {
				st := *c.p.flat(to)
				if st.end || !st.calls.Empty() || !st.tokens.Empty() || st.edges.Len() != 1 {
					break
				}
				next := c.p.builder.edges.At(st.edges)[0]
				if next.lo != next.hi {
					break
				}
				s.Text = append(s.Text, next.lo)
				to = next.to
			}
		}
		steps = append(steps, s)
	}
	for _, t := range c.p.tokensOf(core) {
		tokens = append(tokens, TokenTerminal{t.id, t.negated})
	}
	return steps, tokens
}
