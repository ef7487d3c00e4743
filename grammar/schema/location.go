package schema

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// document is one schema document with the locations that were visited in it.
type document struct {
	c         *Compiler
	root      *location
	tool      bool                       // the document is the parameters of a tool
	locations map[*ojson.Value]*location // by value: each stands at one place
	lib       *library                   // shared by the views of the document; nil until needed
	bound     map[string]*schemaResource // dynamic anchors that hold in this view beside those of the root
	targets   map[reference]*location    // of references, once resolved
	made      map[string]*location       // synthetic locations, by the location they belong to and a key
}

// location is one subschema at its place in a document.
type location struct {
	doc      *document
	id       int // orders locations across the documents of a Compiler
	v        *ojson.Value
	parent   *location
	token    string    // reference token within parent
	within   string    // the token before it, where what it names is no schema: "properties"
	resource *location // root of the resource ($id) that the location belongs to
	base     string    // URI of a resource root; "" where nothing says
	glance
	says    dialect // what $schema says, if it was asked
	asked   bool
	to      *location     // what $ref names, once resolved
	made    bool          // synthetic: see location.synthetic
	content string        // see contentKey
	union   []term        // of a synthetic location: a value meets one of them; v says nothing
	members *objectFacet  // see Compiler.objectFacet, once read
	sketch  *memberSketch // see location.sketched
	goals   [2]*goal      // of the term alone: of its value, and of not
}

// dialect is the draft that a resource is written in, as far as drafts differ here.
type dialect uint8

const (
	dialectUnknown dialect = iota
	dialectModern          // 2019-09 and later, and where nothing says
	dialectDraft7          // 6 and 7: keywords beside $ref are ignored
	dialectDraft4          // as 7, and exclusive bounds are flags, id instead of $id
)

func newDocument(v *ojson.Value, c *Compiler) *document {
	d := emptyDocument(c)
	d.root = d.place(v)
	d.root.resource = d.root
	if id := identifierIn(v, d.root.dialect()); id != "" {
		d.root.base = resolveURI("", id)
	}
	return d
}

func emptyDocument(c *Compiler) *document {
	d := &document{c: c, locations: c.places, targets: c.aims}
	c.places, c.aims = nil, nil
	if d.locations == nil {
		d.locations = make(map[*ojson.Value]*location)
	}
	return d
}

// place makes a location that is not yet tied to its parent.
func (d *document) place(v *ojson.Value) *location {
	l := d.c.mem.locations.One()
	l.doc, l.id, l.v = d, d.c.nodes, v
	l.glance = glanceAt(v)
	d.c.nodes++
	d.locations[v] = l
	return l
}

// add makes the location of a value, or returns the one it has; see location.within.
func (d *document) add(v *ojson.Value, parent *location, within, token string) *location {
	if l, ok := d.locations[v]; ok {
		return l
	}
	l := d.place(v)
	l.parent, l.within, l.token, l.resource = parent, within, token, parent.resource
	id := identifierIn(v, l.dialect())
	if id == "" {
		return l
	}
	lib := d.library()
	r := lib.byValue[v]
	if r == nil { // where no schema is expected
		r = lib.add(v, resolveURI(parent.resource.base, id), l.pointer(), cmp.Or(dialectIn(v), l.dialect()))
	}
	delete(d.locations, v)
	root := d.enter(r).resourceRoot(r)
	d.locations[v] = root
	return root
}

// glance is what is seen of a schema at first sight.
type glance struct {
	free  bool         // it constrains nothing
	plain kinds        // it says nothing but that a value is of one of these, which have no parts; 0 if it says more
	ref   *ojson.Value // $ref
	alone bool         // ref is all that it says
	wide  bool         // some keyword holds schemas for the same value, or looks at those of others
}

func glanceAt(v *ojson.Value) (g glance) {
	if v.Kind == ojson.Bool {
		return glance{free: v.Bool}
	}
	if v.Kind != ojson.Object {
		return glance{}
	}
	said := 0 // keywords
	for _, m := range v.Members {
		apply, known := keywordOf(m.Name)
		if !known {
			continue
		}
		said++
		g.wide = g.wide || apply == nil
		switch m.Name {
		case "type":
			g.plain = scalarTypes(m.Value)
		case "$ref":
			g.ref = m.Value
		}
	}
	g.free = said == 0
	g.alone = said == 1 && g.ref != nil
	if said > 1 {
		g.plain = 0
	}
	return g
}

// scalarTypes returns what the keyword type says where all types are of values without parts, or 0.
func scalarTypes(v *ojson.Value) (of kinds) {
	if v.Kind == ojson.String {
		of = typeKind(v.Text)
	} else if v.Kind == ojson.Array {
		for _, n := range v.Items {
			k := typeKind(n.Text)
			if n.Kind != ojson.String || k == 0 {
				return 0
			}
			of |= k
		}
	}
	if of&(kindArray|kindObject) != 0 {
		return 0
	}
	return of
}

// dialect returns the draft of the location's resource: what its own $schema says, or the
// document's.
func (l *location) dialect() dialect {
	for _, r := range [...]*location{l.resource, l.doc.root} {
		if r == nil {
			continue
		}
		if !r.asked {
			r.says, r.asked = dialectIn(r.v), true
		}
		if r.says != dialectUnknown {
			return r.says
		}
	}
	return dialectModern
}

func dialectOf(uri string) dialect {
	switch {
	case strings.Contains(uri, "json-schema.org/draft-07"), strings.Contains(uri, "json-schema.org/draft-06"):
		return dialectDraft7
	case strings.Contains(uri, "json-schema.org/draft-04"), strings.Contains(uri, "json-schema.org/draft-03"):
		return dialectDraft4
	}
	return dialectModern
}

// at returns the location of a keyword's value, or of an item or member of it.
func (l *location) at(v *ojson.Value, tokens ...string) *location {
	if len(tokens) > 1 {
		return l.doc.add(v, l, tokens[0], tokens[1])
	}
	return l.doc.add(v, l, "", tokens[0])
}

// pointer returns the JSON Pointer of the location in its document.
func (l *location) pointer() string {
	if l.parent == nil {
		return l.token
	}
	p := l.parent.pointer()
	if l.made {
		return p
	}
	if l.within != "" {
		p = ojson.AppendPointer(p, l.within)
	}
	return ojson.AppendPointer(p, l.token)
}

// fail makes an error about a keyword of the location; with no keyword, about the schema.
func (l *location) fail(code Code, keyword string, format string, args ...any) *Error {
	e := &Error{Code: code, Pointer: l.pointer(), Keyword: keyword, Err: fmt.Errorf(format, args...)}
	if keyword != "" {
		e.Pointer = ojson.AppendPointer(e.Pointer, keyword)
	}
	return e
}

func resolveURI(base, ref string) string {
	r, err := url.Parse(ref)
	if err != nil {
		return ref
	}
	if b, err := url.Parse(base); err == nil && base != "" {
		r = b.ResolveReference(r)
	}
	return strings.TrimSuffix(r.String(), "#")
}
