package schema

import (
	"slices"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// sketch is what tells an alternative of a oneOf's branch from those of others most often:
// the kinds of its values, and the values that members which must be there can have.
type sketch struct {
	kinds   kinds
	members []namedSketch // required ones, sorted by name; of objects only
}

type namedSketch struct {
	name string
	*memberSketch
}

// member returns what is told of a member, or nil.
func (s *sketch) member(name string) *memberSketch {
	i, ok := slices.BinarySearchFunc(s.members, name, func(m namedSketch, name string) int { return strings.Compare(m.name, name) })
	if !ok {
		return nil
	}
	return s.members[i].memberSketch
}

// memberSketch tells of a member's value. Values are equalityKeys.
type memberSketch struct {
	kinds  kinds
	values map[string]bool // nil: any
	listed []*ojson.Value  // among which those of values are
}

// minSketched is the number of branches from which sketches pay: they are made one by one,
// and proofs pair by pair.
const minSketched = 3

// sketches returns those of each branch's alternatives, nil where a branch has none.
func (c *Compiler) sketches(branches []term) [][]sketch {
	out := make([][]sketch, len(branches))
	for i, b := range branches {
		g := c.goal(nil, "", []term{b})
		if g.state == goalExpanding || c.expand(g) != nil {
			continue // what is wrong shows elsewhere
		}
		for _, j := range g.alts {
			if j.kinds != 0 {
				out[i] = append(out[i], sketchOf(j))
			}
		}
	}
	return out
}

func sketchOf(j *conjunct) sketch {
	s := sketch{kinds: j.kinds}
	if j.hasEnum {
		s.kinds = 0
		for _, v := range j.enum {
			s.kinds |= kindOf(v)
		}
		s.kinds &= j.kinds
		return s
	}
	if j.kinds != kindObject || len(j.required) == 0 {
		return s
	}
	s.members = make([]namedSketch, len(j.required))
	for i, r := range j.required {
		s.members[i] = namedSketch{r.name, anyMember}
	}
	slices.SortFunc(s.members, func(a, b namedSketch) int { return strings.Compare(a.name, b.name) })
	for i := range j.objects {
		for _, p := range j.objects[i].props {
			if p.t.l == nil || p.t.not {
				continue
			}
			k, ok := slices.BinarySearchFunc(s.members, p.name, func(m namedSketch, name string) int { return strings.Compare(m.name, name) })
			if ok {
				s.members[k].memberSketch = s.members[k].and(p.t.l.sketched())
			}
		}
	}
	return s
}

// anyMember tells nothing.
var anyMember = &memberSketch{kinds: kindAny}

// and returns what two sketches tell together.
func (m *memberSketch) and(n *memberSketch) *memberSketch {
	switch {
	case m == anyMember:
		return n
	case n == anyMember:
		return m
	}
	both := *m
	both.kinds &= n.kinds
	if n.values != nil {
		both.values, both.listed = n.values, n.listed
	}
	if m.values != nil && n.values != nil {
		both.values = make(map[string]bool, len(n.values))
		for key := range n.values {
			if m.values[key] {
				both.values[key] = true
			}
		}
	}
	return &both
}

// sketched returns what a schema says of its values at first sight.
func (l *location) sketched() *memberSketch {
	if l.sketch == nil {
		m := memberSketch{kinds: kindAny}
		if m.limit(l); m.kinds == kindAny && m.values == nil {
			l.sketch = anyMember
		} else {
			l.sketch = &m
		}
	}
	return l.sketch
}

// limit takes from a schema what it says at first sight. What it does not understand says
// nothing.
func (m *memberSketch) limit(l *location) {
	v := l.v
	if v.Kind != ojson.Object || l.union != nil || v.Get("$ref") != nil && l.dialect() != dialectModern {
		return
	}
	if t := v.Get("type"); t != nil {
		if of, err := typesOf(place{l, "type"}, t); err == nil {
			m.kinds &= of
		}
	}
	var values []*ojson.Value
	if c := v.Get("const"); c != nil {
		values = []*ojson.Value{c}
	} else if e := v.Get("enum"); e != nil && e.Kind == ojson.Array {
		values = e.Items
	} else {
		return
	}
	keys := make(map[string]bool, len(values))
	for _, v := range values {
		keys[equalityKey(v)] = true
	}
	m.values, m.listed = keys, values
}

// apart reports whether it is certain that no value is of an alternative of both.
func apart(a, b []sketch) bool {
	if len(a) == 0 || len(b) == 0 {
		return false // not known
	}
	for i := range a {
		for k := range b {
			if !a[i].apart(&b[k]) {
				return false
			}
		}
	}
	return true
}

func (s *sketch) apart(t *sketch) bool {
	if s.kinds&t.kinds == 0 {
		return true
	}
	other := t.members
	for _, m := range s.members {
		for len(other) > 0 && other[0].name < m.name {
			other = other[1:]
		}
		if len(other) == 0 {
			break
		}
		if other[0].name == m.name && m.apart(other[0].memberSketch) {
			return true
		}
	}
	return false
}

func (m *memberSketch) apart(n *memberSketch) bool {
	if m.kinds&n.kinds == 0 {
		return true
	}
	if m.values == nil || n.values == nil {
		return false
	}
	for v := range m.values {
		if n.values[v] {
			return false
		}
	}
	return true
}
