package automaton

import (
	"fmt"

	"github.com/callama/callama/grammar/gbnf"
)

// facts is what is known of the rules before any state is made: the length of their
// shortest text, how deep calls nest before the first byte, and which bytes and how many
// states they may take. Each is found in one walk over the rules that the root reaches.
type facts struct {
	rules []gbnf.Rule
	order []int32 // the rules that the root reaches, callees before callers but for cycles
	mark  []progress
	// dist is the least number of bytes of a rule's texts (a token counts one): 0 if it
	// may be empty, infinite if it has none.
	dist []int32
	// height bounds the calls that a call of the rule makes before any byte; see
	// callee.height.
	height []int32
	plain  []plainness // of rules; nil until asked for
	// distinct tells that there are values that must differ; closed, that some may run out.
	distinct, closed bool
	at               int32   // the rule whose distance is being computed
	early            []int32 // rules that asked for a distance which was being computed
	left             int32   // a left-recursive rule, -1 if there is none
}

// progress of a depth-first search in a rule.
type progress uint8

const (
	unseen progress = iota
	open
	done
)

// newFacts finds distances, then heights.
func newFacts(rules []gbnf.Rule, root gbnf.RuleID) *facts {
	numbers := make([]int32, 3*len(rules))
	n := len(rules)
	f := &facts{rules: rules, mark: make([]progress, n), left: -1,
		dist: numbers[:n:n], height: numbers[n : 2*n : 2*n], order: numbers[2*n:][:0]}
	for i := range f.dist {
		f.dist[i] = infinite
	}
	f.reach(int32(root))
	f.relax()
	clear(f.mark)
	for _, r := range f.order {
		f.climb(r)
	}
	return f
}

// reach computes the distance of a rule after those of the rules it refers to.
func (f *facts) reach(r int32) int32 {
	switch f.mark[r] {
	case unseen:
		f.mark[r] = open
		user := f.at
		f.at = r
		f.dist[r] = f.distance(f.rules[r].Expr)
		f.at = user
		f.mark[r] = done
		f.order = append(f.order, r)
	case open:
		f.early = append(f.early, f.at)
	}
	return f.dist[r]
}

// relax computes the distances of recursive rules as the least fixed point, looking again at a rule that
// asked too early, and whenever one that it refers to got shorter. Mostly none does: what a schema says of
// itself may be left out. Rules are looked at in their order, so that one that refers to many is looked
// at behind them.
func (f *facts) relax() {
	if len(f.early) == 0 {
		return
	}
	again := make([]bool, len(f.rules))
	for _, r := range f.early {
		again[r] = true
	}
	var users [][]int32
	for left := true; left; {
		left = false
		for _, r := range f.order {
			if !again[r] {
				continue
			}
			again[r] = false
			d := f.distance(f.rules[r].Expr)
			if d >= f.dist[r] {
				continue
			}
			f.dist[r] = d
			if users == nil {
				users = f.users()
			}
			for _, u := range users[r] {
				again[u], left = true, true
			}
		}
	}
}

// users returns the rules that refer to each rule.
func (f *facts) users() [][]int32 {
	users := make([][]int32, len(f.rules))
	for _, r := range f.order {
		eachRef(f.rules[r].Expr, func(of gbnf.RuleID) { users[of] = append(users[of], r) })
	}
	return users
}

func eachRef(e gbnf.Expr, visit func(gbnf.RuleID)) {
	switch e := e.(type) {
	case *gbnf.Ref:
		visit(e.Rule)
	case *gbnf.Seq:
		for _, it := range e.Items {
			eachRef(it, visit)
		}
	case *gbnf.Alt:
		for _, it := range e.Items {
			eachRef(it, visit)
		}
	case *gbnf.Repeat:
		eachRef(e.Item, visit)
	case *gbnf.Members:
		for i := range e.Items {
			eachRef(e.Items[i].Expr, visit)
		}
		eachRef(e.Sep, visit)
	case *gbnf.Distinct:
		eachRef(e.Item, visit)
	case *gbnf.Document:
		eachRef(e.Item, visit)
	}
}

// distance returns the least bytes of e's texts.
func (f *facts) distance(e gbnf.Expr) int32 {
	switch e := e.(type) {
	case *gbnf.Literal:
		return int32(min(len(e.Text), int(farthest)))
	case *gbnf.Class:
		return classDistance(e)
	case *gbnf.Ref:
		return f.reach(int32(e.Rule))
	case *gbnf.State:
		return int32(min(e.Of.Shortest(e.N), int(infinite)))
	case *gbnf.Token:
		return 1
	case *gbnf.Seq:
		sum := int32(0)
		for _, it := range e.Items {
			sum = plus(sum, f.distance(it)) // to the last, as it finds the rules reached
		}
		return sum
	case *gbnf.Alt:
		least := infinite
		for _, it := range e.Items {
			least = min(least, f.distance(it))
		}
		return least
	case *gbnf.Repeat:
		d := f.distance(e.Item)
		return times(int32(min(e.Min, int(farthest))), d)
	case *gbnf.Members:
		return f.membersDistance(e)
	case *gbnf.Distinct:
		return f.distance(e.Item)
	case *gbnf.Document:
		return f.distance(e.Item)
	}
	return infinite
}

func (f *facts) membersDistance(e *gbnf.Members) int32 {
	if e.Min > 0 || e.Max > 0 {
		m := membersOf(e)
		for i := range e.Items {
			m.items[i].dist = f.distance(e.Items[i].Expr)
		}
		m.sepDist = f.distance(e.Sep)
		if m.required == 0 && m.min == 0 {
			return 0
		}
		return m.first()
	}
	sum, required := int32(0), int32(0)
	for i := range e.Items {
		d := f.distance(e.Items[i].Expr)
		if e.Items[i].Required {
			sum = plus(sum, d)
			required++
		}
	}
	sep := f.distance(e.Sep)
	return plus(sum, times(required-1, sep))
}

// classDistance returns the bytes of the shortest character, infinite if there is none.
func classDistance(c *gbnf.Class) int32 {
	if ascii, ok := asciiOf(c); ok {
		switch {
		case ascii != asciiSet{}:
			return 1
		case c.Negated:
			return 2
		}
		return infinite
	}
	points := codePoints(c)
	if len(points) == 0 {
		return infinite
	}
	return int32(utf8Len(points[0].Lo))
}

// climb computes the height of a rule, depth first; a rule met again on the way down is
// left-recursive.
func (f *facts) climb(r int32) int32 {
	switch f.mark[r] {
	case unseen:
		f.mark[r] = open
		h, _ := f.corner(f.rules[r].Expr)
		f.height[r] = h
		f.mark[r] = done
	case open:
		f.left = r
	}
	return f.height[r]
}

// corner returns the height of e, the most calls nested in one another that e makes
// before any byte, and whether e may be empty.
func (f *facts) corner(e gbnf.Expr) (height int32, empty bool) {
	switch e := e.(type) {
	case *gbnf.Literal:
		return 0, e.Text == ""
	case *gbnf.Ref:
		return 1 + f.climb(int32(e.Rule)), f.dist[e.Rule] == 0
	case *gbnf.State:
		return 1 + int32(e.Of.Height()), e.Of.Shortest(e.N) == 0
	case *gbnf.Seq:
		for _, it := range e.Items {
			h, some := f.corner(it)
			if height = max(height, h); !some {
				return height, false
			}
		}
		return height, true
	case *gbnf.Alt:
		for _, it := range e.Items {
			h, some := f.corner(it)
			height, empty = max(height, h), empty || some
		}
		return height, empty
	case *gbnf.Repeat:
		if e.Max == 0 {
			return 0, true
		}
		h, some := f.corner(e.Item)
		return h + 1, some || e.Min == 0
	case *gbnf.Members:
		required := false
		for i := range e.Items {
			h, _ := f.corner(e.Items[i].Expr)
			height, required = max(height, h), required || e.Items[i].Required
		}
		return height + 1, !required && e.Min == 0
	case *gbnf.Distinct:
		height, empty = f.corner(e.Item)
		return height + 1, empty
	case *gbnf.Document:
		height, empty = f.corner(e.Item)
		return height + 1, empty
	}
	return 0, false
}

// leftRecursion names a left-recursive rule, if there is one.
func (f *facts) leftRecursion() error {
	if f.left < 0 {
		return nil
	}
	return fmt.Errorf("rule %s: %w", f.rules[f.left].Name, ErrLeftRecursive)
}
