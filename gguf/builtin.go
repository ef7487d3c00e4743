package gguf

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// builtinMerges is the number of merges of the built-in vocabulary: enough that words,
// JSON punctuation and indentation are tokens of several bytes, as real vocabularies
// have them, and few enough that a person can read the list.
const builtinMerges = 512

var (
	//go:embed builtin/corpus.txt
	builtinCorpus string
	//go:embed builtin/chatml.jinja
	builtinTemplate string
)

// builtinAdded are the tokens after the merges, in order of their ids: those of Qwen2.5
// and Qwen3 that chat and tool calls need.
var builtinAdded = []Token{
	{"<|endoftext|>", TokenControl}, {"<|im_start|>", TokenControl}, {"<|im_end|>", TokenControl},
	{"<tool_call>", TokenUserDefined}, {"</tool_call>", TokenUserDefined},
	{"<tool_response>", TokenUserDefined}, {"</tool_response>", TokenUserDefined},
	{"<think>", TokenUserDefined}, {"</think>", TokenUserDefined},
}

// BuiltinTokenizer returns a small byte-level BPE tokenizer that needs no file: 256 bytes,
// 512 merges learned from a short text that the package carries (English, JSON, some
// Chinese and code), and nine added tokens for ChatML, tool calls and reasoning. It splits
// as Qwen2.5 does. Its chat template has Qwen2.5's wire format for tools. The result is
// shared and must not be changed; it is the same in every process.
func BuiltinTokenizer() *Tokenizer { return builtinTokenizer() }

var builtinTokenizer = sync.OnceValue(func() *Tokenizer {
	t := &Tokenizer{Pre: PreQwen2, Unknown: -1, ChatTemplate: builtinTemplate}
	for _, b := range byteAlphabet() {
		t.Tokens = append(t.Tokens, Token{string(byteRunes()[b]), TokenNormal})
	}
	for _, m := range learnMerges(builtinCorpus, builtinMerges) {
		left, right := spellBytes(m[0]), spellBytes(m[1])
		t.Merges = append(t.Merges, left+" "+right)
		t.Tokens = append(t.Tokens, Token{left + right, TokenNormal})
	}
	t.Tokens = append(t.Tokens, builtinAdded...)
	t.Pad = t.id("<|endoftext|>")
	t.BOS = t.Pad
	t.EOS = t.id("<|im_end|>")
	t.EOT = t.EOS
	return t
})

// word is a distinct piece of the corpus: how often it comes and its tokens so far.
type word struct {
	count  int
	pieces []string
}

// learnMerges is byte pair encoding (Sennrich et al., 2016): it joins the most frequent
// neighbours, again and again. Ties go to the pair that sorts first, so that the result
// depends on the corpus alone. A pair that gives a token again is skipped.
func learnMerges(corpus string, n int) [][2]string {
	words := countWords(corpus)
	known := map[string]bool{}
	var out [][2]string
	for len(out) < n {
		counts := map[[2]string]int{}
		for _, w := range words {
			for i := 1; i < len(w.pieces); i++ {
				counts[[2]string{w.pieces[i-1], w.pieces[i]}] += w.count
			}
		}
		var best [2]string
		for pair, count := range counts {
			if known[pair[0]+pair[1]] {
				continue
			}
			if c := counts[best]; count > c || count == c && slices.Compare(pair[:], best[:]) < 0 {
				best = pair
			}
		}
		if counts[best] == 0 {
			break // the corpus is used up
		}
		known[best[0]+best[1]] = true
		out = append(out, best)
		for i := range words {
			words[i].pieces = joinPair(words[i].pieces, best)
		}
	}
	return out
}

func joinPair(pieces []string, pair [2]string) []string {
	out := pieces[:0]
	for i := 0; i < len(pieces); i++ {
		if i+1 < len(pieces) && pieces[i] == pair[0] && pieces[i+1] == pair[1] {
			out = append(out, pair[0]+pair[1])
			i++
			continue
		}
		out = append(out, pieces[i])
	}
	return out
}

func countWords(corpus string) []word {
	index := map[string]int{}
	var words []word
	for _, text := range splitQwen2(corpus) {
		at, ok := index[text]
		if !ok {
			at = len(words)
			index[text] = at
			words = append(words, word{pieces: eachByte(text)})
		}
		words[at].count++
	}
	return words
}

func eachByte(text string) []string {
	out := make([]string, len(text))
	for i := range len(text) {
		out[i] = text[i : i+1]
	}
	return out
}

// qwen2Split is Qwen2's splitting pattern less its look-ahead, which Go's regexp has not,
// and with Unicode's white space, which Go's \s is not.
var qwen2Split = regexp.MustCompile(strings.ReplaceAll(
	`^(?:(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|[\s]*[\r\n]+|[\s]+)`,
	`\s`, `\t-\r\x{85}\p{Z}`))

// splitQwen2 cuts text into the pieces within which tokens are merged.
func splitQwen2(text string) []string {
	var out []string
	for len(text) > 0 {
		n := len(qwen2Split.FindString(text))
		if n == 0 { // the pattern matches any character; this is for broken UTF-8
			_, n = utf8.DecodeRuneInString(text)
		}
		// \s+(?!\S): a run of blanks before a word leaves it the last blank.
		piece := text[:n]
		if strings.TrimSpace(piece) == "" && !strings.ContainsAny(piece, "\r\n") && n < len(text) {
			_, last := utf8.DecodeLastRuneInString(piece)
			if next, _ := utf8.DecodeRuneInString(text[n:]); last < n && !unicode.IsSpace(next) {
				n -= last
			}
		}
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}
