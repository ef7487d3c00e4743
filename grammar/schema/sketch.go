package schema

import "github.com/callama/callama/internal/ojson"

// sketch is what tells an alternative of a oneOf's branch from those of others most often:
// the kinds of its values, and the values that members which must be there can have.
type sketch struct {
	kinds   kinds
	members map[string]*memberSketch // required ones; of objects only
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
	s.members = make(map[string]*memberSketch, len(j.required))
	for _, r := range j.required {
		s.members[r.name] = &memberSketch{kinds: kindAny}
	}
	for i := range j.objects {
		for _, p := range j.objects[i].props {
			if m := s.members[p.name]; m != nil && p.t.l != nil && !p.t.not {
				m.limit(p.t.l)
			}
		}
	}
	return s
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
		if key := equalityKey(v); m.values == nil || m.values[key] {
			keys[key] = true
		}
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
	for name, m := range s.members {
		if n := t.members[name]; n != nil && m.apart(n) {
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
