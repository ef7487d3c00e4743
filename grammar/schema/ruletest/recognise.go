// Package ruletest holds a reference recogniser and a random generator for rule trees
// (grammar/gbnf). Both follow the meaning of the nodes as directly as possible and know
// nothing of tokens, automata or JSON: they are what other implementations are tested
// against. They are slow and meant for tests.
package ruletest

import (
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
)

// Accepts reports whether the grammar matches the whole text. Left-recursive rules are
// not handled (they match nothing through themselves), nor Token nodes, which match
// nothing; and there may be one Document. Cost: memory and time grow with rules x positions, more for ambiguous ones.
func Accepts(g *gbnf.Grammar, text string) bool {
	r := &recogniser{g: g, text: text, memo: make(map[memoKey]ends)}
	_, ok := r.rule(g.Root, 0)[len(text)]
	return ok
}

// ends is a set of byte positions at which a match may end.
type ends map[int]struct{}

type memoKey struct {
	rule  gbnf.RuleID
	state gbnf.State // instead of rule, where it is of a machine
	at    int
}

type recogniser struct {
	g    *gbnf.Grammar
	text string
	memo map[memoKey]ends
	doc  int // where the document begins
}

func (r *recogniser) rule(id gbnf.RuleID, at int) ends {
	return r.remember(memoKey{rule: id, at: at}, r.g.Rules[id].Expr)
}

func (r *recogniser) remember(key memoKey, e gbnf.Expr) ends {
	if found, ok := r.memo[key]; ok {
		return found
	}
	r.memo[key] = nil // guards against left recursion
	found := r.match(e, key.at)
	r.memo[key] = found
	return found
}

func (r *recogniser) match(e gbnf.Expr, at int) ends {
	switch e := e.(type) {
	case *gbnf.Literal:
		if end := at + len(e.Text); end <= len(r.text) && r.text[at:end] == e.Text {
			return ends{end: {}}
		}
	case *gbnf.Class:
		c, size := utf8.DecodeRuneInString(r.text[at:])
		if size == 0 || (c == utf8.RuneError && size == 1) {
			return nil
		}
		in := slices.ContainsFunc(e.Ranges, func(x gbnf.Range) bool { return x.Lo <= c && c <= x.Hi })
		if in != e.Negated {
			return ends{at + size: {}}
		}
	case *gbnf.Ref:
		return r.rule(e.Rule, at)
	case *gbnf.State:
		return r.remember(memoKey{state: *e, at: at}, e.Expr())
	case *gbnf.Seq:
		found := ends{at: {}}
		for _, item := range e.Items {
			found = r.each(found, item)
		}
		return found
	case *gbnf.Alt:
		found := ends{}
		for _, item := range e.Items {
			maps.Copy(found, r.match(item, at))
		}
		return found
	case *gbnf.Repeat:
		return r.repeat(e, at)
	case *gbnf.Members:
		return r.members(e, at)
	case *gbnf.Document:
		r.doc = at
		return r.match(e.Item, at)
	case *gbnf.Distinct:
		found := ends{}
		for end := range r.match(e.Item, at) {
			if !Repeats(r.text, r.doc, at, end) {
				found[end] = struct{}{}
			}
		}
		return found
	}
	return nil
}

// each matches an item from each of some positions.
func (r *recogniser) each(from ends, item gbnf.Expr) ends {
	found := ends{}
	for at := range from {
		maps.Copy(found, r.match(item, at))
	}
	return found
}

func (r *recogniser) repeat(e *gbnf.Repeat, at int) ends {
	frontier, found := ends{at: {}}, ends{}
	for n := 0; len(frontier) > 0; n++ {
		if n >= e.Min {
			before := len(found)
			maps.Copy(found, frontier)
			if len(found) == before && e.Max < 0 {
				break // nothing new, and no count to meet
			}
		}
		if n == e.Max || n > e.Min+len(r.text) {
			break // further items could only be empty
		}
		frontier = r.each(frontier, e.Item)
	}
	return found
}

// members follows every order in which members may appear.
func (r *recogniser) members(e *gbnf.Members, at int) ends {
	type state struct {
		at   int
		seen string // per item, '1' if it has appeared
		last int    // of Ordered: the index of the latest item
		// members so far; beyond Min only where Max says that it matters
		count int
	}
	found := ends{}
	visited := make(map[state]bool)
	var visit func(s state, first bool)
	visit = func(s state, first bool) {
		complete := s.count >= e.Min
		for i, m := range e.Items {
			complete = complete && (!m.Required || s.seen[i] == '1')
		}
		if complete {
			found[s.at] = struct{}{}
		}
		if e.Max > 0 && s.count == e.Max {
			return
		}
		count := s.count + 1
		if e.Max == 0 {
			count = min(count, e.Min)
		}
		from := ends{s.at: {}}
		if !first {
			from = r.match(e.Sep, s.at)
		}
		for i, m := range e.Items {
			if (s.seen[i] == '1' && !m.Repeat) || (e.Ordered && i < s.last) {
				continue
			}
			for end := range r.each(from, m.Expr) {
				seen := []byte(s.seen)
				seen[i] = '1'
				if next := (state{end, string(seen), i, count}); !visited[next] {
					visited[next] = true
					visit(next, false)
				}
			}
		}
	}
	visit(state{at: at, seen: string(slices.Repeat([]byte{'0'}, len(e.Items)))}, true)
	return found
}
