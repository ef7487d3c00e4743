package grammar_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
)

// benchVocabs are the published vocabularies measured with.
var benchVocabs = []string{"llama3.1", "qwen2.5"}

// testdata returns a path in the shared test data, or skips.
func testdata(tb testing.TB, elem ...string) string {
	tb.Helper()
	root := os.Getenv("CALLAMA_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("no test data (see CALLAMA_TESTDATA): %v", err)
	}
	return path
}

// publishedVocab reads a tokenizer from the shared test data.
func publishedVocab(tb testing.TB, name string) *vocab.Vocab {
	tb.Helper()
	tok, err := gguf.ReadTokenizer(testdata(tb, "tokenizers", name, "tokenizer.json"))
	if err != nil {
		tb.Fatal(err)
	}
	const rows = 256 // logits are padded to whole blocks of rows
	c := vocab.Config{Width: (len(tok.Tokens) + rows - 1) / rows * rows, EOG: []int32{int32(tok.EOS)}}
	for i, t := range tok.Tokens {
		c.Tokens = append(c.Tokens, tok.Bytes(i))
		c.Special = append(c.Special, t.Kind == gguf.TokenControl)
	}
	v, err := vocab.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// benchTool is the schema of an ordinary tool.
const benchTool = `{"type": "object", "additionalProperties": false, "required": ["city", "days"], "properties": {
	"city": {"type": "string", "description": "where"},
	"days": {"type": "integer", "minimum": 1},
	"scale": {"enum": ["celsius", "fahrenheit"]},
	"tags": {"type": "array", "items": {"type": "string"}}}}`

var benchOptions = schema.Options{Order: schema.AnyOrder, Whitespace: schema.Model}

func benchGrammar(tb testing.TB) *gbnf.Grammar {
	tb.Helper()
	g, err := schema.CompileText([]byte(benchTool), benchOptions)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func benchCompile(tb testing.TB, g *gbnf.Grammar, v *vocab.Vocab) *grammar.Compiled {
	tb.Helper()
	c, err := grammar.Compile(g, v, grammar.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// accept takes the bytes of text, a token each.
func accept(tb testing.TB, m *grammar.Matcher, v *vocab.Vocab, text string) {
	tb.Helper()
	for _, t := range bytewise(tb, v, text) {
		if err := m.Accept(t); err != nil {
			tb.Fatal(err)
		}
	}
}

// bytewise spells text with the tokens of single bytes.
func bytewise(tb testing.TB, v *vocab.Vocab, text string) []int32 {
	tb.Helper()
	var tokens []int32
	for t := range int32(v.Len()) {
		if b := v.Bytes(t); len(b) == 1 && v.IsText(t) && int(b[0]) < 0x80 {
			for len(tokens) < 0x80 {
				tokens = append(tokens, -1)
			}
			if tokens[b[0]] < 0 {
				tokens[b[0]] = t
			}
		}
	}
	spelled := make([]int32, len(text))
	for i := range len(text) {
		spelled[i] = tokens[text[i]]
	}
	return spelled
}

// BenchmarkCompile measures from a schema's text to the first mask. "maskbench" compiles a
// sixteenth of MaskBench's schemas in each iteration and reports quantiles over them, and
// the rules and trie nodes of all as the work done. The first iteration makes what
// compilers keep; -benchtime 1x measures it alone.
func BenchmarkCompile(b *testing.B) {
	b.Run("schemas=tool", func(b *testing.B) {
		v := publishedVocab(b, benchVocabs[0])
		b.ReportAllocs()
		for b.Loop() {
			benchCompile(b, benchGrammar(b), v).NewMatcher().Mask()
		}
	})
	b.Run("schemas=maskbench", func(b *testing.B) {
		v := publishedVocab(b, benchVocabs[0])
		texts := maskBenchSchemas(b, 16)
		b.ReportAllocs()
		var took []time.Duration
		rules, nodes := 0, int64(0)
		for b.Loop() {
			rules, nodes = 0, 0
			for _, text := range texts {
				start := time.Now()
				g, err := schema.CompileText(text, schema.Options{Whitespace: schema.Model})
				if err != nil {
					continue
				}
				c, err := grammar.Compile(g, v, grammar.Limits{})
				if err != nil {
					continue
				}
				c.NewMatcher().Mask()
				took = append(took, time.Since(start))
				rules += len(g.Rules)
				nodes += c.Stats().Nodes
			}
		}
		reportQuantiles(b, took)
		b.ReportMetric(float64(rules), "rules/op")
		b.ReportMetric(float64(nodes), "nodes/op")
	})
	for _, n := range []int{1, 50, 500} {
		b.Run(fmt.Sprintf("tools=%d", n), func(b *testing.B) {
			v := publishedVocab(b, benchVocabs[0])
			tools := benchTools(b, n)
			b.ReportAllocs()
			for b.Loop() {
				benchCompile(b, toolGrammar(b, tools), v).NewMatcher().Mask()
			}
		})
	}
}

func reportQuantiles(b *testing.B, took []time.Duration) {
	if len(took) == 0 {
		b.Fatal("nothing was measured")
	}
	slices.Sort(took)
	for _, q := range []float64{50, 90, 99, 99.9} {
		b.ReportMetric(float64(took[int(float64(len(took))*q/100)].Nanoseconds())/1e3, fmt.Sprintf("p%v-µs", q))
	}
}

// maskBenchSchemas reads every step-th schema.
func maskBenchSchemas(tb testing.TB, step int) [][]byte {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(testdata(tb, "maskbench"), "*.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var texts [][]byte
	for i := 0; i < len(files); i += step {
		data, err := os.ReadFile(files[i])
		if err != nil {
			tb.Fatal(err)
		}
		var doc struct{ Schema json.RawMessage }
		if err := json.Unmarshal(data, &doc); err != nil {
			tb.Fatal(err)
		}
		texts = append(texts, doc.Schema)
	}
	return texts
}

// benchParameters are the parameters that the tools of benchTools take turns with.
var benchParameters = []struct{ name, schema string }{
	{"query", `{"type": "string", "description": "what to look for"}`},
	{"limit", `{"type": "integer", "minimum": 1, "maximum": 100}`},
	{"unit", `{"type": "string", "enum": ["metric", "imperial", "kelvin"]}`},
	{"verbose", `{"type": "boolean"}`},
	{"ratio", `{"type": "number"}`},
	{"tags", `{"type": "array", "items": {"type": "string"}}`},
	{"range", `{"type": "object", "properties": {"from": {"type": "string"}, "to": {"type": "string"}}, "required": ["from"]}`},
}

// benchTools makes n tools of three to six parameters, the first of them required.
func benchTools(tb testing.TB, n int) []chat.Tool {
	tb.Helper()
	tools := make([]chat.Tool, n)
	for i := range tools {
		var properties []string
		for k := range 3 + i%4 {
			p := benchParameters[(i*5+k)%len(benchParameters)]
			properties = append(properties, fmt.Sprintf("%q: %s", p.name, p.schema))
		}
		text := fmt.Sprintf(`{"name": "service_%d.action_%d", "parameters": {"type": "object", "properties": {%s}, "required": [%q]}}`,
			i%37, i, strings.Join(properties, ", "), benchParameters[i*5%len(benchParameters)].name)
		parsed, err := chat.ParseTools([]byte(text))
		if err != nil {
			tb.Fatal(err)
		}
		tools[i] = parsed[0]
	}
	return tools
}

// toolGrammar makes the grammar of a reply that calls tools.
func toolGrammar(tb testing.TB, tools []chat.Tool) *gbnf.Grammar {
	tb.Helper()
	options := schema.Options{Order: schema.AnyOrder, Whitespace: schema.Model, PythonNames: true, ClosedObjects: true}
	builder := gbnf.NewBuilder()
	compiler := schema.New(builder, options) // one for all, as for a request
	defer compiler.Release()
	rules := make([]chat.ToolRules, len(tools))
	for i, t := range tools {
		e, err := compiler.ToolText(t.Name, t.Parameters)
		if err != nil {
			tb.Fatal(err)
		}
		rules[i] = chat.ToolRules{Name: t.Name, Arguments: e}
	}
	root, err := chat.Hermes.Grammar(builder, rules, chat.Choice{Mode: chat.Required}, 0)
	if err != nil {
		tb.Fatal(err)
	}
	return builder.Grammar(root)
}

// BenchmarkMask measures masks where a text of benchTool stands. "cold" explores the place
// for the first time in its grammar; "warm" finds the mask.
func BenchmarkMask(b *testing.B) {
	states := []struct{ name, text string }{
		{"in-string", `{"city": "Ber`},
		{"key", `{"`},
		{"number", `{"days": 1`},
		{"structure", `{"days": 1, "city": "B"`},
	}
	for _, name := range benchVocabs {
		for _, s := range states {
			prefix := fmt.Sprintf("vocab=%s/state=%s/", name, s.name)
			b.Run(prefix+"cold", func(b *testing.B) {
				v := publishedVocab(b, name)
				g := benchGrammar(b)
				dst := vocab.NewMask(v.Width())
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					m := benchCompile(b, g, v).NewMatcher()
					accept(b, m, v, s.text)
					b.StartTimer()
					m.FillMask(dst)
				}
			})
			b.Run(prefix+"warm", func(b *testing.B) {
				v := publishedVocab(b, name)
				m := benchCompile(b, benchGrammar(b), v).NewMatcher()
				accept(b, m, v, s.text)
				dst := vocab.NewMask(v.Width())
				b.ReportAllocs()
				for b.Loop() {
					m.FillMask(dst)
				}
			})
		}
	}
}

// BenchmarkAccept measures Accept where the text was before, in tokens of one byte.
func BenchmarkAccept(b *testing.B) {
	v := publishedVocab(b, benchVocabs[0])
	m := benchCompile(b, benchGrammar(b), v).NewMatcher()
	tokens := bytewise(b, v, `{"city": "Berlin", "days": 12, "tags": ["a", "b"]}`)
	b.ReportAllocs()
	for b.Loop() {
		text := m.Clone()
		for _, t := range tokens {
			if err := text.Accept(t); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(tokens)), "ns/token")
}

// BenchmarkWalk measures the walk over the vocabulary's trie inside a string, without any
// of the ways around it.
func BenchmarkWalk(b *testing.B) {
	for _, name := range benchVocabs {
		b.Run("vocab="+name, func(b *testing.B) {
			v := publishedVocab(b, name)
			g := benchGrammar(b)
			b.ReportAllocs()
			nodes := int64(0)
			for b.Loop() {
				b.StopTimer()
				c, err := grammar.CompilePlain(g, v)
				if err != nil {
					b.Fatal(err)
				}
				m := c.NewMatcher()
				accept(b, m, v, `{"city": "`)
				before := c.Stats().Nodes
				b.StartTimer()
				m.Mask()
				nodes += c.Stats().Nodes - before
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(nodes), "ns/node")
		})
	}
}

// BenchmarkBounds measures FillMask and Accept along long strings and arrays, seen for the
// first time, with and without bounds on their length: bounds must cost nothing.
func BenchmarkBounds(b *testing.B) {
	words := strings.Repeat("lorem ipsum dolor sit amet ", 300)
	numbers := "[" + strings.Repeat("12, ", 3000) + "12]"
	rows := "[" + strings.Repeat(`["ab", "cde"], `, 1000) + `["ab", "cde"]]`
	for _, s := range []struct{ name, schema, text string }{
		{"string/free", `{"type":"string"}`, `"` + words + `"`},
		{"string/maxLength", `{"type":"string","maxLength":10000}`, `"` + words + `"`},
		{"array/free", `{"type":"array","items":{"type":"integer"}}`, numbers},
		{"array/maxItems", `{"type":"array","items":{"type":"integer"},"maxItems":10000}`, numbers},
		{"nested/free", `{"type":"array","items":{"type":"array","items":{"type":"string"}}}`, rows},
		{"nested/bounds", `{"type":"array","maxItems":10000,"items":{"type":"array","maxItems":10000,"items":{"type":"string","maxLength":10000}}}`, rows},
	} {
		b.Run(s.name, func(b *testing.B) {
			v := publishedVocab(b, benchVocabs[0])
			g, err := schema.CompileText([]byte(s.schema), schema.Options{Whitespace: schema.Model})
			if err != nil {
				b.Fatal(err)
			}
			tokens := longest(v, s.text)
			dst := vocab.NewMask(v.Width())
			b.ReportAllocs()
			var stats grammar.Stats
			for b.Loop() {
				c := benchCompile(b, g, v)
				m := c.NewMatcher()
				for _, t := range tokens {
					m.FillMask(dst)
					if err := m.Accept(t); err != nil {
						b.Fatal(err)
					}
				}
				stats = c.Stats()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(tokens)), "ns/token")
			b.ReportMetric(float64(stats.Configs)/float64(len(tokens)), "configs/token")
			b.ReportMetric(float64(stats.Bytes), "cacheB")
		})
	}
}

// longest splits a text into the longest tokens.
func longest(v *vocab.Vocab, text string) (tokens []int32) {
	for len(text) > 0 {
		n := min(len(text), 32)
		for {
			if t, ok := v.Lookup(text[:n]); ok && v.IsText(t) {
				tokens = append(tokens, t)
				break
			}
			n--
		}
		text = text[n:]
	}
	return tokens
}
