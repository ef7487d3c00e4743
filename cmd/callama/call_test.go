package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/callama/callama/engine/runtimes"
)

// TestCallShapes: a reply that is asked for by its shape is what is printed.
func TestCallShapes(t *testing.T) {
	if _, err := runtimes.Find(""); err != nil {
		t.Skipf("no llama.cpp runtime here (make runtime): %v", err)
	}
	paths := writeFiles(t, map[string]string{"s.json": `{"type": "string", "pattern": "^[a-c]{2}$"}`, "g.gbnf": `root ::= "<" [0-9]{3} ">"`,
		"odd.json": `{"type": "string", "pattern": "(a)\\1|b", "maxLength": 3}`, "tools.json": addTool})
	for _, tc := range []struct {
		name string
		args []string
		want string // a pattern
	}{
		{"schema", []string{"--schema", paths["s.json"]}, `^"[a-c]{2}"\n$`},
		{"regex", []string{"--regex", `\d{2}-[xy]`}, `^\d{2}-[xy]\n$`},
		{"choice", []string{"--choice", "red", "--choice", "light, green"}, `^(red|light, green)\n$`},
		{"grammar", []string{"--grammar", paths["g.gbnf"]}, `^<\d{3}>\n$`},
		{"without forced tokens", []string{"--no-forced", "--regex", "abc"}, `^abc\n$`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, out, stderr := command(append(append([]string{"call"}, tc.args...), "Say it.")...)
			if code != 0 || !regexp.MustCompile(tc.want).MatchString(out) {
				t.Errorf("exit %d: %q %s", code, out, stderr)
			}
		})
	}
	code, _, stderr := command("call", "--schema", paths["odd.json"], "Say it.")
	if code != exitFailed || !strings.Contains(stderr, "/pattern") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	code, out, stderr := command("call", "--lenient", "--max-tokens", "20", "--schema", paths["odd.json"], "Say it.")
	if code != 0 || !strings.HasPrefix(out, `"`) || !strings.Contains(stderr, "warning: not enforced: schema: /pattern") {
		t.Errorf("exit %d: %q %s", code, out, stderr)
	}
	if code, _, stderr = command("call", "--regex", "a", "--choice", "b", "Say it."); code != exitUsage {
		t.Errorf("two shapes: exit %d: %s", code, stderr)
	}
	if code, _, stderr = command("call", "--regex", "a", "--tools", paths["tools.json"], "Say it."); code != exitFailed || !strings.Contains(stderr, "cannot both shape") {
		t.Errorf("tools and a shape: exit %d: %s", code, stderr)
	}
}
