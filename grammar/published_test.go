package grammar_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
	"github.com/callama/callama/internal/ojson"
)

// waysAround are grammars whose masks are made in each of the ways around a walk, with
// texts that pass through the places where they are.
var waysAround = []struct{ name, schema, text string }{
	{"string", `{"type":"string"}`, `"Zoë says: \"no\" "`},
	{"bounded string", `{"type":"string","minLength":3,"maxLength":40}`, `"lorem ipsum dolor sit amet, consectetur"`},
	{"long bounds", `{"type":"string","minLength":300,"maxLength":2000}`, `"lorem ipsum dolor sit amet consectetur`},
	{"word in a pattern", `{"type":"string","pattern":"request"}`, `"the requested reques request is here"`},
	{"alternatives in a pattern", `{"type":"string","pattern":"^test|acceptance|production$"}`, `"pre-acceptance production"`},
	{"repeated words", `{"type":"string","pattern":"^(?:\\S+\\s+){0,99}\\S+$"}`, `"a a a bb c d e the next words"`},
	{"few words", `{"type":"string","pattern":"^(?:\\S+\\s+){0,3}\\S+$"}`, `"one two three four"`},
	{"words of a length", `{"type":"string","pattern":"^(?:\\S+\\s+){0,99}\\S+$","minLength":2,"maxLength":600}`, `"a ` + strings.Repeat("of the 字 é\\n", 40) + `"`},
	{"words up to a length", `{"type":"string","pattern":"^(?:\\S+\\s+){0,99}\\S+$","maxLength":330}`, `"` + strings.Repeat("is not the ", 40) + `"`},
	{"list of words of a length", `{"type":"array","maxItems":900,"items":{"type":"string","pattern":"^([a-z]+ ?)+$","maxLength":500}}`, `["some words", "and others here", "x"]`},
	{"class", `{"type":"string","pattern":"^[a-z0-9_-]+$"}`, `"some-name_with-9"`},
	{"classes", `{"type":"string","pattern":"^([\\da-z\\.-]+)\\.([a-z\\.]{2,6})([\\/\\w \\.-]*)*\\/?$"}`, `"www.example.com/some/path-to.html"`},
	{"no control characters", `{"type":"string","pattern":"^[^/\\\\]+$"}`, `"some file name.txt"`},
	{"uri", `{"type":"string","format":"uri"}`, `"https://user@example.com:80/a/b?c=d#e"`},
	{"email", `{"type":"string","format":"email"}`, `"john.doe@mail.example.com"`},
	{"date-time", `{"type":"string","format":"date-time"}`, `"2024-02-29T23:59:59.123Z"`},
	{"open object", `{"type":"object","properties":{"name":{"type":"string"},"number":{"type":"integer"},"nested":{}}}`,
		`{"nam": 1, "name": "x", "numbers": [1, 2], "other": {"a": null}, "nested": true}`},
	{"names by pattern", `{"type":"object","patternProperties":{"^[a-zA-Z0-9_]*$":{"type":"integer"}}}`, `{"some_name": 12, "other name": "x"}`},
	{"not one of", `{"type":"string","not":{"enum":["test","tested","unknown"]}}`, `"testing"`},
	{"bounded array", `{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":1000}`, `[1, 22, 333, 4444, 5]`},
	{"nested bounds", `{"type":"array","maxItems":500,"items":{"type":"array","maxItems":3,"items":{"type":"string","maxLength":9}}}`,
		`[["abc", "defghijkl"], ["m", "n", "o"], []]`},
	{"branches", `{"anyOf":[{"type":"string","maxLength":5},{"type":"string","pattern":"^x-"},{"type":"object","additionalProperties":{"type":"string"}}]}`, `"x-long text"`},
}

// TestWaysAroundTheWalk compares masks with those of a walk over a published vocabulary, at
// each token of a text and with small budgets.
func TestWaysAroundTheWalk(t *testing.T) {
	for _, name := range benchVocabs {
		v := publishedVocab(t, name)
		for _, spelling := range []schema.Spelling{schema.Canonical, schema.AnySpelling} {
			for _, w := range waysAround {
				t.Run(fmt.Sprintf("%s/%v/%s", name, spelling, w.name), func(t *testing.T) {
					g, err := schema.CompileText([]byte(w.schema), schema.Options{Whitespace: schema.Model, Spelling: spelling})
					if err != nil {
						t.Fatal(err)
					}
					if n := compareWithWalk(t, g, v, longest(v, w.text)); n == 0 {
						t.Errorf("%s is refused at once", w.text)
					}
				})
			}
			if testing.Short() {
				return
			}
		}
	}
}

// compareWithWalk follows tokens as far as they are allowed and returns how many were.
func compareWithWalk(t *testing.T, g *gbnf.Grammar, v *vocab.Vocab, tokens []int32) int {
	t.Helper()
	c, err := grammar.Compile(g, v, grammar.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := grammar.CompilePlain(g, v)
	if err != nil {
		t.Fatal(err)
	}
	m, want := c.NewMatcher(), plain.NewMatcher()
	got, exp := vocab.NewMask(v.Width()), vocab.NewMask(v.Width())
	for i := 0; ; i++ {
		for _, left := range []int{-1, m.MinBytes() + 3} {
			m.FillMaskWithin(got, left)
			want.FillMaskWithin(exp, left)
			if !got.Equal(exp) {
				t.Fatalf("after token %d with %d left: %s", i, left, difference(v, got, exp))
			}
		}
		if i == len(tokens) || !got.Has(tokens[i]) && m.Accept(tokens[i]) != nil {
			return i
		}
		if m.Len() == i && m.Accept(tokens[i]) != nil || want.Accept(tokens[i]) != nil {
			t.Fatalf("token %d %q is in the mask, but not accepted", i, v.Bytes(tokens[i]))
		}
		if m.MinBytes() != want.MinBytes() || m.Accepting() != want.Accepting() {
			t.Fatalf("after token %d: %d bytes to the end, accepting %v, want %d, %v", i, m.MinBytes(), m.Accepting(), want.MinBytes(), want.Accepting())
		}
	}
}

// difference names some tokens that are in one mask only.
func difference(v *vocab.Vocab, got, want vocab.Mask) string {
	more, less := []string{}, []string{}
	for t := range int32(v.Len()) {
		if got.Has(t) && !want.Has(t) && len(more) < 5 {
			more = append(more, string(v.Bytes(t)))
		}
		if !got.Has(t) && want.Has(t) && len(less) < 5 {
			less = append(less, string(v.Bytes(t)))
		}
	}
	return fmt.Sprintf("%d tokens instead of %d, wrong are %q, missing are %q", got.Count(), want.Count(), more, less)
}

// TestMaskBenchAgainstTheWalk does so for a sample of MaskBench's schemas and instances.
func TestMaskBenchAgainstTheWalk(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata(t, "maskbench"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Skipf("no files: %v", err)
	}
	v := publishedVocab(t, benchVocabs[0])
	n, most := 40, 40
	if testing.Short() {
		n = 8
	}
	r := rand.New(rand.NewPCG(5, 5))
	for range n {
		file := files[r.IntN(len(files))]
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := ojson.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			g, err := schema.CompileText(doc.Get("schema").Append(nil, ojson.Compact), schema.Options{Whitespace: schema.Model})
			if err != nil {
				t.Skip(err)
			}
			tests := doc.Get("tests").Items
			if len(tests) == 0 {
				t.Skip("no tests")
			}
			text := string(tests[r.IntN(len(tests))].Get("data").Append(nil, ojson.Style{ItemSep: ", ", KeySep: ": "}))
			tokens := longest(v, text)
			compareWithWalk(t, g, v, tokens[:min(len(tokens), most)])
		})
	}
}

// TestSteadyState: where a text was some times before, FillMask and Accept allocate nothing, also with a budget, where
// masks are made anew and the endings of runs are merged when they were walked a few times.
func TestSteadyState(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	v := publishedVocab(t, benchVocabs[0])
	for _, w := range waysAround {
		g, err := schema.CompileText([]byte(w.schema), schema.Options{Whitespace: schema.Model})
		if err != nil {
			t.Fatal(err)
		}
		c, err := grammar.Compile(g, v, grammar.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		m, dst, tokens := c.NewMatcher(), vocab.NewMask(v.Width()), longest(v, w.text)
		pass := func() {
			m.Reset()
			for i, tok := range tokens {
				m.FillMaskWithin(dst, len(tokens)+m.MinBytes()-i)
				if !dst.Has(tok) || m.Accept(tok) != nil {
					return
				}
			}
		}
		for range 5 {
			pass()
		}
		if allocs := testing.AllocsPerRun(5, pass); allocs > 0 {
			t.Errorf("%s: %v allocations in %d tokens", w.name, allocs, len(tokens))
		}
	}
}
