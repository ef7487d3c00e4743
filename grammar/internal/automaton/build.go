package automaton

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
)

// MaxStates is the default bound on the nondeterministic states of a grammar. A tool
// takes 50 to 500; 2^21 states are about 200 MB while compiling, the most that a
// misbehaving schema should cost.
const MaxStates = 1 << 21

// LimitError says which bound of this package a grammar hit.
type LimitError struct {
	Name  string
	Limit int
}

func (e *LimitError) Error() string { return fmt.Sprintf("more than %d %s", e.Limit, e.Name) }

// rawState is a state before empty moves are followed.
type rawState struct {
	eps    []int32
	edges  []edge
	tokens []tokenEdge
	calls  []int32
	end    bool
}

// builder translates rules into raw states. Expressions are built backwards: build(e, to)
// returns a state from which e leads to state to, so that equal endings can be shared.
type builder struct {
	rules    []gbnf.Rule
	nullable []bool
	lookup   func(name string) (int32, bool) // token terminals by name
	limit    int

	raw     []rawState
	sites   []site
	repeats []repeat
	members []members
	starts  []int32         // start state of each rule, -1 until first called
	owner   map[int32]int32 // start state -> rule, for error texts
	queue   []int32         // called rules without states
	end     int32
	err     error

	// What was built before with the same continuation is used again. Front ends share
	// expressions: the rest of a string, a comma, the characters outside of ASCII.
	chains map[edge]int32      // state with exactly this one edge
	refs   map[[2]int32]int32  // rule, continuation -> calling state
	wides  map[[2]int32][]edge // index of multis, continuation -> first edges
	multis map[string]int32    // ranges of code points above ASCII -> index of multi
	multi  [][][]byteRange     // their sequences

	edgeArena []edge
	epsArena  []int32
}

// oneEdge and some keep the lists of raw states in few allocations.
func (b *builder) oneEdge(e edge) []edge {
	return keep(&b.edgeArena, []edge{e})
}

func (b *builder) some(states ...int32) []int32 {
	return keep(&b.epsArena, states)
}

func (b *builder) add(s rawState) int32 {
	if len(b.raw) >= b.limit {
		if b.err == nil {
			b.err = &LimitError{Name: "automaton states", Limit: b.limit}
		}
		return b.end
	}
	b.raw = append(b.raw, s)
	return int32(len(b.raw) - 1)
}

// buildAll builds the root rule and every rule it reaches.
func (b *builder) buildAll(root gbnf.RuleID) (int32, error) {
	b.starts = make([]int32, len(b.rules))
	for i := range b.starts {
		b.starts[i] = -1
	}
	b.owner = map[int32]int32{}
	b.chains, b.refs = map[edge]int32{}, map[[2]int32]int32{}
	b.wides, b.multis = map[[2]int32][]edge{}, map[string]int32{}
	b.end = b.add(rawState{end: true})
	start := b.ruleStart(root)
	for len(b.queue) > 0 && b.err == nil {
		r := b.queue[0]
		b.queue = b.queue[1:]
		body := b.build(b.rules[r].Expr, b.end)
		s := &b.raw[b.starts[r]]
		s.eps = append(s.eps, body)
	}
	return start, b.err
}

// ruleStart returns the start state of a rule. Start states have no way in but calls.
func (b *builder) ruleStart(r gbnf.RuleID) int32 {
	if b.starts[r] < 0 {
		b.starts[r] = b.add(rawState{})
		b.owner[b.starts[r]] = int32(r)
		b.queue = append(b.queue, int32(r))
	}
	return b.starts[r]
}

// sub builds e as a callee of its own and returns its start state.
func (b *builder) sub(e gbnf.Expr) int32 {
	body := b.build(e, b.end)
	return b.add(rawState{eps: b.some(body)})
}

func (b *builder) build(e gbnf.Expr, to int32) int32 {
	if b.err != nil {
		return to
	}
	switch e := e.(type) {
	case *gbnf.Literal:
		for i := len(e.Text) - 1; i >= 0; i-- {
			to = b.chain(edge{e.Text[i], e.Text[i], to})
		}
		return to
	case *gbnf.Class:
		return b.class(e, to)
	case *gbnf.Ref:
		return b.call(e, to)
	case *gbnf.Seq:
		for i := len(e.Items) - 1; i >= 0; i-- {
			to = b.build(e.Items[i], to)
		}
		return to
	case *gbnf.Alt:
		var from []int32
		for _, it := range e.Items {
			from = append(from, b.build(it, to))
		}
		return b.add(rawState{eps: from})
	case *gbnf.Repeat:
		return b.repeat(e, to)
	case *gbnf.Token:
		return b.token(e, to)
	case *gbnf.Members:
		return b.memberList(e, to)
	}
	b.err = fmt.Errorf("unknown expression %T", e)
	return to
}

// chain returns the state whose only edge is e.
func (b *builder) chain(e edge) int32 {
	if s, ok := b.chains[e]; ok {
		return s
	}
	s := b.add(rawState{edges: b.oneEdge(e)})
	b.chains[e] = s
	return s
}

// class builds the characters of a class. Those above ASCII are few different sets in all
// of a grammar, so their sequences and states are shared.
func (b *builder) class(c *gbnf.Class, to int32) int32 {
	points := codePoints(c)
	cut := 0
	var s rawState
	for cut < len(points) && points[cut].Lo < utf8.RuneSelf {
		r := points[cut]
		s.edges = append(s.edges, edge{byte(r.Lo), byte(min(r.Hi, utf8.RuneSelf-1)), to})
		if r.Hi >= utf8.RuneSelf {
			points[cut].Lo = utf8.RuneSelf
			break
		}
		cut++
	}
	if cut < len(points) {
		s.edges = append(s.edges, b.above(points[cut:], to)...)
	}
	if len(s.edges) == 1 {
		return b.chain(s.edges[0])
	}
	return b.add(s)
}

// above returns the first edges of characters above ASCII.
func (b *builder) above(points []gbnf.Range, to int32) []edge {
	key := make([]byte, 0, 64)
	for _, r := range points {
		key = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(key, uint32(r.Lo)), uint32(r.Hi))
	}
	m, ok := b.multis[string(key)]
	if !ok {
		m = int32(len(b.multi))
		b.multis[string(key)] = m
		var seqs [][]byteRange
		for _, r := range points {
			seqs = appendSequences(seqs, r.Lo, r.Hi)
		}
		b.multi = append(b.multi, seqs)
	}
	at := [2]int32{m, to}
	if edges, ok := b.wides[at]; ok {
		return edges
	}
	var edges []edge
	for _, seq := range b.multi[m] {
		next := to
		for i := len(seq) - 1; i > 0; i-- {
			next = b.chain(edge{seq[i].lo, seq[i].hi, next})
		}
		edges = append(edges, edge{seq[0].lo, seq[0].hi, next})
	}
	b.wides[at] = edges
	return edges
}

func (b *builder) call(e *gbnf.Ref, to int32) int32 {
	start := b.ruleStart(e.Rule)
	key := [2]int32{int32(e.Rule), to}
	if s, ok := b.refs[key]; ok {
		return s
	}
	id := b.site(site{kind: siteRule, ret: to, start: start})
	s := rawState{calls: b.some(id)}
	if b.nullable[e.Rule] {
		s.eps = b.some(to)
	}
	b.refs[key] = b.add(s)
	return b.refs[key]
}

func (b *builder) site(s site) int32 {
	b.sites = append(b.sites, s)
	return int32(len(b.sites) - 1)
}

func (b *builder) token(e *gbnf.Token, to int32) int32 {
	id := e.ID
	if e.Name != "" {
		var ok bool
		if id, ok = b.lookup(e.Name); !ok {
			b.err = fmt.Errorf("the vocabulary has no token %s", e.Name)
			return to
		}
	}
	return b.add(rawState{tokens: []tokenEdge{{id: id, negated: e.Negated, to: to}}})
}

// maxUnroll is the largest count that is written out as states instead of counted in a
// frame: for one character, copies are cheaper than frames (four hex digits).
const maxUnroll = 4

func (b *builder) repeat(e *gbnf.Repeat, to int32) int32 {
	switch {
	case e.Max == 1 && e.Min == 1:
		return b.build(e.Item, to)
	case e.Max == 1:
		return b.add(rawState{eps: b.some(b.build(e.Item, to), to)})
	case e.Max < 0 && e.Min <= 1 && !b.wide(e.Item, 0):
		loop := b.add(rawState{eps: []int32{to}})
		item := b.build(e.Item, loop)
		b.raw[loop].eps = append(b.raw[loop].eps, item)
		if e.Min == 1 {
			return item
		}
		return loop
	case e.Max >= 0 && e.Max <= maxUnroll && isCharacter(e.Item):
		from := to
		for range e.Max - e.Min {
			from = b.add(rawState{eps: []int32{b.build(e.Item, from), to}})
		}
		for range e.Min {
			from = b.build(e.Item, from)
		}
		return from
	}
	const most = int(farthest)
	body := b.sub(e.Item)
	b.repeats = append(b.repeats, repeat{min: int32(min(e.Min, most)), max: int32(min(e.Max, most)), body: body})
	id := b.site(site{kind: siteRepeat, ret: to, start: body, index: int32(len(b.repeats) - 1)})
	s := rawState{calls: []int32{id}}
	if e.Min == 0 {
		s.eps = []int32{to}
	}
	return b.add(s)
}

// wide reports whether a repetition of e should be counted although it has no bound: runs
// of characters from a large set are where masks are large, and only counted ones are
// recognised as units (see Unit).
func (b *builder) wide(e gbnf.Expr, depth int) bool {
	const manyCharacters, deep = 128, 4
	if depth > deep {
		return false
	}
	switch e := e.(type) {
	case *gbnf.Class:
		n := rune(0)
		for _, r := range codePoints(e) {
			n += r.Hi - r.Lo + 1
		}
		return n >= manyCharacters
	case *gbnf.Ref:
		return b.wide(b.rules[e.Rule].Expr, depth+1)
	case *gbnf.Alt:
		for _, it := range e.Items {
			if b.wide(it, depth+1) {
				return true
			}
		}
	case *gbnf.Seq:
		return len(e.Items) == 1 && b.wide(e.Items[0], depth+1)
	}
	return false
}

func isCharacter(e gbnf.Expr) bool {
	switch e := e.(type) {
	case *gbnf.Class:
		return true
	case *gbnf.Literal:
		return len(e.Text) <= 1
	}
	return false
}

func (b *builder) memberList(e *gbnf.Members, to int32) int32 {
	m := members{ordered: e.Ordered, min: int32(min(e.Min, int(farthest))), max: int32(min(e.Max, int(farthest)))}
	for _, it := range e.Items {
		m.items = append(m.items, member{start: b.sub(it.Expr), required: it.Required, repeat: it.Repeat})
		if it.Required {
			m.required++
		}
	}
	m.sep = b.sub(e.Sep)
	index := int32(len(b.members))
	m.site = b.site(site{kind: siteMember, ret: to, start: -1, index: index})
	b.site(site{kind: siteSep, ret: to, start: m.sep, index: index})
	b.members = append(b.members, m)
	s := rawState{calls: []int32{m.site}}
	if m.required == 0 && m.min == 0 {
		s.eps = []int32{to}
	}
	return b.add(s)
}
