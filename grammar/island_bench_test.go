package grammar_test

import (
	"fmt"
	"testing"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
)

// BenchmarkIsland measures the first mask in a run of characters that no grammar had before, for
// which what the vocabulary's tokens do in it is worked out.
func BenchmarkIsland(b *testing.B) {
	v := publishedVocab(b, benchVocabs[0])
	n := 0
	for _, s := range []struct{ name, rule string }{
		{"letters", `root ::= "\"" [a-z0-9%c%c]* "\""`},
		{"others", `root ::= "\"" [^"\\\x00-\x1f%c%c]* "\""`},
	} {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				n++
				g, err := gbnf.Parse(fmt.Sprintf(s.rule, rune(0x400+n%5000), rune(0x1100+n/5000)))
				if err != nil {
					b.Fatal(err)
				}
				c, err := grammar.Compile(g, v, grammar.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				m := c.NewMatcher()
				accept(b, m, v, `"`)
				b.StartTimer()
				m.Mask()
			}
		})
	}
}
