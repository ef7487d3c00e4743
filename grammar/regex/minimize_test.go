package regex

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// randomDFA draws an automaton of up to eight states over the symbols a, b, … of random transitions,
// many of them dead; its states are in no order.
func randomDFA(r *rand.Rand) *DFA {
	n, symbols := 1+r.IntN(8), 1+r.IntN(3)
	sets := make([]Set, symbols)
	for i := range sets {
		sets[i] = Set{{Lo: 'a' + rune(i), Hi: 'a' + rune(i)}}
	}
	d := &DFA{alphabet: literalAlphabet(sets), start: int32(r.IntN(n+1)) - 1}
	for range n * d.alphabet.symbols {
		d.next = append(d.next, max(dead, int32(r.IntN(2*n)-n)))
	}
	for range n {
		d.accept = append(d.accept, r.IntN(3) == 0)
	}
	return d
}

// after returns the state behind one, len(d.accept) for the dead one.
func (d *DFA) after(q, sym int) int {
	if n := len(d.accept); q == n || d.next[q*d.alphabet.symbols+sym] == dead {
		return n
	}
	return int(d.next[q*d.alphabet.symbols+sym])
}

// languages numbers the languages of the states, the dead one last: Moore's algorithm, round by round.
func (d *DFA) languages() []int {
	n, k := len(d.accept), d.alphabet.symbols
	class := make([]int, n+1)
	for q := range n {
		if d.accept[q] {
			class[q] = 1
		}
	}
	for range n + 1 {
		known := make(map[string]int)
		next := make([]int, n+1)
		for q := range class {
			key := []byte{byte(class[q])}
			for sym := range k {
				key = append(key, byte(class[d.after(q, sym)]))
			}
			if _, ok := known[string(key)]; !ok {
				known[string(key)] = len(known)
			}
			next[q] = known[string(key)]
		}
		class = next
	}
	return class
}

// classesOf counts the languages of states that are reached, other than the empty one.
func classesOf(d *DFA) int {
	n, k := len(d.accept), d.alphabet.symbols
	class := d.languages()
	reached := make(map[int]bool)
	seen := make([]bool, n+1)
	var visit func(q int)
	visit = func(q int) {
		if seen[q] {
			return
		}
		seen[q] = true
		if class[q] != class[n] {
			reached[class[q]] = true
		}
		for sym := range k {
			visit(d.after(q, sym))
		}
	}
	if d.start != dead {
		visit(int(d.start))
	}
	return len(reached)
}

// texts are all texts of up to five of the letters that automata of randomDFA tell apart, and one more.
func texts() []string {
	out := []string{""}
	for from, to := 0, 1; len(out[from]) < 5; from, to = to, len(out) {
		for _, t := range out[from:to] {
			for _, c := range "abcz" {
				out = append(out, t+string(c))
			}
		}
	}
	return out
}

// TestMinimize holds automata, complements and products against their definitions: what they accept,
// and how many states that takes.
func TestMinimize(t *testing.T) {
	all := texts()
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		raw, other := randomDFA(r), randomDFA(r)
		a, b := raw.minimize(), other.minimize()
		both, err := Intersect(a, b, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if some, err := Meet(a, b, Limits{}); err != nil || some == both.Empty() {
			t.Fatalf("round %d: two automata meet: %t, %v; none of both: %t", round, some, err, both.Empty())
		}
		results := map[string]*DFA{"minimal": a, "complement": a.Complement(), "complement of any": raw.Complement(), "twice": a.Complement().Complement(), "both": both}
		for name, d := range results {
			if got, want := d.States(), classesOf(d); got != want {
				t.Fatalf("round %d: %s has %d states, %d classes", round, name, got, want)
			}
			if !d.inOrder() {
				t.Fatalf("round %d: the states of %s are not in breadth-first order", round, name)
			}
		}
		for _, s := range all {
			in := raw.Match(s)
			for name, want := range map[string]bool{"minimal": in, "complement": !in, "complement of any": !in, "twice": in, "both": in && other.Match(s)} {
				if got := results[name].Match(s); got != want {
					t.Fatalf("round %d: %s accepts %q: %t, want %t", round, name, s, got, want)
				}
			}
		}
		if want := classesOf(raw); a.States() != want {
			t.Fatalf("round %d: %d states, want %d", round, a.States(), want)
		}
	}
}

// TestSignatures holds that states of one language have one signature, that exact ones are of one language
// each, and that some are exact, some with heights only, and some not at all.
func TestSignatures(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	s := newScratch()
	defer s.release()
	ways := make([]int, 3)
	for round := range 3000 {
		d := randomDFA(r).trim(s)
		if d.start == dead {
			continue
		}
		language := d.languages()
		way := 0
		for g := d.signatures(s); g != nil; g, way = g.higher(d, s), way+1 {
			for q, c := range g.class {
				for p := range q {
					if one := language[p] == language[q]; one && g.class[p] != c {
						t.Fatalf("round %d: states %d and %d accept the same and differ", round, p, q)
					} else if !one && g.class[p] == c && g.exact(d) {
						t.Fatalf("round %d: states %d and %d accept different strings", round, p, q)
					}
				}
			}
			if way == 2 || g.exact(d) {
				break
			}
		}
		ways[way]++
		s.used = 0
	}
	if slices.Contains(ways, 0) {
		t.Errorf("exact, exact with heights, not exact: %d", ways)
	}
}

// inOrder reports whether the states are numbered as a breadth-first search meets them.
func (d *DFA) inOrder() bool {
	k := d.alphabet.symbols
	next := int32(1)
	for _, t := range d.next[:len(d.accept)*k] {
		if t > next {
			return false
		}
		if t == next {
			next++
		}
	}
	return d.start <= 0
}

// TestWithin holds what is said of lengths against the strings themselves.
func TestWithin(t *testing.T) {
	lengthsOf := make(map[string]int)
	for _, s := range texts() {
		lengthsOf[s] = len(s)
	}
	r := rand.New(rand.NewPCG(3, 4))
	unknown := 0
	for round := range 400 {
		d := randomDFA(r).minimize()
		var lengths []int
		for s, n := range lengthsOf {
			if d.Match(s) {
				lengths = append(lengths, n)
			}
		}
		for lo := range 4 {
			for hi := -1; hi <= 4; hi++ {
				some, known := d.Within(Window{Min: lo, Max: hi})
				if !known {
					unknown++
					continue
				}
				want := slices.ContainsFunc(lengths, func(n int) bool { return n >= lo && (hi < 0 || n <= hi) })
				if longer := hi < 0 && some && !want; some != want && !longer {
					t.Fatalf("round %d: within %d to %d: %t, want %t", round, lo, hi, some, want)
				}
			}
		}
	}
	if unknown == 0 {
		t.Error("no window was left open")
	}
}
