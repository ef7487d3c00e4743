// Package jsonscan follows the structure of a JSON text byte by byte and tells at the end of
// each item and name whether an earlier one in the same array or object is equal: numbers by
// value, strings by characters, objects without regard to order.
//
// A value is kept as the multiset of its records: one for each container and scalar in it
// with its path, one for each name. Equal values have equal multisets, whatever the order of
// members, and a value under way can be compared while it grows. Records, entries and frames
// are appended and never changed, so that a State of some words marks a place to come back
// to.
//
// The files: scanner.go (structure), text.go (characters and numbers), record.go (values and
// equality), candidate.go (what a value under way may still become equal to).
package jsonscan

// Scanner follows one text. It is owned by one goroutine.
type Scanner struct {
	st      State
	text    []byte // characters of the scalars kept, numbers as written and in normal form
	frames  []frame
	records []record
	entries []entry
}

// State is a place in a text; see Mark and Restore.
type State struct {
	text, frames, records, entries int32 // lengths

	top   int32  // the innermost open container, -1 for none
	start int32  // of the current scalar in text
	path  uint64 // of the current value
	mode  mode
	esc   uint8  // 0: in no escape; 1: after the backslash; from 2 on: hexadecimal digits read + 2
	hex   uint16 // of the escape
	high  uint16 // a high surrogate that waits for its low one
	// keep: the current scalar, or the one just ended, may have to be compared.
	keep bool
	// returned: the number under way was a value that must differ, had it ended here.
	returned bool
	literal  byte  // the first letter of the literal under way
	letters  uint8 // of it that were read
}

type mode uint8

const (
	modeOutside mode = iota // before and after the document's outermost container
	modeValue               // a value comes next, or the end of an empty array
	modeName                // a name comes next, or the end of an empty object
	modeColon
	modeAfter // after a value: a comma or the end of the container
	modeString
	modeNameString
	modeNumber
	modeLiteral
)

// frame is an open container. What changes in it makes a new version of it, which takes its
// place on top.
type frame struct {
	path   uint64 // of the container
	root   uint64 // of an array's current item
	parent int32
	outer  int32 // the nearest array around it that has entries, -1 for none
	last   int32 // the latest of its entries, -1 for none
	from   int32 // the first record of an array's current item
	index  int32 // of an array's current item, among those that are kept
	depth  int32
	array  bool
	kept   bool // it is, or is part of, a value that may have to be compared
	// current: an array's current item is a value that may have to be compared.
	current bool
	seen    bool // it or a container around it has entries
}

// New returns a Scanner before any text.
func New() *Scanner { return &Scanner{st: State{top: -1}} }

// Mark returns the current place.
func (s *Scanner) Mark() State {
	st := s.st
	st.text, st.frames, st.records, st.entries = int32(len(s.text)), int32(len(s.frames)), int32(len(s.records)), int32(len(s.entries))
	return st
}

// Restore goes back to a place that was marked earlier in the text that was read since.
func (s *Scanner) Restore(st State) {
	s.st = st
	s.text, s.frames, s.records, s.entries = s.text[:st.text], s.frames[:st.frames], s.records[:st.records], s.entries[:st.entries]
}

// Clone returns an independent Scanner at the same place.
func (s *Scanner) Clone() *Scanner {
	return &Scanner{s.st, append([]byte(nil), s.text...), append([]frame(nil), s.frames...),
		append([]record(nil), s.records...), append([]entry(nil), s.entries...)}
}

// Outside reports whether the text stands in no container.
func (s *Scanner) Outside() bool { return s.st.top < 0 }

// Leave forgets the containers that are open: the document has ended, in whatever way.
func (s *Scanner) Leave() { s.st = State{top: -1} }

// Seen reports whether values are remembered in any open container.
func (s *Scanner) Seen() bool { return s.st.top >= 0 && s.frames[s.st.top].seen }

// Step reads one byte. distinct tells that the text before it may stand in a value that must
// differ from others, or where one begins: such values are kept. ended tells that with the
// byte an item or a name ends, or may have ended, for numbers; then Ended must be
// called. dup tells that it equals one that was remembered.
func (s *Scanner) Step(b byte, distinct bool) (dup, ended bool) {
	st := &s.st
	switch st.mode {
	case modeString, modeNameString:
		if !s.character(b) {
			return false, false
		}
		if st.mode == modeNameString {
			return s.endName()
		}
		s.scalar(kindString, int(st.start))
		return s.endValue(st.keep)
	case modeNumber:
		if isNumberByte(b) {
			if st.keep {
				s.text = append(s.text, b)
			}
			return s.numberMayEnd()
		}
		s.endNumber()
	case modeLiteral:
		st.letters++
		if st.letters < literalLength(st.literal) {
			return false, false
		}
		s.scalar(st.literal, len(s.text))
		return s.endValue(st.keep)
	}
	switch {
	case b == ' ' || b == '\n' || b == '\t' || b == '\r':
	case st.mode == modeValue && b != ']':
		return s.beginValue(b, distinct)
	case st.mode == modeOutside && (b == '[' || b == '{'):
		s.open(b, false)
	case st.mode == modeName && b == '"':
		st.mode, st.start, st.keep = modeNameString, int32(len(s.text)), distinct
	case st.mode == modeColon && b == ':':
		st.mode = modeValue
	case st.mode == modeAfter && b == ',':
		st.mode = modeName
		if s.frames[st.top].array {
			st.mode = modeValue
		}
	case (b == ']' || b == '}') && st.top >= 0:
		return s.close()
	}
	return false, false
}

// Skips reports whether Step would do nothing with a byte: a character of a string that need
// not be kept.
func (s *Scanner) Skips(b byte) bool {
	return s.st.mode >= modeString && !s.st.keep && s.st.esc == 0 && b != '"' && b != '\\' && s.st.mode <= modeNameString
}

// SkipsAll reports whether Step would do nothing with any of some bytes.
func (s *Scanner) SkipsAll(text []byte) bool {
	for _, b := range text {
		if !s.Skips(b) {
			return false
		}
	}
	return true
}

// Ended says whether what ended with the last byte, or would have, ended as a value that must
// differ, in some reading of the text. Then it is remembered.
func (s *Scanner) Ended(distinct bool) {
	st := &s.st
	switch {
	case st.mode == modeNumber:
		st.returned = distinct
	case distinct && st.mode == modeColon:
		s.rememberName()
	case distinct && st.mode == modeAfter:
		s.rememberItem()
	}
}

// beginValue reads the first byte of a value.
func (s *Scanner) beginValue(b byte, distinct bool) (dup, ended bool) {
	st := &s.st
	f := &s.frames[st.top]
	if f.array && (distinct || f.current) {
		f = s.version()
		f.index++
		f.current = distinct
		f.from = int32(len(s.records))
		f.root = f.path + step(uint64(f.index), f.depth)
		st.path = f.root
	}
	st.start, st.keep = int32(len(s.text)), distinct
	switch b {
	case '[', '{':
		s.open(b, distinct)
	case '"':
		st.mode = modeString
	case 't', 'f', 'n':
		st.mode, st.literal, st.letters = modeLiteral, b, 1
	default:
		if isNumberByte(b) {
			st.mode, st.returned = modeNumber, false
			if st.keep {
				s.text = append(s.text, b)
			}
			return s.numberMayEnd()
		}
	}
	return false, false
}

// version puts a copy of the innermost container on top and returns it.
func (s *Scanner) version() *frame {
	s.frames = append(s.frames, s.frames[s.st.top])
	s.st.top = int32(len(s.frames)) - 1
	return &s.frames[s.st.top]
}

func (s *Scanner) open(b byte, kept bool) {
	st := &s.st
	f := frame{parent: st.top, outer: -1, last: -1, index: -1, array: b == '[', kept: kept}
	if st.top >= 0 {
		p := &s.frames[st.top]
		f.depth, f.seen, f.outer = p.depth+1, p.seen, p.outer
		if p.array && p.last >= 0 {
			f.outer = st.top
		}
	}
	if kept {
		f.path = st.path
		s.records = append(s.records, record{path: st.path, kind: b})
	}
	st.mode = modeName
	if f.array {
		st.mode = modeValue
	}
	s.frames = append(s.frames, f)
	st.top = int32(len(s.frames)) - 1
}

func (s *Scanner) close() (dup, ended bool) {
	st := &s.st
	kept := s.frames[st.top].kept
	st.top = s.frames[st.top].parent
	if st.top < 0 {
		st.mode = modeOutside
		return false, false
	}
	return s.endValue(kept)
}

// scalar records the scalar that has ended; its text begins at from.
func (s *Scanner) scalar(kind byte, from int) {
	if s.st.keep {
		s.records = append(s.records, newRecord(s.st.path, kind, s.text, from))
	}
}

// endValue is called after the last byte of a value.
func (s *Scanner) endValue(kept bool) (dup, ended bool) {
	st := &s.st
	st.mode = modeAfter
	f := &s.frames[st.top]
	if !kept || !f.array {
		return false, false
	}
	return s.repeated(f), true
}

// endName is called after the closing quote of a name.
func (s *Scanner) endName() (dup, ended bool) {
	st := &s.st
	st.mode = modeColon
	if !st.keep {
		return false, false
	}
	f := &s.frames[st.top]
	r := newRecord(f.path, kindName, s.text, int(st.start))
	s.records = append(s.records, r)
	st.path = f.path + step(r.hash, f.depth)
	for e := f.last; e >= 0; e = s.entries[e].prev {
		if s.same(&s.records[s.entries[e].from], &r) {
			return true, true
		}
	}
	return false, true
}

func (s *Scanner) rememberName() {
	f := s.version()
	at := int32(len(s.records)) - 1
	s.entries = append(s.entries, entry{prev: f.last, from: at, to: at + 1, root: f.path})
	f.last, f.seen = int32(len(s.entries))-1, true
}

func (s *Scanner) rememberItem() {
	f := s.version()
	to := int32(len(s.records))
	s.entries = append(s.entries, entry{prev: f.last, from: f.from, to: to, root: f.root, sum: s.sum(f.from, to, f.root)})
	f.last, f.seen = int32(len(s.entries))-1, true
}

// InString reports whether the text stands within a string or name.
func (s *Scanner) InString() bool { return s.st.mode == modeString || s.st.mode == modeNameString }
