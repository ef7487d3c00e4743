package schema

import (
	"strings"

	"github.com/callama/callama/grammar/regex"
)

// The format regex is context-free, as groups nest. Its members here nest maxGroups deep,
// and have neither assertions about what stands around, nor back references, nor named
// groups, nor class ranges that do not begin with a, A, 0 or 1: patterns that every
// dialect reads alike.
const maxGroups = 3

// patternState is what has been read of a pattern.
type patternState struct {
	groups int8 // open
	mode   patternMode
	// from is the first of a range in a class, or the lower number of a repetition, as
	// a character; 0 if what has been read is neither.
	from rune
	left int8 // hexadecimal digits still to come
	set  bool // within a class
}

type patternMode uint8

const (
	mayNotRepeat patternMode = iota // at the begin of an alternative, or behind an anchor
	mayRepeat                       // behind an atom
	mayBeLazy                       // behind a repetition
	groupOpened
	groupMarked // behind (?
	escaped
	controlled // behind \c
	hexDigits
	countBegun // behind {
	countLower
	countComma
	countUpper
	setOpened
	setBegun // behind [ or [^
	setItem
	setDash  // behind an item and -
	setRange // behind a range
)

const (
	patternSyntax = `^$\.*+?()[]{}|/-:,=`
	asciiLetters  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	asciiDigits   = "0123456789"
)

// regexes returns the automaton of the members of the format regex.
func regexes() *regex.DFA {
	var chars []rune // of each symbol; 0 for all others
	var alphabet []regex.Set
	rest := regex.AllRunes
	for _, r := range patternSyntax + asciiDigits + asciiLetters {
		chars = append(chars, r)
		alphabet = append(alphabet, regex.Set{{Lo: r, Hi: r}})
		rest = rest.Intersect(regex.Set{{Lo: r, Hi: r}}.Negate())
	}
	chars, alphabet = append(chars, 0), append(alphabet, rest)
	d, err := regex.Explore(regex.Machine[patternState]{
		Alphabet: alphabet,
		Step: func(s patternState, symbol int) (patternState, bool) {
			if s.set || s.mode >= setOpened {
				return s.inSet(chars[symbol])
			}
			return s.outside(chars[symbol])
		},
		Accept: func(s patternState) bool { return s.groups == 0 && s.mode <= mayBeLazy && !s.set },
	}, regex.Limits{})
	if err != nil {
		panic("schema: format: " + err.Error()) // a test makes every format
	}
	return d
}

// to returns the state in another mode, with nothing else kept than what is open.
func (s patternState) to(mode patternMode) (patternState, bool) {
	return patternState{groups: s.groups, mode: mode, set: s.set}, true
}

func isOneOf(r rune, chars string) bool { return r != 0 && strings.ContainsRune(chars, r) }

// outside reads a character outside of classes.
func (s patternState) outside(r rune) (patternState, bool) {
	switch s.mode {
	case escaped:
		return s.escape(r)
	case controlled:
		s.mode = mayRepeat
		return s, isOneOf(r, asciiLetters)
	case hexDigits:
		return s.hex(r)
	case countBegun, countLower, countComma, countUpper:
		return s.counting(r)
	case groupOpened:
		if r == '?' {
			return s.to(groupMarked)
		}
	case groupMarked:
		s.mode = mayNotRepeat
		return s, r == ':'
	}
	switch {
	case r == '^' || r == '$' || r == '|':
		return s.to(mayNotRepeat)
	case r == '\\':
		return s.to(escaped)
	case r == '(':
		s.groups++
		s.mode = groupOpened
		return s, s.groups <= maxGroups
	case r == ')':
		s.groups--
		s.mode = mayRepeat
		return s, s.groups >= 0
	case r == '[':
		return s.to(setOpened)
	case r == '?' && s.mode == mayBeLazy:
		return s.to(mayNotRepeat)
	case isOneOf(r, "*+?"):
		ok := s.mode == mayRepeat
		s.mode = mayBeLazy
		return s, ok
	case r == '{':
		ok := s.mode == mayRepeat
		s.mode = countBegun
		return s, ok
	}
	s.mode = mayRepeat
	return s, !isOneOf(r, "{}]")
}

// escape reads the character behind a backslash, in or outside of classes.
func (s patternState) escape(r rune) (patternState, bool) {
	after := mayRepeat
	if s.set {
		after = setRange // no range begins with an escape
	}
	switch {
	case isOneOf(r, "bB") && !s.set:
		return s.to(mayNotRepeat)
	case isOneOf(r, "dDwWsStnvfr"), isOneOf(r, `^$\.*+?()[]{}|/`), r == '-' && s.set:
		return s.to(after)
	case r == 'x':
		s.mode, s.left = hexDigits, 2
		return s, true
	case r == 'u':
		s.mode, s.left = hexDigits, 4
		return s, true
	}
	return s, false
}

func (s patternState) hex(r rune) (patternState, bool) {
	if s.left--; s.left == 0 {
		s.mode = mayRepeat
		if s.set {
			s.mode = setRange
		}
	}
	return s, isOneOf(r, asciiDigits+"abcdefABCDEF")
}

// counting reads {n}, {n,} and {n,m}, in which n has one digit unless m is missing.
func (s patternState) counting(r rune) (patternState, bool) {
	digit := isOneOf(r, asciiDigits)
	switch {
	case s.mode == countBegun && digit:
		s.mode, s.from = countLower, r
	case s.mode == countLower && r == '}' || s.mode == countComma && r == '}' || s.mode == countUpper && r == '}':
		return s.to(mayBeLazy)
	case s.mode == countLower && r == ',':
		s.mode = countComma
	case s.mode == countLower && digit && s.from > 0 && s.from != '0' && s.left < 2:
		s.left++ // at most three digits
	case s.mode == countComma && digit && s.left == 0 && r >= s.from && r != '0':
		s.mode = countUpper
	case s.mode == countUpper && digit && s.left < 2:
		s.left++
	default:
		return s, false
	}
	return s, true
}

// inSet reads a character of a class.
func (s patternState) inSet(r rune) (patternState, bool) {
	s.set = true
	switch s.mode {
	case escaped:
		return s.escape(r)
	case hexDigits:
		return s.hex(r)
	case setOpened:
		if r == '^' {
			s.mode = setBegun
			return s, true
		}
	case setDash:
		if r == ']' {
			break
		}
		kin := func(chars string) bool { return isOneOf(s.from, chars) && isOneOf(r, chars) }
		ok := s.from != 0 && r > s.from && (kin(asciiDigits) || kin(asciiLetters[:26]) || kin(asciiLetters[26:]))
		s.mode, s.from = setRange, 0
		return s, ok
	}
	switch {
	case r == ']':
		ok := s.mode != setOpened && s.mode != setBegun
		s.set, s.mode, s.from = false, mayRepeat, 0
		return s, ok
	case r == '\\':
		s.mode, s.from = escaped, 0
		return s, true
	case r == '-':
		// A dash that is not the last stands for itself only where no item comes before.
		if s.mode == setOpened || s.mode == setBegun {
			s.mode = setRange
			return s, true
		}
		s.mode = setDash
		return s, true
	case isOneOf(r, "[&~"), r == '^':
		return s, false
	}
	s.mode, s.from = setItem, 0
	if isOneOf(r, "aA01") {
		s.from = r
	}
	return s, true
}
