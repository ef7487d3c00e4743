package corpus

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// kind says what values a parameter takes: how its schema reads, what the value is and how a
// person says it.
type kind struct {
	base string // a key of stringKinds, a number kind, "bool", "enum", "list", "nums", "items"
	arg  string // the group of an enum, the kind of a list's items
}

// parseKind reads "base" or "base arg" of the pools.
func parseKind(text string) (kind, error) {
	base, arg, _ := strings.Cut(text, " ")
	k := kind{base, arg}
	switch {
	case stringKinds[base] != nil || k.number() || base == "bool" || base == "nums" && (arg == "" || arg == "vector") || base == "items":
		return k, nil
	case base == "enum" && arg != "", base == "list" && stringKinds[arg] != nil:
		return k, nil
	}
	return k, fmt.Errorf("unknown kind %q", text)
}

// number reports whether values are JSON numbers.
func (k kind) number() bool {
	switch k.base {
	case "int", "small", "year", "num", "signed", "price", "percent", "rating":
		return true
	}
	return false
}

// class is what a person takes values of the kind for, without being told: a number, a place, a
// name of something.
func (k kind) class() string {
	switch k.base {
	case "place", "day", "date", "time", "duration", "color", "bool", "enum", "object", "text", "file", "email", "phone", "url":
		return k.base
	case "list", "nums", "items":
		return "list"
	}
	if k.number() {
		return "number"
	}
	return "name"
}

// integer reports whether the schema asks for an integer.
func (k kind) integer() bool { return k.base == "int" || k.base == "small" || k.base == "year" }

// value is one value: as JSON (in the spelling of json.dumps) and as a person says it.
type value struct{ json, said string }

func stringValue(text, said string) value {
	return value{string(ojson.AppendString(nil, text, false)), said}
}

// source draws everything that is random in one conversation.
type source struct {
	*rand.Rand
	split Split
	lang  lang
	pools *poolSet

	scramble bool // values are any text
}

// chance reports true with probability p.
func (s *source) chance(p float64) bool { return s.Float64() < p }

func pick[T any](s *source, from []T) T { return from[s.IntN(len(from))] }

// sample returns n different entries in random order.
func sample[T any](s *source, from []T, n int) []T {
	out := make([]T, 0, n)
	for _, i := range s.Perm(len(from))[:min(n, len(from))] {
		out = append(out, from[i])
	}
	return out
}

// own draws until the text belongs to the half that is being written.
func (s *source) own(draw func() string) string {
	for {
		if text := draw(); splitOf(text) == s.split {
			return text
		}
	}
}

// stringKinds draw texts. What they draw is split by hash, except closed classes.
var stringKinds map[string]func(s *source) string

// closedKinds are those whose few words both halves share.
var closedKinds = []string{"day", "date", "time", "duration"}

func init() {
	stringKinds = map[string]func(s *source) string{
		"place": (*source).place, "person": (*source).person, "org": (*source).org, "title": (*source).title,
		"name": (*source).word, "word": (*source).word, "food": (*source).food, "animal": (*source).animal,
		"color": (*source).color, "material": (*source).material, "item": (*source).item,
		"cuisine": func(s *source) string { return s.known("cuisine") }, "room": func(s *source) string { return s.known("room") },

		"code": (*source).code, "symbol": (*source).symbol, "file": (*source).file, "email": (*source).email,
		"phone": (*source).phone, "url": (*source).url, "text": (*source).text, "day": (*source).day,
		"date": (*source).date, "time": (*source).clock, "duration": (*source).duration,
	}
}

// draw returns a text of a kind, of the right half.
func (s *source) draw(name string) string {
	draw := stringKinds[name]
	if slices.Contains(closedKinds, name) {
		return draw(s)
	}
	if s.scramble && slices.Contains(scrambledKinds, name) {
		draw = (*source).scrambled
	}
	return s.own(func() string { return draw(s) })
}

// saidText is how a person writes a text value in a question: as it is, or in quotes.
func (s *source) saidText(name, text string) string {
	quotes := 0.1
	switch name {
	case "title":
		quotes = 0.75
	case "text":
		quotes = 0.9
	}
	if !s.chance(quotes) {
		return text
	}
	if s.lang == chinese {
		if name == "title" && s.chance(0.7) {
			return "《" + text + "》"
		}
		return pick(s, []string{"“" + text + "”", "“" + text + "”", "「" + text + "」", `"` + text + `"`})
	}
	return pick(s, []string{`"` + text + `"`, `"` + text + `"`, "'" + text + "'", "“" + text + "”"})
}

// numberText draws a number of a kind.
func (s *source) numberText(base string) string {
	switch base {
	case "small":
		return strconv.Itoa(1 + s.IntN(20))
	case "year":
		return strconv.Itoa(1900 + s.IntN(150))
	case "int":
		return strconv.Itoa(s.scaled())
	case "percent":
		if s.chance(0.2) {
			return decimal(s.IntN(1000), 1)
		}
		return strconv.Itoa(1 + s.IntN(100))
	case "rating":
		return decimal(1+s.IntN(50), s.IntN(2))
	case "price":
		if s.chance(0.35) {
			return decimal(s.scaled(), 1+s.IntN(2))
		}
		return strconv.Itoa(s.scaled())
	case "signed":
		if s.chance(0.5) {
			return "-" + s.numberText("num")
		}
	}
	if s.chance(0.4) {
		return decimal(s.scaled(), 1+s.IntN(2))
	}
	return strconv.Itoa(s.scaled())
}

// scaled draws a whole number of one to five digits, every length alike.
func (s *source) scaled() int {
	limit := 10
	for range s.IntN(5) {
		limit *= 10
	}
	return 1 + s.IntN(limit)
}

// decimal writes n with places digits after the point, and no zero at the end of them.
func decimal(n, places int) string {
	if places == 0 {
		return strconv.Itoa(n)
	}
	scale := 1
	for range places {
		scale *= 10
	}
	text := fmt.Sprintf("%d.%0*d", n/scale, places, n%scale)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

var smallNumbers = [2][]string{
	strings.Fields("zero one two three four five six seven eight nine ten"),
	strings.Fields("零 一 两 三 四 五 六 七 八 九 十"),
}

// numberValue draws a number and how it is said: digits nearly always, small ones in words.
func (s *source) numberValue(base string) value {
	text := s.numberText(base)
	said := text
	switch base {
	case "small":
		if n, err := strconv.Atoi(text); err == nil && n <= 10 && s.chance(0.12) {
			said = smallNumbers[s.lang][n]
		}
	case "price":
		if s.chance(0.5) {
			said = pick(s, [2][]string{
				{"$" + text, text + " dollars", text + " euros", "€" + text},
				{text + "元", text + "块", text + "元", "¥" + text},
			}[s.lang])
		}
	case "percent":
		if s.chance(0.7) {
			said = pick(s, [2][]string{{text + "%", text + " percent"}, {text + "%", "百分之" + text}}[s.lang])
		}
	}
	return value{text, said}
}

// numsValue draws a list of numbers. A vector is always in brackets: two of them would run
// together.
func (s *source) numsValue(vector bool) value {
	texts := make([]string, 2+s.IntN(4))
	whole := s.chance(0.6)
	for i := range texts {
		switch {
		case whole:
			texts[i] = strconv.Itoa(s.IntN(41) - 20)
		case s.chance(0.3):
			texts[i] = s.numberText("signed")
		default:
			texts[i] = decimal(s.IntN(2000), 1)
		}
	}
	said := strings.Join(texts, ", ")
	json := "[" + said + "]"
	switch x := s.Float64(); {
	case x < 0.15:
		return value{json, "(" + said + ")"}
	case x < 0.3:
		return value{json, "[" + strings.Join(texts, ",") + "]"}
	case x < 0.5 && !vector:
		return value{json, s.enumerate(texts)}
	}
	return value{json, json}
}

// enumerate joins parts as a sentence does.
func (s *source) enumerate(parts []string) string {
	n := len(parts) - 1
	if n < 1 {
		return strings.Join(parts, "")
	}
	if s.lang == chinese {
		return strings.Join(parts[:n], "、") + pick(s, []string{"和", "、", "与"}) + parts[n]
	}
	return strings.Join(parts[:n], ", ") + pick(s, []string{" and ", " and ", ", "}) + parts[n]
}

// listValue draws a list of texts.
func (s *source) listValue(name string) value {
	texts := make([]string, 0, 4)
	for range 1 + s.IntN(4) {
		if text := s.draw(name); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = stringValue(text, "").json
	}
	return value{"[" + strings.Join(quoted, ", ") + "]", s.enumerate(texts)}
}
