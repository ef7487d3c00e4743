package corpus

import (
	"slices"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// tool is a tool as one conversation shows it: names, descriptions and the parameters it has.
type tool struct {
	*domain
	name, desc string
	params     []*toolParam
}

// toolParam is a parameter as a tool has it.
type toolParam struct {
	*parameter
	name     string
	desc     string // "" if the schema says nothing
	label    string // what people call it, in the conversation's language
	required bool
	options  []value // of an enum
	format   bool    // the schema names the format of a date
	bounded  bool    // the schema bounds a number
	alone    bool    // the tool has no other parameter of the kind
	parts    []*toolParam
}

// style is what all tools of a conversation have in common.
type style struct {
	// descs are the languages of descriptions: one, or both in one text.
	descs     []lang
	camel     bool    // parameters and tools in camelCase
	described float64 // share of parameters with a description
	wordy     bool    // descriptions are sentences
	small     int     // a tool with as many parameters gets no optional ones; 0 is no bound
}

// style draws a style. What is held out is never shown in the other language alone: no model can
// translate words that it has not seen.
func (s *source) style() style {
	st := style{descs: []lang{s.lang}, camel: s.chance(0.12), described: 0.9, wordy: s.chance(0.15)}
	other := chinese - s.lang
	switch x := s.Float64(); {
	case x < 0.13:
		st.descs = []lang{english, chinese}
	case x < 0.27 && s.lang == chinese && s.split == Train:
		st.descs = []lang{other}
	}
	switch {
	case s.lang == chinese:
		st.described = 1 // an English name alone says nothing to a Chinese question
	case s.chance(0.3):
		st.described = 0.5 // names say enough
	}
	return st
}

// native reports whether descriptions are in the conversation's language alone.
func (st style) native(l lang) bool { return len(st.descs) == 1 && st.descs[0] == l }

// describe writes a text in the languages of the style.
func (st style) describe(texts func(lang) string) string {
	if len(st.descs) == 1 {
		return texts(st.descs[0])
	}
	return strings.TrimSuffix(texts(english), ".") + ". " + texts(chinese) + "。"
}

// instantiate makes a tool of a domain.
func (s *source) instantiate(d *domain, st style) *tool {
	t := &tool{domain: d, name: pick(s, d.names)}
	if st.camel {
		t.name = camel(t.name)
	}
	t.desc = st.describe(func(l lang) string { return pick(s, d.descs[l]) })
	if s.chance(0.2) {
		st.small = 0
	}
	variant := s.IntN(12) // names go together: a and b, first and second
	for _, p := range d.params {
		if !p.required && (s.chance(0.35) || st.small > 0 && len(t.params) >= st.small) {
			continue
		}
		t.params = append(t.params, s.toolParam(p, st, t, variant))
	}
	markAlone(t.params)
	if s.chance(0.4) {
		s.Shuffle(len(t.params), func(i, j int) { t.params[i], t.params[j] = t.params[j], t.params[i] })
	}
	return t
}

// markAlone finds the parameters whose kind tells them from all others, at any depth.
func markAlone(params []*toolParam) {
	counts := make(map[string]int)
	var visit func(params []*toolParam, f func(*toolParam))
	visit = func(params []*toolParam, f func(*toolParam)) {
		for _, p := range params {
			f(p)
			visit(p.parts, f)
		}
	}
	visit(params, func(p *toolParam) { counts[p.kind.class()]++ })
	visit(params, func(p *toolParam) { p.alone = counts[p.kind.class()] == 1 })
}

func (s *source) toolParam(p *parameter, st style, t *tool, variant int) *toolParam {
	out := &toolParam{parameter: p, required: p.required, format: s.chance(0.3), bounded: s.chance(0.2)}
	out.name = p.names[variant%len(p.names)]
	for t != nil && slices.ContainsFunc(t.params, func(q *toolParam) bool { return q.name == out.name }) {
		out.name = p.names[0] + "_" + p.id // two parameters of one name
	}
	if st.camel {
		out.name = camel(out.name)
	}
	at := s.IntN(8) // the same variant in both languages
	out.label = lowerFirst(p.labels[s.lang][at%len(p.labels[s.lang])])
	if s.chance(st.described) || p.kind.base == "object" && s.chance(0.5) {
		out.desc = st.describe(func(l lang) string { return s.describeParam(p, at, l, st) })
	}
	if p.kind.base == "enum" {
		out.options = s.options(p.kind.arg, st)
	}
	for _, part := range p.parts {
		if part.required || s.chance(0.75) {
			out.parts = append(out.parts, s.toolParam(part, style{descs: st.descs, camel: st.camel, described: max(0.4, 2*st.described-1)}, nil, variant))
		}
	}
	if len(p.parts) > 0 && len(out.parts) == 0 {
		out.parts = append(out.parts, s.toolParam(p.parts[0], st, nil, variant))
	}
	return out
}

// lowerFirst writes a Latin word without its capital, unless it is an abbreviation.
func lowerFirst(text string) string {
	if len(text) < 2 || text[0] < 'A' || text[0] > 'Z' || text[1] >= 'A' && text[1] <= 'Z' {
		return text
	}
	return string(text[0]-'A'+'a') + text[1:]
}

// describeParam writes a parameter's description.
func (s *source) describeParam(p *parameter, at int, l lang, st style) string {
	label := p.labels[l][at%len(p.labels[l])]
	if l == chinese {
		if st.wordy {
			return pick(s, []string{"要使用的" + label, label + "，由用户给出", "指定" + label, label})
		}
		return label
	}
	if st.wordy {
		return pick(s, []string{"The " + lowerFirst(label) + " to use", "The " + lowerFirst(label) + " that the user gives",
			"Value of the " + lowerFirst(label), "The " + lowerFirst(label)})
	}
	if s.chance(0.2) {
		return "The " + lowerFirst(label)
	}
	if s.chance(0.3) {
		return lowerFirst(label)
	}
	return capital(label)
}

// options draws the words of an enum: as the schema has them, and as people say them.
func (s *source) options(group string, st style) []value {
	terms := s.pools.enums[group]
	written := s.lang
	if s.lang == chinese && (!st.native(chinese) || s.chance(0.5)) {
		written = english
	}
	var out []value
	for _, t := range sample(s, terms, 2+s.IntN(min(4, len(terms)-1))) {
		out = append(out, stringValue(t[written], t[s.lang]))
	}
	return out
}

// jsonObject writes a JSON object, in the spelling of json.dumps.
func jsonObject(members ...string) string { return "{" + strings.Join(members, ", ") + "}" }

func member(name, json string) string {
	return string(ojson.AppendString(nil, name, false)) + ": " + json
}

func quoted(text string) string { return string(ojson.AppendString(nil, text, false)) }

// json writes the tool as OpenAI's tools have it.
func (t *tool) json() string {
	return jsonObject(member("type", `"function"`), member("function", jsonObject(
		member("name", quoted(t.name)), member("description", quoted(t.desc)), member("parameters", schemaOf(t.params)))))
}

// schemaOf is the schema of an object with these members.
func schemaOf(params []*toolParam) string {
	var properties, required []string
	for _, p := range params {
		properties = append(properties, member(p.name, p.schema()))
		if p.required {
			required = append(required, quoted(p.name))
		}
	}
	members := []string{member("type", `"object"`), member("properties", jsonObject(properties...))}
	if len(required) > 0 {
		members = append(members, member("required", "["+strings.Join(required, ", ")+"]"))
	}
	return jsonObject(members...)
}

// schema is the schema of a parameter.
func (p *toolParam) schema() string {
	var members []string
	add := func(name, json string) { members = append(members, member(name, json)) }
	switch k := p.kind; {
	case k.integer():
		add("type", `"integer"`)
		if p.bounded {
			add("minimum", "1")
		}
	case k.number():
		add("type", `"number"`)
		if p.bounded && k.base != "signed" && k.base != "num" {
			add("minimum", "0")
		}
	case k.base == "bool":
		add("type", `"boolean"`)
	case k.base == "enum":
		words := make([]string, len(p.options))
		for i, o := range p.options {
			words[i] = o.json
		}
		add("type", `"string"`)
		add("enum", "["+strings.Join(words, ", ")+"]")
	case k.base == "list":
		add("type", `"array"`)
		add("items", `{"type": "string"}`)
	case k.base == "nums":
		add("type", `"array"`)
		add("items", `{"type": "number"}`)
	case k.base == "items":
		add("type", `"array"`)
		add("items", schemaOf(p.parts))
	case k.base == "object":
		inner := schemaOf(p.parts)
		members = append(members, inner[1:len(inner)-1])
	default:
		add("type", `"string"`)
		if k.base == "date" && p.format {
			add("format", `"date"`)
		}
	}
	if p.desc != "" {
		add("description", quoted(p.desc))
	}
	return jsonObject(members...)
}
