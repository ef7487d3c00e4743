package bench

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// patternTimeout bounds one match of the validator's patterns, which backtrack.
const patternTimeout = time.Second

// ecmaPattern lets the validator read patterns as ECMA-262 does.
type ecmaPattern regexp2.Regexp

func (p *ecmaPattern) MatchString(s string) bool {
	ok, err := (*regexp2.Regexp)(p).MatchString(s)
	return ok && err == nil
}

func (p *ecmaPattern) String() string { return (*regexp2.Regexp)(p).String() }

func compilePattern(s string) (jsonschema.Regexp, error) {
	re, err := regexp2.Compile(s, regexp2.ECMAScript, regexp2.Unicode)
	if err != nil {
		re, err = regexp2.Compile(s, regexp2.ECMAScript) // what only annex B allows
	}
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = patternTimeout
	return (*ecmaPattern)(re), nil
}

// secondOpinion asks an independent validator what it objects to in an instance: the
// keyword, for formats with the format's name, and where. So people see which keyword a
// wrong verdict is about. Formats are asserted.
func secondOpinion(schemaText []byte, instance string) (keyword, detail string) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseRegexpEngine(compilePattern)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(schemaText)))
	if err == nil {
		err = c.AddResource("mem:///schema.json", doc)
	}
	var s *jsonschema.Schema
	if err == nil {
		s, err = c.Compile("mem:///schema.json")
	}
	if err != nil {
		return "no second opinion", "a validator cannot read the schema"
	}
	data, err := jsonschema.UnmarshalJSON(strings.NewReader(instance))
	if err != nil {
		return "no second opinion", "a validator cannot read the instance"
	}
	var fault *jsonschema.ValidationError
	if err := s.Validate(data); err == nil {
		return "nothing", "a validator finds it valid"
	} else if !errors.As(err, &fault) {
		return "no second opinion", err.Error()
	}
	leaf := deepest(fault)
	keyword = keywordOf(leaf)
	return keyword, fmt.Sprintf("a validator objects to %s at /%s", keyword, strings.Join(leaf.InstanceLocation, "/"))
}

// deepest returns the objection farthest inside the instance: of the branches of an anyOf,
// the one that came closest.
func deepest(e *jsonschema.ValidationError) *jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return e
	}
	leaves := make([]*jsonschema.ValidationError, len(e.Causes))
	for i, cause := range e.Causes {
		leaves[i] = deepest(cause)
	}
	return slices.MaxFunc(leaves, func(a, b *jsonschema.ValidationError) int {
		return cmp.Compare(len(a.InstanceLocation), len(b.InstanceLocation))
	})
}

func keywordOf(e *jsonschema.ValidationError) string {
	if f, ok := e.ErrorKind.(*kind.Format); ok {
		return "format " + f.Want
	}
	path := e.ErrorKind.KeywordPath()
	if len(path) == 0 {
		return "false"
	}
	return path[0]
}
