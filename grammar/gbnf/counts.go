package gbnf

import "fmt"

// llamaRepeats is llama.cpp's MAX_REPETITION_THRESHOLD: its parser refuses a repetition
// whose count, times the rules that it makes of the repeated item, reaches this number,
// and silently takes a larger upper bound for none at all.
const llamaRepeats = 2000

// splitCounts rewrites repetitions that reach limit into nested ones below it, with rules
// for blocks of limit/2 items.
func (r *rewriter) splitCounts(limit int) {
	for id := range len(r.rules) { // rules added on the way are within the limit
		base := r.rules[id].Name
		r.rules[id].Expr = mapExpr(r.rules[id].Expr, func(_, e Expr) Expr {
			rep, ok := e.(*Repeat)
			if !ok {
				return e
			}
			count := rep.Max
			if count < 0 {
				count = rep.Min
			}
			item := rep.Item
			made := itemCost(item)
			if count == 0 || count < limit && made*count < limit {
				return e
			}
			if made > 1 {
				item = &Ref{Rule: r.add(base+"-item", item)}
			}
			if count < limit {
				return &Repeat{Item: item, Min: rep.Min, Max: rep.Max}
			}
			s := splitter{rewriter: r, base: base, limit: limit}
			more := Expr(&Repeat{Item: item, Min: 0, Max: -1})
			if rep.Max >= 0 {
				more = s.upTo(item, rep.Max-rep.Min)
			}
			return sequence(s.exactly(item, rep.Min), more)
		})
	}
}

// itemCost is a bound on the rules that llama.cpp makes of a repeated item: one for a
// terminal or name, and for a group one more than for what is inside.
func itemCost(item Expr) int {
	switch item.(type) {
	case *Seq, *Alt, *Repeat:
		return 1 + groupCost(item)
	}
	return 1
}

// groupCost bounds the names that llama.cpp meets or makes inside of e.
func groupCost(e Expr) int {
	cost := 0
	switch e := e.(type) {
	case *Ref:
		cost = 1
	case *Alt:
		cost = 1
	case *Repeat:
		cost = 2
		if e.Max > 0 {
			cost += e.Max - e.Min
		}
	}
	children(e, func(c Expr) bool {
		cost = min(cost+groupCost(c), llamaRepeats) // more makes no difference
		return true
	})
	return cost
}

// splitter writes counts of an item that is a terminal or a name.
type splitter struct {
	*rewriter
	base  string
	limit int
}

// block returns a reference to a new rule for a block of items.
func (s *splitter) block(item Expr) (Expr, int) {
	n := s.limit / 2
	return &Ref{Rule: s.add(fmt.Sprintf("%s-x%d", s.base, n), &Repeat{Item: item, Min: n, Max: n})}, n
}

// exactly repeats item count times: blocks, and the remainder.
func (s *splitter) exactly(item Expr, count int) Expr {
	if count < s.limit {
		return repeat(item, count, count)
	}
	block, n := s.block(item)
	return sequence(s.exactly(block, count/n), repeat(item, count%n, count%n))
}

// upTo repeats item 0 to count times. With blocks of n, count+1 = q·n + rest: the counts
// below q·n are fewer than q blocks and fewer than n items; those from there on are q
// blocks and fewer than rest items. No count can be read in two ways.
func (s *splitter) upTo(item Expr, count int) Expr {
	if count < s.limit {
		return repeat(item, 0, count)
	}
	block, n := s.block(item)
	q, rest := (count+1)/n, (count+1)%n
	below := sequence(s.upTo(block, q-1), repeat(item, 0, n-1))
	if rest == 0 {
		return below
	}
	return choice(below, sequence(s.exactly(block, q), repeat(item, 0, rest-1)))
}
