package schema

import (
	"sync"

	"github.com/callama/callama/internal/ojson"
	"github.com/callama/callama/internal/slab"
)

// arena holds what a Compiler makes to work with and nothing of the grammar, some 6 MB at most.
// Negations make alternatives by the ten thousand, most of which are dropped at once: what the slabs
// do not keep is the collector's.
type arena struct {
	parser     ojson.Parser
	conjuncts  slab.Slab[conjunct]
	numbers    slab.Slab[numberPart]
	strings    slab.Slab[stringPart]
	arrays     slab.Slab[arrayPart]
	goals      slab.Slab[goal]
	locations  slab.Slab[location]
	partitions slab.Slab[partition]
	objects    slab.Slab[objectShape]
	shapes     slab.Slab[shape]
	members    slab.Slab[memberShape]
	classes    slab.Slab[classShape]
	properties slab.Slab[property]
	terms      slab.Slab[term]
	lists      slab.Slab[[]term]

	alternatives slab.Slab[*conjunct]

	places kept[*ojson.Value, *location] // see document.locations: of the first document
	named  kept[reference, *location]    // see document.targets: the same
	keyed  kept[string, *goal]           // see Compiler.goals
	proofs kept[string, proof]           // see Compiler.proofs
	way    kept[string, int32]           // see Compiler.ways
}

// arenas are those not in use. The collector frees what is not used between two of its cycles.
var arenas = sync.Pool{New: func() any { return new(arena) }}

// release empties the arena for another Compiler. Nothing that it gave out may be in use.
func (a *arena) release() {
	a.parser.Reset()
	a.conjuncts.Reset()
	a.numbers.Reset()
	a.strings.Reset()
	a.arrays.Reset()
	a.goals.Reset()
	a.locations.Reset()
	a.partitions.Reset()
	a.objects.Reset()
	a.shapes.Reset()
	a.members.Reset()
	a.classes.Reset()
	a.properties.Reset()
	a.terms.Reset()
	a.lists.Reset()
	a.alternatives.Reset()
	a.places.release()
	a.named.release()
	a.keyed.release()
	a.proofs.release()
	a.way.release()
	arenas.Put(a)
}
