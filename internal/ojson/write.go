package ojson

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Style says how Append lays a value out. The zero value is Compact.
type Style struct {
	// ItemSep and KeySep stand between items and after a member's name; empty means ","
	// and ":". Beside Indent an ItemSep that ends in a blank leaves it at the end of the
	// line, as in Python when both are given.
	ItemSep, KeySep string
	// Indent, when not zero, puts every item on its own line, indented by Indent spaces
	// for each level, as Python's indent=N; a negative Indent means new lines without
	// indentation, as Python's indent=0. Empty containers stay "[]" and "{}".
	Indent int
	// ASCII writes every character outside printable ASCII as \uXXXX, as Python's
	// ensure_ascii=True.
	ASCII bool
	// SortKeys writes members in the order of their names' code points.
	SortKeys bool
	// Number, when not nil, returns what is written for the literal of a number.
	Number func(literal string) string
}

// The styles in use: Compact is encoding/json's, Python is json.dumps with its default
// separators and ensure_ascii=False, the form in which chat templates and training data
// show JSON.
var (
	Compact = Style{}
	Python  = Style{ItemSep: ", ", KeySep: ": "}
)

// Append appends the JSON text of v to dst and returns it. Numbers are written as they
// were read, unless the style says otherwise; text that is not valid UTF-8 is written with
// U+FFFD in place of each bad byte. So the output is always valid JSON, if style.Number's
// is. A nil Value is null.
func (v *Value) Append(dst []byte, style Style) []byte {
	if style.ItemSep == "" {
		style.ItemSep = ","
	}
	if style.KeySep == "" {
		style.KeySep = ":"
	}
	return v.append(dst, &style, 0)
}

// String returns the Compact text of v.
func (v *Value) String() string { return string(v.Append(nil, Compact)) }

func (v *Value) append(dst []byte, style *Style, level int) []byte {
	if v == nil {
		return append(dst, "null"...)
	}
	switch v.Kind {
	case Bool:
		if v.Bool {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case Number:
		if style.Number != nil {
			return append(dst, style.Number(v.Text)...)
		}
		return append(dst, v.Text...)
	case String:
		return AppendString(dst, v.Text, style.ASCII)
	case Array:
		return v.appendArray(dst, style, level)
	case Object:
		return v.appendObject(dst, style, level)
	}
	return append(dst, "null"...)
}

func (v *Value) appendArray(dst []byte, style *Style, level int) []byte {
	if len(v.Items) == 0 {
		return append(dst, "[]"...)
	}
	dst = append(dst, '[')
	for i, item := range v.Items {
		if i > 0 {
			dst = append(dst, style.ItemSep...)
		}
		dst = style.newLine(dst, level+1)
		dst = item.append(dst, style, level+1)
	}
	dst = style.newLine(dst, level)
	return append(dst, ']')
}

func (v *Value) appendObject(dst []byte, style *Style, level int) []byte {
	if len(v.Members) == 0 {
		return append(dst, "{}"...)
	}
	members := v.Members
	if style.SortKeys {
		members = slices.Clone(members)
		slices.SortStableFunc(members, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	}
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, style.ItemSep...)
		}
		dst = style.newLine(dst, level+1)
		dst = AppendString(dst, m.Name, style.ASCII)
		dst = append(dst, style.KeySep...)
		dst = m.Value.append(dst, style, level+1)
	}
	dst = style.newLine(dst, level)
	return append(dst, '}')
}

func (s *Style) newLine(dst []byte, level int) []byte {
	if s.Indent == 0 {
		return dst
	}
	dst = append(dst, '\n')
	for range max(s.Indent, 0) * level {
		dst = append(dst, ' ')
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string with the escapes that Python's json module
// chooses: \" \\ \n \r \t \f \b by name, other control characters as \u00XX, and with
// ascii everything outside printable ASCII as \uXXXX (a pair of surrogates beyond U+FFFF).
func AppendString(dst []byte, s string, ascii bool) []byte {
	dst = append(dst, '"')
	plain := 0 // from here on s stands as it is
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if i++; c >= ' ' && c != '"' && c != '\\' && (c != 0x7f || !ascii) {
				continue
			}
			dst = append(dst, s[plain:i-1]...)
			dst = appendEscape(dst, c)
			plain = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if i += size; !ascii && (r != utf8.RuneError || size > 1) {
			continue
		}
		dst = append(dst, s[plain:i-size]...)
		dst = appendRune(dst, r, ascii)
		plain = i
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}

// appendEscape writes a character of ASCII that does not stand for itself.
func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case '\f':
		return append(dst, '\\', 'f')
	case '\b':
		return append(dst, '\\', 'b')
	}
	return appendHex(dst, rune(c))
}

func appendRune(dst []byte, r rune, ascii bool) []byte {
	switch {
	case !ascii:
		return utf8.AppendRune(dst, r)
	case r > 0xFFFF:
		r -= 0x10000
		return appendHex(appendHex(dst, 0xD800+r>>10), 0xDC00+r&0x3FF)
	}
	return appendHex(dst, r)
}

func appendHex(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
