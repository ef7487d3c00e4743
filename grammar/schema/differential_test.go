package schema_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
	"github.com/callama/callama/internal/ojson"
)

// ecmaPattern lets the validator read patterns as ECMA-262 does.
type ecmaPattern regexp2.Regexp

func (p *ecmaPattern) MatchString(s string) bool {
	ok, err := (*regexp2.Regexp)(p).MatchString(s)
	return ok && err == nil
}
func (p *ecmaPattern) String() string { return (*regexp2.Regexp)(p).String() }

// validator compiles a schema with an independent implementation.
func validator(doc *ojson.Value) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseRegexpEngine(func(s string) (jsonschema.Regexp, error) {
		re, err := regexp2.Compile(s, regexp2.ECMAScript, regexp2.Unicode)
		if err != nil {
			re, err = regexp2.Compile(s, regexp2.ECMAScript) // what only annex B allows
		}
		if err != nil {
			return nil, err
		}
		re.MatchTimeout = time.Second
		return (*ecmaPattern)(re), nil
	})
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(spelled(doc, false)))
	if err != nil {
		return nil, err
	}
	if err := c.AddResource("mem:///schema.json", v); err != nil {
		return nil, err
	}
	return c.Compile("mem:///schema.json")
}

// disputed are formats that the validator reads more narrowly than their RFCs; see
// TestFormatsAgainstPeer.
var disputed = regexp.MustCompile(`is not valid (email|uri|uri-reference):`)

// tally counts what became of the schemas of a collection.
type tally struct {
	compiled, instances, unchecked int
	refused                        map[string]int
}

func (n *tally) log(t *testing.T) {
	t.Logf("%d compiled, %d instances valid, %d without a second opinion", n.compiled, n.instances, n.unchecked)
	for _, reason := range slices.Sorted(maps.Keys(n.refused)) {
		t.Logf("  refused: %5d %s", n.refused[reason], reason)
	}
}

// check compiles a schema, writes random instances of it and has them validated.
func (n *tally) check(t *testing.T, name string, doc *ojson.Value, opts schema.Options, tool bool) {
	t.Helper()
	b := gbnf.NewBuilder()
	root := b.Declare("root")
	c := schema.New(b, opts)
	compile := c.Compile
	if tool {
		compile = c.Tool
	}
	e, err := compile("x", doc)
	if err != nil {
		var f *schema.Error
		if !errors.As(err, &f) {
			t.Errorf("%s: %v", name, err)
			return
		}
		n.refused[fmt.Sprintf("%v: %s", f.Code, f.Keyword)]++
		return
	}
	n.compiled++
	b.Define(root, e)
	g := b.Grammar(root)
	judge, err := validator(schema.Normalize(doc, opts))
	if err != nil {
		n.unchecked++
		judge = nil
	}
	w := ruletest.NewGenerator(g, uint64(n.compiled))
	for i, size := range []int{0, 5, 20, 60} {
		text, ok := w.Text(size)
		if !ok {
			t.Errorf("%s: compiles and has no instance", name)
			return
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: not JSON: %v: %s", name, err, text)
			return
		}
		if judge != nil {
			if err := judge.Validate(v); err != nil && !disputed.MatchString(err.Error()) {
				t.Errorf("%s: invalid: %s: %v", name, text, err)
				return
			}
		}
		if i == 1 && len(text) < 2000 && !ruletest.Accepts(g, text) {
			t.Errorf("%s: recogniser rejects %s", name, text)
			return
		}
		n.instances++
	}
}

// TestBFCL writes calls for the functions of the Berkeley Function Calling Leaderboard.
func TestBFCL(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata(t, "bfcl"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	n := &tally{refused: make(map[string]int)}
	opts := schema.Options{Whitespace: schema.Model, ClosedObjects: true, PythonNames: true}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, len(text)+1)
		for lines.Scan() {
			var row struct {
				ID       string
				Function json.RawMessage
			}
			if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
				t.Fatal(err)
			}
			n.tools(t, row.ID, row.Function, opts)
		}
	}
	n.log(t)
}

// tools checks the parameters of one function or of a list of them.
func (n *tally) tools(t *testing.T, id string, text []byte, opts schema.Options) {
	doc, err := ojson.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	list := []*ojson.Value{doc}
	if doc.Kind == ojson.Array {
		list = doc.Items
	}
	for i, f := range list {
		if inner := f.Get("function"); inner != nil {
			f = inner
		}
		n.check(t, fmt.Sprintf("%s[%d]", id, i), f.Get("parameters"), opts, true)
	}
}

// TestToolcall does the same for the tools of bilingual conversations.
func TestToolcall(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata(t, "toolcall"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	n := &tally{refused: make(map[string]int)}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var rows []struct{ Tools string }
		if err := json.Unmarshal(text, &rows); err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			if strings.TrimSpace(row.Tools) != "" {
				n.tools(t, fmt.Sprint(filepath.Base(file), i), []byte(row.Tools), schema.Options{Order: schema.SchemaOrder, ClosedObjects: true})
			}
		}
	}
	n.log(t)
}

// TestMaskBench does the same for a sample of real-world schemas, whose valid and invalid
// instances are checked as well.
func TestMaskBench(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata(t, "maskbench"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	stride := 10
	if testing.Short() {
		stride = 100
	}
	n := &tally{refused: make(map[string]int)}
	given := make(map[string]int)
	for i := 0; i < len(files); i += stride {
		text, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		doc, err := ojson.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(files[i])
		n.check(t, name, doc.Get("schema"), schema.Options{Whitespace: schema.Model}, false)
		givenInstances(t, name, doc, given)
	}
	n.log(t)
	t.Logf("given instances: %v", given)
}

// givenInstances checks the instances that come with a schema. Where the collection and
// the validator disagree it is no error.
func givenInstances(t *testing.T, name string, doc *ojson.Value, count map[string]int) {
	b := gbnf.NewBuilder()
	root := b.Declare("root")
	e, err := schema.Compile(b, "x", doc.Get("schema"), schema.Options{})
	if err != nil {
		return
	}
	b.Define(root, e)
	g := b.Grammar(root)
	judge, judgeErr := validator(doc.Get("schema"))
	for i, test := range doc.Get("tests").Items {
		text := spelled(test.Get("data"), true)
		if len(text) > 3000 {
			count["too long"]++
			continue
		}
		valid := test.Get("valid").Bool
		accepted := ruletest.Accepts(g, text)
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case accepted == valid:
			count["right"]++
		case !accepted:
			t.Errorf("%s[%d]: rejected wrongly: %s", name, i, text)
		case judgeErr == nil && judge.Validate(v) == nil:
			count["accepted, as the validator does"]++
		default:
			t.Errorf("%s[%d]: accepted wrongly: %s", name, i, text)
		}
	}
}
