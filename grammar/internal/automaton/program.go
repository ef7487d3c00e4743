package automaton

// Program is a compiled grammar: immutable and shared by any number of caches.
type Program struct {
	states  []state
	cores   []core
	sites   []site
	repeats []repeat
	members []members

	root         int32 // start state of the root rule
	rootNullable bool  // the empty text is in the language
	rootDist     int32 // bytes of the shortest text

	class    [256]uint8 // byte -> byte class
	classRep []byte     // byte class -> one byte of it

	// starts lists the states where a call may begin, so ordered that a call made before
	// any byte leads to a later one. state.rank is the index in it, or -1.
	starts []int32
	bytes  [256]bool // bytes that occur in some text of the language

	units  []*Unit
	unitAt map[int32]int32 // the core that takes a unit's first byte -> index of units
}

// state is a place in a rule with its empty moves already followed: what can happen to
// the next byte or token, which calls begin here, and whether the rule may end here.
type state struct {
	edges  []edge
	tokens []tokenEdge
	calls  []int32 // sites
	end    bool
	core   int32 // what is left once the calls are made, -1 if it takes no byte or token
	dist   int32 // least bytes from here to the end of the rule
	rank   int32 // position among the starts, -1 if no call begins here
}

// core is what a state does with the next byte or token. Calls are made before the byte
// comes, so that states which differ in their calls only are one core: configurations are
// made of cores.
type core struct {
	edges  []edge
	tokens []tokenEdge
	dist   int32 // least bytes by these edges
}

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
	siteRule   siteKind = iota // a rule is called; afterwards go on at ret
	siteRepeat                 // one more item of a counted repetition; aux = items completed before
	siteMember                 // a member; aux = members seen, this one included
	siteSep                    // the separator after a member; aux as before it
)

// site is a place a call returns to. Together with aux (a counter or a member set) and
// the nodes below it makes a stack node.
type site struct {
	kind  siteKind
	tail  bool  // ret only ends its rule: no node needed
	ret   int32 // the state after the call
	start int32 // first state of the callee (siteRule, siteRepeat, siteSep)
	index int32 // of repeats or members
}

// repeat is a counted repetition of a body that matches at least one byte.
type repeat struct {
	min, max int32 // max < 0: no bound
	body     int32 // start state
	dist     int32 // least bytes of one item
	kept     bool  // some state calls it
	unit     int32 // index of units, -1 if the body is none
}

// members is a member list; see gbnf.Members.
type members struct {
	items    []member
	ordered  bool
	min, max int32 // number of members; max 0: no bound
	sep      int32
	sepDist  int32
	site     int32 // siteMember; site+1 is the siteSep
	required int   // number of required items
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

// States returns the number of states, a measure of the grammar's size.
func (p *Program) States() int { return len(p.states) }

// Classes returns the number of byte classes.
func (p *Program) Classes() int { return len(p.classRep) }

// Class returns the byte class of b.
func (p *Program) Class(b byte) uint8 { return p.class[b] }

// MinBytes returns the length of the shortest text of the language.
func (p *Program) MinBytes() int { return int(p.rootDist) }

// Uses reports whether byte b occurs in some text of the language.
func (p *Program) Uses(b byte) bool { return p.bytes[b] }

// ClassRange returns the bytes of a class, which is a range.
func (p *Program) ClassRange(class uint8) (lo, hi byte) {
	lo, hi = p.classRep[class], 255
	if int(class)+1 < len(p.classRep) {
		hi = p.classRep[class+1] - 1
	}
	return lo, hi
}
