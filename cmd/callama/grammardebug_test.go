package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/explain"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const ticketSchema = `{"type": "object", "required": ["id"], "additionalProperties": false, "properties": {
  "id": {"type": "string", "pattern": "^[A-Z]{2}-\\d{4}$"},
  "tags": {"type": "array", "items": {"enum": ["new", "old"]}, "maxItems": 3}}}`

var stateNumber = regexp.MustCompile(`state \d+`)

// TestGrammarDebug compares walks with golden files.
func TestGrammarDebug(t *testing.T) {
	paths := writeFiles(t, map[string]string{"ticket.json": ticketSchema, "tools.json": addTool,
		"list.gbnf": "root ::= list\nlist ::= list \",\" item | item\nitem ::= [a-z]+ | <think>"})
	for _, tc := range []struct {
		name string
		args []string
		code int
	}{
		{"valid", []string{"--schema", paths["ticket.json"], `{"id": "WK-2555"}`}, 0},
		{"refused", []string{"--schema", paths["ticket.json"], "--last", "3", `{"id": "WK-25x", "tags": []}`}, exitFailed},
		{"incomplete", []string{"--schema", paths["ticket.json"], "--last", "2", `{"id": "WK-2555", "tags": ["ol`}, exitFailed},
		{"tools", []string{"--tools", paths["tools.json"], "--last", "1", `[{"name": "add", "arguments": {"x": 1, "z"`}, exitFailed},
		{"hermes", []string{"--tools", paths["tools.json"], "--dialect", "hermes", "--last", "1", "<tool_call>\n{\"name\": \"sub"}, exitFailed},
		{"markup", []string{"--tools", paths["tools.json"], "--dialect", "qwen3-coder", "--last", "1", "<tool_call>\n<function=add>\n<parameter=x>\nseven"}, exitFailed},
		{"regex", []string{"--regex", `v\d+(\.\d+){1,2}`, "--last", "2", "v1.2.3.4"}, exitFailed},
		{"order", []string{"--schema", paths["ticket.json"], "--last", "1", `{"tags": ["new"], "id": "WK-2555"}`}, exitFailed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, out, stderr := command(append([]string{"grammar", "debug"}, tc.args...)...)
			if code != tc.code {
				t.Errorf("exit %d, want %d: %s", code, tc.code, stderr)
			}
			if strings.Contains(out, "\x1b") {
				t.Error("colours where there is no terminal")
			}
			out = stateNumber.ReplaceAllString(out, "state N") // in the order of exploring
			golden := filepath.Join("testdata", "debug", tc.name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if out != string(want) {
				t.Errorf("got\n%s\nwant\n%s", out, want)
			}
		})
	}
}

func TestGrammarDebugErrors(t *testing.T) {
	paths := writeFiles(t, map[string]string{"bad.json": `{"type": 3}`, "terminal.gbnf": "root ::= <think>"})
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no grammar", []string{"x"}, exitUsage, "--schema"},
		{"bad schema", []string{"--schema", paths["bad.json"], "1"}, exitFailed, `/type`},
		{"bad pattern", []string{"--regex", "a)(b", "x"}, exitFailed, "unmatched"},
		{"no dialect", []string{"--tools", paths["bad.json"], "--dialect", "morse", "x"}, exitFailed, "hermes"},
		{"token without a vocabulary", []string{"--gbnf", paths["terminal.gbnf"], "x"}, exitFailed, "no token <think>"},
		{"tokens without a vocabulary", []string{"--regex", "x", "--tokens", "1 2"}, exitFailed, "--tokens needs --vocab"},
		{"two standard inputs", []string{"--schema", "-"}, exitFailed, "both"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, out, stderr := command(append([]string{"grammar", "debug"}, tc.args...)...)
			if code != tc.code || out != "" || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit %d, want %d; %q; want %q in %q", code, tc.code, out, tc.want, stderr)
			}
		})
	}
}

// TestGrammarDebugVocabulary walks by the tokens of a real vocabulary.
func TestGrammarDebugVocabulary(t *testing.T) {
	dir := os.Getenv("CALLAMA_TESTDATA")
	if dir == "" {
		t.Skip("CALLAMA_TESTDATA is not set")
	}
	tokenizer := filepath.Join(dir, "tokenizers", "qwen2.5", "tokenizer.json")
	if _, err := os.Stat(tokenizer); err != nil {
		t.Skipf("no test data (see CALLAMA_TESTDATA): %v", err)
	}
	paths := writeFiles(t, map[string]string{"ticket.json": ticketSchema})
	args := []string{"grammar", "debug", "--json", "--schema", paths["ticket.json"], "--vocab", tokenizer}
	code, out, stderr := command(append(args, `{"id": "WK-2555", "tags": ["odd"]}`)...)
	var r explain.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitFailed {
		t.Fatalf("exit %d: %v: %s", code, err, stderr)
	}
	if r.Outcome != explain.Refused || len(r.Refusal.Causes) != 1 || r.Refusal.Causes[0].Pointer != "/properties/tags/items/enum" {
		t.Errorf("%+v", r.Refusal)
	}
	if n := len(r.Steps); n < 10 || n > 20 {
		t.Errorf("%d steps", n)
	}
	var ids []string
	for _, s := range r.Steps {
		if s.Token < 0 || s.Allowed < 1 || len(s.Examples) == 0 || s.Least < 1 {
			t.Errorf("%+v", s)
		}
		b, err := json.Marshal(s.Token)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, string(b))
	}
	// The same walk, given as tokens.
	_, again, _ := command(append(args, "--tokens", "["+strings.Join(ids, ", ")+"]")...)
	var b explain.Report
	if err := json.Unmarshal([]byte(again), &b); err != nil || len(b.Steps) != len(r.Steps) || b.Refusal.Offset != r.Refusal.Offset {
		t.Errorf("by tokens: %v, %+v", err, b.Refusal)
	}
}

// TestLenientFlags: --strict-formats refuses, --lenient lists what it leaves out.
func TestLenientFlags(t *testing.T) {
	paths := writeFiles(t, map[string]string{
		"format.json": `{"type": "string", "format": "colour"}`,
		"tools.json":  `[{"name": "a", "parameters": {"type": "object", "properties": {"x": {"type": "string", "pattern": "(a)\\1"}}}}]`,
	})
	if code, _, stderr := command("grammar", "check", paths["format.json"]); code != 0 {
		t.Errorf("an unknown format is refused without --strict-formats: %s", stderr)
	}
	code, out, _ := command("grammar", "check", "--strict-formats", paths["format.json"])
	if code == 0 || !strings.Contains(out, `/format: keyword "format"`) {
		t.Errorf("exit %d: %s", code, out)
	}
	code, out, _ = command("grammar", "check", "--lenient", "--json", paths["tools.json"])
	var reports []checkReport
	if err := json.Unmarshal([]byte(out), &reports); err != nil || code != 0 {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	if d := reports[0].Dropped; len(d) != 1 || d[0].Tool != "a" || d[0].Pointer != "/properties/x/pattern" || d[0].Keyword != "pattern" {
		t.Errorf("dropped %+v", d)
	}
	code, out, stderr := command("grammar", "print", "--lenient", "--tools", paths["tools.json"])
	if code != 0 || !strings.Contains(out, "root ::=") || !strings.Contains(stderr, "warning: not enforced: schema: tools/a: /properties/x/pattern") {
		t.Errorf("exit %d: %s%s", code, stderr, out)
	}
}
