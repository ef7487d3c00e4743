package vocab_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/callama/callama/grammar/vocab"
)

// randomVocab has short tokens of few bytes, so that many begin alike; none are equal.
func randomVocab(t *testing.T, r *rand.Rand, tokens int) *vocab.Vocab {
	t.Helper()
	var c vocab.Config
	seen := map[string]bool{}
	for range tokens {
		b := make([]byte, 1+r.IntN(6))
		for i := range b {
			b[i] = "abc\xff"[r.IntN(4)]
		}
		if !seen[string(b)] {
			seen[string(b)] = true
			c.Tokens = append(c.Tokens, b)
		}
	}
	v, err := vocab.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// leaf is a token of a trie and the path to it.
type leaf struct {
	path  string
	token int32
}

// leaves lists the tokens of a trie in its order, and checks that subtrees nest.
func leaves(t *testing.T, tr *vocab.Trie) (out []leaf) {
	t.Helper()
	var path []byte
	for i := 1; i < len(tr.Nodes); i++ {
		n := tr.Nodes[i]
		if n.Depth() < 1 || n.Depth() > len(path)+1 || n.End() <= i || n.End() > len(tr.Nodes) {
			t.Fatalf("node %d: depth %d after a path of %d, end %d of %d", i, n.Depth(), len(path), n.End(), len(tr.Nodes))
		}
		path = append(path[:n.Depth()-1], n.Byte())
		if end := n.End(); end < len(tr.Nodes) && tr.Nodes[end].Depth() > n.Depth() {
			t.Fatalf("the subtree of node %d ends too early", i)
		}
		for k := i + 1; k < n.End(); k++ {
			if tr.Nodes[k].Depth() <= n.Depth() {
				t.Fatalf("node %d is not below %d", k, i)
			}
		}
		if n.Token() >= 0 {
			out = append(out, leaf{string(path), n.Token()})
		}
	}
	for b := range 256 {
		for i := int(tr.Roots[b]); i < int(tr.Roots[b+1]); i = tr.Nodes[i].End() {
			if tr.Nodes[i].Depth() != 1 || int(tr.Nodes[i].Byte()) != b {
				t.Fatalf("node %d is no root of byte %#x", i, b)
			}
		}
	}
	return out
}

// someNodes picks nodes of a trie, none below another, for which keep holds, with their paths.
func someNodes(r *rand.Rand, tr *vocab.Trie, share float64, keep func(vocab.Node) bool) (nodes []int32, paths []string) {
	var path []byte
	for i := 1; i < len(tr.Nodes); {
		n := tr.Nodes[i]
		path = append(path[:n.Depth()-1], n.Byte())
		if keep(n) && r.Float64() < share {
			nodes, paths = append(nodes, int32(i)), append(paths, string(path))
			i = n.End()
			continue
		}
		i++
	}
	return nodes, paths
}

// TestMerge: what is below many nodes of one byte, sorted by what follows their paths.
func TestMerge(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		v := randomVocab(t, r, 1+r.IntN(1500))
		tr := v.Trie()
		nodes, paths := someNodes(r, tr, 0.8, func(n vocab.Node) bool { return n.Byte() == 'a' && n.Depth() > 1 })
		var want []string
		for i, node := range nodes {
			for _, n := range tr.Nodes[node:tr.Nodes[node].End()] {
				if tok := n.Token(); tok >= 0 {
					want = append(want, fmt.Sprintf("%q %d of %d", v.Bytes(tok)[len(paths[i])-1:], tok, i))
				}
			}
		}
		type under struct {
			number, token int32
			root          int
		}
		var found []under
		merged := tr.Merge(nodes, func(number, token int32, root int) { found = append(found, under{number, token, root}) })
		if !slices.IsSortedFunc(found, func(a, b under) int { return cmp.Compare(a.number, b.number) }) {
			t.Fatal("the numbers do not come in order")
		}
		endings := map[int32]string{}
		for i, l := range leaves(t, &vocab.Trie{Nodes: merged}) {
			if int(l.token) != i {
				t.Fatalf("ending %q has number %d, not %d", l.path, l.token, i)
			}
			endings[l.token] = l.path
		}
		var got []string
		for _, u := range found {
			got = append(got, fmt.Sprintf("%q %d of %d", endings[u.number], u.token, u.root))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("endings below %q:\n%v, not\n%v", paths, got, want)
		}
	}
}
