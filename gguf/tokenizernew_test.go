package gguf

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestWriteTokenizer(t *testing.T) {
	for name, want := range map[string]*Tokenizer{"builtin": BuiltinTokenizer(), "qwen2.5": nil, "llama3.1": nil} {
		t.Run(name, func(t *testing.T) {
			if want == nil {
				want = tokenizer(t, name)
			}
			dir := filepath.Join(t.TempDir(), "new")
			if err := WriteTokenizer(dir, want); err != nil {
				t.Fatal(err)
			}
			got, err := ReadTokenizer(filepath.Join(dir, "tokenizer.json"))
			if err != nil {
				t.Fatal(err)
			}
			if len(want.Tokens) > len(got.Tokens) { // unused ones at the end are not written
				got.Tokens = append(got.Tokens, want.Tokens[len(got.Tokens):]...)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("comes back changed: %d tokens and %d merges, want %d and %d; %d %d %d %d %v",
					len(got.Tokens), len(got.Merges), len(want.Tokens), len(want.Merges), got.BOS, got.EOS, got.EOT, got.Pad, got.AddBOS)
			}
		})
	}
}

func TestWriteTokenizerErrors(t *testing.T) {
	for _, tc := range []struct {
		tok  Tokenizer
		want string
	}{
		{Tokenizer{Pre: "deepseek-llm"}, `pre-tokenizer "deepseek-llm"`},
		{Tokenizer{Pre: PreQwen2, NamedTemplates: map[string]string{"a": "b"}}, "named chat templates"},
	} {
		if err := WriteTokenizer(t.TempDir(), &tc.tok); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("error %v, want %q", err, tc.want)
		}
	}
}
