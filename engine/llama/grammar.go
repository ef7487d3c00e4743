package llama

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"math"
	"unsafe"
)

// Bounds of a grammar given to llama.cpp, whose parser recurses for every parenthesis and
// whose left-recursion check recurses along chains of rules.
const (
	MaxGrammarBytes   = 1 << 20
	MaxGrammarNesting = 500
)

// GrammarSampler is llama.cpp's own grammar engine: a second opinion on which tokens a GBNF
// grammar allows. It belongs to one goroutine at a time.
type GrammarSampler struct {
	model *Model
	c     unsafe.Pointer // llama_sampler; nil after Close
	tries []C.cl_token_data
}

// NewGrammarSampler parses a GBNF grammar that starts at the rule root. llama.cpp writes what
// it does not like about a grammar to standard error, not to its log: the error here says
// little more than that it was refused.
func (m *Model) NewGrammarSampler(gbnf, root string) (*GrammarSampler, error) {
	if !m.HasVocab() {
		return nil, errNoVocab
	}
	if err := checkGrammar(gbnf, root); err != nil {
		return nil, err
	}
	if !m.life.acquire() {
		return nil, ErrClosed
	}
	text, name := C.CString(gbnf), C.CString(root)
	defer C.free(unsafe.Pointer(text)) // unsafe: what C.CString allocates, C frees
	defer C.free(unsafe.Pointer(name))
	mark := m.lib.log.mark()
	c := C.cl_llama_sampler_init_grammar(m.lib.c, m.vocab, text, name)
	if c == nil {
		m.release()
		return nil, &Error{Op: "parse grammar", Reason: m.lib.log.since(mark)}
	}
	return &GrammarSampler{model: m, c: c}, nil
}

// checkGrammar refuses what llama.cpp would take for something else (an empty text is no
// grammar at all, which allows everything) or overflow its stack on.
func checkGrammar(gbnf, root string) error {
	switch {
	case gbnf == "" || root == "":
		return fmt.Errorf("llama: empty grammar or root rule")
	case len(gbnf) > MaxGrammarBytes || len(root) > MaxGrammarBytes:
		return fmt.Errorf("llama: grammar of %d bytes: at most %d (MaxGrammarBytes)", len(gbnf), MaxGrammarBytes)
	}
	if err := checkText("grammar", gbnf); err != nil {
		return err
	}
	if err := checkText("root rule", root); err != nil {
		return err
	}
	depth, closer := 0, byte(0) // closer ends the literal, class or comment that i is in
	for i := 0; i < len(gbnf); i++ {
		switch b := gbnf[i]; {
		case closer != 0:
			if b == '\\' && closer != '\n' {
				i++
			} else if b == closer {
				closer = 0
			}
		case b == '"':
			closer = '"'
		case b == '[':
			closer = ']'
		case b == '#':
			closer = '\n'
		case b == '(':
			depth++
		case b == ')':
			depth--
		}
		if depth > MaxGrammarNesting {
			return fmt.Errorf("llama: grammar nests more than %d groups (MaxGrammarNesting) at byte %d", MaxGrammarNesting, i)
		}
	}
	return nil
}

// Allowed tells for each of the tokens whether the grammar allows it next.
func (g *GrammarSampler) Allowed(tokens []int32) ([]bool, error) {
	if g.c == nil {
		return nil, ErrClosed
	}
	g.tries = g.tries[:0]
	for _, t := range tokens {
		if t < 0 || int(t) >= g.model.nTokens {
			return nil, fmt.Errorf("llama: token %d is not one of %d", t, g.model.nTokens)
		}
		g.tries = append(g.tries, C.cl_token_data{id: C.int32_t(t)})
	}
	allowed := make([]bool, len(tokens))
	if len(tokens) == 0 {
		return allowed, nil
	}
	// unsafe: C reads and writes the candidates during the call only.
	C.cl_grammar_apply(g.model.lib.c, g.c, (*C.cl_token_data)(unsafe.Pointer(&g.tries[0])), C.size_t(len(g.tries)))
	for i := range g.tries {
		allowed[i] = !math.IsInf(float64(g.tries[i].logit), -1)
	}
	return allowed, nil
}

// Accept moves the grammar past a token; ErrRefused if it does not allow it.
func (g *GrammarSampler) Accept(token int32) error {
	allowed, err := g.Allowed([]int32{token})
	if err != nil {
		return err
	}
	if !allowed[0] {
		return ErrRefused
	}
	C.cl_llama_sampler_accept(g.model.lib.c, g.c, C.int32_t(token))
	return nil
}

// Clone returns an independent copy in the same state.
func (g *GrammarSampler) Clone() (*GrammarSampler, error) {
	if g.c == nil {
		return nil, ErrClosed
	}
	g.model.life.refs.Add(1) // this sampler keeps the model: the count is not zero
	return &GrammarSampler{model: g.model, c: C.cl_llama_sampler_clone(g.model.lib.c, g.c)}, nil
}

// Close frees the sampler.
func (g *GrammarSampler) Close() error {
	if g.c != nil {
		C.cl_llama_sampler_free(g.model.lib.c, g.c)
		g.c = nil
		g.model.release()
	}
	return nil
}
