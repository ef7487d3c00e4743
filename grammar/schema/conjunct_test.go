package schema

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/callama/callama/internal/ojson"
)

// TestMain fails if anything that was compiled wrote to the parts that all conjuncts share.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, pair := range [][2]any{
		{*anyNumbers, numberPart{}}, {*anyStrings, stringPart{length: span{max: -1}}}, {*anyArrays, arrayPart{count: span{max: -1}}},
		{*anyValues, valuePart{}}, {*anyRest, restPart{members: span{max: -1}}},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			fmt.Fprintf(os.Stderr, "a shared part was changed: %+v\n", pair[0])
			code = 1
		}
	}
	os.Exit(code)
}

// TestClonesAreIndependent changes one of several clones, before and after the first change of the part: the others stay.
func TestClonesAreIndependent(t *testing.T) {
	at := place{keyword: "k"}
	one := decimal{digits: "1", point: 1}
	for name, change := range map[string]func(*conjunct){
		"lower":    func(c *conjunct) { c.raise(bound{set: true, value: one}) },
		"upper":    func(c *conjunct) { c.reduce(bound{set: true, value: one}) },
		"steps":    func(c *conjunct) { n := c.ownNumbers(); n.steps = append(n.steps, step{value: one}) },
		"bare":     func(c *conjunct) { c.ownNumbers().bare = true },
		"length":   func(c *conjunct) { c.span("minLength").atLeast(3, at) },
		"patterns": func(c *conjunct) { s := c.ownStrings(); s.patterns = append(s.patterns, patternAt{at: at}) },
		"count":    func(c *conjunct) { c.span("maxItems").atMost(3, at) },
		"arrays":   func(c *conjunct) { a := c.ownArrays(); a.arrays = append(a.arrays, arrayFacet{silent: true}) },
		"contains": func(c *conjunct) { a := c.ownArrays(); a.contains = append(a.contains, heldContains{silent: true}) },
		"enum":     func(c *conjunct) { c.intersectEnum([]*ojson.Value{never()}, at) },
		"denied":   func(c *conjunct) { c.deny(&ojson.Value{Kind: ojson.String, Text: strconv.Itoa(len(c.denied))}, at) },
		"members":  func(c *conjunct) { c.span("maxProperties").atMost(3, at) },
		"blocked":  func(c *conjunct) { c.block(kindObject, nil) },
		"unique":   func(c *conjunct) { c.ownArrays().unique = &at },
	} {
		t.Run(name, func(t *testing.T) {
			parts := func(c *conjunct) [5]any {
				return [5]any{*c.numberPart, *c.stringPart, *c.arrayPart, *c.valuePart, *c.restPart}
			}
			first := new(room).newConjunct()
			for round := range 3 {
				second := first.clone()
				before := parts(second)
				change(first)
				third := first.clone()
				if !reflect.DeepEqual(parts(second), before) {
					t.Fatalf("round %d: the clone is %+v, was %+v", round, parts(second), before)
				}
				changed := parts(third)
				if round == 0 && reflect.DeepEqual(changed, before) {
					t.Fatal("nothing has changed")
				}
				change(third)
				if !reflect.DeepEqual(parts(first), changed) {
					t.Fatalf("round %d: the original is %+v, was %+v", round, parts(first), changed)
				}
			}
		})
	}
}

// TestCasesAreCountedAsTheyAreMade: a schema is refused at the limit, not when all cases are there.
func TestCasesAreCountedAsTheyAreMade(t *testing.T) {
	var names []string
	for i := range 50 {
		names = append(names, fmt.Sprintf(`"a%d":{"type":"string"}`, i))
	}
	text := `{"type":"object","properties":{` + strings.Join(names, ",") + `},"allOf":[
		{"not":{"patternProperties":{"^a":{"minLength":1}}}},{"not":{"patternProperties":{"^a[0-9]":{"minLength":2}}}},
		{"not":{"patternProperties":{"^a[0-9]*$":{"minLength":3}}}}]}`
	var limit *LimitError
	if _, err := CompileText([]byte(text), Options{Limits: Limits{Alternatives: 60}}); !errors.As(err, &limit) {
		t.Fatalf("error %v, want a limit's", err)
	}
	if limit.Name != "Alternatives" || limit.Got != limit.Limit+1 {
		t.Errorf("%v, want one more than the limit", limit)
	}
}
