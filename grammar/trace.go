package grammar

import (
	"errors"
	"fmt"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/internal/automaton"
	"github.com/callama/callama/grammar/internal/jsonscan"
	"github.com/callama/callama/grammar/internal/mask"
	"github.com/callama/callama/grammar/vocab"
)

// Trace follows one text through a grammar, byte by byte, and says where it stands in terms of
// the rules: for debuggers. It accepts what a Matcher accepts, but shares nothing
// with one and spends some hundred bytes of memory on each byte of the text. It is owned by
// one goroutine.
type Trace struct {
	prog  *automaton.Program
	cache *automaton.Cache
	vocab *vocab.Vocab
	at    int32

	scanner *jsonscan.Scanner // nil if no values must differ
}

// NewTrace prepares a grammar; errors are those of Compile. v names the tokens of token
// terminals; it may be nil where the grammar has none.
func NewTrace(g *gbnf.Grammar, v *vocab.Vocab) (*Trace, error) {
	if err := gbnf.CheckRules(g); err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	opts := automaton.Options{Inspect: true}
	if v != nil {
		opts.Token = v.Lookup
	}
	prog, err := automaton.Compile(g, opts)
	if errors.Is(err, automaton.ErrLeftRecursive) {
		if g, err = gbnf.EliminateLeftRecursion(g); err != nil {
			return nil, fmt.Errorf("grammar: %w", err)
		}
		prog, err = automaton.Compile(g, opts)
	}
	if err != nil {
		return nil, fmt.Errorf("grammar: %w", err)
	}
	t := &Trace{prog: prog, cache: automaton.NewCache(prog), vocab: v, at: automaton.Start}
	if prog.HasDistinct() {
		t.scanner = jsonscan.New()
	}
	return t, nil
}

// next returns the configuration after a byte.
func (t *Trace) next(at int32, b byte) int32 {
	if t.scanner == nil {
		return t.cache.Next(at, t.prog.Class(b))
	}
	return mask.Step(t.cache, t.prog.Class(b), at, b, t.scanner)
}

// Accept takes the next byte and reports whether it was possible; if not, nothing changes.
func (t *Trace) Accept(b byte) bool {
	if t.scanner == nil {
		return t.move(t.next(t.at, b))
	}
	place := t.scanner.Mark()
	if t.move(t.next(t.at, b)) {
		return true
	}
	t.scanner.Restore(place)
	return false
}

// AcceptToken takes the next token as token terminals do, as a unit, or by its bytes, and
// reports whether it was possible; if not, nothing changes. It needs a vocabulary.
func (t *Trace) AcceptToken(id int32) bool {
	via := automaton.Dead
	var place jsonscan.State
	if t.scanner != nil {
		place = t.scanner.Mark()
	}
	if t.vocab.IsText(id) {
		via = t.at
		for _, b := range t.vocab.Bytes(id) {
			if via = t.next(via, b); via == automaton.Dead {
				break
			}
		}
	}
	if t.scanner != nil && via == automaton.Dead {
		t.scanner.Restore(place)
	}
	return t.move(t.cache.NextToken(t.at, id, via, t.vocab.IsEOG(id)))
}

func (t *Trace) move(to int32) bool {
	if to == automaton.Dead {
		return false
	}
	t.at = to
	return true
}

// Accepting reports whether the text may end here.
func (t *Trace) Accepting() bool { return t.cache.Accepting(t.at) }

// Done reports whether it must.
func (t *Trace) Done() bool { return t.cache.Done(t.at) }

// MinBytes returns the length of the shortest completion.
func (t *Trace) MinBytes() int { return int(t.cache.Dist(t.at)) }

// Possible returns the bytes that may come next.
func (t *Trace) Possible() (set [256]bool) {
	for b := range 256 {
		if t.scanner == nil {
			set[b] = t.next(t.at, byte(b)) != automaton.Dead
			continue
		}
		place := t.scanner.Mark()
		set[b] = t.next(t.at, byte(b)) != automaton.Dead
		t.scanner.Restore(place)
	}
	return set
}

// Shortest returns the first bytes of a shortest completion, at most limit. A token
// terminal ends it, since it has no bytes.
func (t *Trace) Shortest(limit int) []byte {
	var text []byte
	for at := t.at; len(text) < limit && t.cache.Dist(at) > 0; {
		best, next := -1, automaton.Dead
		for k := range t.prog.Classes() {
			if to := t.cache.Next(at, uint8(k)); to != automaton.Dead && t.cache.Dist(to) < t.cache.Dist(at) {
				if best < 0 || t.cache.Dist(to) < t.cache.Dist(next) {
					best, next = k, to
				}
			}
		}
		if best < 0 {
			break
		}
		lo, hi := t.prog.ClassRange(uint8(best))
		text = append(text, legible(lo, hi))
		at = next
	}
	return text
}

// legible picks a byte for people from a range.
func legible(lo, hi byte) byte {
	for _, b := range [...]byte{'a', 'A', '1', '0', ' '} {
		if lo <= b && b <= hi {
			return b
		}
	}
	return lo
}

// The parts of a Position.
type (
	// Frame is one frame of a parser stack: within a rule, an item of a repetition, a member
	// of a list, or the separator after one.
	Frame = automaton.Frame
	// FrameKind says what a Frame stands for.
	FrameKind = automaton.FrameKind
	// Continuation is a range of bytes that may come next. Text is empty where there is more
	// than one; else it holds that byte and those that are bound to follow it within the rule.
	Continuation = automaton.Continuation
	// TokenTerminal is a token that may come next, or with Negated any other.
	TokenTerminal = automaton.TokenTerminal
	// Position is one way to read the text so far: the stack, the root rule first, and what
	// may come next there.
	Position = automaton.Thread
)

// The kinds of frames.
const (
	RuleFrame      = automaton.RuleFrame
	RepeatFrame    = automaton.RepeatFrame
	MemberFrame    = automaton.MemberFrame
	SeparatorFrame = automaton.SeparatorFrame
)

// Positions returns up to limit ways to read the text so far, and whether there are more.
// A way in which the text has ended is none of them: see Accepting.
func (t *Trace) Positions(limit int) (positions []Position, more bool) {
	return t.cache.Threads(t.at, limit)
}

// Rule returns the rule of a Frame. Rules that compiling added have names and sources of
// the rules that they come from.
func (t *Trace) Rule(f Frame) *gbnf.Rule { return t.prog.Rule(f.Rule) }
