package schema

import (
	"sync"
	"testing"
)

// TestArenaIsEmpty compiles schemas one after the other and beside each other: the grammar of one does
// not depend on what was compiled before with the same memory.
func TestArenaIsEmpty(t *testing.T) {
	schemas := []string{
		`{"type":"object","properties":{"a":{"$ref":"#/$defs/a"},"b":{"type":"string"}},"required":["b"],"$defs":{"a":{"type":"array","items":{"$ref":"#"}}}}`,
		`{"oneOf":[{"properties":{"k":{"const":1}},"required":["k"]},{"properties":{"k":{"const":2}},"required":["k"]}],"type":"object"}`,
		`{"not":{"type":"object","properties":{"a":{"type":"integer","minimum":3}},"required":["a"]}}`,
		`{"type":"array","prefixItems":[{"type":"string","pattern":"^a+$"}],"contains":{"const":7},"uniqueItems":true,"maxItems":3}`,
		`{"type":"object","patternProperties":{"^x":{"type":"number"}},"minProperties":1,"additionalProperties":false}`,
		`{"type":"object","required":["a"],"properties":{"a":false}}`,
	}
	text := func(i int) string {
		g, err := CompileText([]byte(schemas[i]), Options{})
		if err != nil {
			return err.Error()
		}
		return g.String()
	}
	want := make([]string, len(schemas))
	for i := range schemas {
		arenas = sync.Pool{New: func() any { return new(arena) }}
		want[i] = text(i)
	}
	for range 2 {
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for step := range 5 * len(schemas) {
					i := (step*worker + step) % len(schemas)
					if got := text(i); got != want[i] {
						t.Errorf("schema %d gives\n%s\nafter others, and alone\n%s", i, got, want[i])
					}
				}
			})
		}
		wg.Wait()
	}
}
