package mask

import (
	"sync"

	"github.com/callama/callama/grammar/vocab"
)

// work is the memory in which a mask is made: some 50 KB, most of it as wide as the vocabulary. Engines borrow it from
// the vocabulary, as there are many of them and few make a mask at a time.
type work struct {
	walk    walk
	set     set
	toggled []int32 // tokens in which a mask differs from the one it is made from
}

// worksOf returns what the engines of a vocabulary borrow from. What is not needed for a while the collector takes.
func worksOf(v *vocab.Vocab) *sync.Pool {
	build := func() any {
		return &sync.Pool{New: func() any { return &work{walk: newWalk(), set: set{width: v.Width()}} }}
	}
	return v.Derived("working memory", maxIslands+3, build).(*sync.Pool)
}

// borrow takes working memory.
func (e *Engine) borrow() { e.work = e.works.Get().(*work) }

func (e *Engine) giveBack() {
	e.works.Put(e.work)
	e.work = nil
}
