package chat

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
)

// recogniser decides by brute force whether a text is in the language of a rule: the
// definition that the grammars of this package are tested against. Right recursion only.
type recogniser struct {
	g    *gbnf.Grammar
	text string
	memo map[recogniserKey][]int
}

type recogniserKey struct {
	rule gbnf.RuleID
	at   int
}

func recognises(g *gbnf.Grammar, text string) bool {
	r := &recogniser{g: g, text: text, memo: make(map[recogniserKey][]int)}
	return slices.Contains(r.ends(&gbnf.Ref{Rule: g.Root}, 0), len(text))
}

// ends returns every position at which a match of e that begins at the given one may end.
func (r *recogniser) ends(e gbnf.Expr, at int) []int {
	switch e := e.(type) {
	case *gbnf.Literal:
		if strings.HasPrefix(r.text[at:], e.Text) {
			return []int{at + len(e.Text)}
		}
		return nil
	case *gbnf.Class:
		c, size := utf8.DecodeRuneInString(r.text[at:])
		if size == 0 || c == utf8.RuneError && size == 1 {
			return nil
		}
		in := slices.ContainsFunc(e.Ranges, func(rg gbnf.Range) bool { return rg.Lo <= c && c <= rg.Hi })
		if in != e.Negated {
			return []int{at + size}
		}
		return nil
	case *gbnf.Ref:
		key := recogniserKey{e.Rule, at}
		if ends, ok := r.memo[key]; ok {
			return ends
		}
		ends := r.ends(r.g.Rules[e.Rule].Expr, at)
		r.memo[key] = ends
		return ends
	case *gbnf.Seq:
		ends := map[int]bool{at: true}
		for _, item := range e.Items {
			ends = r.after(item, ends)
		}
		return slices.Sorted(maps.Keys(ends))
	case *gbnf.Alt:
		ends := make(map[int]bool)
		for _, item := range e.Items {
			for _, end := range r.ends(item, at) {
				ends[end] = true
			}
		}
		return slices.Sorted(maps.Keys(ends))
	case *gbnf.Repeat:
		all, now := make(map[int]bool), map[int]bool{at: true}
		for n := 0; len(now) > 0 && (e.Max < 0 || n <= e.Max); n++ {
			fresh := false
			for end := range now {
				fresh = fresh || !all[end]
				if n >= e.Min {
					all[end] = true
				}
			}
			if n > e.Min && !fresh {
				break
			}
			now = r.after(e.Item, now)
		}
		return slices.Sorted(maps.Keys(all))
	}
	panic("an expression that no dialect uses")
}

func (r *recogniser) after(e gbnf.Expr, starts map[int]bool) map[int]bool {
	ends := make(map[int]bool)
	for start := range starts {
		for _, end := range r.ends(e, start) {
			ends[end] = true
		}
	}
	return ends
}

// stringsOver yields all strings over the alphabet of at most n characters.
func stringsOver(alphabet string, n int, yield func(string)) {
	level := []string{""}
	for range n + 1 {
		var next []string
		for _, s := range level {
			yield(s)
			for _, r := range alphabet {
				next = append(next, s+string(r))
			}
		}
		level = next
	}
}
