package grammar_test

import (
	"math/rand/v2"
	"testing"

	"github.com/callama/callama/grammar"
)

// TestHistory extends, takes back and clones texts at random, and expects each matcher to
// stand where a text of its length stands.
func TestHistory(t *testing.T) {
	c := compileText(t, byteVocab(t), `root ::= [ab]{0,400}`)
	states := []int{}
	for m := c.NewMatcher(); ; {
		states = append(states, m.State())
		if m.Accept('a') != nil {
			break
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	all := []*grammar.Matcher{c.NewMatcher()}
	for range 20000 {
		m := all[r.IntN(len(all))]
		switch k := r.IntN(100); {
		case k < 60:
			for range r.IntN(40) {
				if m.Len() < 400 && m.Accept('a'+int32(r.IntN(2))) != nil {
					t.Fatalf("refused after %d", m.Len())
				}
			}
		case k < 90:
			if err := m.Rollback(r.IntN(m.Len() + 1)); err != nil {
				t.Fatal(err)
			}
		case k < 92:
			m.Reset()
		case len(all) < 8:
			all = append(all, m.Clone())
		default:
			all[r.IntN(len(all))] = m.Clone()
		}
		for _, m := range all {
			if m.State() != states[m.Len()] {
				t.Fatalf("after %d tokens: state %d, want %d", m.Len(), m.State(), states[m.Len()])
			}
		}
	}
}
