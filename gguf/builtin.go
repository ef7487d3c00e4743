package gguf

import (
	_ "embed"
	"sync"

	"github.com/callama/callama/gguf/bpe"
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
	pieces := make(map[string]int)
	bpe.Count(pieces, builtinCorpus, 1)
	t := NewTokenizer(PreQwen2, (bpe.Learner{}).Learn(pieces, builtinMerges), builtinAdded)
	t.ChatTemplate = builtinTemplate
	return t
})
