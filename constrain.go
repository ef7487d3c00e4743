package callama

import (
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
	"github.com/callama/callama/internal/ojson"
)

// constraint is a grammar still to be built: its rules, and a key that is equal only for
// equal rules.
type constraint struct {
	key   [sha256.Size]byte
	rules func(b *gbnf.Builder) (gbnf.RuleID, error)
}

// toolOptions are how arguments of calls are written: properties in any order, declared
// ones only, white space as in the training data of the models.
var toolOptions = schema.Options{Order: schema.AnyOrder, Whitespace: schema.Model, PythonNames: true, ClosedObjects: true}

// responseOptions are those of structured output, whose users rely on the schema's order.
var responseOptions = schema.Options{Order: schema.SchemaOrder, Whitespace: schema.Model}

// constraintOf says what the reply to req must look like; nil is free text.
func constraintOf(req Request, d chat.Dialect) *constraint {
	switch {
	case len(req.Tools) > 0:
		c := &constraint{rules: func(b *gbnf.Builder) (gbnf.RuleID, error) { return toolRules(b, req, d) }}
		k := newKey("tools", d.String(), req.Choice.Mode.String(), req.Choice.Name, fmt.Sprint(req.MaxCalls))
		for _, t := range req.Tools {
			k.add([]byte(t.Name))
			k.add(t.Parameters)
		}
		c.key = k.sum()
		return c
	case len(req.ResponseSchema) > 0:
		return &constraint{key: newKey("schema", string(req.ResponseSchema)).sum(),
			rules: func(b *gbnf.Builder) (gbnf.RuleID, error) {
				doc, err := ojson.Parse(req.ResponseSchema)
				if err != nil {
					return 0, fmt.Errorf("response schema: %w", err)
				}
				e, err := schema.Compile(b, "root", doc, responseOptions)
				return rootOf(b, e), err
			}}
	case req.JSONObject:
		return &constraint{key: newKey("object").sum(),
			rules: func(b *gbnf.Builder) (gbnf.RuleID, error) {
				e, err := schema.AnyObject(b, responseOptions)
				return rootOf(b, e), err
			}}
	}
	return nil
}

func rootOf(b *gbnf.Builder, e gbnf.Expr) gbnf.RuleID { return b.Add("reply", e).Rule }

func toolRules(b *gbnf.Builder, req Request, d chat.Dialect) (gbnf.RuleID, error) {
	c := schema.New(b, toolOptions) // one for all: tools share the rules of strings and numbers
	var rules []chat.ToolRules
	for _, t := range req.Tools {
		if req.Choice.Mode == chat.None || req.Choice.Mode == chat.Named && t.Name != req.Choice.Name {
			continue
		}
		e, err := c.ToolText(t.Name, t.Parameters)
		if err != nil {
			return 0, err
		}
		rules = append(rules, chat.ToolRules{Name: t.Name, Arguments: e})
	}
	return d.Grammar(b, rules, req.Choice, req.MaxCalls)
}

// key hashes parts with their lengths, so that no two lists run together.
type key struct {
	hash   hash.Hash
	length [8]byte
}

func newKey(parts ...string) *key {
	k := &key{hash: sha256.New()}
	for _, p := range parts {
		k.add([]byte(p))
	}
	return k
}

func (k *key) add(part []byte) {
	binary.LittleEndian.PutUint64(k.length[:], uint64(len(part)))
	k.hash.Write(k.length[:])
	k.hash.Write(part)
}

func (k *key) sum() [sha256.Size]byte { return [sha256.Size]byte(k.hash.Sum(nil)) }

// compile builds the rules and compiles them.
func (k *constraint) compile(v *vocab.Vocab) (*grammar.Compiled, error) {
	b := gbnf.NewBuilder()
	root, err := k.rules(b)
	if err != nil {
		return nil, err
	}
	return grammar.Compile(b.Grammar(root), v, grammar.Limits{})
}

// maxGrammars bounds the compiled grammars that a model keeps: agents send the same tools
// with every turn. Each costs its automaton and at most grammar.DefaultCacheBytes of masks.
const maxGrammars = 8

// grammarCache keeps the grammars used last. Safe for concurrent use.
type grammarCache struct {
	mu    sync.Mutex
	order list.List // of *cachedGrammar, the last used first
	byKey map[[sha256.Size]byte]*list.Element
}

type cachedGrammar struct {
	key [sha256.Size]byte
	c   *grammar.Compiled
}

// get returns the grammar of k, compiling it if it is not kept.
func (g *grammarCache) get(k *constraint, v *vocab.Vocab) (*grammar.Compiled, error) {
	g.mu.Lock()
	if e, ok := g.byKey[k.key]; ok {
		g.order.MoveToFront(e)
		g.mu.Unlock()
		return e.Value.(*cachedGrammar).c, nil
	}
	g.mu.Unlock()

	c, err := k.compile(v)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byKey == nil {
		g.byKey = make(map[[sha256.Size]byte]*list.Element)
	}
	if _, raced := g.byKey[k.key]; !raced {
		g.byKey[k.key] = g.order.PushFront(&cachedGrammar{k.key, c})
		if g.order.Len() > maxGrammars {
			last := g.order.Remove(g.order.Back()).(*cachedGrammar)
			delete(g.byKey, last.key)
		}
	}
	return c, nil
}
