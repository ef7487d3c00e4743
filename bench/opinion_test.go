package bench

import (
	"strings"
	"testing"
)

func TestSecondOpinion(t *testing.T) {
	for _, c := range []struct{ name, schema, instance, keyword, detail string }{
		{"keyword", `{"properties":{"a":{"minimum":3}}}`, `{"a": 1}`, "minimum", "objects to minimum at /a"},
		{"format", `{"items":{"format":"date"}}`, `["x"]`, "format date", "at /0"},
		{"closest branch", `{"anyOf":[{"type":"string"},{"properties":{"a":{"type":"null"}}}]}`, `{"a": 1}`, "type", "at /a"},
		{"ecma pattern", `{"pattern":"^(?!x)\\d$"}`, `"y"`, "pattern", "at /"},
		{"valid", `{"type":"integer"}`, `1`, "nothing", "finds it valid"},
		{"false", `false`, `1`, "false", "objects to false"},
		{"no schema", `{"type":5}`, `1`, "no second opinion", "cannot read the schema"},
		{"no instance", `{}`, `nope`, "no second opinion", "cannot read the instance"},
	} {
		keyword, detail := secondOpinion([]byte(c.schema), c.instance)
		if keyword != c.keyword || !strings.Contains(detail, c.detail) {
			t.Errorf("%s: %q, %q; want %q, %q", c.name, keyword, detail, c.keyword, c.detail)
		}
	}
}
