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
	room
	proving room // of proofs, which nest: what one took is given back when it is done

	parser     ojson.Parser
	locations  slab.Slab[location]
	objects    slab.Slab[objectShape]
	shapes     slab.Slab[shape]
	members    slab.Slab[memberShape]
	classes    slab.Slab[classShape]
	properties slab.Slab[property]
	lists      slab.Slab[[]term]

	places kept[*ojson.Value, *location] // see document.locations: of the first document
	named  kept[reference, *location]    // see document.targets: the same
	keyed  kept[string, *goal]           // see Compiler.goals
	proofs kept[string, proof]           // see Compiler.proofs
	way    kept[string, int32]           // see Compiler.ways
}

// room holds what goals are expanded with.
type room struct {
	conjuncts    slab.Slab[conjunct]
	values       slab.Slab[valuePart]
	numbers      slab.Slab[numberPart]
	strings      slab.Slab[stringPart]
	arrays       slab.Slab[arrayPart]
	rest         slab.Slab[restPart]
	alternatives slab.Slab[*conjunct]
	goals        slab.Slab[goal]
	terms        slab.Slab[term]
	facets       slab.Slab[heldFacet]
	sole         slab.Slab[soleFacet]
	required     slab.Slab[requiredAt]
	names        slab.Slab[string]
	witnesses    slab.Slab[witness]
	ways         slab.Slab[int32]
}

// roomMark is how much of a room is given out.
type roomMark struct {
	conjuncts, values, numbers, strings, arrays, rest, alternatives, goals, terms slab.Mark
	facets, sole, required, names, witnesses, ways                                slab.Mark
}

func (r *room) mark() roomMark {
	return roomMark{r.conjuncts.Mark(), r.values.Mark(), r.numbers.Mark(), r.strings.Mark(), r.arrays.Mark(), r.rest.Mark(),
		r.alternatives.Mark(), r.goals.Mark(), r.terms.Mark(),
		r.facets.Mark(), r.sole.Mark(), r.required.Mark(), r.names.Mark(), r.witnesses.Mark(), r.ways.Mark()}
}

// giveBack empties what was given out since a mark.
func (r *room) giveBack(m roomMark) {
	r.conjuncts.Return(m.conjuncts)
	r.values.Return(m.values)
	r.numbers.Return(m.numbers)
	r.strings.Return(m.strings)
	r.arrays.Return(m.arrays)
	r.rest.Return(m.rest)
	r.alternatives.Return(m.alternatives)
	r.goals.Return(m.goals)
	r.terms.Return(m.terms)
	r.facets.Return(m.facets)
	r.sole.Return(m.sole)
	r.required.Return(m.required)
	r.names.Return(m.names)
	r.witnesses.Return(m.witnesses)
	r.ways.Return(m.ways)
}

// arenas are those not in use. The collector frees what is not used between two of its cycles.
var arenas = sync.Pool{New: func() any { return new(arena) }}

// release empties the arena for another Compiler. Nothing that it gave out may be in use.
func (a *arena) release() {
	a.room.giveBack(roomMark{})
	a.proving.giveBack(roomMark{})
	a.parser.Reset()
	a.locations.Reset()
	a.objects.Reset()
	a.shapes.Reset()
	a.members.Reset()
	a.classes.Reset()
	a.properties.Reset()
	a.lists.Reset()
	a.places.release()
	a.named.release()
	a.keyed.release()
	a.proofs.release()
	a.way.release()
	arenas.Put(a)
}
