package mask

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/vocab"
)

// TestEnginesAtOnce follows texts of several grammars at once, by engines that share a vocabulary and its islands,
// with caches that are replaced and without. Their masks are those of walks.
func TestEnginesAtOnce(t *testing.T) {
	grammars := []string{
		`root ::= ("a" | "b" | "\"" [a-c]* "\"")*`,
		`root ::= "\"" [a-c ]{3,40} "\"" [ab]*`,
		`root ::= "\"" ([^"\\] | "\\" [n"\\])* "\"" "b"`,
		`root ::= [abc]{0,500} "'" [abc]{5,7} "'"`,
		`root ::= ([^a] | "a" [^b])* "ab"`,
	}
	v := randomVocab(t)
	var wg sync.WaitGroup
	for w := range 2 * len(grammars) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r := rand.New(rand.NewPCG(9, uint64(w)))
			for round := range 3 {
				g, err := gbnf.Parse(grammars[(w+round)%len(grammars)])
				if err != nil {
					t.Error(err)
					return
				}
				p, err := automaton.Compile(g, automaton.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				followAtRandom(t, r, v, p, Options{MinNodes: 1 + 20*(round%2), CacheBytes: 3000 * (round % 2)})
			}
		}()
	}
	wg.Wait()
}

// followAtRandom takes tokens that a mask allows, and compares it with that of a walk.
func followAtRandom(t *testing.T, r *rand.Rand, v *vocab.Vocab, p *automaton.Program, o Options) {
	e, walks := NewEngine(p, v, o), NewEngine(p, v, Options{MinNodes: math.MaxInt})
	at, walked := e.Start(), walks.Start()
	m, want := vocab.NewMask(v.Width()), vocab.NewMask(v.Width())
	for range 12 {
		e.Fill(m, at, -1, nil)
		walks.Fill(want, walked, -1, nil)
		if !m.Equal(want) {
			t.Errorf("%d tokens are allowed, not the %d of a walk", m.Count(), want.Count())
			return
		}
		var allowed []int32
		for tok := range m.All {
			allowed = append(allowed, tok)
		}
		if len(allowed) == 0 {
			return
		}
		tok := allowed[r.IntN(len(allowed))]
		var ok, okWalked bool
		at, ok = e.Advance(at, tok, nil)
		if walked, okWalked = walks.Advance(walked, tok, nil); !ok || !okWalked {
			t.Errorf("token %q is allowed and refused", v.Bytes(tok))
			return
		}
	}
}
