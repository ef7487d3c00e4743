package gguf

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/callama/callama/gguf/bpe"
)

// NewTokenizer makes a tokenizer of what a corpus taught: the 256 bytes, one token for each
// merge, in order, and the added tokens after them. Its document start is <|endoftext|> and its
// end of turn <|im_end|>, where they are among the added tokens.
func NewTokenizer(pre string, merges []bpe.Merge, added []Token) *Tokenizer {
	t := &Tokenizer{Pre: pre, Unknown: -1}
	for _, b := range byteAlphabet() {
		t.Tokens = append(t.Tokens, Token{string(byteRunes()[b]), TokenNormal})
	}
	for _, m := range merges {
		left, right := spellBytes(m.Left), spellBytes(m.Right)
		t.Merges = append(t.Merges, left+" "+right)
		t.Tokens = append(t.Tokens, Token{left + right, TokenNormal})
	}
	t.Tokens = append(t.Tokens, added...)
	t.Pad = t.id(documentStart)
	t.BOS = t.Pad
	t.EOT = t.id("<|im_end|>")
	t.EOS = t.EOT
	return t
}

// addedTokenJSON is an added token as tokenizer.json and tokenizer_config.json have it.
type addedTokenJSON struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// WriteTokenizer writes the tokenizer into a folder, which it makes, in Hugging Face's format:
// tokenizer.json, and tokenizer_config.json with the special tokens and the chat template.
// ReadTokenizer reads them back. It fails for pre-tokenizers without a pattern here and
// for named templates.
func WriteTokenizer(dir string, t *Tokenizer) error {
	if len(t.NamedTemplates) > 0 {
		return errors.New("gguf: tokenizer: named chat templates cannot be written")
	}
	pattern, ok := map[string]string{PreQwen2: patternQwen2, PreLlamaBPE: patternLlama3, "tekken": patternTekken, "gpt-4o": patternO200K}[t.Pre]
	if !ok {
		return fmt.Errorf("gguf: tokenizer: the pattern of pre-tokenizer %q is not known", t.Pre)
	}
	vocab := make(map[string]int, len(t.Tokens))
	added := []addedTokenJSON{}
	for id, tok := range t.Tokens {
		switch tok.Kind {
		case TokenNormal:
			vocab[tok.Text] = id
		case TokenControl, TokenUserDefined:
			added = append(added, addedTokenJSON{ID: id, Content: tok.Text, Special: tok.Kind == TokenControl})
		}
	}
	merges := t.Merges
	if merges == nil {
		merges = []string{}
	}
	type object = map[string]any
	byteLevel := object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}
	tokenizer := object{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": nil,
		"pre_tokenizer": object{"type": "Sequence", "pretokenizers": []any{
			object{"type": "Split", "pattern": object{"Regex": pattern}, "behavior": "Isolated", "invert": false}, byteLevel}},
		"post_processor": byteLevel, "decoder": byteLevel,
		"model": object{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": "", "end_of_word_suffix": "",
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": t.Pre == PreLlamaBPE, "vocab": vocab, "merges": merges},
	}
	config := object{"tokenizer_class": "Qwen2Tokenizer", "add_bos_token": t.AddBOS, "clean_up_tokenization_spaces": false, "chat_template": t.ChatTemplate}
	for name, id := range map[string]int{"bos_token": t.BOS, "eos_token": t.EOS, "pad_token": t.Pad, "unk_token": t.Unknown} {
		config[name] = nil
		if id >= 0 {
			config[name] = t.Tokens[id].Text
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, content := range map[string]any{"tokenizer.json": tokenizer, "tokenizer_config.json": config} {
		data, err := json.MarshalIndent(content, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(data, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}
