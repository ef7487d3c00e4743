package corpus

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Composed tools put words of the pools together: there are millions of them.

// compose invents a domain. native says that descriptions are in the conversation's
// language: only then words can be invented.
func (s *source) compose(native bool, o object) *domain {
	switch s.IntN(6) {
	case 0:
		return s.composeQuery(native, o)
	case 1:
		return s.composeSearch(native, o)
	}
	return s.composeAction(native, o)
}

// someObject draws what a tool is about, sometimes an invented word.
func (s *source) someObject(native bool) object {
	if native && s.chance(0.15) {
		word := s.inventedNoun()
		return object{term: word, plural: word[english] + "s"}
	}
	return pick(s, s.pools.objects)
}

// inventedNoun is a word that means nothing, in both languages.
func (s *source) inventedNoun() term {
	for {
		t := term{s.own(func() string { return s.syllables(2) }), s.own(func() string { return s.hanzi(2) })}
		if !s.pools.nouns[t[english]] && !s.pools.nouns[t[chinese]] { // r-o-l-e
			return t
		}
	}
}

// someAttributes draws different properties, of which some are invented words.
func (s *source) someAttributes(native bool, n int) []attribute {
	out := sample(s, s.pools.attributes, n)
	for i := range out {
		if native && s.chance(0.15) {
			out[i].term = s.inventedNoun()
		}
	}
	return out
}

// parameterOf makes a parameter of a property.
func (s *source) parameterOf(a attribute, required bool) *parameter {
	return &parameter{id: a.term[english], names: []string{snake(a.term[english])},
		labels: [2][]string{{a.term[english]}, {a.term[chinese]}}, kind: a.kind, required: required}
}

func snake(label string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(label))
}

// camel writes a_name as aName.
func camel(name string) string {
	parts := strings.Split(name, "_")
	for i := 1; i < len(parts); i++ {
		if first, _ := utf8.DecodeRuneInString(parts[i]); first < utf8.RuneSelf && parts[i] != "" {
			parts[i] = capital(parts[i])
		}
	}
	return strings.Join(parts, "")
}

// identity is the parameter that says which of the things is meant.
func (s *source) identity(o object, required bool) *parameter {
	base := snake(o.term[english])
	kinds := []string{"word", "code", "person", "word"}
	names := [][]string{{base, base + "_name"}, {base + "_id", base + "_code"}, {base + "_owner"}, {base + "_name"}}
	labels := [2][]string{
		{"Name of the " + o.term[english], o.term[english] + " id", "Owner of the " + o.term[english], o.term[english] + " name"},
		{o.term[chinese] + "名称", o.term[chinese] + "编号", o.term[chinese] + "的主人", o.term[chinese] + "的名字"},
	}
	i := s.IntN(len(kinds))
	return &parameter{id: "which", names: names[i], labels: [2][]string{{labels[english][i]}, {labels[chinese][i]}},
		kind: kind{base: kinds[i]}, required: required}
}

// composeAction is a tool that does something to a thing.
func (s *source) composeAction(native bool, o object) *domain {
	v := pick(s, s.pools.verbs)
	d := &domain{split: s.split, id: v.words[english][0] + " " + o.term[english], group: o.term[english]}
	d.names = []string{snake(v.words[english][0] + " " + o.term[english])}
	article := pick(s, []string{"the ", "a ", "the ", "my "})
	d.descs = [2][]string{
		{capital(v.words[english][0]) + " " + withArticle(article, o.term[english])},
		{v.words[chinese][0] + o.term[chinese]},
	}
	which, before := "", ""
	if s.chance(0.45) {
		p := s.identity(o, s.chance(0.7))
		d.params = append(d.params, p)
		which, before = s.naming(p.kind)
	}
	n := 1 + s.IntN(3)
	if len(d.params) > 0 {
		n--
	}
	for i, a := range s.someAttributes(native, n) {
		d.params = append(d.params, s.parameterOf(a, s.chance(0.6) || i == 0))
	}
	if s.chance(0.25) {
		d.params = append(d.params, s.composeGroup(native, d.params))
	}
	d.asks[english] = []string{
		v.words[english][0] + " " + withArticle(pick(s, []string{"the ", "a ", "the ", "my ", "our "}), o.term[english]) + optional(which),
		pick(s, v.words[english]) + " " + withArticle("the ", o.term[english]) + optional(which),
	}
	thing := o.term[chinese] + optional("{which}")
	if which == "" {
		thing = o.term[chinese]
	} else if before != "" {
		thing = optional(before) + o.term[chinese]
	}
	d.asks[chinese] = []string{
		v.words[chinese][0] + thing,
		pick(s, v.words[chinese]) + pick(s, []string{"", "一下"}) + thing,
	}
	d.fields = s.someFields(native)
	return d
}

// naming says how a thing's name follows it in English, and what stands before it in Chinese, where
// an empty text means that the name follows.
func (s *source) naming(k kind) (after, before string) {
	if s.split == HeldOut || s.chance(0.5) {
		return " {which}", ""
	}
	switch k.base {
	case "code":
		return pick(s, []string{" number {which}", " with the code {which}", " no. {which}", " ({which})"}),
			pick(s, []string{"编号为{which}的", "{which}号", "编号{which}的", "代码是{which}的"})
	case "person":
		return pick(s, []string{" of {which}", " that {which} owns", " owned by {which}"}),
			pick(s, []string{"{which}的", "属于{which}的", "{which}那个"})
	}
	return pick(s, []string{" called {which}", " named {which}", " by the name of {which}", " with the name {which}"}),
		pick(s, []string{"名为{which}的", "叫{which}的", "名字是{which}的", "“{which}”这个"})
}

func optional(text string) string {
	if text == "" {
		return ""
	}
	return "[" + text + "]"
}

func withArticle(article, noun string) string {
	if article == "a " && strings.ContainsRune("aeiou", rune(noun[0])) {
		article = "an "
	}
	return article + noun
}

// groupLabels name objects that hold other parameters.
var groupLabels = [2][]term{
	{
		{"options", "选项"}, {"settings", "设置"}, {"details", "详情"}, {"filter", "筛选条件"}, {"spec", "规格"},
		{"profile", "资料"}, {"limits", "限制"}, {"info", "信息"}, {"config", "配置"}, {"requirements", "要求"},
		{"properties", "属性"}, {"parameters", "参数"},
	},
	{{"preferences", "偏好"}, {"extras", "附加项"}, {"layout", "布局"}},
}

// composeGroup is an object with one to three properties, none of which is beside it.
func (s *source) composeGroup(native bool, beside []*parameter) *parameter {
	label := pick(s, groupLabels[s.split])
	p := &parameter{id: label[english], names: []string{label[english]}, labels: [2][]string{{label[english]}, {label[chinese]}},
		kind: kind{base: "object"}, required: s.chance(0.6)}
	for _, a := range s.someAttributes(native, 2+s.IntN(2)) {
		same := func(q *parameter) bool { return q.id == a.term[english] }
		if a.kind.base != "list" && a.kind.base != "nums" && !slices.ContainsFunc(beside, same) {
			p.parts = append(p.parts, s.parameterOf(a, s.chance(0.5)))
		}
	}
	if len(p.parts) == 0 {
		return s.composeGroup(native, beside)
	}
	return p
}

// composeQuery is a tool that tells a property of a thing.
func (s *source) composeQuery(native bool, o object) *domain {
	verbs := []term{{"get", "查询"}, {"check", "查看"}, {"find", "查找"}, {"read", "读取"}, {"fetch", "获取"}, {"show", "显示"}}
	v, a := pick(s, verbs), s.someAttributes(native, 1)[0]
	d := &domain{split: s.split, id: "get " + o.term[english] + " " + a.term[english], group: o.term[english]}
	d.names = []string{snake(v[english] + " " + o.term[english] + " " + a.term[english])}
	d.descs = [2][]string{
		{capital(v[english]) + " the " + a.term[english] + " of " + withArticle("a ", o.term[english])},
		{v[chinese] + o.term[chinese] + "的" + a.term[chinese]},
	}
	d.params = []*parameter{s.identity(o, true)}
	if s.chance(0.3) {
		d.params = append(d.params, s.parameterOf(s.someAttributes(native, 1)[0], false))
	}
	thing := o.term[english] + "[ {which}]"
	d.asks[english] = []string{
		"What is the " + a.term[english] + " of the " + thing + "?",
		"What " + a.term[english] + " does the " + thing + " have?",
		v[english] + " the " + a.term[english] + " of " + thing,
		"Tell me the " + a.term[english] + " of the " + thing + ".",
		"I'd like to know the " + a.term[english] + " of the " + thing + ".",
		"Which " + a.term[english] + " has the " + thing + "?",
		"Give me the " + a.term[english] + " of the " + thing + ".",
		"Do you know the " + a.term[english] + " of the " + thing + "?",
		"look up the " + a.term[english] + " of the " + thing,
		"Any idea about the " + a.term[english] + " of the " + thing + "?",
	}
	thing = o.term[chinese] + "[{which}]的" + a.term[chinese]
	d.asks[chinese] = []string{
		thing + "是多少？", thing + "是什么？", v[chinese] + thing, "告诉我" + thing + "。", "我想知道" + thing + "。",
		"请问" + thing + "是什么？", "查一下" + thing, thing + "如何？", "给我看看" + thing + "。", "你知道" + thing + "吗？",
	}
	d.fields = []attribute{a}
	return d
}

// composeSearch is a tool that finds things by their properties.
func (s *source) composeSearch(native bool, o object) *domain {
	verbs := []term{{"search", "搜索"}, {"find", "查找"}, {"list", "列出"}, {"filter", "筛选"}, {"look_up", "查询"}}
	v := pick(s, verbs)
	said := strings.ReplaceAll(v[english], "_", " ")
	if said == "search" {
		said = "search for"
	}
	plural := o.plural
	d := &domain{split: s.split, id: v[english] + " " + plural, group: o.term[english], things: &term{plural, o.term[chinese]}}
	d.names = []string{snake(v[english] + " " + plural)}
	d.descs = [2][]string{{capital(said) + " " + plural}, {v[chinese] + o.term[chinese]}}
	for i, a := range s.someAttributes(native, 1+s.IntN(4)) {
		d.params = append(d.params, s.parameterOf(a, i == 0 && s.chance(0.5)))
	}
	d.asks[english] = []string{said + " " + plural, "find " + plural, "I am looking for " + plural + ".", "Which " + plural + " are there?",
		"show me " + plural, "Are there any " + plural + "?", "I need " + plural + ".", "What " + plural + " do you have?", "get me a list of " + plural}
	d.asks[chinese] = []string{v[chinese] + o.term[chinese], "找" + o.term[chinese], "有哪些" + o.term[chinese] + "？",
		"看看" + o.term[chinese], "有没有" + o.term[chinese] + "？", "我要找" + o.term[chinese] + "。", "给我" + o.term[chinese] + "的清单"}
	d.fields = s.someFields(native)
	return d
}

// someFields are the members of a result.
func (s *source) someFields(native bool) []attribute {
	var out []attribute
	for _, a := range s.someAttributes(native, 1+s.IntN(2)) {
		if a.kind.base != "bool" {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		return s.someFields(native)
	}
	return out
}
