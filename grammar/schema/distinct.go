package schema

import (
	"math/big"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/internal/ojson"
)

// valueSets are the arrays of distinct items (uniqueItems) of a conjunct: either lists of
// some values, or a few arrays that are written out.
type valueSets struct {
	items       []*ojson.Value // of any of which there are least to most (no bound if negative)
	least, most int
	whole       []*ojson.Value // all arrays, where items is nil
}

// Bounds of distinct items.
const (
	// maxDistinctValues bounds the values that items can take: the engine keeps a set.
	maxDistinctValues = 1024
	// maxDistinctArrays bounds the arrays that are written out.
	maxDistinctArrays = 1024
	// maxDistinctPairs bounds the items that are compared pair by pair.
	maxDistinctPairs = 8
)

func (v *valueSets) some() bool {
	if v.items == nil {
		return len(v.whole) > 0
	}
	return v.least <= len(v.items) && (v.most < 0 || v.least <= v.most)
}

// distinctValues works out the arrays of distinct items, if these can be listed; compare
// tells that they cannot and may be equal, so that the engine has to compare them.
func (c *Compiler) distinctValues(j *conjunct, a *arrayShape) (sets *valueSets, compare bool, err error) {
	if j.count.max == 0 || j.count.max == 1 {
		return nil, false, nil
	}
	prefix := make([][]*ojson.Value, len(a.prefix))
	finite := true
	for i, g := range a.prefix {
		values, ok, err := c.finiteValues(g)
		if err != nil {
			return nil, false, err
		}
		prefix[i], finite = values, finite && ok
	}
	rest, ok, err := c.finiteValues(a.rest)
	if err != nil {
		return nil, false, err
	}
	if ok && len(rest) == 0 && j.count.max < 0 {
		j = j.clone()
		j.ownArrays().count.max = len(prefix)
	}
	if ok && len(prefix) == 0 && len(j.contains) == 0 {
		return &valueSets{items: append([]*ojson.Value{}, rest...), least: j.count.min, most: j.count.max}, false, nil
	}
	if most := j.count.max; most >= 0 && most <= maxDistinctPairs {
		if apart, err := c.apart(j, most); apart || err != nil {
			return nil, false, err
		}
	}
	if finite && ok {
		if out, ok, err := c.listArrays(j, prefix, rest); ok || err != nil {
			return out, false, err
		}
	}
	return nil, true, nil
}

// undecided is the refusal of distinct items that might run out.
func (c *Compiler) undecided(j *conjunct) error {
	return c.refused(j.unique.fail(ErrUnsupported, "that many items are demanded, and it is not certain that there are as many different ones"))
}

// apart reports whether no two of the first n items can be equal.
func (c *Compiler) apart(j *conjunct, n int) (bool, error) {
	for i := range n {
		for k := range i {
			empty, err := c.provablyEmpty(append(j.itemTerms(i), j.itemTerms(k)...), disjointDepth)
			if err != nil || !empty {
				return false, nil // what is wrong with the schema shows where it stands
			}
		}
	}
	return true, nil
}

// listArrays lists the arrays of distinct items by their prefix and the values of others.
func (c *Compiler) listArrays(j *conjunct, prefix [][]*ojson.Value, rest []*ojson.Value) (*valueSets, bool, error) {
	out := &valueSets{}
	level := [][]*ojson.Value{{}}
	for n, total := 0, 0; len(level) > 0; n++ {
		if total += len(level); total > maxDistinctArrays {
			return nil, false, nil
		}
		var next [][]*ojson.Value
		for _, items := range level {
			v := &ojson.Value{Kind: ojson.Array, Items: items}
			ok, err := c.admits(j, v)
			if err != nil {
				return nil, false, err
			}
			if ok {
				out.whole = append(out.whole, v)
			}
			choices := rest
			if n < len(prefix) {
				choices = prefix[n]
			}
			if j.count.max >= 0 && n >= j.count.max {
				continue
			}
			for _, item := range choices {
				if more := append(items[:n:n], item); distinct(more) {
					next = append(next, more)
				}
				if len(next) > maxDistinctArrays {
					return nil, false, nil
				}
			}
		}
		level = next
	}
	return out, true, nil
}

// finiteValues returns the values of a goal if they are few. A goal that cannot be
// satisfied by types alone has none.
func (c *Compiler) finiteValues(g *goal) ([]*ojson.Value, bool, error) {
	if err := c.finished(g); err != nil {
		return nil, false, err
	}
	out := []*ojson.Value{}
	seen := make(map[string]bool)
	add := func(v *ojson.Value) {
		if key := equalityKey(v); !seen[key] {
			seen[key] = true
			out = append(out, v)
		}
	}
	for _, j := range g.alts {
		switch {
		case j.kinds == 0:
			continue
		case j.hasEnum:
			for _, v := range j.enum {
				add(v)
			}
			continue
		case j.kinds&^(kindNull|kindBool|kindInteger) != 0:
			return nil, false, nil
		}
		if j.kinds&kindNull != 0 {
			add(&ojson.Value{Kind: ojson.Null})
		}
		if j.kinds&kindBool != 0 {
			for _, b := range j.bools() {
				add(&ojson.Value{Kind: ojson.Bool, Bool: b})
			}
		}
		if j.kinds&kindInteger != 0 {
			lo, hi := integerBounds(j, c.lim.IntegerDigits)
			if n := new(big.Int).Sub(hi, lo); !n.IsInt64() || n.Int64() > maxDistinctValues {
				return nil, false, nil
			}
			for n := new(big.Int).Set(lo); n.Cmp(hi) <= 0; n.Add(n, big.NewInt(1)) {
				v := &ojson.Value{Kind: ojson.Number, Text: n.String()}
				if ok, err := c.admits(j, v); err != nil {
					return nil, false, err
				} else if ok {
					add(v)
				}
			}
		}
	}
	return out, len(out) <= maxDistinctValues, nil
}

// emitDistinct returns the expression of arrays of distinct items.
func (c *Compiler) emitDistinct(v *valueSets, comma gbnf.Expr) gbnf.Expr {
	if v.items == nil {
		alts := make([]gbnf.Expr, len(v.whole))
		for i, w := range v.whole {
			alts[i] = c.value(w)
		}
		return oneOf(alts)
	}
	if len(v.items) == 0 || v.most == 0 {
		return join(openSquare, c.space(), closeSquare)
	}
	m := &gbnf.Members{Sep: comma, Min: v.least, Max: max(0, v.most)}
	for _, item := range v.items {
		m.Items = append(m.Items, gbnf.Member{Expr: join(c.value(item), c.space())})
	}
	return join(openSquare, c.space(), m, closeSquare)
}
