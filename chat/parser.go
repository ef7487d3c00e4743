package chat

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/callama/callama/grammar/schema"
)

// EventKind says what an Event reports.
type EventKind uint8

// The kinds of events. The events of one call are CallStart, any number of CallArguments,
// and CallEnd, or CallDropped when the text turned out not to be a call: what was reported
// of it is void, and its text follows as content. Constrained text never drops a call.
// ReasoningText comes before all others.
const (
	ContentText EventKind = iota
	CallStart
	CallArguments
	CallEnd
	CallDropped
	ReasoningText
)

// Event is one increment of a parsed reply. Text is content, or a fragment of arguments as
// the model wrote them; the fragments of a call add up to its Arguments. Text is valid
// UTF-8 whenever the whole reply is: a character is never cut.
type Event struct {
	Kind  EventKind
	Text  string
	Index int    // of the call within the reply, from 0
	Name  string // CallStart only
	ID    string // CallStart only; "" without CallIDs
}

// Parser reads a generated reply as it comes, in pieces that may be cut anywhere, and tells
// content from calls. Pieces do not matter: any split of a text gives the same content,
// calls and concatenated events. A Parser is not safe for concurrent use. Its cost is
// linear in the text.
//
// A call is the dialect's notation with a JSON object inside that has a string "name" and
// an object of arguments ("arguments" or "parameters"), in any order and beside other
// members, with any white space between tokens. Text that is not such a call is content.
// White space before a call and between and after calls is framing and dropped.
type Parser struct {
	// IDs names the calls; nil leaves their ID empty. Set it before the first Write.
	IDs *CallIDs
	// Reasoning says how the reply begins with thoughts. Set it before the first Write.
	Reasoning Reasoning
	// Arguments says, by tool, how the texts of arguments are to be read where they stand
	// between tags (schema.Compiler.ToolMarkup). What it does not know is JSON if it reads as
	// such, and else a string. Set it before the first Write.
	Arguments map[string]schema.Arguments

	form    *form
	state   parserState
	held    []byte // white space, or the start of a trigger, that may still become framing
	matched int    // bytes of a trigger or lead at the end of held

	raw     []byte // the text of the call being read, from its trigger on; see fail
	closing int    // inClose: bytes of the closing text that were read
	mark    int    // inClose: where in raw the closing text began
	object  callReader
	started bool // CallStart of the call being read was reported
	sent    int  // bytes of its arguments that were reported
	id      string

	thoughts []byte
	thought  int // bytes of thoughts that were reported

	content []byte
	runes   []byte // end of content not yet reported: part of a character
	calls   []Call
	events  []Event
}

type parserState uint8

const (
	inStart   parserState = iota // before the first byte
	inOpening                    // what may open the thoughts
	inThoughts
	afterThoughts // white space behind them
	inText        // content; calls may open
	inPlain       // content to the end: the dialect's calls stand at the start only
	inObject      // the JSON object of a call
	inClose       // behind the object: the closing text must follow
	inArray       // after an object in an array: ',' or ']'
	afterCall     // after the block of a call
)

// callReader reads one call, without its frame, byte by byte.
type callReader interface {
	step(c byte) scanResult
	// call returns the call's name and arguments as far as they are known: "" and nil.
	call() (name string, arguments []byte)
	// pending is the number of bytes last read that may belong to another call.
	pending() int
}

// NewParser returns a Parser for one reply.
func (d Dialect) NewParser() *Parser { return &Parser{form: d.shape()} }

// contentForm is a notation without calls.
var contentForm form

// NewContentParser returns a Parser of replies in which no call can be: it tells content from
// thoughts.
func NewContentParser() *Parser { return &Parser{form: &contentForm} }

// Write reads the next piece of the reply and returns what it settled. The events are
// valid until the next Write.
func (p *Parser) Write(text string) []Event {
	p.events = p.events[:0]
	for i := range len(text) {
		p.step(text[i])
	}
	p.report()
	return p.events
}

// Close ends the reply and returns its content and its complete calls. complete is false
// when the text ended within a call: that call is not among the calls and its text, which
// Pending returns, is not content. Content that was held back until now is not reported by
// an event of its own; Rest returns it.
func (p *Parser) Close() (content string, calls []Call, complete bool) {
	before := len(p.content)
	complete = true
	switch {
	case p.state == inThoughts: // held may begin the closing tag
		p.thoughts = append(p.thoughts, p.held...)
		if p.thought == 0 {
			p.thoughts = append(p.thoughts[:0], bytes.TrimLeft(p.thoughts, spaces)...)
		}
		p.held = p.held[:0]
	case p.state == afterThoughts:
		p.held = p.held[:0]
	case p.openCall():
		complete = false
	case p.state == afterCall && p.matched == 0: // held is white space
		p.held = p.held[:0]
	default:
		p.content = append(p.content, p.held...)
		p.held = p.held[:0]
	}
	p.runes = append(p.runes, p.content[before:]...)
	return string(p.content), slices.Clone(p.calls), complete
}

// Thoughts returns the reasoning before the reply, without white space around it.
func (p *Parser) Thoughts() string { return string(bytes.TrimRight(p.thoughts, spaces)) }

// RestThoughts returns, after Close, the end of the thoughts that no event reported.
func (p *Parser) RestThoughts() string { return p.Thoughts()[p.thought:] }

// Rest returns, after Close, the end of the content that no event reported.
func (p *Parser) Rest() string { return string(p.runes) }

// Pending returns the text that the parser holds back: the start of what may become a
// call, or after Close a call that was cut.
func (p *Parser) Pending() string { return string(p.held) + string(p.raw) }

// openCall reports whether a call was opened and is not closed.
func (p *Parser) openCall() bool {
	return p.state == inObject || p.state == inClose || p.state == inArray
}

// spaces are the characters of isSpace.
const spaces = " \t\r\n"

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// step consumes one byte.
func (p *Parser) step(c byte) {
	switch p.state {
	case inStart:
		switch {
		case p.Reasoning.Close == "":
			p.begin()
		case p.Reasoning.Begun:
			p.state = inThoughts
		default:
			p.state = inOpening
		}
		p.step(c)
	case inOpening:
		p.stepOpening(c)
	case inThoughts:
		p.stepThoughts(c)
	case afterThoughts:
		if !isSpace(c) {
			p.begin()
			p.step(c)
		}
	case inText, afterCall:
		p.stepText(c)
	case inPlain:
		p.content = append(p.content, c)
		p.runes = append(p.runes, c)
	case inObject:
		p.stepObject(c)
	case inClose:
		p.stepClose(c)
	case inArray:
		p.stepArray(c)
	}
}

// begin goes on behind the thoughts, or where there are none.
func (p *Parser) begin() {
	p.reportThoughts()
	if p.state = inText; p.form == &contentForm {
		p.state = inPlain
	}
}

// stepOpening reads white space and then what may open the thoughts.
func (p *Parser) stepOpening(c byte) {
	p.held = append(p.held, c)
	if p.matched == 0 && isSpace(c) {
		return
	}
	open := p.Reasoning.Open
	if c == open[p.matched] {
		if p.matched++; p.matched == len(open) {
			p.held, p.matched = p.held[:0], 0
			p.state = inThoughts
		}
		return
	}
	again := slices.Clone(p.held)
	p.held, p.matched = p.held[:0], 0
	p.begin()
	for _, c := range again {
		p.step(c)
	}
}

// stepThoughts reads thoughts up to the tag that closes them.
func (p *Parser) stepThoughts(c byte) {
	p.held = append(p.held, c)
	closing := p.Reasoning.Close
	n := min(len(p.held), len(closing))
	for n > 0 && string(p.held[len(p.held)-n:]) != closing[:n] {
		n--
	}
	if n == len(closing) {
		p.thoughts = append(p.thoughts, p.held[:len(p.held)-n]...)
		p.held, p.state = p.held[:0], afterThoughts
		return
	}
	p.thoughts = append(p.thoughts, p.held[:len(p.held)-n]...)
	p.held = append(p.held[:0], p.held[len(p.held)-n:]...)
}

// stepText looks for the start of a call.
func (p *Parser) stepText(c byte) {
	trigger := p.form.trigger
	if trigger == "" {
		p.stepLead(c)
		return
	}
	p.held = append(p.held, c)
	// The longest end of held that begins the trigger, by trying; held is as short as the
	// trigger behind its white space, and a trigger has no long borders.
	n := p.matched + 1
	for n > 0 && string(p.held[len(p.held)-n:]) != trigger[:n] {
		n--
	}
	p.matched = n
	switch {
	case n == len(trigger):
		p.raw = append(p.raw[:0], p.held...)
		p.held, p.matched = p.held[:0], 0
		p.openObject()
	case n == 0 && !isSpace(c):
		p.release(len(p.held))
	default:
		p.releaseBroken(len(p.held) - n)
	}
}

// releaseBroken makes the first n held bytes content, but for white space at their end: it
// stays held, because a call may follow.
func (p *Parser) releaseBroken(n int) {
	for n > 0 && isSpace(p.held[n-1]) {
		n--
	}
	if n > 0 {
		p.release(n)
	}
}

// release makes the first n held bytes content.
func (p *Parser) release(n int) {
	p.content = append(p.content, p.held[:n]...)
	p.runes = append(p.runes, p.held[:n]...)
	p.held = append(p.held[:0], p.held[n:]...)
	p.state = inText
}

// stepLead decides at the start of the reply whether it is calls or content.
func (p *Parser) stepLead(c byte) {
	p.held = append(p.held, c)
	if p.matched == 0 && isSpace(c) {
		return
	}
	p.matched++
	lead := string(p.held[len(p.held)-p.matched:])
	for _, open := range p.form.leads {
		if p.state == afterCall || !strings.HasPrefix(open, lead) {
			continue
		}
		if len(lead) < len(open) {
			return
		}
		p.raw = append(p.raw[:0], p.held...)
		p.held, p.matched = p.held[:0], 0
		p.openObject()
		if c == '{' { // the lead is the object's own brace
			p.raw = p.raw[:len(p.raw)-1]
			p.stepObject(c)
		}
		return
	}
	p.release(len(p.held))
	p.state, p.matched = inPlain, 0
}

// openObject makes the parser read the object of a call, behind what opens it.
func (p *Parser) openObject() {
	p.object = &callScanner{}
	if p.form.markup != nil {
		p.object = &markupScanner{form: p.form, of: p.Arguments}
	}
	p.state = inObject
}

// stepClose reads the closing text of a call, white space before it aside.
func (p *Parser) stepClose(c byte) {
	closing := strings.TrimSpace(p.form.close)
	if p.closing == 0 && isSpace(c) {
		p.raw = append(p.raw, c)
		return
	}
	if c != closing[p.closing] {
		p.fail(c, p.mark)
		return
	}
	p.raw = append(p.raw, c)
	if p.closing++; p.closing == len(closing) {
		p.acceptCall()
		p.endBlock()
	}
}

// stepObject reads the JSON object of a call.
func (p *Parser) stepObject(c byte) {
	mark := len(p.raw) - p.object.pending()
	switch p.object.step(c) {
	case scanError:
		p.fail(c, mark)
		return
	case scanDone:
		p.raw = append(p.raw, c)
		p.reportCall()
		p.endObject()
		return
	}
	p.raw = append(p.raw, c)
	p.reportCall()
}

// endObject continues behind the object of a call.
func (p *Parser) endObject() {
	switch {
	case p.form.array:
		p.acceptCall()
		p.state = inArray
	case p.form.close == "":
		p.acceptCall()
		p.endBlock()
	default:
		p.state, p.closing, p.mark = inClose, 0, len(p.raw)
	}
}

// endBlock ends a call, or an array of calls, with its frame.
func (p *Parser) endBlock() {
	p.raw = p.raw[:0]
	p.state = afterCall
}

// acceptCall adds the call that was read to the calls.
func (p *Parser) acceptCall() {
	p.reportArguments(true)
	name, arguments := p.object.call()
	call := Call{ID: p.id, Name: name, Arguments: json.RawMessage(slices.Clone(arguments))}
	p.calls = append(p.calls, call)
	p.events = append(p.events, Event{Kind: CallEnd, Index: len(p.calls) - 1})
	p.started, p.sent, p.id = false, 0, ""
	p.raw = p.raw[:0]
}

// stepArray reads what stands between the objects of an array.
func (p *Parser) stepArray(c byte) {
	switch {
	case isSpace(c):
		p.raw = append(p.raw, c)
	case c == ',':
		p.raw = append(p.raw[:0], c)
		p.openObject()
	case c == ']':
		p.endBlock()
	default:
		p.fail(c, len(p.raw))
	}
}

// reportCall adds the events for what is new of the call being read.
func (p *Parser) reportCall() {
	name, arguments := p.object.call()
	if name == "" || arguments == nil {
		return
	}
	if !p.started {
		p.reportContent(true)
		p.started = true
		if p.IDs != nil {
			p.id = p.IDs.Next()
		}
		p.events = append(p.events, Event{Kind: CallStart, Index: len(p.calls), Name: name, ID: p.id})
	}
}

// report adds the events that are due at the end of a Write.
func (p *Parser) report() {
	p.reportThoughts()
	if p.started {
		p.reportArguments(false)
	}
	p.reportContent(false)
}

// reportThoughts reports the thoughts not yet reported, without white space around them.
func (p *Parser) reportThoughts() {
	if p.thought == 0 {
		p.thoughts = append(p.thoughts[:0], bytes.TrimLeft(p.thoughts, spaces)...)
	}
	fresh := p.thoughts[p.thought:]
	fresh = bytes.TrimRight(fresh[:wholeRunes(fresh)], spaces)
	if len(fresh) > 0 {
		p.events = append(p.events, Event{Kind: ReasoningText, Text: string(fresh)})
		p.thought += len(fresh)
	}
}

// reportContent reports the content not yet reported, up to the last whole character
// unless all is set.
func (p *Parser) reportContent(all bool) {
	n := len(p.runes)
	if !all {
		n = wholeRunes(p.runes)
	}
	if n > 0 {
		p.events = append(p.events, Event{Kind: ContentText, Text: string(p.runes[:n])})
		p.runes = append(p.runes[:0], p.runes[n:]...)
	}
}

// reportArguments does the same for the arguments of the call being read.
func (p *Parser) reportArguments(all bool) {
	_, arguments := p.object.call()
	fresh := arguments[p.sent:]
	n := len(fresh)
	if !all {
		n = wholeRunes(fresh)
	}
	if n > 0 {
		p.events = append(p.events, Event{Kind: CallArguments, Index: len(p.calls), Text: string(fresh[:n])})
		p.sent += n
	}
}

// wholeRunes returns the length of b without a character cut at its end.
func wholeRunes(b []byte) int {
	for back := 1; back <= min(len(b), utf8.UTFMax-1); back++ {
		if c := b[len(b)-back]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-back:]) {
				return len(b) - back
			}
			break
		}
	}
	return len(b)
}

// fail gives up the call being read, at the byte c that cannot continue it. The text of
// the call up to mark (where the token that c breaks began) is content; from there on the
// text is read again, because a call may begin there.
func (p *Parser) fail(c byte, mark int) {
	if p.started {
		p.events = append(p.events, Event{Kind: CallDropped, Index: len(p.calls)})
		p.started, p.sent, p.id = false, 0, ""
	}
	again := append(slices.Clone(p.raw[mark:]), c)
	p.content = append(p.content, p.raw[:mark]...)
	p.runes = append(p.runes, p.raw[:mark]...)
	p.raw, p.object = p.raw[:0], nil
	p.state, p.matched = inText, 0
	if p.form.trigger == "" {
		p.state = inPlain
	}
	for _, c := range again {
		p.step(c)
	}
}
