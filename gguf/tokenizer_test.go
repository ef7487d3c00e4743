package gguf

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// testdata returns a path in the shared test data (CALLAMA_TESTDATA, default ../shared/data
// beside the repository), or skips the test.
func testdata(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("CALLAMA_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no test data: %v", err)
	}
	return path
}

// parts are the members of a small tokenizer.json, for tests to replace.
func parts() map[string]string {
	return map[string]string{
		"added_tokens": `[{"id": 4, "content": "<|end|>", "special": true}, {"id": 5, "content": "<tool>", "special": false},
			{"id": 6, "content": "<|fim|>", "special": false}]`,
		"pre_tokenizer": `{"type": "Sequence", "pretokenizers": [
			{"type": "Split", "pattern": {"Regex": ` + quote(patternQwen2) + `}, "behavior": "Isolated", "invert": false},
			{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]}`,
		"post_processor": `null`,
		"type":           `"BPE"`,
		"vocab":          `{"a": 0, "b": 1, "ab": 2, "Ġ": 3}`,
		"merges":         `["a b"]`,
		"byte_fallback":  `false`,
		"ignore_merges":  `false`,
		"config":         ``,
	}
}

func quote(s string) string {
	return `"` + strings.ReplaceAll(s, `\`, `\\`) + `"`
}

func assemble(p map[string]string) (tokenizer, config []byte) {
	return fmt.Appendf(nil, `{"version": "1.0", "added_tokens": %s, "pre_tokenizer": %s, "post_processor": %s,
		"model": {"type": %s, "vocab": %s, "merges": %s, "byte_fallback": %s, "ignore_merges": %s}}`,
		p["added_tokens"], p["pre_tokenizer"], p["post_processor"],
		p["type"], p["vocab"], p["merges"], p["byte_fallback"], p["ignore_merges"]), []byte(p["config"])
}

func with(changes ...string) map[string]string {
	p := parts()
	for i := 0; i < len(changes); i += 2 {
		p[changes[i]] = changes[i+1]
	}
	return p
}

func TestImport(t *testing.T) {
	tok, err := TokenizerImport{}.Parse(assemble(parts()))
	if err != nil {
		t.Fatal(err)
	}
	want := &Tokenizer{
		Pre: "qwen2",
		Tokens: []Token{
			{"a", TokenNormal}, {"b", TokenNormal}, {"ab", TokenNormal}, {"Ġ", TokenNormal},
			{"<|end|>", TokenControl}, {"<tool>", TokenUserDefined}, {"<|fim|>", TokenControl},
		},
		Merges: []string{"a b"},
		BOS:    4, EOS: 4, EOT: 4, Pad: -1, Unknown: -1,
	}
	if !reflect.DeepEqual(tok, want) {
		t.Errorf("imported\n%+v\nwant\n%+v", tok, want)
	}
}

// templateProcessing is the post-processor of a tokenizer that starts every text with token.
func templateProcessing(token string) string {
	return `{"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing",
		"single": [{"SpecialToken": {"id": "` + token + `", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]}]}`
}

func TestImportVariants(t *testing.T) {
	llama := strings.Replace(parts()["pre_tokenizer"], quote(patternQwen2), quote(patternLlama3), 1)
	for _, tc := range []struct {
		name  string
		parts map[string]string
		check func(*Tokenizer) any
		want  any
	}{
		{"merges as pairs", with("merges", `[["a", "b"]]`), func(t *Tokenizer) any { return t.Merges }, []string{"a b"}},
		{"a gap in the ids", with("added_tokens", `[{"id": 6, "content": "x", "special": true}]`),
			func(t *Tokenizer) any { return t.Tokens[4:6] }, []Token{{"[PAD4]", TokenUnused}, {"[PAD5]", TokenUnused}}},
		{"added token that is in the vocabulary", with("added_tokens", `[{"id": 2, "content": "ab", "special": true}]`),
			func(t *Tokenizer) any { return t.Tokens[2] }, Token{"ab", TokenControl}},
		{"Llama 3's pattern", with("pre_tokenizer", llama, "ignore_merges", `true`), func(t *Tokenizer) any { return t.Pre }, "llama-bpe"},
		{"the same without ignore_merges", with("pre_tokenizer", llama), func(t *Tokenizer) any { return t.Pre }, "dbrx"},
		{"GPT-2's pattern", with("pre_tokenizer", `{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}`),
			func(t *Tokenizer) any { return t.Pre }, "gpt-2"},
		{"single digits before it", with("pre_tokenizer", `{"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, {"type": "ByteLevel"}]}`),
			func(t *Tokenizer) any { return t.Pre }, "smollm"},
		{"special tokens as text", with("config", `{"bos_token": null, "eos_token": "<|fim|>", "pad_token": "<tool>"}`),
			func(t *Tokenizer) any { return []int{t.BOS, t.EOS, t.Pad} }, []int{6, 6, 5}},
		{"special tokens as objects", with("config", `{"eos_token": {"content": "<|fim|>", "lstrip": false}, "unk_token": {"content": "<tool>"}}`),
			func(t *Tokenizer) any { return []int{t.EOS, t.Unknown} }, []int{6, 5}},
		{"BOS by the post-processor", with("post_processor", templateProcessing("<|fim|>")),
			func(t *Tokenizer) any { return []any{t.BOS, t.AddBOS} }, []any{6, true}},
		{"add_bos_token comes first", with("post_processor", templateProcessing("<|fim|>"), "config", `{"add_bos_token": false}`),
			func(t *Tokenizer) any { return t.AddBOS }, false},
		{"template that starts with another token", with("post_processor", templateProcessing("<tool>"), "config", `{"bos_token": "<|fim|>"}`),
			func(t *Tokenizer) any { return t.AddBOS }, false},
		{"chat template", with("config", `{"chat_template": "{{ x }}"}`), func(t *Tokenizer) any { return t.ChatTemplate }, "{{ x }}"},
		{"named chat templates", with("config", `{"chat_template": [{"name": "default", "template": "d"}, {"name": "tool_use", "template": "t"}]}`),
			func(t *Tokenizer) any { return []any{t.ChatTemplate, t.NamedTemplates} }, []any{"d", map[string]string{"tool_use": "t"}}},
	} {
		tok, err := TokenizerImport{}.Parse(assemble(tc.parts))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if got := tc.check(tok); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// refused are imports that must fail, each with a part of its error.
var refused = []struct {
	name  string
	parts map[string]string
	want  string
}{
	{"unigram", with("type", `"Unigram"`), "not byte-level BPE"},
	{"byte fallback", with("byte_fallback", `true`), "not byte-level BPE"},
	{"no pre-tokenizer", with("pre_tokenizer", `null`), "not byte-level"},
	{"other pre-tokenizer", with("pre_tokenizer", `{"type": "Metaspace"}`), "not byte-level"},
	{"unknown pattern", with("pre_tokenizer", `{"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "\\s+"}, "behavior": "Isolated"}, {"type": "ByteLevel", "use_regex": false}]}`), "name for this pre-tokenizer is not known"},
	{"pattern that removes", with("pre_tokenizer", strings.Replace(parts()["pre_tokenizer"], "Isolated", "Removed", 1)), "not known"},
	{"prefix space", with("pre_tokenizer", `{"type": "ByteLevel", "add_prefix_space": true}`), "not known"},
	{"empty vocabulary", with("vocab", `{}`, "added_tokens", `[]`, "merges", `[]`), "vocabulary is empty"},
	{"id below 0", with("vocab", `{"a": -1}`), "has id -1"},
	{"id too large", with("vocab", `{"a": 4194304}`), "has id 4194304"},
	{"sparse ids", with("vocab", `{"a": 4000000}`), "ids reach 4000000"},
	{"shared id", with("vocab", `{"a": 0, "b": 0, "ab": 1}`), `"a" and "b" share id 0`},
	{"added token on another's id", with("added_tokens", `[{"id": 0, "content": "x"}]`), "share id 0"},
	{"two added tokens on one id", with("added_tokens", `[{"id": 4, "content": "x"}, {"id": 4, "content": "y"}]`), "share id 4"},
	{"added token twice", with("added_tokens", `[{"id": 4, "content": "x"}, {"id": 5, "content": "x"}]`), "has two ids, 4 and 5"},
	{"added id below 0", with("added_tokens", `[{"id": -4, "content": "x"}]`), "has id -4"},
	{"not byte-level", with("vocab", `{"a": 0, "b": 1, "ab": 2, "▁": 3}`), "byte-level alphabet"},
	{"empty token", with("vocab", `{"a": 0, "b": 1, "ab": 2, "": 3}`), "byte-level alphabet"},
	{"merge of one", with("merges", `["ab"]`), "is not two tokens"},
	{"merge of three", with("merges", `[["a", "b", "a"]]`), "is not two tokens"},
	{"merge of an unknown token", with("merges", `["a x"]`), `"x" is not in the vocabulary`},
	{"merge to an unknown token", with("merges", `["b a"]`), `"ba" is not in the vocabulary`},
	{"merges of another kind", with("merges", `{"a": 1}`), "merges are neither"},
	{"not JSON", with("vocab", `{`), "invalid character"},
	{"special token that is none", with("config", `{"eos_token": "</s>"}`), `eos_token "</s>" is not among the added`},
	{"special token of another kind", with("config", `{"eos_token": 5}`), "neither a string nor an object"},
	{"chat template of another kind", with("config", `{"chat_template": 5}`), "chat_template is neither"},
	{"chat template without a name", with("config", `{"chat_template": [{"template": "x"}]}`), "name has 0 bytes"},
	{"configuration that is not JSON", with("config", `[`), "tokenizer_config.json"},
}

func TestImportRefuses(t *testing.T) {
	for _, tc := range refused {
		tok, err := TokenizerImport{}.Parse(assemble(tc.parts))
		if tok != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want an error with %q", tc.name, err, tc.want)
		}
	}
	for _, tc := range refused[2:7] { // those about the pre-tokenizer
		tok, err := TokenizerImport{Pre: "mine"}.Parse(assemble(tc.parts))
		if err != nil || tok.Pre != "mine" {
			t.Errorf("%s, named: %v", tc.name, err)
		}
	}
}

func TestImportFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "tokenizer.json")
	if _, err := ReadTokenizer(path); err == nil || !strings.Contains(err.Error(), "tokenizer.json") {
		t.Errorf("a missing file: %v", err)
	}
	data, _ := assemble(parts())
	write("tokenizer.json", data)
	if tok, err := ReadTokenizer(path); err != nil || tok.ChatTemplate != "" {
		t.Errorf("alone: %v", err)
	}
	write("chat_template.jinja", []byte("from the file"))
	if tok, err := ReadTokenizer(path); err != nil || tok.ChatTemplate != "from the file" {
		t.Errorf("with chat_template.jinja: %+v, %v", tok, err)
	}
	write("tokenizer_config.json", []byte(`{"chat_template": "from the configuration"}`))
	if tok, err := ReadTokenizer(path); err != nil || tok.ChatTemplate != "from the configuration" {
		t.Errorf("with tokenizer_config.json: %+v, %v", tok, err)
	}
}

func TestImportPublished(t *testing.T) {
	for _, tc := range []struct {
		folder, pre            string
		tokens, merges         int
		bos, eos, eot, pad     int
		addBOS                 bool
		control, user, nothing int
		template               string
	}{
		{"qwen2.5", "qwen2", 151665, 151387, 151643, 151645, 151645, 151643, false, 20, 2, 0, "<tool_call>"},
		{"llama3.1", "llama-bpe", 128256, 280147, 128000, 128009, 128009, -1, true, 256, 0, 0, "<|start_header_id|>"},
	} {
		tok, err := ReadTokenizer(testdata(t, "tokenizers", tc.folder, "tokenizer.json"))
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[TokenKind]int{}
		for _, token := range tok.Tokens {
			kinds[token.Kind]++
		}
		got := []any{tok.Pre, len(tok.Tokens), len(tok.Merges), tok.BOS, tok.EOS, tok.EOT, tok.Pad, tok.AddBOS,
			kinds[TokenControl], kinds[TokenUserDefined], kinds[TokenUnused]}
		want := []any{tc.pre, tc.tokens, tc.merges, tc.bos, tc.eos, tc.eot, tc.pad, tc.addBOS, tc.control, tc.user, tc.nothing}
		if !slices.Equal(got, want) || !strings.Contains(tok.ChatTemplate, tc.template) {
			t.Errorf("%s: %v, want %v", tc.folder, got, want)
		}
	}
}

func FuzzImport(f *testing.F) {
	tokenizer, config := assemble(parts())
	f.Add(tokenizer, config)
	for _, tc := range refused {
		tokenizer, config := assemble(tc.parts)
		f.Add(tokenizer, config)
	}
	f.Fuzz(func(t *testing.T, tokenizer, config []byte) {
		tok, err := TokenizerImport{}.Parse(tokenizer, config)
		if err != nil {
			return
		}
		for _, id := range []int{tok.BOS, tok.EOS, tok.EOT, tok.Pad, tok.Unknown} {
			if id < -1 || id >= len(tok.Tokens) {
				t.Fatalf("a special token has id %d of %d", id, len(tok.Tokens))
			}
		}
		seen := map[string]bool{}
		for id, token := range tok.Tokens {
			if token.Kind == 0 || seen[token.Text] {
				t.Fatalf("token %d, %q of kind %d, comes twice or has no kind", id, token.Text, token.Kind)
			}
			seen[token.Text] = true
		}
		_, file := synthesize(t, SynthConfig{Tokenizer: tok, VocabOnly: true})
		if texts, _ := Lookup[[]string](file, "tokenizer.ggml.tokens"); len(texts) < len(tok.Tokens) {
			t.Fatalf("%d of %d tokens written", len(texts), len(tok.Tokens))
		}
	})
}
