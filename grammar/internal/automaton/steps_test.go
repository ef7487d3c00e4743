package automaton

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
)

// TestRuns makes steps by runs of classes in any order and compares them with a table.
func TestRuns(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	full, kept := 0, 0
	for range 2000 {
		r := noSteps
		var table [lastClass + 1]int32
		targets := 1 + rng.Int32N(6)
		for range 12 {
			lo, hi := rng.IntN(lastClass+1), rng.IntN(lastClass+1)
			if rng.IntN(3) == 0 {
				hi = lo
			}
			lo, hi = min(lo, hi), max(lo, hi)
			next := 1 + rng.Int32N(targets)
			before := r
			if !r.set(uint8(lo), uint8(hi), next) {
				if full++; r != before {
					t.Fatal("runs that are too many were changed")
				}
				break
			}
			kept++
			for k := lo; k <= hi; k++ {
				table[k] = next
			}
			for k, want := range table {
				if got := r.at(uint8(k)); got != want {
					t.Fatalf("after [%d, %d] -> %d: class %d leads to %d, want %d", lo, hi, next, k, got, want)
				}
			}
		}
	}
	if full < 100 || kept < 1000 {
		t.Errorf("runs were too many %d times, and not %d times: both are to be tested", full, kept)
	}
}

// TestManyClasses: where there are more classes than runs can tell apart, steps are in rows, also those from nowhere.
func TestManyClasses(t *testing.T) {
	var text strings.Builder
	text.WriteString("root ::= ")
	for r := rune(1); r <= 0xFF; r++ {
		fmt.Fprintf(&text, `[\u%04x] "%d" | `, r, r%10)
	}
	text.WriteString(`"end"`)
	g, err := gbnf.Parse(text.String())
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Classes() <= lastClass+1 {
		t.Fatalf("%d classes only", p.Classes())
	}
	c := NewCache(p)
	for range 2 { // made, and looked up
		for r := rune(1); r <= 0xFF; r++ {
			for digit := range 10 {
				id := followText(c, Start, fmt.Sprintf("%c%d", r, digit))
				if got, want := c.Accepting(id), int(r)%10 == digit; got != want {
					t.Fatalf("%q and %d are accepted: %v, want %v", r, digit, got, want)
				}
			}
		}
		for k := range p.Classes() {
			if next := c.Next(Dead, uint8(k)); next != Dead {
				t.Fatalf("class %d leads from nowhere to %d", k, next)
			}
		}
	}
}

func BenchmarkRuns(b *testing.B) {
	r := noSteps
	for k := range uint8(maxRuns - 1) {
		r.set(k*16, k*16+7-k%2, int32(k)+1)
	}
	sum := int32(0)
	for i := range b.N {
		sum += r.at(uint8(i) & lastClass)
	}
	if sum == 0 {
		b.Fatal("no step is found")
	}
}
