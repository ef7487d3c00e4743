// Package mask computes token masks: it walks the vocabulary's byte trie with the steps
// of an automaton and keeps the masks of the configurations it has seen.
package mask

import (
	"sync"

	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/internal/jsonscan"
	"github.com/callama/callama/grammar/vocab"
)

// Engine computes masks for one program and one vocabulary. It owns the caches of both
// and is safe for concurrent use; all positions of all matchers share what one of them
// has explored.
type Engine struct {
	prog  *automaton.Program
	vocab *vocab.Vocab
	opts  Options

	mu    sync.Mutex
	space *space // replaced as a whole when it outgrows limit
	walk  walk
	distinct
	runs  []automaton.Run // working memory of compute
	stats Stats
}

// Stats counts work.
type Stats struct {
	Walks   int64 // masks computed by walking the trie
	Hits    int64 // masks found in the cache
	Nodes   int64 // trie nodes visited
	Configs int   // configurations in the cache
	Bytes   int   // estimated memory of the cache
	Resets  int   // caches dropped because they outgrew the limit
}

// space is one generation of caches. Positions refer to the space they were made in.
type space struct {
	cache     *automaton.Cache
	masks     map[int32]*entry
	alike     map[[2]int32]bool     // pairs of configurations compared: see Engine.alike
	corrected map[string]vocab.Mask // see Engine.without
	bytes     int
	floor     int // bytes right after it was made: what its positions need at least
}

// entry is the mask of one configuration.
type entry struct {
	mask vocab.Mask // immutable once stored
	// farthest is the greatest distance, in bytes, that an allowed token leaves to the end
	// of the text: with that many tokens left the mask needs no trimming.
	farthest int32
	// crossing is what crossingTokens found, if crossed.
	crossing []int32
	crossed  bool
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
	// another way: see MinNodes. Tests set 1 to take the other ways everywhere.
	MinNodes int
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
	e := &Engine{prog: p, vocab: v, opts: o}
	e.space = newSpace(p)
	e.space.floor = e.space.cache.Bytes()
	return e
}

func newSpace(p *automaton.Program) *space {
	return &space{cache: automaton.NewCache(p), masks: map[int32]*entry{}, alike: map[[2]int32]bool{},
		corrected: map[string]vocab.Mask{}}
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
	s.Bytes = e.space.cache.Bytes() + e.space.bytes
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
	if s != nil {
		next = e.advanceText(sp, id, t, s)
	} else {
		if e.vocab.IsText(t) {
			next = run(sp.cache, e.prog, id, e.vocab.Bytes(t))
		}
		next = sp.cache.NextToken(id, t, next, e.vocab.IsEOG(t))
	}
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

// Mask returns the set of tokens allowed at p, end-of-generation tokens included where
// the text may end. The set is shared and must not be changed.
//
// left is the number of tokens that may still be generated, the next one included, or
// negative for any number. Where it runs low only such tokens are allowed after which the
// text can still be completed within it, spelling one byte per token in the worst case;
// where that is no longer possible the whole set is returned, and fits is false.
func (e *Engine) Mask(p Pos, left int, s *jsonscan.Scanner) (m vocab.Mask, fits bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sp, id := e.enter(p)
	ent := sp.masks[id]
	if ent == nil {
		ent = e.compute(sp, id, true)
	} else {
		e.stats.Hits++
	}
	fits = left < 0 || int64(sp.cache.Dist(id)) <= int64(left)
	whole := !fits || left < 0 || int64(left)-1 >= int64(ent.farthest)
	switch {
	case whole && s == nil:
		return ent.mask, fits
	case whole:
		return e.correct(sp, id, ent, ent.mask, s, noLimit), fits
	case s == nil:
		return e.trim(sp, id, int32(left-1)), true
	}
	return e.trimText(sp, id, ent, int32(left-1), s)
}

// compute makes the mask of a configuration, by the cheapest way that applies. patching
// another mask is one of them where patch is set.
func (e *Engine) compute(sp *space, id int32, patch bool) *entry {
	ent := &entry{mask: vocab.NewMask(e.vocab.Width())}
	if !e.fillRuns(sp, id, ent, noLimit) && !(patch && e.patch(sp, id, ent)) {
		ent.farthest = e.fill(sp.cache, id, ent.mask, noLimit)
	}
	sp.masks[id] = ent
	sp.bytes += 4*len(ent.mask) + 64
	return ent
}

// fillRuns applies to configurations at the boundary of a run of units: see island. With a
// limit it gives up where a walk must tell which tokens of the run are within it.
func (e *Engine) fillRuns(sp *space, id int32, ent *entry, limit int32) bool {
	var rest int32
	e.runs, rest = sp.cache.Runs(e.runs[:0], id, func(u *automaton.Unit) bool { return e.islandOf(u) != nil })
	if len(e.runs) == 0 {
		return false
	}
	for _, r := range e.runs {
		if limit < r.Unit.Longest+r.Dist && (limit >= r.Dist || r.Least > 1) {
			return false
		}
	}
	for _, r := range e.runs {
		ent.farthest = max(ent.farthest, e.fillRun(sp.cache, r, e.islandOf(r.Unit), ent.mask, limit))
	}
	if rest != automaton.Dead {
		ent.farthest = max(ent.farthest, e.fill(sp.cache, rest, ent.mask, limit))
	}
	return true
}

// trim returns the tokens after which at most limit bytes remain.
func (e *Engine) trim(sp *space, id, limit int32) vocab.Mask {
	ent := &entry{mask: vocab.NewMask(e.vocab.Width())}
	if !e.fillRuns(sp, id, ent, limit) {
		e.fill(sp.cache, id, ent.mask, limit)
	}
	return ent.mask
}
