package bench

import (
	"time"

	"github.com/callama/callama/grammar/vocab"
)

// Calibration tells how fast the machine is at what masks are made of, so that times from
// different machines can be compared.
type Calibration struct {
	// Walk is the time for one node of the vocabulary's trie, in nanoseconds, when an
	// automaton that never refuses walks all of them and sets a bit for each token.
	Walk  float64 `json:"walk_ns_per_node"`
	Nodes int     `json:"nodes"`
	// Clock is what it costs to read the clock twice, in nanoseconds: it is part of every
	// time between masks.
	Clock float64 `json:"clock_ns"`
	// Copy is the time to copy one mask, in nanoseconds.
	Copy float64 `json:"copy_ns"`
}

// calibrationRuns is how often each figure is taken; the best counts, as interruptions
// only ever add.
const calibrationRuns = 15

// Calibrate measures the machine; it takes some 20 ms.
func Calibrate(v *vocab.Vocab) Calibration {
	c := Calibration{Nodes: len(v.Trie().Nodes)}
	m, from := vocab.NewMask(v.Width()), vocab.NewMask(v.Width())
	var auto alive
	for b := range auto.class {
		auto.class[b] = uint8(b % aliveClasses)
	}
	for i := range auto.next {
		auto.next[i] = int32(i%aliveStates) + 1
	}
	c.Walk = best(func() int { auto.walk(v.Trie().Nodes, m); return c.Nodes })
	c.Clock = best(func() int {
		const n = 10_000
		for range n {
			time.Since(time.Now())
		}
		return n
	})
	c.Copy = best(func() int {
		const n = 1_000
		for range n {
			copy(m, from)
		}
		return n
	})
	return c
}

// best returns the shortest time for one of the n things that f does, in nanoseconds.
func best(f func() (n int)) float64 {
	var least float64
	for i := range calibrationRuns {
		start := time.Now()
		n := f()
		if x := float64(time.Since(start)) / float64(n); i == 0 || x < least {
			least = x
		}
	}
	return least
}

const (
	aliveStates  = 4
	aliveClasses = 16
)

// alive is an automaton without dead ends, as a table of states and byte classes.
type alive struct {
	class [256]uint8
	next  [(aliveStates + 1) * aliveClasses]int32 // 0 would be the dead state
	stack [vocab.MaxDepth + 1]int32
}

// walk visits every node: one step of the automaton, one bit for a token.
func (a *alive) walk(nodes []vocab.Node, m vocab.Mask) {
	a.stack[0] = 1
	for i := 1; i < len(nodes); {
		n := nodes[i]
		state := a.next[a.stack[n.Depth()-1]*aliveClasses+int32(a.class[n.Byte()])]
		if state == 0 {
			i = n.End()
			continue
		}
		a.stack[n.Depth()] = state
		if t := n.Token(); t >= 0 {
			m.Set(t)
		}
		i++
	}
}
