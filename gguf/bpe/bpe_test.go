package bpe

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dlclark/regexp2/v2"
)

// splitPatterns are what Piece does by hand.
var splitPatterns = map[int]string{
	1: `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
	3: `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
}

// TestPiece compares with a backtracking pattern engine on texts made of the characters
// that the pattern tells apart.
func TestPiece(t *testing.T) {
	alphabet := []rune("abST'lLeErRvVdDmM019½ \t\n\r\u00a0.,\"{}:-é中🚀\u0301\u2028٣")
	r := rand.New(rand.NewPCG(1, 2))
	for digits, pattern := range splitPatterns {
		re := regexp2.MustCompile(pattern)
		for range 20_000 {
			text := make([]rune, 1+r.IntN(12))
			for i := range text {
				text[i] = alphabet[r.IntN(len(alphabet))]
			}
			if got, want := pieces(string(text), digits), matches(t, re, string(text)); !slices.Equal(got, want) {
				t.Fatalf("%q in digits of %d: pieces %q, want %q", string(text), digits, got, want)
			}
		}
	}
}

func pieces(text string, digits int) []string {
	var out []string
	for text != "" {
		n := Piece(text, digits)
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

func matches(t *testing.T, re *regexp2.Regexp, text string) []string {
	t.Helper()
	var out []string
	m, err := re.FindStringMatch(text)
	for m != nil && err == nil {
		out = append(out, m.String())
		m, err = re.FindNextMatch(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPieceOfBrokenText(t *testing.T) {
	for _, text := range []string{"\xff", "a\xc3", "  \xff", "\xe4\xbb 1"} {
		if got := strings.Join(pieces(text, 1), ""); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// FuzzPiece: pieces are never empty and make the text again.
func FuzzPiece(f *testing.F) {
	for _, text := range []string{"it's 12 x\n\n {\"a\": -1}", "北京 é\u0301\xff", "  \t\r\n"} {
		f.Add(text, 1)
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, digits int) {
		if digits < 1 || digits > 9 {
			return
		}
		for rest := text; rest != ""; {
			n := Piece(rest, digits)
			if n < 1 || n > len(rest) {
				t.Fatalf("a piece of %d bytes in %q", n, rest)
			}
			rest = rest[n:]
		}
	})
}

func TestLearn(t *testing.T) {
	for _, tc := range []struct {
		name, corpus string
		n            int
		joins        func(left, right string) bool
		want         []Merge
	}{
		{"nothing", "", 5, nil, nil},
		{"most frequent first", "abab ab cd", 1, nil, []Merge{{"a", "b"}}},
		{"ties in order", "xy ab", 2, nil, []Merge{{" ", "a"}, {" a", "b"}}},
		{"used up", "ab", 9, nil, []Merge{{"a", "b"}}},
		{"overlapping", "aaaa", 2, nil, []Merge{{"a", "a"}, {"aa", "aa"}}},
		{"not joined", "ab ab", 9, func(left, _ string) bool { return left != " " }, []Merge{{"a", "b"}}},
	} {
		counts := make(map[string]int)
		Count(counts, tc.corpus, 1)
		if got := (Learner{Joins: tc.joins}).Learn(counts, tc.n); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// learnSlowly is the definition: it counts all pairs afresh for every merge.
func learnSlowly(counts map[string]int, n int) []Merge {
	words := make(map[string][]string, len(counts))
	known := make(map[string]bool)
	for text := range counts {
		for i := range len(text) {
			words[text] = append(words[text], text[i:i+1])
		}
	}
	var out []Merge
	for len(out) < n {
		pairs := make(map[Merge]int)
		for text, tokens := range words {
			for i := 1; i < len(tokens); i++ {
				pairs[Merge{tokens[i-1], tokens[i]}] += counts[text]
			}
		}
		var best Merge
		for p, count := range pairs {
			if c := pairs[best]; !known[p.Left+p.Right] && (count > c || count == c &&
				(p.Left < best.Left || p.Left == best.Left && p.Right < best.Right)) {
				best = p
			}
		}
		if pairs[best] == 0 {
			break
		}
		known[best.Left+best.Right] = true
		out = append(out, best)
		for text, tokens := range words {
			var joined []string
			for i := 0; i < len(tokens); i++ {
				if i+1 < len(tokens) && tokens[i] == best.Left && tokens[i+1] == best.Right {
					joined = append(joined, best.Left+best.Right)
					i++
					continue
				}
				joined = append(joined, tokens[i])
			}
			words[text] = joined
		}
	}
	return out
}

func TestLearnIsTheDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 200 {
		counts := make(map[string]int)
		for range 1 + r.IntN(30) {
			var sb strings.Builder
			for range 1 + r.IntN(9) {
				fmt.Fprintf(&sb, "%c", 'a'+r.IntN(3))
			}
			counts[sb.String()] += 1 + r.IntN(4)
		}
		if got, want := (Learner{}).Learn(counts, 40), learnSlowly(counts, 40); !slices.Equal(got, want) {
			t.Fatalf("case %d: %v\ngot  %q\nwant %q", i, counts, got, want)
		}
	}
}
