package vocab

import "slices"

// Merge returns the nodes of the trie of what the tokens below some nodes of one byte have from that byte on. Its
// tokens are numbers, from 0, of the different endings; leaf is called with each token under its number, in their
// order, and with the index of its node in roots. Cost: the nodes below the roots.
func (t *Trie) Merge(roots []int32, leaf func(number, token int32, root int)) []Node {
	m := merging{from: t, leaf: leaf, nodes: []Node{{tokenByte: noToken << 8}}}
	level := make([]merged, len(roots))
	for i, node := range roots {
		level[i] = merged{node, int32(i)}
	}
	if len(roots) > 0 {
		m.add(level, 1)
	}
	m.nodes[0].endDepth = uint32(len(m.nodes)) << 8
	return slices.Clone(m.nodes) // append left a quarter free
}

// merged is a node, and the root that it is below.
type merged struct{ node, root int32 }

// merging is the work of Merge.
type merging struct {
	from    *Trie
	leaf    func(number, token int32, root int)
	nodes   []Node
	numbers int32
	free    [][]merged // working memory
	sorted  []merged
}

// add adds the node that nodes of one byte become, and what is below.
func (m *merging) add(level []merged, depth int) {
	nodes := m.from.Nodes
	at, number := len(m.nodes), uint32(noToken)
	for _, x := range level {
		if t := nodes[x.node].Token(); t >= 0 {
			number = uint32(m.numbers)
			m.leaf(m.numbers, t, int(x.root))
		}
	}
	if number != noToken {
		m.numbers++
	}
	m.nodes = append(m.nodes, Node{tokenByte: number<<8 | uint32(nodes[level[0].node].Byte())})
	below := m.take()
	for _, x := range level {
		end := nodes[x.node].End()
		for i := int(x.node) + 1; i < end; i = nodes[i].End() {
			below = append(below, merged{int32(i), x.root})
		}
	}
	m.sort(below)
	for from := 0; from < len(below); {
		to := from + 1
		for to < len(below) && nodes[below[to].node].Byte() == nodes[below[from].node].Byte() {
			to++
		}
		m.add(below[from:to], depth+1)
		from = to
	}
	m.free = append(m.free, below[:0])
	m.nodes[at].endDepth = uint32(len(m.nodes))<<8 | uint32(depth)
}

// take returns an empty list.
func (m *merging) take() []merged {
	if n := len(m.free); n > 0 {
		list := m.free[n-1]
		m.free = m.free[:n-1]
		return list
	}
	return nil
}

// fewMerged is the number of nodes up to which they are sorted by insertion.
const fewMerged = 32

// sort sorts nodes by their bytes, those with the same as they came.
func (m *merging) sort(list []merged) {
	nodes := m.from.Nodes
	if len(list) <= fewMerged {
		for i := 1; i < len(list); i++ {
			for k := i; k > 0 && nodes[list[k].node].Byte() < nodes[list[k-1].node].Byte(); k-- {
				list[k], list[k-1] = list[k-1], list[k]
			}
		}
		return
	}
	var ends [257]int32
	for _, x := range list {
		ends[int(nodes[x.node].Byte())+1]++
	}
	for b := range 256 {
		ends[b+1] += ends[b]
	}
	m.sorted = append(m.sorted[:0], list...)
	for _, x := range m.sorted {
		b := nodes[x.node].Byte()
		list[ends[b]] = x
		ends[b]++
	}
}
