package vocab_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/vocab"
)

func TestMask(t *testing.T) {
	m := vocab.NewMask(70)
	for _, x := range []int32{0, 31, 32, 69} {
		m.Set(x)
	}
	if got := slices.Collect(m.All); !slices.Equal(got, []int32{0, 31, 32, 69}) {
		t.Errorf("tokens %v", got)
	}
	if m.Count() != 4 || !m.Has(69) || m.Has(68) || m.Has(-1) || m.Has(1000) {
		t.Errorf("count %d, membership wrong", m.Count())
	}
	m.Unset(31)
	wide := vocab.NewMask(200)
	wide.Or(m)
	if !wide.Equal(m) || !m.Equal(wide) {
		t.Error("masks of different widths with the same tokens differ")
	}
	wide.Set(150)
	if wide.Equal(m) || m.Equal(wide) {
		t.Error("a token beyond the narrower width does not count")
	}
	for range wide.All {
		break // ranging may stop early
	}
	wide.Clear()
	if wide.Count() != 0 {
		t.Error("Clear leaves tokens")
	}
}

func TestNewRefuses(t *testing.T) {
	one := [][]byte{[]byte("a")}
	for _, tt := range []struct {
		name string
		c    vocab.Config
		want string
	}{
		{"nothing", vocab.Config{}, "no tokens"},
		{"narrow", vocab.Config{Tokens: [][]byte{{1}, {2}}, Width: 1}, "at least as many logits"},
		{"marks", vocab.Config{Tokens: one, Special: []bool{true, false}}, "special marks"},
		{"end", vocab.Config{Tokens: one, EOG: []int32{1}}, "end-of-generation token 1"},
		{"long", vocab.Config{Tokens: [][]byte{{1}, make([]byte, vocab.MaxTokenBytes+1)}}, "token 1 has 65536 bytes"},
		{"text", vocab.Config{Tokens: slices.Repeat([][]byte{make([]byte, vocab.MaxTokenBytes)}, 257)}, "bytes of text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := vocab.New(tt.c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// TestTrie checks that the flat trie holds exactly the text tokens, each at the node that
// its bytes lead to, and that subtrees nest.
func TestTrie(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		c := vocab.Config{Tokens: [][]byte{nil, []byte("<end>"), []byte(strings.Repeat("x", vocab.MaxDepth+1))}, EOG: []int32{1}}
		for range 1 + r.IntN(300) {
			b := make([]byte, 1+r.IntN(5))
			for i := range b {
				b[i] = "abc\xff"[r.IntN(4)]
			}
			c.Tokens = append(c.Tokens, b)
			c.Special = append(c.Special, r.IntN(10) == 0)
		}
		c.Special = append(make([]bool, 3), c.Special...)
		v, err := vocab.New(c)
		if err != nil {
			t.Fatal(err)
		}
		checkTrie(t, v)
	}
}

func checkTrie(t *testing.T, v *vocab.Vocab) {
	t.Helper()
	tr := v.Trie()
	found := map[int32]bool{}
	var path []byte
	for i := 1; i < len(tr.Nodes); i++ {
		n := tr.Nodes[i]
		if n.Depth() < 1 || n.Depth() > len(path)+1 || n.End() <= i || n.End() > len(tr.Nodes) {
			t.Fatalf("node %d: depth %d after a path of %d, end %d", i, n.Depth(), len(path), n.End())
		}
		path = append(path[:n.Depth()-1], n.Byte())
		for k := i + 1; k < n.End(); k++ {
			if tr.Nodes[k].Depth() <= n.Depth() {
				t.Fatalf("node %d of the subtree of %d is not below it", k, i)
			}
		}
		if n.End() < len(tr.Nodes) && tr.Nodes[n.End()].Depth() > n.Depth() {
			t.Fatalf("the subtree of node %d ends too early", i)
		}
		if tok := n.Token(); tok >= 0 {
			if !bytes.Equal(v.Bytes(tok), path) {
				t.Fatalf("token %d is %q, its node %q", tok, v.Bytes(tok), path)
			}
			found[tok] = true
		}
	}
	for _, p := range tr.Same {
		if !found[p[0]] || !bytes.Equal(v.Bytes(p[0]), v.Bytes(p[1])) {
			t.Fatalf("pair %v", p)
		}
		found[p[1]] = true
	}
	for _, tok := range tr.Long {
		found[tok] = true
	}
	for tok := range int32(v.Len()) {
		if found[tok] != v.IsText(tok) {
			t.Fatalf("token %d %q: in the trie %v, text %v", tok, v.Bytes(tok), found[tok], v.IsText(tok))
		}
	}
}

func TestDerived(t *testing.T) {
	v, err := vocab.New(vocab.Config{Tokens: [][]byte{[]byte("a")}})
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	build := func() any { calls++; return calls }
	for range 2 {
		if got := v.Derived("x", 1, build); got != 1 || calls != 1 {
			t.Errorf("result %v after %d calls: it is not kept", got, calls)
		}
	}
	if v.Derived("y", 1, build) != nil || calls != 1 {
		t.Error("the limit does not hold")
	}
}

func TestTrieFind(t *testing.T) {
	v, err := vocab.New(vocab.Config{Tokens: [][]byte{[]byte("a"), []byte("abc"), []byte("ac"), []byte("b")}})
	if err != nil {
		t.Fatal(err)
	}
	tr := v.Trie()
	for _, tt := range []struct {
		path  string
		ok    bool
		token int32
	}{{"", true, -1}, {"a", true, 0}, {"ab", true, -1}, {"abc", true, 1}, {"ac", true, 2}, {"b", true, 3}, {"bc", false, 0}, {"abd", false, 0}, {"c", false, 0}} {
		node, ok := tr.Find([]byte(tt.path))
		if ok != tt.ok || ok && tr.Nodes[node].Token() != tt.token {
			t.Errorf("%q: node %d, %v", tt.path, node, ok)
		}
	}
	if v.Longest() != 3 {
		t.Errorf("the longest token has %d bytes", v.Longest())
	}
}
