package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// evalRow is a conversation of one question.
const evalRow = `{"conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi"}], "tools": "[]", "meta": {"category": "CATEGORY", "lang": "LANG"}}`

func evalRows(rows ...string) string {
	var sb strings.Builder
	for _, row := range rows {
		category, lang, _ := strings.Cut(row, " ")
		sb.WriteString(strings.NewReplacer("CATEGORY", category, "LANG", lang).Replace(evalRow) + "\n")
	}
	return sb.String()
}

func TestEval(t *testing.T) {
	needRuntime(t)
	dir := benchFolder(t, map[string]string{"q.jsonl": evalRows("talk en", "talk en", "talk zh", "other en")})
	out := t.TempDir()
	file := func(name string) string { return filepath.Join(out, name) }
	eval := func(args ...string) (int, string, string) {
		return execute(append([]string{"eval", "-m", tinyModel, "--gpu-layers", "none", "--max-tokens", "5", "--data", dir}, args...)...)
	}
	code, stdout, stderr := eval("--compare", "--limit", "1", "--json", file("r.json"), "--csv", file("r.csv"), "--plot", file("r.svg"))
	if code != 0 || !strings.Contains(stdout, "3 of 3 items") || !strings.Contains(stdout, "without the grammar") {
		t.Fatalf("exit code %d:\n%s%s", code, stdout, stderr)
	}
	var rep struct {
		Rows []struct{ Mode string }
	}
	text, err := os.ReadFile(file("r.json"))
	if err == nil {
		err = json.Unmarshal(text, &rep)
	}
	if err != nil || len(rep.Rows) != 6 || rep.Rows[0].Mode == rep.Rows[1].Mode {
		t.Errorf("json: %v: %+v", err, rep)
	}
	if text, err := os.ReadFile(file("r.csv")); err != nil || strings.Count(string(text), "\n") != 7 {
		t.Errorf("csv: %v: %s", err, text)
	}
	if text, err := os.ReadFile(file("r.svg")); err != nil || !strings.Contains(string(text), "<svg") {
		t.Errorf("svg: %v", err)
	}
	if code, stdout, _ := eval("--no-grammar", "--category", "talk", "--lang", "zh", "--dialect", "plain-array"); code != 0 ||
		!strings.Contains(stdout, "1 of 1 items") || strings.Contains(stdout, "with the grammar") || !strings.Contains(stdout, "dialect plain-array") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"--category none", exitFailed, `there is no "none" in the data, only other, talk`},
		{"--lang fr", exitFailed, "no questions"},
		{"--limit=-1", exitFailed, "--limit"},
		{"--plot x.pdf", exitFailed, ".png or .svg"},
		{"--compare --no-grammar", exitUsage, "can't be used together"},
		{"--dialect latin", exitFailed, `no dialect "latin"`},
		{"--csv " + file("absent/r.csv"), exitFailed, "no such file"},
	} {
		if code, _, stderr := eval(strings.Fields(tc.args)...); code != tc.code || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: exit code %d: %s", tc.args, code, stderr)
		}
	}
	if code, _, stderr := execute("eval", "--data", filepath.Join(out, "absent")); code != exitFailed || !strings.Contains(stderr, "absent") {
		t.Errorf("absent data: exit code %d: %s", code, stderr)
	}
}
