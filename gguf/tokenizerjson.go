package gguf

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// maxTokenizerBytes bounds tokenizer.json, in bytes; the largest known are about 35 MiB.
	maxTokenizerBytes = 256 << 20
	// maxVocabulary bounds token ids: the largest known vocabularies have 262,144 entries.
	maxVocabulary = 1 << 22
)

// TokenizerImport imports tokenizers in Hugging Face's format. The zero value is ready.
type TokenizerImport struct {
	// Pre is llama.cpp's name of the pre-tokenizer. Empty: it is found by the splitting
	// pattern, and an unknown pattern is an error.
	Pre string
}

// ReadTokenizer imports a tokenizer.json and what stands beside it: see [TokenizerImport.Read].
func ReadTokenizer(path string) (*Tokenizer, error) { return TokenizerImport{}.Read(path) }

// Read imports the tokenizer.json at path. Beside it, tokenizer_config.json gives the chat
// template and the special tokens' roles, and chat_template.jinja the template where the
// configuration has none; both may be absent. Cost: some 100 ms for 150,000 tokens.
func (im TokenizerImport) Read(path string) (*Tokenizer, error) {
	data, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("gguf: tokenizer: %w", err)
	}
	config, err := readBounded(filepath.Join(filepath.Dir(path), "tokenizer_config.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("gguf: tokenizer: %w", err)
	}
	tok, err := im.Parse(data, config)
	if err != nil {
		return nil, err
	}
	if tok.ChatTemplate == "" {
		template, err := readBounded(filepath.Join(filepath.Dir(path), "chat_template.jinja"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("gguf: tokenizer: %w", err)
		}
		tok.ChatTemplate = string(template)
	}
	return tok, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTokenizerBytes+1))
	if err == nil && len(data) > maxTokenizerBytes {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxTokenizerBytes)
	}
	return data, err
}

// tokenizerJSON is what is used of tokenizer.json.
type tokenizerJSON struct {
	AddedTokens []struct {
		ID      int    `json:"id"`
		Content string `json:"content"`
		Special bool   `json:"special"`
	} `json:"added_tokens"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Model         struct {
		Type         string          `json:"type"`
		Vocab        map[string]int  `json:"vocab"`
		Merges       json.RawMessage `json:"merges"`
		ByteFallback bool            `json:"byte_fallback"`
		IgnoreMerges bool            `json:"ignore_merges"`
	} `json:"model"`
}

// Parse imports a tokenizer.json and, if not empty, its tokenizer_config.json. It fails for
// other kinds than byte-level BPE, for ids that are negative, doubled or beyond 4,194,304,
// for merges of tokens that do not exist and for special tokens that do not. Ids without
// a token become unused ones.
func (im TokenizerImport) Parse(tokenizer, config []byte) (*Tokenizer, error) {
	tok, err := im.parse(tokenizer, config)
	if err != nil {
		return nil, fmt.Errorf("gguf: tokenizer: %w", err)
	}
	return tok, nil
}

func (im TokenizerImport) parse(tokenizer, config []byte) (*Tokenizer, error) {
	var in tokenizerJSON
	if err := json.Unmarshal(tokenizer, &in); err != nil {
		return nil, err
	}
	if in.Model.Type != "BPE" || in.Model.ByteFallback {
		return nil, fmt.Errorf("model type %q (byte_fallback %v) is not byte-level BPE", in.Model.Type, in.Model.ByteFallback)
	}
	tok := &Tokenizer{Pre: im.Pre, BOS: -1, EOS: -1, EOT: -1, Pad: -1, Unknown: -1}
	var err error
	if tok.Pre == "" {
		if tok.Pre, err = preName(in.PreTokenizer, in.Model.IgnoreMerges); err != nil {
			return nil, err
		}
	}
	if tok.Tokens, err = vocabulary(&in); err != nil {
		return nil, err
	}
	if tok.Merges, err = merges(in.Model.Merges, in.Model.Vocab); err != nil {
		return nil, err
	}
	if err := tok.configure(config, in.PostProcessor); err != nil {
		return nil, fmt.Errorf("tokenizer_config.json: %w", err)
	}
	return tok, nil
}

// vocabulary orders the tokens by id and settles their kinds.
func vocabulary(in *tokenizerJSON) ([]Token, error) {
	last := -1
	for text, id := range in.Model.Vocab {
		if id < 0 || id >= maxVocabulary {
			return nil, fmt.Errorf("token %q has id %d, want 0 to %d", text, id, maxVocabulary-1)
		}
		last = max(last, id)
	}
	for _, added := range in.AddedTokens {
		if added.ID < 0 || added.ID >= maxVocabulary {
			return nil, fmt.Errorf("added token %q has id %d, want 0 to %d", added.Content, added.ID, maxVocabulary-1)
		}
		last = max(last, added.ID)
	}
	if last < 0 {
		return nil, errors.New("the vocabulary is empty")
	}
	if have := len(in.Model.Vocab) + len(in.AddedTokens); last >= 2*have+1024 {
		return nil, fmt.Errorf("ids reach %d for %d tokens", last, have) // the gaps would be the vocabulary
	}
	tokens := make([]Token, last+1)
	for _, added := range in.AddedTokens {
		if at := tokens[added.ID]; at.Kind != 0 {
			return nil, fmt.Errorf("tokens %q and %q share id %d", at.Text, added.Content, added.ID)
		}
		tokens[added.ID] = Token{added.Content, addedKind(added.Content, added.Special)}
	}
	for text, id := range in.Model.Vocab {
		at := tokens[id]
		switch {
		case at.Kind != 0 && at.Text != text:
			return nil, fmt.Errorf("tokens %q and %q share id %d", min(at.Text, text), max(at.Text, text), id)
		case at.Kind != 0:
		case text == "" || !isByteLevel(text):
			return nil, fmt.Errorf("token %q is not spelled in the byte-level alphabet", text)
		default:
			tokens[id] = Token{text, TokenNormal}
		}
	}
	seen := make(map[string]int, len(tokens))
	for id := range tokens {
		if tokens[id].Kind == 0 {
			tokens[id] = Token{padToken(id), TokenUnused}
		}
		if at, dup := seen[tokens[id].Text]; dup { // llama.cpp would abort the process
			return nil, fmt.Errorf("token %q has two ids, %d and %d", tokens[id].Text, at, id)
		}
		seen[tokens[id].Text] = id
	}
	return tokens, nil
}

// addedKind follows llama.cpp's converter: a token that looks like <|this|> is a control
// token even where tokenizer.json does not call it special (Qwen2.5's <|fim_prefix|>).
func addedKind(text string, special bool) TokenKind {
	if special || strings.HasPrefix(text, "<|") && strings.HasSuffix(text, "|>") {
		return TokenControl
	}
	return TokenUserDefined
}

// merges reads both forms in use: "left right" and ["left", "right"].
func merges(raw json.RawMessage, vocab map[string]int) ([]string, error) {
	var joined []string
	if json.Unmarshal(raw, &joined) != nil {
		var pairs [][]string
		if err := json.Unmarshal(raw, &pairs); err != nil {
			return nil, errors.New("merges are neither strings nor pairs of strings")
		}
		joined = make([]string, len(pairs))
		for i, p := range pairs {
			joined[i] = strings.Join(p, " ")
		}
	}
	for i, m := range joined {
		left, right, ok := strings.Cut(m, " ")
		if !ok || left == "" || right == "" || strings.Contains(right, " ") {
			return nil, fmt.Errorf("merge %d: %q is not two tokens", i, m)
		}
		for _, part := range []string{left, right, left + right} {
			if _, ok := vocab[part]; !ok {
				return nil, fmt.Errorf("merge %d: %q is not in the vocabulary", i, part)
			}
		}
	}
	return joined, nil
}
