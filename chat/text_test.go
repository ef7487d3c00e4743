package chat

import (
	"strings"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
)

func TestTextWithoutLead(t *testing.T) {
	grammar := func(leads, banned []string) *gbnf.Grammar {
		b := gbnf.NewBuilder()
		e, err := textWithoutLead(b, leads, banned)
		if err != nil {
			t.Fatal(err)
		}
		return b.Grammar(b.Add("root", e).Rule)
	}
	g := grammar([]string{"{", "<b>"}, []string{"<b>"})
	stringsOver(" {<b>x", 5, func(s string) {
		want := !strings.HasPrefix(strings.TrimLeft(s, " "), "{") && !strings.Contains(s, "<b>")
		if got := recognises(g, s); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	})
	g = grammar([]string{"["}, nil)
	stringsOver("\n[]x", 6, func(s string) {
		if got, want := recognises(g, s), !strings.HasPrefix(strings.TrimLeft(s, "\n"), "["); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	})
}
