package schema

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// schemaResource is a schema with a URI of its own: a document or a schema with $id within one.
type schemaResource struct {
	v       *ojson.Value
	base    string              // its URI
	pointer string              // of its root in the document, after the URI of another document
	anchors map[string][]string // of each anchor the reference tokens from v
	dynamic map[string][]string // of each dynamic anchor; "" stands for $recursiveAnchor
}

// library knows the resources of a document and of those that it refers to. All views of
// the document share it.
type library struct {
	c       *Compiler
	root    *schemaResource
	byURI   map[string]*schemaResource
	byValue map[*ojson.Value]*schemaResource
	views   map[string]*document
}

// library returns the document's library, made when first needed: few schemas have
// identifiers within.
func (d *document) library() *library {
	if d.lib == nil {
		d.lib = &library{c: d.c, byURI: make(map[string]*schemaResource), byValue: make(map[*ojson.Value]*schemaResource), views: make(map[string]*document)}
		d.lib.root = d.lib.add(d.root.v, d.root.base, "", d.root.dialect())
	}
	return d.lib
}

// add notes a resource and those within.
func (lib *library) add(v *ojson.Value, base, pointer string, as dialect) *schemaResource {
	r := &schemaResource{v: v, base: base, pointer: pointer, anchors: make(map[string][]string), dynamic: make(map[string][]string)}
	lib.byValue[v] = r
	if lib.byURI[base] == nil {
		lib.byURI[base] = r
	}
	lib.collect(v, r, nil, as)
	return r
}

// load returns the resource with a URI, from the document or Options.Documents, or nil.
func (lib *library) load(uri string, as dialect) *schemaResource {
	if r := lib.byURI[uri]; r != nil {
		return r
	}
	v := lib.c.opts.Documents[uri]
	if v == nil {
		return nil
	}
	if does, ok := validates(v, lib.c.opts.Documents); ok && !does {
		v = (&normalizer{documents: lib.c.opts.Documents}).schema(v)
	}
	base, as := uri, cmp.Or(dialectIn(v), as)
	if id := identifierIn(v, as); id != "" {
		base = resolveURI(uri, id)
	}
	r := lib.add(v, base, uri+"#", as)
	lib.byURI[uri] = r
	return r
}

// dialectIn returns the draft that a schema says it is written in.
func dialectIn(v *ojson.Value) dialect {
	if s := v.Get("$schema"); s != nil && s.Kind == ojson.String {
		return dialectOf(s.Text)
	}
	return dialectUnknown
}

// identifierIn returns the URI that a schema gives itself, or "".
func identifierIn(v *ojson.Value, as dialect) string {
	name := "$id"
	if as == dialectDraft4 {
		name = "id"
	}
	id := v.Get(name)
	if id == nil || id.Kind != ojson.String || id.Text == "" || id.Text[0] == '#' || (as != dialectModern && v.Get("$ref") != nil) {
		return ""
	}
	return id.Text
}

// collect walks the places where schemas stand; path leads there from the resource's root.
func (lib *library) collect(v *ojson.Value, r *schemaResource, path []string, as dialect) {
	if v.Kind != ojson.Object {
		return
	}
	if id := identifierIn(v, as); id != "" && len(path) > 0 {
		pointer := r.pointer
		for _, t := range path {
			pointer = ojson.AppendPointer(pointer, t)
		}
		lib.add(v, resolveURI(r.base, id), pointer, cmp.Or(dialectIn(v), as))
		return
	}
	path = slices.Clip(path)
	r.note(v, path, as)
	for _, m := range v.Members {
		switch {
		case slices.Contains(mapKeywords, m.Name) && m.Value.Kind == ojson.Object:
			for _, p := range m.Value.Members {
				lib.collect(p.Value, r, append(path, m.Name, p.Name), as)
			}
		case slices.Contains(listKeywords, m.Name) && m.Value.Kind == ojson.Array:
			for i, item := range m.Value.Items {
				lib.collect(item, r, append(path, m.Name, strconv.Itoa(i)), as)
			}
		case slices.Contains(schemaKeywords, m.Name):
			lib.collect(m.Value, r, append(path, m.Name), as)
		}
	}
}

// note keeps the anchors of the schema v.
func (r *schemaResource) note(v *ojson.Value, path []string, as dialect) {
	for _, name := range [...]string{"$anchor", "$dynamicAnchor"} {
		if a := v.Get(name); a != nil && a.Kind == ojson.String {
			r.anchors[a.Text] = path
			if name == "$dynamicAnchor" {
				r.dynamic[a.Text] = path
			}
		}
	}
	if a := v.Get("$recursiveAnchor"); a != nil && a.Bool && len(path) == 0 {
		r.dynamic[""] = path
	}
	name := "$id"
	if as == dialectDraft4 {
		name = "id"
	}
	if id := v.Get(name); id != nil && id.Kind == ojson.String && len(id.Text) > 1 && id.Text[0] == '#' { // before 2019-09
		r.anchors[id.Text[1:]] = path
	}
}

// enter returns the view of the document within a resource: the dynamic anchors of the
// first resource that was entered hold within all others, so the same schema can mean
// different things in different views.
func (d *document) enter(r *schemaResource) *document {
	lib := d.library()
	bound := d.bound
	for name := range r.dynamic {
		if d.binding(name) == nil {
			if len(bound) == len(d.bound) {
				bound = maps.Clone(d.bound)
				if bound == nil {
					bound = make(map[string]*schemaResource)
				}
			}
			bound[name] = r
		}
	}
	if len(bound) == len(d.bound) {
		return d
	}
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(bound)) {
		key.WriteString(strconv.Quote(name) + strconv.Quote(bound[name].pointer))
	}
	view, ok := lib.views[key.String()]
	if !ok {
		view = emptyDocument(d.c)
		view.lib, view.bound, view.tool = lib, bound, d.tool
		view.root = view.resourceRoot(lib.root)
		lib.views[key.String()] = view
	}
	return view
}

// binding returns the resource whose dynamic anchor of a name holds in a view, or nil.
func (d *document) binding(name string) *schemaResource {
	lib := d.library()
	if _, ok := lib.root.dynamic[name]; ok {
		return lib.root
	}
	return d.bound[name]
}

// resourceRoot returns the location of a resource in a view.
func (d *document) resourceRoot(r *schemaResource) *location {
	if l, ok := d.locations[r.v]; ok {
		return l
	}
	l := d.place(r.v)
	l.token, l.base, l.resource = r.pointer, r.base, l
	return l
}

// reference is a $ref as it stands in a resource.
type reference struct {
	resource *location
	text     string
}

// target returns the location that a reference keyword of l names.
func (l *location) target(keyword string, ref *ojson.Value) (*location, *Error) {
	if ref.Kind != ojson.String {
		return nil, l.fail(ErrInvalid, keyword, "must be a string, not %s", ref.Kind)
	}
	if keyword == "$ref" {
		if l.to != nil && ref == l.ref {
			return l.to, nil
		}
		key := reference{l.resource, ref.Text}
		at, ok := l.doc.targets[key]
		if !ok {
			var err *Error
			if at, _, err = l.resolve(keyword, ref.Text); err != nil {
				return at, err
			}
			if l.doc.targets == nil {
				l.doc.targets = make(map[reference]*location)
			}
			l.doc.targets[key] = at
		}
		if ref == l.ref {
			l.to = at
		}
		return at, nil
	}
	at, name, err := l.resolve(keyword, ref.Text)
	if err != nil {
		return at, err
	}
	// The static target tells whether the reference is dynamic at all.
	if keyword == "$recursiveRef" {
		if a := at.resource.v.Get("$recursiveAnchor"); a == nil || !a.Bool {
			return at, nil
		}
		name = ""
	} else if a := at.v.Get("$dynamicAnchor"); a == nil || a.Text != name {
		return at, nil
	}
	r := at.doc.binding(name)
	if r == nil {
		return at, nil
	}
	return at.doc.enter(r).resourceRoot(r).walk(keyword, r.dynamic[name])
}

// resolve returns the location that a reference of l names statically, and the anchor in
// it: a JSON Pointer into the location's resource, an anchor, or the URI of a resource of
// the document or of Options.Documents. Nothing is fetched.
func (l *location) resolve(keyword, ref string) (at *location, name string, fail *Error) {
	uri, fragment, _ := strings.Cut(ref, "#")
	from := l.resource
	if uri != "" {
		if abs := resolveURI(l.resource.base, uri); abs != l.resource.base {
			r := l.doc.library().load(abs, l.dialect())
			if r == nil {
				return nil, "", l.fail(ErrReference, keyword, "%q is not in the document", ref)
			}
			from = l.doc.enter(r).resourceRoot(r)
		}
	}
	fragment, err := url.PathUnescape(fragment)
	if err != nil {
		return nil, "", l.fail(ErrReference, keyword, "%w", err)
	}
	if fragment != "" && fragment[0] != '/' {
		r := l.doc.library().byValue[from.v]
		path, ok := []string(nil), false
		if r != nil {
			path, ok = r.anchors[fragment]
		}
		if !ok {
			return nil, "", l.fail(ErrReference, keyword, "no anchor %q in the document", fragment)
		}
		at, fail = from.walk(keyword, path)
		return at, fragment, fail
	}
	tokens, err := ojson.SplitPointer(fragment)
	if err != nil {
		return nil, "", l.fail(ErrReference, keyword, "%w", err)
	}
	at = from
	for _, t := range tokens {
		v := at.v.Child(t)
		if v == nil {
			return nil, "", l.fail(ErrReference, keyword, "%q: nothing at %q", ref, ojson.AppendPointer(at.pointer(), t))
		}
		at = at.doc.add(v, at, "", t)
	}
	return at, "", nil
}

// walk returns the location at the end of a path of reference tokens that is known to be
// there.
func (l *location) walk(keyword string, path []string) (*location, *Error) {
	at := l
	for _, t := range path {
		v := at.v.Child(t)
		if v == nil {
			return nil, l.fail(ErrReference, keyword, "nothing at %q", t)
		}
		at = at.doc.add(v, at, "", t)
	}
	return at, nil
}
