package schema

import (
	"sync"

	"github.com/callama/callama/internal/ojson"
	"github.com/callama/callama/internal/slab"
)

// arena holds what a Compiler makes to work with and nothing of the grammar: up to slab.Max values of each type, some 10 MB.
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

	declaring []string // see Compiler.declaring

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
	items        slab.Slab[arrayFacet]
	counted      slab.Slab[heldContains]
}

// lender is a slab of any type.
type lender interface {
	Mark() slab.Mark
	Return(slab.Mark)
	Trim(values int) bool
}

const roomSlabs = 17

func (r *room) slabs() [roomSlabs]lender {
	return [...]lender{&r.conjuncts, &r.values, &r.numbers, &r.strings, &r.arrays, &r.rest, &r.alternatives, &r.goals, &r.terms,
		&r.facets, &r.sole, &r.required, &r.names, &r.witnesses, &r.ways, &r.items, &r.counted}
}

// roomMark is how much of a room is given out.
type roomMark [roomSlabs]slab.Mark

func (r *room) mark() (m roomMark) {
	for i, s := range r.slabs() {
		m[i] = s.Mark()
	}
	return m
}

// giveBack empties what was given out since a mark.
func (r *room) giveBack(m roomMark) {
	for i, s := range r.slabs() {
		s.Return(m[i])
	}
}

// keptValues is how many values of each type are kept for the next schema: 99 of 100 need fewer, and the rest takes longer to
// compile than to ask for more. All of them have about 2 MB.
const keptValues = 1024

// arenas are those not in use. The collector frees what is not used between two of its cycles.
var arenas = sync.Pool{New: func() any { return new(arena) }}

// release empties the arena for another Compiler. Nothing that it gave out may be in use.
func (a *arena) release() {
	a.locations.Reset()
	if a.locations.Trim(keptValues) { // the document is as large
		a.parser = ojson.Parser{}
	}
	a.parser.Reset()
	own := [...]lender{&a.objects, &a.shapes, &a.members, &a.classes, &a.properties, &a.lists}
	main, proving := a.room.slabs(), a.proving.slabs()
	for _, list := range [...][]lender{own[:], main[:], proving[:]} {
		for _, s := range list {
			s.Return(slab.Mark{})
			s.Trim(keptValues)
		}
	}
	if a.declaring = a.declaring[:cap(a.declaring)]; len(a.declaring) > keptValues {
		a.declaring = nil
	}
	clear(a.declaring)
	a.places.release()
	a.named.release()
	a.keyed.release()
	a.proofs.release()
	a.way.release()
	arenas.Put(a)
}
