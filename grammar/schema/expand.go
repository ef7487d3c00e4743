package schema

import (
	"errors"
	"slices"
	"strconv"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/internal/ojson"
)

// goal is a set of locations at which a value must be valid at once; no location at all
// means any value. Goals are the nonterminals of the result: there is one for each set
// that occurs, so recursion through merged schemas comes back to itself.
type goal struct {
	name      string // the rule's, before it is made unique
	locations []*location

	state      goalState
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

// goal returns the goal of a set of locations; locations that constrain nothing do not
// count. name is used if the goal is new.
func (c *Compiler) goal(name string, locations []*location) *goal {
	set, key := goalKey(locations)
	g, ok := c.goals[key]
	if !ok {
		g = &goal{locations: set}
		c.goals[key] = g
	}
	if g.name == "" {
		g.name = name
	}
	return g
}

// goalKey returns the locations that constrain something, each once, and a text that
// stands for the set.
func goalKey(locations []*location) ([]*location, string) {
	set := make([]*location, 0, len(locations))
	for _, l := range locations {
		if l != nil && !l.free {
			set = append(set, l)
		}
	}
	slices.SortFunc(set, func(a, b *location) int { return a.id - b.id })
	set = slices.Compact(set)
	var key []byte
	for _, l := range set {
		key = strconv.AppendInt(key, int64(l.id), 36)
		key = append(key, ' ')
	}
	return set, string(key)
}

// expand works out the alternatives of a goal: the disjunctive form of its locations'
// constraints.
func (c *Compiler) expand(g *goal) error {
	if g.state >= goalExpanded {
		return nil
	}
	if g.state == goalExpanding {
		return g.locations[0].fail(ErrUnsupported, "", "the schema depends on itself through oneOf")
	}
	if len(c.goals) > c.lim.Goals {
		return &Error{Code: ErrLimit, Err: &LimitError{Name: "Goals", Limit: c.lim.Goals, Got: len(c.goals)}}
	}
	g.state = goalExpanding
	x := &expansion{c: c}
	alts := []*conjunct{newConjunct()}
	for _, l := range g.locations {
		var err *Error
		if alts, err = x.apply(alts, l); err != nil {
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
	for _, j := range g.alts {
		if err := c.finish(j); err != nil {
			return err
		}
	}
	g.state = max(g.state, goalFinished)
	return nil
}

// expansion applies schemas to alternatives; active is the chain of locations being
// applied in place, whose repetition would never end.
type expansion struct {
	c      *Compiler
	active []*location
}

// apply adds everything that the schema at l demands to each alternative; the result may
// hold more alternatives, for anyOf. Alternatives that died are kept while they are the
// only ones, for the cause they know.
func (x *expansion) apply(alts []*conjunct, l *location) ([]*conjunct, *Error) {
	if l.free {
		return alts, nil
	}
	if l.v.Kind == ojson.Bool { // false
		for _, j := range alts {
			j.restrict(0, func() *Error { return l.fail(ErrUnsatisfiable, "", "the schema is false") })
		}
		return alts, nil
	}
	if l.v.Kind != ojson.Object {
		return nil, l.fail(ErrInvalid, "", "a schema is an object or a boolean, not %s", l.v.Kind)
	}
	if slices.Contains(x.active, l) {
		return nil, l.fail(ErrReference, "", "the schema refers to itself for the same value")
	}
	if len(x.active) >= x.c.lim.Depth {
		return nil, l.fail(ErrLimit, "", "%w", &LimitError{Name: "Depth", Limit: x.c.lim.Depth, Got: len(x.active) + 1})
	}
	x.active = append(x.active, l)
	defer func() { x.active = x.active[:len(x.active)-1] }()

	ref := l.v.Get("$ref")
	if ref != nil && l.dialect() != dialectModern {
		return x.reference(alts, l, ref) // before 2019-09, keywords beside $ref have no effect
	}
	for _, m := range l.v.Members {
		apply, _ := keywordOf(m.Name)
		if apply == nil {
			continue
		}
		for _, j := range alts {
			if err := apply(x.c, j, place{l, m.Name}, m.Value); err != nil {
				return nil, err
			}
		}
	}
	var err *Error
	if ref != nil {
		if alts, err = x.reference(alts, l, ref); err != nil {
			return nil, err
		}
	}
	return x.combinators(alts, l)
}

func (x *expansion) reference(alts []*conjunct, l *location, ref *ojson.Value) ([]*conjunct, *Error) {
	if ref.Kind != ojson.String {
		return nil, l.fail(ErrInvalid, "$ref", "must be a string, not %s", ref.Kind)
	}
	target, err := l.resolve(ref.Text)
	if err != nil {
		return nil, err
	}
	return x.apply(alts, target)
}

// combinators applies allOf, anyOf and oneOf.
func (x *expansion) combinators(alts []*conjunct, l *location) ([]*conjunct, *Error) {
	for _, name := range [...]string{"allOf", "anyOf", "oneOf"} {
		list := l.v.Get(name)
		if list == nil {
			continue
		}
		if list.Kind != ojson.Array || len(list.Items) == 0 {
			return nil, l.fail(ErrInvalid, name, "must be a list of schemas that is not empty")
		}
		branches := make([]*location, len(list.Items))
		for i, v := range list.Items {
			branches[i] = l.at(v, name, strconv.Itoa(i))
		}
		var err *Error
		switch name {
		case "allOf":
			for _, b := range branches {
				if alts, err = x.apply(alts, b); err != nil {
					return nil, err
				}
			}
			continue
		case "oneOf":
			if err := x.disjoint(l, branches); err != nil {
				return nil, err
			}
		}
		if alts, err = x.branch(alts, place{l, name}, branches); err != nil {
			return nil, err
		}
	}
	return alts, nil
}

// branch multiplies the alternatives by the branches.
func (x *expansion) branch(alts []*conjunct, at place, branches []*location) ([]*conjunct, *Error) {
	var out []*conjunct
	for _, b := range branches {
		copies := make([]*conjunct, len(alts))
		for i, j := range alts {
			copies[i] = j.clone()
		}
		copies, err := x.apply(copies, b)
		if err != nil {
			return nil, err
		}
		out = append(out, copies...)
		if len(out) > x.c.lim.Alternatives {
			return nil, at.fail(ErrLimit, "%w", &LimitError{Name: "Alternatives", Limit: x.c.lim.Alternatives, Got: len(out)})
		}
	}
	if live := slices.DeleteFunc(slices.Clone(out), func(j *conjunct) bool { return j.kinds == 0 }); len(live) > 0 {
		return live, nil
	}
	return out, nil
}

// disjoint checks that no value is valid under two branches of a oneOf, so that exactly
// one is the same as any. It proves it by looking a few levels into the conjunction of
// each pair; what it cannot prove is refused.
func (x *expansion) disjoint(l *location, branches []*location) *Error {
	if len(branches) > maxOneOf {
		return l.fail(ErrLimit, "oneOf", "%w", &LimitError{Name: "branches of oneOf", Limit: maxOneOf, Got: len(branches)})
	}
	for i, a := range branches {
		for k, b := range branches[:i] {
			empty, err := x.c.provablyEmpty([]*location{a, b}, disjointDepth)
			var e *Error
			if errors.As(err, &e) && e.Code != ErrUnsupported {
				return e
			}
			if err != nil || !empty {
				return l.fail(ErrUnsupported, "oneOf", "branches %d and %d may both hold", k, i)
			}
		}
	}
	return nil
}

// Bounds of the proofs for oneOf. Discriminators stand at the first or second level of
// required members or items; branches are compared pair by pair.
const (
	disjointDepth  = 3
	maxOneOf       = 256
	maxProvedItems = 8
)

// proof is the state of a proof of emptiness.
type proof uint8

const (
	proofNone proof = iota
	proofOpen       // being worked out, or failed
	proofEmpty
)

// provablyEmpty reports whether it is certain that no value is valid at all locations.
func (c *Compiler) provablyEmpty(locations []*location, depth int) (bool, error) {
	set, key := goalKey(locations)
	if p := c.proofs[key]; p != proofNone {
		return p == proofEmpty, nil
	}
	c.proofs[key] = proofOpen
	g := &goal{locations: set}
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
			var ls []*location
			for _, f := range j.objects {
				ls = append(ls, f.location(r.name))
			}
			if empty, err := c.provablyEmpty(ls, depth-1); empty || err != nil {
				return empty, err
			}
		}
	case kindArray:
		for i := range min(j.count.min, maxProvedItems) {
			if empty, err := c.provablyEmpty(j.itemLocations(i), depth-1); empty || err != nil {
				return empty, err
			}
		}
	}
	return false, nil
}

// itemLocations returns the schemas of the item at index i.
func (j *conjunct) itemLocations(i int) []*location {
	var ls []*location
	for _, f := range j.arrays {
		if i < len(f.prefix) {
			ls = append(ls, f.prefix[i])
		} else {
			ls = append(ls, f.items)
		}
	}
	return ls
}
