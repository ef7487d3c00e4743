package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
)

// writeFiles puts texts into files of a new folder and returns their paths by name.
func writeFiles(t *testing.T, texts map[string]string) map[string]string {
	t.Helper()
	dir, paths := t.TempDir(), make(map[string]string)
	for name, text := range texts {
		paths[name] = filepath.Join(dir, name)
		if err := os.WriteFile(paths[name], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

const (
	addTool    = `[{"name": "add", "parameters": {"type": "object", "properties": {"x": {"type": "int"}, "y": {"type": "int"}}, "required": ["x", "y"]}}]`
	flagSchema = `{"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"], "additionalProperties": false}`
)

func TestGrammarPrint(t *testing.T) {
	paths := writeFiles(t, map[string]string{
		"tools.json": addTool, "schema.json": flagSchema, "g.gbnf": "list ::= list \",\" x | x\nx ::= [0-9]",
	})
	for _, tc := range []struct {
		name string
		args []string
		want []string // parts of the output
		none []string // what is not in it
	}{
		{"tools", []string{"--tools", paths["tools.json"]}, []string{`root ::= `, `\"x\": `, `\"y\": `, `"\"y\": " integer ", " "\"x\": "`}, nil},
		{"tools in order", []string{"--tools", paths["tools.json"], "--order", "schema"}, []string{`"\"x\": " integer ", " "\"y\": "`},
			[]string{`"\"y\": " integer ", " "\"x\": "`}},
		{"tools between tags", []string{"--tools", paths["tools.json"], "--dialect", "qwen3-coder"}, []string{`<function=`, `parameter=x>\n`}, nil},
		{"compact", []string{"--tools", paths["tools.json"], "--whitespace", "compact"}, []string{`"\"y\":"`}, []string{`"\"y\": "`}},
		{"schema", []string{"--schema", paths["schema.json"]}, []string{`\"on\": `, `"true" | "false"`}, nil},
		{"gbnf", []string{"--gbnf", paths["g.gbnf"], "--root", "list"}, []string{"root ::= x list-tail\n", "x ::= [0-9]\n"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, out, stderr := command(append([]string{"grammar", "print"}, tc.args...)...)
			if code != 0 || stderr != "" {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			if _, err := gbnf.Parse(out); err != nil {
				t.Errorf("%v in\n%s", err, out)
			}
			for _, part := range tc.want {
				if !strings.Contains(out, part) {
					t.Errorf("no %s in\n%s", part, out)
				}
			}
			for _, part := range tc.none {
				if strings.Contains(out, part) {
					t.Errorf("%s in\n%s", part, out)
				}
			}
		})
	}
}

func TestGrammarPrintErrors(t *testing.T) {
	paths := writeFiles(t, map[string]string{
		"tools.json": `[{"name": "a", "parameters": {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a|b)\\1$"}}}}]`,
		"broken":     `[{"name": `, "g.gbnf": "root ::= x",
	})
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no input", nil, exitUsage, "--tools"},
		{"two inputs", []string{"--tools", "a", "--gbnf", "b"}, exitUsage, "--gbnf"},
		{"no file", []string{"--tools", filepath.Join(t.TempDir(), "none")}, exitFailed, "no such file"},
		{"not JSON", []string{"--tools", paths["broken"]}, exitFailed, "json: at byte"},
		{"keyword", []string{"--tools", paths["tools.json"]}, exitFailed, `tools/a: /properties/x/pattern`},
		{"undefined rule", []string{"--gbnf", paths["g.gbnf"]}, exitFailed, `line 1, column 10: rule "x" is not defined`},
		{"no such root", []string{"--gbnf", paths["g.gbnf"], "--root", "y"}, exitFailed, `rule "x" is not defined`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, out, stderr := command(append([]string{"grammar", "print"}, tc.args...)...)
			if code != tc.code || out != "" || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit %d, want %d; %q; want %q in %q", code, tc.code, out, tc.want, stderr)
			}
		})
	}
}

func TestGrammarCheck(t *testing.T) {
	paths := writeFiles(t, map[string]string{
		"tools.json": addTool, "schema.json": flagSchema, "one.json": `{"function": {"name": "f"}}`, "bare": flagSchema,
		"good.gbnf": `root ::= "a"`, "odd.ebnf": "root ::= root \"a\" | \"b\" loop | \"c\"\nloop ::= \"l\" loop\nlost ::= \"l\"", "text": "# rules\nroot ::= \"a\"",
		"bad.gbnf": "root ::= \"a\n", "bad.json": `{"type": "object", "properties": {"x": {"type": "string", "pattern": "("}}}`,
		"two.json":   `[{"name": "a", "parameters": {"type": 3}}, {"name": "b", "parameters": {"$ref": "#/none"}}]`,
		"empty.gbnf": `root ::= "a" root`,
	})
	for _, tc := range []struct {
		file string
		kind sourceKind
		ok   bool
		want string // in the report's JSON
	}{
		{"tools.json", toolsSource, true, `"tools": 1`},
		{"one.json", toolsSource, true, `"tools": 1`},
		{"schema.json", schemaSource, true, `"rules": `},
		{"bare", schemaSource, true, `"rules": `},
		{"good.gbnf", gbnfSource, true, `"rules": 1`},
		{"text", gbnfSource, true, `"rules": 1`},
		{"odd.ebnf", gbnfSource, true, "\"not used: lost\",\n      \"can never end: loop\",\n      \"left recursive (llama.cpp would refuse them): root\""},
		{"bad.gbnf", gbnfSource, false, "\"line\": 1,\n        \"column\": 10,\n        \"offset\": 9"},
		{"bad.json", schemaSource, false, `"pointer": "/properties/x/pattern",` + "\n" + `        "keyword": "pattern"`},
		{"two.json", toolsSource, false, `"tool": "b"`},
		{"empty.gbnf", gbnfSource, false, "derives no finite text"},
	} {
		t.Run(tc.file, func(t *testing.T) {
			path := paths[tc.file]
			code, out, _ := command("grammar", "check", "--json", path)
			var reports []checkReport
			if err := json.Unmarshal([]byte(out), &reports); err != nil || len(reports) != 1 {
				t.Fatalf("%v: %s", err, out)
			}
			if r := reports[0]; r.Kind != tc.kind || r.OK != tc.ok || r.File != path || (code == 0) != tc.ok {
				t.Errorf("exit %d, %+v", code, r)
			}
			if !strings.Contains(out, tc.want) {
				t.Errorf("no %s in\n%s", tc.want, out)
			}
		})
	}

	code, out, stderr := command("grammar", "check", paths["good.gbnf"], paths["bad.gbnf"], paths["tools.json"])
	if code != exitFailed || !strings.Contains(stderr, "1 of 3 files failed") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	for _, want := range []string{"good.gbnf: ok, gbnf, 1 rule\n", "bad.gbnf: failed\n  gbnf: line 1, column 10: ", "tools.json: ok, 1 tool, "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestExampleTools holds that the tools of "make run" can be enforced.
func TestExampleTools(t *testing.T) {
	code, out, stderr := command("grammar", "check", filepath.Join("..", "..", "examples", "tools.json"))
	if code != 0 || !strings.Contains(out, "ok, 3 tools") {
		t.Errorf("exit %d: %s%s", code, out, stderr)
	}
}
