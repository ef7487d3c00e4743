package chat

import (
	"slices"

	"github.com/callama/callama/grammar/gbnf"
)

// textWithoutLead returns a rule for free text that does not open a call at its start: white
// space, then nothing, or a character that begins none of the leads of one character,
// then any text. The banned markers (of which those that are leads too open a call) occur
// nowhere in it.
func textWithoutLead(b *gbnf.Builder, leads, banned []string) (gbnf.Expr, error) {
	space := gbnf.Set('\t', '\n', '\r', '\r', ' ', ' ')
	text := gbnf.Text{End: true, Avoid: slices.Clone(space.Ranges)}
	for _, lead := range leads {
		if len(lead) == 1 {
			text.Avoid = append(text.Avoid, gbnf.Range{Lo: rune(lead[0]), Hi: rune(lead[0])})
		}
	}
	for _, s := range banned {
		text.Triggers = append(text.Triggers, gbnf.Trigger{Text: s})
	}
	e, err := text.Add(b, "text")
	return gbnf.Concat(gbnf.Star(space), e), err
}
