package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callama/callama/engine"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/sampler"
)

// tinyModel writes a tiny synthetic model, or skips where there is no llama.cpp.
func tinyModel(t testing.TB) string {
	t.Helper()
	if _, err := runtimes.Find(""); err != nil {
		t.Skipf("no llama.cpp runtime here (make runtime): %v", err)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	return path
}

// open loads a model with one thread.
func open(t testing.TB, path string, cfg engine.Config) *engine.Model {
	t.Helper()
	cfg.Threads = 1
	m, err := engine.Open(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

const jsonArray = `root ::= "[" ws (value ("," ws value)*)? "]"
value ::= (object | array | string | number | "true" | "false" | "null") ws
object ::= "{" ws (string ":" ws value ("," ws string ":" ws value)*)? "}"
array ::= "[" ws (value ("," ws value)*)? "]"
string ::= "\"" ([^"\\\x00-\x1f] | "\\" ["\\/bfnrt])* "\"" ws
number ::= "-"? ("0" | [1-9] [0-9]*) ("." [0-9]+)?
ws ::= ([ \t\n] ws)?
`

func compile(t testing.TB, m *engine.Model, text string) *grammar.Compiled {
	t.Helper()
	g, err := gbnf.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := grammar.Compile(g, m.Vocab(), grammar.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func prompt(t testing.TB, m *engine.Model, text string) []int32 {
	t.Helper()
	p, err := m.TokenizePrompt(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// generate returns the text of one generation.
func generate(t testing.TB, m *engine.Model, req engine.Request) (string, engine.Result) {
	t.Helper()
	var text bytes.Buffer
	res, err := m.Generate(t.Context(), req, func(b []byte) error { text.Write(b); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return text.String(), res
}

func TestGenerateUnderAGrammar(t *testing.T) {
	m := open(t, tinyModel(t), engine.Config{})
	g := compile(t, m, jsonArray)
	p := prompt(t, m, "<|im_start|>user\nnumbers<|im_end|>\n<|im_start|>assistant\n")
	for seed := range uint64(30) {
		text, res := generate(t, m, engine.Request{Prompt: p, Grammar: g, MaxTokens: 40 + int(seed),
			Sampling: sampler.Config{Temperature: 1.5, Seed: seed}})
		var array []any
		if err := json.Unmarshal([]byte(text), &array); err != nil {
			t.Errorf("seed %d: %v: %s", seed, err, text)
		}
		if res.Finish != engine.FinishEnd || len(res.Tokens) > 40+int(seed) {
			t.Errorf("seed %d: finish %d after %d tokens", seed, res.Finish, len(res.Tokens))
		}
	}
}

func TestBudgetTooSmall(t *testing.T) {
	m := open(t, tinyModel(t), engine.Config{})
	g := compile(t, m, `root ::= "[" [0-9]{40} "]"`)
	_, res := generate(t, m, engine.Request{Prompt: prompt(t, m, "x"), Grammar: g, MaxTokens: 5})
	if res.Finish != engine.FinishLength || len(res.Tokens) != 5 {
		t.Errorf("finish %d after %d tokens, want length after 5", res.Finish, len(res.Tokens))
	}
}

// TestSameOutput checks what must not change the tokens: other generations before and at the
// same time, and the size of prompt batches, which changes the rounding of the logits and
// therefore only near ties.
func TestSameOutput(t *testing.T) {
	path := tinyModel(t)
	m := open(t, path, engine.Config{})
	text := "<|im_start|>user\n" + strings.Repeat("a long question ", 40) + "<|im_end|>\n<|im_start|>assistant\n"
	req := engine.Request{Prompt: prompt(t, m, text), MaxTokens: 60, Sampling: sampler.Config{Temperature: 1, Seed: 5}}
	_, want := generate(t, m, req)
	if len(want.Tokens) == 0 {
		t.Fatal("nothing generated")
	}
	t.Run("batch", func(t *testing.T) {
		small := open(t, path, engine.Config{Batch: 32})
		for n := 10; n <= len(req.Prompt); n += 10 {
			first := engine.Request{Prompt: req.Prompt[:n], MaxTokens: 1, IgnoreEnd: true}
			_, want := generate(t, m, first)
			if _, got := generate(t, small, first); !slices.Equal(got.Tokens, want.Tokens) {
				t.Errorf("prompt of %d tokens in batches of 32: %v, want %v", n, got.Tokens, want.Tokens)
			}
		}
	})
	t.Run("concurrent", func(t *testing.T) {
		results := make(chan engine.Result)
		for range 4 {
			go func() {
				res, err := m.Generate(t.Context(), req, nil)
				if err != nil {
					t.Error(err)
				}
				results <- res
			}()
		}
		for range 4 {
			if got := <-results; !slices.Equal(got.Tokens, want.Tokens) {
				t.Errorf("%v, want %v", got.Tokens, want.Tokens)
			}
		}
	})
}

func TestCancel(t *testing.T) {
	m := open(t, tinyModel(t), engine.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	req := engine.Request{Prompt: prompt(t, m, "x"), IgnoreEnd: true}
	pieces := 0
	_, err := m.Generate(ctx, req, func([]byte) error {
		if pieces++; pieces == 3 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if pieces > 4 {
		t.Errorf("%d more tokens after the cancellation", pieces-3)
	}
	if _, res := generate(t, m, engine.Request{Prompt: req.Prompt, MaxTokens: 3, IgnoreEnd: true}); len(res.Tokens) != 3 {
		t.Errorf("%d tokens in the generation after a cancelled one, want 3", len(res.Tokens))
	}
}

func TestWaitingIsCancelled(t *testing.T) {
	m := open(t, tinyModel(t), engine.Config{})
	busy, done := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		once := false
		m.Generate(ctx, engine.Request{Prompt: []int32{1}, IgnoreEnd: true}, func([]byte) error {
			if !once {
				once = true
				close(busy)
			}
			return nil
		})
	}()
	<-busy
	short, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if _, err := m.Generate(short, engine.Request{Prompt: []int32{1}}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want context.DeadlineExceeded", err)
	}
	cancel()
	<-done
}

func TestBadRequests(t *testing.T) {
	path := tinyModel(t)
	m, other := open(t, path, engine.Config{Context: 256}), open(t, path, engine.Config{})
	foreign := compile(t, other, jsonArray)
	long := make([]int32, 256)
	broken := errors.New("broken pipe")
	for _, tt := range []struct {
		name string
		req  engine.Request
		emit func([]byte) error
		want string
	}{
		{"no prompt", engine.Request{}, nil, "prompt is empty"},
		{"prompt too long", engine.Request{Prompt: long}, nil, "longer than the context: 256 tokens, the context has 256"},
		{"foreign grammar", engine.Request{Prompt: long[:1], Grammar: foreign}, nil, "another vocabulary"},
		{"token out of range", engine.Request{Prompt: []int32{1 << 30}}, nil, "token"},
		{"sampling", engine.Request{Prompt: long[:1], Sampling: sampler.Config{Temperature: -1}}, nil, "temperature"},
		{"reader gone", engine.Request{Prompt: long[:1], IgnoreEnd: true}, func([]byte) error { return broken }, "broken pipe"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := m.Generate(t.Context(), tt.req, tt.emit)
			if err == nil || !strings.Contains(strings.ToLower(err.Error()), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestContextRunsOut(t *testing.T) {
	m := open(t, tinyModel(t), engine.Config{Context: 256})
	_, res := generate(t, m, engine.Request{Prompt: make([]int32, 200), IgnoreEnd: true})
	if res.Finish != engine.FinishLength || len(res.Tokens) != 56 {
		t.Errorf("finish %d after %d tokens, want length after 56", res.Finish, len(res.Tokens))
	}
}

func TestAdapterChangesTheText(t *testing.T) {
	path := tinyModel(t)
	plain := open(t, path, engine.Config{})
	base, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	adapter := filepath.Join(t.TempDir(), "adapter.gguf")
	if err := gguf.SynthesizeAdapterFile(t.Context(), adapter, base, gguf.AdapterConfig{Rank: 8, Alpha: 64, Seed: 2}); err != nil {
		t.Fatal(err)
	}
	req := engine.Request{Prompt: prompt(t, plain, "hello"), MaxTokens: 20, IgnoreEnd: true}
	_, want := generate(t, plain, req)
	adapted := open(t, path, engine.Config{Adapters: []engine.Adapter{{Path: adapter, Scale: 4}}})
	if _, got := generate(t, adapted, req); slices.Equal(got.Tokens, want.Tokens) {
		t.Error("the adapter changes nothing")
	}
	if _, err := engine.Open(path, engine.Config{Threads: 1, Adapters: []engine.Adapter{{Path: path}}}); err == nil {
		t.Error("a model is accepted as an adapter")
	}
}

func TestOpenErrors(t *testing.T) {
	path := tinyModel(t)
	for _, tt := range []struct {
		name, path string
		cfg        engine.Config
		want       string
	}{
		{"missing", filepath.Join(t.TempDir(), "none.gguf"), engine.Config{}, "no such file"},
		{"no model", "generate_test.go", engine.Config{}, "generate_test.go"},
		{"no runtime", path, engine.Config{Runtime: filepath.Join(t.TempDir(), "none")}, "none"},
		{"threads", path, engine.Config{Threads: -1}, "-1 threads"},
		{"context", path, engine.Config{Context: -1}, "context of -1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := engine.Open(tt.path, tt.cfg)
			if err == nil {
				m.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want one with %q", err, tt.want)
			}
		})
	}
}

func TestClosed(t *testing.T) {
	m := open(t, tinyModel(t), engine.Config{})
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Generate(t.Context(), engine.Request{Prompt: []int32{1}}, nil); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("error %v, want ErrClosed", err)
	}
}
