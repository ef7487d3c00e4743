package gbnf

import (
	"fmt"
	"sync"
	"unicode/utf8"
)

// Machine is a set of numbered states, each with an expression that may go on in other
// states: rules that are made when a text first reaches them. An automaton of thousands of
// states costs a grammar one node, and grammars share it. What the methods return never
// changes; they are safe for concurrent use.
type Machine interface {
	// Name names the rules that Expand makes of the states.
	Name() string
	// Expr returns what a state matches. It holds no Ref, no Token and no Members, and
	// State nodes of its own machine only behind at least one byte.
	Expr(state int32) Expr
	// Shortest returns a number of bytes in which some text of a state ends, 0 if and only
	// if the empty text is one. From each state that is not empty, one byte leads to where
	// the number is less by one: whoever has as many bytes left can come to an end.
	Shortest(state int32) int
	// Height bounds the calls that a state makes within each other before any byte:
	// see Corner.
	Height() int
	// Parts returns expressions whose bytes are those of the expressions of all states.
	Parts() []Expr
	// Notes is where an engine keeps what it works out about the machine.
	Notes() *Notes
}

// Counter is a Machine whose states count something that has bounds.
type Counter interface {
	Machine
	// Coarse returns a state from which texts of up to reach bytes fare as from the given
	// one, which is the same for all states that are that far from their bounds and alike
	// otherwise. Its texts are no shorter: see Shortest.
	Coarse(state, reach int32) int32
}

// Notes is a value that is made once. The zero Notes is ready to use.
type Notes struct {
	once  sync.Once
	value any
}

// Do returns the value, which the first caller makes.
func (n *Notes) Do(build func() any) any {
	n.once.Do(func() { n.value = build() })
	return n.value
}

// State matches what a state of a machine matches, as Ref does a rule.
type State struct {
	Of Machine
	N  int32
}

func (*State) expr() {}

// Expr returns what the state matches.
func (s *State) Expr() Expr { return s.Of.Expr(s.N) }

// Fixed returns a machine's state that matches e, which holds no Ref, Token or Members: a
// rule that grammars share.
func Fixed(name string, e Expr) *State { return newFixed(name, e, false) }

// Called is Fixed for what an engine should call, and not write in place: it stands before
// very many states.
func Called(name string, e Expr) *State { return newFixed(name, e, true) }

func newFixed(name string, e Expr, called bool) *State {
	height, _ := Corner(e)
	m := &fixed{name: name, e: e, called: called, shortest: Shortest(e), height: height}
	m.state = State{Of: m}
	return &m.state
}

// InPlace returns what the state matches where an engine may write that in place: for the
// state of Fixed. For others it returns nil, and makes no expression.
func (s *State) InPlace() Expr {
	if m, ok := s.Of.(*fixed); ok && !m.called {
		return m.e
	}
	return nil
}

// fixed is a machine of one state.
type fixed struct {
	name     string
	e        Expr
	called   bool
	shortest int
	height   int
	state    State
	notes    Notes
}

func (m *fixed) Name() string       { return m.name }
func (m *fixed) Expr(int32) Expr    { return m.e }
func (m *fixed) Shortest(int32) int { return m.shortest }
func (m *fixed) Height() int        { return m.height }
func (m *fixed) Parts() []Expr      { return []Expr{m.e} }
func (m *fixed) Notes() *Notes      { return &m.notes }

// NoText is the length of the shortest text where there is none.
const NoText = 1 << 30

// Shortest returns the fewest bytes of the texts of an expression without Ref and
// Members, NoText if it has none. A Token counts one.
func Shortest(e Expr) int {
	switch e := e.(type) {
	case *Literal:
		return len(e.Text)
	case *Class:
		return shortestCharacter(e)
	case *State:
		return e.Of.Shortest(e.N)
	case *Token:
		return 1
	case *Seq:
		sum := 0
		for _, it := range e.Items {
			sum = min(sum+Shortest(it), NoText)
		}
		return sum
	case *Alt:
		least := NoText
		for _, it := range e.Items {
			least = min(least, Shortest(it))
		}
		return least
	case *Repeat:
		if e.Min == 0 {
			return 0
		}
		return int(min(int64(Shortest(e.Item))*int64(e.Min), NoText))
	}
	return NoText
}

func shortestCharacter(c *Class) int {
	for _, block := range [...]Range{{0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xD7FF}, {0xE000, 0xFFFF}, {0x10000, utf8.MaxRune}} {
		in := covers(c.Ranges, block.Lo, block.Hi)
		if !c.Negated {
			in = true
			for _, r := range c.Ranges {
				if r.Lo <= block.Hi && block.Lo <= r.Hi {
					in = false
				}
			}
		}
		if !in {
			return utf8.RuneLen(block.Lo)
		}
	}
	return NoText
}

// Corner returns how many calls, of states or of repeated items, an expression without
// Ref and Members makes within each other before any byte, and whether it matches the
// empty text.
func Corner(e Expr) (height int, empty bool) {
	switch e := e.(type) {
	case *Literal:
		return 0, e.Text == ""
	case *State:
		return 1 + e.Of.Height(), e.Of.Shortest(e.N) == 0
	case *Seq:
		for _, it := range e.Items {
			h, some := Corner(it)
			if height = max(height, h); !some {
				return height, false
			}
		}
		return height, true
	case *Alt:
		for _, it := range e.Items {
			h, some := Corner(it)
			height, empty = max(height, h), empty || some
		}
		return height, empty
	case *Repeat:
		if e.Max == 0 {
			return 0, true
		}
		h, some := Corner(e.Item)
		return h + 1, some || e.Min == 0
	}
	return 0, false
}

// maxExpanded bounds the states that Expand writes out.
const maxExpanded = 1 << 17

// Expand returns a grammar of the same language without State nodes: a state becomes a
// rule, or stands in place where it is used once. Rules keep their numbers; those of states
// are appended. If there are no states, g itself is returned. A *LimitError says that they
// are too many.
func Expand(g *Grammar) (*Grammar, error) {
	x := &expander{uses: make(map[State]int), ids: make(map[State]RuleID)}
	for i := range g.Rules {
		x.count(g.Rules[i].Expr)
	}
	for i := 0; i < len(x.order); i++ {
		if len(x.order) > maxExpanded {
			return nil, &LimitError{Name: "states of automata", Limit: maxExpanded, Got: len(x.order)}
		}
		x.count(x.order[i].Expr())
	}
	if len(x.order) == 0 {
		return g, nil
	}
	x.rewriter = newRewriter(g)
	for i := range g.Rules {
		if g.Rules[i].Expr != nil {
			x.rewriter.rules[i].Expr = x.expr(g.Rules[i].Expr, 0)
		}
	}
	for i := 0; i < len(x.queue); i++ {
		s := x.queue[i]
		x.rewriter.rules[x.ids[s]].Expr = x.expr(s.Expr(), 0)
	}
	return x.rewriter.grammar(), nil
}

type expander struct {
	*rewriter
	uses  map[State]int
	order []State // all states
	ids   map[State]RuleID
	queue []State // those that become rules
}

func (x *expander) count(e Expr) {
	if s, ok := e.(*State); ok {
		if x.uses[*s]++; x.uses[*s] == 1 {
			x.order = append(x.order, *s)
		}
		return
	}
	children(e, func(c Expr) bool {
		x.count(c)
		return true
	})
}

// maxInline bounds how deep states stand within each other in one rule.
const maxInline = 64

func (x *expander) expr(e Expr, depth int) Expr {
	return mapExpr(e, func(_, e Expr) Expr {
		s, ok := e.(*State)
		if !ok {
			return e
		}
		if _, one := s.Of.(*fixed); x.uses[*s] == 1 && !one && depth < maxInline {
			return x.expr(s.Expr(), depth+1)
		}
		id, ok := x.ids[*s]
		if !ok {
			name := s.Of.Name()
			if _, one := s.Of.(*fixed); !one {
				name = fmt.Sprintf("%s-s%d", name, s.N)
			}
			id = x.add(name, nil)
			x.ids[*s] = id
			x.queue = append(x.queue, *s)
		}
		return &Ref{Rule: id}
	})
}
