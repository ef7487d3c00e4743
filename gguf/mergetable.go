package gguf

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// merge is one rule of BPE.
type merge struct{ rank, token int32 }

// mergeTable holds the rules by the tokens that they merge: those of a left one next to each other,
// in the order of the right ones. That is 12 bytes for a rule, where a map takes 50.
type mergeTable struct {
	from  []int32 // where the rules of each left token begin; one more at the end
	right []int32
	to    []merge
}

// newMergeTable reads rules in the order of their ranks; of equal ones the first counts.
func newMergeTable(merges []string, spelled map[string]int32, tokens int) (mergeTable, error) {
	type rule struct {
		left, right int32
		merge
	}
	rules := make([]rule, len(merges))
	for rank, m := range merges {
		left, right, _ := strings.Cut(m, " ")
		l, okLeft := spelled[left]
		r, okRight := spelled[right]
		token, ok := spelled[left+right]
		if !okLeft || !okRight || !ok {
			return mergeTable{}, fmt.Errorf("gguf: tokenizer: merge %d, %q, is not of tokens", rank, m)
		}
		rules[rank] = rule{l, r, merge{int32(rank), token}}
	}
	slices.SortFunc(rules, func(a, b rule) int {
		return cmp.Or(cmp.Compare(a.left, b.left), cmp.Compare(a.right, b.right), cmp.Compare(a.rank, b.rank))
	})
	rules = slices.CompactFunc(rules, func(a, b rule) bool { return a.left == b.left && a.right == b.right })
	t := mergeTable{from: make([]int32, tokens+1), right: make([]int32, len(rules)), to: make([]merge, len(rules))}
	for i, r := range rules {
		t.from[r.left+1]++
		t.right[i], t.to[i] = r.right, r.merge
	}
	for i := range tokens {
		t.from[i+1] += t.from[i]
	}
	return t, nil
}

// find returns the rule that merges two tokens.
func (t *mergeTable) find(left, right int32) (m merge, ok bool) {
	from := t.from[left]
	i, ok := slices.BinarySearch(t.right[from:t.from[left+1]], right)
	if !ok {
		return merge{}, false
	}
	return t.to[int(from)+i], true
}
