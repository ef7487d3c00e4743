// Package mask computes token masks: it walks the vocabulary's byte trie with the steps
// of an automaton and keeps the masks of the configurations it has seen.
package mask

import (
	"math"
	"slices"
	"sync"

	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/internal/jsonscan"
	"github.com/callama/callama/grammar/vocab"
	"github.com/callama/callama/internal/slab"
)

// Engine computes masks for one program and one vocabulary. It owns the caches of both
// and is safe for concurrent use; all positions of all matchers share what one of them
// has explored.
type Engine struct {
	prog  *automaton.Program
	vocab *vocab.Vocab
	opts  Options

	classNodes [256]int32 // of each byte class, the trie nodes below the root's children

	mu      sync.Mutex
	space   *space // replaced as a whole when it outgrows limit
	islands map[*automaton.Unit]*unitIsland
	stats   Stats

	*work   // borrowed from works while a mask is made
	works   *sync.Pool
	runs    []automaton.Run
	leading []byte
	merging int // nodes of exits merged for the mask
	distinct
}

// Stats counts work.
type Stats struct {
	Walks   int64 // masks computed by walking the trie
	Hits    int64 // masks found in the cache
	Nodes   int64 // trie nodes visited
	Configs int   // configurations in the cache
	Bytes   int   // estimated memory of the cache and of the program's states
	Resets  int   // caches dropped because they outgrew the limit
}

// space is one generation of caches. Positions refer to the space they were made in.
type space struct {
	cache   *automaton.Cache
	masks   slab.List[*entry] // by configuration; nil: not yet made
	coarser slab.List[int32]  // configuration -> the one that stands for it, plus one; 0: not yet asked
	jumps   map[int32]counted // by configurations that stand for others, which are few
	alike   map[[2]int32]bool // pairs of configurations compared: see Engine.alike
	bytes   int
	floor   int // bytes right after it was made: what its positions need at least

	// The entries and their lists come from blocks, as there are many.
	entries []entry
	flips   []int32

	within map[within]vocab.Mask // see Engine.upTo
}

// Sizes of the blocks of a space: some 50 entries of some 20 tokens.
const (
	entryBlock = 64
	flipBlock  = 1024
)

// keep stores the mask of a configuration.
func (sp *space) keep(id int32, base vocab.Mask, flips []int32, farthest int32) *entry {
	if len(sp.entries) == cap(sp.entries) {
		sp.entries = make([]entry, 0, entryBlock)
		sp.bytes += entryBlock * entryBytes
	}
	if free := cap(sp.flips) - len(sp.flips); free < len(flips) {
		sp.flips = make([]int32, 0, max(flipBlock, len(flips)))
		sp.bytes += 4 * cap(sp.flips)
	}
	from := len(sp.flips)
	sp.flips = append(sp.flips, flips...)
	sp.entries = append(sp.entries, entry{base: base, flips: sp.flips[from:len(sp.flips):len(sp.flips)], farthest: farthest})
	ent := &sp.entries[len(sp.entries)-1]
	sp.file(id, ent)
	return ent
}

// file says that an entry is the mask of a configuration.
func (sp *space) file(id int32, ent *entry) {
	*sp.masks.Extend(id) = ent
}

// coarse returns the configuration whose mask is that of id: see automaton.Coarse.
func (sp *space) coarse(e *Engine, id int32) int32 {
	if !sp.cache.Counts() || e.opts.MinNodes == math.MaxInt {
		return id
	}
	coarser := sp.coarser.Extend(id)
	if *coarser == 0 {
		*coarser = sp.cache.Coarse(id, int32(e.vocab.Longest())) + 1
	}
	return *coarser - 1
}

// counted is what a configuration does with whole units; is is nil if it counts none.
type counted struct {
	jump automaton.Jump
	is   *island
}

// jump returns it for a configuration.
func (sp *space) jump(e *Engine, id int32) counted {
	if !sp.cache.Counts() {
		return counted{}
	}
	id = sp.coarse(e, id)
	j, known := sp.jumps[id]
	if !known {
		var ok bool
		if j.jump, ok = sp.cache.Jump(id); ok {
			j.is = e.islandOf(j.jump.Unit)
		}
		sp.jumps[id] = j
	}
	return j
}

// entryBytes is the size of an entry and its place in space.masks.
const entryBytes = 72

// entry returns the mask of a configuration, nil if it has not been made.
func (sp *space) entry(id int32) *entry {
	if id < sp.masks.Len() {
		return *sp.masks.At(id)
	}
	return nil
}

// Pos is a place in the language: where one text stands. The zero Pos is not valid.
type Pos struct {
	space *space
	id    int32
}

// Options of an engine; zero fields take the defaults.
type Options struct {
	// CacheBytes bounds the caches as long as single positions fit in it. Default 64 MiB.
	CacheBytes int
	// MinNodes is the number of trie nodes from which a mask is not walked if there is
	// another way: see MinNodes. Tests set 1 to take the other ways everywhere, and
	// math.MaxInt to walk every mask, whatever others are like it.
	MinNodes int
	// LongToken is the number of bytes above which a token is long: see near. Default 32.
	LongToken int
}

// defaultCacheBytes is the default of Options.CacheBytes: at 19 KB a mask, more than the
// distinct masks of a hundred tools.
const defaultCacheBytes = 64 << 20

// NewEngine returns an engine without anything explored.
func NewEngine(p *automaton.Program, v *vocab.Vocab, o Options) *Engine {
	if o.CacheBytes == 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.MinNodes == 0 {
		o.MinNodes = MinNodes
	}
	if o.LongToken == 0 {
		o.LongToken = longToken
	}
	e := &Engine{prog: p, vocab: v, opts: o, islands: map[*automaton.Unit]*unitIsland{}, works: worksOf(v)}
	for k := range p.Classes() {
		lo, hi := p.ClassRange(uint8(k))
		e.classNodes[k] = v.Trie().Roots[int(hi)+1] - v.Trie().Roots[lo]
	}
	e.space = newSpace(p)
	e.space.floor = e.space.cache.Bytes()
	characters(v) // takes as long as an island: not while a mask is waited for
	return e
}

func newSpace(p *automaton.Program) *space {
	return &space{cache: automaton.NewCache(p), jumps: map[int32]counted{}, alike: map[[2]int32]bool{}}
}

// Start returns the position before any text.
func (e *Engine) Start() Pos {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Pos{e.space, automaton.Start}
}

// Stats returns the counters so far.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stats
	s.Configs = e.space.cache.Configs()
	s.Bytes = e.space.cache.Bytes() + e.space.bytes + e.prog.Bytes()
	return s
}

// enter brings p into the current space and returns it. It replaces a space that has
// outgrown the limit, unless what its positions need is itself most of it.
func (e *Engine) enter(p Pos) (*space, int32) {
	sp := e.space
	if size := sp.cache.Bytes() + sp.bytes; size > e.opts.CacheBytes && size > 2*sp.floor {
		sp = newSpace(e.prog)
		e.stats.Resets++
		e.space = sp
	}
	if p.space == sp {
		return sp, p.id
	}
	id := sp.cache.Import(p.space.cache, p.id)
	sp.floor = max(sp.floor, sp.cache.Bytes())
	return sp, id
}

// Advance returns the position after token t and whether t is allowed there. To end the
// text with an end-of-generation token is not its business: it takes one only where the
// grammar itself names it. s is the text's from NewScanner, as in all methods; it follows if t
// is allowed.
func (e *Engine) Advance(p Pos, t int32, s *jsonscan.Scanner) (Pos, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sp, id := e.enter(p)
	next := automaton.Dead
	switch {
	case s != nil:
		next = e.followText(sp, id, t, s)
	case e.vocab.IsText(t):
		next = e.follow(sp, id, t)
	}
	next = sp.cache.NextToken(id, t, next, e.vocab.IsEOG(t))
	return Pos{sp, next}, next != automaton.Dead
}

// follow returns the configuration after a text token. Where it is made of counted units
// that is one step, however many they are.
func (e *Engine) follow(sp *space, id, t int32) int32 {
	if next, ok := e.ahead(sp, id, t); ok {
		return next
	}
	return run(sp.cache, e.prog, id, e.vocab.Bytes(t))
}

// ahead returns the configuration after a token of counted units.
func (e *Engine) ahead(sp *space, id, t int32) (next int32, ok bool) {
	if j := sp.jump(e, id); j.is != nil {
		if n := j.is.whole(t); n > 0 {
			return sp.cache.Ahead(id, j.jump, n), true
		}
	}
	return automaton.Dead, false
}

// AdvanceBytes returns the position after b and whether b may come next, if no value that must
// differ is a duplicate.
func (e *Engine) AdvanceBytes(p Pos, b []byte) (Pos, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sp, id := e.enter(p)
	next := run(sp.cache, e.prog, id, b)
	return Pos{sp, next}, next != automaton.Dead
}

func run(c *automaton.Cache, p *automaton.Program, id int32, b []byte) int32 {
	for _, x := range b {
		if id = c.Next(id, p.Class(x)); id == automaton.Dead {
			break
		}
	}
	return id
}

// Place describes a position.
type Place struct {
	Accepting bool // the text may end here
	Done      bool // it must
	Bytes     int  // least number of bytes to the end
}

// At describes p.
func (e *Engine) At(p Pos) Place {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := p.space.cache
	return Place{c.Accepting(p.id), c.Done(p.id), int(c.Dist(p.id))}
}

// Forced appends the bytes that every text continues with at p to dst, at most limit, and
// returns them. It stops where the text may end or two bytes are possible.
func (e *Engine) Forced(dst []byte, p Pos, limit int, s *jsonscan.Scanner) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	sp, id := e.enter(p)
	if s != nil {
		return e.forcedText(dst, sp.cache, id, limit, s)
	}
	for range limit {
		b, ok := e.only(sp.cache, id)
		if !ok {
			break
		}
		dst = append(dst, b)
		id = sp.cache.Next(id, e.prog.Class(b))
	}
	return dst
}

// only returns the one byte that may come next.
func (e *Engine) only(c *automaton.Cache, id int32) (byte, bool) {
	if c.Accepting(id) || c.HasTokens(id) {
		return 0, false
	}
	found, count := byte(0), 0
	for k := range e.prog.Classes() {
		if c.Next(id, uint8(k)) == automaton.Dead {
			continue
		}
		lo, hi := e.prog.ClassRange(uint8(k))
		if found = lo; lo != hi {
			return 0, false
		}
		if count++; count > 1 {
			return 0, false
		}
	}
	return found, count == 1
}

// Fill sets dst, which must be as wide as the vocabulary's masks, to the tokens allowed at
// p, end-of-generation tokens included where the text may end.
//
// left is the number of tokens that may still be generated, the next one included, or
// negative for any number. Where it runs low only such tokens are allowed after which the
// text can still be completed within it, spelling one byte per token in the worst case;
// where that is no longer possible the whole set is written, and fits is false.
func (e *Engine) Fill(dst vocab.Mask, p Pos, left int, s *jsonscan.Scanner) (fits bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sp, id := e.enter(p)
	ent := sp.entry(id)
	if ent == nil {
		like := sp.coarse(e, id)
		if ent = sp.entry(like); ent == nil {
			ent = e.make(sp, like)
		} else {
			e.stats.Hits++
		}
		if like != id {
			sp.file(id, ent)
		}
	} else {
		e.stats.Hits++
	}
	fits = left < 0 || int64(sp.cache.Dist(id)) <= int64(left)
	if fits && left >= 0 && int64(left)-1 < int64(ent.farthest) {
		e.trim(dst, sp, id, int32(left-1))
		if s == nil || e.correct(sp, id, ent, dst, s, int32(left-1)) {
			return true
		}
		fits = false
	}
	ent.write(dst)
	if s != nil {
		e.correct(sp, id, ent, dst, s, noLimit)
	}
	return fits
}

// make makes the mask of a configuration.
func (e *Engine) make(sp *space, id int32) *entry {
	e.borrow()
	defer e.giveBack()
	e.merging = 0
	return e.compute(sp, id, true)
}

// mask returns the mask of a configuration.
func (e *Engine) mask(sp *space, id int32, patch bool) *entry {
	if ent := sp.entry(id); ent != nil {
		return ent
	}
	return e.compute(sp, id, patch)
}

// compute makes the mask of a configuration, by the cheapest way that applies. Patching
// another mask is one of them where patch is set.
func (e *Engine) compute(sp *space, id int32, patch bool) *entry {
	c := sp.cache
	runs, rest := e.runsOf(c, id, noLimit)
	if len(runs) > 0 {
		var ent *entry
		if rest != automaton.Dead {
			runs = slices.Clone(runs)
			ent = e.mask(sp, rest, patch)
		}
		e.set.begin()
		farthest := e.fillRuns(c, runs, noLimit)
		if ent != nil {
			e.set.merge(ent)
			farthest = max(farthest, ent.farthest)
		}
		e.finish(c, id)
		return e.keep(sp, id, farthest)
	}
	o := e.outlook(c, id)
	if o.nodes >= e.opts.MinNodes {
		if ent := e.near(sp, id, patch); ent != nil {
			return ent
		}
	}
	if o.nodes >= e.opts.MinNodes && (o.run || e.opts.MinNodes == 1) {
		if ent := e.around(sp, id, o.nodes, o.looping, patch); ent != nil {
			return ent
		}
	}
	e.set.begin()
	farthest := e.fill(c, id, nil, noLimit)
	e.finish(c, id)
	return e.keep(sp, id, farthest)
}

// around makes the mask of a configuration from which n trie nodes can be reached without
// walking them all, or returns nil. looping tells that some byte leads back to it.
func (e *Engine) around(sp *space, id int32, n int, looping, patch bool) *entry {
	c := sp.cache
	var loop automaton.Run
	if looping {
		loop, looping = c.Loop(id)
	}
	if looping && n-e.unit(loop.Unit).nodes < e.opts.MinNodes {
		if is := e.islandFor(loop.Unit, false, exitOf{c, loop.After}); is != nil {
			return e.keepLoop(sp, id, loop, is)
		}
	}
	if !looping {
		if ent := e.chain(sp, id, n); ent != nil {
			return ent
		}
	}
	if patch {
		if ent := e.patch(sp, id, patchBudget); ent != nil {
			return ent
		}
	}
	region, ri := e.regionOf(c, id)
	if ri != nil && (!looping || e.unit(region.Unit).nodes > e.unit(loop.Unit).nodes) {
		e.set.begin()
		farthest := e.fillRegion(c, id, region, ri)
		farthest = max(farthest, e.fill(c, id, region.Unit, noLimit))
		e.finish(c, id)
		return e.keep(sp, id, farthest)
	}
	if looping {
		if is := e.islandFor(loop.Unit, false, exitOf{c, loop.After}); is != nil {
			return e.keepLoop(sp, id, loop, is)
		}
	}
	if patch {
		return e.patch(sp, id, math.MaxInt)
	}
	return nil
}

func (e *Engine) keepLoop(sp *space, id int32, r automaton.Run, is *island) *entry {
	e.set.begin()
	farthest := e.fillRun(sp.cache, r, is, noLimit)
	farthest = max(farthest, e.fill(sp.cache, id, r.Unit, noLimit))
	e.finish(sp.cache, id)
	return e.keep(sp, id, farthest)
}

// keep stores the set as the mask of a configuration.
func (e *Engine) keep(sp *space, id, farthest int32) *entry {
	if e.set.wide {
		base, flips := e.settle(sp, e.set.dense)
		return sp.keep(id, base, flips, farthest)
	}
	base, flips := e.set.flips()
	return sp.keep(id, base, flips, farthest)
}

// settle is set.settle for a mask that is kept in a space.
func (e *Engine) settle(sp *space, m vocab.Mask) (vocab.Mask, []int32) {
	base, flips, own := e.set.settle(m)
	if own {
		sp.bytes += 4 * len(m)
	}
	return base, flips
}

// trim sets dst to the tokens after which at most limit bytes remain.
func (e *Engine) trim(dst vocab.Mask, sp *space, id, limit int32) {
	e.borrow()
	defer e.giveBack()
	c := sp.cache
	e.set.begin()
	if runs, rest := e.runsOf(c, id, limit); len(runs) > 0 {
		e.fillRuns(c, runs, limit)
		if rest != automaton.Dead {
			e.set.twice = true
			e.fill(c, rest, nil, limit)
		}
	} else if r, is := e.loopOf(c, id, limit); is != nil {
		e.fillRun(c, r, is, limit)
		e.fill(c, id, r.Unit, limit)
	} else {
		e.fill(c, id, nil, limit)
	}
	e.finish(c, id)
	e.set.write(dst)
}

// outlook is what the first byte of a token may do.
type outlook struct {
	nodes   int  // trie nodes below the bytes that may come next
	looping bool // one of these leads back
	run     bool // some leads where many others do
}

// runBytes is how many bytes lead to the same configuration where a run of characters
// begins or goes on: there are ten digits.
const runBytes = 8

// outlook looks one byte ahead.
func (e *Engine) outlook(c *automaton.Cache, id int32) (o outlook) {
	var leads [8]struct{ to, bytes int32 }
	n := 0
	s := at(c, id)
	for k := range e.prog.Classes() {
		if e.classNodes[k] == 0 {
			continue
		}
		to := s.step(c, uint8(k))
		if to == automaton.Dead {
			continue
		}
		o.nodes += int(e.classNodes[k])
		o.looping = o.looping || to == id
		if o.run {
			continue
		}
		lo, hi := e.prog.ClassRange(uint8(k))
		at := 0
		for at < n && leads[at].to != to {
			at++
		}
		if at == n { // of many different ones, the latest are remembered
			at = min(n, len(leads)-1)
			n = at + 1
			leads[at].to, leads[at].bytes = to, 0
		}
		leads[at].bytes += int32(hi-lo) + 1
		o.run = leads[at].bytes >= runBytes
	}
	return o
}
