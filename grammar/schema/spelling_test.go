package schema_test

import (
	"errors"
	"testing"

	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
)

func TestAnySpelling(t *testing.T) {
	cases := []struct {
		name, schema string
		yes, no      []string
	}{
		{"characters", `{"type":"string","maxLength":2}`,
			[]string{`""`, `"a"`, `"\u0061\u0041"`, `"\/"`, `"/"`, `"\"\\"`, `"\n\u000A"`, `"é\u00E9"`, `"\uD83D\ude00"`, `"😀😀"`, `"\u007f"`},
			[]string{`"abc"`, `"\ud83d"`, `"\ude00"`, `"\ud83d\ud83d"`, "\"\n\"", `"\x41"`, `"\u00"`, `"\u004g"`, `"\a"`}},
		{"patterns", `{"type":"string","pattern":"^[a-c]+$"}`, []string{`"abc"`, `"\u0061\u0062c"`}, []string{`"\u0064"`, `""`, `"\u0041"`}},
		{"astral patterns", `{"type":"string","pattern":"^[😀-😂]$"}`, []string{`"😁"`, `"\ud83d\ude02"`, `"\uD83D\uDE00"`}, []string{`"\ud83d\ude03"`, `"\ud83d"`}},
		{"names", `{"type":"object","properties":{"ab":{"type":"null"}},"required":["ab"],"additionalProperties":{"type":"boolean"}}`,
			[]string{`{"ab":null}`, `{"\u0061b":null,"a":true}`, `{"a\u0062":null,"\u0061":true}`},
			[]string{`{"\u0061b":true}`, `{}`, `{"a\u0063":null,"ab":null}`}},
		{"names with escapes", `{"type":"object","properties":{"a\"/é":{"type":"null"}},"additionalProperties":false}`,
			[]string{`{"a\"/é":null}`, `{"a\u0022\/\u00E9":null}`}, []string{`{"a":null}`}},
		{"integer", `{"type":"integer"}`, []string{`1.0`, `-0`, `1e2`, `100e-2`, `1.5E+1`, `123456789012345678901234567890`}, []string{`1.5`, `1e-1`, `15e-2`, `01`, `1.`, `+1`}},
		{"integer of draft 4", `{"$schema":"http://json-schema.org/draft-04/schema#","type":["integer","null"]}`,
			[]string{`-10`, `0`, `-0`, `123456789012345678901234567890`, `null`}, []string{`1.0`, `1e2`, `-0.0`, `100e-2`}},
		{"bounds of draft 4", `{"$schema":"http://json-schema.org/draft-04/schema#","type":"integer","minimum":1,"multipleOf":5}`,
			[]string{`5`, `100`}, []string{`5.0`, `1`, `1e2`, `0`}},
		{"number of draft 4", `{"$schema":"http://json-schema.org/draft-04/schema#","type":["integer","number"],"maximum":7}`, []string{`5.0`, `1e0`, `5.5`}, []string{`8.0`}},
		{"enumerated in draft 4", `{"$schema":"http://json-schema.org/draft-04/schema#","type":"integer","enum":[5,6]}`, []string{`5`, `6`}, []string{`5.0`, `60e-1`}},
		{"bounds", `{"type":"integer","minimum":1,"maximum":20}`, []string{`1`, `20.0`, `2e1`, `0.1e1`, `200e-1`}, []string{`0`, `21`, `2.1e1`, `3e1`, `0.1`}},
		{"number", `{"type":"number","exclusiveMinimum":0}`, []string{`1e-30`, `0.0001`, `1E5`, `12345678901234567890123.5`}, []string{`0`, `-1`, `0e5`, `-0.0`}},
		{"no bounds", `{"type":"number"}`, []string{`-0`, `0.0`, `1e400`, `1E+0001`}, []string{`.5`, `00`}},
		{"enumerated", `{"enum":[1,2.50,"a",{"b":[10]}]}`, []string{`1`, `1.0`, `10e-1`, `2.5`, `25e-1`, `"\u0061"`, `{"\u0062":[1e1]}`}, []string{`2`, `2.51`, `"b"`, `{"b":[1]}`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g, err := schema.CompileText([]byte(c.schema), schema.Options{Spelling: schema.AnySpelling})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range c.yes {
				if !ruletest.Accepts(g, text) {
					t.Errorf("rejects %s", text)
				}
			}
			for _, text := range c.no {
				if ruletest.Accepts(g, text) {
					t.Errorf("accepts %s", text)
				}
			}
		})
	}
}

func TestMultipleOf(t *testing.T) {
	cases := []struct {
		name, schema string
		yes, no      []string
	}{
		{"integers", `{"type":"integer","multipleOf":7}`, []string{`0`, `7`, `-14`, `7000000`}, []string{`1`, `-0`, `7.0`, `07`, `15`}},
		{"bounded", `{"type":"integer","multipleOf":16,"minimum":-2032,"maximum":2031}`, []string{`0`, `-2032`, `2016`, `16`}, []string{`2032`, `-2048`, `8`}},
		{"without a type", `{"multipleOf":5,"minimum":0}`, []string{`5`, `0`, `"x"`, `15`}, []string{`-5`, `2.5`, `6`}},
		{"cents", `{"type":"number","multipleOf":0.01,"minimum":0,"maximum":99999999999.99}`, []string{`0`, `0.01`, `1.5`, `1.50`, `99999999999.99`}, []string{`0.001`, `-1`, `100000000000`, `1.`}},
		{"two and a half", `{"type":"number","multipleOf":2.5}`, []string{`0`, `2.5`, `5`, `-7.5`, `10.0`}, []string{`2`, `2.6`}},
		{"integers of two and a half", `{"type":"integer","multipleOf":2.5,"minimum":15}`, []string{`15`, `20`}, []string{`17.5`, `10`, `16`}},
		{"two steps", `{"type":"integer","allOf":[{"multipleOf":4},{"multipleOf":6}]}`, []string{`12`, `24`, `0`}, []string{`4`, `6`, `8`}},
		{"enumerated", `{"enum":[1,2,3,4],"multipleOf":2}`, []string{`2`, `4`}, []string{`1`, `3`}},
		{"a very small step", `{"type":"number","multipleOf":0.00000001}`, []string{`0.00000001`, `12391239123`}, []string{`0.000000001`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g, err := schema.CompileText([]byte(c.schema), schema.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range c.yes {
				if !ruletest.Accepts(g, text) {
					t.Errorf("rejects %s", text)
				}
			}
			for _, text := range c.no {
				if ruletest.Accepts(g, text) {
					t.Errorf("accepts %s", text)
				}
			}
		})
	}
}

func TestFormats(t *testing.T) {
	cases := []struct {
		name, schema string
		opts         schema.Options
		yes, no      []string
	}{
		{"date", `{"format":"date"}`, schema.Options{}, []string{`"2024-02-29"`, `1`, `{}`}, []string{`"2023-02-29"`, `"x"`}},
		{"annotation", `{"type":"string","format":"date"}`, schema.Options{Formats: schema.AnnotateFormats}, []string{`"x"`}, nil},
		{"unknown", `{"type":"string","format":"color"}`, schema.Options{}, []string{`"x"`}, nil},
		{"negated", `{"type":"string","not":{"format":"ipv4"}}`, schema.Options{}, []string{`"x"`, `"1.2.3.4.5"`}, []string{`"1.2.3.4"`}},
		{"negated and not decided", `{"type":"string","not":{"format":"time"}}`, schema.Options{}, []string{`"x"`, `"24:00:00Z"`}, []string{`"12:00:00Z"`, `"01:29:60+01:30"`}},
		{"with a pattern", `{"type":"string","format":"date","pattern":"^2024-0[12]"}`, schema.Options{}, []string{`"2024-01-31"`}, []string{`"2023-01-31"`, `"2024-03-01"`}},
		{"two", `{"type":"string","format":"hostname","allOf":[{"format":"ipv4"}]}`, schema.Options{}, []string{`"1.2.3.4"`}, []string{`"a.b"`, `"1.2.3.400"`}},
		{"email with a length", `{"type":"string","format":"email","maxLength":254}`, schema.Options{}, []string{`"a.b@example.com"`}, []string{`"a@"`}},
		{"uri with a length", `{"type":"string","format":"uri","maxLength":2000}`, schema.Options{}, []string{`"https://example.com/a?b=c#d"`}, []string{`"example.com"`}},
		{"listed", `{"enum":["2024-01-01","x"],"format":"date"}`, schema.Options{}, []string{`"2024-01-01"`}, []string{`"x"`}},
		{"any spelling", `{"type":"string","format":"uuid"}`, schema.Options{Spelling: schema.AnySpelling}, []string{`"123e4567-e89b-12d3-a456-42665544000\u0030"`}, []string{`"123e4567\u002de89b-12d3-a456-42665544000"`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g, err := schema.CompileText([]byte(c.schema), c.opts)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range c.yes {
				if !ruletest.Accepts(g, text) {
					t.Errorf("rejects %s", text)
				}
			}
			for _, text := range c.no {
				if ruletest.Accepts(g, text) {
					t.Errorf("accepts %s", text)
				}
			}
		})
	}
	if _, err := schema.CompileText([]byte(`{"format":"color"}`), schema.Options{Formats: schema.StrictFormats}); !errors.Is(err, schema.ErrUnsupported) {
		t.Errorf("strict: %v", err)
	}
}
