package llama

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// The vocabulary types (llama_vocab_type) that matter here. Most vocabulary functions abort
// for a model without a vocabulary.
const (
	vocabNone = 0
	vocabSPM  = 1 // SentencePiece with byte fallback
)

const maxInt32 = math.MaxInt32

// MaxText bounds the text of one Tokenize call, in bytes: llama.cpp's tokenizers need about
// 50 times the text in memory, and count in int32.
const MaxText = 64 << 20

// Attr is what a vocabulary says about a token (llama_token_attr): a set of bits.
type Attr uint32

// The attributes.
const (
	AttrUnknown Attr = 1 << iota
	AttrUnused
	AttrNormal
	AttrControl
	AttrUserDefined
	AttrByte
	AttrNormalized
	AttrLStrip
	AttrRStrip
	AttrSingleWord
)

// HasVocab tells whether the model carries a vocabulary.
func (m *Model) HasVocab() bool { return m.vocabType != vocabNone }

// NTokens returns the size of the vocabulary: tokens are 0 to NTokens-1. The vocabulary of a
// GGUF file is padded to the width of the model's output.
func (m *Model) NTokens() int { return m.nTokens }

// NLogits returns the number of logits per position: llama.cpp computes one per token, so
// this is NTokens.
func (m *Model) NLogits() int { return m.nTokens }

// BOS returns the beginning-of-sequence token, -1 if there is none.
func (m *Model) BOS() int32 { return m.specials[0] }

// EOS returns the end-of-sequence token, -1 if there is none.
func (m *Model) EOS() int32 { return m.specials[1] }

// EOT returns the end-of-turn token, -1 if there is none.
func (m *Model) EOT() int32 { return m.specials[2] }

// AddBOS tells whether prompts of this model start with BOS.
func (m *Model) AddBOS() bool { return m.addBOS }

// acquireToken adds a user to the model if token is one of its vocabulary's.
func (m *Model) acquireToken(token int32) bool {
	return m.HasVocab() && token >= 0 && int(token) < m.nTokens && m.life.acquire()
}

// TokenBytes returns the bytes that a token stands for in text, those of control tokens
// included; nil for a token without text and for one out of range. One call for each token
// of a large vocabulary (150,000) takes about 30 ms.
func (m *Model) TokenBytes(token int32) []byte {
	if !m.acquireToken(token) {
		return nil
	}
	defer m.release()
	buf := make([]byte, 24)
	for {
		n := int(C.cl_llama_token_to_piece(m.lib.c, m.vocab, C.int32_t(token), bytesPointer(buf), C.int32_t(len(buf)), 0, true))
		switch {
		case n == 0:
			return nil
		case n > 0:
			return buf[:n:n]
		}
		buf = make([]byte, -n) // n is minus the size needed
	}
}

// TokenText returns the vocabulary's own entry, such as "Ġthe" where TokenBytes is " the".
func (m *Model) TokenText(token int32) string {
	if !m.acquireToken(token) {
		return ""
	}
	defer m.release()
	return C.GoString(C.cl_llama_vocab_get_text(m.lib.c, m.vocab, C.int32_t(token)))
}

// Attr returns a token's attributes; 0 for a token out of range.
func (m *Model) Attr(token int32) Attr {
	if !m.acquireToken(token) {
		return 0
	}
	defer m.release()
	return Attr(C.cl_llama_vocab_get_attr(m.lib.c, m.vocab, C.int32_t(token)))
}

// IsEOG tells whether a token ends the generation (EOS, EOT and their like).
func (m *Model) IsEOG(token int32) bool {
	if !m.acquireToken(token) {
		return false
	}
	defer m.release()
	return bool(C.cl_llama_vocab_is_eog(m.lib.c, m.vocab, C.int32_t(token)))
}

// IsControl tells whether a token is a control token: not text although it may have bytes.
func (m *Model) IsControl(token int32) bool {
	if !m.acquireToken(token) {
		return false
	}
	defer m.release()
	return bool(C.cl_llama_vocab_is_control(m.lib.c, m.vocab, C.int32_t(token)))
}

var errNoVocab = errors.New("llama: the model has no vocabulary")

// Tokenize turns text into tokens. addSpecial puts the tokens around it that the model wants
// (AddBOS); parseSpecial reads the names of control tokens in the text, such as
// <|im_start|>, as these tokens: never for text that a user wrote. Bytes that are not UTF-8
// become U+FFFD; nothing is normalised.
func (m *Model) Tokenize(text string, addSpecial, parseSpecial bool) ([]int32, error) {
	if !m.HasVocab() {
		return nil, errNoVocab
	}
	if len(text) > MaxText {
		return nil, fmt.Errorf("llama: cannot tokenize %d bytes: at most %d (MaxText)", len(text), MaxText)
	}
	if !m.life.acquire() {
		return nil, ErrClosed
	}
	defer m.release()
	if err := m.checkBytes(); err != nil {
		return nil, err
	}
	// unsafe: C reads the string's bytes during the calls only, by length.
	data := (*C.char)(unsafe.Pointer(unsafe.StringData(text)))
	out := make([]int32, len(text)/3+8) // refilled below if the guess is too small
	for {
		// unsafe: int32 is int32_t; C fills the slice during the call only.
		n := int(C.cl_llama_tokenize(m.lib.c, m.vocab, data, C.int32_t(len(text)),
			(*C.int32_t)(unsafe.Pointer(&out[0])), C.int32_t(len(out)), C.bool(addSpecial), C.bool(parseSpecial)))
		switch {
		case n == math.MinInt32:
			return nil, &Error{Op: "tokenize", Code: n, Reason: "more than 2^31 tokens"}
		case n >= 0:
			return out[:n], nil
		}
		out = make([]int32, -n)
	}
}

// Detokenize turns tokens back into text as llama.cpp does it, which drops the space that
// some tokenizers put first. With special the names of control tokens are part of the text.
func (m *Model) Detokenize(tokens []int32, special bool) (string, error) {
	if !m.HasVocab() {
		return "", errNoVocab
	}
	if len(tokens) == 0 {
		return "", nil
	}
	if len(tokens) > maxInt32 {
		return "", fmt.Errorf("llama: cannot detokenize %d tokens: at most %d", len(tokens), maxInt32)
	}
	for i, t := range tokens {
		if t < 0 || int(t) >= m.nTokens {
			return "", fmt.Errorf("llama: token %d at index %d is not one of %d", t, i, m.nTokens)
		}
	}
	if !m.life.acquire() {
		return "", ErrClosed
	}
	defer m.release()
	buf := make([]byte, 8*len(tokens)+16)
	for {
		// unsafe: int32 is int32_t; C reads the tokens during the call only.
		n := int(C.cl_llama_detokenize(m.lib.c, m.vocab, (*C.int32_t)(unsafe.Pointer(&tokens[0])), C.int32_t(len(tokens)),
			bytesPointer(buf), C.int32_t(len(buf)), false, C.bool(special)))
		if n >= 0 {
			return string(buf[:n]), nil
		}
		buf = make([]byte, -n)
	}
}

// checkBytes tells whether a SentencePiece vocabulary has a token for every byte, <0x00> to
// <0xFF> or the byte itself: llama.cpp throws on a text that needs a missing one. Found out
// once, at the first Tokenize; the caller holds the model.
func (m *Model) checkBytes() error {
	if m.vocabType != vocabSPM {
		return nil
	}
	m.bytesOnce.Do(func() {
		var have [256]bool
		for t := range m.nTokens {
			text := C.GoString(C.cl_llama_vocab_get_text(m.lib.c, m.vocab, C.int32_t(t)))
			if len(text) == 1 {
				have[text[0]] = true
			} else if b, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(text, "<0x"), ">"), 16, 8); err == nil && len(text) == len("<0x00>") {
				have[b] = true
			}
		}
		if b := slices.Index(have[:], false); b >= 0 {
			m.bytesErr = fmt.Errorf("llama: the vocabulary has no token for the byte %#02x", b)
		}
	})
	return m.bytesErr
}

// checkText returns an error for text that would end early as a C string.
func checkText(what, text string) error {
	if i := strings.IndexByte(text, 0); i >= 0 {
		return fmt.Errorf("llama: %s holds a zero byte at offset %d", what, i)
	}
	return nil
}
