package automaton

import (
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/internal/slab"
)

// Program is a compiled grammar. States, sites and cores are made when a text first
// reaches them, so that its caches must not be used at the same time; what is known from
// the start (classes, MinBytes, Missing) may be read at any time.
type Program struct {
	builder
	flattener
	cores slab.List[core]

	root     int32 // start state of the root rule
	rootDist int32 // bytes of the shortest text

	class    [256]uint8 // byte -> byte class
	classRep []byte     // byte class -> one byte of it
	bytes    [256]bool  // bytes that occur in the rules

	units    []*Unit
	entries  []int32            // unit -> the core that takes its first byte
	unitOf   map[int32]int32    // such a core -> index of units, -1 for none
	setUnits map[asciiSet]*Unit // units of one ASCII character of a set
	looper   looper             // working memory
	loops    map[string]*Unit   // cores of a configuration -> the unit that leads back to them, or nil
	regions  map[string]local   // cores of a configuration -> the region they are in
}

// state is a place in a rule: what can happen to the next byte or token, which calls begin
// here, and whether the callee may end here. Once flat, its empty moves have been followed.
type state struct {
	eps    slab.Span // of lists: states reached by nothing
	edges  slab.Span
	tokens slab.Span
	calls  slab.Span // of lists: sites
	dist   int32     // least bytes from here to the end of the callee
	core   int32     // if flat: what is left once the calls are made, -1 if it takes no byte or token
	callee int32     // index of callees if calls lead here; -2 less the index of laters; else -1
	end    bool
	flat   bool
	plain  bool // the end of the callee can be reached without values that must differ
}

// callee is what can be called: a rule, the item of a repetition, a member, a separator.
type callee struct {
	expr  gbnf.Expr // nil once its states are built
	state int32     // its start state
	// height is more than that of any callee it calls before any byte. Calls made before
	// a byte are expanded from the greatest height down, so that all callers of a callee
	// are known when its turn comes.
	height int32
}

// core is what a state does with the next byte or token. Calls are made before the byte
// comes, so that states which differ in their calls only are one core: configurations are
// made of cores.
type core struct {
	edges  []edge    // at hand, as they are read most of all
	at     slab.Span // where they are: its states have the same ones
	tokens slab.Span
	dist   int32 // least bytes by these edges
	plain  bool  // some of them leads to a plain state
}

// edgesOf returns the edges of a core.
func (p *Program) edgesOf(k int32) []edge { return p.cores.At(k).edges }

// tokensOf returns the token edges of a core.
func (p *Program) tokensOf(k int32) []tokenEdge { return p.tokens.At(p.cores.At(k).tokens) }

// edge takes one byte in [lo, hi].
type edge struct {
	lo, hi byte
	to     int32
}

// tokenEdge takes one whole token: id, or any other when negated.
type tokenEdge struct {
	id      int32
	negated bool
	to      int32
}

type siteKind uint8

const (
	siteRule     siteKind = iota // a rule is called; afterwards go on at ret
	siteRepeat                   // one more item of a counted repetition; aux = items completed before
	siteMember                   // a member, the next site is its siteSep; aux = members seen, this one included
	siteSep                      // the separator after a member; aux as before it
	siteDistinct                 // a value that must differ from earlier ones
	siteDocument                 // the JSON text in which such values are
)

// site is a place a call returns to. Together with aux (a counter or a member set) and
// the nodes below it makes a stack node.
type site struct {
	kind  siteKind
	keep  bool  // a frame is made although the call is in last place: see inspection
	ret   int32 // the state after the call
	start int32 // first state of the callee (siteRule, siteRepeat, siteSep)
	index int32 // of repeats or members
}

// repeat is a counted repetition of a body that matches at least one byte.
type repeat struct {
	min, max int32 // max < 0: no bound
	body     int32 // start state
	dist     int32 // least bytes of one item
	unit     int32 // index of units, -1 if the body is none, unitUnknown if not looked for
}

// members is a member list; see gbnf.Members.
type members struct {
	items    []member
	ordered  bool
	min, max int32 // number of members; max 0: no bound
	sep      int32
	sepDist  int32
	required int // number of required items
}

type member struct {
	start            int32
	required, repeat bool
	dist             int32 // infinite: the member cannot be written and is never a candidate
}

// infinite is the distance from where there is no way to the end. Distances saturate
// below it: sums of two stay within int32.
const (
	infinite = int32(1) << 30
	farthest = infinite - 1
)

// plus adds distances, saturating.
func plus(a, b int32) int32 {
	if a >= infinite || b >= infinite {
		return infinite
	}
	return min(a+b, farthest)
}

// times multiplies a distance by a count, saturating.
func times(n, d int32) int32 {
	switch {
	case n <= 0:
		return 0
	case d >= infinite:
		return infinite
	}
	return int32(min(int64(n)*int64(d), int64(farthest)))
}

// Bytes estimates the memory of the states built so far. It does not shrink: a grammar whose texts
// need ever new states needs it as long as it is used.
func (p *Program) Bytes() int {
	// Sizes of the structs; what stands in an index too has twice 8 bytes there.
	const stateBytes, coreBytes, siteBytes, calleeBytes, edgeBytes, tokenBytes, laterBytes = 48 + 16, 48 + 16, 24, 24, 8, 12, 100
	return stateBytes*int(p.states.Len()) + coreBytes*int(p.cores.Len()) + siteBytes*len(p.sites) + calleeBytes*len(p.callees) +
		edgeBytes*p.builder.edges.Len() + tokenBytes*p.tokens.Len() + 4*p.lists.Len() + (12+16)*len(p.refs) + laterBytes*len(p.laters)
}

// Classes returns the number of byte classes.
func (p *Program) Classes() int { return len(p.classRep) }

// Class returns the byte class of b.
func (p *Program) Class(b byte) uint8 { return p.class[b] }

// MinBytes returns the length of the shortest text of the language.
func (p *Program) MinBytes() int { return int(p.rootDist) }

// ClassRange returns the bytes of a class, which is a range.
func (p *Program) ClassRange(class uint8) (lo, hi byte) {
	lo, hi = p.classRep[class], 255
	if int(class)+1 < len(p.classRep) {
		hi = p.classRep[class+1] - 1
	}
	return lo, hi
}
