package schema

import (
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
)

// partition divides the names that members can have: the declared ones, each of which is
// a case of its own, and classes of others that no part of the schema tells apart.
type partition struct {
	declared []string
	index    map[string]int // of declared, where there are many
	classes  []nameClass
}

// nameClass is a set of names that are not declared.
type nameClass struct {
	key    string            // equal for equal classes only
	local  bool              // the key means nothing to other compilers
	in     map[*pattern]bool // the patterns that every name of the class matches; no name matches another
	dfa    *regex.DFA        // nil: any name but except
	except []string
}

// Bounds of partitions.
const (
	// maxNameClasses bounds the classes that patterns cut the names into: n patterns that
	// overlap in every way make 2^n.
	maxNameClasses = 256
	// maxClassNames is the size up to which a class is written out as declared names, so
	// that none of them can be given twice.
	maxClassNames = 32
)

// maxListed is up to how many values are compared one by one, maxCompared up to how many names: most
// differ in length, and an index takes as long to make as a hundred looks at a short list.
const (
	maxListed   = 8
	maxCompared = 24
)

// at returns the number of a declared name, or -1.
func (p *partition) at(name string) int {
	if p.index == nil {
		return slices.Index(p.declared, name)
	}
	if at, ok := p.index[name]; ok {
		return at
	}
	return -1
}

// add declares a name.
func (p *partition) add(name string) {
	if p.at(name) >= 0 {
		return
	}
	if p.declared = append(p.declared, name); len(p.declared) <= maxCompared {
		return
	}
	if p.index == nil {
		p.index = make(map[string]int, cap(p.declared))
		for i, n := range p.declared {
			p.index[n] = i
		}
	}
	p.index[name] = len(p.declared) - 1
}

// predicates returns the patterns that tell names apart in a conjunct.
func (c *Compiler) predicates(j *conjunct) (list []patternProperty, err error) {
	add := func(p *pattern, at place) {
		if p != nil && !slices.ContainsFunc(list, func(q patternProperty) bool { return q.p == p }) {
			list = append(list, patternProperty{p: p, at: at})
		}
	}
	for i := range j.objects {
		for _, p := range j.objects[i].patterns {
			add(p.p, p.at)
		}
	}
	for i := range j.witnesses {
		w := &j.witnesses[i]
		add(w.pattern, w.at)
		if w.except != nil {
			for _, p := range w.except.patterns {
				add(p.p, w.at)
			}
		}
		if !w.name.free() {
			p, err := c.namePattern([]term{w.name})
			if err != nil {
				return nil, err
			}
			add(p, w.at)
		}
	}
	return list, nil
}

// namePattern returns a pattern of the strings that meet all terms.
func (c *Compiler) namePattern(terms []term) (*pattern, error) {
	set, key := termsKey(terms)
	key = "names " + key
	if p, ok := c.patterns[key]; ok {
		return p, nil
	}
	g := c.goal(nil, "", set)
	if err := c.finished(g); err != nil {
		return nil, err
	}
	others := anyName() // of what the alternatives accept
	for _, j := range g.alts {
		d, err := c.texts(j)
		if err != nil {
			return nil, err
		}
		if d == nil {
			continue
		}
		if others, err = regex.Intersect(others, d.Complement(), c.lim.Pattern); err != nil {
			return nil, set[0].l.fail(ErrLimit, "", "%w", err)
		}
	}
	p := &pattern{key: key, local: true, dfa: others.Complement(), other: others}
	c.patterns[key] = p
	return p, nil
}

// texts returns the automaton of the strings that a finished conjunct admits, or nil.
func (c *Compiler) texts(j *conjunct) (*regex.DFA, error) {
	if j.kinds&kindString == 0 {
		return nil, nil
	}
	if j.hasEnum {
		var words []string
		for _, v := range j.enum {
			if kindOf(v) == kindString {
				words = append(words, v.Text)
			}
		}
		return regex.Literals(words...), nil
	}
	all, err := lengthPattern(j.length, c.lim.Pattern)
	for i := 0; err == nil && i < len(j.patterns); i++ {
		var d *regex.DFA
		if d, err = j.patterns[i].signed(c); err == nil {
			all, err = regex.Intersect(all, d, c.lim.Pattern)
		}
	}
	if denied := j.deniedTexts(); err == nil && len(denied) > 0 {
		all, err = all.Without(denied, c.lim.Pattern)
	}
	if err != nil {
		return nil, j.textPlace().fail(ErrLimit, "%w", err)
	}
	return all, nil
}

// lengthPattern returns the automaton of the strings of some lengths.
func lengthPattern(s span, limits regex.Limits) (*regex.DFA, error) {
	most := ""
	if s.max >= 0 {
		most = fmt.Sprint(s.max)
	}
	re, err := regex.Parse(fmt.Sprintf(`^[\s\S]{%d,%s}$`, s.min, most))
	if err != nil {
		return nil, err
	}
	return re.DFA(limits)
}

// part returns the partition of the names of a conjunct. Alternatives that come after each other mostly have the
// same names, and share one.
func (c *Compiler) part(j *conjunct) (*partition, error) {
	if j.partition != nil {
		return j.partition, nil
	}
	p := &partition{}
	p.declared, c.declaring = c.declaring[:0], nil // what is looked at on the way has names, too
	p.gather(j)
	names := p.declared
	defer func() { c.declaring = names }()
	preds, err := c.predicates(j)
	if err != nil {
		return nil, err
	}
	if last := c.lately; last != nil && len(preds) == 0 && len(j.names) == 0 && slices.Equal(last.declared, names) {
		j.partition = last
		return last, nil
	}
	p.declared = slices.Clone(names)
	if len(preds) == 0 && len(j.names) == 0 {
		p.classes = []nameClass{{except: p.declared}}
		j.partition, c.lately = p, p
		return p, nil
	}
	if err := c.cut(p, j, preds); err != nil {
		return nil, err
	}
	j.partition = p
	return p, nil
}

// gather declares the names of a conjunct.
func (p *partition) gather(j *conjunct) {
	for i := range j.objects {
		for _, prop := range j.objects[i].props {
			p.add(prop.name)
		}
	}
	for _, r := range j.required {
		p.add(r.name)
	}
	for _, name := range j.absent {
		p.add(name)
	}
	for i := range j.witnesses {
		if e := j.witnesses[i].except; e != nil {
			for _, prop := range e.props {
				p.add(prop.name)
			}
		}
	}
}

// cut divides the names that are not declared by what patterns say of them.
func (c *Compiler) cut(p *partition, j *conjunct, preds []patternProperty) error {
	classes, err := c.classes(j, preds)
	if err != nil {
		return err
	}
	for _, k := range classes {
		if words, all := k.dfa.Words(maxClassNames); all {
			for _, w := range words {
				p.add(w)
			}
			continue
		}
		p.classes = append(p.classes, k)
	}
	for i := range p.classes {
		if err := c.leaveOut(&p.classes[i], p.declared); err != nil {
			return err
		}
	}
	p.classes = slices.DeleteFunc(p.classes, func(k nameClass) bool { return k.dfa.Empty() })
	return nil
}

// anyName is the automaton of all strings.
var anyName = sync.OnceValue(func() *regex.DFA { return regex.Literals().Complement() })

// classes cuts the names that are allowed by the patterns that they match.
func (c *Compiler) classes(j *conjunct, preds []patternProperty) ([]nameClass, error) {
	first := nameClass{dfa: anyName(), in: make(map[*pattern]bool)}
	if len(j.names) > 0 {
		p, err := c.namePattern(j.names)
		if err != nil {
			return nil, err
		}
		first.dfa, first.key, first.local = p.dfa, p.key, true
	}
	classes := []nameClass{first}
	for _, pred := range preds {
		var cut []nameClass
		for _, k := range classes {
			for _, not := range [...]bool{false, true} {
				key := string(appendText(strconv.AppendBool(append([]byte(k.key), ' '), not), pred.p.key))
				local := k.local || pred.p.local
				d, err := patternAt{p: pred.p, not: not}.signed(c)
				if err == nil && k.dfa != anyName() {
					d, err = c.namesAutomaton(key, local, func() (*regex.DFA, error) { return regex.Intersect(k.dfa, d, c.lim.Pattern) })
				}
				if err != nil {
					return nil, pred.at.fail(ErrLimit, "%w", err)
				}
				if d.Empty() {
					continue
				}
				in := make(map[*pattern]bool, len(k.in)+1)
				for p := range k.in {
					in[p] = true
				}
				if !not {
					in[pred.p] = true
				}
				cut = append(cut, nameClass{key: key, local: local, in: in, dfa: d})
			}
		}
		if classes = cut; len(classes) > maxNameClasses {
			return nil, pred.at.fail(ErrLimit, "%w", &LimitError{Name: "classes of names", Limit: maxNameClasses, Got: len(classes)})
		}
	}
	return classes, nil
}

// namesAutomaton returns the automaton of a class of names.
func (c *Compiler) namesAutomaton(key string, local bool, build func() (*regex.DFA, error)) (*regex.DFA, error) {
	if local {
		return build()
	}
	return c.automatonOf("names"+key, build)
}

// leaveOut takes the declared names out of a class.
func (c *Compiler) leaveOut(k *nameClass, declared []string) error {
	var out []string
	for _, name := range declared {
		if k.dfa.Match(name) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return nil
	}
	slices.Sort(out)
	text := append([]byte(k.key), " except"...)
	for _, name := range out {
		text = appendText(text, name)
	}
	key := string(text)
	d, err := c.namesAutomaton(key, k.local, func() (*regex.DFA, error) {
		return k.dfa.Without(out, c.lim.Pattern)
	})
	if err != nil {
		return &Error{Code: ErrLimit, Err: err}
	}
	k.dfa, k.key = d, key
	return nil
}

// emitNames returns the expression of the names of a class, quotes included.
func (c *Compiler) emitNames(k *nameClass) (gbnf.Expr, error) {
	if k.dfa == nil {
		return c.nameExcept(k.except), nil
	}
	key := "name " + k.key
	if e, ok := c.shared[key]; ok {
		return e, nil
	}
	if k.local {
		key = ""
	}
	e, err := c.stringsOf("name", key, k.dfa)
	if err != nil {
		return nil, &Error{Code: ErrLimit, Keyword: "patternProperties", Err: err}
	}
	c.shared["name "+k.key] = e
	return e, nil
}

// saidOfClass appends what a facet demands of members whose names are of a class.
func (f *objectFacet) saidOfClass(out []term, k *nameClass) []term {
	before := len(out)
	for i := range f.patterns {
		if k.in[f.patterns[i].p] {
			out = append(out, f.patterns[i].t)
		}
	}
	if len(out) == before {
		out = append(out, f.additional)
	}
	return out
}

// meantByClass reports whether the names of a class are what a witness asks for.
func (c *Compiler) meantByClass(w *witness, k *nameClass) (bool, error) {
	if w.pattern != nil && !k.in[w.pattern] {
		return false, nil
	}
	if w.except != nil {
		for _, p := range w.except.patterns {
			if k.in[p.p] {
				return false, nil
			}
		}
	}
	if w.name.free() {
		return true, nil
	}
	p, err := c.namePattern([]term{w.name})
	return err == nil && k.in[p], err
}
