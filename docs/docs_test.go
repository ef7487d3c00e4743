// Package docs_test holds the project's documents to what stands: paths and tests that
// they name exist, every package has its place in ARCHITECTURE.md, and the keyword table is
// what the schema compiler does.
package docs_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
)

var update = flag.Bool("update", false, "rewrite the table in json-schema.md")

// keywordCase is a row of the table: a schema and instances, spelled without white space.
// Several rows of one keyword show uses of it.
type keywordCase struct {
	keyword        string
	use            string // what the row is about, where the keyword has several
	schema         string
	valid, invalid []string
}

// keywordCases has every keyword of drafts 4 to 2020-12 that says something about values.
var keywordCases = []keywordCase{
	{"type", "", `{"type": ["integer", "null"]}`, []string{`7`, `null`}, []string{`1.5`, `"7"`}},
	{"enum", "", `{"enum": ["a", 2, null]}`, []string{`"a"`, `2`, `null`}, []string{`"b"`, `3`}},
	{"const", "", `{"const": {"a": [1]}}`, []string{`{"a":[1]}`}, []string{`{"a":[2]}`, `{}`}},

	{"minimum", "", `{"type": "integer", "minimum": -3}`, []string{`-3`, `40`}, []string{`-4`}},
	{"maximum", "", `{"type": "number", "maximum": 9.5}`, []string{`9.5`, `-40`}, []string{`9.6`}},
	{"exclusiveMinimum", "", `{"type": "integer", "exclusiveMinimum": 3}`, []string{`4`}, []string{`3`}},
	{"exclusiveMaximum", "", `{"type": "number", "exclusiveMaximum": 3}`, []string{`2.99`}, []string{`3`}},
	{"multipleOf", "1", `{"type": "number", "multipleOf": 1}`, []string{`2`}, []string{`2.5`}},
	{"multipleOf", "other numbers", `{"type": "integer", "multipleOf": 5}`, []string{`10`}, []string{`7`}},

	{"minLength", "", `{"type": "string", "minLength": 2}`, []string{`"日本"`}, []string{`"a"`}},
	{"maxLength", "", `{"type": "string", "maxLength": 2}`, []string{`"日本"`}, []string{`"abc"`}},
	{"pattern", "", `{"type": "string", "pattern": "\\d{2}$"}`, []string{`"a 12"`}, []string{`"12 a"`}},
	{"pattern", "with minLength, maxLength", `{"type": "string", "pattern": "^[a-z]+$", "maxLength": 2}`, []string{`"ab"`}, []string{`"abc"`, `"A"`}},
	{"pattern", "with look-around", `{"type": "string", "pattern": "^(?!a)"}`, []string{`"b"`}, []string{`"ab"`}},
	{"format", "", `{"type": "string", "format": "date"}`, []string{`"2026-02-28"`}, []string{`"2026-02-30"`, `"x"`}},
	{"contentEncoding", "", `{"type": "string", "contentEncoding": "base64"}`, []string{`"YQ=="`}, []string{`"!"`}},
	{"contentMediaType", "", `{"type": "string", "contentMediaType": "application/json"}`, []string{`"{}"`}, []string{`"{"`}},

	{"items", "", `{"type": "array", "items": {"type": "boolean"}}`, []string{`[]`, `[true,false]`}, []string{`[1]`}},
	{"prefixItems", "", `{"type": "array", "prefixItems": [{"type": "integer"}], "items": false}`, []string{`[1]`, `[]`}, []string{`["a"]`, `[1,2]`}},
	{"additionalItems", "", `{"$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "items": [{"type": "integer"}], "additionalItems": {"type": "null"}}`, []string{`[1,null]`}, []string{`[1,2]`}},
	{"minItems", "", `{"type": "array", "items": {"const": 1}, "minItems": 2}`, []string{`[1,1]`}, []string{`[1]`}},
	{"maxItems", "", `{"type": "array", "items": {"const": 1}, "maxItems": 2}`, []string{`[1,1]`}, []string{`[1,1,1]`}},
	{"uniqueItems", "", `{"type": "array", "uniqueItems": true}`, []string{`[1,2,"1",{"a":1}]`}, []string{`[1,2,1]`, `[{"a":1,"b":2},{"b":2,"a":1}]`}},
	{"contains", "", `{"type": "array", "items": {"type": "integer"}, "contains": {"const": 1}}`, []string{`[2,1]`}, []string{`[2]`, `[]`}},
	{"minContains", "", `{"type": "array", "items": {"type": "integer"}, "contains": {"const": 1}, "minContains": 2}`, []string{`[1,1]`}, []string{`[1,2]`}},
	{"maxContains", "", `{"type": "array", "items": {"type": "integer"}, "contains": {"const": 1}, "maxContains": 1}`, []string{`[1,2]`}, []string{`[1,1]`}},
	{"unevaluatedItems", "", `{"type": "array", "prefixItems": [{"type": "integer"}], "unevaluatedItems": false}`, []string{`[1]`}, []string{`[1,2]`}},

	{"properties", "", `{"type": "object", "properties": {"a": {"type": "integer"}}}`, []string{`{"a":1}`, `{}`, `{"b":null}`}, []string{`{"a":"x"}`}},
	{"additionalProperties", "", `{"type": "object", "properties": {"a": true}, "additionalProperties": {"type": "null"}}`, []string{`{"a":1,"b":null}`}, []string{`{"b":1}`}},
	{"required", "", `{"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}, "required": ["b"]}`, []string{`{"b":2}`, `{"b":2,"a":1}`}, []string{`{"a":1}`, `{}`}},
	{"minProperties", "", `{"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}, "additionalProperties": false, "minProperties": 1}`, []string{`{"a":1}`, `{"b":2}`}, []string{`{}`}},
	{"maxProperties", "", `{"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}}, "additionalProperties": false, "maxProperties": 1}`, []string{`{"a":1}`, `{}`}, []string{`{"a":1,"b":2}`}},
	{"patternProperties", "", `{"type": "object", "patternProperties": {"^n": {"type": "integer"}}}`, []string{`{"n1":1,"x":null}`}, []string{`{"n1":null}`}},
	{"propertyNames", "", `{"type": "object", "propertyNames": {"maxLength": 2}}`, []string{`{"ab":1}`}, []string{`{"abc":1}`}},
	{"dependentRequired", "", `{"type": "object", "dependentRequired": {"a": ["b"]}}`, []string{`{"a":1,"b":2}`, `{"b":2}`}, []string{`{"a":1}`}},
	{"dependentSchemas", "", `{"type": "object", "dependentSchemas": {"a": {"required": ["b"]}}}`, []string{`{"a":1,"b":2}`}, []string{`{"a":1}`}},
	{"dependencies", "", `{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "dependencies": {"a": ["b"]}}`, []string{`{"a":1,"b":2}`}, []string{`{"a":1}`}},
	{"unevaluatedProperties", "", `{"type": "object", "properties": {"a": true}, "unevaluatedProperties": false}`, []string{`{"a":1}`}, []string{`{"b":1}`}},

	{"$ref", "", `{"$ref": "#/$defs/n", "maximum": 5, "$defs": {"n": {"type": "integer"}}}`, []string{`5`}, []string{`6`, `null`}},
	{"$ref", "recursive", `{"type": "array", "items": {"$ref": "#"}}`, []string{`[[],[[]]]`}, []string{`[1]`}},
	{"$ref", "to an $anchor", `{"$ref": "#n", "$defs": {"n": {"$anchor": "n", "type": "integer"}}}`, []string{`5`}, []string{`null`}},
	{"$ref", "to another document", `{"$ref": "https://example.com/schema.json"}`, nil, nil},
	{"$dynamicRef", "", `{"$dynamicAnchor": "n", "type": "array", "items": {"$dynamicRef": "#n"}}`, []string{`[[]]`}, []string{`[1]`}},
	{"$recursiveRef", "", `{"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveAnchor": true, "type": "array", "items": {"$recursiveRef": "#"}}`, []string{`[[]]`}, []string{`[1]`}},

	{"allOf", "", `{"allOf": [{"type": "integer"}, {"minimum": 3}]}`, []string{`3`}, []string{`2`, `3.5`}},
	{"anyOf", "", `{"anyOf": [{"type": "integer"}, {"const": "x"}]}`, []string{`3`, `"x"`}, []string{`"y"`}},
	{"oneOf", "branches that exclude each other", `{"oneOf": [{"properties": {"kind": {"const": "a"}, "x": {"const": 1}}, "required": ["kind", "x"], "type": "object"}, {"properties": {"kind": {"const": "b"}}, "required": ["kind"], "type": "object"}]}`, []string{`{"kind":"a","x":1}`, `{"kind":"b"}`}, []string{`{"kind":"a"}`, `{"kind":"c"}`}},
	{"oneOf", "branches that overlap", `{"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 2}]}`, []string{`1`, `2.5`}, []string{`3`, `1.5`}},
	{"not", "", `{"type": "integer", "not": {"const": 3}}`, []string{`2`}, []string{`3`}},
	{"if", "with then and else", `{"type": "integer", "if": {"minimum": 10}, "then": {"maximum": 20}, "else": {"minimum": 5}}`, []string{`15`, `5`}, []string{`21`, `4`}},
	{"nullable", "OpenAPI's, beside type", `{"type": "integer", "nullable": true}`, []string{`1`, `null`}, []string{`"x"`}},
}

// annotations may be left unenforced: the standard's default is to collect, not to assert.
var annotations = []string{"format", "contentEncoding", "contentMediaType"}

// What the table says about a row.
const (
	enforced  = "enforced"
	refused   = "refused"
	annotated = "annotation"
)

// status compiles the row's schema and judges its instances.
func (c keywordCase) status() (string, error) {
	g, err := schema.CompileText([]byte(c.schema), schema.Options{})
	if errors.Is(err, schema.ErrUnsupported) || errors.Is(err, schema.ErrReference) {
		return refused, nil
	}
	if err != nil {
		return "", err
	}
	for _, text := range c.valid {
		if !ruletest.Accepts(g, text) {
			return "", fmt.Errorf("the valid instance %s is rejected", text)
		}
	}
	accepted := 0
	for _, text := range c.invalid {
		if ruletest.Accepts(g, text) {
			accepted++
		}
	}
	switch {
	case accepted == 0:
		return enforced, nil
	case accepted == len(c.invalid) && slices.Contains(annotations, c.keyword):
		return annotated, nil
	}
	return "", fmt.Errorf("%d of %d invalid instances are accepted", accepted, len(c.invalid))
}

// TestKeywordTable compares the table in json-schema.md with what the compiler does.
func TestKeywordTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("| keyword | | example |\n|---|---|---|\n")
	for _, c := range keywordCases {
		status, err := c.status()
		if err != nil {
			t.Errorf("%s (%s): %v", c.keyword, c.schema, err)
		}
		name := "`" + c.keyword + "`"
		if c.use != "" {
			name += ", " + c.use
		}
		fmt.Fprintf(&table, "| %s | %s | `%s` |\n", name, status, strings.ReplaceAll(c.schema, "|", `\|`))
	}
	const name, begin, end = "json-schema.md", "<!-- keywords -->\n", "<!-- end of keywords -->\n"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", name)
	}
	switch {
	case old == table.String():
	case *update && !t.Failed():
		if err := os.WriteFile(name, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table in docs/%s is not what the compiler does; go test ./docs -update rewrites it. Want:\n%s", name, table.String())
	}
}

// document is a Markdown file of the project, by its path from the root.
type document struct{ path, text string }

func documents(t *testing.T) []document {
	t.Helper()
	paths, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range paths {
		paths[i] = "docs/" + p
	}
	var docs []document
	for _, p := range append(paths, "README.md", "ARCHITECTURE.md", "RATIONALE.md") {
		text, err := os.ReadFile(filepath.Join("..", p))
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, document{p, string(text)})
	}
	return docs
}

var (
	fencedCode = regexp.MustCompile("(?ms)^```.*?^```")
	codeSpan   = regexp.MustCompile("`([^`\n]+)`")
	link       = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	sourcePath = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)*(/|\.(go|md|c|h|py|txt|jinja))$`)
	testName   = regexp.MustCompile(`^(Test|Fuzz|Example)[A-Z]\w*$`)
)

// TestPaths checks that the files and folders that the documents name exist.
func TestPaths(t *testing.T) {
	for _, d := range documents(t) {
		text := fencedCode.ReplaceAllString(d.text, "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join("..", filepath.Dir(d.path), m[1])); err != nil {
				t.Errorf("%s: broken link: %v", d.path, err)
			}
		}
		for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
			if !sourcePath.MatchString(m[1]) {
				continue
			}
			if _, err := os.Stat(filepath.Join("..", m[1])); err != nil {
				t.Errorf("%s: %v", d.path, err)
			}
		}
	}
}

// tree walks the source files of the module: Go files by folder and all their text.
func tree(t *testing.T) (folders map[string]bool, tests string) {
	t.Helper()
	folders = map[string]bool{}
	var all strings.Builder
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := filepath.Base(path)
		switch {
		case d.IsDir() && path != "." && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		case !strings.HasSuffix(path, "_test.go"):
			folders[filepath.Dir(path)] = true
			return nil
		}
		text, err := os.ReadFile(filepath.Join("..", path))
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders, all.String()
}

// TestNames checks that the tests that the documents name exist, and that ARCHITECTURE.md
// has a place for every package.
func TestNames(t *testing.T) {
	folders, tests := tree(t)
	for _, d := range documents(t) {
		for _, m := range codeSpan.FindAllStringSubmatch(d.text, -1) {
			if testName.MatchString(m[1]) && !strings.Contains(tests, "func "+m[1]+"(") {
				t.Errorf("%s: there is no %s", d.path, m[1])
			}
		}
		if d.path != "ARCHITECTURE.md" {
			continue
		}
		for folder := range folders {
			if folder != "." && !strings.Contains(d.text, "`"+folder+"/`") {
				t.Errorf("%s: does not name `%s/`", d.path, folder)
			}
		}
	}
}
