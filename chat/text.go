package chat

import (
	"slices"

	"github.com/callama/callama/grammar/gbnf"
)

// textUntil returns a rule for the texts that end with the first occurrence of delimiter:
// any characters, then delimiter, which occurs nowhere before. The delimiter is not empty
// and valid UTF-8.
func textUntil(b *gbnf.Builder, delimiter string) gbnf.Expr {
	return textAutomaton(b, "until", delimiter, gbnf.Lit(""), false)
}

// textWithout returns a rule for the texts in which delimiter does not occur. They may end
// with a part of it.
func textWithout(b *gbnf.Builder, delimiter string) gbnf.Expr {
	return textAutomaton(b, "text", delimiter, nil, true)
}

// textAutomaton writes the automaton of Knuth, Morris and Pratt for delimiter as
// right-linear rules, one for each state; state i has matched the first i characters. With
// after, the delimiter leads on to it; without, the delimiter cannot be completed. With
// stop, the text may end before the delimiter. Each state is deterministic: its
// alternatives begin with disjoint classes, so a matcher never follows two of them.
func textAutomaton(b *gbnf.Builder, name, delimiter string, after gbnf.Expr, stop bool) gbnf.Expr {
	pattern := []rune(delimiter)
	states := make([]gbnf.RuleID, len(pattern))
	for i := range states {
		states[i] = b.Declare(name)
	}
	next := kmpStep(pattern)
	for i := range pattern {
		b.Define(states[i], textState(pattern, states, next, i, after, stop))
	}
	return &gbnf.Ref{Rule: states[0]}
}

// kmpStep returns the transition function of the pattern's automaton: from a state
// (number of characters matched, less than all) by a character to the next state.
func kmpStep(pattern []rune) func(state int, r rune) int {
	fail := make([]int, len(pattern)+1) // longest proper border of pattern[:i]
	for i, k := 1, 0; i < len(pattern); i++ {
		for k > 0 && pattern[i] != pattern[k] {
			k = fail[k]
		}
		if pattern[i] == pattern[k] {
			k++
		}
		fail[i+1] = k
	}
	return func(state int, r rune) int {
		for state > 0 && pattern[state] != r {
			state = fail[state]
		}
		if pattern[state] == r {
			state++
		}
		return state
	}
}

// textState returns the right-hand side of one state. Characters that keep the state (in
// state 0 nearly all) become a repeated class, which costs a matcher less than a rule call
// for each character.
func textState(pattern []rune, states []gbnf.RuleID, next func(int, rune) int, state int, after gbnf.Expr, stop bool) gbnf.Expr {
	alphabet := slices.Compact(slices.Sorted(slices.Values(pattern)))
	byTarget := make(map[int][]rune)
	for _, r := range alphabet {
		to := next(state, r)
		byTarget[to] = append(byTarget[to], r)
	}
	var loop gbnf.Expr
	var alternatives []gbnf.Expr
	for to := range len(pattern) + 1 {
		runes := byTarget[to]
		var class *gbnf.Class
		if to == 0 { // every character outside the alphabet leads here
			class = &gbnf.Class{Negated: true}
			for _, r := range alphabet {
				if !slices.Contains(runes, r) {
					class.Ranges = append(class.Ranges, gbnf.Range{Lo: r, Hi: r})
				}
			}
		} else if len(runes) == 0 {
			continue
		} else {
			class = &gbnf.Class{}
			for _, r := range runes {
				class.Ranges = append(class.Ranges, gbnf.Range{Lo: r, Hi: r})
			}
		}
		switch {
		case to == len(pattern):
			if after != nil {
				alternatives = append(alternatives, gbnf.Concat(gbnf.Lit(string(runes[0])), after))
			}
		case to == state:
			loop = gbnf.Star(class)
		default:
			alternatives = append(alternatives, gbnf.Concat(class, &gbnf.Ref{Rule: states[to]}))
		}
	}
	if stop {
		alternatives = append(alternatives, gbnf.Lit(""))
	}
	if loop == nil {
		return gbnf.OneOf(alternatives...)
	}
	return gbnf.Concat(loop, gbnf.OneOf(alternatives...))
}

// textWithoutLead returns a rule for free text that does not open a call at its start: white
// space, then nothing, or a character that begins none of the leads of one character,
// then any text. A banned marker (which is then also a lead) occurs nowhere in it.
func textWithoutLead(b *gbnf.Builder, leads []string, banned string) gbnf.Expr {
	space := gbnf.Set('\t', '\n', '\r', '\r', ' ', ' ')
	first := &gbnf.Class{Negated: true, Ranges: slices.Clone(space.Ranges)}
	for _, lead := range leads {
		if len(lead) == 1 {
			first.Ranges = append(first.Ranges, gbnf.Range{Lo: rune(lead[0]), Hi: rune(lead[0])})
		}
	}
	var alternatives []gbnf.Expr
	if banned == "" {
		alternatives = append(alternatives, gbnf.Concat(first, gbnf.Star(&gbnf.Class{Negated: true})))
	} else {
		pattern := []rune(banned)
		states := make([]gbnf.RuleID, len(pattern))
		for i := range states {
			states[i] = b.Declare("text")
		}
		next := kmpStep(pattern)
		for i := range pattern {
			b.Define(states[i], textState(pattern, states, next, i, nil, true))
		}
		first.Ranges = append(first.Ranges, gbnf.Range{Lo: pattern[0], Hi: pattern[0]})
		alternatives = append(alternatives,
			gbnf.Concat(first, &gbnf.Ref{Rule: states[0]}),
			gbnf.Concat(gbnf.Lit(string(pattern[0])), &gbnf.Ref{Rule: states[1]}))
	}
	alternatives = append(alternatives, gbnf.Lit(""))
	return gbnf.Concat(gbnf.Star(space), gbnf.OneOf(alternatives...))
}
