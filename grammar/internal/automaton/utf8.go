package automaton

import (
	"math/bits"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/callama/callama/grammar/gbnf"
)

// byteRange is an inclusive range of bytes.
type byteRange struct{ lo, hi byte }

// codePoints returns the sorted, disjoint ranges of a class without surrogates.
func codePoints(c *gbnf.Class) []gbnf.Range {
	const surrogateLo, surrogateHi = 0xD800, 0xDFFF
	in := slices.Clone(c.Ranges)
	slices.SortFunc(in, func(a, b gbnf.Range) int { return int(a.Lo) - int(b.Lo) })
	var merged []gbnf.Range
	for _, r := range in {
		r.Lo, r.Hi = max(r.Lo, 0), min(r.Hi, utf8.MaxRune)
		if r.Lo > r.Hi {
			continue
		}
		if n := len(merged); n > 0 && r.Lo <= merged[n-1].Hi+1 {
			merged[n-1].Hi = max(merged[n-1].Hi, r.Hi)
			continue
		}
		merged = append(merged, r)
	}
	if c.Negated {
		var rest []gbnf.Range
		next := rune(0)
		for _, r := range merged {
			if r.Lo > next {
				rest = append(rest, gbnf.Range{Lo: next, Hi: r.Lo - 1})
			}
			next = r.Hi + 1
		}
		if next <= utf8.MaxRune {
			rest = append(rest, gbnf.Range{Lo: next, Hi: utf8.MaxRune})
		}
		merged = rest
	}
	var out []gbnf.Range
	for _, r := range merged {
		if r.Lo < surrogateLo {
			out = append(out, gbnf.Range{Lo: r.Lo, Hi: min(r.Hi, surrogateLo-1)})
		}
		if r.Hi > surrogateHi {
			out = append(out, gbnf.Range{Lo: max(r.Lo, surrogateHi+1), Hi: r.Hi})
		}
	}
	return out
}

// appendSequences splits the code points [lo, hi], no surrogates among them, into sequences
// of byte ranges such that every UTF-8 encoding of one, and nothing else, matches one
// sequence. It splits at the lengths of the encoding and then wherever the
// trailing bytes do not span their whole range.
func appendSequences(out [][]byteRange, lo, hi rune) [][]byteRange {
	for _, last := range []rune{0x7F, 0x7FF, 0xFFFF} {
		if lo <= last && last < hi {
			out = appendSequences(out, lo, last)
			return appendSequences(out, last+1, hi)
		}
	}
	if hi <= 0x7F {
		return append(out, []byteRange{{byte(lo), byte(hi)}})
	}
	for i := 1; i < utf8.UTFMax; i++ {
		low := rune(1)<<(6*i) - 1 // the code point bits of the last i bytes
		if lo&^low != hi&^low {
			if lo&low != 0 {
				out = appendSequences(out, lo, lo|low)
				return appendSequences(out, (lo|low)+1, hi)
			}
			if hi&low != low {
				out = appendSequences(out, lo, hi&^low-1)
				return appendSequences(out, hi&^low, hi)
			}
		}
	}
	var a, b [utf8.UTFMax]byte
	n := utf8.EncodeRune(a[:], lo)
	utf8.EncodeRune(b[:], hi)
	seq := make([]byteRange, n)
	for i := range seq {
		seq[i] = byteRange{a[i], b[i]}
	}
	return append(out, seq)
}

func utf8Len(r rune) int { return max(1, utf8.RuneLen(r)) }

// asciiSet is a set of ASCII characters.
type asciiSet [2]uint64

// asciiOf returns the ASCII characters of a class that has all characters above ASCII or,
// unless it is negated, none of them; ok is false for other classes.
func asciiOf(c *gbnf.Class) (set asciiSet, ok bool) {
	for _, r := range c.Ranges {
		if r.Hi >= utf8.RuneSelf {
			return set, false
		}
		for k := range set {
			lo, hi := max(r.Lo-rune(64*k), 0), min(r.Hi-rune(64*k), 63)
			if lo <= hi {
				set[k] |= (^uint64(0) >> (63 - uint(hi-lo))) << uint(lo)
			}
		}
	}
	if c.Negated {
		set[0], set[1] = ^set[0], ^set[1]
	}
	return set, true
}

// len returns the number of characters in the set.
func (s asciiSet) len() int { return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) }

// runs calls yield for each maximal range of characters in the set, in ascending order.
func (s asciiSet) runs(yield func(lo, hi byte)) {
	for b := 0; b < utf8.RuneSelf; {
		rest := s[b/64] >> (b % 64)
		if rest == 0 {
			b = (b/64 + 1) * 64
			continue
		}
		b += bits.TrailingZeros64(rest)
		lo := b
		for b < utf8.RuneSelf && s[b/64]&(1<<(b%64)) != 0 {
			b++
		}
		yield(byte(lo), byte(b-1))
	}
}

// allAbove returns the sequences of all characters above ASCII.
var allAbove = sync.OnceValue(func() [][]byteRange {
	var seqs [][]byteRange
	for _, r := range codePoints(&gbnf.Class{Ranges: []gbnf.Range{{Lo: 0, Hi: utf8.RuneSelf - 1}}, Negated: true}) {
		seqs = appendSequences(seqs, r.Lo, r.Hi)
	}
	return seqs
})
