package grammar

import (
	"math"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/internal/mask"
	"github.com/callama/callama/grammar/vocab"
)

// CompileEager is Compile, but masks take every way around a walk that there is, however
// small the vocabulary.
func CompileEager(g *gbnf.Grammar, v *vocab.Vocab) (*Compiled, error) {
	return compile(g, v, Limits{}, mask.Options{MinNodes: 1, LongToken: 2})
}

// CompilePlain is Compile, but every mask is walked.
func CompilePlain(g *gbnf.Grammar, v *vocab.Vocab) (*Compiled, error) {
	return compile(g, v, Limits{}, mask.Options{MinNodes: math.MaxInt})
}
