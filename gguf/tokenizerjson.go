package gguf

import (
	"bytes"
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
	var data bytes.Buffer
	if info, err := f.Stat(); err == nil {
		data.Grow(int(min(info.Size(), maxTokenizerBytes)) + bytes.MinRead)
	}
	_, err = data.ReadFrom(io.LimitReader(f, maxTokenizerBytes+1))
	if err == nil && data.Len() > maxTokenizerBytes {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxTokenizerBytes)
	}
	return data.Bytes(), err
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
		Type         string    `json:"type"`
		Vocab        tokenIDs  `json:"vocab"`
		Merges       mergeList `json:"merges"`
		ByteFallback bool      `json:"byte_fallback"`
		IgnoreMerges bool      `json:"ignore_merges"`
	} `json:"model"`
}

// countStrings estimates the strings of a JSON text: it is their number where none has quotes in it.
// Room for all of them is a third of what growing leaves behind. It is bounded, as are tokens.
func countStrings(text []byte) int { return min(bytes.Count(text, []byte{'"'})/2, maxVocabulary) }

// tokenIDs are the ids of tokens by their texts.
type tokenIDs map[string]int

// UnmarshalJSON reads an object.
func (ids *tokenIDs) UnmarshalJSON(data []byte) error {
	if *ids == nil {
		*ids = make(tokenIDs, countStrings(data))
	}
	return json.Unmarshal(data, (*map[string]int)(ids))
}

// mergeList are merges as "left right".
type mergeList struct {
	list []string
	read bool // whether they are in one of the forms in use
}

// UnmarshalJSON reads both forms in use: "left right" and ["left", "right"]. Whether others matter
// is for parse to say, which knows the model's type.
func (m *mergeList) UnmarshalJSON(data []byte) error {
	m.list = make([]string, 0, countStrings(data))
	if m.read = json.Unmarshal(data, &m.list) == nil; m.read {
		return nil
	}
	pairs := make([][]string, 0, countStrings(data)/2)
	m.read = json.Unmarshal(data, &pairs) == nil
	m.list = make([]string, len(pairs))
	for i, p := range pairs {
		m.list[i] = strings.Join(p, " ")
	}
	return nil
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
	if err := in.Model.Merges.check(in.Model.Vocab); err != nil {
		return nil, err
	}
	tok.Merges = in.Model.Merges.list
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
	for id := range tokens {
		if tokens[id].Kind == 0 {
			tokens[id] = Token{padToken(id), TokenUnused}
		}
	}
	return tokens, distinct(tokens, in.Model.Vocab)
}

// distinct says which token has two ids: llama.cpp would abort the process. Those of the vocabulary
// have one each, so that only others need to be remembered.
func distinct(tokens []Token, ids tokenIDs) error {
	others := make(map[string]int)
	for id := range tokens {
		text := tokens[id].Text
		at, known := ids[text]
		if !known {
			if at, known = others[text]; !known {
				others[text] = id
				continue
			}
		}
		if at != id {
			return fmt.Errorf("token %q has two ids, %d and %d", text, min(at, id), max(at, id))
		}
	}
	return nil
}

// addedKind follows llama.cpp's converter: a token that looks like <|this|> is a control
// token even where tokenizer.json does not call it special (Qwen2.5's <|fim_prefix|>).
func addedKind(text string, special bool) TokenKind {
	if special || strings.HasPrefix(text, "<|") && strings.HasSuffix(text, "|>") {
		return TokenControl
	}
	return TokenUserDefined
}

// check says which merge is not of two tokens that make a third.
func (m *mergeList) check(ids tokenIDs) error {
	if !m.read {
		return errors.New("merges are neither strings nor pairs of strings")
	}
	var whole []byte
	for i, m := range m.list {
		left, right, ok := strings.Cut(m, " ")
		if !ok || left == "" || right == "" || strings.Contains(right, " ") {
			return fmt.Errorf("merge %d: %q is not two tokens", i, m)
		}
		whole = append(append(whole[:0], left...), right...)
		_, okLeft := ids[left]
		_, okRight := ids[right]
		_, ok = ids[string(whole)]
		switch {
		case !okLeft:
			return fmt.Errorf("merge %d: %q is not in the vocabulary", i, left)
		case !okRight:
			return fmt.Errorf("merge %d: %q is not in the vocabulary", i, right)
		case !ok:
			return fmt.Errorf("merge %d: %q is not in the vocabulary", i, whole)
		}
	}
	return nil
}
