package gbnf

import (
	"slices"
	"strconv"
	"strings"
)

// Builder assembles a Grammar rule by rule. Front ends share one Builder to place
// their rules into one grammar. The zero value is not usable; call NewBuilder.
// A Builder is not safe for concurrent use.
type Builder struct {
	g        Grammar
	next     map[string]int      // name that is taken -> the least number that may be free behind it
	comments map[RuleID][]string // lines, until the grammar is finished
}

// NewBuilder returns an empty Builder.
func NewBuilder() *Builder { return &Builder{next: make(map[string]int)} }

// Declare reserves a rule under a unique name derived from name (characters that GBNF
// does not allow become '-', and a number is appended if the name is taken). The rule
// must get its expression with Define before the grammar is used.
func (b *Builder) Declare(name string) RuleID {
	name = RuleName(name)
	unique := name
	if n, taken := b.next[name]; taken {
		for ; taken; n++ {
			unique = name + "-" + strconv.Itoa(n)
			_, taken = b.next[unique]
		}
		b.next[name] = n
	}
	b.next[unique] = 2
	id := RuleID(len(b.g.Rules))
	b.g.Rules = append(b.g.Rules, Rule{Name: unique})
	return id
}

// Define sets the expression of a declared rule and returns a reference to it.
func (b *Builder) Define(id RuleID, e Expr) *Ref {
	b.g.Rules[id].Expr = e
	return &Ref{Rule: id}
}

// Add declares and defines a rule in one step.
func (b *Builder) Add(name string, e Expr) *Ref { return b.Define(b.Declare(name), e) }

// Comment appends a line to the comment printed above a rule, where each line stands once.
func (b *Builder) Comment(id RuleID, line string) {
	if b.comments == nil {
		b.comments = make(map[RuleID][]string)
	}
	b.comments[id] = append(b.comments[id], line)
}

// SetSource says what a rule was made of.
func (b *Builder) SetSource(id RuleID, s *Source) { b.g.Rules[id].Source = s }

// Len returns the number of rules declared so far.
func (b *Builder) Len() int { return len(b.g.Rules) }

// Import adds the rules of another grammar, under names that are unique here, and returns a
// reference to its root. Its expressions are copied where they refer to rules.
func (b *Builder) Import(g *Grammar) *Ref {
	first := RuleID(len(b.g.Rules))
	for i := range g.Rules {
		id := b.Declare(g.Rules[i].Name)
		b.g.Rules[id].Comment, b.g.Rules[id].Source = g.Rules[i].Comment, g.Rules[i].Source
	}
	for i := range g.Rules {
		b.g.Rules[first+RuleID(i)].Expr = mapExpr(g.Rules[i].Expr, func(_, e Expr) Expr {
			if ref, ok := e.(*Ref); ok {
				return &Ref{Rule: ref.Rule + first}
			}
			return e
		})
	}
	return &Ref{Rule: first + g.Root}
}

// Grammar returns the finished grammar with the given start rule. The Builder must not
// be used afterwards.
func (b *Builder) Grammar(root RuleID) *Grammar {
	b.g.Root = root
	for id, lines := range b.comments {
		seen := make(map[string]bool, len(lines))
		lines = slices.DeleteFunc(lines, func(line string) bool {
			again := seen[line]
			seen[line] = true
			return again
		})
		r := &b.g.Rules[id]
		r.Comment = joinLines(r.Comment, strings.Join(lines, "\n"))
	}
	b.comments = nil
	return &b.g
}

// RuleName turns any text into a legal rule name.
func RuleName(s string) string {
	if isRuleName(s) {
		return s
	}
	var sb strings.Builder
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			sb.WriteRune(r)
		default:
			sb.WriteByte('-')
		}
		if sb.Len() >= maxNameBytes {
			break
		}
	}
	name := strings.Trim(sb.String(), "-")
	if name == "" {
		return "r"
	}
	if name[0] >= '0' && name[0] <= '9' {
		return "r" + name
	}
	return name
}

// isRuleName reports whether RuleName would leave a name as it is.
func isRuleName(s string) bool {
	if s == "" || len(s) > maxNameBytes || s[0] == '-' || s[len(s)-1] == '-' || '0' <= s[0] && s[0] <= '9' {
		return false
	}
	return isGBNFName(s)
}

// maxNameBytes cuts derived rule names: long tool or property names would otherwise
// make printed grammars unreadable. Uniqueness does not depend on it.
const maxNameBytes = 48

// Lit returns a Literal.
func Lit(text string) *Literal { return &Literal{Text: text} }

// Concat returns a Seq of its arguments.
func Concat(items ...Expr) *Seq { return &Seq{Items: items} }

// OneOf returns an Alt of its arguments.
func OneOf(items ...Expr) *Alt { return &Alt{Items: items} }

// Opt returns an optional item.
func Opt(item Expr) *Repeat { return &Repeat{Item: item, Min: 0, Max: 1} }

// Star returns an item repeated without bound.
func Star(item Expr) *Repeat { return &Repeat{Item: item, Min: 0, Max: -1} }

// Plus returns an item repeated at least once.
func Plus(item Expr) *Repeat { return &Repeat{Item: item, Min: 1, Max: -1} }

// Set returns a Class of the given inclusive ranges, given as pairs lo, hi.
func Set(pairs ...rune) *Class {
	c := &Class{}
	for i := 0; i+1 < len(pairs); i += 2 {
		c.Ranges = append(c.Ranges, Range{pairs[i], pairs[i+1]})
	}
	return c
}
