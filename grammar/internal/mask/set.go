package mask

import (
	"math/bits"
	"slices"

	"github.com/callama/callama/grammar/vocab"
)

// maxFlips bounds the tokens that an entry lists, rather than holding a mask of its own:
// 4 KB instead of 16 KB, and a microsecond to write.
const maxFlips = 1024

// entry is the mask of one configuration: that of base, nothing if it is nil, with some
// tokens flipped; one that is listed twice is as it was. Where few tokens are allowed, as between a name and its colon, or where
// it is a mask shared by many, as inside a string, that is a small list. Immutable but for what
// crossingTokens notes.
type entry struct {
	base  vocab.Mask
	flips []int32
	// farthest is the greatest distance, in bytes, that an allowed token leaves to the end
	// of the text: with that many tokens left the mask needs no trimming.
	farthest int32
	// crossing is what crossingTokens found, if crossed.
	crossed  bool
	crossing []int32
}

// write sets dst, of the same width, to the mask.
func (x *entry) write(dst vocab.Mask) {
	if x.base == nil {
		clear(dst)
	} else {
		copy(dst, x.base)
	}
	for _, t := range x.flips {
		dst.Flip(t)
	}
}

// set collects a mask: as a list while it is small, then in a mask that is used again and
// again. Its owner is the engine.
type set struct {
	base  vocab.Mask // immutable; nil: nothing
	list  []int32    // tokens that are not in base, perhaps twice
	twice bool       // a token may be in the list twice, or in base
	dense vocab.Mask // the mask itself, if wide; working memory
	wide  bool
	width int // of masks, in tokens

	recent [recentMasks]vocab.Mask // masks that were kept last, immutable
}

// recentMasks is the number of masks that a new one is compared with: of those with many tokens nineteen in twenty are
// like one of the last four.
const recentMasks = 4

func (s *set) begin() { s.base, s.list, s.twice, s.wide = nil, s.list[:0], false, false }

// share adds a mask that will not change.
func (s *set) share(m vocab.Mask) {
	if s.base == nil && !s.wide {
		s.base = m
		s.twice = s.twice || len(s.list) > 0
		return
	}
	s.widen()
	s.dense.Or(m)
}

// add adds a token.
func (s *set) add(t int32) {
	if s.wide {
		s.dense.Set(t)
		return
	}
	s.list = append(s.list, t)
	if len(s.list) > maxFlips {
		s.widen()
	}
}

// addAll adds tokens.
func (s *set) addAll(tokens []int32) {
	if s.wide {
		for _, t := range tokens {
			s.dense.Set(t)
		}
		return
	}
	s.list = append(s.list, tokens...)
	if len(s.list) > maxFlips {
		s.widen()
	}
}

// twins adds the tokens that have the bytes of one that was added. Those of base are in
// base already.
func (s *set) twins(trie *vocab.Trie) {
	if s.wide {
		for _, pair := range trie.Same {
			if s.dense.Has(pair[0]) {
				s.dense.Set(pair[1])
			}
		}
		return
	}
	for _, t := range s.list { // not those added meanwhile: they have no twins
		for _, pair := range trie.Twins(t) {
			s.twice = true
			s.add(pair[1])
		}
	}
}

// scratch returns the memory of the wide mask.
func (s *set) scratch() vocab.Mask {
	if s.dense == nil {
		s.dense = vocab.NewMask(s.width)
	}
	return s.dense
}

// widen goes over to a mask.
func (s *set) widen() {
	if s.wide {
		return
	}
	s.wide = true
	s.scratch()
	if s.base == nil {
		clear(s.dense)
	} else {
		copy(s.dense, s.base)
	}
	for _, t := range s.list {
		s.dense.Set(t)
	}
}

// merge adds the tokens of an entry.
func (s *set) merge(x *entry) {
	s.twice = true
	flips := onceEach(slices.Clone(x.flips))
	if x.base == nil {
		s.addAll(flips)
		return
	}
	s.widen()
	gone := s.list[:0] // in x.base, but neither in x nor in s
	for _, t := range flips {
		if x.base.Has(t) && !s.dense.Has(t) {
			gone = append(gone, t)
		}
	}
	s.dense.Or(x.base)
	for _, t := range gone {
		s.dense.Unset(t)
	}
	for _, t := range flips {
		if !x.base.Has(t) {
			s.dense.Set(t)
		}
	}
}

// flips returns base and the list of what differs from it, of a set that is not wide; the list is working memory.
func (s *set) flips() (vocab.Mask, []int32) {
	if s.twice {
		slices.Sort(s.list)
		s.list = slices.Compact(s.list)
		if s.base != nil {
			s.list = slices.DeleteFunc(s.list, s.base.Has)
		}
	}
	return s.base, s.list
}

// settle returns a mask as one of the last and the list of what differs from it, which is working memory; or, if that
// is too much, as one of its own.
func (s *set) settle(m vocab.Mask) (base vocab.Mask, flips []int32, own bool) {
	for i, base := range s.recent {
		if base == nil {
			break
		}
		if list, ok := differences(s.list[:0], base, m); ok {
			s.list = list
			copy(s.recent[1:i+1], s.recent[:i])
			s.recent[0] = base
			return base, list, false
		}
	}
	kept := slices.Clone(m)
	copy(s.recent[1:], s.recent[:])
	s.recent[0] = kept
	return kept, nil, true
}

// differences appends the tokens that are in one of two masks to list, unless they are more than maxFlips.
func differences(list []int32, a, b vocab.Mask) ([]int32, bool) {
	for i, x := range a {
		for x ^= b[i]; x != 0; x &= x - 1 {
			if len(list) == maxFlips {
				return list, false
			}
			list = append(list, int32(i*32+bits.TrailingZeros32(x)))
		}
	}
	return list, true
}

// write sets dst to the mask.
func (s *set) write(dst vocab.Mask) {
	if s.wide {
		copy(dst, s.dense)
		return
	}
	base, list := s.flips()
	(&entry{base: base, flips: list}).write(dst)
}

// onceEach sorts a list and leaves out what is in it an even number of times.
func onceEach(list []int32) []int32 {
	slices.Sort(list)
	kept := list[:0]
	for _, t := range list {
		if n := len(kept); n > 0 && kept[n-1] == t {
			kept = kept[:n-1]
		} else {
			kept = append(kept, t)
		}
	}
	return kept
}
