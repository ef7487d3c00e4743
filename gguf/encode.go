package gguf

import (
	"container/heap"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/callama/callama/gguf/bpe"
	"github.com/callama/callama/internal/texts"
)

// Encoder splits text into the tokens that a model's own tokenizer makes of it: byte-level
// BPE with the pre-tokenizers of Llama 3 and Qwen2, token for token as llama.cpp. So the
// measurements and training need no runtime. Names of control tokens in the text are text;
// user-defined tokens such as <tool_call> are found in it, as llama.cpp does. Unlike
// Hugging Face's tokenizer of Qwen2 it does not normalise to NFC, since that changes the
// text. An Encoder is immutable and safe for concurrent use.
type Encoder struct {
	digits int          // longest run of digits in one piece
	whole  *texts.Index // tokens by bytes, where a piece that is a token is never split; else nil
	tokens texts.List   // of whole; those that are no text are empty
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

// NewEncoder prepares an Encoder; it takes some 100 ms for 150,000 tokens and holds about
// 6 MB. It fails for pre-tokenizers other than Llama 3's and Qwen2's and for vocabularies
// in which a byte or a merge has no token.
func NewEncoder(t *Tokenizer) (*Encoder, error) {
	e := &Encoder{}
	switch t.Pre {
	case PreLlamaBPE:
		e.digits, e.whole = 3, texts.NewIndex(&e.tokens, len(t.Tokens))
	case PreQwen2:
		e.digits = 1
	default:
		return nil, fmt.Errorf("gguf: tokenizer: pre-tokenizer %q is not known, want %q or %q", t.Pre, PreLlamaBPE, PreQwen2)
	}
	for b := range e.bytes {
		e.bytes[b] = -1
	}
	spelled := make(map[string]int32, len(t.Tokens))
	for i, tok := range t.Tokens {
		id := int32(i)
		var raw []byte // of text
		switch tok.Kind {
		case TokenUserDefined:
			e.added = append(e.added, addedToken{tok.Text, id})
			e.prompt = append(e.prompt, addedToken{tok.Text, id})
		case TokenControl:
			e.prompt = append(e.prompt, addedToken{tok.Text, id})
		case TokenNormal:
			spelled[tok.Text] = id
			raw = t.Bytes(i)
			if len(raw) == 1 {
				e.bytes[raw[0]] = id
			}
		}
		if e.whole == nil {
			continue
		}
		if !e.tokens.Add(raw) {
			return nil, fmt.Errorf("gguf: tokenizer: the tokens up to %d hold more than %d bytes", i, texts.MaxBytes)
		}
		if raw != nil {
			e.whole.Put(i)
		}
	}
	e.tokens.Clip()
	for _, added := range [][]addedToken{e.added, e.prompt} {
		slices.SortStableFunc(added, func(a, b addedToken) int { return len(b.text) - len(a.text) })
	}
	if b := slices.Index(e.bytes[:], -1); b >= 0 {
		return nil, fmt.Errorf("gguf: tokenizer: no token for byte 0x%02x", b)
	}
	var err error
	e.merges, err = newMergeTable(t.Merges, spelled, len(t.Tokens))
	return e, err
}

// Encode returns the tokens of text. Cost: n log n in the longest piece; about 100 ns a byte.
func (e *Encoder) Encode(text string) []int32 { return e.encode(nil, text, e.added) }

// EncodePrompt is Encode for a rendered prompt: the names of control tokens in it are those
// tokens.
func (e *Encoder) EncodePrompt(text string) []int32 { return e.encode(nil, text, e.prompt) }

func (e *Encoder) encode(out []int32, text string, added []addedToken) []int32 {
	for text != "" {
		at, tok := nextAdded(text, added)
		for plain := text[:at]; plain != ""; {
			n := bpe.Piece(plain, e.digits)
			out = e.encodePiece(out, plain[:n])
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

// symbol is a token of a piece under construction, in a list linked by indices.
type symbol struct {
	token      int32 // -1: merged into the one before
	prev, next int32
}

// candidate is a merge that may be done: of the symbol at index at and the one after it.
type candidate struct {
	merge
	at          int32
	left, right int32 // their tokens when it was found; it is void if they have changed
}

type candidates []candidate

func (c candidates) Len() int { return len(c) }
func (c candidates) Less(i, j int) bool {
	return c[i].rank < c[j].rank || c[i].rank == c[j].rank && c[i].at < c[j].at
}
func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *candidates) Push(x any)   { *c = append(*c, x.(candidate)) }
func (c *candidates) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// encodePiece appends the tokens of one piece: the merge of the lowest rank first, and
// the leftmost of equal ones.
func (e *Encoder) encodePiece(out []int32, text string) []int32 {
	if e.whole != nil {
		if id, ok := e.whole.Find(text); ok {
			return append(out, id)
		}
	}
	if len(text) >= math.MaxInt32 {
		panic("gguf: text of 2 GiB")
	}
	symbols := make([]symbol, len(text))
	for i := range len(text) {
		symbols[i] = symbol{e.bytes[text[i]], int32(i - 1), int32(i + 1)}
	}
	symbols[len(text)-1].next = -1
	var queue candidates
	for i := range len(text) - 1 {
		queue = e.consider(queue, symbols, int32(i))
	}
	heap.Init(&queue)
	for len(queue) > 0 {
		c := heap.Pop(&queue).(candidate)
		left := &symbols[c.at]
		if left.token != c.left || left.next < 0 || symbols[left.next].token != c.right {
			continue
		}
		right := &symbols[left.next]
		left.token, right.token = c.token, -1
		if left.next = right.next; left.next >= 0 {
			symbols[left.next].prev = c.at
		}
		for _, at := range [2]int32{left.prev, c.at} {
			if found := e.consider(nil, symbols, at); found != nil {
				heap.Push(&queue, found[0])
			}
		}
	}
	for at := int32(0); at >= 0; at = symbols[at].next {
		out = append(out, symbols[at].token)
	}
	return out
}

// consider appends the merge of the symbol at index at with the next one, if there is one.
func (e *Encoder) consider(queue candidates, symbols []symbol, at int32) candidates {
	if at < 0 || symbols[at].next < 0 {
		return queue
	}
	left, right := symbols[at].token, symbols[symbols[at].next].token
	if m, ok := e.merges.find(left, right); ok {
		queue = append(queue, candidate{m, at, left, right})
	}
	return queue
}
