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
	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
	"github.com/callama/callama/internal/ojson"
)

// constraint is a grammar still to be built: its rules, and a key that is equal only for
// equal rules.
type constraint struct {
	key   [sha256.Size]byte
	rules func(b *gbnf.Builder, out *built) (gbnf.RuleID, error)
}

// built is a compiled constraint with what else compiling found.
type built struct {
	grammar *grammar.Compiled
	// arguments says how a parser reads calls whose arguments are no JSON object.
	arguments map[string]schema.Arguments
	dropped   []*schema.Error // what Options.Lenient left out
}

// toolOptions are how arguments of calls are written: properties in any order, declared
// ones only, white space as in the training data of the models.
func (m *Model) toolOptions() schema.Options {
	return m.schemaOptions(schema.Options{Order: schema.AnyOrder, Whitespace: schema.Model, PythonNames: true, ClosedObjects: true})
}

// responseOptions are those of structured output, whose users rely on the schema's order.
func (m *Model) responseOptions() schema.Options {
	return m.schemaOptions(schema.Options{Order: schema.SchemaOrder, Whitespace: schema.Model})
}

func (m *Model) schemaOptions(o schema.Options) schema.Options {
	o.Lenient = m.lenient
	if m.strictFormats {
		o.Formats = schema.StrictFormats
	}
	return o
}

// constraintOf says what the reply to req must look like; nil is free text. r are the
// thoughts that it begins with.
func (m *Model) constraintOf(req Request, r chat.Reasoning) *constraint {
	thoughts := []string{r.Open, r.Close, fmt.Sprint(r.Begun)}
	if len(req.Tools) > 0 {
		k := newKey("tools", m.dialect.String(), req.Choice.Mode.String(), req.Choice.Name, fmt.Sprint(req.MaxCalls))
		for _, t := range req.Tools {
			k.add([]byte(t.Name))
			k.add(t.Parameters)
		}
		for _, s := range thoughts {
			k.add([]byte(s))
		}
		return &constraint{key: k.sum(),
			rules: func(b *gbnf.Builder, out *built) (gbnf.RuleID, error) { return m.toolRules(b, req, r, out) }}
	}
	kind, text, rules := m.contentRules(req)
	if kind == "" {
		return nil
	}
	return &constraint{key: newKey(append(append([]string{kind}, text...), thoughts...)...).sum(),
		rules: func(b *gbnf.Builder, out *built) (gbnf.RuleID, error) {
			root := b.Declare("reply")
			e, err := rules(b, out)
			if err == nil {
				e, err = r.Before(b, e)
			}
			if err != nil {
				return 0, err
			}
			b.Define(root, e)
			return root, nil
		}}
}

// contentRules returns what constrains a reply without calls, "" for nothing.
func (m *Model) contentRules(req Request) (kind string, text []string, rules func(*gbnf.Builder, *built) (gbnf.Expr, error)) {
	switch {
	case len(req.ResponseSchema) > 0:
		return "schema", []string{string(req.ResponseSchema)}, func(b *gbnf.Builder, out *built) (gbnf.Expr, error) {
			doc, err := ojson.Parse(req.ResponseSchema)
			if err != nil {
				return nil, fmt.Errorf("response schema: %w", err)
			}
			c := schema.New(b, m.responseOptions())
			defer c.Release()
			e, err := c.Compile("root", doc)
			out.dropped = c.Dropped()
			return e, err
		}
	case req.JSONObject:
		return "object", nil, func(b *gbnf.Builder, _ *built) (gbnf.Expr, error) {
			return schema.AnyObject(b, m.responseOptions())
		}
	case req.Regex != "":
		return "regex", []string{req.Regex}, func(b *gbnf.Builder, _ *built) (gbnf.Expr, error) {
			return regex.Whole("pattern", req.Regex, regex.Limits{})
		}
	case len(req.Choices) > 0:
		return "choices", req.Choices, func(*gbnf.Builder, *built) (gbnf.Expr, error) {
			return gbnf.Choice(req.Choices...), nil
		}
	case req.GBNF != "":
		return "gbnf", []string{req.GBNF}, func(b *gbnf.Builder, _ *built) (gbnf.Expr, error) {
			g, err := gbnf.Parse(req.GBNF)
			if err != nil {
				return nil, err
			}
			return b.Import(g), nil
		}
	}
	return "", nil, nil
}

func (m *Model) toolRules(b *gbnf.Builder, req Request, r chat.Reasoning, out *built) (gbnf.RuleID, error) {
	c := schema.New(b, m.toolOptions()) // one for all: tools share the rules of strings and numbers
	defer c.Release()
	out.arguments = make(map[string]schema.Arguments)
	var rules []chat.ToolRules
	for _, t := range req.Tools {
		if req.Choice.Mode == chat.None || req.Choice.Mode == chat.Named && t.Name != req.Choice.Name {
			continue
		}
		e, arguments, err := c.ToolTextMarkup(t.Name, t.Parameters, m.dialect.Markup())
		if err != nil {
			return 0, err
		}
		if arguments != nil {
			out.arguments[t.Name] = arguments
		}
		rules = append(rules, chat.ToolRules{Name: t.Name, Arguments: e})
	}
	out.dropped = c.Dropped()
	return m.dialect.GrammarAfter(b, r, rules, req.Choice, req.MaxCalls)
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
func (k *constraint) compile(v *vocab.Vocab) (*built, error) {
	b, out := gbnf.NewBuilder(), &built{}
	root, err := k.rules(b, out)
	if err != nil {
		return nil, err
	}
	out.grammar, err = grammar.Compile(b.Grammar(root), v, grammar.Limits{})
	if err != nil {
		return nil, err
	}
	return out, nil
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
	*built
}

// get returns the grammar of k, compiling it if it is not kept.
func (g *grammarCache) get(k *constraint, v *vocab.Vocab) (*built, error) {
	g.mu.Lock()
	if e, ok := g.byKey[k.key]; ok {
		g.order.MoveToFront(e)
		g.mu.Unlock()
		return e.Value.(*cachedGrammar).built, nil
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
