package automaton

import (
	"fmt"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/schema"
)

func longName(i int) string { return fmt.Sprintf("name %d %s %d", i, strings.Repeat("long", 8), i) }

// longNames returns a schema with n members, or a list of n words, of some forty letters each.
func longNames(n int, words bool) string {
	var list []string
	for i := range n {
		name := fmt.Sprintf("%q", longName(i))
		if !words {
			name += `: {"type": "boolean"}`
		}
		list = append(list, name)
	}
	if words {
		return `{"type": "array", "items": {"enum": [` + strings.Join(list, ",") + `]}}`
	}
	return `{"type": "object", "additionalProperties": false, "properties": {` + strings.Join(list, ",") + `}}`
}

// TestLater: where hundreds of names or words may come, states are made of their beginnings, and of the rest
// of those that a text goes on with; and a text is followed to its end.
func TestLater(t *testing.T) {
	for _, tt := range []struct {
		name     string
		spelling schema.Spelling
		words    bool
		states   int // of each name at the start; a name has 45 letters
	}{
		{"names", schema.Canonical, false, 50}, // cheap enough to be made at once
		{"names in any spelling", schema.AnySpelling, false, 25},
		{"words", schema.Canonical, true, 10},
		{"words in any spelling", schema.AnySpelling, true, 25},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const n = 200
			g, err := schema.CompileText([]byte(longNames(n, tt.words)), schema.Options{Spelling: tt.spelling})
			if err != nil {
				t.Fatal(err)
			}
			p, err := Compile(g, Options{})
			if err != nil {
				t.Fatal(err)
			}
			start, rest := `{"`, longName(7)+`":true}`
			if tt.words {
				start, rest = `["`, longName(7)+`"]`
			}
			c := NewCache(p)
			id := followText(c, Start, start+"n")
			atStart := int(p.states.Len())
			if most := n * tt.states; atStart > most {
				t.Errorf("%d states are made for the beginnings of %d names, more than %d", atStart, n, most)
			}
			id = followText(c, id, rest[1:])
			if id == Dead || !c.Accepting(id) {
				t.Fatal("the text is refused")
			}
			if tt.spelling == schema.AnySpelling && len(p.laters) < n {
				t.Errorf("%d rests were left for later, of %d names", len(p.laters), n)
			}
			if more := int(p.states.Len()) - atStart; more > 200*len(rest) {
				t.Errorf("%d more states for %d bytes", more, len(rest))
			}
		})
	}
}

func followText(c *Cache, id int32, text string) int32 {
	for i := range len(text) {
		id = c.Next(id, c.p.Class(text[i]))
	}
	return id
}

// TestLaterIsLinear: a text of thousands of letters that are spelled in many ways is followed without looking
// through its rest at each.
func TestLaterIsLinear(t *testing.T) {
	text := strings.Repeat("0123456789", 1000)
	g, err := schema.CompileText([]byte(`{"const": "`+text+`"}`), schema.Options{Spelling: schema.AnySpelling})
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := NewCache(p)
	if id := followText(c, Start, `"`+text+`"`); id == Dead || !c.Accepting(id) {
		t.Fatal("the text is refused")
	}
	items := 0
	for key := range p.restAt {
		items += len(key) / 5
	}
	if most := 20 * len(text); items == 0 || items > most {
		t.Errorf("the rests have %d items in all, not 1 to %d", items, most)
	}
}
