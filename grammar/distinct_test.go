package grammar_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/vocab"
)

// documents draws grammars of JSON documents with values that must differ.
type documents struct{ *rand.Rand }

func (d documents) root() *gbnf.Grammar {
	b := gbnf.NewBuilder()
	doc := &gbnf.Document{Item: d.value(2)}
	return b.Grammar(b.Add("root", gbnf.Concat(gbnf.Lit(pickOf(d.Rand, "", "", "call ")), doc)).Rule)
}

func pickOf[T any](r *rand.Rand, options ...T) T { return options[r.IntN(len(options))] }

func (d documents) value(depth int) gbnf.Expr {
	if depth == 0 {
		return d.scalar()
	}
	switch d.IntN(6) {
	case 0:
		return gbnf.OneOf(d.array(depth), d.array(depth))
	case 1:
		return gbnf.OneOf(d.object(depth), d.object(depth))
	case 2:
		return gbnf.OneOf(d.array(depth), d.scalar())
	case 3:
		return d.object(depth)
	}
	return d.array(depth)
}

func (d documents) scalar() gbnf.Expr {
	letters := func(low, high int) gbnf.Expr {
		char := gbnf.OneOf(gbnf.Set('a', 'b'), gbnf.Lit(`\u0061`))
		if d.IntN(2) == 0 {
			char = gbnf.OneOf(gbnf.Set('a', 'b'))
		}
		return gbnf.Concat(gbnf.Lit(`"`), &gbnf.Repeat{Item: char, Min: low, Max: high}, gbnf.Lit(`"`))
	}
	number := gbnf.Concat(gbnf.Set('1', '2'), &gbnf.Repeat{Item: gbnf.Set('0', '1'), Min: 0, Max: pickOf(d.Rand, -1, 1, 2)},
		gbnf.Opt(pickOf[gbnf.Expr](d.Rand, gbnf.Lit(".0"), gbnf.Lit("e1"), gbnf.Lit("0"))))
	switch d.IntN(7) {
	case 0:
		return letters(0, -1)
	case 1:
		return letters(0, 1)
	case 2:
		return number
	case 3:
		return gbnf.OneOf(gbnf.Lit("true"), gbnf.Lit("null"), letters(1, 1))
	case 4:
		return gbnf.OneOf(gbnf.Lit(`"a"`), gbnf.Lit("1"), number)
	case 5:
		return gbnf.OneOf(gbnf.Lit("1"), gbnf.Lit("1.0"), gbnf.Lit("10e-1"), gbnf.Lit("2"))
	}
	return gbnf.OneOf(gbnf.Lit(`"a"`), gbnf.Lit(`"ab"`), gbnf.Lit(`"b"`))
}

func (d documents) space() gbnf.Expr {
	return pickOf[gbnf.Expr](d.Rand, gbnf.Lit(""), gbnf.Lit(""), gbnf.Opt(gbnf.Lit(" ")))
}

// separator is a comma, and white space that may or must follow it.
func (d documents) separator() gbnf.Expr {
	return gbnf.Concat(gbnf.Lit(","), pickOf[gbnf.Expr](d.Rand, gbnf.Lit(""), gbnf.Opt(gbnf.Lit(" ")), gbnf.Lit(" ")))
}

func (d documents) array(depth int) gbnf.Expr {
	item := d.value(depth - 1)
	if d.IntN(4) > 0 {
		item = &gbnf.Distinct{Item: item}
	}
	item = gbnf.Concat(item, d.space())
	rest := &gbnf.Repeat{Item: gbnf.Concat(d.separator(), item), Min: 0, Max: pickOf(d.Rand, -1, 2)}
	return gbnf.Concat(gbnf.Lit("["), d.space(), gbnf.Opt(gbnf.Concat(item, rest)), gbnf.Lit("]"))
}

func (d documents) object(depth int) gbnf.Expr {
	member := func(name, value gbnf.Expr) gbnf.Expr {
		return gbnf.Concat(name, gbnf.Lit(":"), d.space(), value)
	}
	m := &gbnf.Members{Sep: d.separator(), Ordered: d.IntN(2) == 0}
	for _, name := range []string{`"a"`, `"b"`} {
		if d.IntN(2) == 0 {
			m.Items = append(m.Items, gbnf.Member{Expr: member(gbnf.Lit(name), d.value(depth-1)), Required: d.IntN(2) == 0})
		}
	}
	// Other names, which differ from those: c, cc, ca, …
	char := pickOf[gbnf.Expr](d.Rand, gbnf.Set('a', 'c'), gbnf.OneOf(gbnf.Lit("a"), gbnf.Lit(`\u0061`)), gbnf.Lit(`\n`))
	name := gbnf.Concat(gbnf.Lit(`"c`), &gbnf.Repeat{Item: char, Min: 0, Max: pickOf(d.Rand, -1, 1)}, gbnf.Lit(`"`))
	m.Items = append(m.Items, gbnf.Member{Expr: member(&gbnf.Distinct{Item: name}, d.value(depth-1)), Repeat: true})
	return gbnf.Concat(gbnf.Lit("{"), m, gbnf.Lit("}"))
}

// vocabOf has all bytes that matter as tokens, and pieces of texts of the grammar.
func vocabOf(t *testing.T, g *gbnf.Grammar, r *rand.Rand) *vocab.Vocab {
	t.Helper()
	c := vocab.Config{Tokens: [][]byte{nil, []byte("</s>")}, EOG: []int32{eog}}
	for _, b := range []byte(`[]{},:" \.` + "abcdeflnrtu01269-") {
		c.Tokens = append(c.Tokens, []byte{b})
	}
	bytes := byteVocab(t)
	plain, err := grammar.Compile(g, bytes, grammar.Limits{})
	if err != nil {
		t.Fatalf("%v", err)
	}
	for range 4 {
		m := plain.NewMatcher()
		text := ""
		for len(text) < 40 && !m.Done() {
			set := m.Mask()
			if set.Count() == 0 {
				t.Fatalf("after %q: dead end: %s", text, g)
			}
			tok := pick(r, set)
			if tok == 256 || m.Accept(tok) != nil {
				break
			}
			text += string(bytes.Bytes(tok))
		}
		for range 8 {
			if len(text) > 1 {
				from := r.IntN(len(text) - 1)
				c.Tokens = append(c.Tokens, []byte(text[from:min(len(text), from+2+r.IntN(8))]))
			}
		}
	}
	v, err := vocab.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// completable decides whether a text can be completed, by trying: the oracle's viable knows
// of the values in the text only, not of those to come.
type completable struct {
	o     *oracle
	known map[string]bool
	bytes []byte
	tries int // left, then the answer is unknown
}

// check returns whether a text can be completed within depth bytes, if it finds that out.
func (c *completable) check(text string, depth int) (can, sure bool) {
	if can, ok := c.known[text]; ok {
		return can, true
	}
	if c.tries--; c.tries < 0 || depth == 0 {
		return false, false
	}
	member, viable := c.o.check(text)
	if !viable || member {
		c.known[text] = member
		return member, true
	}
	sure = true
	for _, b := range c.bytes {
		can, known := c.check(text+string(b), depth-1)
		if can {
			c.known[text] = true
			return true, true
		}
		sure = sure && known
	}
	if sure {
		c.known[text] = false
	}
	return false, sure
}

// maxTries bounds the texts that are tried for one question.
const maxTries = 300

// deepest bounds the completions that are tried, in bytes.
const deepest = 24

func checkDocument(t *testing.T, seed uint64) (asked, unsure int) {
	r := rand.New(rand.NewPCG(seed, 5))
	g := documents{r}.root()
	describe := func() string { return fmt.Sprintf("seed %d\n%s", seed, g) }
	v := vocabOf(t, g, r)
	c, err := grammar.Compile(g, v, grammar.Limits{})
	if err != nil {
		t.Fatalf("%v: %s", err, describe())
	}
	tight, err := grammar.Compile(g, v, grammar.Limits{CacheBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	eager, err := grammar.CompileEager(g, v)
	if err != nil {
		t.Fatal(err)
	}
	o := &completable{o: newOracle(g), known: map[string]bool{}, bytes: []byte(`]}":,[{ 1a2b0cn.e\u6` + "trl-")}
	for range 2 {
		m, n, k := c.NewMatcher(), tight.NewMatcher(), eager.NewMatcher()
		text := ""
		for range 10 {
			want := vocab.NewMask(v.Width())
			for tok := range int32(v.Len()) {
				if !v.IsText(tok) {
					continue
				}
				o.tries = maxTries
				can, sure := o.check(text+string(v.Bytes(tok)), deepest)
				if can || !sure && m.Mask().Has(tok) {
					want.Set(tok)
				}
				asked++
				if !sure {
					unsure++
				}
			}
			if member, _ := o.o.check(text); member {
				want.Set(eog)
			}
			for i, x := range []*grammar.Matcher{m, n, k} {
				if got := x.Mask(); !got.Equal(want) {
					t.Fatalf("after %q: mask %d is %q, want %q: %s", text, i, texts(v, got), texts(v, want), describe())
				}
			}
			if want.Count() == 0 {
				t.Fatalf("after %q: dead end: %s", text, describe())
			}
			m.ForcedTokens(8, func(text []byte) (tokens []int32) { // changes nothing
				for _, b := range text {
					tok, _ := v.Lookup(string(b))
					tokens = append(tokens, tok)
				}
				return tokens
			})
			checkClosing(t, m.Clone(), func() string { return fmt.Sprintf("after %q: %s", text, describe()) })
			for tok := range int32(v.Len()) {
				if !want.Has(tok) && m.Accept(tok) == nil {
					t.Fatalf("after %q: token %q is accepted: %s", text, v.Bytes(tok), describe())
				}
			}
			tok := pick(r, want)
			if tok == eog {
				break
			}
			for _, x := range []*grammar.Matcher{m, n, k} {
				if err := x.Accept(tok); err != nil {
					t.Fatalf("after %q: %v: %s", text, err, describe())
				}
			}
			text += string(v.Bytes(tok))
			if twin := m.Clone(); m.Len() > 2 {
				back := 1 + r.IntN(m.Len()-1)
				twin.Mask()
				if err := m.Rollback(back); err != nil {
					t.Fatal(err)
				}
				m.Mask()
				m = twin
			}
		}
	}
	for range 8 {
		checkSteered(t, c, r, c.MinBytes()+r.IntN(12), describe)
	}
	return asked, unsure
}

// checkClosing follows the tokens of Closing, which must lead to the end, one less to go after
// each.
func checkClosing(t *testing.T, m *grammar.Matcher, describe func() string) {
	t.Helper()
	for left := m.MinTokens(); !m.Accepting(); left-- {
		tok, ok := m.Closing()
		if !ok || m.MinTokens() > left || !m.FitsAfter(tok, left-1) {
			t.Fatalf("%d tokens left of %d, the next is %d %v: %s", m.MinTokens(), left, tok, ok, describe())
		}
		if err := m.Accept(tok); err != nil {
			t.Fatalf("%v: %s", err, describe())
		}
	}
}

// checkSteered generates within a budget. Where the text cannot end in time because values are
// used up, the matcher must say so before there is nothing left to write.
func checkSteered(t *testing.T, c *grammar.Compiled, r *rand.Rand, left int, describe func() string) {
	t.Helper()
	m := c.NewMatcher()
	text := ""
	for ; !m.Done(); left-- {
		set := vocab.NewMask(c.Vocab().Width())
		fits := m.FillMaskWithin(set, left)
		switch {
		case !fits:
			return
		case set.Count() == 0:
			t.Fatalf("after %q with %d left: nothing is allowed: %s", text, left, describe())
		case left == 0 && !m.Accepting():
			t.Fatalf("after %q: it is said to fit and has no end: %s", text, describe())
		case left == 0:
			return
		}
		tok := pick(r, set)
		if err := m.Accept(tok); err != nil {
			t.Fatalf("after %q: %v: %s", text, err, describe())
		}
		if tok == eog {
			return
		}
		text += string(c.Vocab().Bytes(tok))
	}
}

func TestDistinctMasksEqualTheDefinition(t *testing.T) {
	asked, unsure := 0, 0
	for seed := range uint64(120) {
		a, u := checkDocument(t, seed)
		asked, unsure = asked+a, unsure+u
	}
	t.Logf("%d tokens, %d without a certain answer", asked, unsure)
	if unsure*50 > asked {
		t.Error("too many tokens without a certain answer to mean anything")
	}
}

func FuzzDistinctMasks(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { checkDocument(t, seed) })
}
