package mask

import "github.com/callama/callama/grammar/internal/automaton"

// leaving are the tokens that leave a run, in a fifteenth of the memory of a trie of their own: where in the
// vocabulary's trie they are, and the ways there.
type leaving struct {
	parts []part
	more  []byte // of all parts, the paths without what they have in common with the one before
	long  []int32

	path []byte // to the last part, while parts are added
}

// part is a list of nodes with one parent that follow each other, with all that is below them.
type part struct {
	fromCommon uint32 // first node<<8 | how much of the path to it is that of the part before
	toDepth    uint32 // the node after the last one<<8 | bytes of the path
}

func (p part) from() int   { return int(p.fromCommon >> 8) }
func (p part) to() int     { return int(p.toDepth >> 8) }
func (p part) common() int { return int(p.fromCommon & 0xff) }
func (p part) depth() int  { return int(p.toDepth & 0xff) }

func newPart(from, to, common, depth int) part {
	return part{uint32(from)<<8 | uint32(common), uint32(to)<<8 | uint32(depth)}
}

// add adds the nodes from from up to to, to which the bytes of path lead, their own left out. Nodes come in order, and
// none below another.
func (l *leaving) add(path []byte, from, to int) {
	common := 0
	for common < len(path) && common < len(l.path) && path[common] == l.path[common] {
		common++
	}
	if n := len(l.parts); n > 0 && common == len(path) && common == len(l.path) && l.parts[n-1].to() == from {
		p := &l.parts[n-1]
		*p = newPart(p.from(), to, p.common(), p.depth())
		return
	}
	l.path = append(l.path[:common], path[common:]...)
	l.more = append(l.more, path[common:]...)
	l.parts = append(l.parts, newPart(from, to, common, len(path)))
}

// end adds the tokens that are not in the trie; no more follow.
func (l *leaving) end(is *island) {
	for _, t := range is.vocab.Trie().Long {
		if _, _, end, ok := follow(is.steps, is.vocab.Bytes(t)); ok && end < len(is.vocab.Bytes(t)) {
			l.long = append(l.long, t)
		}
	}
	l.parts, l.more, l.path = clip(l.parts), clip(l.more), nil
}

// leaving returns the tokens that begin with a unit and leave the run.
func (is *island) leaving() *leaving {
	is.once.Do(func() {
		nodes := is.vocab.Trie().Nodes
		is.walk(false, func(node int, text []byte, _ int32) { is.leave.add(text, node, nodes[node].End()) })
		is.leave.end(is)
	})
	return &is.leave
}

// fillLeaving adds the tokens that begin with a unit of the run that a configuration is in
// and leave it, each by itself.
func (e *Engine) fillLeaving(c *automaton.Cache, id int32, is *island) (farthest int32) {
	l, w, nodes := is.leaving(), &e.walk, e.vocab.Trie().Nodes
	w.begin(c)
	w.at[0].stand(c, id, 0)
	more, alive := l.more, 0 // of the path to the part before, the bytes that are possible
	for _, p := range l.parts {
		common, depth := p.common(), p.depth()
		path := more[:depth-common]
		more = more[depth-common:]
		if common <= alive {
			for alive = common; alive < depth; alive++ {
				next := w.at[alive].step(c, e.prog.Class(path[alive-common]))
				if next == automaton.Dead {
					break
				}
				w.at[alive+1].stand(c, next, 0)
			}
		}
		if alive >= depth {
			farthest = max(farthest, e.sweep(c, nodes, p.from(), p.to(), noLimit))
		}
	}
	for _, t := range l.long {
		farthest = max(farthest, e.try(c, id, t, noLimit))
	}
	return farthest
}
