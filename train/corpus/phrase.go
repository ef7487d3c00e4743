package corpus

import (
	"errors"
	"slices"
	"strings"
)

// variedWeight is how many plain phrases one with alternatives counts for: it stands for thousands.
const variedWeight = 8

// readPhrase reads "name: phrase" of the pool of phrases. A phrase may have alternatives: "<Now/Then> {v}".
func (p *poolSet) readPhrase(line string) error {
	name, text, ok := strings.Cut(line, ": ")
	if !ok {
		return errors.New("a phrase without a name")
	}
	text, half := cutHeldOut(text)
	times := 1
	if strings.Contains(text, "<") {
		times = variedWeight
	}
	for range times {
		p.phrases[half][name] = append(p.phrases[half][name], text)
	}
	return nil
}

// phrases returns the phrases of a name in the conversation's language.
func (s *source) phrases(name string) []string {
	return s.pools.phrases[s.split][name+"."+s.lang.String()]
}

// phrase draws one of them.
func (s *source) phrase(name string) string { return s.vary(pick(s, s.phrases(name))) }

// vary draws one of each list of alternatives in a phrase.
func (s *source) vary(text string) string {
	for {
		before, rest, ok := strings.Cut(text, "<")
		if !ok {
			return text
		}
		list, after, _ := strings.Cut(rest, ">")
		text = before + pick(s, strings.Split(list, "/")) + after
	}
}

// question asks for the call of a tool with these arguments: a question of its domain in which
// some of them have a place, and phrases for the others. ok is false when no question of the
// domain can be asked with them.
func (s *source) question(t *tool, args []argument) (text string, ok bool) {
	said := make(map[string]string, len(args))
	for _, a := range args {
		if a.value.said != "" {
			said[a.param.id] = a.value.said
		}
	}
	var core string
	var used []string
	for _, ask := range sample(s, t.asks[s.lang], 4) {
		if core, used, ok = fill(s.vary(ask), said); ok {
			break
		}
	}
	if !ok {
		return "", false
	}
	var rest []argument
	for _, a := range args {
		if !slices.Contains(used, a.param.id) {
			rest = append(rest, a)
		}
	}
	return s.sentence(core, s.cues(rest)), true
}

// fill puts values into the slots of a question; parts in brackets that lack one go.
func fill(ask string, said map[string]string) (text string, used []string, ok bool) {
	text, used, ok = fillPart(ask, said)
	return strings.TrimSpace(text), used, ok
}

// fillPart keeps the blanks around a part: "[ {name}]" is a word of its own.
func fillPart(ask string, said map[string]string) (text string, used []string, ok bool) {
	var sb strings.Builder
	for ask != "" {
		at := strings.IndexAny(ask, "[{")
		if at < 0 {
			sb.WriteString(ask)
			break
		}
		sb.WriteString(ask[:at])
		if ask[at] == '[' {
			inner, rest, _ := strings.Cut(ask[at+1:], "]")
			if part, slots, ok := fillPart(inner, said); ok {
				sb.WriteString(part)
				used = append(used, slots...)
			}
			ask = rest
			continue
		}
		slot, rest, _ := strings.Cut(ask[at+1:], "}")
		value, given := said[slot]
		if !given {
			return "", nil, false
		}
		sb.WriteString(value)
		used = append(used, slot)
		ask = rest
	}
	return sb.String(), used, true
}

// sentence joins the core of a question and the phrases that give further values.
func (s *source) sentence(core string, cues []string) string {
	core, mark := cutMark(core)
	comma, stop := ", ", ". "
	if s.lang == chinese {
		comma, stop = "，", "。"
	}
	if mark != "" { // a whole sentence
		if len(cues) == 0 {
			return core + mark
		}
		if s.chance(0.35) {
			tail := strings.Join(cues, comma)
			if s.lang == english {
				tail = capital(tail)
			}
			if mark != "?" && mark != "？" {
				mark = strings.TrimSpace(stop)
			}
			return core + mark + strings.TrimPrefix(stop, strings.TrimSpace(stop)) + tail + strings.TrimSpace(stop)
		}
		return core + joint(cues[0], comma) + s.join(cues, comma) + mark
	}
	if len(cues) > 0 {
		if s.chance(0.12) {
			return s.framed(core) + strings.TrimPrefix(stop, strings.TrimSpace(stop)) + capital(s.join(cues, comma)) + strings.TrimSpace(stop)
		}
		core += joint(cues[0], comma) + s.join(cues, comma)
	}
	return s.framed(core)
}

// adverbial are words after which a phrase needs no comma before it.
var adverbial = strings.Fields("with in near for on at made where from including under up rated costing without of by")

// joint stands between a request and the first phrase behind it.
func joint(cue, comma string) string {
	if first, _, _ := strings.Cut(cue, " "); slices.Contains(adverbial, first) {
		return " "
	}
	return comma
}

func (s *source) join(cues []string, comma string) string {
	if s.lang == english && len(cues) > 1 && s.chance(0.5) {
		n := len(cues) - 1
		return strings.Join(cues[:n], comma) + " and " + cues[n]
	}
	return strings.Join(cues, comma)
}

func cutMark(text string) (core, mark string) {
	for _, mark := range []string{"?", ".", "？", "。", "！"} {
		if core, ok := strings.CutSuffix(text, mark); ok {
			return core, mark
		}
	}
	return text, ""
}

// framed makes a sentence of a request.
func (s *source) framed(request string) string {
	frame := s.phrase("frame")
	frame = strings.Replace(frame, "{V}", capital(request), 1)
	return strings.Replace(frame, "{v}", request, 1)
}

// cues are phrases that give values.
func (s *source) cues(args []argument) []string {
	var out []string
	form := s.phrase("cue") // most people keep to one
	mixed := s.chance(0.4)
	if invented := s.inventedCue(args); invented != "" {
		form, mixed = invented, false
	}
	for _, a := range args {
		if a.param.kind.base == "object" {
			out = append(out, s.cues(a.parts)...)
			continue
		}
		if mixed {
			form = s.phrase("cue")
		}
		out = append(out, s.cue(a, form))
	}
	return out
}

// cue is a phrase that gives one value.
func (s *source) cue(a argument, form string) string {
	p := a.param
	if p.kind.base == "bool" {
		pair := s.phrase("yes")
		if own := p.cues[s.lang]; len(own) > 0 {
			pair = strings.Replace(pick(s, own), " / ", " | ", 1)
		}
		yes, no, _ := strings.Cut(pair, " | ")
		if a.value.json != "true" {
			yes = no
		}
		return strings.ReplaceAll(yes, "{n}", p.label)
	}
	if own := p.cues[s.lang]; len(own) > 0 && s.chance(0.7) {
		return strings.Replace(pick(s, own), "{}", a.value.said, 1)
	}
	if own := s.pools.phrases[s.split]["cue."+s.lang.String()+"."+p.kind.base]; p.alone && len(own) > 0 && s.chance(0.3) {
		form = s.vary(pick(s, own))
	}
	form = strings.Replace(form, "{n}", p.label, 1)
	return strings.Replace(form, "{v}", a.value.said, 1)
}
