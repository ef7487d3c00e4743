package jsonscan

import (
	"bytes"
	"hash/maphash"
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
	if !s.Seen() {
		return dst
	}
	f := &s.frames[st.top]
	if s.underWay(st.top) {
		dst = s.candidatesOf(dst, st.top)
	}
	for at := f.outer; at >= 0; at = s.frames[at].outer {
		dst = s.candidatesOf(dst, at)
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

// underWay reports whether an item or a name of a container is under way or about to begin.
func (s *Scanner) underWay(frame int32) bool {
	if frame != s.st.top {
		return true
	}
	switch s.st.mode {
	case modeNameString, modeName:
		return !s.frames[frame].array
	case modeValue, modeString, modeNumber, modeLiteral:
		return s.frames[frame].array
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
	case modeString:
		return r.kind == kindString && bytes.HasPrefix(s.text[r.from:r.to], s.text[st.start:])
	case modeNameString:
		return bytes.HasPrefix(s.text[r.from:r.to], s.text[st.start:])
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
		if st.esc > 0 {
			set.addAll(`"\/bfnrtu0123456789abcdefABCDEF`)
			return
		}
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
			set.addAll("0123456789.eE+-,]} \t\n\r")
		case modeLiteral:
			set.Add(literalText(st.literal)[st.letters])
		}
		return
	}
	for _, c := range candidates {
		s.nextOf(set, c)
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
	set.Add('\\')
	rest := s.text[int(r.from)+len(s.text)-int(s.st.start) : r.to]
	if len(rest) == 0 {
		set.Add('"')
		return
	}
	set.Add(rest[0])
}

// Hash returns a number for what matters of the values under way: places with the same number
// and the same configuration of the grammar continue in the same way.
func (s *Scanner) Hash() uint64 {
	st := &s.st
	h := uint64(st.mode) | uint64(st.esc)<<8 | uint64(st.letters)<<16 | uint64(st.hex)<<24 | uint64(st.high)<<40
	h = mix(h ^ st.path)
	switch st.mode {
	case modeString, modeNameString, modeNumber:
		h = mix(h ^ maphash.Bytes(seed, s.text[st.start:]))
	}
	if st.top >= 0 {
		for at := st.top; at >= 0; at = s.frames[at].outer {
			f := &s.frames[at]
			h = mix(h ^ s.sum(f.from, int32(len(s.records)), f.root) ^ uint64(uint32(f.last)))
		}
	}
	return h
}
