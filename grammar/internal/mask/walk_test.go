package mask

import (
	"runtime"
	"testing"
	"weak"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/vocab"
)

// TestResetFreesCaches: nothing holds the caches that were replaced but the positions in them, nor the memory that masks are
// made in for long.
func TestResetFreesCaches(t *testing.T) {
	v := randomVocab(t)
	g, err := gbnf.Parse(`root ::= ("a" | "b" | "\"" [a-c]* "\"")*`)
	if err != nil {
		t.Fatal(err)
	}
	p, err := automaton.Compile(g, automaton.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := NewEngine(p, v, Options{})
	e.Fill(vocab.NewMask(v.Width()), e.Start(), -1, nil)
	old := weak.Make(e.space.cache)
	if e.stats.Walks == 0 {
		t.Fatal("the mask was made without a walk")
	}
	e.opts.CacheBytes, e.space.floor = 1, 0
	e.AdvanceBytes(e.Start(), []byte("a"))
	for range 3 { // what is not borrowed for two collections is gone
		runtime.GC()
	}
	if e.stats.Resets != 1 || old.Value() != nil {
		t.Errorf("%d resets; the old cache is held: %v", e.stats.Resets, old.Value() != nil)
	}
}
