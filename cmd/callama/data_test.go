package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callama/callama/gguf"
)

func runData(args ...string) (code int, stdout, stderr string) {
	var out, log strings.Builder
	code = run(append([]string{"data"}, args...), strings.NewReader(""), &out, &log)
	return code, out.String(), log.String()
}

// TestData goes from nothing to files of tokens.
func TestData(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	do := func(args ...string) (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := runData(args...)
		if code != 0 {
			t.Fatalf("%q: exit code %d: %s", args, code, stderr)
		}
		return stdout, stderr
	}
	do("generate", "--conversations", "300", "--seed", "7", "-o", file("rows/a.jsonl"))
	do("generate", "--conversations", "50", "--split", "heldout", "--stage", "short", "-o", file("held.jsonl"))
	again, _ := do("generate", "--conversations", "300", "--seed", "7", "-o", "-")
	written, err := os.ReadFile(file("rows/a.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != again || strings.Count(again, "\n") != 300 {
		t.Error("the same seed gives other rows")
	}
	do("vocab", "--data", file("rows/a.jsonl"), "--size", "1024", "-o", file("tok"))
	tok, err := gguf.ReadTokenizer(file("tok/tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(tok.Tokens) != 1024 || tok.Pre != gguf.PreQwen2 || !strings.Contains(tok.ChatTemplate, "<tools>") || tok.Tokens[tok.EOS].Text != "<|im_end|>" {
		t.Errorf("tokenizer: %d tokens, pre %q, template of %d bytes", len(tok.Tokens), tok.Pre, len(tok.ChatTemplate))
	}
	for _, dialect := range []string{"hermes", "plain-array"} {
		_, stderr := do("tokens", "--data", file("rows/a.jsonl"), "--data", file("held.jsonl"), "--tokenizer", file("tok"),
			"--dialect", dialect, "--max-tokens", "0", "-o", file(dialect+".tok"))
		data, err := os.ReadFile(file(dialect + ".tok"))
		if err != nil || !bytes.HasPrefix(data, []byte("CALTOK01")) || !strings.Contains(stderr, "350 conversations") {
			t.Errorf("%s: %d bytes, %v: %s", dialect, len(data), err, stderr)
		}
	}
	bad := file("bad.jsonl")
	if err := os.WriteFile(bad, []byte("{\"conversations\": []}\nnot JSON\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"generate", "--conversations", "0", "-o", file("x")}, "--conversations must be positive"},
		{[]string{"generate", "--tasks=-1", "-o", file("x")}, "--tasks must not be negative"},
		{[]string{"generate", "-o", file("tok")}, "is a directory"},
		{[]string{"vocab", "--data", file("absent"), "-o", file("x")}, "absent"},
		{[]string{"vocab", "--data", bad, "-o", file("x")}, "line 2"},
		{[]string{"vocab", "--data", file("held.jsonl"), "--size", "100", "-o", file("x")}, "size 100"},
		{[]string{"tokens", "--data", file("held.jsonl"), "--tokenizer", dir, "-o", file("x")}, "tokenizer.json"},
		{[]string{"tokens", "--data", bad, "--tokenizer", file("tok"), "-o", file("x")}, "bad.jsonl"},
		{[]string{"tokens", "--data", file("held.jsonl"), "--tokenizer", file("tok"), "--max-tokens", "1", "-o", file("x")}, "no conversation"},
	} {
		if code, _, stderr := runData(c.args...); code != exitFailed || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: exit code %d: %s, want %q", c.args, code, stderr, c.want)
		}
	}
}

// TestCreateFile: a file is opened for writing only, so that a pipe that nobody reads ends the command.
func TestCreateFile(t *testing.T) {
	f, err := createFile(filepath.Join(t.TempDir(), "rows"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("the file can be read")
	}
}
