package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/internal/ojson"
)

// markupScanner reads a call whose arguments stand between tags, byte by byte, and writes
// them as a JSON object. White space between tags does not matter.
type markupScanner struct {
	form *form
	of   map[string]schema.Arguments // by tool

	state markupState
	text  []byte // what is read of the tag, the name or the value at hand
	tool  string
	key   string
	keys  map[string]bool
	// written is how many bytes of a string that is being read are part of args.
	written int
	args    []byte // nil until the tool's name is known
}

type markupState uint8

const (
	markupHead   markupState = iota // the text before the tool's name
	markupTool                      // its name
	markupTag                       // an argument, or the end
	markupKey                       // an argument's name
	markupMiddle                    // the text between an argument's name and its value
	markupValue
)

func (s *markupScanner) call() (name string, arguments []byte) { return s.tool, s.args }

// pending is how much of the text may belong to another call, if this is none.
func (s *markupScanner) pending() int {
	if s.state == markupHead || s.state == markupTag || s.state == markupMiddle {
		return len(s.text)
	}
	return 0
}

func (s *markupScanner) step(c byte) scanResult {
	m := s.form.markup
	switch s.state {
	case markupHead:
		if m.head == "" {
			s.state = markupTool
			return s.step(c)
		}
		return s.match(c, m.head, markupTool)
	case markupTool:
		return s.stepTool(c)
	case markupTag:
		return s.stepTag(c)
	case markupKey:
		s.text = append(s.text, c)
		if end := keyEnd(m.args); bytes.HasSuffix(s.text, []byte(end)) {
			s.key = string(s.text[:len(s.text)-len(end)])
			if s.key == "" || s.keys[s.key] {
				return scanError
			}
			s.begin(markupMiddle)
			if valueTag(m.args) == "" {
				s.state = markupValue
			}
		}
		return scanMore
	case markupMiddle:
		return s.match(c, valueTag(m.args), markupValue)
	}
	return s.stepValue(c)
}

// keyEnd is what ends an argument's name, valueTag the tag that opens its value, if any.
func keyEnd(m schema.Markup) string {
	if i := strings.IndexByte(m.Middle, '\n'); i >= 0 {
		return m.Middle[:i]
	}
	return m.Middle[:strings.IndexByte(m.Middle, '>')+1]
}

func valueTag(m schema.Markup) string { return strings.TrimSpace(m.Middle[len(keyEnd(m)):]) }

func (s *markupScanner) begin(state markupState) { s.state, s.text = state, s.text[:0] }

// match reads white space, then a tag.
func (s *markupScanner) match(c byte, tag string, then markupState) scanResult {
	if len(s.text) == 0 && isSpace(c) {
		return scanMore
	}
	if c != tag[len(s.text)] {
		return scanError
	}
	if s.text = append(s.text, c); len(s.text) == len(tag) {
		s.begin(then)
	}
	return scanMore
}

// stepTool reads the tool's name, up to a '>', or where none follows it a line break or tag.
func (s *markupScanner) stepTool(c byte) scanResult {
	m := s.form.markup
	if len(s.text) == 0 && isSpace(c) {
		return scanMore
	}
	end := c == '\n' || c == '<'
	if m.head != "" {
		if end {
			return scanError
		}
		end = c == '>'
	}
	if !end {
		s.text = append(s.text, c)
		return scanMore
	}
	s.tool = strings.TrimSpace(string(s.text))
	if s.tool == "" {
		return scanError
	}
	s.args, s.keys = []byte{'{'}, make(map[string]bool)
	s.begin(markupTag)
	if c == '<' {
		return s.step(c)
	}
	return scanMore
}

// stepTag reads the tag that opens an argument, or the one that ends the call.
func (s *markupScanner) stepTag(c byte) scanResult {
	m := s.form.markup
	if len(s.text) == 0 && isSpace(c) {
		return scanMore
	}
	s.text = append(s.text, c)
	switch text := string(s.text); {
	case text == m.args.Open:
		s.begin(markupKey)
	case text == m.foot:
		s.args = append(s.args, '}')
		s.begin(markupTag)
		return scanDone
	case !strings.HasPrefix(m.args.Open, text) && !strings.HasPrefix(m.foot, text):
		s.text = s.text[:len(s.text)-1]
		return scanError
	}
	return scanMore
}

// stepValue reads an argument up to the tag that ends it. JSON may hold the tag in a string: it
// ends where it is complete. A string that stands as it is becomes part of the arguments while it
// is read.
func (s *markupScanner) stepValue(c byte) scanResult {
	m := s.form.markup.args
	raw := s.of[s.tool][s.key] == schema.RawText
	if raw && len(s.text) == 0 {
		s.open()
		s.args, s.written = append(s.args, '"'), 0
	}
	s.text = append(s.text, c)
	end, done := len(s.text), bytes.HasSuffix(s.text, []byte(m.End))
	from := 0
	if m.Close != m.End && s.text[0] == '\n' { // a line break belongs to each tag
		from = 1
	}
	if done {
		end -= len(m.End)
		if m.Close != m.End && end > from && s.text[end-1] == '\n' {
			end--
		}
	}
	switch text := s.text[min(from, end):end]; {
	case raw:
		if !done {
			text = text[:wholeRunes(text[:len(text)-min(len(text), s.mayClose())])]
		}
		if len(text) > s.written {
			piece := ojson.AppendString(nil, string(text[s.written:]), false)
			s.args = append(s.args, piece[1:len(piece)-1]...)
			s.written = len(text)
		}
		if !done {
			return scanMore
		}
		s.args = append(s.args, '"')
	case !done, s.of[s.tool][s.key] == schema.JSONText && unfinished(text):
		return scanMore
	default:
		s.open()
		s.args = s.of[s.tool].Value(s.key, string(text)).Append(s.args, ojson.Python)
	}
	s.keys[s.key] = true
	s.begin(markupTag)
	return scanMore
}

// open appends the name of the argument at hand.
func (s *markupScanner) open() {
	if len(s.keys) > 0 {
		s.args = append(s.args, ", "...)
	}
	s.args = append(ojson.AppendString(s.args, s.key, false), ": "...)
}

// mayClose returns the length of the longest end of the value that may begin the tag that ends it.
func (s *markupScanner) mayClose() int {
	m := s.form.markup.args
	for n := min(len(s.text), len(m.Close)-1); n > 0; n-- {
		if tail := string(s.text[len(s.text)-n:]); strings.HasPrefix(m.Close, tail) || strings.HasPrefix(m.End, tail) {
			return n
		}
	}
	return 0
}

// unfinished reports whether a text begins a JSON value that goes on.
func unfinished(text []byte) bool {
	var v json.RawMessage
	err := json.NewDecoder(bytes.NewReader(text)).Decode(&v)
	return errors.Is(err, io.ErrUnexpectedEOF)
}
