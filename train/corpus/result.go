package corpus

import (
	"strings"
)

// result is what a tool gives back, as JSON, and the sentence that tells it.
type result struct{ json, sentence string }

// member of a result: how the JSON and the sentence call it, and its value.
type resultMember struct{ key, label, json, said string }

// result draws what a call gives back.
func (s *source) result(c call, st style) result {
	switch x := s.Float64(); {
	case x < 0.08:
		return s.failure()
	case x < 0.16:
		return s.success()
	case c.tool.things != nil && x < 0.7:
		return s.foundThings(c.tool, st)
	}
	members := s.members(c.tool.fields, st)
	if echo := s.echo(c, st); echo != nil && s.chance(0.35) {
		members = append([]resultMember{*echo}, members...)
	}
	if len(members) == 1 && s.chance(0.3) {
		m := members[0]
		m.key, m.label = pick(s, []string{"result", "value", "answer"}), pick(s, []string{"result"})
		if s.lang == chinese {
			m.label = "结果"
		} else {
			m.label = m.key
		}
		members = []resultMember{m}
	}
	parts := make([]string, len(members))
	for i, m := range members {
		parts[i] = member(m.key, m.json)
	}
	return result{jsonObject(parts...), s.tell(members)}
}

// echo is an argument that the result repeats.
func (s *source) echo(c call, st style) *resultMember {
	for _, a := range c.args {
		if a.param.kind.base == "bool" || a.param.kind.base == "object" || a.param.kind.base == "items" || a.param.kind.base == "list" {
			continue
		}
		said := strings.Trim(a.value.json, `"`)
		if a.param.kind.base == "enum" {
			continue
		}
		label := a.param.label
		if s.lang == english {
			label = strings.ReplaceAll(a.param.name, "_", " ")
		}
		return &resultMember{a.param.name, label, a.value.json, said}
	}
	return nil
}

// members draws values for the members of a result.
func (s *source) members(fields []attribute, st style) []resultMember {
	english_ := s.lang == english || !st.native(chinese) && s.split == Train || s.split == Train && s.chance(0.5)
	var out []resultMember
	for _, f := range fields {
		m := resultMember{key: f.term[chinese], label: f.term[s.lang]}
		if english_ {
			m.key = snake(f.term[english])
		}
		m.json, m.said = s.bare(f.kind)
		out = append(out, m)
	}
	return out
}

// bare draws a value as a result has it and a sentence repeats it.
func (s *source) bare(k kind) (json, said string) {
	switch {
	case k.number():
		text := s.numberText(k.base)
		return text, text
	case k.base == "bool":
		return "true", [...]string{"yes", "是"}[s.lang]
	case k.base == "enum":
		word := pick(s, s.pools.enums[k.arg])[s.lang]
		return quoted(word), word
	case k.base == "nums":
		v := s.numsValue(true)
		return v.json, v.json
	case k.base == "list":
		texts := make([]string, 1+s.IntN(3))
		var parts []string
		for i := range texts {
			texts[i] = s.draw(k.arg)
			parts = append(parts, quoted(texts[i]))
		}
		return "[" + strings.Join(parts, ", ") + "]", s.conjoin(texts)
	}
	text := s.draw(k.base)
	return quoted(text), text
}

// conjoin joins parts in the one way in which the model is to write them.
func (s *source) conjoin(parts []string) string {
	comma, and := ", ", " and "
	if s.lang == chinese {
		comma, and = "、", "和"
	}
	n := len(parts) - 1
	if n < 1 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:n], comma) + and + parts[n]
}

// tell writes a result as a sentence: "The a is 1, the b is 2 and the c is 3."
func (s *source) tell(members []resultMember) string {
	parts := make([]string, len(members))
	if s.lang == chinese {
		for i, m := range members {
			parts[i] = m.label + "是" + m.said
		}
		return strings.Join(parts, "，") + "。"
	}
	for i, m := range members {
		parts[i] = "the " + m.label + " is " + m.said
	}
	return capital(s.conjoin(parts)) + "."
}

// failures are reasons in a result's "error".
var failures = [2][]string{
	strings.Split("not found,no permission,timeout,server is busy,invalid value,nothing matches,service is closed,too many requests", ","),
	strings.Fields("未找到 没有权限 超时 服务器繁忙 参数无效 没有匹配的结果 服务已关闭 请求过多"),
}

func (s *source) failure() result {
	reason := pick(s, failures[s.lang])
	if s.lang == chinese {
		return result{jsonObject(member("error", quoted(reason))), "没有成功：" + reason + "。"}
	}
	return result{jsonObject(member("error", quoted(reason))), "That did not work: " + reason + "."}
}

func (s *source) success() result {
	json := pick(s, []string{`{"status": "ok"}`, `{"success": true}`, `{"status": "success"}`, `{"ok": true}`, `{"status": "done"}`})
	return result{json, [...]string{"Done.", "已完成。"}[s.lang]}
}

// foundThings is a list of things with their properties.
func (s *source) foundThings(t *tool, st style) result {
	key := t.things[s.lang]
	if s.lang == english || s.chance(0.5) && s.split == Train {
		key = snake(t.things[english])
	}
	n := 1 + s.IntN(3)
	var objects, said []string
	for range n {
		name := s.draw("word")
		members := s.members(t.fields[:min(2, len(t.fields))], style{descs: []lang{s.lang}})
		nameKey := "name"
		json := []string{member(nameKey, quoted(name))}
		var parts []string
		for _, m := range members {
			if m.key == nameKey || m.key == "名称" {
				continue
			}
			json = append(json, member(m.key, m.json))
			if s.lang == chinese {
				parts = append(parts, m.label+m.said)
			} else {
				parts = append(parts, m.label+" "+m.said)
			}
		}
		objects = append(objects, jsonObject(json...))
		switch {
		case len(parts) == 0:
			said = append(said, name)
		case s.lang == chinese:
			said = append(said, name+"（"+strings.Join(parts, "，")+"）")
		default:
			said = append(said, name+" ("+strings.Join(parts, ", ")+")")
		}
	}
	json := jsonObject(member(key, "["+strings.Join(objects, ", ")+"]"))
	if s.lang == chinese {
		return result{json, "找到" + s.conjoin(said) + "。"}
	}
	return result{json, "I found " + s.conjoin(said) + "."}
}
