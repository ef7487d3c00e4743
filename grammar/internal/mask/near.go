package mask

import (
	"fmt"
	"math"

	"github.com/callama/callama/grammar/vocab"
)

// The longest tokens are a hundred blanks or dashes. Were counts near their bounds wherever
// such a token can meet one, few would be far. So near a bound a mask is made from that of a
// configuration that fares the same for all tokens but the long ones, which are looked at.

// longToken is the default of Options.LongToken: one token in 500 has more bytes.
const longToken = 32

// near makes the mask of a configuration whose counts are far from their bounds for all but
// the long tokens; nil if they are not. patch is as for compute.
func (e *Engine) near(sp *space, id int32, patch bool) *entry {
	c := sp.cache
	if !c.Counts() || e.vocab.Longest() <= e.opts.LongToken || c.HasTokens(id) || len(e.vocab.Trie().Long) > 0 {
		return nil
	}
	like := c.Coarse(id, int32(e.opts.LongToken))
	if like == id { // as it is for the one that stands for it: this ends
		return nil
	}
	long, _ := e.vocab.Derived(fmt.Sprint("longer than ", e.opts.LongToken), maxIslands, func() any { return longTokens(e.vocab, e.opts.LongToken) }).(*vocab.Trie)
	if long == nil {
		return nil
	}
	from := e.mask(sp, like, patch)
	m := e.set.scratch()
	from.write(m)
	e.toggled = append(e.toggled[:0], from.flips...)
	farthest, _ := e.differ(sp, id, like, m, long.Nodes, 1, math.MaxInt64)
	return e.keepToggled(sp, id, from, m, max(farthest, from.farthest))
}

// longTokens returns the trie of the tokens of more than n bytes.
func longTokens(v *vocab.Vocab, n int) *vocab.Trie {
	var long []int32
	for t := range int32(v.Len()) {
		if v.IsText(t) && len(v.Bytes(t)) > n {
			long = append(long, t)
		}
	}
	trie := v.Subtrie(long)
	return &trie
}
