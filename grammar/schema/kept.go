package schema

// kept is a map that one Compiler after the other uses: what has the room is not made to grow again.
type kept[K comparable, V any] struct {
	m    map[K]V
	most int // entries that it has had
}

// Bounds of what is kept. To clear a map takes the time of its room, which entries should be worth.
const (
	maxKept   = 4096 // entries
	leastKept = 64
	sparse    = 8 // times as much room as entries
)

// take returns the map, which is empty.
func (k *kept[K, V]) take() map[K]V {
	if k.m == nil {
		k.m = make(map[K]V)
	}
	return k.m
}

// release empties the map for the next, or gives it up where that costs more than it saves.
func (k *kept[K, V]) release() {
	k.most = max(k.most, len(k.m))
	if k.most > maxKept || k.most > leastKept && k.most > sparse*len(k.m) {
		*k = kept[K, V]{}
		return
	}
	clear(k.m)
}
