package mask

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/gguf"
	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/vocab"
)

// unitOf returns a unit that is one of some texts, each written as ranges of bytes in pairs.
func unitOf(texts ...string) *automaton.Unit {
	var steps []byte
	state := func() uint8 {
		for range 256 {
			steps = append(steps, automaton.UnitDead)
		}
		return uint8(len(steps)/256 - 1)
	}
	state()
	var add func(from uint8, text string)
	add = func(from uint8, text string) {
		to := map[uint8]uint8{} // what a byte of the range led to -> what it leads to
		for b := int(text[0]); b <= int(text[1]); b++ {
			next := steps[int(from)*256+b]
			if _, done := to[next]; !done {
				switch {
				case len(text) == 2:
					to[next] = automaton.UnitEnd
				case next == automaton.UnitDead:
					to[next] = state()
				default:
					to[next] = next
				}
			}
			steps[int(from)*256+b] = to[next]
		}
		for _, next := range to {
			if len(text) > 2 {
				add(next, text[2:])
			}
		}
	}
	for _, text := range texts {
		add(0, text)
	}
	return &automaton.Unit{Steps: string(steps)}
}

// plain are the characters of JSON strings that are written as they are, but for the blank.
var plain = []string{"!!", "#[", "]~", "\xc2\xdf\x80\xbf", "\xe0\xef\x80\xbf\x80\xbf", "\xf0\xf4\x80\xbf\x80\xbf\x80\xbf"}

// testUnits are units of the kinds that grammars repeat, and some that are not characters.
var testUnits = []struct {
	name string
	unit *automaton.Unit
}{
	{"letters", unitOf("az")},
	{"text", unitOf(append(plain, "  ")...)},
	{"text without blanks", unitOf(plain...)},
	{"escapes", unitOf(append(plain, "  ", `\\""`, `\\\\`, `\\//`, `\\bb`, `\\ff`, `\\nn`, `\\rr`, `\\tt`, `\\uu09af09af09af09af`)...)},
	{"pairs", unitOf("azaz")},
	{"letters in quotes", unitOf("az", "''az''")},
	{"bytes", unitOf("\x01\xff")},
	{"broken characters", unitOf("\xc3\xc3az", "az", "\xf0\xf0\x9f\x9f")},
	{"blanks", unitOf("  ", "\t\n")},
}

// TestIslands holds what an island says of tokens against each of them by itself.
func TestIslands(t *testing.T) {
	for _, v := range []struct {
		name string
		of   func(t *testing.T) *vocab.Vocab
	}{
		{"random", func(t *testing.T) *vocab.Vocab { return randomVocab(t) }},
		{"llama3.1", func(t *testing.T) *vocab.Vocab { return publishedVocab(t, "llama3.1") }},
		{"qwen2.5", func(t *testing.T) *vocab.Vocab { return publishedVocab(t, "qwen2.5") }},
	} {
		t.Run(v.name, func(t *testing.T) {
			v := v.of(t)
			for _, u := range testUnits {
				for _, left := range []bool{false, true} {
					t.Run(fmt.Sprint(u.name, " ", left), func(t *testing.T) {
						checkIsland(t, v, newIsland(v, u.unit.Steps, left, &[256]bool{'"': true}))
					})
				}
			}
		})
	}
}

func checkIsland(t *testing.T, v *vocab.Vocab, is *island) {
	is.want(&[256]bool{' ': true, '\\': true})
	exits := exitTokens(v, is)
	longest := int32(0)
	units := make([]int32, v.Len()) // of those inside
	var leave []int32
	for tok := range int32(v.Len()) {
		if !v.IsText(tok) {
			continue
		}
		n, cut, end, ok := follow(is.steps, v.Bytes(tok))
		inside := ok && end == len(v.Bytes(tok))
		if is.inside.Has(tok) != inside {
			t.Fatalf("token %d %q: inside %v, not %v", tok, v.Bytes(tok), !inside, inside)
		}
		whole := int32(0)
		if inside {
			units[tok], longest = n, max(longest, n)
			if !cut && n < manyUnits {
				whole = n
			}
		} else if ok {
			leave = append(leave, tok)
			if lead := v.Bytes(tok)[end]; is.exit(lead) != nil {
				if got := exits[tok]; got != newTally(int32(lead), n, false) {
					t.Fatalf("token %d %q leaves by %q after %d units, not %q after %d", tok, v.Bytes(tok), got.token(), got.units(), lead, n)
				}
				delete(exits, tok)
			}
		}
		if got := is.whole(tok); got != whole {
			t.Fatalf("token %d %q: %d whole units, not %d", tok, v.Bytes(tok), got, whole)
		}
	}
	if len(exits) > 0 {
		t.Fatalf("%d tokens leave and do not", len(exits))
	}
	if is.longest != longest {
		t.Fatalf("at most %d units, not %d", is.longest, longest)
	}
	for n := range longest + 2 {
		m := is.upTo(n)
		for tok := range is.inside.All {
			if m.Has(tok) != (units[tok] <= n) {
				t.Fatalf("token %d %q of %d units: among those of at most %d: %v", tok, v.Bytes(tok), units[tok], n, m.Has(tok))
			}
		}
		if m.Or(is.inside); !m.Equal(is.inside) {
			t.Fatalf("tokens of at most %d units are not inside", n)
		}
	}
	if got := leavingTokens(t, v, is); !slices.Equal(got, leave) {
		t.Fatalf("%d tokens leave, not %d", len(got), len(leave))
	}
}

// exitTokens returns, for the tokens of all exits and their twins, the first byte and the units before it.
func exitTokens(v *vocab.Vocab, is *island) map[int32]tally {
	found := map[int32]tally{}
	add := func(tok int32, b byte, units int32) {
		found[tok] = newTally(int32(b), units, false)
		for _, pair := range v.Trie().Twins(tok) {
			found[pair[1]] = found[tok]
		}
	}
	nodes := v.Trie().Nodes
	for b := range 256 {
		x := is.exit(byte(b))
		if x == nil {
			continue
		}
		for i, root := range x.roots {
			for _, n := range nodes[root:nodes[root].End()] {
				if n.Token() >= 0 {
					add(n.Token(), byte(b), int32(x.units[i]))
				}
			}
		}
		for _, l := range x.long {
			add(l.token, byte(b), l.units)
		}
	}
	return found
}

// leavingTokens lists the tokens of island.leaving and their twins, and checks the ways to the others.
func leavingTokens(t *testing.T, v *vocab.Vocab, is *island) []int32 {
	l, nodes := is.leaving(), v.Trie().Nodes
	all := slices.Clone(l.long)
	var path []byte
	more := l.more
	for _, p := range l.parts {
		n := p.depth() - p.common()
		path = append(path[:p.common()], more[:n]...)
		more = more[n:]
		for _, below := range nodes[p.from():p.to()] {
			if tok := below.Token(); tok >= 0 {
				all = append(all, tok)
				if b := v.Bytes(tok); len(b) <= len(path) || !bytes.HasPrefix(b, path) {
					t.Fatalf("token %d %q after %q", tok, b, path)
				}
			}
		}
	}
	if len(more) > 0 {
		t.Fatalf("%d bytes lead nowhere", len(more))
	}
	for _, tok := range all {
		for _, pair := range v.Trie().Twins(tok) {
			all = append(all, pair[1])
		}
	}
	slices.Sort(all)
	return all
}

// randomVocab has tokens of few letters and escapes, some with the bytes of another, some too long for the trie.
func randomVocab(t *testing.T) *vocab.Vocab {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	parts := []string{"a", "b", "c", " ", "'", `"`, `\n`, `\u00e4`, `\`, "ä", "€", "😀", "\xc3", "\xf0\x9f", "\x80", "\n"}
	var c vocab.Config
	for range 3000 {
		var b []byte
		for range 1 + r.IntN(5) {
			b = append(b, parts[r.IntN(len(parts))]...)
		}
		c.Tokens = append(c.Tokens, b)
	}
	for _, part := range parts {
		for _, n := range []int{12, 126, 127, 128, 254, 255, 256, 600} {
			c.Tokens = append(c.Tokens, []byte(strings.Repeat(part, n)), []byte(strings.Repeat(part, n)), []byte(strings.Repeat(part, n)+`"b`))
		}
	}
	return newVocab(t, c)
}

// publishedVocab reads a tokenizer from the shared test data, or skips.
func publishedVocab(t testing.TB, name string) *vocab.Vocab {
	t.Helper()
	root := os.Getenv("CALLAMA_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, "tokenizers", name, "tokenizer.json")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no test data (see CALLAMA_TESTDATA): %v", err)
	}
	tok, err := gguf.ReadTokenizer(path)
	if err != nil {
		t.Fatal(err)
	}
	c := vocab.Config{EOG: []int32{int32(tok.EOS)}}
	for i, x := range tok.Tokens {
		c.Tokens = append(c.Tokens, tok.Bytes(i))
		c.Special = append(c.Special, x.Kind == gguf.TokenControl)
	}
	return newVocab(t, c)
}

func newVocab(t testing.TB, c vocab.Config) *vocab.Vocab {
	t.Helper()
	v, err := vocab.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
