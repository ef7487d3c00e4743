package corpus

import (
	"slices"
	"strconv"
	"strings"
)

// argument is a value for a parameter.
type argument struct {
	param *toolParam
	value value
	parts []argument // of an object
}

// call is a call with its arguments, in the order of the schema.
type call struct {
	tool *tool
	args []argument
}

// json writes the arguments of a call.
func argumentsJSON(args []argument) string {
	members := make([]string, len(args))
	for i, a := range args {
		members[i] = member(a.param.name, a.json())
	}
	return jsonObject(members...)
}

func (a argument) json() string {
	if a.param.kind.base == "object" {
		return argumentsJSON(a.parts)
	}
	return a.value.json
}

func (c call) json() string {
	return jsonObject(member("name", quoted(c.tool.name)), member("arguments", argumentsJSON(c.args)))
}

// someArguments draws values: for what is required, and for some of what is not.
func (s *source) someArguments(params []*toolParam, optional float64) []argument {
	var out []argument
	for _, p := range params {
		if p.required || s.chance(optional) {
			out = append(out, s.argument(p))
		}
	}
	orderBounds(out)
	return out
}

// orderBounds swaps the values of a lower and an upper bound that are the wrong way round, as nobody asks.
func orderBounds(args []argument) {
	bound := func(id string) *argument {
		at := slices.IndexFunc(args, func(a argument) bool { return a.param.id == id && a.param.kind.number() })
		if at < 0 {
			return nil
		}
		return &args[at]
	}
	for _, ids := range [][2]string{{"min", "max"}, {"low", "high"}} {
		low, high := bound(ids[0]), bound(ids[1])
		if low == nil || high == nil || low.param.kind != high.param.kind {
			continue
		}
		a, errA := strconv.ParseFloat(low.value.json, 64)
		b, errB := strconv.ParseFloat(high.value.json, 64)
		if errA == nil && errB == nil && a > b {
			low.value, high.value = high.value, low.value
		}
	}
}

func (s *source) argument(p *toolParam) argument {
	if p.kind.base == "object" {
		parts := s.someArguments(p.parts, 0.6)
		if len(parts) == 0 {
			parts = append(parts, s.argument(pick(s, p.parts)))
		}
		return argument{param: p, parts: parts}
	}
	return argument{param: p, value: s.value(p)}
}

// value draws a value.
func (s *source) value(p *toolParam) value {
	switch k := p.kind; {
	case k.number():
		return s.numberValue(k.base)
	case k.base == "bool":
		if s.chance(0.6) {
			return value{json: "true"}
		}
		return value{json: "false"}
	case k.base == "enum":
		return pick(s, p.options)
	case k.base == "list":
		return s.listValue(k.arg)
	case k.base == "nums":
		return s.numsValue(k.arg == "vector")
	case k.base == "items":
		return s.itemsValue(p)
	default:
		text := s.draw(k.base)
		return stringValue(text, s.saidText(k.base, text))
	}
}

// itemsValue draws a list of objects with a name and a number: "3 lamps and 2 chairs".
func (s *source) itemsValue(p *toolParam) value {
	var objects, said []string
	for range 1 + s.IntN(3) {
		var args []argument
		text, number := "", ""
		for _, part := range p.parts {
			a := s.argument(part)
			if part.kind.number() {
				a.value.said = a.value.json
				number = a.value.json
			} else {
				text = a.value.said
			}
			args = append(args, a)
		}
		objects = append(objects, argumentsJSON(args))
		if s.lang == chinese && number != "" {
			number += pick(s, strings.Fields("个 份 件"))
		} else if number != "" {
			number += " "
		}
		said = append(said, number+text)
	}
	return value{"[" + strings.Join(objects, ", ") + "]", s.enumerate(said)}
}
