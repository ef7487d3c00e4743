package jsonscan

import (
	"bytes"
	"hash/maphash"
	"unicode/utf8"
)

// Candidate is a value that was remembered and that the item or name under way may still
// become equal to.
type Candidate struct{ frame, entry int32 }

// Bytes is a set of bytes.
type Bytes [4]uint64

// Add adds a byte.
func (s *Bytes) Add(b byte) { s[b/64] |= 1 << (b % 64) }

// Has reports whether a byte is in the set.
func (s *Bytes) Has(b byte) bool { return s[b/64]&(1<<(b%64)) != 0 }

func (s *Bytes) addAll(text string) {
	for i := range len(text) {
		s.Add(text[i])
	}
}

// Candidates appends all candidates to dst: of the item or name under way, or about to begin,
// and of each item around it. Cost: linear in the values remembered there.
func (s *Scanner) Candidates(dst []Candidate) []Candidate {
	st := &s.st
	if !s.Seen() || st.mode >= modeString && !st.keep {
		return dst
	}
	f := &s.frames[st.top]
	if s.underWay(f) {
		dst = s.candidatesOf(dst, st.top)
	}
	if f.kept {
		for at := f.outer; at >= 0; at = s.frames[at].outer {
			if s.frames[at].current {
				dst = s.candidatesOf(dst, at)
			}
		}
	}
	return dst
}

func (s *Scanner) candidatesOf(dst []Candidate, frame int32) []Candidate {
	for e := s.frames[frame].last; e >= 0; e = s.entries[e].prev {
		if c := (Candidate{frame, e}); s.compatible(c, 0) {
			dst = append(dst, c)
		}
	}
	return dst
}

// underWay reports whether an item or a name of the innermost container is under way or
// about to begin.
func (s *Scanner) underWay(top *frame) bool {
	switch s.st.mode {
	case modeNameString, modeName:
		return !top.array
	case modeValue, modeString, modeNumber, modeLiteral:
		return top.array
	}
	return false
}

// CandidatesAfter is Candidates one byte after the place from, where they were before.
func (s *Scanner) CandidatesAfter(dst, before []Candidate, from *State) []Candidate {
	if s.st.mode != from.mode || from.mode < modeString {
		return s.Candidates(dst)
	}
	for _, c := range before { // one more byte of a scalar
		if s.compatible(c, int32(len(s.records))) {
			dst = append(dst, c)
		}
	}
	return dst
}

// compatible reports whether the item or name under way in a container may become equal to an
// entry of it, as far as its records from a number on and its current scalar tell.
func (s *Scanner) compatible(c Candidate, records int32) bool {
	st := &s.st
	f, e := &s.frames[c.frame], &s.entries[c.entry]
	switch {
	case c.frame == st.top && (st.mode == modeValue || st.mode == modeName):
		return true // nothing is written yet
	case c.frame == st.top && st.mode == modeNameString:
		return s.mayBecome(&s.records[e.from])
	case !s.containsSince(e, f, max(records, f.from)):
		return false
	}
	switch st.mode {
	case modeValue: // in an array, it may end here
		return s.frames[st.top].array || s.anyValue(e, st.path-f.root)
	case modeString, modeNumber, modeLiteral:
		return s.anyValue(e, st.path-f.root)
	case modeNameString:
		return s.anyName(e, s.frames[st.top].path-f.root)
	}
	return true
}

func (s *Scanner) containsSince(e *entry, f *frame, from int32) bool {
	for i := from; i < int32(len(s.records)); i++ {
		if !s.find(e, &s.records[i], f.root) {
			return false
		}
	}
	return true
}

func (s *Scanner) find(e *entry, r *record, root uint64) bool {
	for k := e.from; k < e.to; k++ {
		if s.records[k].path-e.root == r.path-root && s.same(&s.records[k], r) {
			return true
		}
	}
	return false
}

// anyValue reports whether the entry has a value at a path that the current scalar may
// become.
func (s *Scanner) anyValue(e *entry, path uint64) bool {
	for k := e.from; k < e.to; k++ {
		if r := &s.records[k]; r.kind != kindName && r.path-e.root == path {
			return s.mayBecome(r)
		}
	}
	return false
}

// anyName reports whether the entry has a name in the object at a path that the current one
// may become.
func (s *Scanner) anyName(e *entry, path uint64) bool {
	for k := e.from; k < e.to; k++ {
		if r := &s.records[k]; r.kind == kindName && r.path-e.root == path && s.mayBecome(r) {
			return true
		}
	}
	return false
}

// mayBecome reports whether the current scalar may become that of a record.
func (s *Scanner) mayBecome(r *record) bool {
	st := &s.st
	switch st.mode {
	case modeString, modeNameString:
		return (st.mode == modeNameString || r.kind == kindString) && bytes.HasPrefix(s.text[r.from:r.to], s.text[st.start:]) &&
			(st.esc == 0 || s.inEscape(s.rest(r)))
	case modeNumber:
		return r.kind == kindNumber && canBecome(s.text[st.start:], s.text[r.from:r.to])
	case modeLiteral:
		return r.kind == st.literal
	}
	return true
}

// Next adds the bytes after which a candidate may remain one: after any other it does not.
func (s *Scanner) Next(set *Bytes, candidates []Candidate) {
	st := &s.st
	switch st.mode {
	case modeString, modeNameString:
	case modeValue:
		set.addAll(" \t\n\r")
	default:
		switch st.mode {
		case modeName:
			set.addAll("\"} \t\n\r")
		case modeColon:
			set.addAll(": \t\n\r")
		case modeAfter:
			set.addAll(",]} \t\n\r")
		case modeNumber: // what ends a number within an item is checked when it has
			set.addAll(",]} \t\n\r")
			s.nextInNumber(set, candidates)
		case modeLiteral:
			set.Add(literalText(st.literal)[st.letters])
		}
		return
	}
	for _, c := range candidates {
		s.nextOf(set, c)
	}
}

// numberBytes are the bytes of numbers.
const numberBytes = "0123456789.eE+-"

// nextInNumber adds the bytes by which a number under way may still become one of a
// candidate.
func (s *Scanner) nextInNumber(set *Bytes, candidates []Candidate) {
	st := &s.st
	for _, c := range candidates {
		e, path := &s.entries[c.entry], st.path-s.frames[c.frame].root
		for k := e.from; k < e.to; k++ {
			r := &s.records[k]
			if r.kind != kindNumber || r.path-e.root != path {
				continue
			}
			from := len(s.text)
			for i := range len(numberBytes) {
				s.text = append(s.text[:from], numberBytes[i])
				if canBecome(s.text[st.start:], s.text[r.from:r.to]) {
					set.Add(numberBytes[i])
				}
			}
			s.text = s.text[:from]
		}
	}
}

func literalText(first byte) string {
	switch first {
	case 't':
		return "true"
	case 'f':
		return "false"
	}
	return "null"
}

// nextOf adds the bytes by which a candidate remains one, in a string or before a value.
func (s *Scanner) nextOf(set *Bytes, c Candidate) {
	st := &s.st
	f, e, top := &s.frames[c.frame], &s.entries[c.entry], &s.frames[st.top]
	path := st.path - f.root
	names := st.mode == modeNameString
	switch {
	case names && c.frame == st.top:
		s.nextByte(set, &s.records[e.from])
		return
	case names:
		path = top.path - f.root
	case st.mode == modeValue && c.frame == st.top:
		path = 0
	case st.mode == modeValue && top.array:
		path = top.path + step(uint64(top.index+1), top.depth) - f.root
	}
	for k := e.from; k < e.to; k++ {
		if r := &s.records[k]; (r.kind == kindName) == names && r.path-e.root == path && s.mayBecome(r) {
			s.nextByte(set, r)
		}
	}
	if st.mode == modeValue && top.array && c.frame != st.top {
		set.Add(']')
	}
}

// nextByte adds the bytes that lead on to a record's text.
func (s *Scanner) nextByte(set *Bytes, r *record) {
	if s.st.mode == modeValue {
		switch r.kind {
		case kindNumber:
			set.addAll("-0123456789")
		default: // what begins it is what it is called
			set.Add(r.kind)
		}
		return
	}
	rest := s.rest(r)
	switch {
	case s.st.esc > 0:
		s.nextInEscape(set, rest)
	case s.st.high != 0: // its other half, if any, must be an escape
		set.addAll(`\"`)
		if len(rest) > 3 { // it might stand alone
			set.Add(rest[3])
		}
	case len(rest) == 0:
		set.Add('"')
	default:
		set.Add('\\')
		set.Add(rest[0])
	}
}

// rest returns what a record has after the characters of the current string, with which it
// begins.
func (s *Scanner) rest(r *record) []byte {
	return s.text[int(r.from)+len(s.text)-int(s.st.start) : r.to]
}

// nextInEscape adds the bytes of an escape of the first character of rest.
func (s *Scanner) nextInEscape(set *Bytes, rest []byte) {
	if s.st.esc == 1 {
		set.Add('u')
		for i := range len(shortEscapes) {
			if len(rest) > 0 && unescaped(shortEscapes[i]) == rest[0] {
				set.Add(shortEscapes[i])
			}
		}
		return
	}
	unit, sure := s.nextUnit(rest)
	if !sure {
		set.addAll("0123456789abcdefABCDEF")
		return
	}
	digit := unit >> (4 * (5 - uint(s.st.esc))) & 15
	set.Add("0123456789abcdef"[digit])
	set.Add("0123456789ABCDEF"[digit])
}

// shortEscapes are the letters that escape a character by themselves.
const shortEscapes = `"\/bfnrt`

// nextUnit returns the code unit of UTF-16 that an escape must be to lead on to rest, if that
// is certain.
func (s *Scanner) nextUnit(rest []byte) (unit uint16, sure bool) {
	if s.st.high != 0 || len(rest) == 0 {
		return 0, false
	}
	r, _ := utf8.DecodeRune(rest)
	switch {
	case r == utf8.RuneError:
		return 0, false
	case r >= 0x10000:
		return uint16(highFirst + (r-0x10000)>>10), true
	}
	return uint16(r), true
}

// inEscape reports whether an escape under way may lead on to rest.
func (s *Scanner) inEscape(rest []byte) bool {
	unit, sure := s.nextUnit(rest)
	if s.st.esc < 2 || !sure {
		return len(rest) > 0 || s.st.high != 0
	}
	return s.st.hex == unit>>(4*(6-uint(s.st.esc)))
}

// hashNumber returns a number for a decimal under way. Zeros at the end of the fraction and at
// the beginning of the exponent do not count beyond sameZeros: else places without a way
// on would never repeat, as 1.0, 1.00 and so on are one value.
func hashNumber(raw []byte) uint64 {
	const sameZeros = 64
	if len(raw) == 0 {
		return 0
	}
	n := parseNumber(raw)
	zeros := min(sameZeros, len(n.behind)-len(bytes.TrimRight(n.behind, "0")))
	behind := n.behind[:len(bytes.TrimRight(n.behind, "0"))+zeros]
	zeros = min(sameZeros, len(n.exponent)-len(bytes.TrimLeft(n.exponent, "0")))
	exponent := n.exponent[len(n.exponent)-len(bytes.TrimLeft(n.exponent, "0"))-zeros:]
	h := mix(maphash.Bytes(seed, n.whole) ^ uint64(raw[len(raw)-1]))
	h = mix(h ^ maphash.Bytes(seed, behind))
	return mix(h ^ maphash.Bytes(seed, exponent))
}

// Hash returns a number for what matters of the values under way: places with the same number
// and the same configuration of the grammar continue in the same way.
func (s *Scanner) Hash() uint64 {
	st := &s.st
	h := uint64(st.mode) | uint64(st.esc)<<8 | uint64(st.letters)<<16 | uint64(st.hex)<<24 | uint64(st.high)<<40
	h = mix(h ^ st.path)
	switch st.mode {
	case modeString, modeNameString:
		h = mix(h ^ maphash.Bytes(seed, s.text[st.start:]))
	case modeNumber:
		h = mix(h ^ hashNumber(s.text[st.start:]))
	}
	if st.top >= 0 {
		for at := st.top; at >= 0; at = s.frames[at].outer {
			f := &s.frames[at]
			h = mix(h ^ s.sum(f.from, int32(len(s.records)), f.root) ^ uint64(uint32(f.last)))
		}
	}
	return h
}
