package gbnf

import (
	"strings"
	"testing"
)

// list is a JSON array of items that must differ.
func list(item Expr) Expr {
	item = &Distinct{Item: item}
	return &Document{Item: Concat(Lit("["), item, Star(Concat(Lit(","), item)), Lit("]"))}
}

func TestPrintDistinct(t *testing.T) {
	b := NewBuilder()
	g := b.Grammar(b.Add("root", list(Plus(Set('0', '9')))).Rule)
	want := "# " + distinctComment + "\nroot ::= \"[\" [0-9]+ (\",\" [0-9]+)* \"]\"\n"
	if got := g.String(); got != want {
		t.Errorf("printed\n%swant\n%s", got, want)
	}
	if _, ok := g.Rules[g.Root].Expr.(*Document); !ok {
		t.Error("printing changed the grammar")
	}
}

// TestDistinctKept checks that transformations keep the nodes.
func TestDistinctKept(t *testing.T) {
	b := NewBuilder()
	item := b.Add("item", OneOf(Lit("1"), OneOf(), Lit("2")))
	left := b.Declare("left")
	b.Define(left, OneOf(Concat(&Ref{Rule: left}, Lit("x")), Lit("y")))
	g := b.Grammar(b.Add("root", Concat(list(item), &Ref{Rule: left})).Rule)
	for name, transform := range map[string]func(*Grammar) (*Grammar, error){"Trim": Trim, "EliminateLeftRecursion": EliminateLeftRecursion} {
		out, err := transform(g)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		var walk func(Expr) bool
		walk = func(e Expr) bool {
			if _, ok := unwrap(e); ok {
				count++
			}
			children(e, walk)
			return true
		}
		for _, rule := range out.Rules {
			walk(rule.Expr)
		}
		if count != 3 {
			t.Errorf("%s leaves %d of 3 nodes", name, count)
		}
	}
}

func TestDistinctErrors(t *testing.T) {
	b := NewBuilder()
	id := b.Declare("root")
	b.Define(id, OneOf(Concat(&Distinct{Item: &Ref{Rule: id}}, Lit("x")), Lit("y")))
	if _, err := EliminateLeftRecursion(b.Grammar(id)); err == nil || !strings.Contains(err.Error(), "must differ") {
		t.Errorf("left recursion through a value that must differ: %v", err)
	}
	if err := Check(&Grammar{Rules: []Rule{{Name: "root", Expr: &Distinct{}}}}); err == nil {
		t.Error("a Distinct without an item passes")
	}
}
