package ojson

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/callama/callama/internal/slab"
)

// Parse reads exactly one JSON document (RFC 8259); trailing text other than white space
// is an error. Like encoding/json it reads bytes that are not UTF-8, and halves of
// surrogate pairs, as U+FFFD. Errors carry the byte offset. Cost: one pass; values are
// allocated by the block, and strings without escapes share one copy of the text.
func Parse(data []byte) (*Value, error) { return new(Parser).Parse(data) }

// Parser parses documents one after the other, with the same memory for the values of each. The zero
// Parser is ready to use. It is not safe for concurrent use.
type Parser struct {
	values  slab.Slab[Value]
	items   slab.Slab[*Value]
	members slab.Slab[Member]

	// The memory of parser.members and parser.items, for the next document.
	open    []Member
	pending []*Value
}

// Reset makes the memory of all values free for others: they must not be used any more. Their
// strings may.
func (p *Parser) Reset() {
	p.values.Reset()
	p.items.Reset()
	p.members.Reset()
}

// maxOpen bounds the members and items of open objects and arrays for which memory is kept.
const maxOpen = 1024

// keep takes the memory of a parser that is done, without what is left in it.
func (p *Parser) keep(in *parser) {
	p.open, p.pending = nil, nil
	if cap(in.members) <= maxOpen {
		p.open = in.members[:0]
		clear(in.members[:max(in.mostMembers, len(in.members))])
	}
	if cap(in.items) <= maxOpen {
		p.pending = in.items[:0]
		clear(in.items[:max(in.mostItems, len(in.items))])
	}
}

// Parse is like the function Parse. Its values are valid until Reset.
func (p *Parser) Parse(data []byte) (*Value, error) {
	in := &parser{text: string(data), mem: p, members: p.open[:0], items: p.pending[:0]}
	in.space()
	v, err := in.value(0)
	p.keep(in)
	if err == nil {
		if in.space(); in.at < len(in.text) {
			err = errors.New("unexpected text after the document")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("json: at byte %d: %w", in.at, err)
	}
	return v, nil
}

type parser struct {
	text string
	at   int
	mem  *Parser

	block   []Value  // values not yet given out
	items   []*Value // of the arrays that are open, innermost last
	members []Member // of the objects that are open

	mostMembers, mostItems int // that these have held
}

// maxBlock bounds the values of one block. The first is sized by the text.
const maxBlock = 256

func (p *parser) make(kind Kind) *Value {
	if len(p.block) == 0 {
		const bytesPerValue = 24
		p.block = p.mem.values.Take(min((len(p.text)-p.at)/bytesPerValue+1, maxBlock))
	}
	v := &p.block[0]
	p.block = p.block[1:]
	v.Kind = kind
	return v
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// unexpected is the error for what stands here.
func (p *parser) unexpected(where string) error {
	if p.at >= len(p.text) {
		return io.ErrUnexpectedEOF
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return fmt.Errorf("invalid character %q %s", r, where)
}

// value reads a value at its first character, and the white space behind it.
func (p *parser) value(depth int) (*Value, error) {
	if p.at >= len(p.text) {
		return nil, io.ErrUnexpectedEOF
	}
	var v *Value
	var err error
	switch c := p.text[p.at]; {
	case c == '"':
		v = p.make(String)
		v.Text, err = p.string()
	case c == '{' || c == '[':
		if depth >= MaxDepth {
			return nil, fmt.Errorf("nested deeper than %d containers", MaxDepth)
		}
		p.at++
		if c == '{' {
			v, err = p.object(depth)
		} else {
			v, err = p.array(depth)
		}
	case c == '-' || '0' <= c && c <= '9':
		v = p.make(Number)
		v.Text, err = p.number()
	case c == 't':
		v = p.make(Bool)
		v.Bool = true
		err = p.word("true")
	case c == 'f':
		v = p.make(Bool)
		err = p.word("false")
	case c == 'n':
		v = p.make(Null)
		err = p.word("null")
	default:
		return nil, p.unexpected("where a value should begin")
	}
	if err == nil {
		p.space()
	}
	return v, err
}

func (p *parser) word(w string) error {
	for i := range len(w) {
		if p.at >= len(p.text) || p.text[p.at] != w[i] {
			return p.unexpected("in " + w)
		}
		p.at++
	}
	return nil
}

func (p *parser) array(depth int) (*Value, error) {
	v := p.make(Array)
	from := len(p.items)
	if p.space(); p.next(']') {
		return v, nil
	}
	for {
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		p.items = append(p.items, item)
		if p.next(']') {
			break
		}
		if !p.next(',') {
			return nil, p.unexpected("after an item of an array")
		}
		p.space()
	}
	v.Items = p.mem.items.Copy(p.items[from:])
	p.mostItems = max(p.mostItems, len(p.items))
	p.items = p.items[:from]
	return v, nil
}

func (p *parser) object(depth int) (*Value, error) {
	v := p.make(Object)
	from := len(p.members)
	var index map[string]int // once there are many
	if p.space(); p.next('}') {
		return v, nil
	}
	for {
		if p.at >= len(p.text) || p.text[p.at] != '"' {
			return nil, p.unexpected("where a name should begin")
		}
		name, err := p.string()
		if err != nil {
			return nil, err
		}
		if p.space(); !p.next(':') {
			return nil, p.unexpected("after a name")
		}
		p.space()
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if at := p.find(from, name, &index); at >= 0 {
			p.members[from+at].Value = item
		} else {
			p.members = append(p.members, Member{Name: name, Value: item})
		}
		if p.next('}') {
			break
		}
		if !p.next(',') {
			return nil, p.unexpected("after a member of an object")
		}
		p.space()
	}
	v.Members = p.mem.members.Copy(p.members[from:])
	p.mostMembers = max(p.mostMembers, len(p.members))
	p.members = p.members[:from]
	return v, nil
}

// manyMembers is the number from which names are found by an index.
const manyMembers = 16

// find returns the place of a name among the members read so far, from an index of which
// is kept once there are many; without one, -1, and the name is expected there next.
func (p *parser) find(from int, name string, index *map[string]int) int {
	members := p.members[from:]
	if len(members) < manyMembers {
		for i := range members {
			if members[i].Name == name {
				return i
			}
		}
		return -1
	}
	if *index == nil {
		*index = make(map[string]int, 2*len(members))
		for i := range members {
			(*index)[members[i].Name] = i
		}
	}
	if at, ok := (*index)[name]; ok {
		return at
	}
	(*index)[name] = len(members)
	return -1
}

func (p *parser) next(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) digits() error {
	if p.at >= len(p.text) || p.text[p.at] < '0' || p.text[p.at] > '9' {
		return p.unexpected("in a number")
	}
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	return nil
}

func (p *parser) number() (string, error) {
	from := p.at
	p.next('-')
	if !p.next('0') {
		if err := p.digits(); err != nil {
			return "", err
		}
	}
	if p.next('.') {
		if err := p.digits(); err != nil {
			return "", err
		}
	}
	if p.next('e') || p.next('E') {
		if !p.next('+') {
			p.next('-')
		}
		if err := p.digits(); err != nil {
			return "", err
		}
	}
	return p.text[from:p.at], nil
}

// string reads a string at its opening quote.
func (p *parser) string() (string, error) {
	p.at++
	from := p.at
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return p.text[from : p.at-1], nil
		case c == '\\' || c >= utf8.RuneSelf:
			return p.rest(from)
		case c < ' ':
			return "", p.unexpected("in a string")
		}
	}
	return "", io.ErrUnexpectedEOF
}

// rest reads on in a string that begins at from and has an escape or a character beyond
// ASCII here.
func (p *parser) rest(from int) (string, error) {
	var out strings.Builder // unused where the text stands as it is
	copied := from
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '"':
			p.at++
			if copied == from && out.Len() == 0 {
				return p.text[from : p.at-1], nil
			}
			out.WriteString(p.text[copied : p.at-1])
			return out.String(), nil
		case c == '\\':
			out.WriteString(p.text[copied:p.at])
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			out.WriteRune(r)
			copied = p.at
		case c < ' ':
			return "", p.unexpected("in a string")
		case c < utf8.RuneSelf:
			p.at++
		default:
			r, n := utf8.DecodeRuneInString(p.text[p.at:])
			if r == utf8.RuneError && n == 1 {
				out.WriteString(p.text[copied:p.at])
				out.WriteRune(r)
				copied = p.at + n
			}
			p.at += n
		}
	}
	return "", io.ErrUnexpectedEOF
}

func (p *parser) escape() (rune, error) {
	p.at++
	if p.at >= len(p.text) {
		return 0, io.ErrUnexpectedEOF
	}
	c := p.text[p.at]
	if c == 'u' {
		p.at++
		return p.unicode()
	}
	at := strings.IndexByte(`"\/bfnrt`, c)
	if at < 0 {
		return 0, p.unexpected("in an escape")
	}
	p.at++
	return rune("\"\\/\b\f\n\r\t"[at]), nil
}

// unicode reads what follows \u: a character, or a pair of surrogates.
func (p *parser) unicode() (rune, error) {
	r, err := p.hex()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if strings.HasPrefix(p.text[p.at:], `\u`) {
		back := p.at
		p.at += 2
		low, err := p.hex()
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, nil
		}
		p.at = back // it stands for itself
	}
	return utf8.RuneError, nil
}

func (p *parser) hex() (r rune, err error) {
	for range 4 {
		if p.at >= len(p.text) {
			return 0, io.ErrUnexpectedEOF
		}
		switch c := p.text[p.at]; {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, p.unexpected("in an escape")
		}
		p.at++
	}
	return r, nil
}
