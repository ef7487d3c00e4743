package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/gguf"
)

// model runs "callama model" with arguments.
func model(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(append([]string{"model"}, args...), strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestModelSynth(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.gguf")
	code, out, stderr := model("synth", "--quant", "q4_0", "--seed", "7", "-o", path)
	if code != 0 || !strings.HasPrefix(out, path+": ") || stderr != "" {
		t.Fatalf("exit %d, %q, %q", code, out, stderr)
	}
	var want bytes.Buffer
	if err := gguf.Synthesize(t.Context(), &want, gguf.SynthConfig{Quant: gguf.Q4_0, Seed: 7}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("the file is not the one of its shape, type and seed: %v", err)
	}
	t.Chdir(dir)
	for name, args := range map[string][]string{
		"tiny-q8_0.gguf": {"synth"}, "llama3.2-1b-vocab.gguf": {"synth", "--shape", "llama3.2-1b", "--vocab-only"},
	} {
		if code, _, stderr := model(args...); code != 0 {
			t.Errorf("%s: exit %d, %s", name, code, stderr)
		}
		if _, err := os.Stat(name); err != nil {
			t.Errorf("the default name: %v", err)
		}
	}
}

func TestModelSynthListsEveryShape(t *testing.T) {
	code, out, _ := model("synth", "--help")
	for _, shape := range gguf.Shapes() {
		if code != 0 || !strings.Contains(out, shape) {
			t.Errorf("exit %d: the help lacks %s", code, shape)
		}
	}
}

func TestModelSynthRefuses(t *testing.T) {
	dir := t.TempDir()
	notJSON := filepath.Join(dir, "tokenizer.json")
	if err := os.WriteFile(notJSON, []byte("no JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(dir, "m.gguf")
	for _, tc := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"unknown shape", []string{"--shape", "huge"}, exitUsage, "--shape must be one of"},
		{"unknown type", []string{"--quant", "q5_k"}, exitUsage, "--quant must be one of"},
		{"seed below 0", []string{"--seed", "-1"}, exitUsage, "seed"},
		{"missing tokenizer", []string{"--tokenizer", filepath.Join(dir, "none.json")}, exitUsage, "none.json"},
		{"tokenizer that is not JSON", []string{"--tokenizer", notJSON}, exitFailed, "gguf: tokenizer: invalid character"},
		{"pre alone", []string{"--pre", "qwen2"}, exitFailed, "--pre needs --tokenizer"},
	} {
		code, _, stderr := model(append([]string{"synth", "-o", target}, tc.args...)...)
		if code != tc.code || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: exit %d, %q, want exit %d and %q", tc.name, code, stderr, tc.code, tc.want)
		}
	}
	if code, _, stderr := model("synth", "-o", filepath.Join(dir, "none", "m.gguf")); code != exitFailed || !strings.Contains(stderr, "no such file") {
		t.Errorf("a missing folder: exit %d, %q", code, stderr)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("failed commands left %v, %v", entries, err)
	}
}

func TestModelInfo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{Quant: gguf.Q8_0}); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := model("info", path, "--ctx", "4000")
	for _, want := range []string{
		`architecture "qwen2"`, "26 tensors, 127552 parameters", "Q8_0", "in 15 tensors", "layers           2\n",
		"gpt2 qwen2, 832 tokens (55 unused), 512 merges", `"<|im_end|> (770)"`,
		"dialect hermes, markers: <|im_start|> <tools> <tool_call>", "at 4096 tokens of context", "KV cache       1.0 MiB",
	} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit %d, %q: no %q in\n%s", code, stderr, want, out)
		}
	}
	code, out, _ = model("info", "--json", path)
	var report modelReport
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil {
		t.Fatalf("exit %d, %v in %s", code, err, out)
	}
	if report.Kind != "model" || report.Tokenizer.Tokens != 832 || report.Memory.Context != 32768 || report.Memory.KV != 8<<20 ||
		report.Template.Dialect != "hermes" || !slices.Contains(report.Template.Markers, "<tool_call>") || report.Quants[0].Type != "Q8_0" {
		t.Errorf("report %s", out)
	}
}

func TestModelInfoOfOtherFiles(t *testing.T) {
	dir := t.TempDir()
	base, vocab, adapter, broken := filepath.Join(dir, "m"), filepath.Join(dir, "v"), filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := gguf.SynthesizeFile(t.Context(), base, gguf.SynthConfig{}); err != nil {
		t.Fatal(err)
	}
	if err := gguf.SynthesizeFile(t.Context(), vocab, gguf.SynthConfig{VocabOnly: true}); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(base)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := gguf.SynthesizeAdapterFile(t.Context(), adapter, f, gguf.AdapterConfig{}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(broken, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path string
		code int
		want string
	}{
		{vocab, 0, "vocabulary"},
		{adapter, 0, "lora, rank 8, alpha 16, on attn_q attn_v"},
		{broken, exitFailed, "the file is truncated"},
		{dir, exitFailed, "not a regular file"},
		{filepath.Join(dir, "none"), exitFailed, "no such file"},
		{"builtin:huge", exitFailed, "no built-in model"},
	} {
		code, out, stderr := model("info", tc.path)
		if code != tc.code || !strings.Contains(out+stderr, tc.want) {
			t.Errorf("%s: exit %d, %q, %q, want exit %d and %q", tc.path, code, out, stderr, tc.code, tc.want)
		}
		if code == 0 && strings.Contains(out, "memory") {
			t.Errorf("%s: an estimate for what is no model:\n%s", tc.path, out)
		}
	}
	if code, out, _ := model("info", tinyModel); code != 0 || !strings.Contains(out, "127552 parameters") {
		t.Errorf("the synthetic model: exit %d\n%s", code, out)
	}
	if code, _, stderr := model("info", base, "--ctx=-5"); code != exitFailed || !strings.Contains(stderr, "--ctx is -5") {
		t.Errorf("a context below 0: exit %d, %q", code, stderr)
	}
}

func TestFormatBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 500 << 20: "500.0 MiB", 1 << 62: "4.0 EiB"} {
		if got := formatBytes(n); got != want {
			t.Errorf("%d bytes are %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{127552: "127552", 494032768: "494.0M", 7615616512: "7.6B"} {
		if got := formatCount(n); got != want {
			t.Errorf("%d parameters are %q, want %q", n, got, want)
		}
	}
}
