package jsonscan

import (
	"bytes"
	"hash/maphash"
)

// record is a part of a value: a container, a scalar or a name.
type record struct {
	path     uint64 // of the container or scalar; for a name, of its object
	hash     uint64 // of kind and text
	from, to int32  // of text
	kind     byte   // '{', '[', one of the constants, or the first letter of a literal
}

const (
	kindString = '"'
	kindNumber = '0'
	kindName   = ':'
)

// entry is a value that was remembered: its records.
type entry struct {
	sum      uint64 // over the records, in any order
	root     uint64 // the path of the value
	prev     int32  // the one remembered before it in the same container
	from, to int32  // its records
}

var seed = maphash.MakeSeed()

func newRecord(path uint64, kind byte, text []byte, from int) record {
	return record{path: path, hash: mix(maphash.Bytes(seed, text[from:]) + uint64(kind)), from: int32(from), to: int32(len(text)), kind: kind}
}

// mix is the finalizer of splitmix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// step is what a member or an item adds to the path of its container at some depth. Paths
// are sums of steps, so that the path within a value is the difference of two.
func step(which uint64, depth int32) uint64 {
	return mix(which + uint64(depth+1)*0x9e3779b97f4a7c15)
}

// within returns a number for a record of the value at a path.
func (r *record) within(root uint64) uint64 { return mix((r.path - root) ^ r.hash<<1 ^ uint64(r.kind)) }

// sum adds records up, in whatever order.
func (s *Scanner) sum(from, to int32, root uint64) (sum uint64) {
	for i := range s.records[from:to] {
		sum += s.records[int(from)+i].within(root)
	}
	return sum
}

// repeated reports whether the current item of an array equals one that was remembered.
func (s *Scanner) repeated(f *frame) bool {
	if f.last < 0 {
		return false
	}
	to := int32(len(s.records))
	sum := s.sum(f.from, to, f.root)
	for at := f.last; at >= 0; at = s.entries[at].prev {
		e := &s.entries[at]
		if e.sum == sum && e.to-e.from == to-f.from && s.contains(e, f.from, f.root) {
			return true
		}
	}
	return false
}

// contains reports whether each record from a number on, of the value at root, has its
// equal in an entry.
func (s *Scanner) contains(e *entry, from int32, root uint64) bool {
	for i := from; i < int32(len(s.records)); i++ {
		r := &s.records[i]
		// Mostly values are written in the same order.
		guess := e.from + i - from
		if guess < e.to && s.records[guess].path-e.root == r.path-root && s.same(&s.records[guess], r) {
			continue
		}
		found := false
		for k := e.from; k < e.to && !found; k++ {
			found = s.records[k].path-e.root == r.path-root && s.same(&s.records[k], r)
		}
		if !found {
			return false
		}
	}
	return true
}

// same reports whether two records have the same kind and text.
func (s *Scanner) same(a, b *record) bool {
	return a.kind == b.kind && a.hash == b.hash && bytes.Equal(s.text[a.from:a.to], s.text[b.from:b.to])
}
