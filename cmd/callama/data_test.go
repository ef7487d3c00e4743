package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/train/corpus"
	"github.com/callama/callama/train/tokenizer"
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

// TestDataIsInOrder: what all cores write is what a loop over the rows writes.
func TestDataIsInOrder(t *testing.T) {
	const n = 400
	dir := t.TempDir()
	rows, tokens, learned := filepath.Join(dir, "rows.jsonl"), filepath.Join(dir, "rows.tok"), filepath.Join(dir, "tok")
	for _, args := range [][]string{
		{"generate", "--conversations", strconv.Itoa(n), "--seed", "9", "-o", rows},
		{"vocab", "--data", rows, "--size", "1024", "-o", learned},
		{"tokens", "--data", rows, "--tokenizer", learned, "--max-tokens", "800", "-o", tokens},
	} {
		if code, _, stderr := runData(args...); code != 0 {
			t.Fatalf("%q: exit code %d: %s", args, code, stderr)
		}
	}
	tok, err := gguf.ReadTokenizer(filepath.Join(learned, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	renderer, err := tokenizer.NewRenderer(tok, chat.Hermes)
	if err != nil {
		t.Fatal(err)
	}
	file, err := renderer.NewFile()
	if err != nil {
		t.Fatal(err)
	}
	var wantRows, wantTokens bytes.Buffer
	enc := json.NewEncoder(&wantRows)
	enc.SetEscapeHTML(false)
	for i := range uint64(n) {
		row, err := corpus.Config{Seed: 9}.Row(i)
		if err != nil {
			t.Fatal(err)
		}
		conversation, err := renderer.Conversation(row)
		if err != nil {
			t.Fatal(err)
		}
		file.Add(conversation, 800)
		if err := enc.Encode(row); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := file.WriteTo(&wantTokens); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(rows); err != nil || !bytes.Equal(got, wantRows.Bytes()) {
		t.Errorf("%d bytes of rows are not the %d of a loop, error %v", len(got), wantRows.Len(), err)
	}
	if got, err := os.ReadFile(tokens); err != nil || !bytes.Equal(got, wantTokens.Bytes()) {
		t.Errorf("%d bytes of tokens are not the %d of a loop, error %v", len(got), wantTokens.Len(), err)
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
