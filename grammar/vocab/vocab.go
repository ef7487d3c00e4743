// Package vocab describes a tokenizer's vocabulary to the grammar engine: the bytes of
// every token, sets of tokens as bit masks, and the byte trie that mask computation
// walks. It knows neither models nor grammars and imports nothing of ours.
package vocab
