package schema

import (
	"slices"

	"github.com/callama/callama/grammar/gbnf"
)

// goal is a set of terms that a value must meet at once; no term at all means any value. Goals are the nonterminals of the result: there is one for each set
// that occurs, so recursion through merged schemas comes back to itself.
type goal struct {
	terms []term
	// The rule's name is that of the goal that it was first found in, and its part there.
	parent *goal
	part   string
	name   string // see stem

	state      goalState
	passing    bool        // of a proof, with which it goes
	alts       []*conjunct // the value satisfies one of them
	shapes     []shape     // of alts: the goals within
	productive bool        // some value satisfies the goal; settled by explore

	expr gbnf.Expr // once emitted or being emitted
}

// goalState tells how much of a goal is known.
type goalState uint8

const (
	goalNew       goalState = iota
	goalExpanding           // alts are being worked out
	goalExpanded            // alts are known
	goalFinished            // alts are settled: see finish
	goalExplored            // shapes and productive are known
)

// goal returns the goal of a set of terms; terms that demand nothing do not count. If the
// goal is new it is called a part of its parent.
func (c *Compiler) goal(parent *goal, part string, terms []term) *goal {
	var g *goal
	if one, ok := theOne(terms); ok {
		g = c.goalOf(one)
	} else {
		set := &c.asked // most goals are known: nothing is kept of the question
		set.of(terms)
		if g = c.goals[string(set.key)]; g == nil {
			g = c.mem.goals.One()
			g.terms = c.mem.terms.Copy(set.terms)
			c.goals[string(set.key)] = g
		}
	}
	if g.part == "" && g.parent == nil && !parent.within(g) {
		g.parent, g.part = parent, part
	}
	return g
}

// goalOf returns the goal of one term, or of none. Schemas that only name types share one, and those
// that only refer to another are that one, unless it is to be told where a goal was found.
func (c *Compiler) goalOf(t term) *goal {
	if !c.opts.Trace && !t.not {
		t.l = t.l.referred()
	}
	var at **goal
	switch l := t.l; {
	case l == nil || t.not || l.plain == 0 || c.opts.Trace:
		at = &c.free
		if l != nil && t.not {
			at = &l.goals[1]
		} else if l != nil {
			at = &l.goals[0]
		}
	case l.plain&kindNumber == kindInteger && l.dialect() == dialectDraft4: // see conjunct.bare
		at = &c.plain[l.plain|kindArray]
	default:
		at = &c.plain[l.plain]
	}
	if *at == nil {
		*at = c.mem.newGoal(t)
		c.single++
	}
	return *at
}

func (a *arena) newGoal(t term) *goal {
	g := a.goals.One()
	if t.l != nil {
		g.terms = a.terms.Take(1)
		g.terms[0] = t
	}
	return g
}

// referred returns the location that a schema means which does nothing but refer to it; else l.
func (l *location) referred() *location {
	from := l
	for range maxReferred {
		if l == nil || l.ref == nil || l.union != nil || !l.alone && l.dialect() == dialectModern {
			return l
		}
		to, err := l.target("$ref", l.ref)
		if err != nil {
			return l // expand says it
		}
		l = to
	}
	return from
}

// maxReferred bounds how many references are followed: more are likely to be a circle.
const maxReferred = 16

// within reports whether g is, or is a part of, another goal, by their names.
func (g *goal) within(other *goal) bool {
	for ; g != nil; g = g.parent {
		if g == other {
			return true
		}
	}
	return false
}

// theOne returns the only term that demands something, or the zero term if none does; it
// reports whether there are no others.
func theOne(terms []term) (one term, ok bool) {
	for _, t := range terms {
		switch {
		case t.free() || t == one:
		case one.l != nil:
			return one, false
		default:
			one = t
		}
	}
	return one, true
}

// expand works out the alternatives of a goal: the disjunctive form of its terms.
func (c *Compiler) expand(g *goal) error {
	if g.state >= goalExpanded {
		return nil
	}
	if g.state == goalExpanding {
		return g.terms[0].l.fail(ErrReference, "", "the schema refers to itself for the same value")
	}
	if n := len(c.goals) + c.single; n > c.lim.Goals {
		return &Error{Code: ErrLimit, Err: &LimitError{Name: "Goals", Limit: c.lim.Goals, Got: n}}
	}
	g.state = goalExpanding
	x := c.spare // expansions nest
	if c.spare = nil; x == nil {
		x = &expansion{}
	}
	*x = expansion{c: c, active: x.active[:0]}
	defer func() { c.spare = x }()
	mem := &c.mem.room
	if g.passing {
		mem = &c.mem.proving
	}
	alts := mem.newConjunct().alone()
	for _, t := range g.terms {
		var err *Error
		if alts, err = x.apply(alts, t); err != nil {
			g.state = goalNew
			return err
		}
	}
	g.alts, g.state = alts, goalExpanded
	return nil
}

// finished expands a goal and settles its alternatives.
func (c *Compiler) finished(g *goal) error {
	if err := c.expand(g); err != nil {
		return err
	}
	if g.state >= goalFinished {
		return nil
	}
	alts, same := g.alts, true // as long as none splits
	for i, j := range g.alts {
		if err := c.finish(j); err != nil {
			return err
		}
		if !j.splits() {
			if !same {
				alts = append(alts, j)
			}
			continue
		}
		split, err := c.splitWitnesses(j)
		if err != nil {
			return err
		}
		if same {
			alts, same = slices.Clip(alts[:i]), false
		}
		alts = append(alts, split...)
	}
	if g.alts = alts; len(alts) > c.lim.Alternatives {
		return g.terms[0].l.fail(ErrLimit, "", "%w", &LimitError{Name: "Alternatives", Limit: c.lim.Alternatives, Got: len(alts)})
	}
	g.state = max(g.state, goalFinished)
	return nil
}

// Bounds of the proofs for oneOf. Discriminators stand at the first or second level of
// required members or items.
const (
	disjointDepth  = 3
	maxProvedItems = 8
	// maxProvedAlternatives bounds the cases within a proof: with more, it is given up.
	maxProvedAlternatives = 64
)

// proof is the state of a proof of emptiness.
type proof uint8

const (
	proofNone proof = iota
	proofOpen       // being worked out, or failed
	proofEmpty
)

// provablyEmpty reports whether it is certain that no value meets all terms.
func (c *Compiler) provablyEmpty(terms []term, depth int) (bool, error) {
	set := &c.asked
	set.of(terms)
	if p := c.proofs[string(set.key)]; p != proofNone {
		return p == proofEmpty, nil
	}
	key := string(set.key)
	c.proofs[key] = proofOpen
	c.proving++
	mem := &c.mem.proving
	before := mem.mark()
	defer func() {
		c.proving--
		mem.giveBack(before)
	}()
	g := mem.goals.One()
	g.terms, g.passing = mem.terms.Copy(set.terms), true
	if err := c.finished(g); err != nil {
		return false, err
	}
	for _, j := range g.alts {
		if j.kinds == 0 {
			continue
		}
		empty, err := c.emptyWithin(j, depth)
		if err != nil || !empty {
			return false, err
		}
	}
	c.proofs[key] = proofEmpty
	return true, nil
}

// emptyWithin reports whether a conjunct of objects only, or of arrays only, demands a
// member or an item that cannot be.
func (c *Compiler) emptyWithin(j *conjunct, depth int) (bool, error) {
	if depth == 0 || j.hasEnum {
		return false, nil
	}
	switch j.kinds {
	case kindObject:
		for _, r := range j.required {
			terms := c.saying // provablyEmpty is done with what is appended when it looks within
			for i := range j.objects {
				var err error
				if terms, err = c.said(terms, j.objects[i].objectFacet, r.name); err != nil {
					return false, err
				}
			}
			before := len(c.saying)
			c.saying = terms[:before]
			if empty, err := c.provablyEmpty(terms[before:], depth-1); empty || err != nil {
				return empty, err
			}
		}
	case kindArray:
		for i := range min(j.count.min, maxProvedItems) {
			if empty, err := c.provablyEmpty(j.itemTerms(i), depth-1); empty || err != nil {
				return empty, err
			}
		}
	}
	return false, nil
}

// itemTerms returns what is demanded of the item at index i.
func (j *conjunct) itemTerms(i int) []term {
	var terms []term
	for _, f := range j.arrays {
		if i < len(f.prefix) {
			terms = append(terms, f.prefix[i])
		} else {
			terms = append(terms, f.items)
		}
	}
	return terms
}
