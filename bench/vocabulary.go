package bench

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/callama/callama/gguf"
	"github.com/callama/callama/grammar/vocab"
)

// Vocabulary is a model's tokenizer without the model: what the grammar engine must know
// of the tokens, and how text becomes tokens.
type Vocabulary struct {
	Name    string // of the file, and of its folder where the file's own name says nothing
	Vocab   *vocab.Vocab
	Encoder *gguf.Encoder
}

// endNames are tokens that end a generation, by the names that llama.cpp knows them by,
// beside those that the tokenizer itself declares.
var endNames = []string{"<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|end_of_text|>", "<|endoftext|>"}

// OpenVocabulary reads a tokenizer.json or the metadata of a GGUF file.
func OpenVocabulary(path string) (*Vocabulary, error) {
	tok, err := readTokenizer(path)
	if err != nil {
		return nil, err
	}
	c := vocab.Config{Tokens: make([][]byte, len(tok.Tokens)), Special: make([]bool, len(tok.Tokens))}
	for i, t := range tok.Tokens {
		c.Tokens[i] = tok.Bytes(i)
		c.Special[i] = t.Kind != gguf.TokenNormal && t.Kind != gguf.TokenUserDefined && t.Kind != gguf.TokenByte
		if i == tok.EOS || i == tok.EOT || c.Special[i] && slices.Contains(endNames, t.Text) {
			c.EOG = append(c.EOG, int32(i))
		}
	}
	if len(c.EOG) == 0 {
		return nil, fmt.Errorf("bench: vocabulary %s: no token ends a text", path)
	}
	v, err := vocab.New(c)
	if err != nil {
		return nil, fmt.Errorf("bench: vocabulary %s: %w", path, err)
	}
	enc, err := gguf.NewEncoderOver(tok, v)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, path)
	}
	name := filepath.Base(path)
	if name == "tokenizer.json" {
		name = filepath.Base(filepath.Dir(path))
	}
	return &Vocabulary{Name: name, Vocab: v, Encoder: enc}, nil
}

func readTokenizer(path string) (*gguf.Tokenizer, error) {
	if strings.EqualFold(filepath.Ext(path), ".json") {
		return gguf.ReadTokenizer(path)
	}
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	tok, err := tokenizerOf(f)
	if err != nil {
		return nil, fmt.Errorf("bench: vocabulary %s: %w", path, err)
	}
	return tok, nil
}

// tokenizerOf reads the tokenizer from a model's metadata.
func tokenizerOf(f *gguf.File) (*gguf.Tokenizer, error) {
	if model := f.Text("tokenizer.ggml.model"); model != "gpt2" {
		return nil, fmt.Errorf("tokenizer %q is not byte-level BPE (gpt2)", model)
	}
	texts, _ := f.Value("tokenizer.ggml.tokens")
	tokens, ok := texts.([]string)
	if !ok || len(tokens) == 0 {
		return nil, errors.New("no tokens")
	}
	numbers, _ := f.Value("tokenizer.ggml.token_type")
	kinds, ok := numbers.([]int32)
	if !ok || len(kinds) != len(tokens) {
		return nil, fmt.Errorf("%d token types for %d tokens", len(kinds), len(tokens))
	}
	rules, _ := f.Value("tokenizer.ggml.merges")
	merges, _ := rules.([]string)
	tok := &gguf.Tokenizer{Pre: f.Text("tokenizer.ggml.pre"), Merges: merges, Tokens: make([]gguf.Token, len(tokens))}
	for i := range tokens {
		tok.Tokens[i] = gguf.Token{Text: tokens[i], Kind: gguf.TokenKind(kinds[i])}
	}
	for _, special := range []struct {
		key string
		id  *int
	}{{"bos", &tok.BOS}, {"eos", &tok.EOS}, {"eot", &tok.EOT}, {"padding", &tok.Pad}, {"unknown", &tok.Unknown}} {
		*special.id = -1
		if id, ok := f.Uint("tokenizer.ggml." + special.key + "_token_id"); ok && id < uint64(len(tokens)) {
			*special.id = int(id)
		}
	}
	return tok, nil
}
