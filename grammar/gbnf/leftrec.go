package gbnf

// LeftRecursive returns the rules that can begin with themselves, directly or through
// other rules, before any text is read; rules that may be empty, optional items and
// repetitions are seen through. Such a rule sends a parser that predicts top down into an
// endless descent. The rules come in ascending order. Cost: linear in the grammar.
func LeftRecursive(g *Grammar) []RuleID {
	component := cycles(g, Nullable(g))
	var ids []RuleID
	for i, c := range component {
		if c >= 0 {
			ids = append(ids, RuleID(i))
		}
	}
	return ids
}

// leftCorners calls visit for every rule that e can begin with, before any text.
func leftCorners(e Expr, empty []bool, visit func(RuleID)) {
	switch e := e.(type) {
	case *Ref:
		visit(e.Rule)
	case *Seq:
		for _, item := range e.Items {
			leftCorners(item, empty, visit)
			if !nullable(item, empty) {
				return
			}
		}
	case *Alt:
		for _, item := range e.Items {
			leftCorners(item, empty, visit)
		}
	case *Repeat:
		if e.Max != 0 {
			leftCorners(e.Item, empty, visit)
		}
	case *Members:
		memberCorners(e, empty, visit)
	case *Distinct, *Document:
		item, _ := unwrap(e)
		leftCorners(item, empty, visit)
	}
}

// memberCorners visits what a list of members can begin with: any member that no
// required one must precede and, behind members that are empty text, the separator and
// the members that follow. (In the last case it may visit too much; it never visits too little.)
func memberCorners(m *Members, empty []bool, visit func(RuleID)) {
	emptyFirst := false
	for _, item := range m.Items {
		leftCorners(item.Expr, empty, visit)
		emptyFirst = emptyFirst || nullable(item.Expr, empty)
		if m.Ordered && item.Required && !emptyFirst {
			break
		}
	}
	if emptyFirst {
		leftCorners(m.Sep, empty, visit)
	}
}

// cycles numbers the strongly connected components of the left corner relation (Tarjan
// 1972, without recursion) and returns each rule's number, -1 for rules outside of any
// cycle.
func cycles(g *Grammar, empty []bool) []int {
	n := len(g.Rules)
	edges := make([][]RuleID, n)
	loops := make([]bool, n)
	for i := range g.Rules {
		leftCorners(g.Rules[i].Expr, empty, func(r RuleID) {
			edges[i] = append(edges[i], r)
			loops[i] = loops[i] || int(r) == i
		})
	}
	t := tarjan{edges: edges, index: make([]int, n), low: make([]int, n), onStack: make([]bool, n)}
	component := make([]int, n)
	for i := range component {
		component[i] = -1
	}
	count := 0
	for i := range n {
		if t.index[i] == 0 {
			t.visit(RuleID(i), func(members []RuleID) {
				if len(members) == 1 && !loops[members[0]] {
					return
				}
				for _, m := range members {
					component[m] = count
				}
				count++
			})
		}
	}
	return component
}

// tarjan is the state of the search; index counts from 1, 0 is unseen.
type tarjan struct {
	edges      [][]RuleID
	index, low []int
	onStack    []bool
	stack      []RuleID
	next       int
}

// visit searches from root and calls emit for each component, successors first.
func (t *tarjan) visit(root RuleID, emit func([]RuleID)) {
	type frame struct {
		rule RuleID
		edge int
	}
	enter := func(r RuleID) frame {
		t.next++
		t.index[r], t.low[r] = t.next, t.next
		t.stack = append(t.stack, r)
		t.onStack[r] = true
		return frame{rule: r}
	}
	calls := []frame{enter(root)}
	for len(calls) > 0 {
		top := &calls[len(calls)-1]
		r := top.rule
		if top.edge < len(t.edges[r]) {
			to := t.edges[r][top.edge]
			top.edge++
			if t.index[to] == 0 {
				calls = append(calls, enter(to))
			} else if t.onStack[to] {
				t.low[r] = min(t.low[r], t.index[to])
			}
			continue
		}
		calls = calls[:len(calls)-1]
		if len(calls) > 0 {
			caller := calls[len(calls)-1].rule
			t.low[caller] = min(t.low[caller], t.low[r])
		}
		if t.low[r] != t.index[r] {
			continue
		}
		at := len(t.stack) - 1
		for t.stack[at] != r {
			at--
		}
		members := append([]RuleID(nil), t.stack[at:]...)
		t.stack = t.stack[:at]
		for _, m := range members {
			t.onStack[m] = false
		}
		emit(members)
	}
}
