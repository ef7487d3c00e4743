package corpus

import (
	"context"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/callama/callama/internal/ojson"
)

// each calls f with n conversations of a configuration.
func each(t testing.TB, cfg Config, n int, f func(*Row)) {
	t.Helper()
	if err := Generate(t.Context(), cfg, n, func(r *Row) error { f(r); return nil }); err != nil {
		t.Fatal(err)
	}
}

// configs are all kinds of corpora.
var configs = []Config{
	{Seed: 1}, {Seed: 1, Stage: Copy}, {Seed: 1, Stage: Short}, {Seed: 1, Stage: Choose}, {Seed: 2, Tasks: 7},
	{Seed: 1, Split: HeldOut}, {Seed: 1, Split: HeldOut, Stage: Copy}, {Seed: 1, Split: HeldOut, Stage: Short},
}

// shownTool is a tool as a row shows it.
type shownTool struct {
	name       string
	parameters *ojson.Value
}

func toolsOf(t testing.TB, r *Row) map[string]shownTool {
	t.Helper()
	_, tools, err := r.Parse()
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]shownTool)
	for _, tool := range tools {
		doc, err := ojson.Parse(tool.Parameters)
		if err != nil {
			t.Fatal(err)
		}
		out[tool.Name] = shownTool{tool.Name, doc}
	}
	return out
}

// leaf is a string or a number of a call's arguments.
type leaf struct {
	schema *ojson.Value
	value  *ojson.Value
}

// leaves lists the values of a call with their schemas.
func leaves(schema, value *ojson.Value) []leaf {
	var out []leaf
	switch value.Kind {
	case ojson.Object:
		for _, m := range value.Members {
			out = append(out, leaves(schema.Get("properties").Get(m.Name), m.Value)...)
		}
	case ojson.Array:
		for _, item := range value.Items {
			out = append(out, leaves(schema.Get("items"), item)...)
		}
	default:
		out = append(out, leaf{schema, value})
	}
	return out
}

// parameterNames lists the names of a schema's members, at any depth.
func parameterNames(schema *ojson.Value) []string {
	var out []string
	if properties := schema.Get("properties"); properties != nil {
		for _, m := range properties.Members {
			out = append(append(out, m.Name), parameterNames(m.Value)...)
		}
	}
	if items := schema.Get("items"); items != nil {
		out = append(out, parameterNames(items)...)
	}
	return out
}

// eachCall calls f with every call of a row and what people said before it.
func eachCall(t testing.TB, r *Row, f func(tool shownTool, arguments *ojson.Value, said string)) {
	t.Helper()
	tools := toolsOf(t, r)
	messages, _, err := r.Parse()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, m := range messages {
		if m.Role == "user" {
			said.WriteString(m.Content + "\n")
		}
		for _, k := range m.Calls {
			arguments, err := ojson.Parse(k.Arguments)
			if err != nil {
				t.Fatal(err)
			}
			f(tools[k.Name], arguments, said.String())
		}
	}
}

// TestCallsAreValid holds every call against its schema with another validator than the one that
// the generator asks.
func TestCallsAreValid(t *testing.T) {
	for _, cfg := range configs {
		calls := 0
		each(t, cfg, 250, func(r *Row) {
			eachCall(t, r, func(tool shownTool, arguments *ojson.Value, _ string) {
				calls++
				if err := validate(tool.parameters, arguments); err != nil {
					t.Errorf("%+v: %s: %s: %v", cfg, tool.parameters, arguments, err)
				}
			})
		})
		if calls < 125 {
			t.Errorf("%+v: %d calls", cfg, calls)
		}
	}
}

func validate(schema, instance *ojson.Value) error {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema.String()))
	if err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("tool.json", doc); err != nil {
		return err
	}
	compiled, err := c.Compile("tool.json")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(instance.String()))
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}

// TestCallsAreSaid: whatever a call holds was said before, so that reading and copying is enough.
// Words of an enum may be said in another language, numbers up to ten in words.
func TestCallsAreSaid(t *testing.T) {
	for _, cfg := range configs {
		each(t, cfg, 250, func(r *Row) {
			eachCall(t, r, func(tool shownTool, arguments *ojson.Value, said string) {
				for _, l := range leaves(tool.parameters, arguments) {
					switch {
					case l.value.Kind == ojson.Bool, l.schema.Get("enum") != nil:
					case l.value.Kind == ojson.Number && len(l.value.Text) <= 2:
					case !strings.Contains(said, l.value.Text):
						// A capital may have been put on the first word of an answer.
						if !strings.Contains(said, capital(l.value.Text)) {
							t.Errorf("%+v: %s: %s: %q was not said in %q", cfg, tool.name, arguments, l.value.Text, said)
						}
					}
				}
			})
		})
	}
}

// TestArgumentsFollowTheSchema: members come in the order of the schema.
func TestArgumentsFollowTheSchema(t *testing.T) {
	each(t, Config{Seed: 3}, 500, func(r *Row) {
		eachCall(t, r, func(tool shownTool, arguments *ojson.Value, _ string) {
			declared := tool.parameters.Get("properties").Members
			for _, m := range arguments.Members {
				at := slices.IndexFunc(declared, func(d ojson.Member) bool { return d.Name == m.Name })
				if at < 0 {
					t.Fatalf("%s: %s is out of order in %s", tool.name, m.Name, arguments)
				}
				declared = declared[at+1:]
			}
		})
	})
}

// TestHalvesAreDisjoint: no tool, parameter or open-class value of one half comes in the other,
// and neither does a phrase.
func TestHalvesAreDisjoint(t *testing.T) {
	const rows = 2500
	var tools, parameters, values [2]map[string]bool
	for _, split := range []Split{Train, HeldOut} {
		tools[split], parameters[split], values[split] = map[string]bool{}, map[string]bool{}, map[string]bool{}
		each(t, Config{Seed: 9, Split: split}, rows, func(r *Row) {
			for name, tool := range toolsOf(t, r) {
				tools[split][name] = true
				for _, p := range parameterNames(tool.parameters) {
					parameters[split][p] = true
				}
			}
			eachCall(t, r, func(tool shownTool, arguments *ojson.Value, _ string) {
				for _, l := range leaves(tool.parameters, arguments) {
					if l.value.Kind == ojson.String && l.schema.Get("enum") == nil {
						values[split][l.value.Text] = true
					}
				}
			})
		})
	}
	for what, sets := range map[string][2]map[string]bool{"tool": tools, "parameter": parameters, "value": values} {
		shared := 0
		for text := range sets[HeldOut] {
			if !sets[Train][text] {
				continue
			}
			if what != "value" {
				t.Errorf("the %s %q is in both halves", what, text)
			} else if splitOf(text) != HeldOut {
				shared++ // of a closed class: a day, a time, a date
			}
		}
		t.Logf("%s: %d in training, %d held out, %d of closed classes in both", what, len(sets[Train]), len(sets[HeldOut]), shared)
		if len(sets[HeldOut]) < 300 {
			t.Errorf("%s: only %d are held out", what, len(sets[HeldOut]))
		}
	}
	for text := range values[HeldOut] {
		if splitOf(text) != HeldOut && !closedClass(text) {
			t.Errorf("the value %q belongs to training", text)
		}
	}
	all, err := readPools()
	if err != nil {
		t.Fatal(err)
	}
	for name, phrases := range all.phrases[HeldOut] {
		trained := make(map[string]bool)
		for _, phrase := range slices.Compact(slices.Clone(all.phrases[Train][name])) {
			eachForm(phrase, func(form string) { trained[strings.TrimSpace(form)] = true })
		}
		for _, phrase := range phrases {
			eachForm(phrase, func(form string) {
				if trained[strings.TrimSpace(form)] {
					t.Errorf("%s: %q is in both halves", name, form)
				}
			})
		}
	}
	for _, held := range all.domains {
		for _, trained := range all.domains {
			for _, l := range languages {
				if held.split == HeldOut && trained.split == Train && slices.ContainsFunc(held.asks[l], func(ask string) bool { return slices.Contains(trained.asks[l], ask) }) {
					t.Errorf("domains %s and %s share a question", held.id, trained.id)
				}
			}
		}
	}
}

// eachForm calls each with every text that a phrase's alternatives make.
func eachForm(phrase string, each func(form string)) {
	before, rest, ok := strings.Cut(phrase, "<")
	if !ok {
		each(phrase)
		return
	}
	list, after, _ := strings.Cut(rest, ">")
	for _, text := range strings.Split(list, "/") {
		eachForm(before+text+after, each)
	}
}

// dated are dates, times and durations.
var dated = regexp.MustCompile(`^(\d{4}-\d\d-\d\d|\d\d:\d\d|\d+ ?[ap]m|\d+ (minutes|hours|days|weeks|months|years)|(上午|下午|晚上)\d+点|\d+(分钟|小时|天|周|个月|年))$`)

// closedClass reports whether a value is a day, a date, a time or a duration.
func closedClass(text string) bool {
	return dated.MatchString(text) || slices.Contains(days[english], text) || slices.Contains(days[chinese], text)
}

// TestSameSeedSameRows: rows that are invented at once, in order, are those that are invented alone, in
// another order.
func TestSameSeedSameRows(t *testing.T) {
	for _, cfg := range configs {
		var first []*Row
		each(t, cfg, 50, func(r *Row) { first = append(first, r) })
		for i := len(first) - 1; i >= 0; i-- {
			again, err := cfg.Row(uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(again, first[i]) {
				t.Errorf("%+v: row %d is not the same again", cfg, i)
			}
		}
		other := cfg
		other.Seed++
		row, err := other.Row(0)
		if err != nil {
			t.Fatal(err)
		}
		if reflect.DeepEqual(row, first[0]) {
			t.Errorf("%+v: another seed gives the same row", cfg)
		}
	}
}

func TestGenerateEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := Generate(ctx, Config{}, 100, func(*Row) error {
		if n++; n == 3 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || n != 3 {
		t.Errorf("%d rows, %v", n, err)
	}
	full := errors.New("disk full")
	if err := Generate(t.Context(), Config{}, 100, func(*Row) error { return full }); !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
}

// TestTasks: everything that is to be shown is shown, in both languages; an early stage shows less.
func TestTasks(t *testing.T) {
	all := []string{taskSingle, taskChoose, taskSimilar, taskNested, taskList, taskParallel, taskMultiple, taskNone, taskMissing, taskResult, taskFollowUp, taskChat}
	for _, split := range []Split{Train, HeldOut} {
		counts := make(map[string]int)
		each(t, Config{Seed: 4, Split: split}, 1500, func(r *Row) {
			if split == HeldOut && r.Meta.Category == mixedTasks {
				t.Errorf("a held-out row is %q", r.Meta.Category)
			}
			for _, task := range r.Meta.Turns {
				counts[task+" "+r.Meta.Lang]++
			}
		})
		for _, task := range all {
			for _, l := range languages {
				if counts[task+" "+l.String()] < 3 {
					t.Errorf("%s: %d turns of %s in %s", split, counts[task+" "+l.String()], task, l)
				}
			}
		}
	}
	each(t, Config{Seed: 4, Stage: Copy}, 500, func(r *Row) {
		for _, task := range r.Meta.Turns {
			if !slices.Contains([]string{taskSingle, taskChoose, taskSimilar, taskList, taskParallel, taskNone, taskChat}, task) {
				t.Errorf("the copy stage shows %s", task)
			}
		}
		if n := len(toolsOf(t, r)); n < 1 || n > 2 {
			t.Errorf("the copy stage has %d tools", n)
		}
	})
}

// TestMetaCountsTurns: each turn of the assistant has a task.
func TestMetaCountsTurns(t *testing.T) {
	for _, cfg := range configs {
		each(t, cfg, 200, func(r *Row) {
			n := 0
			for _, turn := range r.Conversations {
				if turn.From == fromAssistant || turn.From == fromCall {
					n++
				}
			}
			if n != len(r.Meta.Turns) {
				t.Errorf("%d turns of the assistant, %d tasks", n, len(r.Meta.Turns))
			}
		})
	}
}

func TestParseStage(t *testing.T) {
	for name, want := range map[string]Stage{"full": Full, "copy": Copy, "short": Short, "choose": Choose} {
		if got, err := ParseStage(name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := ParseStage("long"); err == nil {
		t.Error("an unknown stage is taken")
	}
}

func TestCheckerRefuses(t *testing.T) {
	c, err := newChecker("f", `{"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string", "enum": ["x"]}}, "required": ["a"]}`)
	if err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{
		`{"a": 1}`: true, `{"a": 1, "b": "x"}`: true,
		`{"b": "x"}`: false, `{"a": "1"}`: false, `{"a": 1, "b": "y"}`: false, `{"b": "x", "a": 1}`: false, `{"a": 1`: false, `{"a": 1, "c": 2}`: false,
	} {
		if err := c.check(text); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := newChecker("f", `{"type": 7}`); err == nil {
		t.Error("a broken schema is taken")
	}
}

func BenchmarkGenerate(b *testing.B) {
	each(b, Config{Seed: 1}, b.N, func(*Row) {})
}

// TestBounds: a lower bound that is drawn with an upper one is not above it.
func TestBounds(t *testing.T) {
	price, rating := kind{base: "price"}, kind{base: "rating"}
	arg := func(id string, k kind, json string) argument {
		return argument{param: &toolParam{parameter: &parameter{id: id, kind: k}}, value: value{json: json, said: "said " + json}}
	}
	for _, tc := range []struct {
		name string
		args []argument
		want string
	}{
		{"the wrong way round", []argument{arg("min", price, "120.5"), arg("place", kind{base: "place"}, `"x"`), arg("max", price, "50")}, `50 "x" 120.5`},
		{"in order", []argument{arg("max", price, "120"), arg("min", price, "50")}, "120 50"},
		{"different kinds", []argument{arg("min", rating, "9"), arg("max", price, "5")}, "9 5"},
		{"one alone", []argument{arg("min", price, "9")}, "9"},
		{"two pairs", []argument{arg("high", rating, "3"), arg("min", price, "7"), arg("max", price, "5"), arg("low", rating, "4.5")}, "4.5 5 7 3"},
		{"of no pair", []argument{arg("min", price, "9"), arg("high", price, "5")}, "9 5"},
		{"no numbers", []argument{arg("min", kind{base: "day"}, "9"), arg("max", kind{base: "day"}, "5")}, "9 5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			orderBounds(tc.args)
			var got []string
			for _, a := range tc.args {
				got = append(got, a.value.json)
				if a.value.said != "said "+a.value.json {
					t.Errorf("%s is said as %q", a.value.json, a.value.said)
				}
			}
			if text := strings.Join(got, " "); text != tc.want {
				t.Errorf("%s, want %s", text, tc.want)
			}
		})
	}
}
