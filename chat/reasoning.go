package chat

import (
	"strings"

	"github.com/callama/callama/grammar/gbnf"
)

// Reasoning says how a reply begins with the model's thoughts. The zero value: it does not.
type Reasoning struct {
	// Open and Close stand around the thoughts: "<think>" and "</think>".
	Open, Close string
	// Begun means that the prompt ends with Open, so that the reply begins within the
	// thoughts. Otherwise the model may open them, at the start of the reply only.
	Begun bool
}

// reasoningTags are the tags around thoughts, as text.
var reasoningTags = []Reasoning{{Open: "<think>", Close: "</think>"}, {Open: "<seed:think>", Close: "</seed:think>"}}

// Reasoning tells how the reply to a rendered prompt begins: within thoughts if the prompt
// has opened them, with thoughts or without if the template knows them, without if the
// prompt has closed them or the template knows none.
func (t *Template) Reasoning(prompt string) Reasoning {
	end := strings.TrimRight(prompt, " \t\r\n")
	for _, r := range reasoningTags {
		switch {
		case strings.HasSuffix(end, r.Open):
			r.Begun = true
			return r
		case strings.HasSuffix(end, r.Close):
			return Reasoning{}
		case strings.Contains(t.source, r.Close):
			return r
		}
	}
	return Reasoning{}
}

// spaceAfterReasoning is the white space that may stand behind the thoughts, in characters:
// models write one or two line breaks.
const spaceAfterReasoning = 2

// Before puts the thoughts before a reply: any text up to Close. Without Begun they may be
// missing.
func (r Reasoning) Before(b *gbnf.Builder, reply gbnf.Expr) (gbnf.Expr, error) {
	if r.Close == "" {
		return reply, nil
	}
	thoughts, err := gbnf.Until(b, "reasoning", r.Close)
	if err != nil {
		return nil, err
	}
	space := &gbnf.Repeat{Item: gbnf.Set('\n', '\n', ' ', ' '), Min: 0, Max: spaceAfterReasoning}
	if r.Begun {
		return gbnf.Concat(thoughts, space, reply), nil
	}
	return gbnf.Concat(gbnf.Opt(gbnf.Concat(gbnf.Lit(r.Open), thoughts, space)), reply), nil
}
