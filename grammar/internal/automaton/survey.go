package automaton

import (
	"fmt"

	"github.com/callama/callama/grammar/gbnf"
)

// survey looks through the rules for what must be known of all of them before the first
// step: the bytes that edges tell apart and how many states there may be. It refuses what
// the builder could not build.
type survey struct {
	*facts
	lookup func(name string) (int32, bool)
	byteUse
	classes map[*gbnf.Class]struct{}
	of      map[gbnf.Machine]struct{}
	size    int  // bound on the states
	rewrite bool // some repetition must be normalised
	live    bool // skip what cannot be completed; costs more
}

// byteUse is what edges do with bytes.
type byteUse struct {
	cut   [5]uint64 // an edge begins here, or ended just before
	taken [4]uint64 // some edge takes the byte
	// single are bytes that some edge takes alone, those of literals; see settle.
	single [4]uint64
	above  bool // some class has all characters above ASCII
}

func (u *byteUse) bytes(lo, hi byte) {
	u.cut[lo/64] |= 1 << (lo % 64)
	end := int(hi) + 1
	u.cut[end/64] |= 1 << (end % 64)
	for w := lo / 64; ; w++ {
		from, to := max(int(lo)-64*int(w), 0), min(int(hi)-64*int(w), 63)
		u.taken[w] |= (^uint64(0) >> (63 - uint(to-from))) << uint(from)
		if w == hi/64 {
			break
		}
	}
}

// settle notes the single bytes as edges. They are many, and few are different.
func (u *byteUse) settle() {
	for b := range 256 {
		if u.single[b/64]&(1<<(b%64)) != 0 {
			u.bytes(byte(b), byte(b))
		}
	}
}

func (u *byteUse) add(v *byteUse) {
	for i := range v.cut {
		u.cut[i] |= v.cut[i]
	}
	for i := range v.taken {
		u.taken[i] |= v.taken[i]
	}
	u.above = u.above || v.above
}

func (u *byteUse) takes(b int) bool { return u.taken[b/64]&(1<<(b%64)) != 0 }

// machineUse is what is noted of a machine.
type machineUse struct {
	byteUse
	err error
}

// run surveys all rules that the root reaches.
func (s *survey) run() error {
	for _, r := range s.order {
		if s.dist[r] >= infinite {
			continue
		}
		s.size++
		if err := s.expr(s.rules[r].Expr, 1); err != nil {
			return fmt.Errorf("rule %s: %w", s.rules[r].Name, err)
		}
	}
	if s.above {
		for _, seq := range allAbove() {
			s.sequence(seq)
		}
	}
	s.settle()
	return nil
}

// expr surveys e, of which the builder may make copies.
func (s *survey) expr(e gbnf.Expr, copies int) error {
	s.size += copies
	if s.live && s.distance(e) >= infinite {
		return nil
	}
	switch e := e.(type) {
	case *gbnf.Literal:
		s.size += copies * len(e.Text)
		for i := range len(e.Text) {
			s.single[e.Text[i]/64] |= 1 << (e.Text[i] % 64)
		}
	case *gbnf.Class:
		s.class(e)
	case *gbnf.Ref:
	case *gbnf.State:
		return s.machine(e.Of)
	case *gbnf.Token:
		if e.Name != "" {
			if _, ok := s.lookup(e.Name); !ok {
				return fmt.Errorf("the vocabulary has no token %s", e.Name)
			}
		}
	case *gbnf.Seq:
		return s.exprs(e.Items, copies)
	case *gbnf.Alt:
		return s.exprs(e.Items, copies)
	case *gbnf.Repeat:
		return s.repeat(e, copies)
	case *gbnf.Members:
		return s.members(e, copies)
	case *gbnf.Distinct:
		return s.distinctValue(e, copies)
	case *gbnf.Document:
		return s.expr(e.Item, copies)
	default:
		return fmt.Errorf("unknown expression %T", e)
	}
	return nil
}

// machine surveys all states of a machine, from what is noted of it.
func (s *survey) machine(m gbnf.Machine) error {
	if _, seen := s.of[m]; seen {
		return nil
	}
	if s.of == nil {
		s.of = map[gbnf.Machine]struct{}{}
	}
	s.of[m] = struct{}{}
	use, _ := m.Notes().Do(func() any { return surveyMachine(m) }).(*machineUse)
	s.add(&use.byteUse)
	return use.err
}

// surveyMachine surveys a machine alone, as part of no grammar.
func surveyMachine(m gbnf.Machine) *machineUse {
	s := survey{facts: &facts{}, lookup: func(string) (int32, bool) { return 0, false }}
	use := &machineUse{}
	for _, e := range m.Parts() {
		if use.err = s.expr(e, 1); use.err != nil {
			break
		}
	}
	s.settle()
	use.byteUse = s.byteUse
	return use
}

func (s *survey) exprs(items []gbnf.Expr, copies int) error {
	for _, it := range items {
		if err := s.expr(it, copies); err != nil {
			return err
		}
	}
	return nil
}

func (s *survey) repeat(e *gbnf.Repeat, copies int) error {
	if e.Min < 0 || e.Max >= 0 && e.Max < e.Min {
		return fmt.Errorf("repetition {%d,%d} has no count", e.Min, e.Max)
	}
	if e.Max == 0 {
		return nil
	}
	if e.Max != 1 {
		_, empty := s.corner(e.Item)
		s.rewrite = s.rewrite || empty
	}
	if e.Max > 1 && e.Max <= unrolled(e.Item) {
		copies *= e.Max
	}
	return s.expr(e.Item, copies)
}

func (s *survey) members(e *gbnf.Members, copies int) error {
	for i := range e.Items {
		if _, empty := s.corner(e.Items[i].Expr); empty {
			return fmt.Errorf("member %d may be empty", i+1)
		}
		s.size += copies
		if err := s.expr(e.Items[i].Expr, copies); err != nil {
			return err
		}
	}
	if _, empty := s.corner(e.Sep); empty {
		return fmt.Errorf("the separator of members may be empty")
	}
	return s.expr(e.Sep, copies)
}

func (s *survey) sequence(seq []byteRange) {
	for _, r := range seq {
		s.bytes(r.lo, r.hi)
	}
}

func (s *survey) class(c *gbnf.Class) {
	if ascii, ok := asciiOf(c); ok {
		ascii.runs(s.bytes)
		s.above = s.above || c.Negated
		return
	}
	if _, seen := s.classes[c]; seen {
		return
	}
	if s.classes == nil {
		s.classes = map[*gbnf.Class]struct{}{}
	}
	s.classes[c] = struct{}{}
	var seqs [][]byteRange
	for _, r := range codePoints(c) {
		seqs = appendSequences(seqs[:0], r.Lo, r.Hi)
		for _, seq := range seqs {
			s.sequence(seq)
		}
	}
}

// classesOf makes the byte classes: maximal runs of bytes that no edge tells apart.
func (p *Program) classesOf(s *survey) {
	for b := range 256 {
		if b == 0 || s.cut[b/64]&(1<<(b%64)) != 0 {
			p.classRep = append(p.classRep, byte(b))
		}
		p.class[b] = uint8(len(p.classRep) - 1)
		p.bytes[b] = s.takes(b)
	}
}

// Missing returns a byte that texts of the language contain and spells does not hold for.
// Bytes in parts of rules that no text can pass do not count.
func (p *Program) Missing(spells func(byte) bool) (b byte, found bool) {
	for b := range 256 {
		if p.bytes[b] && !spells(byte(b)) {
			found = true
		}
	}
	if !found {
		return 0, false
	}
	exact := survey{facts: p.facts, lookup: p.lookup, live: true}
	if err := exact.run(); err != nil { // was fine before
		return 0, false
	}
	for b := range 256 {
		if exact.takes(b) && !spells(byte(b)) {
			return byte(b), true
		}
	}
	return 0, false
}
