package schema_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
	"github.com/callama/callama/internal/ojson"
)

// schemaWriter writes random schemas of every supported keyword, with references back
// and forth, and random values that come near them: both draw from the same few names,
// numbers and strings.
type schemaWriter struct{ rng *rand.Rand }

func (w *schemaWriter) pick(options ...string) string { return options[w.rng.IntN(len(options))] }

func (w *schemaWriter) chance(n int) bool { return w.rng.IntN(n) == 0 }

func (w *schemaWriter) name() string { return w.pick("a", "b", "ab", "é", `q\"`, "") }

func (w *schemaWriter) number() string { return w.pick("0", "1", "2", "-1", "1.5", "10", "-0.5", "3") }

// value writes a random value; depth bounds its nesting.
func (w *schemaWriter) value(depth int) string {
	switch n := w.rng.IntN(10); {
	case n < 3:
		return w.number()
	case n < 6 || depth == 0:
		return w.pick(`""`, `"a"`, `"ab"`, `"abc"`, `"b\n"`, `null`, `true`)
	case n < 8:
		items := make([]string, w.rng.IntN(4))
		for i := range items {
			items[i] = w.value(depth - 1)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	var members []string
	seen := make(map[string]bool)
	for range w.rng.IntN(4) {
		if name := w.name(); !seen[name] {
			seen[name] = true
			members = append(members, fmt.Sprintf(`"%s":%s`, name, w.value(depth-1)))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (w *schemaWriter) list(n int, item func() string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = item()
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// schema writes a random schema; depth bounds its nesting.
func (w *schemaWriter) schema(depth int) string {
	if w.chance(12) {
		return w.pick("true", "false", "{}")
	}
	sub := func() string { return w.schema(depth - 1) }
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	types := []string{`"string"`, `"integer"`, `"number"`, `"object"`, `"array"`, `"boolean"`, `"null"`}
	if !w.chance(3) {
		add(`"type":%s`, w.pick(append(types, `["string","null"]`, `["object","array","integer"]`, `["number","string"]`)...))
	}
	for range 1 + w.rng.IntN(2) {
		switch n := w.rng.IntN(20); {
		case n == 0:
			add(`"minLength":%d,"maxLength":%d`, w.rng.IntN(2), 1+w.rng.IntN(3))
		case n == 1:
			add(`"pattern":"%s"`, w.pick("a", "^a", "b$", "^[ab]*$", "^(ab)+$", "^.{2}$", "[^a]"))
		case n == 2:
			add(`"minimum":%s,"exclusiveMaximum":%s`, w.number(), w.number())
		case n == 3:
			add(`"maximum":%s`, w.number())
		case n == 4:
			add(`"enum":%s`, w.list(1+w.rng.IntN(4), func() string { return w.value(2) }))
		case n == 5:
			add(`"const":%s`, w.value(2))
		case n == 6:
			add(`"$ref":"#/$defs/%d"`, w.rng.IntN(3))
		case depth == 0:
		case n == 7:
			add(`"items":%s,"maxItems":%d`, sub(), w.rng.IntN(4))
		case n == 8:
			add(`"prefixItems":%s,"minItems":%d`, w.list(1+w.rng.IntN(3), sub), w.rng.IntN(3))
		case n == 9 || n == 10:
			add(`"anyOf":%s`, w.list(1+w.rng.IntN(3), sub))
		case n == 11:
			add(`"allOf":%s`, w.list(1+w.rng.IntN(2), sub))
		case n == 12:
			add(`"oneOf":%s`, w.list(1+w.rng.IntN(3), sub))
		case n == 13:
			w.logic(add, sub)
		case n == 14:
			w.objects(add, sub)
		case n == 15:
			w.arrays(add, sub)
		default:
			add(`"properties":{"%s":%s,"c":%s}`, w.name(), sub(), sub())
			if w.chance(2) {
				add(`"required":["%s","%s"]`, w.pick("a", "b"), w.pick("c", "ab", "é"))
			}
			if w.chance(2) {
				add(`"additionalProperties":%s`, sub())
			}
		}
	}
	seen := make(map[string]bool)
	var unique []string
	for _, p := range parts {
		if key := p[:strings.Index(p, ":")]; !seen[key] {
			seen[key] = true
			unique = append(unique, p)
		}
	}
	return "{" + strings.Join(unique, ",") + "}"
}

// logic adds keywords that hold or fail as a whole.
func (w *schemaWriter) logic(add func(string, ...any), sub func() string) {
	switch w.rng.IntN(3) {
	case 0:
		add(`"if":%s`, sub())
		add(`"then":%s`, sub())
		add(`"else":%s`, sub())
	default:
		add(`"not":%s`, sub())
	}
}

// objects adds keywords about members.
func (w *schemaWriter) objects(add func(string, ...any), sub func() string) {
	pattern := func() string { return w.pick("a", "^a", "b$", "^(a|b)$", "^[^a]*$", "^$", "c") }
	switch w.rng.IntN(8) {
	case 0:
		add(`"minProperties":%d`, w.rng.IntN(4))
	case 1:
		add(`"maxProperties":%d`, w.rng.IntN(4))
	case 2:
		add(`"dependentRequired":{"%s":["%s"]}`, w.name(), w.name())
	case 3:
		add(`"dependentSchemas":{"%s":%s}`, w.name(), sub())
	case 4:
		add(`"propertyNames":%s`, w.pick(`{"maxLength":1}`, `{"pattern":"a"}`, `{"enum":["a","b","c"]}`, `{"not":{"const":"a"}}`, sub()))
	case 5:
		add(`"unevaluatedProperties":%s`, sub())
	default:
		first := pattern()
		second := pattern()
		if first == second {
			add(`"patternProperties":{"%s":%s}`, first, sub())
		} else {
			add(`"patternProperties":{"%s":%s,"%s":%s}`, first, sub(), second, sub())
		}
		if w.chance(2) {
			add(`"additionalProperties":%s`, sub())
		}
	}
}

// arrays adds keywords about items.
func (w *schemaWriter) arrays(add func(string, ...any), sub func() string) {
	switch w.rng.IntN(6) {
	case 0, 5:
		add(`"uniqueItems":true`)
		switch w.rng.IntN(4) {
		case 0:
			add(`"items":{"enum":%s}`, w.list(1+w.rng.IntN(4), func() string { return w.value(1) }))
		case 1:
			add(`"items":%s,"minItems":%d`, sub(), w.rng.IntN(3))
		case 2:
			add(`"prefixItems":%s,"minItems":%d`, w.list(1+w.rng.IntN(2), sub), w.rng.IntN(3))
		}
	case 1:
		add(`"unevaluatedItems":%s`, sub())
	case 2:
		add(`"contains":%s,"minContains":%d`, sub(), w.rng.IntN(3))
	case 3:
		add(`"contains":%s,"maxContains":%d`, sub(), 1+w.rng.IntN(2))
	default:
		add(`"contains":%s`, sub())
	}
}

// document writes a schema with definitions, which refer to each other.
func (w *schemaWriter) document() string {
	root := w.schema(3)
	if root[0] != '{' || root == "{}" {
		root = `{"title":""}`
	}
	return fmt.Sprintf(`{"$defs":{"0":%s,"1":%s,"2":%s},%s`, w.schema(2), w.schema(2), w.schema(1), root[1:])
}

// TestRandomSchemas compares the rules of random schemas with an independent validator in
// both directions: what they write is valid, and a random value is accepted if and only
// if it is valid.
func TestRandomSchemas(t *testing.T) {
	count := 3000
	if testing.Short() {
		count = 400
	}
	var compiled, unsatisfiable, refused, accepted, rejected int
	for seed := range count {
		w := &schemaWriter{rand.New(rand.NewPCG(uint64(seed), 7))}
		text := w.document()
		doc, err := ojson.Parse([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		judge, err := validator(doc)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		g, err := schema.CompileText([]byte(text), schema.Options{})
		switch {
		case errors.Is(err, schema.ErrUnsatisfiable):
			unsatisfiable++
			g = nothing()
		case err != nil:
			refused++
			continue
		default:
			compiled++
			checkGenerated(t, seed, text, g, judge)
			narrow := schema.Options{
				Order: schema.SchemaOrder, Whitespace: schema.Whitespace(1 + seed%2), ClosedObjects: true,
			}
			if g, err := schema.CompileText([]byte(text), narrow); errors.Is(err, schema.ErrUnsatisfiable) {
				unsatisfiable++ // closed objects leave nothing
			} else if err != nil {
				t.Errorf("seed %d: %v under %s", seed, err, text)
			} else {
				checkGenerated(t, seed, text, g, judge)
			}
		}
		for range 12 {
			v, err := ojson.Parse([]byte(w.value(3)))
			if err != nil {
				t.Fatal(err)
			}
			got := ruletest.Accepts(g, spelled(v, true))
			parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(spelled(v, true)))
			if err != nil {
				t.Fatal(err)
			}
			if want := judge.Validate(parsed) == nil; got != want {
				t.Errorf("seed %d: %s: accepted %v, valid %v under %s", seed, spelled(v, true), got, want, text)
			}
			if got {
				accepted++
			} else {
				rejected++
			}
		}
	}
	t.Logf("%d compiled, %d unsatisfiable, %d refused; values: %d accepted, %d rejected", compiled, unsatisfiable, refused, accepted, rejected)
	if compiled < count/3 || accepted < count/2 {
		t.Error("too few schemas or values to mean anything")
	}
}

func checkGenerated(t *testing.T, seed int, text string, g *gbnf.Grammar, judge *jsonschema.Schema) {
	t.Helper()
	w := ruletest.NewGenerator(g, uint64(seed))
	for _, size := range []int{0, 10, 40} {
		s, ok := w.Text(size)
		if !ok {
			t.Errorf("seed %d: compiles and has no instance: %s", seed, text)
			return
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(s))
		if err != nil {
			t.Errorf("seed %d: not JSON: %s", seed, s)
			return
		}
		if err := judge.Validate(v); err != nil {
			t.Errorf("seed %d: invalid under %s: %s: %v", seed, text, s, err)
			return
		}
	}
}
