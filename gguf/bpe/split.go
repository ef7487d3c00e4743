// Package bpe is byte pair encoding (Sennrich et al., 2016) without a vocabulary: how text is
// cut into the pieces within which tokens are merged, and which merges a corpus teaches.
package bpe

import (
	"unicode"
	"unicode/utf8"
)

// The pre-tokenizers of Qwen2 and Llama 3 split text by one pattern, which differs only in
// how many digits stand together:
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,3} |
//	 ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+
//
// The functions below are its alternatives in order, written out: a pattern engine with
// look-ahead would backtrack, and take most of the time of a run.

// Piece returns the length in bytes of the first piece of text, which must not be empty;
// digits is the longest run of digits: 1 for Qwen2, 3 for Llama 3. A piece is never empty, and
// bytes that are not UTF-8 are symbols. Cost: linear in the piece.
func Piece(text string, digits int) int {
	if n := contraction(text); n > 0 {
		return n
	}
	first, size := utf8.DecodeRuneInString(text)
	if isLetter(first) {
		return span(text, 0, isLetter)
	}
	if unicode.Is(unicode.N, first) {
		return digitRun(text, digits)
	}
	next, _ := utf8.DecodeRuneInString(text[size:])
	more := size < len(text)
	if more && first != '\r' && first != '\n' && isLetter(next) {
		return span(text, size, isLetter)
	}
	switch {
	case isSymbol(first):
		return span(text, span(text, 0, isSymbol), isLineEnd)
	case first == ' ' && more && isSymbol(next):
		return span(text, span(text, size, isSymbol), isLineEnd)
	}
	return blanks(text)
}

// contraction matches the endings of English contractions.
func contraction(text string) int {
	if len(text) < 2 || text[0] != '\'' {
		return 0
	}
	switch text[1] | 0x20 {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if len(text) > 2 && text[2]|0x20 == 'e' {
			return 3
		}
	case 'l':
		if len(text) > 2 && text[2]|0x20 == 'l' {
			return 3
		}
	}
	return 0
}

// blanks matches white space at the start of text: up to its last line end, else all of
// it at the end of the text, else all but the last, which goes with the word after it.
func blanks(text string) int {
	end, last, line := 0, 0, 0
	for end < len(text) {
		r, size := utf8.DecodeRuneInString(text[end:])
		if !unicode.IsSpace(r) {
			break
		}
		last, end = end, end+size
		if isLineEnd(r) {
			line = end
		}
	}
	switch {
	case line > 0:
		return line
	case end == len(text) || last == 0:
		return end
	}
	return last
}

func digitRun(text string, most int) int {
	end := 0
	for range most {
		r, size := utf8.DecodeRuneInString(text[end:])
		if !unicode.Is(unicode.N, r) {
			break
		}
		end += size
	}
	return end
}

// span returns where the run of characters of a class that starts at from ends.
func span(text string, from int, class func(rune) bool) int {
	for i, r := range text[from:] {
		if !class(r) {
			return from + i
		}
	}
	return len(text)
}

func isLetter(r rune) bool  { return unicode.IsLetter(r) }
func isLineEnd(r rune) bool { return r == '\r' || r == '\n' }
func isSymbol(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.IsLetter(r) && !unicode.Is(unicode.N, r)
}
