package gguf

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// merge is one rule of BPE.
type merge struct{ rank, token int32 }

// mergeTable holds the rules by the tokens that they merge: those of a left one next to each other,
// in the order of the right ones. That is 10 bytes for a rule, where a map takes 50.
type mergeTable struct {
	from []int32 // where the rules of each left token begin; one more at the end
	// The right token of each rule, its rank and the token that it makes, from the highest bits down.
	rules     []uint64
	rankBits  int
	tokenBits int
}

// newMergeTable reads rules in the order of their ranks; of equal ones the first counts.
func newMergeTable(merges []string, spelled map[string]int32, tokens int) (mergeTable, error) {
	t := mergeTable{rankBits: bits.Len(uint(len(merges))), tokenBits: bits.Len(uint(tokens))}
	if t.rankBits+2*t.tokenBits > 64 {
		return mergeTable{}, errors.New("gguf: tokenizer: too many tokens and merges")
	}
	t.from = make([]int32, tokens+1)
	lefts, rules := make([]int32, len(merges)), make([]uint64, len(merges))
	var whole []byte
	for rank, m := range merges {
		left, right, _ := strings.Cut(m, " ")
		whole = append(append(whole[:0], left...), right...)
		l, okLeft := spelled[left]
		r, okRight := spelled[right]
		token, ok := spelled[string(whole)]
		if !okLeft || !okRight || !ok {
			return mergeTable{}, fmt.Errorf("gguf: tokenizer: merge %d, %q, is not of tokens", rank, m)
		}
		lefts[rank], rules[rank] = l, (uint64(r)<<t.rankBits|uint64(rank))<<t.tokenBits|uint64(token)
		t.from[l]++
	}
	t.sort(lefts, rules)
	return t, nil
}

// sort files the rules under their left tokens, of which from has the numbers of rules.
func (t *mergeTable) sort(lefts []int32, rules []uint64) {
	end := int32(0)
	for i, n := range t.from {
		end += n
		t.from[i] = end // of the rules that are filed from the last one down
	}
	t.rules = make([]uint64, len(rules))
	for i, left := range lefts {
		t.from[left]--
		t.rules[t.from[left]] = rules[i]
	}
	for i, from := range t.from[1:] {
		slices.Sort(t.rules[t.from[i]:from])
	}
}

// find returns the rule that merges two tokens.
func (t *mergeTable) find(left, right int32) (m merge, ok bool) {
	of := t.rules[t.from[left]:t.from[left+1]]
	shift := t.rankBits + t.tokenBits
	i, _ := slices.BinarySearch(of, uint64(right)<<shift)
	if i == len(of) || of[i]>>shift != uint64(right) {
		return merge{}, false
	}
	rule := of[i]
	return merge{int32(rule >> t.tokenBits & (1<<t.rankBits - 1)), int32(rule & (1<<t.tokenBits - 1))}, true
}
