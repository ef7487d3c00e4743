package corpus

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
)

// byteVocab has the 256 bytes as tokens: with it a grammar reads text as it stands.
var byteVocab = sync.OnceValues(func() (*vocab.Vocab, error) {
	c := vocab.Config{EOG: []int32{256}}
	for b := range 256 {
		c.Tokens = append(c.Tokens, []byte{byte(b)})
	}
	c.Tokens = append(c.Tokens, []byte("<end>"))
	c.Special = make([]bool, len(c.Tokens))
	c.Special[256] = true
	return vocab.New(c)
})

// checker accepts the arguments that a tool's schema admits, in the order of the schema: what a
// constrained model could write, and nothing else.
type checker struct{ compiled *grammar.Compiled }

func newChecker(name, parameters string) (*checker, error) {
	v, err := byteVocab()
	if err != nil {
		return nil, err
	}
	b := gbnf.NewBuilder()
	e, err := schema.CompileTool(b, name, json.RawMessage(parameters), schema.Options{
		Order: schema.SchemaOrder, Whitespace: schema.Model, ClosedObjects: true})
	if err != nil {
		return nil, err
	}
	compiled, err := grammar.Compile(b.Grammar(b.Add("root", e).Rule), v, grammar.Limits{})
	return &checker{compiled}, err
}

// check fails where the text leaves what the schema admits.
func (c *checker) check(arguments string) error {
	m := c.compiled.NewMatcher()
	for i := range len(arguments) {
		if err := m.Accept(int32(arguments[i])); err != nil {
			return fmt.Errorf("%s: at byte %d: %w", arguments, i, err)
		}
	}
	if !m.Accepting() {
		return fmt.Errorf("%s: the schema wants more", arguments)
	}
	return nil
}
