package gguf

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/callama/callama/gguf/bpe"
)

// Encoder splits text into the tokens that a model's own tokenizer makes of it: byte-level
// BPE with the pre-tokenizers of Llama 3 and Qwen2, token for token as llama.cpp. So the
// measurements and training need no runtime. Names of control tokens in the text are text;
// user-defined tokens such as <tool_call> are found in it, as llama.cpp does. Unlike
// Hugging Face's tokenizer of Qwen2 it does not normalise to NFC, since that changes the
// text. An Encoder is immutable and safe for concurrent use.
type Encoder struct {
	digits int  // longest run of digits in one piece
	whole  find // normal tokens, where a piece that is a token is never split; else nil
	merges mergeTable
	bytes  [256]int32   // the token of each byte
	added  []addedToken // the longest first
	prompt []addedToken // control tokens too, for EncodePrompt
}

// addedToken is a token that is cut out of the text before anything else.
type addedToken struct {
	text  string
	token int32
}

// find finds a token by its bytes.
type find func(text string) (token int32, ok bool)

// Words finds tokens by their bytes, as a vocabulary does. It must not change, and be safe for
// concurrent use.
type Words interface {
	Lookup(text string) (token int32, ok bool)
}

// NewEncoder prepares an Encoder; it takes some 100 ms for 150,000 tokens and holds about
// 5 MB. It fails for pre-tokenizers other than Llama 3's and Qwen2's and for vocabularies
// in which a byte or a merge has no token.
func NewEncoder(t *Tokenizer) (*Encoder, error) { return NewEncoderOver(t, nil) }

// NewEncoderOver is NewEncoder where the same tokens are in a vocabulary already: the Encoder
// asks that for them, and holds 2 MB less. Where it finds others, as of tokens with the same bytes,
// or is nil, the Encoder has an index of its own.
func NewEncoderOver(t *Tokenizer, words Words) (*Encoder, error) {
	e := &Encoder{}
	var err error
	switch t.Pre {
	case PreLlamaBPE:
		e.digits = 3
		if e.whole, err = wholeTokens(t, words); err != nil {
			return nil, err
		}
	case PreQwen2:
		e.digits = 1
	default:
		return nil, fmt.Errorf("gguf: tokenizer: pre-tokenizer %q is not known, want %q or %q", t.Pre, PreLlamaBPE, PreQwen2)
	}
	spelled := e.collect(t)
	if b := slices.Index(e.bytes[:], -1); b >= 0 {
		return nil, fmt.Errorf("gguf: tokenizer: no token for byte 0x%02x", b)
	}
	e.merges, err = newMergeTable(t.Merges, spelled, len(t.Tokens))
	return e, err
}

// collect sorts the tokens by what is done with them, and returns the normal ones by their text.
func (e *Encoder) collect(t *Tokenizer) (spelled map[string]int32) {
	for b := range e.bytes {
		e.bytes[b] = -1
	}
	spelled = make(map[string]int32, len(t.Tokens))
	for i, tok := range t.Tokens {
		id := int32(i)
		switch tok.Kind {
		case TokenUserDefined:
			e.added = append(e.added, addedToken{tok.Text, id})
			e.prompt = append(e.prompt, addedToken{tok.Text, id})
		case TokenControl:
			e.prompt = append(e.prompt, addedToken{tok.Text, id})
		case TokenNormal:
			spelled[tok.Text] = id
			if len(tok.Text) > utf8.UTFMax { // more than one character
				continue
			}
			if raw := t.Bytes(i); len(raw) == 1 {
				e.bytes[raw[0]] = id
			}
		}
	}
	for _, added := range [][]addedToken{e.added, e.prompt} {
		slices.SortStableFunc(added, func(a, b addedToken) int { return len(b.text) - len(a.text) })
	}
	return spelled
}

// Encode returns the tokens of text. Cost: n log n in the longest piece; about 100 ns a byte.
func (e *Encoder) Encode(text string) []int32 { return e.encode(nil, text, e.added) }

// AppendTokens appends what Encode returns.
func (e *Encoder) AppendTokens(tokens []int32, text string) []int32 {
	return e.encode(tokens, text, e.added)
}

// EncodePrompt is Encode for a rendered prompt: the names of control tokens in it are those
// tokens.
func (e *Encoder) EncodePrompt(text string) []int32 { return e.encode(nil, text, e.prompt) }

func (e *Encoder) encode(out []int32, text string, added []addedToken) []int32 {
	var w merging // for all pieces
	for text != "" {
		at, tok := nextAdded(text, added)
		for plain := text[:at]; plain != ""; {
			n := bpe.Piece(plain, e.digits)
			out = e.encodePiece(out, plain[:n], &w)
			plain = plain[n:]
		}
		if tok == nil {
			break
		}
		out = append(out, tok.token)
		text = text[at+len(tok.text):]
	}
	return out
}

// nextAdded finds the first added token, the longest of those that begin there.
func nextAdded(text string, added []addedToken) (at int, tok *addedToken) {
	at = len(text)
	for i := range added {
		if j := strings.Index(text[:min(len(text), at+len(added[i].text)-1)], added[i].text); j >= 0 && j < at {
			at, tok = j, &added[i]
		}
	}
	return at, tok
}
