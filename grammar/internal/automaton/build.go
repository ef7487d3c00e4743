package automaton

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/internal/slab"
)

// builder translates rules into states, each callee when it is first entered. Expressions
// are built backwards: build(e, to) returns a state from which e leads to state to, so
// that equal endings can be shared and distances are known at once.
type builder struct {
	*facts
	lookup func(name string) (int32, bool) // token terminals by name

	states  slab.List[state]
	edges   slab.Lists[edge] // of states and cores
	tokens  slab.Lists[tokenEdge]
	lists   slab.Lists[int32]
	sites   []site
	repeats []repeat
	members []members
	callees []callee
	starts  []int32              // start state of each rule, -1 until first referred to
	inner   map[gbnf.State]int32 // start state of each state of a machine that was referred to
	counts  map[int32]innerCall  // states that call a state of a gbnf.Counter
	end     int32                // the state in which a callee has ended

	// What was built before with the same continuation is used again. Front ends share
	// expressions: the rest of a string, a comma, the characters outside of ASCII.
	chains index                  // of states with one edge
	refs   []ref                  // calling states
	refAt  index                  // of refs
	wides  map[[2]int32]slab.Span // index of multi, continuation -> first edges
	multis map[string]int32       // ranges of code points above ASCII -> index of multi
	multi  [][][]byteRange        // their sequences; the first is of all characters
	points []byte                 // working memory: a key of multis
	runs   []edge                 // working memory: the edges of a class

	laters   []later
	restAt   map[string]int32 // their states, by what they are
	numbered map[any]int32
	key      []byte // working memory: a key of restAt

	inspect *inspection // nil unless Options.Inspect
}

func newBuilder(f *facts, lookup func(string) (int32, bool)) builder {
	b := builder{facts: f, lookup: lookup, starts: make([]int32, len(f.rules)),
		inner: map[gbnf.State]int32{}, wides: map[[2]int32]slab.Span{}}
	for i := range b.starts {
		b.starts[i] = -1
	}
	b.end = b.add(state{end: true})
	return b
}

// add appends a state and computes its distance.
func (b *builder) add(s state) int32 {
	s.dist = infinite
	if s.end {
		s.dist, s.plain = 0, true
	}
	for _, t := range b.lists.At(s.eps) {
		s.dist, s.plain = min(s.dist, b.states.At(t).dist), s.plain || b.states.At(t).plain
	}
	for _, e := range b.edges.At(s.edges) {
		s.dist, s.plain = min(s.dist, plus(1, b.states.At(e.to).dist)), s.plain || b.states.At(e.to).plain
	}
	for _, e := range b.tokens.At(s.tokens) {
		s.dist, s.plain = min(s.dist, plus(1, b.states.At(e.to).dist)), s.plain || b.states.At(e.to).plain
	}
	for _, c := range b.lists.At(s.calls) {
		ret := b.states.At(b.sites[c].ret)
		s.dist, s.plain = min(s.dist, plus(b.entering(c), ret.dist)), s.plain || ret.plain && b.enteringPlain(c)
	}
	s.core, s.callee = -1, -1
	return b.states.Add(s)
}

// entering returns the least bytes of what is called at a site when it is entered.
func (b *builder) entering(c int32) int32 {
	st := &b.sites[c]
	switch st.kind {
	case siteRepeat:
		rep := &b.repeats[st.index]
		return times(max(rep.min, 1), rep.dist)
	case siteMember:
		return b.members[st.index].first()
	}
	return b.states.At(st.start).dist
}

// callee adds the start state of what can be called. Start states have no way in but calls.
func (b *builder) callee(e gbnf.Expr, dist, height int32) int32 {
	s := b.add(state{})
	b.states.At(s).dist, b.states.At(s).plain = dist, b.isPlain(e)
	b.states.At(s).callee = int32(len(b.callees))
	b.callees = append(b.callees, callee{expr: e, state: s, height: height})
	if b.inspect != nil {
		b.inspect.owners = append(b.inspect.owners, b.inspect.current)
	}
	return s
}

// ruleStart returns the start state of a rule.
func (b *builder) ruleStart(r gbnf.RuleID) int32 {
	if b.starts[r] < 0 {
		if b.inspect != nil {
			defer b.inspect.enter(r)()
		}
		b.starts[r] = b.callee(b.rules[r].Expr, b.dist[r], b.height[r])
	}
	return b.starts[r]
}

// innerStart returns the start state of a state of a machine.
func (b *builder) innerStart(e *gbnf.State) int32 {
	if s, ok := b.inner[*e]; ok {
		return s
	}
	s := b.callee(e, int32(e.Of.Shortest(e.N)), int32(e.Of.Height()))
	b.inner[*e] = s
	return s
}

// innerCall is a call of a state of a gbnf.Counter.
type innerCall struct {
	of  gbnf.State
	ret int32
}

func (b *builder) innerCall(e *gbnf.State, to int32) int32 {
	s := b.call(b.innerStart(e), to, e.InPlace(), -1)
	if _, ok := e.Of.(gbnf.Counter); ok {
		if b.counts == nil {
			b.counts = map[int32]innerCall{}
		}
		b.counts[s] = innerCall{*e, to}
	}
	return s
}

// sub returns the start state of e as a callee of its own.
func (b *builder) sub(e gbnf.Expr) int32 {
	if s, ok := e.(*gbnf.State); ok {
		return b.innerStart(s)
	}
	height, _ := b.corner(e)
	return b.callee(e, b.distance(e), height)
}

// open builds the states of a callee, or of a later.
func (b *builder) open(s int32) {
	if isLater(b.states.At(s).callee) {
		b.openLater(s)
		return
	}
	k := &b.callees[b.states.At(s).callee]
	if k.expr == nil {
		return
	}
	e := k.expr
	k.expr = nil
	if b.inspect != nil {
		defer b.inspect.enter(b.inspect.owners[b.states.At(s).callee])()
	}
	if s, ok := e.(*gbnf.State); ok {
		e = s.Expr()
	}
	body := b.begin(e, b.end)
	b.states.At(s).eps = b.lists.Put(body)
}

// maxInline bounds the parts of a rule that is written where it is referred to, instead of
// called: a class of characters has up to a hundred, if its escapes are spelled out. Without
// calls, a repetition of characters is a loop of states: see Cache.Loop.
const maxInline = 256

// build returns a state from which e leads to state to. The survey has seen that every e
// is of a known kind.
func (b *builder) build(e gbnf.Expr, to int32) int32 {
	switch e := e.(type) {
	case *gbnf.Literal:
		for i := len(e.Text) - 1; i >= 0; i-- {
			to = b.chain(edge{e.Text[i], e.Text[i], to})
		}
	case *gbnf.Class:
		return b.class(e, to)
	case *gbnf.Ref:
		return b.call(b.ruleStart(e.Rule), to, b.rules[e.Rule].Expr, e.Rule)
	case *gbnf.State:
		return b.innerCall(e, to)
	case *gbnf.Seq:
		for i := len(e.Items) - 1; i >= 0; i-- {
			to = b.build(e.Items[i], to)
		}
	case *gbnf.Alt:
		from := make([]int32, len(e.Items))
		for i, it := range e.Items {
			from[i] = b.build(it, to)
		}
		return b.add(state{eps: b.lists.Put(from...)})
	case *gbnf.Repeat:
		return b.repeat(e, to)
	case *gbnf.Token:
		return b.token(e, to)
	case *gbnf.Members:
		return b.memberList(e, to)
	case *gbnf.Distinct:
		return b.wrapped(siteDistinct, e.Item, to)
	case *gbnf.Document:
		return b.wrapped(siteDocument, e.Item, to)
	}
	return to
}

// chain returns the state whose only edge is e.
func (b *builder) chain(e edge) int32 {
	h := hasher(0)
	h.add(int32(e.lo)<<8 | int32(e.hi))
	h.add(e.to)
	for find := b.chains.at(h.sum()); ; find = find.next() {
		s := find.slot()
		if s.id == 0 {
			break
		}
		if at := b.states.At(s.id - 1).edges; s.hash == h.sum() && !at.Empty() && b.edges.At(at)[0] == e {
			return s.id - 1
		}
	}
	s := b.add(state{edges: b.edges.Put(e)})
	b.chains.add(h.sum(), s)
	return s
}

// ref is a state that calls a start state and goes on at another.
type ref struct{ start, to, state int32 }

// refOf returns the calling state known for a start state and a continuation.
func (b *builder) refOf(start, to int32) (state int32, ok bool) {
	h := refHash(start, to)
	for find := b.refAt.at(h); ; find = find.next() {
		s := find.slot()
		if s.id == 0 {
			return 0, false
		}
		if r := &b.refs[s.id-1]; s.hash == h && r.start == start && r.to == to {
			return r.state, true
		}
	}
}

func (b *builder) keepRef(start, to, state int32) {
	b.refAt.add(refHash(start, to), int32(len(b.refs)))
	b.refs = append(b.refs, ref{start, to, state})
}

func refHash(start, to int32) uint32 {
	h := hasher(0)
	h.add(start)
	h.add(to)
	return h.sum()
}

// class builds the characters of a class. Those above ASCII are few different sets in all
// of a grammar, so their sequences and states are shared.
func (b *builder) class(c *gbnf.Class, to int32) int32 {
	var above slab.Span
	ascii, ok := asciiOf(c)
	switch {
	case ok && c.Negated:
		above = b.above(0, to)
	case !ok:
		points := codePoints(c)
		ascii = asciiSet{}
		ranges := gbnf.Class{}
		cut := 0
		for ; cut < len(points) && points[cut].Lo < utf8.RuneSelf; cut++ {
			r := &points[cut]
			ranges.Ranges = append(ranges.Ranges, gbnf.Range{Lo: r.Lo, Hi: min(r.Hi, utf8.RuneSelf-1)})
			if r.Hi >= utf8.RuneSelf {
				r.Lo = utf8.RuneSelf
				break
			}
		}
		ascii, _ = asciiOf(&ranges)
		if cut < len(points) {
			above = b.above(b.multiOf(points[cut:]), to)
		}
	}
	edges := b.runs[:0]
	ascii.runs(func(lo, hi byte) { edges = append(edges, edge{lo, hi, to}) })
	if len(edges) == 0 && above.Len() != 1 {
		return b.add(state{edges: above})
	}
	edges = append(edges, b.edges.At(above)...)
	b.runs = edges
	if len(edges) == 1 {
		return b.chain(edges[0])
	}
	return b.add(state{edges: b.edges.Put(edges...)})
}

// multiOf numbers a set of characters above ASCII.
func (b *builder) multiOf(points []gbnf.Range) int32 {
	key := b.points[:0]
	for _, r := range points {
		key = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(key, uint32(r.Lo)), uint32(r.Hi))
	}
	b.points = key
	if m, ok := b.multis[string(key)]; ok {
		return m
	}
	if b.multis == nil {
		b.multis = map[string]int32{}
		b.multi = make([][][]byteRange, 1) // the first is reserved
	}
	m := int32(len(b.multi))
	b.multis[string(key)] = m
	var seqs [][]byteRange
	for _, r := range points {
		seqs = appendSequences(seqs, r.Lo, r.Hi)
	}
	b.multi = append(b.multi, seqs)
	return m
}

// above returns the first edges of characters above ASCII: of set number m, 0 for all.
func (b *builder) above(m, to int32) slab.Span {
	at := [2]int32{m, to}
	if edges, ok := b.wides[at]; ok {
		return edges
	}
	seqs := allAbove()
	if m > 0 {
		seqs = b.multi[m]
	}
	edges := make([]edge, len(seqs))
	for i, seq := range seqs {
		next := to
		for k := len(seq) - 1; k > 0; k-- {
			next = b.chain(edge{seq[k].lo, seq[k].hi, next})
		}
		edges[i] = edge{seq[0].lo, seq[0].hi, next}
	}
	b.wides[at] = b.edges.Put(edges...)
	return b.wides[at]
}

// call returns a state that calls a rule or a state of a machine, by its start state, or
// holds the states of its expression, nil for one that is to be called, if that is a leaf. rule is negative for a machine's.
func (b *builder) call(start, to int32, e gbnf.Expr, rule gbnf.RuleID) int32 {
	keep := b.inspect != nil && rule >= 0 && to == b.end && b.inspect.keeps(rule)
	if s, ok := b.refOf(start, to); ok && !keep {
		return s
	}
	if n := maxInline; b.inspect == nil && b.leaf(e, &n) {
		state := b.build(e, to)
		b.keepRef(start, to, state)
		return state
	}
	id := b.site(site{kind: siteRule, keep: keep, ret: to, start: start})
	s := state{calls: b.lists.Put(id)}
	if b.states.At(start).dist == 0 {
		s.eps = b.lists.Put(to)
	}
	state := b.add(s)
	if !keep {
		b.keepRef(start, to, state)
	}
	return state
}

// siteTo returns the site of a call that returns to a state, which is not the end.
func (b *builder) siteTo(start, ret int32) int32 {
	return b.lists.At(b.states.At(b.call(start, ret, nil, -1)).calls)[0]
}

func (b *builder) site(s site) int32 {
	b.sites = append(b.sites, s)
	return int32(len(b.sites) - 1)
}

func (b *builder) token(e *gbnf.Token, to int32) int32 {
	id := e.ID
	if e.Name != "" {
		id, _ = b.lookup(e.Name)
	}
	return b.add(state{tokens: b.tokens.Put(tokenEdge{id: id, negated: e.Negated, to: to})})
}

// unrolled returns the largest count of e that is written out as states instead of counted
// in a frame, for which copies are cheaper: four hex digits, the letters of a top-level
// domain. Longer runs of any character are counted: see Unit.
func unrolled(e gbnf.Expr) int {
	const few, many = 16, 4
	switch e := e.(type) {
	case *gbnf.Class:
		if _, ascii := asciiOf(e); ascii && !e.Negated {
			return few
		}
		return many
	case *gbnf.Literal:
		if len(e.Text) <= 1 {
			return few
		}
	}
	return 0
}

func (b *builder) repeat(e *gbnf.Repeat, to int32) int32 {
	switch {
	case e.Max == 0:
		return to
	case e.Max == 1 && e.Min == 1:
		return b.build(e.Item, to)
	case e.Max == 1:
		item := b.build(e.Item, to)
		return b.add(state{eps: b.lists.Put(item, to)})
	case e.Max < 0 && e.Min <= 1:
		eps := b.lists.Put(to, to)
		loop := b.add(state{eps: eps})
		item := b.build(e.Item, loop) // no nearer to the end than loop itself
		b.lists.At(eps)[1] = item
		if e.Min == 1 {
			return item
		}
		return loop
	case e.Max >= 0 && e.Max <= unrolled(e.Item):
		from := to
		for range e.Max - e.Min {
			item := b.build(e.Item, from)
			from = b.add(state{eps: b.lists.Put(item, to)})
		}
		for range e.Min {
			from = b.build(e.Item, from)
		}
		return from
	}
	const most = int(farthest)
	body := b.sub(e.Item)
	b.repeats = append(b.repeats, repeat{min: int32(min(e.Min, most)), max: int32(min(e.Max, most)),
		body: body, dist: b.states.At(body).dist, unit: unitUnknown})
	id := b.site(site{kind: siteRepeat, ret: to, start: body, index: int32(len(b.repeats) - 1)})
	s := state{calls: b.lists.Put(id)}
	if e.Min == 0 {
		s.eps = b.lists.Put(to)
	}
	return b.add(s)
}

// leaf reports whether e calls nothing, once what it calls is written in place, and has at
// most n parts.
func (b *builder) leaf(e gbnf.Expr, n *int) bool {
	*n--
	if *n < 0 {
		return false
	}
	var items []gbnf.Expr
	switch e := e.(type) {
	case *gbnf.Literal:
		*n -= len(e.Text) / 8 // lists of words are called, and begun: see begin
		return *n >= 0
	case *gbnf.Class:
	case *gbnf.Ref:
		return b.leaf(b.rules[e.Rule].Expr, n)
	case *gbnf.State:
		return b.leaf(e.InPlace(), n)
	case *gbnf.Seq:
		items = e.Items
	case *gbnf.Alt:
		items = e.Items
	default:
		return false
	}
	for _, it := range items {
		if !b.leaf(it, n) {
			return false
		}
	}
	return true
}

func (b *builder) memberList(e *gbnf.Members, to int32) int32 {
	m := membersOf(e)
	for i := range e.Items {
		start := b.sub(e.Items[i].Expr)
		m.items[i].start, m.items[i].dist = start, b.states.At(start).dist
	}
	m.sep = b.sub(e.Sep)
	m.sepDist = b.states.At(m.sep).dist
	index := int32(len(b.members))
	b.members = append(b.members, m)
	id := b.site(site{kind: siteMember, ret: to, start: -1, index: index})
	b.site(site{kind: siteSep, ret: to, start: m.sep, index: index})
	s := state{calls: b.lists.Put(id)}
	if m.required == 0 && m.min == 0 {
		s.eps = b.lists.Put(to)
	}
	return b.add(s)
}
