package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callama/callama/gguf"
)

// benchFolder writes files by name and returns their folder.
func benchFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func runBench(args ...string) (code int, stdout, stderr string) {
	var out, log strings.Builder
	code = run(append([]string{"bench"}, args...), strings.NewReader(""), &out, &log)
	return code, out.String(), log.String()
}

func TestBenchMask(t *testing.T) {
	vocabulary := filepath.Join(t.TempDir(), "vocab.gguf")
	if err := gguf.SynthesizeFile(t.Context(), vocabulary, gguf.SynthConfig{VocabOnly: true}); err != nil {
		t.Fatal(err)
	}
	data := benchFolder(t, map[string]string{
		"S---a.json": `{"schema":{"type":"integer"},"tests":[{"valid":true,"data":12},{"valid":false,"data":"x"}]}`,
		"S---b.json": `{"schema":{"type":"array","items":{"type":"null"}},"tests":[{"valid":true,"data":[null,null]}]}`,
	})
	out := t.TempDir()
	file := func(name string) string { return filepath.Join(out, name) }
	code, stdout, stderr := runBench("mask", "--vocab", vocabulary, "--data", data, "--json", file("r.json"), "--csv", file("r.csv"), "--plot", file("r.svg"))
	if code != 0 || !strings.Contains(stdout, "2 of 2 files") || !strings.Contains(stdout, "2 (100.0 %)") {
		t.Fatalf("exit code %d:\n%s%s", code, stdout, stderr)
	}
	var rep struct {
		All struct {
			Files int            `json:"files"`
			TBM   map[string]int `json:"tbm"`
		} `json:"all"`
	}
	text, err := os.ReadFile(file("r.json"))
	if err == nil {
		err = json.Unmarshal(text, &rep)
	}
	if err != nil || rep.All.Files != 2 || rep.All.TBM["p99_ns"] == 0 {
		t.Errorf("json: %v: %+v", err, rep)
	}
	if text, err := os.ReadFile(file("r.csv")); err != nil || strings.Count(string(text), "\n") != 3 {
		t.Errorf("csv: %v: %s", err, text)
	}
	if text, err := os.ReadFile(file("r.svg")); err != nil || !strings.Contains(string(text), "<svg") {
		t.Errorf("svg of %d bytes: %v", len(text), err)
	}
	if code, stdout, _ := runBench("mask", "--vocab", vocabulary, "--data", data, "--shard", "2/2", "--slowest", "0"); code != 0 ||
		!strings.Contains(stdout, "1 of 1 files") || strings.Contains(stdout, "slowest") {
		t.Errorf("second shard: exit code %d:\n%s", code, stdout)
	}
	for _, args := range [][]string{
		{"--data", data, "--shard", "3"}, {"--data", data, "--shard", "3/2"}, {"--data", data, "--plot", "x.pdf"},
		{"--data", data, "--limit=-1"}, {"--data", t.TempDir()}, {"--data", data, "--timeout", "0s"},
		{"--data", data, "--csv", filepath.Join(out, "absent", "r.csv")}, {"--data", data, "--json", filepath.Join(out, "absent", "r.json")},
	} {
		if code, _, stderr := runBench(append([]string{"mask", "--vocab", vocabulary}, args...)...); code != exitFailed || stderr == "" {
			t.Errorf("%q: exit code %d: %s", args, code, stderr)
		}
	}
	if code, _, stderr := runBench("mask", "--vocab", "absent.gguf", "--data", data); code != exitFailed || !strings.Contains(stderr, "absent.gguf") {
		t.Errorf("absent vocabulary: exit code %d: %s", code, stderr)
	}
}

func TestBenchSuite(t *testing.T) {
	suite := func(valid string) string {
		return benchFolder(t, map[string]string{"tests/draft7/type.json": `[{"description":"d","schema":{"type":"integer"},"tests":[{"description":"one","data":1.0,"valid":` + valid + `}]}]`})
	}
	good, bad := suite("true"), suite("false")
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"right", []string{"--data", good, "--draft", "7", "--fail-on-wrong"}, 0, "1 (100.0 %)"},
		{"wrong", []string{"--data", bad, "--draft", "7"}, 0, "accepted wrongly:"},
		{"wrong and strict", []string{"--data", bad, "--draft", "7", "--fail-on-wrong"}, exitFailed, "accepted wrongly:"},
		{"canonical", []string{"--data", good, "--draft", "7", "--spelling", "canonical", "--order", "schema"}, 0, "rejected wrongly:"},
		{"absent draft", []string{"--data", good}, exitFailed, ""},
		{"unknown draft", []string{"--data", good, "--draft", "3"}, exitUsage, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.json")
			code, stdout, stderr := runBench(append([]string{"suite", "--json", path}, c.args...)...)
			if code != c.code || !strings.Contains(stdout, c.want) {
				t.Errorf("exit code %d, want %d, and %q in\n%s%s", code, c.code, c.want, stdout, stderr)
			}
			if text, err := os.ReadFile(path); c.want != "" && (err != nil || !json.Valid(text)) {
				t.Errorf("json: %v: %s", err, text)
			}
		})
	}
}
