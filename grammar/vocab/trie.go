package vocab

import (
	"bytes"
	"slices"

	"github.com/callama/callama/internal/texts"
)

// Trie is the byte trie of all text tokens, flattened depth first into one array: the
// children of a node follow it, and End says where its subtree stops, so that skipping a
// refused subtree is one assignment. Node 0 is the root. Immutable.
type Trie struct {
	Nodes []Node
	// Roots says for each byte where the subtree of the root's child with that byte begins,
	// or would: the nodes of bytes lo to hi are Nodes[Roots[lo]:Roots[hi+1]].
	Roots [257]int32
	// Same lists pairs of tokens with equal bytes: the first is in the trie, the second is
	// allowed exactly when the first is. Pairs with the same first token follow each other.
	Same [][2]int32
	// twins holds, for each first token, the index of its first pair.
	twins map[int32]int
	// Long are tokens of more than MaxDepth bytes. They are not in the trie.
	Long []int32
}

// Twins returns the pairs of Same with t as their first token.
func (tr *Trie) Twins(t int32) [][2]int32 {
	if len(tr.Same) == 0 {
		return nil
	}
	from, ok := tr.twins[t]
	if !ok {
		return nil
	}
	to := from
	for to < len(tr.Same) && tr.Same[to][0] == t {
		to++
	}
	return tr.Same[from:to]
}

// Node is one trie node in 8 bytes: the label byte, the depth (1 for children of the
// root), the token that ends here, and the index after its subtree.
type Node struct {
	tokenByte uint32 // token<<8 | byte; token noToken for inner nodes
	endDepth  uint32 // end<<8 | depth
}

// Child returns the node that a byte leads to from a node, and whether there is one. Cost: at
// most 256 nodes.
func (t *Trie) Child(node int, b byte) (child int, ok bool) {
	end := t.Nodes[node].End()
	for i := node + 1; i < end; i = t.Nodes[i].End() {
		if t.Nodes[i].Byte() == b {
			return i, true
		}
	}
	return 0, false
}

// Find returns the node that the bytes lead to, and whether there is one.
func (t *Trie) Find(path []byte) (node int, ok bool) {
	for _, b := range path {
		if node, ok = t.Child(node, b); !ok {
			return 0, false
		}
	}
	return node, true
}

const noToken = 1<<24 - 1

// MaxDepth is the longest token in the trie, in bytes: the depth is stored in 8 bits. Real
// vocabularies end near 128 (runs of blanks); longer tokens are kept aside in Long.
const MaxDepth = 255

// Byte returns the label.
func (n Node) Byte() byte { return byte(n.tokenByte) }

// Token returns the token that ends at this node, or -1.
func (n Node) Token() int32 {
	if t := n.tokenByte >> 8; t != noToken {
		return int32(t)
	}
	return -1
}

// Depth returns the number of bytes from the root to this node.
func (n Node) Depth() int { return int(n.endDepth & 0xff) }

// End returns the index of the first node after this node's subtree.
func (n Node) End() int { return int(n.endDepth >> 8) }

// newTrie flattens the given tokens. Order: by bytes, so that a prefix comes before its
// extensions and the array is a depth-first walk.
func newTrie(list *texts.List, text []int32) Trie {
	tokens := func(t int32) []byte { return list.At(int(t)) }
	var tr Trie
	order := make([]int32, 0, len(text))
	for _, t := range text {
		if len(tokens(t)) > MaxDepth {
			tr.Long = append(tr.Long, t)
			continue
		}
		order = append(order, t)
	}
	byBytes := func(a, b int32) int {
		if c := bytes.Compare(tokens(a), tokens(b)); c != 0 {
			return c
		}
		return int(a - b)
	}
	if !slices.IsSortedFunc(order, byBytes) {
		slices.SortFunc(order, byBytes)
	}
	tr.Nodes = append(tr.Nodes, Node{tokenByte: noToken << 8})
	var path []int // open nodes, path[d] at depth d+1
	var prev []byte
	closeTo := func(depth int) {
		for len(path) > depth {
			n := &tr.Nodes[path[len(path)-1]]
			n.endDepth = uint32(len(tr.Nodes))<<8 | n.endDepth&0xff
			path = path[:len(path)-1]
		}
	}
	last := int32(-1)
	tr.twins = map[int32]int{}
	for _, t := range order {
		b := tokens(t)
		if last >= 0 && bytes.Equal(prev, b) {
			if _, ok := tr.twins[last]; !ok {
				tr.twins[last] = len(tr.Same)
			}
			tr.Same = append(tr.Same, [2]int32{last, t})
			continue
		}
		common := 0
		for common < len(prev) && common < len(b) && prev[common] == b[common] {
			common++
		}
		closeTo(common)
		for d := common; d < len(b); d++ {
			path = append(path, len(tr.Nodes))
			tr.Nodes = append(tr.Nodes, Node{tokenByte: noToken<<8 | uint32(b[d]), endDepth: uint32(d + 1)})
		}
		n := &tr.Nodes[len(tr.Nodes)-1]
		n.tokenByte = uint32(t)<<8 | n.tokenByte&0xff
		prev, last = b, t
	}
	closeTo(0)
	tr.finish()
	return tr
}

// finish sets what follows from the nodes.
func (tr *Trie) finish() {
	if len(tr.Nodes) < cap(tr.Nodes) {
		tr.Nodes = slices.Clone(tr.Nodes) // append left a quarter free
	}
	tr.Nodes[0].endDepth = uint32(len(tr.Nodes)) << 8
	b := 0
	for i := 1; i < len(tr.Nodes); i = tr.Nodes[i].End() {
		for ; b <= int(tr.Nodes[i].Byte()); b++ {
			tr.Roots[b] = int32(i)
		}
	}
	for ; b < len(tr.Roots); b++ {
		tr.Roots[b] = int32(len(tr.Nodes))
	}
}

// Subtrie returns the trie of some text tokens. It is made faster if they come in the order
// of the vocabulary's trie.
func (v *Vocab) Subtrie(tokens []int32) Trie { return newTrie(&v.tokens, tokens) }
