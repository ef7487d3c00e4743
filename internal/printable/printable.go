// Package printable makes text from models and files safe to show: such text may hold
// anything, also what steers a terminal.
package printable

import (
	"strings"
	"unicode"
)

// Line returns text on one line: each character that cannot be seen, line breaks and the
// marks that change the direction of writing among them, is a blank.
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
