package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/callama/callama/grammar"
)

// Bounds of the list of what may come next.
const (
	maxExpected       = 16
	maxExpectedPlaces = 64
)

// expected says what may come next: texts that the grammar spells out, classes of characters
// for the rest, tokens, and the end.
func (w *walk) expected(positions []grammar.Position, mayEnd bool) []string {
	var list []string
	add := func(s string) {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	var rest [256]bool
	for _, p := range positions {
		singles := 0
		for _, s := range p.Steps {
			if len(s.Text) > 0 {
				singles++
			}
		}
		for _, s := range p.Steps {
			// Where one place has many single characters they are a class.
			if len(s.Text) > 1 || len(s.Text) == 1 && singles <= 3 && s.Lo < 0x80 {
				add(quoted(s.Text))
				continue
			}
			for b := int(s.Lo); b <= int(s.Hi); b++ {
				rest[b] = true
			}
		}
		for _, t := range p.Tokens {
			if t.Negated {
				add(fmt.Sprintf("a token other than %s", w.vocab.Bytes(t.ID)))
			} else {
				add(fmt.Sprintf("token %s", w.vocab.Bytes(t.ID)))
			}
		}
	}
	if c := class(rest); c != "" {
		add(c)
	}
	if more := len(list) - maxExpected; more > 0 {
		list = append(list[:maxExpected], fmt.Sprintf("%d more", more))
	}
	if mayEnd {
		list = append(list, "the end")
	}
	return list
}

// quoted writes a text that is expected, in backquotes.
func quoted(text []byte) string {
	return "`" + visible(printable(text)) + "`"
}

// visible writes control characters as escapes.
func visible(s string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)
}

// class describes a set of bytes as a class of characters.
func class(set [256]bool) string {
	ascii, above, continued := 0, 0, false
	for b, in := range set {
		switch {
		case !in:
		case b < 0x80:
			ascii++
		case b < 0xC0:
			continued = true
		default:
			above++
		}
	}
	const most = 64 // characters from which on those that are missing are listed
	switch {
	case continued && ascii == 0 && above == 0:
		return "the rest of a character above ASCII"
	case ascii == 0 && above == 0:
		return ""
	case ascii == 0:
		return "a character above ASCII"
	case ascii > most && above > 0:
		if missing := ranges(set, false); missing != "" {
			return "any character but [" + missing + "]"
		}
		return "any character"
	}
	c := "[" + ranges(set, true) + "]"
	if above > 0 {
		c += " or a character above ASCII"
	}
	return c
}

// ranges writes the ASCII characters that are in the set, or are not.
func ranges(set [256]bool, in bool) string {
	var sb strings.Builder
	for b := 0; b < 0x80; b++ {
		if set[b] != in {
			continue
		}
		end := b
		for end+1 < 0x80 && set[end+1] == in {
			end++
		}
		sb.WriteString(classChar(b))
		if end > b+1 {
			sb.WriteByte('-')
		}
		if end > b {
			sb.WriteString(classChar(end))
		}
		b = end
	}
	return sb.String()
}

func classChar(b int) string {
	switch {
	case b == '\n':
		return `\n`
	case b == '\r':
		return `\r`
	case b == '\t':
		return `\t`
	case b < ' ' || b == 0x7F:
		return fmt.Sprintf(`\x%02x`, b)
	case strings.ContainsRune(`\]^-`, rune(b)):
		return `\` + string(rune(b))
	}
	return string(rune(b))
}
